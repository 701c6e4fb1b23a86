//! What a department agreed to: quotas that outlive a restart, hours, maintenance windows.

use serde_json::{Value, json};

use super::super::hub::{Setup, requests};
use super::{Hub, answers, operator};

/// Requests about different households: the cache spares none of them.
fn households(hub: &Hub, count: usize) -> Vec<Value> {
    requests(hub.system.folder.path()).into_values().take(count).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_a_restart_does_not_give_the_days_quota_again() {
    let mut hub = Hub::start(Setup::default()).await;
    let id = hub.live("hrss", hub.system.adapters["hrss"].addr()).await;
    let terms = json!({ "quotas": [{ "per": "day", "count": 3 }] });
    let agreed = operator(&hub.system).put(&format!("/v1/adapters/{id}/agreement"), &terms).await;
    assert_eq!(agreed.body["done"], "adapter/hrss-1/agreement", "{}", agreed.body);
    let bodies = households(&hub, 12);
    let mut answered = 0;
    let mut full = None;
    for body in &bodies {
        let reply = hub.system.caller.verify(body).await;
        let rows = reply.body["departments"].as_array().unwrap();
        let Some(row) = rows.iter().find(|row| row["department"] == "hrss") else { continue };
        match row["status"].as_str().unwrap() {
            "answered" | "no_record" => answered += 1,
            _ => {
                assert_eq!(
                    (&row["status"], &row["notice"]["code"]),
                    (&json!("quota_exceeded"), &json!("quota_per_day")),
                    "{row}"
                );
                assert!(row["notice"]["zh"].as_str().unwrap().contains("每日至多 3 次"), "{row}");
                assert!(row["notice"]["until"].is_string());
                full = Some(body);
                break;
            }
        }
    }
    assert_eq!(answered, 3);
    let full = full.expect("the quota was used up");
    assert_eq!(hub.show(&id).await["used"]["day/all/any"], 3);
    hub.system = hub.system.restart().await;
    assert_eq!(hub.system.caller.verify(full).await.department("hrss"), "quota_exceeded");
    assert_eq!(hub.show(&id).await["used"]["day/all/any"], 3, "what is used stays used");
    let (_, status) = hub.run(&["adapter", "list", &id]).await;
    assert_eq!(status[0]["used"]["day/all/any"], 3, "{status}");
    // Another limit is in force at once.
    let terms = json!({ "quotas": [{ "per": "day", "count": 5 }] });
    assert_eq!(operator(&hub.system).put(&format!("/v1/adapters/{id}/agreement"), &terms).await.status, 200);
    assert!(answers(&hub.system.caller.verify(full).await, "hrss"));
    hub.system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_of_one_caller_or_purpose_stops_nobody_else() {
    let hub = Hub::start(Setup::default()).await;
    let id = hub.live("hrss", hub.system.adapters["hrss"].addr()).await;
    let put = async |terms: Value| operator(&hub.system).put(&format!("/v1/adapters/{id}/agreement"), &terms).await;
    let terms = json!({ "quotas": [{ "of": { "caller": "tester" }, "per": "hour", "count": 0 }] });
    assert_eq!(put(terms).await.status, 200);
    let body = households(&hub, 1).remove(0);
    let own = hub.system.caller.verify(&body).await;
    assert_eq!(Hub::row(&own, "hrss")["notice"]["code"], "quota_per_hour", "{}", own.body);
    let purposes = hedui::domain::purpose::Purpose::ALL;
    let other = super::super::hub::mint(&hub.system.files, "other", "000000", &purposes);
    let reply = hub.system.caller.with_token(other).verify(&body).await;
    assert!(answers(&reply, "hrss"));
    let purpose = body["purpose"].as_str().unwrap();
    assert_eq!(put(json!({ "quotas": [{ "purpose": purpose, "per": "day", "count": 0 }] })).await.status, 200);
    let fresh = households(&hub, 6).remove(5);
    let refused = hub.system.caller.verify(&fresh).await;
    let row = Hub::row(&refused, "hrss");
    assert_eq!(row["status"] == "quota_exceeded", fresh["purpose"] == purpose, "{row}");
    for wrong in
        [json!({ "quotas": [{ "per": "week", "count": 1 }] }), json!({ "per_second": 0 }), json!({ "timeout_ms": 0 })]
    {
        assert_eq!(put(wrong.clone()).await.status, 422, "{wrong}");
    }
    hub.system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maintenance_window_says_until_when() {
    let hub = Hub::start(Setup::default()).await;
    let id = hub.live("hrss", hub.system.adapters["hrss"].addr()).await;
    let terms = json!({ "maintenance": [{
        "from": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "notice": { "zh": "机房搬迁", "en": "moving house" },
    }] });
    assert_eq!(operator(&hub.system).put(&format!("/v1/adapters/{id}/agreement"), &terms).await.status, 200);
    let body = households(&hub, 1).remove(0);
    let reply = hub.system.caller.verify(&body).await;
    let row = Hub::row(&reply, "hrss");
    assert_eq!((&row["status"], &row["notice"]["code"]), (&json!("unavailable"), &json!("maintenance")), "{row}");
    assert_eq!(
        (&row["notice"]["zh"], &row["notice"]["until"]),
        (&json!("机房搬迁"), &json!("2100-01-01T00:00:00Z")),
        "{row}"
    );
    assert_eq!(reply.verdict_status(), hub.system.caller.verify(&body).await.verdict_status());
    hub.system.stop().await;
}

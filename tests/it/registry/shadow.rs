//! A shadow is asked what the live one is asked; what it says changes nothing, and shows.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::hub::{Setup, requests, second_adapter};
use super::super::stub::{Behaviour, Stub};
use super::{Hub, operator, without_signature};

/// Waits until a shadow was asked this often, and gives what is counted of it.
async fn until_asked(hub: &Hub, id: &str, times: u64) -> Value {
    let begun = std::time::Instant::now();
    loop {
        let shadow = hub.show(id).await["shadow"].clone();
        if shadow["asked"].as_u64().unwrap_or_default() >= times {
            return shadow;
        }
        assert!(begun.elapsed().as_secs() < 20, "{id} was not asked {times} times: {shadow}");
    }
}

/// What a caller is told of a household, without what differs between any two verifications.
async fn told(hub: &Hub, body: &Value) -> Value {
    let reply = hub.system.caller.verify(body).await;
    assert!(reply.status.is_success(), "{}", reply.body);
    reply.body["verdict"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_shadow_is_asked_on_record_and_its_lies_change_no_verdict_and_show() {
    let hub = Hub::start(Setup::default()).await;
    without_signature(&hub.system, "housing");
    let (honest, _) = second_adapter(hub.system.folder.path(), "housing", &hub.system.files).await;
    let bodies: Vec<Value> = requests(hub.system.folder.path()).into_values().take(8).collect();
    let mut alone = Vec::new();
    for body in &bodies {
        alone.push(told(&hub, body).await);
    }
    // Registered by an honest adapter, which a liar takes the place of while it is a shadow.
    let id = hub.in_shadow("housing", honest.addr()).await;
    let port = honest.addr();
    honest.stop().await;
    let keys = hub.system.folder.path().join("keys");
    let liar = Stub::start_at("housing", Behaviour::NoRecord(Duration::ZERO), &keys, port);
    // Another month: the cache knows nothing of it, so the live one is asked, and the shadow after it.
    let moved = |body: &Value| {
        let mut body = body.clone();
        body["assessment_date"] = "2025-04-15".into();
        body
    };
    let before = hub.log().await.len();
    let mut asked = 0;
    for body in &bodies {
        let reply = hub.system.caller.verify(&moved(body)).await;
        let rows = reply.body["departments"].as_array().unwrap();
        asked += u64::from(rows.iter().any(|row| {
            row["department"] == "housing" && matches!(row["status"].as_str(), Some("answered" | "no_record"))
        }));
    }
    for (body, verdict) in bodies.iter().zip(&alone) {
        assert_eq!(&told(&hub, body).await, verdict, "what a shadow says is used for nothing");
    }
    let shadow = until_asked(&hub, &id, asked.min(4)).await;
    let differed: u64 =
        shadow["datasets"].as_object().unwrap().values().map(|one| one["differed"].as_u64().unwrap()).sum();
    assert!(differed > 0 && shadow["agreement_permille"].as_u64().unwrap() < 1_000, "{shadow}");
    assert!(liar.times_asked() > 0);
    // P1: that data was requested is an entry before it leaves, and counts only are shown.
    let entries: Vec<Value> =
        hub.log().await.drain(before..).filter(|event| event["action"] == "shadow_asked").collect();
    assert!(entries.len() >= liar.times_asked(), "{} entries, {} questions", entries.len(), liar.times_asked());
    assert_eq!(entries[0]["object"], "adapter/housing-1");
    let question = format!("question/{}.housing-1.0", entries[0]["verification"].as_str().unwrap());
    assert_eq!(entries[0]["objects"][1], question);
    assert!(entries[0]["verification"].as_str().unwrap().starts_with("vf_"));
    assert_eq!(hub.bring(&id, &json!({ "move": "withdraw" })).await.status, 200);
    assert!(operator(&hub.system).get(&format!("/v1/adapters/{id}")).await.body["shadow"].is_object());
    hub.system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_shadow_that_says_the_same_agrees_and_one_that_hangs_delays_nobody() {
    let mut hub = Hub::start(Setup::default()).await;
    let (twin, ledger) = second_adapter(hub.system.folder.path(), "hrss", &hub.system.files).await;
    let id = hub.in_shadow("hrss", twin.addr()).await;
    let bodies: Vec<Value> = requests(hub.system.folder.path()).into_values().take(4).collect();
    for body in &bodies {
        told(&hub, body).await;
    }
    let shadow = until_asked(&hub, &id, 1).await;
    assert_eq!(shadow["agreement_permille"], 1_000, "{shadow}");
    // Its record of use proves a question that is not the live one's, in its own name.
    let lines = std::fs::read_to_string(ledger).unwrap();
    assert!(lines.contains(&format!(".{id}.0\"")) && !lines.contains(".hrss.0\""), "{lines}");
    hub.system = hub.system.restart().await;
    assert_eq!(hub.show(&id).await["shadow"]["agreement_permille"], 1_000, "a restart forgets no count");
    let (address, keys) = (twin.addr(), hub.system.folder.path().join("keys"));
    twin.stop().await;
    let hanging = Stub::start_at("hrss", Behaviour::Hang, &keys, address);
    let begun = std::time::Instant::now();
    for body in &bodies {
        told(&hub, body).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "the shadow's five seconds are nobody's: {:?}", begun.elapsed());
    drop(hanging);
    hub.system.stop().await;
}

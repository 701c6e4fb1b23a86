//! Households that were looked up in an emergency are owed a notice until somebody says that it was given (PIPL 18).

use std::path::Path;
use std::sync::Arc;

use hedui::app::App;
use hedui::config::Config;
use hedui::domain::clock::TestClock;
use hedui::domain::purpose::Purpose;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::hub::{Caller, Setup, System, listed, metrics, mint, officer, requests};

/// A request of a household that not everybody signed for, in an emergency.
pub(crate) fn emergency(folder: &Path) -> Value {
    let documents = requests(folder);
    let mut request = documents["C82"].clone();
    request["emergency_only"] = true.into();
    request["declaration"]["events"] = documents["C62"]["declaration"]["events"].clone();
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_looked_up_in_an_emergency_is_owed_a_notice_that_nothing_forgets() {
    let settings = vec![(
        "[egress]\n",
        "[retention]\nverifications = \"30d\"\nmax_clock_step = \"4000d\"\n\n[egress]\n".to_owned(),
    )];
    let mut system = System::start(Setup { own_packs: true, settings, ..Setup::default() }, listed()).await;
    let ordinary = system.caller.verify(&requests(system.folder.path())["C01"]).await;
    assert!(ordinary.body["notice_due_at"].is_null());
    let done = system.caller.verify(&emergency(system.folder.path())).await;
    assert!(done.status.is_success(), "{}", done.body);
    let id = done.body["id"].as_str().unwrap().to_owned();
    let opened: Timestamp = done.body["opened_at"].as_str().unwrap().parse().unwrap();
    let due: Timestamp = done.body["notice_due_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(due.duration_since(opened), SignedDuration::from_hours(240));
    let path = format!("/v1/verifications/{id}/household-notice");
    let list = async |caller: &Caller, query: &str| {
        let reply = caller.get(&format!("/v1/household-notices{query}")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["notices"].as_array().unwrap().clone()
    };
    let seen_by = |system: &System, division| system.caller.with_token(officer(&system.files, "officer", division));
    let owed = list(&seen_by(&system, "000000"), "").await;
    assert_eq!((owed.len(), &owed[0]["verification"], &owed[0]["status"]), (1, &json!(id), &json!("owed")));
    assert!(list(&seen_by(&system, "000000"), "?status=overdue").await.is_empty());
    assert!(list(&seen_by(&system, "990000"), "").await.is_empty(), "another division's are not there");
    assert_eq!(seen_by(&system, "000000").get("/v1/household-notices?all").await.status, 400);

    // Long after its time the verification is kept, because the household was not told; the ordinary one is gone.
    system.app.stop().await;
    let later = Arc::new(TestClock::new(Timestamp::now() + SignedDuration::from_hours(24 * 40)));
    system.app = App::start_at(&Config::load(&system.files.config).unwrap(), metrics(), later.clone()).await.unwrap();
    system.caller = Caller::new(&system.files, system.app.address);
    let store = system.app.verifications().store().clone();
    let gone = ordinary.body["id"].as_str().unwrap();
    let swept = async {
        while store.verification(gone).await.unwrap().unwrap().erased_at.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), swept).await.expect("the sweep comes");
    let row = store.household_notice(&id).await.unwrap().unwrap();
    assert!(row.given.is_none() && row.due_at < later_us(&later));
    assert!(store.verification(&id).await.unwrap().unwrap().erased_at.is_none(), "kept while it is owed");
    assert_eq!(store.count_owed_notices(later_us(&later)).await.unwrap(), (1, 1));
    drop(store);
    let system = system.restart().await;

    // What is no notice is refused; the first one stands.
    let now = Timestamp::now();
    let foreign = system.caller.with_token(mint(&system.files, "other", "000000", &Purpose::ALL));
    let good = json!({ "given_at": now, "channel": "PHONE" });
    assert_eq!(foreign.post(&path, &good, &[]).await.status, 404);
    let before = opened - SignedDuration::from_secs(1);
    for bad in [
        json!({ "given_at": before, "channel": "PHONE" }),
        json!({ "given_at": now + SignedDuration::from_hours(1), "channel": "PHONE" }),
        json!({ "given_at": now, "channel": "RUMOUR" }),
        json!({ "channel": "PHONE" }),
        json!([]),
    ] {
        let reply = system.caller.post(&path, &bad, &[]).await;
        assert_eq!(reply.status, 422, "{bad}: {}", reply.body);
    }
    let given = system.caller.post(&path, &good, &[]).await;
    assert_eq!((given.status.as_u16(), &given.body["status"]), (200, &json!("given")), "{}", given.body);
    let again = system.caller.post(&path, &json!({ "given_at": now, "channel": "POST" }), &[]).await;
    assert_eq!(again.body["channel"], "PHONE", "{}", again.body);
    assert!(list(&seen_by(&system, "000000"), "").await.is_empty());
    let another = system.caller.verify(&requests(system.folder.path())["C02"]).await.body["id"].clone();
    let path = format!("/v1/verifications/{}/household-notice", another.as_str().unwrap());
    assert_eq!(system.caller.post(&path, &good, &[]).await.body["code"], "no_notice_owed");
    let entries = system.app.verifications().store().log().newest(100).await.unwrap();
    let told: Vec<Value> = entries.iter().map(|row| serde_json::from_str(&row.body).unwrap()).collect();
    let told: Vec<&Value> = told.iter().filter(|event| event["action"] == "household_notified").collect();
    assert_eq!((told.len(), &told[0]["verification"], &told[0]["actor"]), (1, &json!(id), &json!("tester")));
    system.stop().await;
}

fn later_us(clock: &TestClock) -> i64 {
    use hedui::domain::clock::Clock as _;
    clock.now().as_microsecond()
}

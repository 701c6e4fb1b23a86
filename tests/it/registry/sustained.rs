//! Level 5: what the hub has seen of a shadow for days decides whether it goes live, where the settings say so.

use hedui::domain::period::date_in_china;
use hedui::store::{AdapterChanges, Changes, CounterRow};
use serde_json::json;

use super::super::hub::{Setup, requests, second_adapter};
use super::{Hub, operator};

const PERCENT: &str = "shadow_percent = 100\n";

/// Counts a day of a shadow, as if it had been asked so often on it.
async fn held_yesterday(hub: &Hub, id: &str, counts: [(&str, i64); 4]) {
    let yesterday = date_in_china(jiff::Timestamp::now()).yesterday().unwrap();
    let row = |(what, value): (&str, i64)| CounterRow {
        owner: id.to_owned(),
        name: format!("shadow/day/{yesterday}/{what}"),
        starts_at: 0,
        value,
    };
    let adapters = AdapterChanges { counters: counts.map(row).to_vec(), ..AdapterChanges::default() };
    let store = hub.system.app.verifications().store();
    store.change(Changes { adapters, ..Changes::default() }, Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_goes_live_once_the_hub_has_seen_it_hold_where_the_settings_ask_for_it() {
    let sustained = format!("{PERCENT}conformance_level = 5\nsustained_days = 1\n");
    let mut hub = Hub::start(Setup { settings: vec![(PERCENT, sustained)], ..Setup::default() }).await;
    let (twin, _) = second_adapter(hub.system.folder.path(), "hrss", &hub.system.files).await;
    let id = super::registered_at(&hub.system, "hrss", twin.addr()).await;
    assert_eq!(hub.bring(&id, &json!({ "move": "accept" })).await.status, 200);
    // No report can reach 5; what a report can reach is asked of it.
    let of_level = |level| hub.report(&id, level);
    let low = hub.bring(&id, &json!({ "move": "shadow", "report": of_level(3).await })).await;
    assert_eq!((low.status.as_u16(), &low.body["code"]), (422, &json!("report_level")), "{}", low.body);
    hub.bring_with_two(&id, &json!({ "move": "shadow", "report": of_level(4).await })).await;

    for document in requests(hub.system.folder.path()).values().take(4) {
        hub.system.caller.verify(document).await;
    }
    let begun = std::time::Instant::now();
    let held = loop {
        let held = hub.show(&id).await["sustained"].clone();
        if held["asked"].as_u64().unwrap_or_default() > 0 {
            break held;
        }
        assert!(begun.elapsed().as_secs() < 20, "it was not asked: {held}");
    };
    assert_eq!((&held["reached"], &held["days"], &held["of_days"]), (&json!(false), &json!(0), &json!(1)), "{held}");
    assert!(held["told"]["zh"].as_str().unwrap().starts_with("未达到 L5（运行天数不足"), "{held}");
    let refused = hub.bring(&id, &json!({ "move": "go_live" })).await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (409, &json!("not_sustained")), "{}", refused.body);
    assert!(refused.body.to_string().contains("Level 5 is not reached (too few days)"), "{}", refused.body);

    held_yesterday(&hub, &id, [("asked", 1_000), ("answered", 960), ("late", 0), ("drifted", 0)]).await;
    hub.system = hub.system.restart().await;
    assert!(hub.show(&id).await["sustained"]["told"]["en"].as_str().unwrap().contains("too few answers"));
    held_yesterday(&hub, &id, [("asked", 1_000), ("answered", 1_000), ("late", 50), ("drifted", 0)]).await;
    hub.system = hub.system.restart().await;
    let shown = hub.show(&id).await;
    assert_eq!(shown["sustained"]["reached"], true, "{shown}");
    let (code, listed) = hub.run(&["adapter", "list", &id]).await;
    assert_eq!((code, &listed[0]["sustained"]["reached"]), (0, &json!(true)), "{listed}");
    hub.bring_with_two(&id, &json!({ "move": "go_live" })).await;
    hub.until(&id, "live").await;
    let catalogue = operator(&hub.system).get("/v1/catalogue").await.body;
    let departments = catalogue["departments"].as_array().unwrap();
    let hrss = departments.iter().find(|department| department["department"] == "hrss").unwrap();
    assert_eq!(hrss["conformance_level"], 5, "{hrss}");
    hub.system.stop().await;
}

//! An adapter whose answers are not what they used to be is taken off by the hub, the version before it stands in, and it
//! comes back once it is well: nothing of it needs anybody, and nothing of it is hidden.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::super::hub::{Department, Setup, mint_department, requests, second_adapter, second_adapter_at};
use super::super::stub::{Behaviour, Stub};
use super::{Hub, operator, without_signature};

/// The last line of the federation's settings in the simulator's configuration.
const KEY: &str = "private_key = \"keys/hub.key\"";
const PERCENT: &str = "shadow_percent = 100\n";

/// A hub that keeps no answers, demotes quickly and lets return quickly.
async fn quick() -> Hub {
    let demotion = format!("{PERCENT}demote_after = \"200ms\"\nreturn_after = \"300ms\"\n");
    let settings = vec![(KEY, format!("{KEY}\ncached_people = 0")), (PERCENT, demotion)];
    let hub = Hub::start(Setup { settings, ..Setup::default() }).await;
    without_signature(&hub.system, "housing");
    hub
}

/// Requests about people of whom housing holds a record, each about another household.
async fn about_owners(hub: &Hub) -> Vec<Value> {
    let documents = requests(hub.system.folder.path()).into_values();
    let is_alone = |document: &Value| document["household"]["members"].as_array().unwrap().len() == 1;
    let answered = join_all(documents.filter(is_alone).map(|document| async {
        let reply = hub.system.caller.verify(&document).await;
        (reply.department("housing") == "answered").then_some(document)
    }));
    let owners: Vec<Value> = answered.await.into_iter().flatten().take(8).collect();
    assert!(owners.len() >= 2, "{} who live alone own a home", owners.len());
    owners
}

/// Asks about each this often, about all of them at once: the same question at once would be one.
async fn verify(hub: &Hub, documents: &[Value], times: usize) {
    for _ in 0..times.div_ceil(documents.len()) {
        let replies = join_all(documents.iter().map(|document| hub.system.caller.verify(document))).await;
        assert!(replies.iter().all(|reply| reply.status.is_success()));
    }
}

/// Asks until an adapter is in a state.
async fn ask_until(hub: &Hub, documents: &[Value], id: &str, state: &str) {
    let begun = Instant::now();
    while hub.state(id).await != state {
        assert!(begun.elapsed() < Duration::from_mins(1), "{id} does not become {state}: {}", hub.show(id).await);
        verify(hub, documents, 32).await;
    }
}

async fn entries(hub: &Hub, object: &str) -> Vec<Value> {
    hub.log()
        .await
        .into_iter()
        .filter(|event| event["action"] == "adapter_changed" && event["object"] == object)
        .collect()
}

/// The department's second adapter again, where it was.
async fn at_again(hub: &Hub, at: SocketAddr) -> Department {
    second_adapter_at(hub.system.folder.path(), "housing", &hub.system.files, at).await
}

/// Puts a stub that holds nothing about anybody in an adapter's place.
fn emptied(hub: &Hub, at: SocketAddr) -> Stub {
    let keys = hub.system.folder.path().join("keys");
    Stub::start_at("housing", Behaviour::NoRecord(Duration::ZERO), &keys, at)
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_an_emptied_table_is_not_believed_the_version_before_stands_in_and_it_returns_by_itself() {
    let hub = quick().await;
    let (folder, files) = (hub.system.folder.path().to_owned(), &hub.system.files);
    let documents = about_owners(&hub).await;
    let former = hub.live("housing", hub.system.adapters["housing"].addr()).await;
    let (second, _) = second_adapter(&folder, "housing", files).await;
    let newer = hub.live("housing", second.addr()).await;
    hub.until(&former, "suspended").await;
    verify(&hub, &documents, 300).await;
    let verdict = hub.system.caller.verify(&documents[0]).await.body["verdict"].clone();
    assert!(hub.show(&newer).await["health"]["ailments"].is_null());

    let at = second.addr();
    second.stop().await;
    let stub = emptied(&hub, at);
    ask_until(&hub, &documents, &newer, "suspended").await;
    assert_eq!(hub.state(&former).await, "live", "who was agreed to before stands in");
    let shown = hub.show(&newer).await;
    assert_eq!(shown["demotion"]["ailments"][0]["symptom"], "more_no_record", "{shown}");
    assert_eq!(shown["demotion"]["stands_in"], former.as_str());
    let reply = hub.system.caller.verify(&documents[0]).await;
    assert_eq!(reply.body["verdict"], verdict, "callers get the answers of before");
    let demoted = entries(&hub, &format!("adapter/{newer}/suspended")).await.pop().unwrap();
    assert_eq!((&demoted["role"], &demoted["actor"]), (&json!("system"), &Value::Null), "{demoted}");
    assert!(demoted["reason"].as_str().unwrap().contains("查无记录"), "{demoted}");
    assert_eq!(entries(&hub, &format!("adapter/{former}/live")).await.last().unwrap()["role"], "system");
    let metrics = hub.system.monitor("/metrics").await.1;
    for shown in ["hedui_adapters_demoted", "hedui_adapter_demotions_total{adapter=\"housing-2\",what=\"demoted\"}"] {
        assert!(metrics.contains(shown), "{shown}");
    }

    // It goes on being tried, on record, and comes back when its table is as it was.
    let tried = stub.times_asked();
    verify(&hub, &documents, 16).await;
    assert!(stub.times_asked() > tried);
    assert!(hub.log().await.iter().any(|event| event["object"] == format!("adapter/{newer}").as_str()));
    drop(stub);
    let second = at_again(&hub, at).await;
    ask_until(&hub, &documents, &newer, "live").await;
    hub.until(&former, "suspended").await;
    assert!(hub.show(&newer).await["demotion"]["ended_at"].is_string());

    // Nobody to stand in: the department is not asked rather than believed, callers are told, and it returns all the same.
    assert_eq!(hub.bring(&former, &json!({ "move": "remove" })).await.status, 200);
    second.stop().await;
    let stub = emptied(&hub, at);
    ask_until(&hub, &documents, &newer, "suspended").await;
    let reply = hub.system.caller.verify(&documents[0]).await;
    assert_eq!(reply.department("housing"), "unavailable", "{}", reply.body);
    let notice = Hub::row(&reply, "housing")["notice"].to_string();
    assert!(notice.contains("自动") && notice.contains("starts again by itself"), "{}", reply.body);
    assert_eq!(hub.show(&newer).await["demotion"]["times"], 2);
    drop(stub);
    let _second = at_again(&hub, at).await;
    ask_until(&hub, &documents, &newer, "live").await;
    let reply = hub.system.caller.verify(&documents[0]).await;
    assert_eq!(reply.body["verdict"], verdict);
    hub.system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_suspended_does_not_return_by_itself_and_nobody_asks_for_the_hubs_own_steps() {
    let hub = quick().await;
    let (folder, files) = (hub.system.folder.path().to_owned(), &hub.system.files);
    let documents = about_owners(&hub).await;
    let (adapter, _) = second_adapter(&folder, "housing", files).await;
    let id = hub.live("housing", adapter.addr()).await;
    for own in ["demote", "stand_in", "return"] {
        let refused = hub.bring(&id, &json!({ "move": own })).await;
        assert_eq!(refused.status, 409, "{own}: {}", refused.body);
    }
    verify(&hub, &documents, 300).await;
    let at = adapter.addr();
    adapter.stop().await;
    let stub = emptied(&hub, at);
    ask_until(&hub, &documents, &id, "suspended").await;
    let notice = json!({ "zh": "正在核查数据。", "en": "The data is being looked into." });
    let held = hub.bring(&id, &json!({ "move": "suspend", "notice": notice })).await;
    assert_eq!(held.status, 200, "{}", held.body);
    drop(stub);
    let _adapter = at_again(&hub, at).await;
    verify(&hub, &documents, 120).await;
    assert_eq!(hub.state(&id).await, "suspended", "an operator's word stands");
    assert!(operator(&hub.system).get(&format!("/v1/adapters/{id}")).await.body["demotion"]["ended_at"].is_string());
    hub.system.stop().await;
}

/// The same of an adapter of the configuration file, which has no record: the hub takes it off and brings it back while it
/// runs, and an operator's word that the change is right is not overruled.
#[tokio::test(flavor = "multi_thread")]
async fn p2_an_adapter_of_the_configuration_file_is_taken_off_and_returns_too() {
    let mut hub = quick().await;
    // What stands in for its adapter signs nothing.
    let config = hub.system.files.config.clone();
    let text = std::fs::read_to_string(&config).unwrap();
    let unsigned = text.replace("answer_key = \"keys/answers/housing.pem\"\n", "");
    assert_ne!(unsigned, text);
    std::fs::write(&config, unsigned).unwrap();
    hub.system = hub.system.restart().await;
    let documents = about_owners(&hub).await;
    let id = "housing-file";
    verify(&hub, &documents, 300).await;
    let verdict = hub.system.caller.verify(&documents[0]).await.body["verdict"].clone();
    assert_eq!(hub.state(id).await, "live");

    let own = hub.system.adapters.remove("housing").unwrap();
    let at = own.addr();
    own.stop().await;
    let stub = emptied(&hub, at);
    ask_until(&hub, &documents, id, "suspended").await;
    let shown = hub.show(id).await;
    assert_eq!(shown["demotion"]["ailments"][0]["symptom"], "more_no_record", "{shown}");
    assert!(shown["notice"]["zh"].as_str().unwrap().contains("自动"), "{shown}");
    let reply = hub.system.caller.verify(&documents[0]).await;
    assert_eq!(reply.department("housing"), "unavailable", "{}", reply.body);
    assert!(Hub::row(&reply, "housing")["notice"].to_string().contains("starts again by itself"), "{}", reply.body);
    let demoted = entries(&hub, "adapter/housing-file/suspended").await;
    let [demoted] = &demoted[..] else { panic!("{demoted:?}") };
    assert_eq!((&demoted["role"], &demoted["before"]), (&json!("system"), &json!("adapter/housing-file/live")));
    assert!(demoted["actor"].is_null() && demoted["reason"].as_str().unwrap().contains("查无记录"), "{demoted}");
    let metrics = hub.system.monitor("/metrics").await.1;
    assert!(metrics.contains("hedui_adapter_demotions_total{adapter=\"housing-file\",what=\"demoted\"}"), "{metrics}");
    // It is tried on record, and what it says is used for nothing.
    let tried = stub.times_asked();
    verify(&hub, &documents, 16).await;
    assert!(stub.times_asked() > tried);
    assert!(hub.log().await.iter().any(|event| event["object"] == "adapter/housing-file"));

    drop(stub);
    let second = at_again(&hub, at).await;
    ask_until(&hub, &documents, id, "live").await;
    let returned = entries(&hub, "adapter/housing-file/live").await;
    assert_eq!((returned.len(), &returned[0]["role"]), (1, &json!("system")), "{returned:?}");
    assert_eq!(hub.system.caller.verify(&documents[0]).await.body["verdict"], verdict);

    // Emptied again, and this time it is true: an operator says so, and it stays.
    second.stop().await;
    let _stub = emptied(&hub, at);
    ask_until(&hub, &documents, id, "suspended").await;
    assert_eq!(hub.show(id).await["demotion"]["times"], 2);
    let refused = hub.bring(id, &json!({ "move": "go_live" })).await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (409, &json!("by_file")), "{}", refused.body);
    let office = mint_department(&hub.system.files, "housing-office", "housing");
    let path = format!("/v1/adapters/{id}/transitions");
    let by_department = hub.system.caller.with_token(office).post(&path, &json!({ "move": "resume" }), &[]).await;
    assert_eq!(
        by_department.status, 409,
        "what the hub took off is not the department's to end: {}",
        by_department.body
    );
    assert_eq!(hub.state(id).await, "suspended");
    let resumed = hub.bring(id, &json!({ "move": "resume" })).await;
    assert_eq!((resumed.status.as_u16(), &resumed.body["done"]), (200, &json!("adapter/housing-file/live")));
    let by_person = entries(&hub, "adapter/housing-file/live").await.pop().unwrap();
    assert_eq!((&by_person["role"], &by_person["actor"]), (&json!("operator"), &json!("operator")), "{by_person}");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        verify(&hub, &documents, 64).await;
        assert_eq!(hub.state(id).await, "live", "an operator's word stands");
    }
    assert_eq!(hub.bring(id, &json!({ "move": "resume" })).await.status, 409, "there is nothing to end");
    hub.system.stop().await;
}

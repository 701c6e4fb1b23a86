//! The key that an adapter told when it registered is the one its answers are held to.

use std::time::Duration;

use serde_json::json;

use super::super::hub::{Setup, adapter, requests};
use super::super::stub::{Behaviour, Stub};
use super::{Hub, answers, operator};

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_adapter_is_held_to_the_key_it_told_and_its_answers_stay_proven() {
    let hub = Hub::start(Setup { unregistered: vec!["hrss"], ..Setup::default() }).await;
    let own = adapter(hub.system.folder.path(), "hrss", &hub.system.files).await;
    let id = hub.live("hrss", own.addr()).await;
    let key = connectors::keys::PublicKey::read_all(&hub.system.files.keys.answer_key("hrss", "pem")).unwrap();
    assert_eq!(hub.show(&id).await["answer_key"], key[0].id());
    let all = requests(hub.system.folder.path());
    let signed = hub.system.caller.verify(&all["C01"]).await;
    assert!(answers(&signed, "hrss"), "{}", signed.body);
    // Somebody else at its address, with its certificate and without its key, says nothing that is believed.
    let (address, keys) = (own.addr(), hub.system.folder.path().join("keys"));
    own.stop().await;
    let stub = Stub::start_at("hrss", Behaviour::NoRecord(Duration::ZERO), &keys, address);
    let unsigned = hub.system.caller.verify(&all["C02"]).await;
    assert_eq!((unsigned.department("hrss"), stub.times_asked() > 0), ("malformed", true), "{}", unsigned.body);
    // What it said stays proven when it is gone for good.
    let suspend = json!({ "move": "suspend", "notice": { "zh": "停用", "en": "taken off" } });
    assert_eq!(hub.bring(&id, &suspend).await.status, 200);
    assert_eq!(operator(&hub.system).delete(&format!("/v1/adapters/{id}")).await.status, 200);
    let path = format!("/v1/verifications/{}?expand=evidence", signed.body["id"].as_str().unwrap());
    let shown = hub.system.caller.get(&path).await.body;
    let proof = shown["proofs"].as_array().unwrap().iter().find(|proof| proof["department"] == "hrss").unwrap();
    assert_eq!(proof["standing"], "valid", "{proof}");
    hub.system.stop().await;
}

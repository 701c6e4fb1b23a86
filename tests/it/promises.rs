//! Promises of the design that no other file here names: pure verdicts, sources, minimal questions, advice.

use serde_json::{Value, json};

use super::hub::{Setup, System, listed, requests};

async fn system() -> System {
    System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_the_same_facts_pack_and_date_give_the_same_verdict_to_the_byte() {
    let system = system().await;
    let documents = requests(system.folder.path());
    let first = system.caller.verify(&documents["C20"]).await;
    let again = system.caller.verify(&documents["C20"]).await;
    assert_ne!(first.body["id"], again.body["id"], "two verifications");
    assert_eq!(first.body["verdict"].to_string(), again.body["verdict"].to_string());
    let other = system.caller.verify(&documents["C01"]).await;
    assert_ne!(first.body["verdict"]["id"], other.body["verdict"]["id"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_every_figure_names_its_source_and_what_is_only_declared_says_so() {
    let system = system().await;
    let documents = requests(system.folder.path());
    let id = system.caller.verify(&documents["C20"]).await.body["id"].as_str().unwrap().to_owned();
    let shown = system.caller.get(&format!("/v1/verifications/{id}?expand=evidence")).await;
    let evidence = shown.body["evidence"].as_array().unwrap();
    let of = |basis: &'static str| evidence.iter().filter(move |item| item["basis"] == basis);
    assert!(of("DEPARTMENT").count() > 0 && of("DECLARED").count() > 0);
    assert_eq!(of("DEPARTMENT").count() + of("DECLARED").count(), evidence.len());
    for item in of("DEPARTMENT") {
        for field in ["department", "dataset", "adapter_version", "received_at", "freshness", "age_seconds"] {
            assert!(!item[field].is_null(), "{field} is missing: {item}");
        }
    }
    // The deposit is nobody's record: it is the household's own word.
    let pointers: Vec<&Value> = of("DECLARED").map(|item| &item["pointer"]).collect();
    assert!(pointers.contains(&&json!("/declaration/assets/0")), "{pointers:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_answer_and_report_say_that_a_person_decides() {
    let system = system().await;
    let documents = requests(system.folder.path());
    for case in ["C01", "C20"] {
        let id = system.caller.verify(&documents[case]).await.body["id"].as_str().unwrap().to_owned();
        let shown = system.caller.get(&format!("/v1/verifications/{id}?expand=report")).await.body;
        assert!(shown["notice"]["zh"].as_str().unwrap().contains("由人作出决定"), "{shown}");
        assert!(shown["report"]["closing"]["en"].as_str().unwrap().contains("a caseworker reviews it and decides"));
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_nobody_is_asked_more_than_authorisation_purpose_and_rules_allow() {
    let system = system().await;
    let mut document = requests(system.folder.path())["C01"].clone();
    let plan = system.caller.post("/v1/verifications:plan", &document, &[]).await;
    let hrss = plan.body["departments"].as_array().unwrap().iter().find(|it| it["department"] == "hrss").unwrap();
    let left_out = hrss["not_asked"].as_array().unwrap();
    let child = json!({"dataset": "hrss.employment", "reason": "age", "members": ["m3"]});
    assert!(left_out.contains(&child), "a child's employment is not asked about: {hrss}");
    document["authorisation"]["departments"] = json!(["education", "hrss", "health", "emergency", "medical_insurance"]);
    let reply = system.caller.verify(&document).await;
    assert_eq!(reply.department("housing"), "not_authorised", "{}", reply.body);
    assert_eq!(reply.body["verdict"]["blocking_departments"], json!(["housing"]), "a gap, never a pass");
    system.stop().await;
}

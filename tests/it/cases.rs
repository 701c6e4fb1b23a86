//! The worked cases through the wire: stores, adapters, hub, HTTP, and the expected verdict.

use reqwest::StatusCode;
use serde_json::Value;

use super::hub::{Setup, System, listed, listed_cases, requests};

/// Everything of `expected` that a verdict must have to the letter.
fn differences(expected: &Value, verdict: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (field, wanted) in expected.as_object().unwrap() {
        let got = verdict.get(field).unwrap_or(&Value::Null);
        let fits = match field.as_str() {
            "note" => true,
            "reason_codes" | "deciding_clauses" => {
                let got = got.as_array().cloned().unwrap_or_default();
                wanted.as_array().unwrap().iter().all(|code| got.contains(code))
            }
            _ => got == wanted,
        };
        if !fits {
            found.push(format!("{field}: expected {wanted}, got {got}"));
        }
    }
    found
}

/// Six departments in six native shapes: a server of `MariaDB`, one of `PostgreSQL`, the header-signed service, the one of
/// SOAP, files in GB 18030, and the envelope of medical insurance.
#[tokio::test(flavor = "multi_thread")]
async fn every_listed_case_gets_its_verdict_through_the_wire_from_six_native_shapes() {
    every_listed_case(Setup { own_packs: true, on_servers: true, ..Setup::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listed_case_gets_the_same_verdict_without_database_servers() {
    every_listed_case(Setup { own_packs: true, ..Setup::default() }).await;
}

async fn every_listed_case(setup: Setup) {
    let system = System::start(setup, listed()).await;
    let documents = requests(system.folder.path());
    let cases = listed_cases();
    let mut failures = Vec::new();
    for case in cases["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let reply = system.caller.verify(&documents[id]).await;
        if case["expected"]["status"] == "INVALID_INPUT" {
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{id}");
            continue;
        }
        if reply.status != StatusCode::CREATED {
            failures.push(format!("{id}: {} {}", reply.status, reply.body));
            continue;
        }
        failures
            .extend(differences(&case["expected"], &reply.body["verdict"]).into_iter().map(|it| format!("{id}: {it}")));
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_packs_give_the_listed_verdicts_of_their_places() {
    let system = System::start(Setup::default(), listed()).await;
    let documents = requests(system.folder.path());
    for id in ["C01", "C09", "C11", "C21", "C89"] {
        let mut document = documents[id].clone();
        document.as_object_mut().unwrap().remove("pack");
        let reply = system.caller.verify(&document).await;
        let cases = listed_cases();
        let case = cases["cases"].as_array().unwrap().iter().find(|case| case["id"] == id).unwrap();
        assert_eq!(
            reply.body["verdict"]["household_circle"], case["expected"]["household_circle"],
            "{id}: {}",
            reply.body
        );
        assert_eq!(reply.body["verdict"]["computed"], case["expected"]["computed"], "{id}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_a_household_without_authorisation_is_blocked_and_nobody_is_asked() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = requests(system.folder.path());
    let reply = system.caller.verify(&documents["C82"]).await;
    assert_eq!(reply.verdict_status(), "BLOCKED");
    assert_eq!(reply.body["departments"], Value::Array(Vec::new()), "nobody was asked");
    let plan = system.caller.post("/v1/verifications:plan", &documents["C82"], &[]).await;
    assert_eq!(plan.body["refused"], "BLOCKED");
    // An authorisation that has run out is no authorisation (abuse case A24).
    let mut expired = documents["C01"].clone();
    expired["authorisation"]["valid_until"] = "2025-03-31".into();
    let reply = system.caller.verify(&expired).await;
    assert_eq!(reply.verdict_status(), "BLOCKED");
    assert_eq!(reply.body["departments"], Value::Array(Vec::new()));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_may_go_first_and_says_so() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = requests(system.folder.path());
    let mut document = documents["C82"].clone();
    document["emergency_only"] = true.into();
    let refused = system.caller.verify(&document).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "an exemption needs an emergency");
    document["declaration"]["events"] = documents["C62"]["declaration"]["events"].clone();
    let reply = system.caller.verify(&document).await;
    assert_eq!(reply.body["verdict"]["emergency_overlay"], true, "{}", reply.body);
    assert!(reply.body["exemption"]["zh"].is_string(), "the answer says that authorisation must follow");
    let events = system.app.verifications().store().log().newest(2).await.unwrap();
    assert!(
        events.iter().all(|event| event.body.contains("\"exemption\":\"emergency\"")),
        "so does the log: {events:?}"
    );
    system.stop().await;
}

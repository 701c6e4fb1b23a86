//! One department's failure costs its own facts and nothing else (promise P9); missing is never zero (P2).

use std::time::{Duration, Instant};

use hedui::domain::clock::SystemRandomness;
use hedui::simulate::keys::TrialKeys;
use serde_json::Value;
use tempfile::TempDir;

use super::hub::{DEPARTMENTS, Reply, Setup, System, adapter_at, listed, requests};
use super::stub::{Behaviour, Stub};

/// Keys that stubs use; hubs of other folders do not trust them, so each system gets its own copy.
pub(crate) fn stub_keys() -> TempDir {
    let folder = TempDir::new().unwrap();
    TrialKeys::write(folder.path(), &SystemRandomness).unwrap();
    folder
}

/// A system in which `department` is a stub.
async fn with_stub(department: &'static str, behaviour: Behaviour) -> (System, Stub) {
    let keys = stub_keys();
    let stub = Stub::start(department, behaviour, keys.path());
    let setup = Setup {
        elsewhere: [(department, stub.address)].into(),
        own_packs: true,
        ask_timeout: Some("700ms"),
        authority: Some(keys),
        ..Setup::default()
    };
    (System::start(setup, listed()).await, stub)
}

fn assert_others_answered(reply: &Reply, except: &str) {
    for department in DEPARTMENTS.iter().filter(|department| **department != except) {
        assert!(matches!(reply.department(department), "answered" | "no_record"), "{department}: {}", reply.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_whatever_housing_does_costs_its_own_facts_only() {
    for (behaviour, reason) in [
        (Behaviour::Hang, "timeout"),
        (Behaviour::Drip, "timeout"),
        (Behaviour::Endless, "malformed"),
        (Behaviour::Body(b"<html>maintenance</html>".to_vec()), "malformed"),
        (Behaviour::Body(b"".to_vec()), "malformed"),
        (Behaviour::Body(b"{\"adapter\":{\"id\":\"housing\",\"version\":\"1\"},\"results\":[]}".to_vec()), "malformed"),
        (Behaviour::Body([b"[".repeat(100_000), b"]".repeat(100_000)].concat()), "malformed"),
        (Behaviour::Status(500), "unavailable"),
        (Behaviour::Status(404), "unavailable"),
        (Behaviour::Status(429), "quota_exceeded"),
        (Behaviour::Status(403), "not_authorised"),
        (Behaviour::Redirect("https://127.0.0.1:1/".to_owned()), "unavailable"),
        (Behaviour::OtherPerson, "mismatch"),
        (Behaviour::Swapped, "mismatch"),
    ] {
        let (system, stub) = with_stub("housing", behaviour).await;
        let documents = requests(system.folder.path());
        let started = Instant::now();
        // C70: dibao but for housing, so the gap must leave the verdict open.
        let reply = system.caller.verify(&documents["C01"]).await;
        assert_eq!(reply.department("housing"), reason, "{}", reply.body);
        assert_others_answered(&reply, "housing");
        assert_eq!(reply.verdict_status(), "PENDING_DATA", "{reason}: {}", reply.body);
        assert_eq!(reply.body["verdict"]["blocking_departments"], serde_json::json!(["housing"]));
        assert!(started.elapsed() < Duration::from_secs(20), "the deadline holds");
        assert!(stub.times_asked() >= 1);
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_that_dies_and_comes_back_is_asked_again() {
    let mut system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = requests(system.folder.path());
    // Connections to it are open when it dies.
    assert_eq!(system.caller.verify(&documents["C02"]).await.department("housing"), "answered");
    let housing = system.adapters.remove("housing").unwrap();
    let address = housing.addr();
    housing.stop().await;
    let reply = system.caller.verify(&documents["C01"]).await;
    assert_eq!(reply.department("housing"), "unavailable");
    assert_eq!(reply.verdict_status(), "PENDING_DATA");
    assert_others_answered(&reply, "housing");
    let back = adapter_at(system.folder.path(), "housing", &system.files, address).await;
    system.adapters.insert("housing", back);
    let reply = system.caller.verify(&documents["C01"]).await;
    assert_eq!(reply.department("housing"), "answered", "{}", reply.body);
    assert_eq!(reply.verdict_status(), "DETERMINED");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_without_adapter_is_not_connected() {
    let setup = Setup { unregistered: vec!["emergency"], own_packs: true, ..Setup::default() };
    let system = System::start(setup, listed()).await;
    let documents = requests(system.folder.path());
    let reply = system.caller.verify(&documents["C01"]).await;
    assert_eq!(reply.department("emergency"), "not_connected");
    assert_eq!(reply.body["verdict"]["household_circle"], "DIBAO", "the gap does not matter here: {}", reply.body);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_of_another_authority_is_not_believed() {
    let keys = stub_keys();
    let stub = Stub::start("health", Behaviour::NoRecord(Duration::ZERO), keys.path());
    // The hub is not told of the stub's authority.
    let setup = Setup { elsewhere: [("health", stub.address)].into(), own_packs: true, ..Setup::default() };
    let system = System::start(setup, listed()).await;
    let documents = requests(system.folder.path());
    let reply = system.caller.verify(&documents["C01"]).await;
    assert_eq!(reply.department("health"), "unavailable");
    assert_eq!(stub.times_asked(), 0, "no question reaches a stranger");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stampede_on_one_household_is_one_call_a_department() {
    let keys = stub_keys();
    let stub = Stub::start("health", Behaviour::NoRecord(Duration::from_millis(400)), keys.path());
    let setup = Setup {
        elsewhere: [("health", stub.address)].into(),
        own_packs: true,
        // Long enough for a busy machine: a thousand connections are made meanwhile.
        ask_timeout: Some("20s"),
        deadline: Some("25s"),
        authority: Some(keys),
        ..Setup::default()
    };
    let system = System::start(setup, listed()).await;
    let documents = requests(system.folder.path());
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let (caller, document) = (system.caller.clone(), documents["C01"].clone());
        callers.spawn(async move { caller.verify(&document).await });
    }
    let replies = callers.join_all().await;
    assert!(replies.iter().all(|reply| reply.body["verdict"]["household_circle"] == "DIBAO"), "{:?}", replies.first());
    assert_eq!(stub.times_asked(), 1, "one flight for all");
    let again = system.caller.verify(&documents["C01"]).await;
    assert_eq!(stub.times_asked(), 1, "the answer is fresh");
    let rows = again.body["departments"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["freshness"] == "cached"), "{rows:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_never_kept_as_facts() {
    // A36: a gap is asked again at the next verification.
    let (system, stub) = with_stub("health", Behaviour::Status(500)).await;
    let documents = requests(system.folder.path());
    for asked in 1..=3 {
        let reply = system.caller.verify(&documents["C01"]).await;
        assert_eq!(reply.department("health"), "unavailable");
        assert_eq!(stub.times_asked(), asked);
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_who_does_not_wait_follows_the_departments_to_the_end() {
    let (system, _stub) = with_stub("hrss", Behaviour::NoRecord(Duration::from_millis(500))).await;
    let documents = requests(system.folder.path());
    let reply = system.caller.post("/v1/verifications", &documents["C01"], &[("prefer", "respond-async")]).await;
    assert_eq!(reply.status, 202);
    assert_eq!(reply.body["status"], "running");
    let id = reply.body["id"].as_str().unwrap().to_owned();
    let location = reply.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(location, format!("/v1/verifications/{id}"));
    let events =
        system.caller.http.get(format!("{}{location}/events", system.caller.base)).bearer_auth(&system.caller.token);
    let text = events.send().await.unwrap().text().await.unwrap();
    assert_eq!(text.matches("event: department").count(), 6, "{text}");
    let completed = text.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let completed: Value = serde_json::from_str(completed).unwrap();
    assert_eq!(completed["verdict"]["household_circle"], "DIBAO");
    let shown = system.caller.get(&format!("{location}?expand=evidence,trace")).await;
    assert_eq!(shown.body["status"], "completed");
    assert!(shown.body["evidence"].as_array().is_some_and(|evidence| !evidence.is_empty()), "{}", shown.body);
    assert!(shown.body["trace"].is_object());
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_follower_sees_the_end_however_fast_it_comes() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = requests(system.folder.path());
    let mut followers = tokio::task::JoinSet::new();
    for index in 0..200 {
        // Some ask for the first time, most find everything in the cache and end at once.
        let document = documents[if index % 2 == 0 { "C01" } else { "C02" }].clone();
        let caller = system.caller.clone();
        followers.spawn(async move {
            let reply = caller.post("/v1/verifications", &document, &[("prefer", "respond-async")]).await;
            let id = reply.body["id"].as_str().unwrap();
            let url = format!("{}/v1/verifications/{id}/events", caller.base);
            let events = caller.http.get(url).bearer_auth(&caller.token).send().await.unwrap();
            events.text().await.unwrap().matches("event: completed").count()
        });
    }
    let ends = followers.join_all().await;
    assert!(
        ends.iter().all(|ends| *ends == 1),
        "{} of 200 saw one end",
        ends.iter().filter(|ends| **ends == 1).count()
    );
    system.stop().await;
}

//! More to do than can be done: single households before batches, refused early, told when to come back, and in the log.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::faults::stub_keys;
use super::front_door::statuses;
use super::hub::{DEPARTMENTS, Reply, Setup, System, listed, requests};
use super::stub::{Behaviour, Stub};

/// A hub that lets ten verifications be under way, and asks a housing that never answers.
async fn of_ten() -> (System, Stub) {
    let keys = stub_keys();
    let housing = Stub::start("housing", Behaviour::Hang, keys.path());
    let setup = Setup {
        elsewhere: [("housing", housing.address)].into(),
        own_packs: true,
        deadline: Some("15s"),
        ask_timeout: Some("15s"),
        settings: vec![(
            "longest_delay = \"10s\"",
            "longest_delay = \"10s\"\nunder_way = 10\nbatch_clients = [\"nightly\"]".to_owned(),
        )],
        authority: Some(keys),
        ..Setup::default()
    };
    (System::start(setup, listed()).await, housing)
}

async fn ask(system: &System, document: &Value, headers: &[(&str, &str)]) -> Reply {
    let headers = [&[("prefer", "respond-async")], headers].concat();
    system.caller.post("/v1/verifications", document, &headers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_batch_leaves_room_for_single_households_and_who_is_not_let_in_is_told_and_logged() {
    let (system, housing) = of_ten().await;
    let document = requests(system.folder.path())["C01"].clone();
    for _ in 0..8 {
        assert_eq!(ask(&system, &document, &[("priority", "u=5")]).await.status, 202);
    }
    let batch = ask(&system, &document, &[("priority", "u=5, i")]).await;
    assert_eq!((batch.status.as_u16(), batch.body["code"].as_str()), (503, Some("overloaded")), "{}", batch.body);
    assert_eq!(batch.headers["retry-after"], "10");
    let nightly = super::hub::mint(&system.files, "nightly", "000000", &hedui::domain::purpose::Purpose::ALL);
    let nightly = system.caller.with_token(nightly).post("/v1/verifications", &document, &[]).await;
    assert_eq!((nightly.status.as_u16(), nightly.body["code"].as_str()), (503, Some("overloaded")));

    for _ in 0..2 {
        assert_eq!(ask(&system, &document, &[]).await.status, 202, "a fifth of the room is for single households");
    }
    let asked = housing.times_asked();
    let single = ask(&system, &document, &[]).await;
    assert_eq!((single.status.as_u16(), single.body["code"].as_str()), (503, Some("overloaded")));
    assert_eq!(single.headers["retry-after"], "2");
    assert!(single.body["title_zh"].as_str().is_some_and(|title| title.contains("上限")), "{}", single.body);
    assert!(single.body["fix"]["zh"].is_string() && single.body["fix"]["en"].is_string());
    assert_eq!(single.headers["content-type"], "application/problem+json");
    assert_eq!(housing.times_asked(), asked, "nobody was asked for it");
    // What asks no department is let in.
    let listed = system.caller.get("/v1/policies").await;
    assert_eq!(listed.status, 200);

    // Each refusal is in the log.
    let entries = system.app.verifications().store().log().newest(200).await.unwrap();
    let refused = |entry: &&hedui::store::EntryRow| entry.body.contains("\"problem\":\"overloaded\"");
    assert_eq!(entries.iter().filter(refused).count(), 3);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_keeps_the_connection() {
    let (system, _housing) = of_ten().await;
    let document = requests(system.folder.path())["C01"].clone();
    for _ in 0..10 {
        assert_eq!(ask(&system, &document, &[]).await.status, 202);
    }
    // More than the hub reads with a head.
    let body = format!("{document}{}", " ".repeat(40_000));
    let post = |last: &str| {
        let head =
            format!("POST /v1/verifications HTTP/1.1\r\nHost: hub\r\nContent-Length: {}\r\n{last}\r\n", body.len());
        head + &body
    };
    let twice = post("") + &post("Connection: close\r\n");
    assert_eq!(statuses(&system, twice.as_bytes()).await, [503, 503]);
    // Too long to be worth it: refused all the same.
    let long = "POST /v1/verifications HTTP/1.1\r\nHost: hub\r\nContent-Length: 900000\r\n\r\n";
    assert_eq!(statuses(&system, long.as_bytes()).await, [503]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_let_in_again_once_there_is_room() {
    let (system, housing) = of_ten().await;
    let document = requests(system.folder.path())["C01"].clone();
    housing.behave(Behaviour::NoRecord(Duration::from_millis(300)));
    for _ in 0..10 {
        ask(&system, &document, &[]).await;
    }
    let begun = tokio::time::Instant::now();
    while ask(&system, &document, &[]).await.status == 503 {
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    system.stop().await;
}

/// A hub in which one may wait six seconds for a place, two of which each department has, and these departments answer
/// nothing until their gates are opened.
async fn held(departments: &'static [&'static str]) -> (System, Vec<(Stub, watch::Sender<bool>)>) {
    let keys = stub_keys();
    let start = |department: &&'static str| {
        let stub = Stub::start(department, Behaviour::NoRecord(Duration::ZERO), keys.path());
        let gate = stub.hold();
        (stub, gate)
    };
    let stubs: Vec<_> = departments.iter().map(start).collect();
    let setup = Setup {
        elsewhere: departments.iter().copied().zip(stubs.iter().map(|(stub, _)| stub.address)).collect(),
        own_packs: true,
        deadline: Some("30s"),
        ask_timeout: Some("30s"),
        settings: vec![
            ("longest_delay = \"10s\"", "longest_delay = \"200ms\"".to_owned()),
            ("timeout = \"30s\"\nquota", "timeout = \"30s\"\nin_flight = 2\nquota".to_owned()),
        ],
        authority: Some(keys),
        ..Setup::default()
    };
    (System::start(setup, listed()).await, stubs)
}

/// Asks about all households again and again: whether somebody is not let in within three hundred requests and two seconds.
async fn is_refused(system: &System) -> bool {
    let documents: Vec<Value> = requests(system.folder.path()).into_values().collect();
    let begun = tokio::time::Instant::now();
    for asked in 0.. {
        let reply = ask(system, &documents[asked % documents.len()], &[]).await;
        if reply.status == 503 {
            assert_eq!(reply.body["code"], "overloaded", "{}", reply.body);
            assert!(reply.body["title_zh"].as_str().is_some_and(|title| title.contains("繁忙")), "{}", reply.body);
            return true;
        }
        assert!(reply.status.is_success(), "{}", reply.body);
        if asked >= 300 && begun.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn where_everybody_would_wait_for_most_departments_no_more_are_let_in_until_they_answer() {
    let (system, stubs) = held(&DEPARTMENTS).await;
    assert!(is_refused(&system).await);
    for (_, gate) in &stubs {
        gate.send(true).unwrap();
    }
    let document = requests(system.folder.path())["C01"].clone();
    let begun = tokio::time::Instant::now();
    while ask(&system, &document, &[]).await.status == 503 {
        assert!(begun.elapsed() < Duration::from_secs(20), "who is inside comes to an end, and others are let in");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_where_everybody_waits_for_one_department_everybody_is_let_in() {
    let (system, stubs) = held(&["housing"]).await;
    assert!(!is_refused(&system).await);
    assert!(system.app.verifications().under_way() > 200, "{}", system.app.verifications().under_way());
    for (_, gate) in &stubs {
        gate.send(true).unwrap();
    }
    system.stop().await;
}

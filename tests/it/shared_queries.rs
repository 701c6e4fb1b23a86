//! Households that would have to wait for a department go to it together; each gets its own answers, and the verdict is
//! the one it would have had alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::Instant;

use super::faults::stub_keys;
use super::hub::{DEPARTMENTS, Setup, System, listed, requests};
use super::proof_of_use::{answered_by_all, is_answered, lines, proofs, reconciled};
use super::stub::{Behaviour, Stub};

const GRANTED: &str = "quota_burst = 100000";
const HOUSEHOLDS: usize = 20;

/// A system whose departments take one question at a time, each of up to 500 people of several households; housing is a
/// stub.
async fn narrow(behaviour: Behaviour) -> (System, Stub) {
    with_housing(behaviour, "\nin_flight = 1\nshared_subjects = 500").await
}

async fn with_housing(behaviour: Behaviour, terms: &str) -> (System, Stub) {
    let keys = stub_keys();
    let housing = Stub::start("housing", behaviour, keys.path());
    let setup = Setup {
        elsewhere: [("housing", housing.address)].into(),
        own_packs: true,
        deadline: Some("20s"),
        ask_timeout: Some("15s"),
        settings: vec![(GRANTED, format!("{GRANTED}{terms}\nhedge = false"))],
        authority: Some(keys),
        ..Setup::default()
    };
    (System::start(setup, listed()).await, housing)
}

/// Verifies many households at the same time: housing answers nobody before all are under way, however long this machine
/// takes to let them in. The answers by case.
async fn all_at_once(system: &System, housing: &Stub) -> BTreeMap<String, Value> {
    let (gate, ended) = (housing.hold(), Arc::new(AtomicUsize::new(0)));
    let mut callers = tokio::task::JoinSet::new();
    for (case, document) in requests(system.folder.path()).into_iter().take(HOUSEHOLDS) {
        let (caller, ended) = (system.caller.clone(), Arc::clone(&ended));
        callers.spawn(async move {
            let answer = caller.verify(&document).await.body;
            ended.fetch_add(1, Ordering::SeqCst);
            (case, answer)
        });
    }
    // Who need not ask housing is through already.
    let begun = Instant::now();
    while system.app.verifications().under_way() + ended.load(Ordering::SeqCst) < HOUSEHOLDS {
        assert!(begun.elapsed() < Duration::from_mins(1), "{} ended", ended.load(Ordering::SeqCst));
        tokio::task::yield_now().await;
    }
    gate.send_replace(true);
    callers.join_all().await.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_households_that_wait_share_queries_and_their_verdicts_stay_what_they_were() {
    let (apart, _housing) = with_housing(Behaviour::NoRecord(Duration::ZERO), "").await;
    let (together, housing) = narrow(Behaviour::NoRecord(Duration::from_millis(60))).await;
    let shared = all_at_once(&together, &housing).await;
    for (case, document) in requests(apart.folder.path()).iter().take(HOUSEHOLDS) {
        let alone = apart.caller.verify(document).await;
        assert_eq!(shared[case]["verdict"], alone.body["verdict"], "{case}");
    }
    let queries = housing.times_asked();
    assert!(queries * 2 < HOUSEHOLDS, "{queries} queries about {HOUSEHOLDS} households");
    let metrics = together.monitor("/metrics").await.1;
    assert!(metrics.contains("hedui_department_batched_households_total{department=\"hrss\"}"), "{metrics}");
    apart.stop().await;
    together.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_question_is_a_query_of_its_own() {
    let (system, housing) = narrow(Behaviour::NoRecord(Duration::ZERO)).await;
    for document in requests(system.folder.path()).values().take(10) {
        system.caller.verify(document).await;
    }
    assert!(housing.times_asked() <= 10);
    let queries = housing.queries();
    assert!(queries.iter().all(|query| query.subjects.iter().all(|subject| subject.case.is_none())));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_one_persons_useless_record_costs_only_the_household_that_asked_about_them() {
    let (system, housing) = narrow(Behaviour::NoRecord(Duration::from_millis(60))).await;
    let documents = requests(system.folder.path());
    let known = documents["C01"]["household"]["members"][0]["id_number"].as_str().unwrap().to_owned();
    housing.behave(Behaviour::KnownOtherwise(known.clone(), Duration::from_millis(60)));
    let answers = all_at_once(&system, &housing).await;
    let status = |answer: &Value| {
        let rows = answer["departments"].as_array().unwrap();
        rows.iter().find(|row| row["department"] == "housing").map(|row| row["status"].clone())
    };
    for (case, answer) in &answers {
        let has_them = documents[case]["household"].to_string().contains(&known);
        if let Some(status) = status(answer) {
            assert_eq!(status == "mismatch", has_them, "{case}: {status}");
        }
    }
    assert!(housing.queries().iter().any(|query| query.cases().len() > 1), "some queries were shared");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_an_adapter_that_cannot_read_several_cases_is_asked_about_one_at_a_time() {
    let (system, housing) = narrow(Behaviour::OneCase(Duration::from_millis(30))).await;
    let answers = all_at_once(&system, &housing).await;
    for (case, answer) in &answers {
        let rows = answer["departments"].as_array().unwrap();
        if let Some(row) = rows.iter().find(|row| row["department"] == "housing") {
            assert!(
                matches!(row["status"].as_str(), Some("no_record" | "not_authorised" | "not_asked")),
                "{case}: {row}"
            );
        }
    }
    let shared = housing.queries().iter().filter(|query| query.cases().len() > 1).count();
    assert!((1..=4).contains(&shared), "{shared} shared queries were tried");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_p5_households_that_share_a_query_are_told_apart_in_ledger_account_and_evidence() {
    let narrow = format!("{GRANTED}\nin_flight = 1\nshared_subjects = 500\nhedge = false");
    let setup = Setup {
        own_packs: true,
        deadline: Some("30s"),
        ask_timeout: Some("25s"),
        settings: vec![(GRANTED, narrow)],
        ..Setup::default()
    };
    let system = System::start(setup, listed()).await;
    let documents = answered_by_all(&system);
    let mut replies = Vec::new();
    // Whether somebody has to wait is for the machine to say: until some did.
    for some in documents.chunks(24) {
        replies.extend(join_all(some.iter().map(|document| system.caller.verify(document))).await);
        if lines(&system, "hrss").iter().any(|line| line.cases.len() > 1) {
            break;
        }
    }
    assert!(replies.iter().all(|reply| is_answered(reply, "hrss")));
    let mut shared = 0;
    for department in DEPARTMENTS {
        let reconciled = reconciled(&system, department).await;
        assert!(reconciled.agrees(), "{department}: {reconciled:?}");
        assert_eq!(
            usize::try_from(reconciled.confirmed).unwrap(),
            replies.len(),
            "{department}: a question for each household"
        );
        assert_eq!(reconciled.signatures, reconciled.lines, "the hub signed every question");
        shared += lines(&system, department).iter().filter(|line| line.cases.len() > 1).count();
    }
    assert!(shared > 0, "some queries were shared");
    let mut without_bytes = 0;
    for reply in &replies {
        let id = reply.body["id"].as_str().unwrap();
        for (department, proof) in proofs(&system, id).await {
            assert_eq!(proof["standing"], "valid", "{department}: {proof}");
            let is_shared = proof["question"].as_str().unwrap().starts_with("shared.");
            assert_eq!(proof["body"].is_null(), is_shared, "bytes that are about others are kept by nobody: {proof}");
            without_bytes += usize::from(is_shared);
        }
    }
    assert!(without_bytes > 1, "each household that shared has the signature");
    system.stop().await;
}

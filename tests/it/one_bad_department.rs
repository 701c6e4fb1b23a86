//! A department that fails is left alone, costs its own facts only, and is found again when it is back (abuse case A31).

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::Instant;

use super::faults::stub_keys;
use super::hub::{DEPARTMENTS, Reply, Setup, System, listed, listed_cases, requests};
use super::stub::{Behaviour, Stub};

/// The last line of the federation's settings in the simulator's configuration.
const KEY: &str = "private_key = \"keys/hub.key\"";

/// A hub that remembers no answers and asks a stub in the place of housing.
async fn with_housing(behaviour: Behaviour) -> (System, Stub, Value) {
    with_housing_within(behaviour, "400ms").await
}

/// The same, that waits so long for it.
async fn with_housing_within(behaviour: Behaviour, ask_timeout: &'static str) -> (System, Stub, Value) {
    let keys = stub_keys();
    let stub = Stub::start("housing", behaviour, keys.path());
    let setup = Setup {
        elsewhere: [("housing", stub.address)].into(),
        own_packs: true,
        ask_timeout: Some(ask_timeout),
        settings: vec![(KEY, format!("{KEY}\ncached_people = 0"))],
        authority: Some(keys),
        ..Setup::default()
    };
    let system = System::start(setup, listed()).await;
    let document = requests(system.folder.path())["C01"].clone();
    (system, stub, document)
}

/// Eight households about which housing is asked.
fn households(system: &System) -> Vec<Value> {
    let documents = requests(system.folder.path());
    let cases = listed_cases();
    let is_asked =
        |case: &&Value| case["expected"]["status"] == "DETERMINED" && case["department_status"]["housing"] == "OK";
    let found = cases["cases"].as_array().unwrap().iter().filter(is_asked);
    let found: Vec<Value> = found.take(8).map(|case| documents[case["id"].as_str().unwrap()].clone()).collect();
    assert_eq!(found.len(), 8);
    found
}

fn others_answered(reply: &Reply) -> bool {
    DEPARTMENTS
        .iter()
        .filter(|department| **department != "housing")
        .all(|department| matches!(reply.department(department), "answered" | "no_record"))
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a31_a_department_that_fails_is_left_alone_and_found_again() {
    for (behaviour, reason) in [
        (Behaviour::Hang, "timeout"),
        (Behaviour::Status(502), "unavailable"),
        (Behaviour::Status(500), "unavailable"),
        (Behaviour::Body(b"<html>maintenance</html>".to_vec()), "malformed"),
        (Behaviour::OtherPerson, "mismatch"),
    ] {
        let (system, stub, document) = with_housing(behaviour).await;
        let begun = Instant::now();
        let mut reasons = Vec::new();
        for _ in 0..40 {
            let reply = system.caller.verify(&document).await;
            assert!(others_answered(&reply), "{}", reply.body);
            assert_eq!(reply.verdict_status(), "PENDING_DATA", "missing is never zero: {}", reply.body);
            reasons.push(reply.department("housing").to_owned());
        }
        assert_eq!(reasons.first().map(String::as_str), Some(reason));
        assert!(reasons.iter().any(|told| told == "unavailable"), "{reasons:?}");
        // Seven that failed, each tried twice at most, and one probe a second.
        let at_most = 14 + 2 * (usize::try_from(begun.elapsed().as_secs()).unwrap() + 1);
        assert!(stub.times_asked() <= at_most, "asked {} times, at most {at_most}", stub.times_asked());
        let metrics = system.monitor("/metrics").await.1;
        assert!(metrics.contains("hedui_department_left_alone_total{department=\"housing\"}"), "{metrics}");

        stub.behave(Behaviour::NoRecord(Duration::ZERO));
        let back = Instant::now();
        while system.caller.verify(&document).await.department("housing") != "no_record" {
            assert!(back.elapsed() < Duration::from_secs(15), "a department that is back is found again");
        }
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_record_that_is_no_use_does_not_shut_the_department_to_others() {
    let (system, stub, document) = with_housing(Behaviour::NoRecord(Duration::ZERO)).await;
    stub.behave(Behaviour::NameMismatch);
    for asked in 1..=30 {
        let reply = system.caller.verify(&document).await;
        assert_eq!(reply.department("housing"), "mismatch");
        assert_eq!(stub.times_asked(), asked);
    }
    system.stop().await;
}

/// What one caller asks takes no department away from the others.
#[tokio::test(flavor = "multi_thread")]
async fn p9_questions_that_a_department_refuses_do_not_shut_it_to_others() {
    let (system, stub, document) = with_housing(Behaviour::NoRecord(Duration::ZERO)).await;
    for status in [400, 413, 422] {
        stub.behave(Behaviour::Status(status));
        for _ in 0..10 {
            assert_eq!(system.caller.verify(&document).await.department("housing"), "not_authorised");
        }
        stub.behave(Behaviour::NoRecord(Duration::ZERO));
        assert_eq!(system.caller.verify(&document).await.department("housing"), "no_record", "after {status}");
    }
    system.stop().await;
}

/// The hub counts characters, and so must whom it asks: a Chinese one has three bytes.
#[tokio::test(flavor = "multi_thread")]
async fn p9_the_longest_texts_that_the_hub_takes_are_taken_by_every_department() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let mut document = requests(system.folder.path())["C01"].clone();
    let usual = system.caller.verify(&document).await;
    assert_eq!(usual.verdict_status(), "DETERMINED", "{}", usual.body);
    document["authorisation"]["number"] = "权".repeat(100).into();
    let longest = system.caller.verify(&document).await;
    assert_eq!(longest.verdict_status(), "DETERMINED", "{}", longest.body);
    for member in document["household"]["members"].as_array_mut().unwrap() {
        member["name"] = "名".repeat(100).into();
    }
    let unknown = system.caller.verify(&document).await;
    let told: Vec<&str> = DEPARTMENTS.iter().map(|department| unknown.department(department)).collect();
    assert!(!told.contains(&"unavailable") && !told.contains(&"not_authorised"), "{told:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_an_answer_that_takes_longer_than_most_is_asked_for_once_more() {
    let (system, stub, document) = with_housing(Behaviour::NoRecord(Duration::ZERO)).await;
    // Until the hub knows how long most answers take.
    for _ in 0..100 {
        assert_eq!(system.caller.verify(&document).await.department("housing"), "no_record");
    }
    let before = stub.times_asked();
    stub.behave(Behaviour::Every(20, Box::new(Behaviour::Hang)));
    for _ in 0..100 {
        let reply = system.caller.verify(&document).await;
        assert_eq!(reply.department("housing"), "no_record", "the second request is answered: {}", reply.body);
    }
    assert!(stub.times_asked() - before <= 125, "{}", stub.times_asked() - before);
    system.stop().await;
}

/// Where all wait for the department, asking again would only add to what they wait for.
#[tokio::test(flavor = "multi_thread")]
async fn p9_who_waits_with_all_the_others_is_not_asked_for_again() {
    let (system, stub, document) = with_housing_within(Behaviour::NoRecord(Duration::ZERO), "5s").await;
    let burst = households(&system);
    for _ in 0..100 {
        assert_eq!(system.caller.verify(&document).await.department("housing"), "no_record");
    }
    stub.behave(Behaviour::NoRecord(Duration::from_millis(600)));
    let before = stub.times_asked();
    let (gate, begun) = (stub.hold(), Instant::now());
    let all_are_asked = async {
        while stub.times_asked() - before < burst.len() {
            assert!(begun.elapsed() < Duration::from_mins(1), "{} were asked", stub.times_asked() - before);
            tokio::task::yield_now().await;
        }
        gate.send_replace(true);
    };
    let (replies, ()) =
        tokio::join!(join_all(burst.iter().map(|document| system.caller.verify(document))), all_are_asked);
    assert!(replies.iter().all(|reply| reply.department("housing") == "no_record"));
    // All of them are late by what is usual. The first came alone and the last is left alone; who is answered later than
    // most of the others may be asked for again too.
    let asked = stub.times_asked() - before;
    assert!((8..=12).contains(&asked), "eight questions became {asked} requests");
    system.stop().await;
}

/// Nobody comes after a burst to overtake the one that hangs.
#[tokio::test(flavor = "multi_thread")]
async fn p9_who_is_left_of_a_burst_is_asked_for_once_more() {
    let (system, stub, document) = with_housing(Behaviour::NoRecord(Duration::ZERO)).await;
    let burst = households(&system);
    for _ in 0..100 {
        assert_eq!(system.caller.verify(&document).await.department("housing"), "no_record");
    }
    // One hangs of every burst, more or less, and never a second request with it: the next that hangs is ten further.
    stub.behave(Behaviour::Every(10, Box::new(Behaviour::Hang)));
    let (mut gaps, before) = (0, stub.times_asked());
    for _ in 0..30 {
        let replies = join_all(burst.iter().map(|document| system.caller.verify(document))).await;
        gaps += replies.iter().filter(|reply| reply.department("housing") != "no_record").count();
    }
    let hung = (stub.times_asked() - before) / 10;
    assert!(hung >= 20 && gaps * 4 <= hung, "{gaps} gaps, {hung} that hung");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_question_that_was_lost_on_the_way_is_asked_once_more() {
    let (system, stub, document) = with_housing(Behaviour::Every(4, Box::new(Behaviour::Status(502)))).await;
    for _ in 0..20 {
        assert_eq!(system.caller.verify(&document).await.department("housing"), "no_record");
    }
    assert!((25..=28).contains(&stub.times_asked()), "{}", stub.times_asked());
    system.stop().await;
}

//! Requests that are wrong: a 4xx problem with pointer, zh and en, an entry in the log, and no department asked.

use std::time::Duration;

use hedui::domain::purpose::Purpose;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::hub::{Reply, Setup, System, listed, mint, requests};

async fn system() -> System {
    System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await
}

fn assert_problem(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{}", reply.body);
    assert_eq!(reply.headers["content-type"], "application/problem+json");
    let problem = &reply.body;
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], status);
    assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()));
    assert!(problem["title_zh"].as_str().is_some_and(|title| !title.is_empty()));
    assert!(problem["fix"]["zh"].is_string() && problem["fix"]["en"].is_string());
    let told = reply.headers["x-request-id"].to_str().unwrap();
    assert_eq!(problem["request_id"], told, "the request id is in header and body");
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_every_kind_of_wrong_request_is_a_problem_that_helps() {
    let system = system().await;
    let caller = &system.caller;
    let good = requests(system.folder.path())["C01"].clone();
    let path = "/v1/verifications";

    let mut wrong = good.clone();
    wrong["household"]["members"][0]["id_number"] = "150000198605021016".into();
    wrong["place"]["urban_rural"] = "SEASIDE".into();
    let reply = caller.post(path, &wrong, &[]).await;
    assert_problem(&reply, 422, "invalid_request");
    assert!(!reply.body.to_string().contains("15000019860502"), "an identity number leaks");

    let reply = caller.post_raw(path, b"{".to_vec(), &[]).await;
    assert_problem(&reply, 400, "invalid_request");
    let reply = caller.post_raw(path, vec![b' '; 1024 * 1024 + 1], &[]).await;
    assert_problem(&reply, 413, "body_too_large");
    let reply = caller.post(path, &good, &[("content-type", "text/plain")]).await;
    assert_problem(&reply, 415, "unsupported_media_type");
    let reply = caller.post(path, &good, &[("idempotency-key", "150000198605021015")]).await;
    assert_problem(&reply, 400, "invalid_header");
    let within = caller.post(path, &good, &[("idempotency-key", "x-150000198605021015-1")]).await;
    assert_problem(&within, 400, "invalid_header");
    for (name, value) in [("content-encoding", "gzip"), ("content-type", "application/json; charset=utf-16")] {
        assert_problem(&caller.post(path, &good, &[(name, value)]).await, 415, "unsupported_media_type");
    }
    // A25: what stands in the log, which forgets nothing, is no place for a number.
    let mut telling = good.clone();
    telling["authorisation"]["number"] = "A150000 19860502 1015".into();
    let reply = caller.post(path, &telling, &[]).await;
    assert_problem(&reply, 422, "invalid_request");
    assert_eq!(reply.body["errors"][0]["code"], "identity_number", "{}", reply.body);
    let mut unknown_pack = good.clone();
    unknown_pack["pack"] = "NOWHERE".into();
    assert_problem(&caller.post(path, &unknown_pack, &[]).await, 422, "invalid_request");
    assert_problem(&caller.get("/v1/verifications/vf_0").await, 404, "not_found");
    assert_problem(&caller.get("/v1/verifications/vf_0?expand=everything").await, 400, "invalid_query");
    let no_route = caller.get("/v1/nothing").await;
    assert_eq!((no_route.status, no_route.body["code"].as_str()), (StatusCode::NOT_FOUND, Some("no_such_route")));
    let no_method = caller.get("/v1/verifications").await;
    assert_eq!(
        (no_method.status, no_method.body["code"].as_str()),
        (StatusCode::METHOD_NOT_ALLOWED, Some("method_not_allowed"))
    );

    // Mass assignment (A15): what the hub decides cannot be sent.
    for (name, value) in [("verdict", json!({})), ("id", json!("vf_1")), ("status", json!("completed"))] {
        let mut assigned = good.clone();
        assigned[name] = value;
        assert_problem(&caller.post(path, &assigned, &[]).await, 422, "invalid_request");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_acts_inside_its_division_and_purposes_on_its_own_verifications() {
    let system = system().await;
    let good = requests(system.folder.path())["C01"].clone();
    let path = "/v1/verifications";
    let foreign = system.caller.with_token(mint(&system.files, "other", "150200", &Purpose::ALL));
    let reply = foreign.post(path, &good, &[]).await;
    assert_problem(&reply, 403, "foreign_division");
    assert_eq!(reply.body["errors"][0]["pointer"], "/place/division_code");
    let purpose = system.caller.with_token(mint(&system.files, "other", "000000", &[Purpose::Tekun]));
    assert_problem(&purpose.post(path, &good, &[]).await, 403, "foreign_purpose");
    assert_problem(
        &system.caller.with_token("not a token".to_owned()).post(path, &good, &[]).await,
        401,
        "invalid_token",
    );

    // A12: a foreign verification and an absent one are the same answer.
    let own = system.caller.verify(&good).await;
    let id = own.body["id"].as_str().unwrap();
    let other = system.caller.with_token(mint(&system.files, "other", "000000", &Purpose::ALL));
    let strip = |mut reply: Reply| {
        reply.body.as_object_mut().unwrap().remove("request_id");
        (reply.status, reply.body)
    };
    let foreign = strip(other.get(&format!("{path}/{id}")).await);
    let absent = strip(other.get(&format!("{path}/vf_00000000000000000000000000000000")).await);
    assert_eq!(foreign, absent);
    assert_eq!(foreign.0, StatusCode::NOT_FOUND);
    let events = strip(other.get(&format!("{path}/{id}/events")).await);
    assert_eq!(events, absent);
    assert_eq!(system.caller.get(&format!("{path}/{id}")).await.status, StatusCode::OK);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_every_refusal_is_in_the_log_before_it_is_told() {
    let system = system().await;
    let good = requests(system.folder.path())["C01"].clone();
    let mut wrong = good.clone();
    wrong["purpose"] = "curiosity".into();
    let path = "/v1/verifications";
    let replies = [
        system.caller.post(path, &wrong, &[]).await,
        system.caller.with_token("x".to_owned()).post(path, &good, &[]).await,
        system.caller.with_token(mint(&system.files, "other", "150200", &Purpose::ALL)).post(path, &good, &[]).await,
        system.caller.get("/v1/verifications/vf_1").await,
    ];
    let events: Vec<Value> = system
        .app
        .verifications()
        .store()
        .log()
        .newest(50)
        .await
        .unwrap()
        .iter()
        .map(|event| serde_json::from_str(&event.body).unwrap())
        .collect();
    for reply in replies {
        let request_id = &reply.body["request_id"];
        let event = events.iter().find(|event| event["request_id"] == *request_id).expect("an entry for the refusal");
        assert_eq!(event["action"], "denied");
        assert_eq!(event["problem"], reply.body["code"]);
    }
    let done = system.caller.verify(&good).await;
    let events = system.app.verifications().store().log().newest(2).await.unwrap();
    let actions: Vec<Value> =
        events.iter().map(|event| serde_json::from_str::<Value>(&event.body).unwrap()["action"].clone()).collect();
    assert_eq!(actions, ["released", "granted"]);
    assert_eq!(done.body["receipt"], events[0].id.as_str(), "the receipt is the entry's id");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a40_the_same_key_is_one_verification_for_one_client_and_body() {
    let system = system().await;
    let documents = requests(system.folder.path());
    let path = "/v1/verifications";
    let key = [("idempotency-key", "k-1"), ("prefer", "wait=30")];
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (caller, document) = (system.caller.clone(), documents["C01"].clone());
        callers.spawn(async move { caller.post(path, &document, &key).await });
    }
    let replies = callers.join_all().await;
    let first = replies[0].body["id"].clone();
    assert!(replies.iter().all(|reply| reply.body["id"] == first && reply.status.is_success()));
    assert_eq!(replies.iter().filter(|reply| reply.status == StatusCode::CREATED).count(), 1, "one was new");
    assert_problem(&system.caller.post(path, &documents["C02"], &key).await, 422, "idempotency_key_reused");
    let other = system.caller.with_token(mint(&system.files, "other", "000000", &Purpose::ALL));
    let apart = other.post(path, &documents["C02"], &key).await;
    assert_eq!(apart.status, StatusCode::CREATED, "keys of two clients are apart");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_too_many_says_when_to_come_back() {
    let system = System::start(Setup { own_packs: true, per_second: Some(5), ..Setup::default() }, listed()).await;
    let mut refused = None;
    for _ in 0..40 {
        let reply = system.caller.get("/v1/verifications/vf_1").await;
        assert!(reply.headers.contains_key("ratelimit") && reply.headers.contains_key("ratelimit-policy"));
        if reply.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("the limit is reached");
    assert_problem(&refused, 429, "rate_limited");
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(seconds >= 1);
    let other = system.caller.with_token(mint(&system.files, "other", "000000", &Purpose::ALL));
    assert_eq!(
        other.get("/v1/verifications/vf_1").await.status,
        StatusCode::NOT_FOUND,
        "another client has its own limit"
    );
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    assert_eq!(system.caller.get("/v1/verifications/vf_1").await.status, StatusCode::NOT_FOUND, "and it passes");
    system.stop().await;
}

/// A37: the limit is the client's, whatever token, address or header it comes with.
#[tokio::test(flavor = "multi_thread")]
async fn a37_another_token_or_address_is_no_second_limit() {
    let system = System::start(Setup { own_packs: true, per_second: Some(5), ..Setup::default() }, listed()).await;
    let begun = std::time::Instant::now();
    let mut let_through = 0;
    for number in 0..60 {
        let fresh = mint(&system.files, "tester", "000000", &Purpose::ALL);
        let request = system.caller.http.get(format!("{}/v1/verifications/vf_1", system.caller.base));
        let request = request
            .header("AUTHORIZATION", format!("bearer {fresh}"))
            .header("x-forwarded-for", format!("203.0.113.{number}"))
            .header("forwarded", format!("for=\"[2001:db8::{number:x}]\""))
            .header("x-real-ip", format!("198.51.100.{number}"));
        let_through += u64::from(request.send().await.unwrap().status() != StatusCode::TOO_MANY_REQUESTS);
    }
    let due = 5 + 5 * (begun.elapsed().as_secs() + 1);
    assert!(let_through <= due && let_through < 60, "{let_through} of 60, {due} due");
    system.stop().await;
}

/// A57: a member that stands twice is pointed at, on whichever route and however deep it stands.
#[tokio::test(flavor = "multi_thread")]
async fn a57_a_member_that_stands_twice_is_pointed_at() {
    let system = system().await;
    let good = requests(system.folder.path())["C01"].clone();
    let registration = super::authorisations::registration(&good);
    let officer = system.caller.with_token(super::hub::officer(&system.files, "officer", "000000"));
    let twice = |document: &Value, name: &str| {
        let member = format!("\"{name}\":");
        document.to_string().replacen(&member, &format!("{member}null,{member}"), 1)
    };
    let search = r#"{"actor":"a","actor":"b"}"#.to_owned();
    for (caller, path, body, pointer) in [
        (&system.caller, "/v1/verifications", twice(&good, "purpose"), "/purpose"),
        (&system.caller, "/v1/verifications", twice(&good, "hukou_region"), "/household/hukou_region"),
        (&system.caller, "/v1/authorisations", twice(&registration, "capacity"), "/signatures/0/capacity"),
        (&officer, "/v1/access-log:search", search, "/actor"),
    ] {
        let reply = caller.post_raw(path, body.into_bytes(), &[]).await;
        let errors = reply.body["errors"].as_array().unwrap_or_else(|| panic!("{path}: {}", reply.body));
        let is_told = errors.iter().any(|error| error["code"] == "duplicate_member" && error["pointer"] == pointer);
        assert!(is_told, "{path}: {}", reply.body);
        assert!(!reply.body.to_string().contains("15000019"), "{}", reply.body);
    }
    system.stop().await;
}

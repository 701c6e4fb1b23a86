//! `check` on services that are not what they should be: which rung breaks, and what is said.

use std::sync::atomic::Ordering;

use connectors::check::{Step, climb};
use connectors::{Rung, Trouble};
use serde_json::json;

use crate::http::{MTLS, OAUTH2, SIGNED};
use crate::services::Running;

const PATH: &str = "/gateway/house/contract";

async fn climbed(running: &Running, auth: &str, changes: &[(&str, &str)]) -> Vec<Step> {
    climb(&running.file(auth, changes), running.overrides()).await
}

/// The first trouble of a ladder.
fn trouble(steps: &[Step]) -> &Trouble {
    let step = steps.iter().find(|step| !step.holds()).unwrap_or_else(|| panic!("all hold: {steps:?}"));
    let trouble = step.found.as_ref().unwrap_err();
    let shown = format!("{trouble:?}");
    assert!(!shown.contains("app-key") && !shown.contains("{host}") && !shown.contains("{name}"), "{shown}");
    trouble
}

#[tokio::test]
async fn the_whole_ladder_holds_on_each_kind_of_service() {
    for (auth, mutual) in [(SIGNED, false), (OAUTH2, false), (MTLS, true)] {
        let running = Running::start(mutual);
        let steps = climbed(&running, auth, &[]).await;
        assert!(steps.iter().all(Step::holds), "{steps:?}");
        let rungs: Vec<_> = steps.iter().map(|step| step.rung).collect();
        let expected = [
            Rung::Syntax,
            Rung::Schema,
            Rung::Secrets,
            Rung::Dns,
            Rung::Tcp,
            Rung::Tls,
            Rung::Login,
            Rung::Answer,
            Rung::Golden,
        ];
        assert_eq!(rungs, expected);
    }
}

#[tokio::test]
async fn what_stands_wrong_in_the_file_is_told_with_its_remedy() {
    let running = Running::start(false);
    for (auth, changes, rung, code) in [
        (SIGNED, vec![("rid-152201", "rid-1")], Rung::Login, "service_requester_unknown"),
        (SIGNED, vec![("sid-house", "sid-other")], Rung::Permission, "service_interface_unknown"),
        (SIGNED, vec![("\"app.key\"", "\"client.secret\"")], Rung::Login, "service_signature_wrong"),
        (SIGNED, vec![("at = \"$.data.secret\"", "at = \"$.data.key\"")], Rung::Login, "service_gave_no_key"),
        (SIGNED, vec![("\"app.key\"", "\"none.key\"")], Rung::Secrets, "secret_missing"),
        (OAUTH2, vec![("client_id = \"hedui\"", "client_id = \"other\"")], Rung::Login, "service_client_unknown"),
        (OAUTH2, vec![("https://localhost", "https://no-such-host.invalid")], Rung::Dns, "dns_unknown_host"),
        (OAUTH2, vec![("tls_ca = \"ca.pem\"", "")], Rung::Tls, "tls_unknown_issuer"),
        (OAUTH2, vec![("tls_ca = \"ca.pem\"", "tls_ca = \"client.key\"")], Rung::Secrets, "tls_file"),
        (OAUTH2, vec![("https://localhost", "http://localhost")], Rung::Secrets, "source_url"),
    ] {
        let steps = climbed(&running, auth, &changes).await;
        let found = trouble(&steps);
        let resolves = ["dns_unknown_host", "dns_unreachable", "dns_failed", "dns_no_address"].contains(&found.code);
        assert!((found.rung, found.code) == (rung, code) || rung == Rung::Dns && resolves, "{changes:?}: {found:?}");
    }
}

#[tokio::test]
async fn a_pinned_certificate_is_believed_and_no_other() {
    let running = Running::start(false);
    let wrong = format!("tls_pin = \"{}\"", "ab".repeat(32));
    let steps = climbed(&running, OAUTH2, &[("tls_ca = \"ca.pem\"", &wrong)]).await;
    assert_eq!((trouble(&steps).rung, trouble(&steps).code), (Rung::Tls, "tls_certificate_refused"));
    let shown = std::process::Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(running.folder.path().join("server.pem"))
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let (_, digest) = shown.trim().split_once('=').expect("openssl shows a fingerprint");
    let pin = format!("tls_pin = \"{digest}\"");
    let steps = climbed(&running, OAUTH2, &[("tls_ca = \"ca.pem\"", &pin)]).await;
    assert!(steps.iter().all(Step::holds), "{steps:?}");
}

#[tokio::test]
async fn a_certificate_of_ours_that_is_not_believed_is_told_on_the_rung_of_tls() {
    let running = Running::start(true);
    for (changes, code) in [
        (vec![("client.pem", "stranger.pem"), ("client.key", "stranger.key")], "tls_client_certificate_refused"),
        (
            vec![("tls_cert = \"client.pem\"\ntls_key = \"client.key\"\n", ""), ("kind = \"mtls\"", "kind = \"none\"")],
            "tls_client_certificate_needed",
        ),
    ] {
        let steps = climbed(&running, MTLS, &changes).await;
        assert_eq!((trouble(&steps).rung, trouble(&steps).code), (Rung::Tls, code), "{steps:?}");
    }
}

#[tokio::test]
async fn clocks_that_differ_are_told_whether_the_service_says_so_or_not() {
    let running = Running::start(false);
    running.service.mood.ahead.store(3_600_000, Ordering::SeqCst);
    let steps = climbed(&running, SIGNED, &[]).await;
    assert_eq!((trouble(&steps).rung, trouble(&steps).code), (Rung::Login, "service_clock_skew"), "{steps:?}");
    // A service that says no more than 401 still says what time it has.
    running.answer_next(PATH, 401, "text/plain", "");
    running.answer_next(PATH, 401, "text/plain", "");
    let steps = climbed(&running, "[source.auth]\nkind = \"none\"", &[]).await;
    assert_eq!((trouble(&steps).rung, trouble(&steps).code), (Rung::Login, "clocks_differ"), "{steps:?}");
}

#[tokio::test]
async fn p12_what_a_service_answers_is_told_with_its_remedy() {
    let running = Running::start(false);
    let (gbk, _, _) = encoding_rs::GB18030.encode("{\"code\":\"200\",\"msg\":\"查无此人\"}");
    let json = |value: serde_json::Value| value.to_string().into_bytes();
    for (status, kind, body, rung, code) in [
        (
            403,
            "application/json",
            json(json!({"msg": "来源IP不在白名单内"})),
            Rung::Permission,
            "service_address_not_listed",
        ),
        (403, "text/plain", Vec::new(), Rung::Permission, "service_forbidden"),
        (404, "text/html", b"<html>".to_vec(), Rung::Prepare, "service_path_unknown"),
        (405, "text/html", Vec::new(), Rung::Prepare, "service_method_wrong"),
        (415, "text/html", Vec::new(), Rung::Prepare, "service_media_type"),
        (400, "text/html", Vec::new(), Rung::Prepare, "service_request_refused"),
        (422, "text/html", Vec::new(), Rung::Prepare, "service_request_unusable"),
        (429, "text/html", Vec::new(), Rung::Answer, "service_calls_used_up"),
        (500, "text/html", Vec::new(), Rung::Answer, "service_failed"),
        (502, "text/html", Vec::new(), Rung::Answer, "service_gateway_failed"),
        (503, "text/html", Vec::new(), Rung::Answer, "service_unavailable"),
        (504, "text/html", Vec::new(), Rung::Answer, "service_gateway_late"),
        (302, "text/html", Vec::new(), Rung::Prepare, "service_moved"),
        (
            200,
            "application/json",
            json(json!({"code": "1", "msg": "超出当日配额"})),
            Rung::Answer,
            "service_quota_used_up",
        ),
        (
            200,
            "application/json",
            json(json!({"code": "1", "msg": "系统维护中"})),
            Rung::Answer,
            "service_in_maintenance",
        ),
        (
            200,
            "application/json",
            json(json!({"code": "1", "msg": "系统繁忙，请稍后再试"})),
            Rung::Answer,
            "service_busy",
        ),
        (200, "application/json", json(json!({"code": "1", "msg": "参数缺失"})), Rung::Answer, "service_says_failed"),
        (200, "text/html", "<!doctype html><title>统一认证</title>".into(), Rung::Prepare, "answer_is_html"),
        (200, "application/json", Vec::new(), Rung::Answer, "answer_blank"),
        (200, "application/json", b"OK".to_vec(), Rung::Prepare, "answer_not_json"),
        (200, "application/json", gbk.to_vec(), Rung::Prepare, "answer_encoding"),
        (200, "application/json", b"{\"code\":1,\"code\":2}".to_vec(), Rung::Answer, "answer_name_twice"),
        (
            200,
            "application/json",
            json(json!({"code": "200", "data": {"list": {"a": 1}}})),
            Rung::Columns,
            "records_path_finds_nothing",
        ),
        (
            200,
            "application/json",
            json(json!({"code": "200", "data": {"list": [{"a": 1}]}})),
            Rung::Columns,
            "column_path_finds_nothing",
        ),
    ] {
        running.answer_next(PATH, status, kind, body.clone());
        let steps = climbed(&running, OAUTH2, &[]).await;
        let found = trouble(&steps);
        assert_eq!((found.rung, found.code), (rung, code), "{}: {found:?}", String::from_utf8_lossy(&body));
    }
}

#[tokio::test]
async fn somebody_else_listening_on_the_port_is_told() {
    let running = Running::start(false);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://localhost:{}/gateway", silent.local_addr().unwrap().port());
    let own = format!("https://localhost:{}/gateway", running.address.port());
    let changes =
        [(own.as_str(), address.as_str()), ("timeout = \"10s\"", "timeout = \"10s\"\nconnect_timeout = \"300ms\"")];
    let steps = climbed(&running, OAUTH2, &changes).await;
    assert_eq!((trouble(&steps).rung, trouble(&steps).code), (Rung::Tcp, "connection_timed_out"), "{steps:?}");
    drop(silent);
    let steps = climbed(&running, OAUTH2, &changes).await;
    assert_eq!((trouble(&steps).rung, trouble(&steps).code), (Rung::Tcp, "connection_refused"), "{steps:?}");
}

//! The server through real mutual TLS.

use std::time::{Duration, Instant};

use connectors::protocol::{AdapterProblem, Manifest, Query, Response, ResultStatus};
use connectors::serve::Running;

use crate::harness::{
    ALTAN, Authority, BATU, CERTIFICATE, QIQIGE, REHABILITATION, SIQIN, Store, caller, question, result,
};

const LOCAL: &str = "127.0.0.1:0";

struct Served {
    running: Running,
    server_ca: Authority,
    client_ca: Authority,
}

impl Served {
    async fn of(adapter: &connectors::adapter::Adapter) -> Self {
        let (server_ca, client_ca) = (Authority::new("server CA"), Authority::new("client CA"));
        let running = adapter.listen(LOCAL.parse().unwrap(), server_ca.server(&client_ca)).await.unwrap();
        assert_ne!(running.addr().port(), 0);
        Self { running, server_ca, client_ca }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.running.addr().port())
    }

    fn hub(&self) -> reqwest::Client {
        caller(&self.server_ca, Some(&self.client_ca)).build().unwrap()
    }

    async fn ask(&self, query: &Query) -> reqwest::Response {
        self.hub().post(self.url("/v1/facts:query")).json(query).send().await.unwrap()
    }
}

async fn problem(response: reqwest::Response) -> (u16, String, AdapterProblem) {
    let status = response.status().as_u16();
    let media = response.headers().get("content-type").unwrap().to_str().unwrap().to_owned();
    (status, media, response.json().await.unwrap())
}

#[tokio::test]
async fn a_caller_with_a_certificate_is_answered() {
    let store = Store::seventh().await;
    let served = Served::of(&store.adapter()).await;
    for builder in [
        caller(&served.server_ca, Some(&served.client_ca)),
        caller(&served.server_ca, Some(&served.client_ca)).http1_only(),
        caller(&served.server_ca, Some(&served.client_ca)).tls_version_max(reqwest::tls::Version::TLS_1_2),
    ] {
        let client = builder.build().unwrap();
        let query = question(&[CERTIFICATE], &[(BATU, "巴图")]);
        let answer = client.post(served.url("/v1/facts:query")).json(&query).send().await.unwrap();
        assert_eq!(
            (answer.status(), answer.headers()["cache-control"].to_str().unwrap()),
            (reqwest::StatusCode::OK, "no-store")
        );
        let response: Response = answer.json().await.unwrap();
        assert_eq!(
            (response.adapter.id.as_str(), result(&response, "m1", CERTIFICATE).status),
            ("disabled_persons", ResultStatus::Ok)
        );
    }
    let manifest: Manifest = served.hub().get(served.url("/v1/manifest")).send().await.unwrap().json().await.unwrap();
    assert_eq!((manifest.quota_per_second, manifest.max_subjects, manifest.datasets.len()), (50, 500, 2));
    let health = served.hub().get(served.url("/v1/health")).send().await.unwrap();
    assert_eq!(health.version(), reqwest::Version::HTTP_2);
    assert_eq!(health.status(), 200);
    served.running.stop().await;
}

#[tokio::test]
async fn nobody_without_the_right_certificate_gets_as_far_as_http() {
    let store = Store::seventh().await;
    let served = Served::of(&store.adapter()).await;
    let stranger = Authority::new("client CA");
    for builder in [
        caller(&served.server_ca, None),
        caller(&served.server_ca, Some(&stranger)),
        // A server's certificate does not make a caller.
        caller(&served.server_ca, Some(&served.server_ca)),
    ] {
        let answer = builder.build().unwrap().get(served.url("/v1/health")).send().await;
        assert!(answer.is_err(), "{answer:?}");
    }
    let imposter = caller(&stranger, Some(&served.client_ca)).build().unwrap();
    assert!(imposter.get(served.url("/v1/health")).send().await.is_err(), "the caller checks the server, too");
    let plain = format!("http://{}/v1/health", served.running.addr());
    let answer = caller(&served.server_ca, None).build().unwrap().get(plain).send().await;
    assert!(answer.is_err(), "{answer:?}");
    served.running.stop().await;
}

#[tokio::test]
async fn what_is_too_much_or_malformed_is_a_problem_that_quotes_nothing() {
    let store = Store::seventh().await;
    let served = Served::of(&store.adapter()).await;
    let numbers: Vec<String> = (0..501).map(|index| format!("15000019860502{index:03}X")).collect();
    let persons: Vec<_> = numbers.iter().map(|number| (number.as_str(), "无")).collect();
    let (status, media, too_many) = problem(served.ask(&question(&[CERTIFICATE], &persons)).await).await;
    assert_eq!(
        (status, media.as_str(), too_many.code.as_str()),
        (422, "application/problem+json", "too_many_subjects")
    );
    assert!(too_many.title.contains("500") && too_many.title_zh.contains("500"));

    let post = |body: Vec<u8>| served.hub().post(served.url("/v1/facts:query")).body(body).send();
    let (status, _, large) = problem(post(vec![b' '; 1024 * 1024 + 1]).await.unwrap()).await;
    assert_eq!((status, large.code.as_str()), (413, "body_too_large"));
    let chunks = futures_util::stream::iter((0..40).map(|_| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024])));
    let streamed = served.hub().post(served.url("/v1/facts:query")).body(reqwest::Body::wrap_stream(chunks)).send();
    let (status, _, large) = problem(streamed.await.unwrap()).await;
    assert_eq!((status, large.code.as_str()), (413, "body_too_large"), "also when its length is not announced");

    let mut unknown_member = serde_json::to_value(question(&[CERTIFICATE], &[(BATU, "巴图")])).unwrap();
    unknown_member["everything"] = true.into();
    let wrong_type = br#"{"request_id":"r","purpose":"dibao","authorisation":"150000198605021015"}"#.to_vec();
    let deep = "[".repeat(100_000).into_bytes();
    for body in
        [b"".to_vec(), b"[]".to_vec(), wrong_type, unknown_member.to_string().into_bytes(), vec![0xff; 40], deep]
    {
        let (status, _, bad) = problem(post(body).await.unwrap()).await;
        assert_eq!((status, bad.code.as_str()), (400, "bad_query"));
        assert!(!format!("{bad:?}").contains("198605"), "{bad:?}");
    }
    let (status, _, lost) = problem(served.hub().get(served.url("/v2/facts")).send().await.unwrap()).await;
    assert_eq!((status, lost.code.as_str()), (404, "not_found"));
    let (status, _, method) = problem(served.hub().get(served.url("/v1/facts:query")).send().await.unwrap()).await;
    assert_eq!((status, method.code.as_str()), (405, "method_not_allowed"));
    served.running.stop().await;
}

#[tokio::test]
async fn failures_can_be_rehearsed_with_synthetic_persons() {
    let store = Store::seventh().await;
    let (adapter, lines) =
        store.rehearsing(&[(BATU, "no_record"), (ALTAN, "error"), (QIQIGE, "quota"), (SIQIN, "not_authorised")]);
    let served = Served::of(&adapter).await;
    for (person, status, code) in [
        ((ALTAN, "阿拉坦·乌拉"), 500, "unavailable"),
        ((QIQIGE, "其其格"), 429, "quota_exceeded"),
        ((SIQIN, "斯琴"), 403, "not_authorised"),
    ] {
        let answer = served.ask(&question(&[CERTIFICATE], &[(BATU, "巴图"), person])).await;
        assert_eq!(answer.headers().contains_key("retry-after"), status == 429);
        let (got, _, problem) = problem(answer).await;
        assert_eq!((got, problem.code.as_str()), (status, code));
    }
    let response: Response =
        served.ask(&question(&[CERTIFICATE, REHABILITATION], &[(BATU, "巴图")])).await.json().await.unwrap();
    assert!(response.results.iter().all(|result| result.status == ResultStatus::NoRecord));
    assert_eq!(response.results.len(), 2);
    assert_eq!(lines.lock().unwrap().len(), 4);
    served.running.stop().await;
}

#[tokio::test]
async fn a_rehearsed_timeout_never_answers_and_does_not_keep_the_server_from_stopping() {
    let store = Store::seventh().await;
    let (adapter, lines) = store.rehearsing(&[(BATU, "timeout")]);
    let served = Served::of(&adapter).await;
    let impatient =
        caller(&served.server_ca, Some(&served.client_ca)).timeout(Duration::from_millis(300)).build().unwrap();
    let query = question(&[CERTIFICATE], &[(BATU, "巴图")]);
    let error = impatient.post(served.url("/v1/facts:query")).json(&query).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    drop(impatient);
    let hub = served.hub();
    let url = served.url("/v1/facts:query");
    let waiting = async { hub.post(url).json(&query).send().await };
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let began = Instant::now();
        served.running.stop().await;
        began.elapsed()
    };
    let (answer, took) = tokio::join!(waiting, stopping);
    assert_eq!(answer.unwrap().status(), 503);
    assert!(took < Duration::from_secs(8), "{took:?}");
    let lines = lines.lock().unwrap();
    assert!(lines.iter().all(|line| line.contains(r#""status":"abandoned""#)), "{lines:?}");
    assert_eq!(lines.len(), 2, "also what was abandoned is in the record of use");
}

#[tokio::test]
async fn the_record_of_use_says_who_asked_for_what_and_never_about_whom() {
    let store = Store::seventh().await;
    let (adapter, lines) = store.rehearsing(&[]);
    let served = Served::of(&adapter).await;
    let mut query = question(&[CERTIFICATE, REHABILITATION], &[(BATU, "巴图"), (SIQIN, "斯琴")]);
    query.request_id = format!("careless-{BATU}");
    assert_eq!(served.ask(&query).await.status(), 200);
    let body = format!("{{\"request_id\":\"{BATU}\"");
    let bad = served.hub().post(served.url("/v1/facts:query")).body(body).send().await.unwrap();
    assert_eq!(bad.status(), 400);
    served.running.stop().await;
    let lines = lines.lock().unwrap();
    let parsed: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(parsed.len(), 2);
    assert_eq!(parsed[0]["authorisation"], "HD-2025-0001");
    assert_eq!(parsed[0]["purpose"], "dibao");
    assert_eq!(parsed[0]["request_id"], "careless-(hidden)");
    assert_eq!(parsed[0]["datasets"], serde_json::json!([CERTIFICATE, REHABILITATION]));
    assert_eq!((parsed[0]["subjects"].as_u64(), parsed[0]["status"].as_str()), (Some(2), Some("answered")));
    assert!(parsed[0]["failures"][0].as_str().unwrap().contains("grade"), "{}", parsed[0]);
    assert_eq!(parsed[1]["status"], "bad_query");
    for line in lines.iter() {
        for secret in [BATU, SIQIN, "巴图", "斯琴", "未定级"] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

#[tokio::test]
async fn health_tells_that_the_database_is_away() {
    let store = Store::empty();
    let served = Served::of(&store.adapter()).await;
    let (status, _, away) = problem(served.hub().get(served.url("/v1/health")).send().await.unwrap()).await;
    assert_eq!((status, away.code.as_str()), (503, "source_unavailable"));
    assert!(!format!("{away:?}").contains("sqlite"), "where the database is, is the department's business");
    served.running.stop().await;
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_named() {
    use connectors::serve::{TlsFiles, TlsPem};
    let adapter = Store::empty().adapter();
    let (ca, address) = (Authority::new("CA"), LOCAL.parse().unwrap());
    let good = ca.server(&ca);
    for (tls, says) in [
        (TlsPem { cert: b"x".to_vec(), ..good.clone() }, "--cert"),
        (TlsPem { key: b"x".to_vec(), ..good.clone() }, "--key"),
        (TlsPem { client_ca: Vec::new(), ..good.clone() }, "--client-ca"),
        (TlsPem { key: ca.server(&ca).key, ..good.clone() }, "cannot be used"),
    ] {
        let error = adapter.listen(address, tls).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let missing =
        TlsFiles { cert: "/none/cert.pem".into(), key: "/none/key.pem".into(), client_ca: "/none/ca.pem".into() };
    assert!(adapter.listen(address, missing).await.unwrap_err().to_string().contains("/none/cert.pem"));
    let running = adapter.listen(address, good.clone()).await.unwrap();
    let taken = adapter.listen(running.addr(), good).await.unwrap_err();
    assert!(taken.to_string().contains(&running.addr().to_string()), "{taken}");
    running.stop().await;
}

//! Services as departments run them, over real TLS: the header-signed style of the national sharing platform,
//! OAuth 2.0, client certificates, and the envelope of medical insurance. Each checks what it is asked with, and
//! fails in the ways such services fail.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connectors::adapter::{Adapter, Overrides};
use connectors::clock::Clock;
use connectors::connector::Connector;
use connectors::ledger::Ledger;
use jiff::Timestamp;
use rcgen::ExtendedKeyUsagePurpose;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};

use crate::harness::Authority;

pub(crate) const RID: &str = "rid-152201";
pub(crate) const SID: &str = "sid-house";
pub(crate) const APP_KEY: &str = "app-key";
/// When the services think it is, and the adapter too unless a test says otherwise.
pub(crate) const NOW: i64 = 1_793_500_000;

/// A planned answer: status, media type (and a further header behind `|`), body.
type Planned = (u16, &'static str, Vec<u8>);

/// What a service is told to do instead of answering well.
#[derive(Default)]
pub(crate) struct Mood {
    /// Answers to data calls, by path, each a status, headers and a body; used before the records.
    pub(crate) answers: Mutex<BTreeMap<String, Vec<Planned>>>,
    /// How many milliseconds its clock is ahead.
    pub(crate) ahead: AtomicI64,
    /// Never answers about whom this names.
    pub(crate) silent_about: Mutex<Option<&'static str>>,
}

/// What a service keeps.
pub(crate) struct Service {
    pub(crate) mood: Mood,
    /// Records by identity number.
    pub(crate) records: Mutex<BTreeMap<String, Vec<Value>>>,
    /// The calls it got: path and body.
    pub(crate) calls: Mutex<Vec<(String, String)>>,
    /// Calls under way, and the most there were.
    under_way: AtomicUsize,
    pub(crate) most: AtomicUsize,
    clock: Arc<AtomicI64>,
    day_key: Mutex<String>,
    secret: Mutex<(String, i64)>,
    issued: AtomicUsize,
    tokens: Mutex<Vec<(String, i64)>>,
}

/// A service that runs, and what one needs to ask it.
pub(crate) struct Running {
    pub(crate) service: Arc<Service>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    /// The adapter's clock, in milliseconds.
    pub(crate) clock: Arc<AtomicI64>,
    handle: Handle<SocketAddr>,
    _tasks: tokio::task::JoinSet<std::io::Result<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

impl Running {
    /// A service on loopback; `client_ca` is that of the certificates it asks for, where it does.
    pub(crate) fn start(mutual: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (server_ca, client_ca) = (Authority::new("service CA"), Authority::new("platform CA"));
        std::fs::write(folder.path().join("ca.pem"), server_ca.pem()).unwrap();
        let (cert, key) = server_ca.issue(ExtendedKeyUsagePurpose::ServerAuth);
        std::fs::write(folder.path().join("server.pem"), &cert).unwrap();
        for (name, authority) in [("client", &client_ca), ("stranger", &server_ca)] {
            let (cert, key) = authority.issue(ExtendedKeyUsagePurpose::ClientAuth);
            std::fs::write(folder.path().join(format!("{name}.pem")), cert).unwrap();
            std::fs::write(folder.path().join(format!("{name}.key")), key).unwrap();
        }
        for (name, secret) in [("app.key", APP_KEY), ("client.secret", "s3cret&=+"), ("sm3.key", "sm3-key")] {
            let file = folder.path().join(name);
            std::fs::write(&file, secret).unwrap();
            std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&cert).collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_slice(&key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
        let config = if mutual {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(&client_ca.pem()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let config = Arc::new(config.with_single_cert(chain, key).unwrap());
        let clock = Arc::new(AtomicI64::new(NOW * 1000));
        let service = Arc::new(Service {
            mood: Mood::default(),
            records: Mutex::default(),
            calls: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            clock: Arc::clone(&clock),
            day_key: Mutex::new("day-0".to_owned()),
            secret: Mutex::new((String::new(), 0)),
            issued: AtomicUsize::new(0),
            tokens: Mutex::default(),
        });
        let router = Router::new().fallback(any(handle)).with_state(Arc::clone(&service));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let handle = Handle::new();
        let server =
            axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(config)).unwrap().handle(handle.clone());
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(server.serve(router.into_make_service()));
        Self { service, folder, address, clock, handle, _tasks: tasks }
    }

    /// Keeps a record of a person.
    pub(crate) fn keep(&self, id_number: &str, record: Value) {
        self.service.records.lock().unwrap().entry(id_number.to_owned()).or_default().push(record);
    }

    /// Has the service answer the next data call on a path so.
    pub(crate) fn answer_next(&self, path: &str, status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) {
        let mut answers = self.service.mood.answers.lock().unwrap();
        answers.entry(path.to_owned()).or_default().push((status, content_type, body.into()));
    }

    /// The text of a connector file towards it: `auth`, and what else differs.
    pub(crate) fn text(&self, auth: &str, changes: &[(&str, &str)]) -> String {
        let file = include_str!("../fixtures/service.toml").replace("{port}", &self.address.port().to_string());
        let mut text = file.replace("# {auth}", auth);
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        text
    }

    /// The file, written.
    pub(crate) fn file(&self, auth: &str, changes: &[(&str, &str)]) -> std::path::PathBuf {
        let file = self.folder.path().join("connector.toml");
        std::fs::write(&file, self.text(auth, changes)).unwrap();
        file
    }

    pub(crate) fn overrides(&self) -> Overrides {
        let clock = Arc::clone(&self.clock);
        let now = move || Timestamp::from_millisecond(clock.load(Ordering::SeqCst)).unwrap();
        Overrides { ledger: Ledger::Silent, clock: Clock::new(now), ..Overrides::default() }
    }

    pub(crate) fn adapter(&self, auth: &str, changes: &[(&str, &str)]) -> Adapter {
        let file = self.folder.path().join("connector.toml");
        let connector = Connector::parse(&self.text(auth, changes), &file).unwrap_or_else(|faults| panic!("{faults}"));
        Adapter::new(connector, self.overrides()).unwrap()
    }

    /// Lets time pass for both.
    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// How many calls it got on a path.
    pub(crate) fn calls(&self, path: &str) -> usize {
        self.service.calls.lock().unwrap().iter().filter(|(called, _)| called == path).count()
    }

    /// The bodies of the calls on a path.
    pub(crate) fn bodies(&self, path: &str) -> Vec<String> {
        let calls = self.service.calls.lock().unwrap();
        calls.iter().filter(|(called, _)| called == path).map(|(_, body)| body.clone()).collect()
    }

    /// Ends the working secret and the key of the day, as when somebody else fetches them.
    pub(crate) fn revoke(&self, day_key: bool) {
        *self.service.secret.lock().unwrap() = ("revoked".to_owned(), i64::MAX);
        if day_key {
            *self.service.day_key.lock().unwrap() = "another".to_owned();
        }
        self.service.tokens.lock().unwrap().clear();
    }
}

async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let path = head.uri.path().to_owned();
    let now = service.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    service.most.fetch_max(now, Ordering::SeqCst);
    let query = head.uri.query().unwrap_or_default().to_owned();
    let text = if body.is_empty() { query } else { String::from_utf8_lossy(&body).into_owned() };
    let silent = service.mood.silent_about.lock().unwrap().is_some_and(|person| text.contains(person));
    service.calls.lock().unwrap().push((path.clone(), text));
    if silent {
        service.under_way.fetch_sub(1, Ordering::SeqCst);
        return std::future::pending().await;
    }
    tokio::task::yield_now().await;
    let mut response = service.answer(&path, &head.headers, &body);
    let date = Timestamp::from_millisecond(service.now()).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    response.headers_mut().insert("date", date.parse().unwrap());
    service.under_way.fetch_sub(1, Ordering::SeqCst);
    response
}

fn refuse(status: u16, body: &Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(body.clone())).into_response()
}

impl Service {
    fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst) + self.mood.ahead.load(Ordering::SeqCst)
    }

    fn answer(&self, path: &str, headers: &HeaderMap, body: &Bytes) -> Response {
        let signed = |key: &str| self.signed(headers, key);
        match path {
            "/gateway/key/day" => signed(APP_KEY).map_or_else(
                |refused| refused,
                |()| {
                    let key = format!("day-{}", self.issued.fetch_add(1, Ordering::SeqCst) + 1);
                    key.clone_into(&mut self.day_key.lock().unwrap());
                    refuse(200, &json!({"code": "200", "data": {"dayKey": key}}))
                },
            ),
            "/gateway/key/secret" => {
                let key = self.day_key.lock().unwrap().clone();
                signed(&key).map_or_else(
                    |refused| refused,
                    |()| {
                        let secret = format!("secret-{}", self.issued.fetch_add(1, Ordering::SeqCst) + 1);
                        *self.secret.lock().unwrap() = (secret.clone(), self.now() + 30 * 60 * 1000);
                        refuse(200, &json!({"code": "200", "data": {"secret": secret}}))
                    },
                )
            }
            "/gateway/oauth2/token" => self.token(headers, body),
            path if headers.contains_key("gjgxjhpt_sign") => {
                let (secret, until) = self.secret.lock().unwrap().clone();
                if secret == "revoked" || self.now() >= until {
                    return refuse(200, &json!({"code": "40101", "msg": "秘钥已过期"}));
                }
                signed(&secret).map_or_else(|refused| refused, |()| self.data(path, body))
            }
            path => match headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()) {
                Some(bearer) => {
                    let now = self.now();
                    let known = |(token, until): &(String, i64)| bearer == format!("Bearer {token}") && now < *until;
                    if self.tokens.lock().unwrap().iter().any(known) {
                        self.data(path, body)
                    } else {
                        refuse(401, &json!({"error": "invalid_token"}))
                    }
                }
                None => self.data(path, body),
            },
        }
    }

    /// Checks the four headers of the platform.
    fn signed(&self, headers: &HeaderMap, key: &str) -> Result<(), Response> {
        let of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let error = |code: &str, words: &str| Err(refuse(200, &json!({"code": code, "msg": words})));
        let (rid, sid, time) = (of("gjgxjhpt_rid"), of("gjgxjhpt_sid"), of("gjgxjhpt_rtime"));
        if rid != RID {
            return error("40001", "rid不存在");
        }
        if sid != SID {
            return error("40002", "sid 无权访问该服务");
        }
        let skew = time.parse::<i64>().map_or(i64::MAX, |time| (time - self.now()).abs());
        if skew > 5 * 60 * 1000 {
            return error("40003", "请求时间戳与服务器时间偏差过大");
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let message = format!("{sid}{rid}{time}");
        let sign = STANDARD.decode(of("gjgxjhpt_sign")).unwrap_or_default();
        if hmac::verify(&key, message.as_bytes(), &sign).is_err() {
            return error("40004", "签名错误");
        }
        Ok(())
    }

    fn token(&self, headers: &HeaderMap, body: &Bytes) -> Response {
        // RFC 6749, 2.3.1: both are form-encoded, then joined.
        let basic = format!("Basic {}", STANDARD.encode("hedui:s3cret%26%3D%2B"));
        let known = headers.get("authorization").is_some_and(|value| value == basic.as_str());
        if !known || !body.starts_with(b"grant_type=client_credentials") {
            return refuse(401, &json!({"error": "invalid_client"}));
        }
        let token = format!("token-{}", self.issued.fetch_add(1, Ordering::SeqCst) + 1);
        self.tokens.lock().unwrap().push((token.clone(), self.now() + 600 * 1000));
        refuse(200, &json!({"access_token": token, "token_type": "Bearer", "expires_in": 600}))
    }

    fn data(&self, path: &str, body: &Bytes) -> Response {
        let next = {
            let mut answers = self.mood.answers.lock().unwrap();
            answers.get_mut(path).filter(|answers| !answers.is_empty()).map(|answers| answers.remove(0))
        };
        if let Some((status, kind, body)) = next {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            let (kind, retry) = kind.split_once('|').unwrap_or((kind, ""));
            response.headers_mut().insert("content-type", kind.parse().unwrap());
            match retry {
                "" => {}
                "gzip" => drop(response.headers_mut().insert("content-encoding", retry.parse().unwrap())),
                _ => drop(response.headers_mut().insert("retry-after", retry.parse().unwrap())),
            }
            return response;
        }
        let asked: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let records = self.records.lock().unwrap();
        let of = |id: &str| records.get(id).cloned().unwrap_or_default();
        let (ids, start, limit) = match &asked["sfzh"] {
            Value::Array(ids) => (ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect(), 0, usize::MAX),
            id => {
                let number = |name: &str, usual: usize| {
                    asked[name]
                        .as_u64()
                        .and_then(|number| usize::try_from(number).ok())
                        .unwrap_or(usize::MAX)
                        .min(usual)
                };
                (vec![id.as_str().unwrap_or_default().to_owned()], number("start", 0), number("limit", usize::MAX))
            }
        };
        let start = asked["start"].as_u64().map_or(start, |start| usize::try_from(start).unwrap());
        let all: Vec<Value> = ids.iter().flat_map(|id| of(id)).collect();
        if all.is_empty() {
            return refuse(200, &json!({"code": "404", "msg": "查无此人", "data": null}));
        }
        let page: Vec<_> = all.iter().skip(start).take(limit).cloned().collect();
        refuse(200, &json!({"code": "200", "msg": "成功", "data": {"total": all.len(), "list": page}}))
    }
}

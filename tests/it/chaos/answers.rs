//! What a department's own software does: it ends the hub's TLS, asks the real adapter, and spoils the answer.
//!
//! What happens to bytes on their way is in `network.rs`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum_server::tls_rustls::RustlsConfig;
use connectors::context::CONTEXT;
use futures_util::stream;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;

/// What is done to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// Nothing.
    Nothing,
    /// The records are filed under another person's number.
    WrongSubject,
    /// The answer to a question that somebody asked before about others.
    OtherQuestion,
    /// Every result twice.
    Twice,
    /// A small compressed answer that becomes 160 times as large.
    GzipBomb,
    /// A gigabyte of spaces before the answer.
    Huge,
    /// This status and no answer.
    Status(u16),
    /// One byte after another with a pause between them.
    Drip(Duration),
    /// The last third of the answer is missing, though it says it is whole.
    Cut,
    /// Nothing at all, ever.
    Silence,
}

/// A department in front of its real adapter.
pub(crate) struct Department {
    pub(crate) address: SocketAddr,
    role: Arc<Role>,
    handle: axum_server::Handle<SocketAddr>,
}

struct Role {
    adapter: String,
    http: reqwest::Client,
    spoil: Mutex<Spoil>,
    /// What was asked and answered: who it was about, and the answer.
    answered: Mutex<Vec<(String, Bytes)>>,
}

impl Department {
    /// Starts before an adapter, with the keys of a trial.
    pub(crate) fn before(adapter: SocketAddr, keys: &Path) -> Self {
        let read = |name: &str| std::fs::read(keys.join(name)).unwrap();
        let identity = reqwest::Identity::from_pem(&[read("hub.pem"), read("hub.key")].concat()).unwrap();
        let ca = reqwest::Certificate::from_pem_bundle(&read("ca.pem")).unwrap();
        let http = reqwest::Client::builder().tls_certs_only(ca).identity(identity).no_proxy().build().unwrap();
        let role = Arc::new(Role {
            adapter: format!("https://{adapter}/v1/facts:query"),
            http,
            spoil: Mutex::new(Spoil::Nothing),
            answered: Mutex::default(),
        });
        let handle = axum_server::Handle::new();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/v1/facts:query", post(answer)).with_state(Arc::clone(&role));
        let server = axum_server::from_tcp_rustls(listener, tls(keys)).unwrap().handle(handle.clone());
        tokio::task::spawn(server.serve(routes.into_make_service()));
        Self { address, role, handle }
    }

    /// Does this from now on.
    pub(crate) fn spoil(&self, spoil: Spoil) {
        *self.role.spoil.lock().unwrap() = spoil;
    }
}

impl Drop for Department {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

/// TLS of a department that asks for no certificate, with the keys of a folder.
pub(crate) fn tls(keys: &Path) -> RustlsConfig {
    let read = |name: &str| std::fs::read(keys.join(name)).unwrap();
    let certificates = CertificateDer::pem_slice_iter(&read("server.pem")).collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(&read("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    RustlsConfig::from_config(Arc::new(config))
}

async fn answer(State(role): State<Arc<Role>>, head: HeaderMap, question: Bytes) -> Response {
    let spoil = *role.spoil.lock().unwrap();
    match spoil {
        Spoil::Silence => return std::future::pending().await,
        Spoil::Status(status) => return StatusCode::from_u16(status).unwrap().into_response(),
        Spoil::GzipBomb => {
            let encoded = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_ENCODING, "gzip")];
            return (encoded, gzip_bomb(768 * 1024)).into_response();
        }
        Spoil::Huge => {
            let chunk = Bytes::from(vec![b' '; 1024 * 1024]);
            let chunks = stream::iter((0..1024).map(move |_| Ok::<_, Infallible>(chunk.clone())));
            return Body::from_stream(chunks).into_response();
        }
        _ => {}
    }
    let sent = role.http.post(&role.adapter).header(header::CONTENT_TYPE, "application/json").body(question.clone());
    // Whoever asks is proven to the adapter itself.
    let context = head.get(CONTEXT).cloned().unwrap_or(axum::http::HeaderValue::from_static(""));
    let sent = sent.header(CONTEXT, context);
    let Ok(sound) = sent.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let Ok(sound) = sound.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let about = subjects(&question);
    let told = match spoil {
        Spoil::WrongSubject => changed(&sound, |results| {
            for result in results.iter_mut() {
                result["id_number"] = "150000201409011041".into();
            }
        }),
        Spoil::Twice => changed(&sound, |results| results.extend(results.clone())),
        Spoil::OtherQuestion => {
            let answered = role.answered.lock().unwrap();
            let others = answered.iter().find(|(who, _)| *who != about).map(|(_, answer)| answer.clone());
            others.expect("somebody else was asked about before")
        }
        Spoil::Cut => sound.slice(..sound.len() * 2 / 3),
        Spoil::Drip(pause) => {
            let drops = stream::unfold((sound, 0), move |(body, at)| async move {
                // Even the shortest sleep takes a millisecond.
                if pause.is_zero() {
                    tokio::task::yield_now().await;
                } else {
                    tokio::time::sleep(pause).await;
                }
                let byte = (at < body.len()).then(|| body.slice(at..=at))?;
                Some((Ok::<_, Infallible>(byte), (body, at + 1)))
            });
            return Body::from_stream(drops).into_response();
        }
        _ => {
            let mut answered = role.answered.lock().unwrap();
            if !answered.iter().any(|(who, _)| *who == about) {
                answered.push((about, sound.clone()));
            }
            sound
        }
    };
    ([(header::CONTENT_TYPE, "application/json")], told).into_response()
}

/// Who a question is about.
fn subjects(question: &[u8]) -> String {
    let question: Value = serde_json::from_slice(question).unwrap();
    question["subjects"].to_string()
}

fn changed(answer: &[u8], change: impl FnOnce(&mut Vec<Value>)) -> Bytes {
    let mut answer: Value = serde_json::from_slice(answer).unwrap();
    change(answer["results"].as_array_mut().unwrap());
    Bytes::from(answer.to_string())
}

/// So many bytes of gzip that say "the last byte 258 times more" over and over (RFC 1951, fixed codes).
fn gzip_bomb(bytes: usize) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let (mut held, mut bits) = (0_u32, 0);
    let mut put = |packed: &mut Vec<u8>, code: u32, width: u32| {
        held |= code << bits;
        bits += width;
        while bits >= 8 {
            packed.push(held.to_le_bytes()[0]);
            held >>= 8;
            bits -= 8;
        }
    };
    put(&mut packed, 0b011, 3);
    // The literal for a space, 0x30 + 0x20, and then length 258 (11000101) at distance 1 (00000), first bit first.
    put(&mut packed, 0b0000_1010, 8);
    while packed.len() < bytes {
        put(&mut packed, 0b1010_0011, 8);
        put(&mut packed, 0, 5);
    }
    packed
}

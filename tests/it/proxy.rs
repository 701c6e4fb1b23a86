//! Somebody between hub and department who has a certificate of the trial's authority, and meddles.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use connectors::signature::content_digest;

/// What is done to what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meddling {
    /// Nothing.
    Nothing,
    /// A space is put behind the answer.
    Body,
    /// The same, with the digest that belongs to it.
    BodyAndDigest,
    /// The first answer that passed is given to every question.
    Replay,
    /// The signature is taken away.
    Unsigned,
    /// The question goes on with the context of the first question that passed.
    OldContext,
}

/// The fields of a question, those of its answer, and the answer.
type Passed = (HeaderMap, HeaderMap, Vec<u8>);

#[derive(Clone)]
struct Between {
    target: String,
    client: reqwest::Client,
    meddling: Arc<Mutex<Meddling>>,
    first: Arc<Mutex<Option<Passed>>>,
}

/// A running proxy.
pub(crate) struct Proxy {
    pub address: SocketAddr,
    meddling: Arc<Mutex<Meddling>>,
    handle: axum_server::Handle<SocketAddr>,
}

impl Proxy {
    /// Stands before an adapter, with the keys of a trial.
    pub(crate) fn start(target: SocketAddr, keys: &Path) -> Self {
        let read = |name: &str| std::fs::read(keys.join(name)).unwrap();
        let identity = [read("hub.pem"), read("hub.key")].concat();
        let client = reqwest::Client::builder()
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(&read("ca.pem")).unwrap())
            .identity(reqwest::Identity::from_pem(&identity).unwrap())
            .no_proxy()
            .build()
            .unwrap();
        let meddling = Arc::new(Mutex::new(Meddling::Nothing));
        let between = Between {
            target: format!("https://{target}/v1/facts:query"),
            client,
            meddling: Arc::clone(&meddling),
            first: Arc::default(),
        };
        let handle = axum_server::Handle::new();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/v1/facts:query", post(pass)).with_state(between);
        let server =
            axum_server::from_tcp_rustls(listener, super::chaos::answers::tls(keys)).unwrap().handle(handle.clone());
        tokio::task::spawn(server.serve(routes.into_make_service()));
        Self { address, meddling, handle }
    }

    /// Does this from now on.
    pub(crate) fn meddle(&self, meddling: Meddling) {
        *self.meddling.lock().unwrap() = meddling;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

const FIELDS: [HeaderName; 4] = [
    HeaderName::from_static("content-type"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("signature-input"),
    HeaderName::from_static("signature"),
];

async fn pass(State(between): State<Between>, mut asked: HeaderMap, question: Bytes) -> Response {
    let meddling = *between.meddling.lock().unwrap();
    let first = between.first.lock().unwrap().clone();
    for name in ["host", "content-length", "connection"] {
        asked.remove(name);
    }
    if let (Meddling::OldContext, Some((old, _, _))) = (meddling, &first) {
        asked.insert("hedui-context", old["hedui-context"].clone());
    }
    let answer = between.client.post(&between.target).headers(asked.clone()).body(question).send().await.unwrap();
    let status = answer.status();
    let mut fields: HeaderMap =
        FIELDS.iter().filter_map(|name| Some((name.clone(), answer.headers().get(name)?.clone()))).collect();
    let mut body = answer.bytes().await.unwrap().to_vec();
    between.first.lock().unwrap().get_or_insert_with(|| (asked, fields.clone(), body.clone()));
    match (meddling, first) {
        (Meddling::Body, _) => body.push(b' '),
        (Meddling::BodyAndDigest, _) => {
            body.push(b' ');
            fields.insert("content-digest", content_digest(&body).parse().unwrap());
        }
        (Meddling::Replay, Some((_, old, answer))) => (fields, body) = (old, answer),
        (Meddling::Unsigned, _) => {
            fields.remove("signature");
            fields.remove("signature-input");
        }
        _ => {}
    }
    (status, fields, body).into_response()
}

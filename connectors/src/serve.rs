//! The adapter server: `POST /v1/facts:query`, `GET /v1/manifest`, `GET /v1/health` over mutual TLS, and `GET /v1/status`
//! for whoever watches over it.
//!
//! Who has no certificate of the client CA does not get as far as HTTP; who shows no signed context of the hub gets no
//! answer, where the hub's keys are pinned. Everything that a caller can
//! make large or slow has a bound here: handshake, headers, body, number of subjects; the source has
//! its own.

mod tls;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use serde::Serialize;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use crate::adapter::{Adapter, LoadError, Overrides};
use crate::connector::Connector;
use crate::context::{self, Asker, Context, ContextError};
use crate::error::Text;
use crate::golden::GoldenResult;
use crate::problem;
use crate::protocol::{AdapterProblem, AdapterVersion, Query};
use crate::signature::{self, Covered};
use crate::vitals::Vitals;
use crate::words;
pub use tls::{Tls, TlsError, TlsFiles, TlsPem};

/// Largest body of a query, in bytes. Five hundred subjects take about a tenth.
const MAX_BODY: usize = 1024 * 1024;
/// How long a caller may take over the handshake, the headers, and the body, each.
const CALLER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long answers under way may take once the server is stopped.
const GRACE: Duration = Duration::from_secs(5);

/// Why a server cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Certificates or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address} ({cause}): stop what uses the port, or give --listen an address of this machine"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
}

impl ListenError {
    /// Stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Tls(_) => "certificates_unusable",
            Self::Bind { .. } => "cannot_listen",
        }
    }

    /// Whether what is wrong stands in the files that were given, and not outside them.
    pub(crate) const fn is_in_the_files(&self) -> bool {
        matches!(self, Self::Tls(TlsError::NoCertificate(_) | TlsError::NoKey | TlsError::Unusable(_)))
    }

    /// The error for people.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Tls(error) => return error.text(),
            Self::Bind { address, cause } => format!(
                "无法监听 {address}（{}）：停掉占用端口的程序，或用 --listen 另指本机的地址",
                words::of_system(cause)
            ),
        };
        Text::new(zh, self.to_string())
    }
}

/// A server that is running. Dropped, it stops at once; [`Running::stop`] lets answers be finished.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    server: JoinSet<std::io::Result<()>>,
    stop: watch::Sender<bool>,
    current: Current,
    vitals: Arc<Vitals>,
}

/// The adapter that answers now, with a place for each query that may be under way.
#[derive(Debug, Clone)]
struct Current(Arc<RwLock<Arc<Serving>>>);

#[derive(Debug)]
struct Serving {
    adapter: Adapter,
    places: Semaphore,
}

impl Serving {
    fn of(adapter: Adapter) -> Arc<Self> {
        let places = adapter.connector().admitted().min(Semaphore::MAX_PERMITS);
        Arc::new(Self { adapter, places: Semaphore::new(places) })
    }
}

impl Current {
    fn get(&self) -> Arc<Serving> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Running {
    /// The address it listens on; the port is a real one also when 0 was asked for.
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the server ends by itself, which it does only on a failure.
    pub async fn finished(&mut self) -> std::io::Result<()> {
        match self.server.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(error)) => Err(std::io::Error::other(error)),
            None => Ok(()),
        }
    }

    /// Has another adapter answer from now on. Questions under way are finished by the one before.
    pub fn replace(&self, adapter: Adapter) {
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Serving::of(adapter);
    }

    /// What the adapter that answers now runs from.
    pub(crate) fn connector(&self) -> Connector {
        self.current.get().adapter.connector().clone()
    }

    /// The version of that.
    pub(crate) fn version(&self) -> String {
        self.current.get().adapter.connector().adapter.version.clone()
    }

    pub(crate) fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// The golden tests of the file ran, just now.
    pub(crate) fn tested(&self, results: &[GoldenResult]) {
        self.vitals.tested(self.current.get().adapter.clock().now(), results);
    }

    /// Stops taking questions, lets those under way be answered, and closes the source.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.handle.graceful_shutdown(Some(GRACE));
        while self.server.join_next().await.is_some() {}
        self.current.get().adapter.close().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

#[derive(Clone)]
struct Served {
    current: Current,
    vitals: Arc<Vitals>,
    stopped: watch::Receiver<bool>,
}

impl Adapter {
    /// Serves this adapter. Port 0 takes a free one.
    pub async fn listen(&self, address: SocketAddr, tls: impl Into<Tls>) -> Result<Running, ListenError> {
        let config = tls.into().server_config().await?;
        let bind = |cause| ListenError::Bind { address, cause };
        let listener = std::net::TcpListener::bind(address).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let (stop, stopped) = watch::channel(false);
        let handle = Handle::new();
        let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(config)).handshake_timeout(CALLER_TIMEOUT);
        let mut server = axum_server::from_tcp(listener)
            .map_err(bind)?
            .acceptor(acceptor)
            .handle(handle.clone())
            .first_request_timeout(CALLER_TIMEOUT);
        server.http_builder().http1().header_read_timeout(CALLER_TIMEOUT);
        server.http_builder().http2().max_concurrent_streams(128).keep_alive_interval(Some(Duration::from_secs(30)));
        let current = Current(Arc::new(RwLock::new(Serving::of(self.clone()))));
        let vitals = Arc::new(Vitals::new(self.clock().now()));
        let state = Served { current: current.clone(), vitals: Arc::clone(&vitals), stopped };
        let service = router(state).into_make_service();
        let mut tasks = JoinSet::new();
        tasks.spawn(server.serve(service));
        Ok(Running { address, handle, server: tasks, stop, current, vitals })
    }
}

fn router(served: Served) -> Router {
    Router::new()
        .route("/v1/facts:query", post(query))
        .route("/v1/manifest", get(manifest))
        .route("/v1/health", get(health))
        .route("/v1/status", get(status))
        .fallback(async || answer_problem(&problem::not_found()))
        .method_not_allowed_fallback(async || answer_problem(&problem::method_not_allowed()))
        .with_state(served)
}

async fn query(State(served): State<Served>, request: Request) -> Response {
    let Served { current, vitals, mut stopped } = served;
    let serving = current.get();
    let adapter = &serving.adapter;
    let began = Instant::now();
    let asked = read(adapter, request).await;
    let mut entry = adapter.ledger().begin(&adapter.connector().adapter.id, asked.query.as_ref().ok());
    if let Some(context) = &asked.context {
        entry.asked_by(context);
    }
    let answer = match &asked.query {
        Err(problem) => Err(problem.clone()),
        // Whoever drips holds no place while it does.
        Ok(query) => match serving.places.try_acquire() {
            Err(_) => Err(problem::too_many_at_once()),
            Ok(_place) => {
                // Whoever hangs up takes this with it, which counts as a failure.
                let abandoned = Abandoned(&vitals);
                // A rehearsed timeout never answers; it must not keep the server from stopping either.
                let answer = tokio::select! {
                    answer = adapter.ask(query) => Some(answer),
                    () = stopping(&mut stopped) => None,
                };
                abandoned.let_be();
                match answer {
                    Some(answer) => answer,
                    // Its line says that it was abandoned.
                    None => return refused(&vitals, &problem::stopping()),
                }
            }
        },
    };
    let (answer, status, failures) = match answer {
        Ok(answered) => {
            vitals.answered(&answered.response, began.elapsed());
            let answer = Answer::json(StatusCode::OK, "application/json", &answered.response);
            (answer, "answered".to_owned(), answered.for_ledger())
        }
        Err(problem) => {
            vitals.not_answered(problem.status);
            (Answer::problem(&problem), problem.code, Vec::new())
        }
    };
    let digest = signature::content_digest(&answer.body);
    // INVARIANT: the department's own record is on disk before anything leaves.
    match entry.finish(&status, failures, Some(digest.clone())).await {
        Ok(()) => sealed(adapter, &asked, answer, &digest),
        Err(error) => refused(&vitals, &problem::ledger_unwritable(&error)),
    }
}

fn refused(vitals: &Vitals, problem: &AdapterProblem) -> Response {
    vitals.not_answered(problem.status);
    answer_problem(problem)
}

/// Counts a question as failed unless it is let be.
struct Abandoned<'a>(&'a Vitals);

impl Abandoned<'_> {
    fn let_be(self) {
        std::mem::forget(self);
    }
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.0.not_answered(StatusCode::GATEWAY_TIMEOUT.as_u16());
    }
}

/// An answer with its digest and, to a question that was proven, its signature.
fn sealed(adapter: &Adapter, asked: &Asked, answer: Answer, digest: &str) -> Response {
    let status = answer.status.as_u16();
    let mut response = answer.into_response();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    };
    put(signature::CONTENT_DIGEST, digest);
    if let (Some(key), Some(context)) = (adapter.answer_key(), &asked.context) {
        let covered = Covered { status, digest, question: &asked.digest };
        let fields = signature::sign(key, covered, &context.question.jti, adapter.clock().now().as_second());
        put(signature::SIGNATURE_INPUT, &fields.input);
        put(signature::SIGNATURE, &fields.signature);
    }
    response
}

/// Resolves when the server has been stopped for half its grace.
async fn stopping(stopped: &mut watch::Receiver<bool>) {
    if stopped.wait_for(|stopped| *stopped).await.is_ok() {
        tokio::time::sleep(GRACE / 2).await;
    }
}

/// What was asked, and by whom.
struct Asked {
    query: Result<Query, AdapterProblem>,
    /// Who asked, where that was proven.
    context: Option<Context>,
    /// The digest of the body.
    digest: String,
}

async fn read(adapter: &Adapter, request: Request) -> Asked {
    let (head, body) = request.into_parts();
    let body = match body_of(&head, body).await {
        Ok(body) => body,
        Err(problem) => return Asked { query: Err(problem), context: None, digest: String::new() },
    };
    let field = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let digest = signature::content_digest(&body);
    let refused = |problem| Asked { query: Err(problem), context: None, digest: digest.clone() };
    if field(signature::CONTENT_DIGEST).is_some_and(|told| !signature::is_digest_of(told, &body)) {
        return refused(problem::digest_differs());
    }
    let context = match adapter.asker() {
        Asker::Anybody => None,
        Asker::Hub(keys) => {
            let id = &adapter.connector().adapter.id;
            match Context::admit(field(context::CONTEXT), keys, id, &body, adapter.clock().now().as_second()) {
                Ok(context) => Some(context),
                Err(error) => return refused(problem::context(error)),
            }
        }
    };
    let query = parse(&body).and_then(|query| match &context {
        Some(context) if !context.is_of(&query) => Err(problem::context(ContextError::Body)),
        _ => Ok(query),
    });
    Asked { query, context, digest }
}

async fn body_of(head: &Parts, body: Body) -> Result<Bytes, AdapterProblem> {
    let too_large = || problem::body_too_large(MAX_BODY);
    let announced = head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > MAX_BODY) {
        return Err(too_large());
    }
    match tokio::time::timeout(CALLER_TIMEOUT, to_bytes(body, MAX_BODY)).await {
        Err(_) => Err(problem::body_timeout()),
        Ok(Err(_)) => Err(too_large()),
        Ok(Ok(body)) => Ok(body),
    }
}

fn parse(body: &[u8]) -> Result<Query, AdapterProblem> {
    // The message of serde may quote what was sent, so only the place is passed on.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        problem::bad_query(Text::new(
            format!("请求不合协议：第 {line} 行第 {column} 列"),
            format!("the query does not fit the protocol at line {line}, column {column}"),
        ))
    })
}

async fn manifest(State(served): State<Served>) -> Response {
    json(StatusCode::OK, "application/json", &served.current.get().adapter.manifest())
}

/// What `GET /v1/health` answers.
#[derive(Serialize)]
struct Health {
    /// `ok`, or `degraded` when it answers but something is wrong.
    status: &'static str,
    adapter: AdapterVersion,
    /// What is wrong, by its code: whoever asks from outside learns no path or name of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<&'static str>,
}

async fn health(State(served): State<Served>) -> Response {
    let serving = served.current.get();
    let adapter = serving.adapter.connector().version();
    match serving.adapter.condition().await {
        Ok(trouble) => {
            let trouble = trouble.map(|trouble| trouble.code).or_else(|| served.vitals.trouble());
            let status = if trouble.is_some() { "degraded" } else { "ok" };
            json(StatusCode::OK, "application/json", &Health { status, adapter, trouble })
        }
        Err(error) => answer_problem(&problem::of_source(&error)),
    }
}

async fn status(State(served): State<Served>) -> Response {
    let serving = served.current.get();
    let connector = serving.adapter.connector();
    let source = serving.adapter.health().await.err().map_or("ok", |error| error.code());
    let status = served.vitals.status(connector.version(), connector.sha256.clone(), source.to_owned());
    json(StatusCode::OK, "application/json", &status)
}

fn answer_problem(problem: &AdapterProblem) -> Response {
    Answer::problem(problem).into_response()
}

fn json(status: StatusCode, media_type: &'static str, body: &impl Serialize) -> Response {
    Answer::json(status, media_type, body).into_response()
}

/// What is sent back, before it is.
struct Answer {
    status: StatusCode,
    media_type: &'static str,
    body: Vec<u8>,
    is_to_wait: bool,
}

impl Answer {
    fn json(status: StatusCode, media_type: &'static str, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("answers have text keys only, so they are JSON");
        Self { status, media_type, body, is_to_wait: false }
    }

    fn problem(problem: &AdapterProblem) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let is_to_wait = matches!(problem.status, 429 | 503);
        Self { is_to_wait, ..Self::json(status, "application/problem+json", problem) }
    }

    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.is_to_wait {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

//! The adapter protocol for hubs of other regions, on a listener of its own: `POST /v1/facts:query`, `GET /v1/manifest`,
//! `GET /v1/health`; and `POST /v1/authorisations:revoke`, which hubs alone have. Who has no certificate of the peers'
//! authority does not get as far as HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum_server::tls::TlsInfo;
use connectors::context::CONTEXT;
use connectors::protocol::AdapterProblem;
use connectors::signature::CONTENT_DIGEST;
use serde::Serialize;
use tokio_util::task::TaskTracker;

use super::unread::TellingUnread;
use crate::auth::access::Action;
use crate::auth::peer::Peer as Address;
use crate::federation::revocation::REVOKE;
use crate::service::ids::Ids;
use crate::service::peers::{Arrived, AtTheDoor, KnownPeer, Peers, Refused};

/// Largest body of a question, in bytes. Five hundred persons take about a tenth.
const MAX_BODY: usize = 1024 * 1024;
/// The routes for peers: method and path. `tests/it/peers.rs` walks them as everybody.
pub const PEER_ROUTES: [(&str, &str); 4] =
    [("post", "/v1/facts:query"), ("post", REVOKE), ("get", "/v1/manifest"), ("get", "/v1/health")];

/// What the handlers share.
pub struct PeerDoor {
    /// The use cases.
    pub peers: Arc<Peers>,
    /// Owns answers under way: what was asked comes to its end in the log, whether or not the other hub still waits.
    pub tracker: TaskTracker,
    /// Request ids.
    pub ids: Ids,
    /// How long a body may take to arrive.
    pub arrival_timeout: Duration,
}

/// The routes for hubs of other regions.
pub fn peer_router(door: Arc<PeerDoor>) -> Router {
    let [(_, query), (_, revocation), (_, manifest), (_, health)] = PEER_ROUTES;
    Router::new()
        .route(query, post(ask))
        .route(revocation, post(revoke))
        .route(manifest, get(offer))
        .route(health, get(condition))
        .fallback(nothing_here)
        .method_not_allowed_fallback(nothing_here)
        .with_state(door)
        .layer(TellingUnread)
}

impl PeerDoor {
    /// The hub that stands at the door, where it is known and may do this.
    async fn admitted(&self, head: &Parts, action: Action, request_id: &str) -> Result<&KnownPeer, AdapterProblem> {
        let certificate = head.extensions.get::<Arc<TlsInfo>>().and_then(|info| info.peer_certificates.first());
        let certificate = certificate.map(AsRef::as_ref);
        self.peers.admit(AtTheDoor { certificate, address: address(head), request_id }, action).await
    }
}

fn address(head: &Parts) -> Option<Address> {
    head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().into())
}

async fn ask(State(door): State<Arc<PeerDoor>>, request: Request) -> Response {
    to_its_end(door, Action::AskForRegion, request).await
}

async fn revoke(State(door): State<Arc<PeerDoor>>, request: Request) -> Response {
    to_its_end(door, Action::RevokeForRegion, request).await
}

/// On a task of its own: a hub that hangs up does not keep what was asked from coming to its end in the log.
async fn to_its_end(door: Arc<PeerDoor>, action: Action, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let request_id = door.ids.next("rq");
    let answering = door.tracker.spawn(answer(Arc::clone(&door), action, (head, body), request_id.clone()));
    answering.await.unwrap_or_else(|error| {
        tracing::error!(%error, request_id, "what a peer asked or told broke off; nothing of it is answered");
        problem(&Refused::LogUnwritable.problem(), &request_id)
    })
}

async fn answer(door: Arc<PeerDoor>, action: Action, (head, body): (Parts, Body), request_id: String) -> Response {
    let peer = match door.admitted(&head, action, &request_id).await {
        Ok(peer) => peer,
        Err(refused) => return problem(&refused, &request_id),
    };
    let Ok(Ok(body)) = tokio::time::timeout(door.arrival_timeout, to_bytes(body, MAX_BODY)).await else {
        let at = AtTheDoor { certificate: None, address: address(&head), request_id: &request_id };
        return problem(&door.peers.refuse(at, Some(peer), Refused::Body).await, &request_id);
    };
    let field = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (context, content_digest) = (field(CONTEXT), field(CONTENT_DIGEST));
    let arrived = Arrived { context, content_digest, body, address: address(&head), request_id: request_id.clone() };
    let answered = match action {
        Action::RevokeForRegion => door.peers.revoke(peer, arrived).await,
        _ => door.peers.answer(peer, arrived).await,
    };
    match answered {
        Err(refused) => problem(&refused, &request_id),
        Ok(signed) => {
            let mut response = respond(StatusCode::OK, "application/json", signed.body);
            for (name, value) in signed.fields {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().insert(HeaderName::from_static(name), value);
                }
            }
            response
        }
    }
}

async fn offer(State(door): State<Arc<PeerDoor>>, request: Request) -> Response {
    let ((head, _), request_id) = (request.into_parts(), door.ids.next("rq"));
    match door.admitted(&head, Action::LookAtPeering, &request_id).await {
        Ok(peer) => json(StatusCode::OK, "application/json", &door.peers.manifest(peer)),
        Err(refused) => problem(&refused, &request_id),
    }
}

async fn condition(State(door): State<Arc<PeerDoor>>, request: Request) -> Response {
    let ((head, _), request_id) = (request.into_parts(), door.ids.next("rq"));
    match door.admitted(&head, Action::LookAtPeering, &request_id).await {
        Ok(_) => json(StatusCode::OK, "application/json", &door.peers.health().await),
        Err(refused) => problem(&refused, &request_id),
    }
}

/// What is no route asks for nothing, so there is nothing to record.
async fn nothing_here(State(door): State<Arc<PeerDoor>>) -> Response {
    let nothing = AdapterProblem {
        code: "not_found".to_owned(),
        status: 404,
        title_zh: "没有这个路径或方法；有 POST /v1/facts:query、POST /v1/authorisations:revoke、GET /v1/manifest、GET /v1/health".to_owned(),
        title: "no such path or method; there are POST /v1/facts:query, POST /v1/authorisations:revoke, GET /v1/manifest and GET /v1/health".to_owned(),
        retry_after: None,
    };
    problem(&nothing, &door.ids.next("rq"))
}

/// A problem of one request: by its id the operator of this hub finds the entry of the log.
#[derive(Serialize)]
struct InRequest<'a> {
    #[serde(flatten)]
    problem: &'a AdapterProblem,
    request_id: &'a str,
}

fn problem(problem: &AdapterProblem, request_id: &str) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    metrics::counter!("hedui_peer_problems_total", "code" => problem.code.clone()).increment(1);
    let mut response = json(status, "application/problem+json", &InRequest { problem, request_id });
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn json(status: StatusCode, media_type: &'static str, body: &impl Serialize) -> Response {
    respond(status, media_type, serde_json::to_vec(body).expect("answers have text keys only, so they are JSON"))
}

fn respond(status: StatusCode, media_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

//! The front door every authenticated route goes through, so that no handler can forget a step:
//! request id → token → rate limit → may they → body → use case → a refusal is durable before it is told (P1).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum_server::tls::TlsInfo;

use super::problem::{OVERLOADED, PROOF_CODE, Problem};
use super::shedding::{self, Shedding};
use crate::auth::access::{Action, Object, authorise};
use crate::auth::dpop::{Proof, ProofError};
use crate::auth::peer::{Peer, Proxies};
use crate::auth::pressure::Overload;
use crate::auth::rate_limit::{ClientLimit, Standing};
use crate::auth::token::{Accredited, Thumbprint, TokenError, TokenVerifier};
use crate::domain::actor::Client;
use crate::domain::class::Class;
use crate::domain::clock::{Clock, Randomness};
use crate::domain::problem::Text;
use crate::service::adapters::Adapters;
use crate::service::alerts::Alerts;
use crate::service::changes::Operations;
use crate::service::ids::Ids;
use crate::service::log_review::LogReview;
use crate::service::policies::Policies;
use crate::service::proofs::{ProofFault, Proofs};
use crate::service::refusals::{Recorded, Refusal, Refusals, Said};
use crate::service::samples::Samples;
use crate::service::tokens::TokenEndpoint;
use crate::service::usage::Accounts;
use crate::service::verify::Verifications;

/// What the handlers share.
pub struct Hub {
    /// The use cases.
    pub verifications: Arc<Verifications>,
    /// What officers ask of the access log.
    pub log_review: Arc<LogReview>,
    /// What officers do with alerts.
    pub alerts: Alerts,
    /// The registry of adapters.
    pub adapters: Arc<Adapters>,
    /// Changes of what the hub keeps, as commands ask for them too.
    pub operations: Arc<Operations>,
    /// Double-random samples.
    pub samples: Samples,
    /// What departments were asked and spared.
    pub accounts: Accounts,
    /// Policy packs.
    pub policies: Policies,
    /// Checks tokens.
    pub tokens: Arc<TokenVerifier>,
    /// Gives tokens, where the hub is an issuer itself.
    pub token_endpoint: Option<TokenEndpoint>,
    /// Checks proofs of possession.
    pub proofs: Proofs,
    /// What the documents under `/.well-known/` say.
    pub published: Published,
    /// Who is let in when not everybody can be served.
    pub shedding: Shedding,
    /// What one client may ask.
    pub limit: ClientLimit,
    /// Records what is refused.
    pub refusals: Arc<Refusals>,
    /// Proxies whose word about the other side is believed.
    pub proxies: Proxies,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Request ids.
    pub ids: Ids,
    /// Codes of invitations.
    pub randomness: Arc<dyn Randomness>,
    /// Largest request body, bytes.
    pub max_body: usize,
    /// How long a request body may take to arrive.
    pub arrival_timeout: Duration,
    /// How long a caller waits who does not say.
    pub default_wait: Duration,
    /// The longest a caller may wait.
    pub max_wait: Duration,
}

/// What callers may know of how the hub is reached with tokens (RFC 8414, RFC 9728).
pub struct Published {
    /// Who gives tokens for this hub: the issuers that are believed.
    pub issuers: Vec<String>,
    /// Whether callers prove a certificate, so that tokens are bound to it (RFC 8705).
    pub is_bound: bool,
    /// The public key that departments prove the hub's questions with, a JWK.
    pub context_key: serde_json::Value,
}

/// A request that passed the front door.
pub(super) struct Admitted {
    /// Who asks.
    pub(super) client: Arc<Client>,
    /// How urgent it is.
    pub(super) class: Class,
    /// The request's id.
    pub(super) request_id: String,
    /// The request's head.
    pub(super) head: Parts,
    /// The request's body.
    pub(super) body: axum::body::Bytes,
}

const DPOP: HeaderName = HeaderName::from_static("dpop");
/// What a challenge says of the algorithms of proofs (RFC 9449 section 7.1).
const DPOP_ALGORITHMS: &str = ", algs=\"ES256 EdDSA\"";
/// What is offered besides a plain token, with every refusal of one.
const DPOP_OFFERED: &str = "DPoP realm=\"hedui\", algs=\"ES256 EdDSA\"";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Where a request comes from, as its connection and its head say.
pub(super) struct Asking {
    address: Option<SocketAddr>,
    forwarded: Vec<HeaderValue>,
}

impl Asking {
    /// That of a request.
    pub(super) fn of(head: &Parts) -> Self {
        let address = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        Self { address, forwarded: head.headers.get_all("x-forwarded-for").iter().cloned().collect() }
    }
}

/// Tells somebody who is refused too often when to come back, beside the refusal itself: that stays the true one, so
/// that whoever shares an address with them learns what is wrong with their own request.
pub(super) fn tell_retry(response: &mut Response, seconds: Option<u64>) {
    if let Some(seconds) = seconds {
        response.headers_mut().entry(RETRY_AFTER).or_insert(seconds.into());
    }
}

/// Whether a route takes a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Json,
    Form,
    Nothing,
}

/// Largest form: an assertion and a few short parameters.
const MAX_FORM: usize = 32 * 1024;

impl Hub {
    /// Admits a request of an actor that may do this at all, and runs `use_case`, which asks again with the thing itself. `about` names the verification a path is about, for the log.
    pub(super) async fn admit<F, R>(
        &self,
        request: Request,
        takes: Takes,
        action: Action,
        about: Option<&str>,
        use_case: F,
    ) -> Response
    where
        F: AsyncFnOnce(&Admitted) -> Result<R, Problem>,
        R: IntoResponse,
    {
        let (head, body) = request.into_parts();
        let asking = Asking::of(&head);
        let request_id = self.request_id(&head.headers);
        let said = shedding::said(&head.headers);
        // Who would have departments asked costs most; turned away before anything was done, they cost next to nothing.
        let is_costly = action == Action::AskForVerification;
        let let_in = is_costly.then(|| self.shedding.let_in(said, self.verifications.under_way())).transpose();
        let _inside = match let_in {
            Ok(inside) => inside,
            Err(overload) => {
                let problem = Problem::overloaded(said, overload);
                let mut response = self.refuse(problem, None, self.peer(&asking), &request_id, about).await;
                shedding::let_pass(&head.headers, body).await;
                tell_request(response.headers_mut(), &request_id, None);
                return response;
            }
        };
        let authorization = head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let accredited = self.tokens.verify(authorization, certificate(&head).as_ref(), self.clock.now());
        let proven = accredited.and_then(|accredited| self.prove(&head, accredited));
        let (client, proof) = match proven {
            Ok((client, proof)) => (Ok(client), proof),
            Err(error) => (Err(error), None),
        };
        let mut standing = None;
        let result = match &client {
            _ if let Some(problem) = ambiguous(&head) => Err(problem),
            Err(error) => Err(Problem::unauthenticated(*error)),
            Ok(client) => match self.limit.check(&client.id) {
                Err(over) => {
                    standing = Some(over);
                    Err(Problem::rate_limited(over.retry_after_seconds))
                }
                Ok(within) => {
                    standing = Some(within);
                    let class = self.shedding.class_of(&client.id, said);
                    let under_way = || self.verifications.under_way();
                    let received = match self.use_up(proof.as_ref()).await {
                        Err(problem) => Err(problem),
                        Ok(()) if is_costly && class != said && self.shedding.check(class, under_way()).is_err() => {
                            Err(Problem::overloaded(class, Overload::Pressed))
                        }
                        Ok(()) => match authorise(client, action, &Object::AtTheDoor).check() {
                            Ok(()) => self.receive(&head, body, takes).await,
                            Err(denial) => Err(Problem::of(denial.into())),
                        },
                    };
                    match received {
                        Err(problem) => Err(problem),
                        Ok(body) => {
                            let (client, request_id) = (Arc::clone(client), request_id.clone());
                            use_case(&Admitted { client, class, request_id, head, body }).await
                        }
                    }
                }
            },
        };
        let mut response = match result {
            Ok(response) => response.into_response(),
            Err(problem) => {
                let (peer, client) = (self.peer(&asking), client.as_deref().ok());
                self.refuse(problem, client, peer, &request_id, about).await
            }
        };
        tell_request(response.headers_mut(), &request_id, standing);
        response
    }

    /// The client of a token, where the proof that the token asks for is there and good; and the proof, still to be used up.
    fn prove(&self, head: &Parts, accredited: Accredited) -> Result<(Arc<Client>, Option<Proof>), TokenError> {
        let Some((token, key)) = accredited.bound_to else { return Ok((accredited.client, None)) };
        let proof = dpop_field(&head.headers).and_then(|field| field.ok_or(ProofError::Missing));
        let checked = proof
            .and_then(|proof| self.proofs.check(proof, head.method.as_str(), head.uri.path(), Some((token, &key))));
        checked.map(|proof| (accredited.client, Some(proof))).map_err(TokenError::Proof)
    }

    async fn use_up(&self, proof: Option<&Proof>) -> Result<(), Problem> {
        let Some(proof) = proof else { return Ok(()) };
        match self.proofs.use_up(proof).await {
            Ok(()) => Ok(()),
            Err(ProofFault::Proof(error)) => Err(Problem::unauthenticated(TokenError::Proof(error))),
            Err(ProofFault::Store(error)) => Err(Problem::of(error.into())),
        }
    }

    /// What is no route of the hub asks for nothing, so there is nothing to record.
    pub(super) fn turn_away(&self, request: &Request, problem: Problem) -> Response {
        let request_id = self.request_id(request.headers());
        let mut response = problem.in_request(&request_id).into_response();
        tell_request(response.headers_mut(), &request_id, None);
        response
    }

    /// A refusal of the caller's request is in the log before it is told; a failure of ours needs no entry.
    pub(super) async fn refuse(
        &self,
        problem: Problem,
        client: Option<&Client>,
        peer: Option<Peer>,
        request_id: &str,
        about: Option<&str>,
    ) -> Response {
        let mut problem = problem.in_request(request_id);
        let mut retry_after = None;
        if problem.status < 500 || problem.code == OVERLOADED {
            let code = problem.code;
            let (verification, said) = (about, Said::default());
            let refusal = Refusal { client, peer, problem: code, request_id, verification, object: None, said };
            match self.refusals.record(refusal).await {
                Ok(Recorded::Singly) => {}
                Ok(Recorded::Counted { retry_after_seconds }) => retry_after = Some(retry_after_seconds),
                Err(error) => {
                    tracing::error!(%error, "a refusal could not be recorded");
                    problem = Problem::unavailable().in_request(request_id);
                }
            }
        }
        metrics::counter!("hedui_problems_total", "code" => problem.code).increment(1);
        let scheme = if problem.code == PROOF_CODE { "DPoP" } else { "Bearer" };
        let challenge = problem.challenge.map(|challenge| self.challenge(scheme, challenge));
        let mut response = problem.into_response();
        if let Some(Ok(challenge)) = challenge.map(|challenge| HeaderValue::from_str(&challenge)) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            if scheme != "DPoP" {
                response.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static(DPOP_OFFERED));
            }
        }
        tell_retry(&mut response, retry_after);
        response
    }

    /// Who is on the other side of the connection of a request.
    pub(super) fn peer(&self, asking: &Asking) -> Option<Peer> {
        let forwarded = asking.forwarded.iter().filter_map(|value| value.to_str().ok());
        asking.address.map(|address| self.proxies.peer(address.ip(), forwarded))
    }

    /// `WWW-Authenticate` (RFC 6750 section 3, RFC 9449 section 7.1), with where it is told how to get a token (RFC 9728 section 5.1).
    fn challenge(&self, scheme: &str, error: &str) -> String {
        let audience = self.tokens.audience().trim_end_matches('/');
        let algorithms = if scheme == "DPoP" { DPOP_ALGORITHMS } else { "" };
        let mut challenge = format!("{scheme} realm=\"hedui\"{error}{algorithms}");
        if audience.starts_with("https://") {
            challenge.push_str(", resource_metadata=\"");
            challenge.push_str(audience);
            challenge.push_str("/.well-known/oauth-protected-resource\"");
        }
        challenge
    }

    pub(super) async fn receive(&self, head: &Parts, body: Body, takes: Takes) -> Result<axum::body::Bytes, Problem> {
        let (needed, max) = match takes {
            Takes::Nothing => return Ok(axum::body::Bytes::new()),
            Takes::Json => ("application/json", self.max_body),
            Takes::Form => ("application/x-www-form-urlencoded", MAX_FORM),
        };
        let media_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let is_utf_8 = |charset: &str| charset.trim_matches('"').eq_ignore_ascii_case("utf-8");
        let charset = media_type.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("charset="));
        let is_encoded = head.headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity");
        if !essence.eq_ignore_ascii_case(needed) || !charset.is_none_or(is_utf_8) || is_encoded {
            return Err(Problem::media_type(needed));
        }
        match tokio::time::timeout(self.arrival_timeout, to_bytes(body, max)).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) if is_length_limit(&error) => Err(Problem::too_large(max)),
            Ok(Err(_)) => Err(Problem::malformed_body()),
            Err(_) => Err(Problem::incomplete()),
        }
    }

    /// The caller's own request id when it is usable, else a fresh one.
    pub(super) fn request_id(&self, headers: &HeaderMap) -> String {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let usable = |id: &&str| {
            (1..=64).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
                // It stands in logs, so it must not be a person's number (P7).
                && !crate::domain::id_number::IdNumber::is_in(id)
        };
        given.filter(usable).map_or_else(|| self.ids.next("rq"), str::to_owned)
    }
}

/// The proof of possession in a head: none, one, or a fault where there is more than one (RFC 9449 section 4.3).
pub(super) fn dpop_field(headers: &HeaderMap) -> Result<Option<&[u8]>, ProofError> {
    let mut fields = headers.get_all(DPOP).iter();
    match (fields.next(), fields.next()) {
        (_, Some(_)) => Err(ProofError::Several),
        (field, None) => Ok(field.map(HeaderValue::as_bytes)),
    }
}

/// SHA-256 of the certificate that the caller proved in the TLS handshake, where one was asked for.
pub(super) fn certificate(head: &Parts) -> Option<Thumbprint> {
    let certificate = head.extensions.get::<Arc<TlsInfo>>()?.peer_certificates.first()?;
    digest::digest(&digest::SHA256, certificate).as_ref().try_into().ok()
}

/// What every answer carries: its request id, that it is not to be kept, and where the client stands.
pub(super) fn tell_request(headers: &mut HeaderMap, request_id: &str, standing: Option<Standing>) {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(standing) = standing {
        tell_standing(headers, standing);
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// `RateLimit-Policy` and `RateLimit`, draft-ietf-httpapi-ratelimit-headers-10.
fn tell_standing(headers: &mut HeaderMap, standing: Standing) {
    let policy = format!("\"client\";q={};w={}", standing.burst, standing.window_seconds);
    let limit = format!("\"client\";r={};t={}", standing.remaining, standing.retry_after_seconds);
    for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, limit)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

/// A head that two programs could read differently: without exactly one host (RFC 9112 section 3.2), or with a field
/// twice that decides something.
pub(super) fn ambiguous(head: &Parts) -> Option<Problem> {
    let times = |name: &HeaderName| head.headers.get_all(name).iter().count();
    let once = |name: &'static str| {
        Problem::header(
            name,
            Text::new(format!("请求头 {name} 应恰好出现一次。"), format!("Send the field {name} exactly once.")),
        )
    };
    if head.version == axum::http::Version::HTTP_11 && times(&HOST) != 1 {
        return Some(once("Host"));
    }
    let idempotency_key = HeaderName::from_static("idempotency-key");
    [(&AUTHORIZATION, "Authorization"), (&idempotency_key, "Idempotency-Key"), (&CONTENT_TYPE, "Content-Type")]
        .into_iter()
        .find_map(|(name, told)| (times(name) > 1).then(|| once(told)))
}

/// `Prefer: wait=N` (RFC 7240), seconds. An unusable preference is ignored, as the RFC asks.
pub(super) fn preferred_wait(headers: &HeaderMap, default: Duration, most: Duration) -> Duration {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .find_map(|preference| {
            let preference = preference.trim();
            if preference.eq_ignore_ascii_case("respond-async") {
                return Some(Duration::ZERO);
            }
            let (name, seconds) = preference.split_once('=')?;
            name.trim().eq_ignore_ascii_case("wait").then(|| seconds.trim().parse().ok().map(Duration::from_secs))?
        })
        .unwrap_or(default)
        .min(most)
}

/// `Idempotency-Key`: 1 to 255 visible ASCII characters that are not a person's number.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let usable = |key: &&str| {
        (1..=255).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_graphic())
            && !crate::domain::id_number::IdNumber::is_in(key)
    };
    match value.to_str().ok().filter(usable) {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(Problem::header(
            "Idempotency-Key",
            Text::new(
                "应为 1 到 255 个可见 ASCII 字符，建议用 UUID；不得使用身份号码。",
                "Use 1 to 255 visible ASCII characters, such as a UUID; never an identity number.",
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(value: &str) -> u64 {
        let mut headers = HeaderMap::new();
        headers.insert("prefer", HeaderValue::from_str(value).unwrap());
        preferred_wait(&headers, Duration::from_secs(10), Duration::from_mins(1)).as_secs()
    }

    #[test]
    fn the_wait_preference_is_bounded_and_garbage_is_ignored() {
        assert_eq!(wait("wait=5"), 5);
        assert_eq!(wait("respond-async, wait=5"), 0);
        assert_eq!(wait("return=minimal; wait=7"), 7);
        assert_eq!(wait("Wait=5000"), 60);
        for garbage in ["wait", "wait=", "wait=-1", "wait=1e9", "wait=99999999999999999999", "x"] {
            assert_eq!(wait(garbage), 10, "{garbage}");
        }
    }

    #[test]
    fn an_identity_number_is_no_idempotency_key() {
        let key = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("idempotency-key", HeaderValue::from_bytes(text.as_bytes()).unwrap());
            idempotency_key(&headers)
        };
        assert_eq!(key("a-b").unwrap().as_deref(), Some("a-b"));
        for bad in ["", "150000198605021015", "a b", "核对", &"k".repeat(256)] {
            assert!(key(bad).is_err(), "{bad}");
        }
    }
}

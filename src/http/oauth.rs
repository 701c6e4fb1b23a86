//! `/oauth2/token`, and the documents under `/.well-known/` that say how to get and check tokens.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::front::{Asking, Hub, Takes, certificate, dpop_field, tell_request, tell_retry};
use super::problem::{Problem, proof_text};
use super::verifications::json;
use crate::auth::dpop::{Proof, ProofError};
use crate::auth::key::KeyAlgorithm;
use crate::auth::token::Confirmation;
use crate::domain::actor::{Client, Role};
use crate::domain::problem::Text;
use crate::service::proofs::ProofFault;
use crate::service::refusals::{self, Recorded};
use crate::service::tokens::{GRANT_TYPE, GrantCode, Refusal, TokenAnswer, TokenEndpoint, TokenRequest};

/// Where tokens are given.
const TOKEN_PATH: &str = "/oauth2/token";
/// Where the hub's public keys are.
const JWKS_PATH: &str = "/.well-known/jwks.json";
/// How long the documents may be kept by who reads them; a new key signs only what is checked here.
const KEPT: &str = "public, max-age=300";

/// A refusal of the token endpoint (RFC 6749 section 5.2), with the same in both languages.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenProblem {
    /// The code of RFC 6749.
    error: &'static str,
    /// What is wrong and how to mend it, in English.
    error_description: String,
    /// The same in Chinese and English.
    detail: Text,
    /// The request's id; it stands in the access log too.
    request_id: String,
}

/// Parameters of a token request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form in the OpenAPI document; the form is read by parse()")]
pub(super) struct TokenForm {
    /// `client_credentials`.
    grant_type: String,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    client_assertion_type: String,
    /// A JWT of the client, at most 60 seconds long, used once (RFC 7523).
    client_assertion: String,
    /// The client's id, as the assertion says it too.
    client_id: Option<String>,
    /// The scope of the client's role.
    scope: Option<String>,
}

/// Get an access token.
///
/// A registered client proves itself with `private_key_jwt`: a JWT signed with its key, `typ` `client-authentication+jwt`,
/// `iss` and `sub` its id, `aud` the issuer of this hub, `jti` used once, `exp` at most 60 s after `iat`. Over mutual TLS the
/// token is bound to the client's certificate (RFC 8705); with a proof in the `DPoP` field it is bound to that key (RFC 9449)
/// and its `token_type` is `DPoP`.
#[utoipa::path(
    post, path = "/oauth2/token", tag = "tokens",
    params(("DPoP" = Option<String>, Header, description = "A proof of possession (RFC 9449): `typ` `dpop+jwt`, `jwk`, `jti`, `htm`, `htu`, `iat`; used once")),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token", body = TokenAnswer),
        (status = 400, description = "The request is wrong (`invalid_request`, `unsupported_grant_type`, `invalid_scope`, `invalid_dpop_proof`)", body = TokenProblem),
        (status = 401, description = "The client did not prove itself (`invalid_client`)", body = TokenProblem),
        (status = 404, description = "This hub gives no tokens itself", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The form is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not declared to be a form", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(()),
)]
pub(super) async fn token(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    let Some(endpoint) = &hub.token_endpoint else { return Problem::no_route().into_response() };
    let (head, body) = request.into_parts();
    let asking = Asking::of(&head);
    let request_id = hub.request_id(&head.headers);
    let mut standing = None;
    let result = async {
        let body = hub.receive(&head, body, Takes::Form).await.map_err(|problem| Refused::of(problem, None))?;
        let asked =
            endpoint.authenticate(&parse(&body, head.headers.contains_key(AUTHORIZATION))?).map_err(Refused::Token)?;
        let client = Arc::clone(asked.client());
        match hub.limit.check(&client.id) {
            Ok(within) => standing = Some(within),
            Err(over) => {
                standing = Some(over);
                return Err(Refused::of(Problem::rate_limited(over.retry_after_seconds), Some(client)));
            }
        }
        let proof = prove(&hub, &head, &client).await?;
        let key = proof.as_ref().map(|proof| proof.thumbprint.as_str());
        let binding = Confirmation::to(certificate(&head).as_ref(), key);
        endpoint.check_binding(&asked, binding.as_ref()).map_err(Refused::Token)?;
        let given = endpoint.grant(asked, &request_id, binding).await.map_err(|error| {
            tracing::error!(%error, "a token could not be recorded; it was not given");
            Refused::of(Problem::unavailable(), None)
        })?;
        given.ok_or(Refused::Replayed)
    }
    .await;
    let mut response = match result {
        Ok(answer) => match serde_json::to_vec(&answer) {
            Ok(body) => json(StatusCode::OK, body),
            Err(_) => Problem::internal().in_request(&request_id).into_response(),
        },
        Err(refused) => refuse(&hub, &asking, refused, &request_id).await,
    };
    tell_request(response.headers_mut(), &request_id, standing);
    response
}

/// The proof of possession that a token is asked for with, used up; none where the request has none.
async fn prove(hub: &Hub, head: &Parts, client: &Arc<Client>) -> Result<Option<Proof>, Refused> {
    let refused = |error: ProofError| {
        let (code, client) = (GrantCode::InvalidDpopProof, Some(Arc::clone(client)));
        Refused::Token(Refusal { code, detail: proof_text(error), client, claimed: None })
    };
    let Some(proof) = dpop_field(&head.headers).map_err(refused)? else { return Ok(None) };
    let proof = hub.proofs.check(proof, head.method.as_str(), head.uri.path(), None).map_err(refused)?;
    match hub.proofs.use_up(&proof).await {
        Ok(()) => Ok(Some(proof)),
        Err(ProofFault::Proof(error)) => Err(refused(error)),
        Err(ProofFault::Store(error)) => {
            tracing::error!(%error, "a proof could not be used up; no token was given");
            Err(Refused::of(Problem::unavailable(), None))
        }
    }
}

/// Why no token is given.
enum Refused {
    /// By the rules of OAuth.
    Token(Refusal),
    /// The assertion was used before; that is in the log already.
    Replayed,
    /// By the rules of every request.
    Request(Box<Problem>, Option<Arc<Client>>),
}

impl Refused {
    fn of(problem: Problem, client: Option<Arc<Client>>) -> Self {
        Self::Request(Box::new(problem), client)
    }
}

/// Reads the form. A parameter that stands twice is refused (RFC 6749 section 3.2); unknown ones are passed over.
fn parse(body: &[u8], has_authorization: bool) -> Result<TokenRequest, Refused> {
    let refused = |code, zh: &str, en: &str| {
        Err(Refused::Token(Refusal { code, detail: Text::new(zh, en), client: None, claimed: None }))
    };
    let mut request = TokenRequest::default();
    for (name, value) in form_urlencoded::parse(body) {
        let place = match &*name {
            "grant_type" => &mut request.grant_type,
            "client_id" => &mut request.client_id,
            "client_assertion_type" => &mut request.assertion_type,
            "client_assertion" => &mut request.assertion,
            "scope" => &mut request.scope,
            "client_secret" => {
                return refused(
                    GrantCode::InvalidRequest,
                    "本平台不使用 client_secret；请用 private_key_jwt 证明身份。",
                    "This hub knows no client_secret; prove the client with private_key_jwt.",
                );
            }
            _ => continue,
        };
        if place.replace(value.into_owned()).is_some() {
            return refused(GrantCode::InvalidRequest, "参数重复。", "A parameter stands twice.");
        }
    }
    if has_authorization {
        return refused(
            GrantCode::InvalidClient,
            "请勿使用 Authorization 头；请用 private_key_jwt 证明身份。",
            "Send no Authorization header; prove the client with private_key_jwt.",
        );
    }
    Ok(request)
}

/// A refusal is in the log before it is told; a failure of ours needs no entry.
async fn refuse(hub: &Hub, asking: &Asking, refused: Refused, request_id: &str) -> Response {
    let (problem, client, object) = match &refused {
        Refused::Replayed => (GrantCode::InvalidClient.as_str(), None, None),
        Refused::Request(problem, client) => (problem.code, client.as_deref(), None),
        Refused::Token(refusal) => (refusal.code.as_str(), refusal.client.as_deref(), refusal.claimed.as_deref()),
    };
    let code = problem;
    let is_ours = matches!(&refused, Refused::Request(problem, _) if problem.status >= 500);
    let mut retry_after = None;
    // That an assertion was used again is in the log already.
    if !is_ours && !matches!(refused, Refused::Replayed) {
        let object = object.map_or_else(|| "oauth2/token".to_owned(), |id| format!("oauth2/token/unproven/{id}"));
        let (peer, object, said) = (hub.peer(asking), Some(object.as_str()), refusals::Said::default());
        match hub
            .refusals
            .record(refusals::Refusal { client, peer, problem, request_id, verification: None, object, said })
            .await
        {
            Ok(Recorded::Singly) => {}
            Ok(Recorded::Counted { retry_after_seconds }) => retry_after = Some(retry_after_seconds),
            Err(error) => {
                tracing::error!(%error, "a refusal could not be recorded");
                return Problem::unavailable().in_request(request_id).into_response();
            }
        }
    }
    metrics::counter!("hedui_problems_total", "code" => code).increment(1);
    let (code, detail) = match refused {
        Refused::Request(problem, _) => {
            let mut response = problem.in_request(request_id).into_response();
            tell_retry(&mut response, retry_after);
            return response;
        }
        Refused::Token(refusal) => (refusal.code, refusal.detail),
        Refused::Replayed => (
            GrantCode::InvalidClient,
            Text::new(
                "该断言已使用过；每次请求请生成新的 jti。",
                "The assertion was used before; make one with a new jti for each request.",
            ),
        ),
    };
    let problem = TokenProblem {
        error: code.as_str(),
        error_description: detail.en.clone(),
        detail,
        request_id: request_id.to_owned(),
    };
    let status = if code == GrantCode::InvalidClient { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    let body = serde_json::to_vec(&problem).expect("a token problem holds only strings");
    let mut response = json(status, body);
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110 asks for a challenge with every 401; there is no scheme for assertions in a body.
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"hedui\""));
    }
    tell_retry(&mut response, retry_after);
    response
}

/// Say how to get a token here (RFC 8414).
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", tag = "tokens",
    responses(
        (status = 200, description = "The metadata of RFC 8414", body = serde_json::Value),
        (status = 404, description = "This hub gives no tokens itself", body = Problem, content_type = "application/problem+json"),
    ),
    security(()),
)]
pub(super) async fn server_metadata(State(hub): State<Arc<Hub>>) -> Response {
    let Some(endpoint) = &hub.token_endpoint else { return Problem::no_route().into_response() };
    let issuer = endpoint.registry().issuer();
    public(&json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}{TOKEN_PATH}"),
        "jwks_uri": format!("{issuer}{JWKS_PATH}"),
        "scopes_supported": Role::OF_CLIENTS.map(Role::scope),
        "response_types_supported": [],
        "grant_types_supported": [GRANT_TYPE],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": KeyAlgorithm::ALL,
        "dpop_signing_alg_values_supported": KeyAlgorithm::ALL,
        "tls_client_certificate_bound_access_tokens": hub.published.is_bound,
    }))
}

/// Say whose tokens are believed here (RFC 9728).
#[utoipa::path(
    get, path = "/.well-known/oauth-protected-resource", tag = "tokens",
    responses((status = 200, description = "The metadata of RFC 9728", body = serde_json::Value)),
    security(()),
)]
pub(super) async fn resource_metadata(State(hub): State<Arc<Hub>>) -> Response {
    public(&json!({
        "resource": hub.tokens.audience(),
        "authorization_servers": hub.published.issuers,
        "scopes_supported": Role::OF_CLIENTS.map(Role::scope),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": KeyAlgorithm::ALL,
        "dpop_bound_access_tokens_required": false,
        "tls_client_certificate_bound_access_tokens": hub.published.is_bound,
    }))
}

/// The hub's public keys (RFC 7517).
///
/// Those of its own access tokens, and the one that its questions to departments are signed with, which departments pin.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "tokens",
    responses(
        (status = 200, description = "The keys that sign, and those whose tokens are still believed", body = serde_json::Value),
    ),
    security(()),
)]
pub(super) async fn jwks(State(hub): State<Arc<Hub>>) -> Response {
    let mut document = hub.token_endpoint.as_ref().map_or_else(|| json!({ "keys": [] }), TokenEndpoint::jwks);
    if let Some(keys) = document.get_mut("keys").and_then(serde_json::Value::as_array_mut) {
        keys.push(hub.published.context_key.clone());
    }
    public(&document)
}

fn public(document: &serde_json::Value) -> Response {
    let mut response = json(StatusCode::OK, document.to_string());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(KEPT));
    response
}

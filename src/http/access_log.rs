//! `/v1/access-log`: what a security officer may ask of the log. Every look is logged before it is answered.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::front::{Hub, Takes};
use super::problem::Problem;
use crate::auth::access::Action;
use crate::domain::id_number::IdNumber;
use crate::domain::problem::{Finding, Text};
use crate::domain::unique::given_twice;
use crate::service::error::ServiceError;
use crate::service::log_review::{ConsistencyView, EntryView, Found, InclusionView, Search};
use crate::store::LogQuery;
use crate::tlog::tile::TilePath;

/// Longest text that is searched for, characters.
const MAX_TEXT: usize = 400;

/// What to search the log for; every field may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchDocument {
    /// The actor: a client's or officer's id.
    actor: Option<String>,
    /// The actor's organisation.
    organisation: Option<String>,
    /// The division of the application.
    division: Option<String>,
    /// What happened, such as `granted` or `denied`.
    action: Option<String>,
    /// The purpose.
    purpose: Option<String>,
    /// The verification.
    verification: Option<String>,
    /// The receipt of an answer.
    receipt: Option<String>,
    /// A person, as the log's pseudonym.
    subject: Option<String>,
    /// A person by identity number; only in a body, never in a URL. Only the pseudonym is kept.
    id_number: Option<String>,
    /// Not before this instant (RFC 3339).
    from: Option<String>,
    /// Before this instant (RFC 3339).
    to: Option<String>,
    /// Only entries before this index.
    before: Option<u64>,
    /// At most so many entries: 1 to 200, 50 when absent.
    limit: Option<u32>,
}

impl SearchDocument {
    /// What it asks for; every fault is named.
    fn parse(self) -> Result<Search, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut fault = |name: &str, zh: &str, en: &str| {
            let detail = Text::new(zh, en);
            findings.push(Finding { pointer: format!("/{name}"), code: "invalid_value", detail });
        };
        for (name, text) in [
            ("actor", &self.actor),
            ("organisation", &self.organisation),
            ("division", &self.division),
            ("action", &self.action),
            ("purpose", &self.purpose),
            ("verification", &self.verification),
            ("receipt", &self.receipt),
            ("subject", &self.subject),
        ] {
            let Some(text) = text else { continue };
            // The search stands in the log, so it must not be a person's number (P7).
            if text.is_empty() || text.chars().count() > MAX_TEXT || IdNumber::parse(text).is_ok() {
                fault(
                    name,
                    "应为 1 到 400 个字符，且不得是身份号码；按人检索请用请求体的 id_number。",
                    "must be 1 to 400 characters and no identity number; to search for a person give id_number in a body.",
                );
            }
        }
        let mut instant = |name: &str, text: &Option<String>| match text.as_deref().map(str::parse::<jiff::Timestamp>) {
            None => None,
            Some(Ok(at)) => Some(at.as_microsecond()),
            Some(Err(_)) => {
                fault(
                    name,
                    "应为 RFC 3339 时间，如 2026-11-01T00:00:00Z。",
                    "must be an instant such as 2026-11-01T00:00:00Z (RFC 3339).",
                );
                None
            }
        };
        let (from, to) = (instant("from", &self.from), instant("to", &self.to));
        let id_number = match self.id_number.as_deref().map(IdNumber::parse) {
            Some(Err(_)) => {
                fault("id_number", "不是有效的公民身份号码。", "is not a valid identity number.");
                None
            }
            other => other.and_then(Result::ok),
        };
        if self.limit.is_some_and(|limit| !(1..=crate::store::MAX_FOUND).contains(&limit)) {
            fault("limit", "应为 1 到 200。", "must be 1 to 200.");
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let query = LogQuery {
            before: self.before,
            limit: self.limit,
            actor: self.actor,
            organisation: self.organisation,
            division: self.division,
            division_prefix: None,
            action: self.action,
            purpose: self.purpose,
            verification: self.verification,
            receipt: self.receipt,
            subject: self.subject,
            from,
            to,
        };
        Ok(Search { query, id_number })
    }
}

/// Search the access log.
///
/// Newest first. One answer looks at a stretch of 20,000 entries; go on with `before` = `next_before`. The
/// search itself is logged before it is answered.
#[utoipa::path(
    get, path = "/v1/access-log", tag = "access-log",
    params(
        ("actor" = Option<String>, Query, description = "A client's or officer's id"),
        ("organisation" = Option<String>, Query, description = "The actor's organisation"),
        ("division" = Option<String>, Query, description = "Division of the application"),
        ("action" = Option<String>, Query, description = "What happened"),
        ("purpose" = Option<String>, Query, description = "The purpose"),
        ("verification" = Option<String>, Query, description = "The verification"),
        ("receipt" = Option<String>, Query, description = "The receipt of an answer"),
        ("subject" = Option<String>, Query, description = "A person as the log's pseudonym; by identity number use `POST /v1/access-log:search`"),
        ("from" = Option<String>, Query, description = "Not before (RFC 3339)"),
        ("to" = Option<String>, Query, description = "Before (RFC 3339)"),
        ("before" = Option<u64>, Query, description = "Only entries before this index"),
        ("limit" = Option<u32>, Query, description = "1 to 200, 50 when absent"),
    ),
    responses(
        (status = 200, description = "What was found", body = Found),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The search cannot be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn search(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadLog, None, async |admitted| {
        let document = axum::extract::Query::<SearchDocument>::try_from_uri(&admitted.head.uri).map_err(|_| {
            Problem::query(Text::new("查询参数见 /openapi.json。", "The parameters stand in /openapi.json."))
        })?;
        found(&hub, admitted, document.0).await
    })
    .await
}

/// Search the access log for a person by identity number.
///
/// The same fields as the GET, and `id_number`, which must not stand in a URL. Only its pseudonym is searched for and logged.
#[utoipa::path(
    post, path = "/v1/access-log:search", tag = "access-log",
    request_body = SearchDocument,
    responses(
        (status = 200, description = "What was found", body = Found),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The search cannot be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn search_person(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::ReadLog, None, async |admitted| {
        let document = serde_json::from_slice(&admitted.body).map_err(|_| {
            let detail = Text::new("不是合规的检索条件。", "is not a search document.");
            let other = || Finding { pointer: String::new(), code: "invalid_value", detail };
            Problem::of(ServiceError::Invalid(vec![given_twice(&admitted.body).unwrap_or_else(other)]))
        })?;
        found(&hub, admitted, document).await
    })
    .await
}

async fn found(hub: &Hub, admitted: &super::front::Admitted, document: SearchDocument) -> Result<Response, Problem> {
    let search = document.parse().map_err(|findings| Problem::of(ServiceError::Invalid(findings)))?;
    json(&hub.log_review.search(admitted.caller(), search).await.map_err(Problem::of)?)
}

/// Look at one entry.
#[utoipa::path(
    get, path = "/v1/access-log/{index}", tag = "access-log",
    params(("index" = u64, Path, description = "The entry's index")),
    responses(
        (status = 200, description = "The entry", body = EntryView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such entry that this officer may see", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn entry(State(hub): State<Arc<Hub>>, Path(index): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadLog, None, async |admitted| {
        let index = index.parse().map_err(|_| Problem::of(ServiceError::NoEntry))?;
        json(&hub.log_review.entry(admitted.caller(), index).await.map_err(Problem::of)?)
    })
    .await
}

/// Prove that an entry is in the log.
#[utoipa::path(
    get, path = "/v1/access-log/proofs/inclusion/{entry}", tag = "access-log",
    params(("entry" = String, Path, description = "The entry's index, or the receipt of an answer")),
    responses(
        (status = 200, description = "The proof", body = InclusionView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such entry that this officer may see", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The entry is not signed yet; ask again in a second", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn inclusion(State(hub): State<Arc<Hub>>, Path(entry): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadLog, None, async |admitted| {
        json(&hub.log_review.inclusion(admitted.caller(), &entry).await.map_err(Problem::of)?)
    })
    .await
}

/// Prove that the log went on from an earlier state.
#[utoipa::path(
    get, path = "/v1/access-log/proofs/consistency/{from}/{to}", tag = "access-log",
    params(
        ("from" = u64, Path, description = "How many entries the earlier state had, at least 1"),
        ("to" = u64, Path, description = "How many the later one had, at most those that are signed"),
    ),
    responses(
        (status = 200, description = "The proof", body = ConsistencyView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "The log was never signed at these sizes", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn consistency(
    State(hub): State<Arc<Hub>>,
    Path((from, to)): Path<(String, String)>,
    request: Request,
) -> Response {
    hub.admit(request, Takes::Nothing, Action::CheckLog, None, async |admitted| {
        let size = |text: &str| text.parse::<u64>().map_err(|_| Problem::of(ServiceError::NoEntry));
        let (from, to) = (size(&from)?, size(&to)?);
        json(&hub.log_review.consistency(admitted.caller(), from, to).await.map_err(Problem::of)?)
    })
    .await
}

/// Which checkpoint is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichCheckpoint {
    /// The newest one that a witness cosigned.
    #[serde(default)]
    cosigned: bool,
}

/// The newest signed checkpoint, with the cosignatures of witnesses on it.
///
/// Witnesses cosign every few seconds, so the newest checkpoint of a busy log often has no cosignature yet.
#[utoipa::path(
    get, path = "/v1/access-log/checkpoint", tag = "access-log",
    params(("cosigned" = Option<bool>, Query, description = "`true`: the newest one that a witness cosigned")),
    responses(
        (status = 200, description = "C2SP tlog-checkpoint", content_type = "text/plain"),
        (status = 400, description = "`cosigned` is neither `true` nor `false`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No witness has cosigned one yet", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn checkpoint(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::CheckLog, None, async |admitted| {
        let asked = axum::extract::Query::<WhichCheckpoint>::try_from_uri(&admitted.head.uri).map_err(|_| {
            Problem::query(Text::new("`cosigned` 只能是 true 或 false。", "`cosigned` is `true` or `false`."))
        })?;
        let checkpoint = hub.log_review.checkpoint(admitted.caller(), asked.cosigned).await.map_err(Problem::of)?;
        Ok(typed("text/plain; charset=utf-8", checkpoint.into_bytes()))
    })
    .await
}

/// A tile or an entry bundle of the log (C2SP tlog-tiles).
///
/// Entry bundles hold everybody's entries, so they are for officers of the whole country.
#[utoipa::path(
    get, path = "/v1/access-log/tile/{*path}", tag = "access-log",
    params(("path" = String, Path, description = "Such as `0/x001/234`, `0/000.p/5` or `entries/000`")),
    responses(
        (status = 200, description = "The tile", content_type = "application/octet-stream"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such tile", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn tile(State(hub): State<Arc<Hub>>, Path(path): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::CheckLog, None, async |admitted| {
        let path = TilePath::parse(&path).map_err(|_| Problem::of(ServiceError::NoEntry))?;
        let bytes = hub.log_review.tile(admitted.caller(), path).await.map_err(Problem::of)?;
        Ok(typed("application/octet-stream", bytes))
    })
    .await
}

pub(super) fn json(value: &impl Serialize) -> Result<Response, Problem> {
    Ok(typed("application/json", serde_json::to_vec(value).map_err(|_| Problem::internal())?))
}

fn typed(media_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

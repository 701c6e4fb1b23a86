//! `/v1/alerts`: what the rules found in the access log, for security officers.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use serde::Deserialize;

use super::access_log::json;
use super::front::{Admitted, Hub, Takes};
use super::problem::Problem;
use crate::auth::access::Action;
use crate::domain::problem::{Finding, Text, pointer_of};
use crate::domain::unique::given_twice;
use crate::review::rules::{RuleId, Severity};
use crate::review::state::State as AlertState;
use crate::service::alerts::{AlertPage, AlertView, Transition};
use crate::service::error::ServiceError;
use crate::store::{AlertQuery, MOST_ALERTS};

/// Which alerts are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    state: Option<String>,
    rule: Option<String>,
    severity: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

/// List alerts.
///
/// The highest score first. Alerts about the officer themself are not among them. The look is logged before it is answered.
#[utoipa::path(
    get, path = "/v1/alerts", tag = "alerts",
    params(
        ("state" = Option<String>, Query, description = "`open`, `asked`, `dismissal_proposed`, `justification_proposed`, `justified`, `escalated` or `dismissed`"),
        ("rule" = Option<String>, Query, description = "`R1` to `R16`"),
        ("severity" = Option<String>, Query, description = "`low`, `medium`, `high` or `critical`"),
        ("after" = Option<String>, Query, description = "Go on after this alert"),
        ("limit" = Option<u32>, Query, description = "1 to 200, 50 when absent"),
    ),
    responses(
        (status = 200, description = "The alerts", body = AlertPage),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The look cannot be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn list(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReviewAlerts, None, async |admitted| {
        let query = query(&admitted.head.uri)?;
        json(&hub.alerts.list(admitted.caller(), query).await.map_err(Problem::of)?)
    })
    .await
}

fn query(uri: &axum::http::Uri) -> Result<AlertQuery, Problem> {
    let wrong = || {
        Problem::query(Text::new(
            "参数为 state、rule、severity、after、limit；取值见 /openapi.json。",
            "The parameters are state, rule, severity, after and limit; their values stand in /openapi.json.",
        ))
    };
    let query = axum::extract::Query::<Query>::try_from_uri(uri).map_err(|_| wrong())?.0;
    let is_known = query.state.as_deref().is_none_or(|state| AlertState::parse(state).is_some())
        && query.rule.as_deref().is_none_or(|rule| RuleId::parse(rule).is_some())
        && query.severity.as_deref().is_none_or(|severity| Severity::parse(severity).is_some())
        && query.after.as_deref().is_none_or(|after| usable(after, "al_").is_some())
        && query.limit.is_none_or(|limit| (1..=MOST_ALERTS).contains(&limit));
    if !is_known {
        return Err(wrong());
    }
    let Query { state, rule, severity, after, limit } = query;
    Ok(AlertQuery { state, rule, severity, after, limit, ..AlertQuery::default() })
}

/// Look at one alert.
///
/// With its words, its arithmetic, what was done with it, and where each entry of the evidence and its proof can be had.
#[utoipa::path(
    get, path = "/v1/alerts/{id}", tag = "alerts",
    params(("id" = String, Path, description = "The alert's id")),
    responses(
        (status = 200, description = "The alert", body = AlertView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such alert that this officer may see", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The look cannot be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn show(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReviewAlerts, None, async |admitted| {
        let id = usable(&id, "al_").ok_or_else(|| Problem::of(ServiceError::NoAlert))?;
        json(&hub.alerts.show(admitted.caller(), id).await.map_err(Problem::of)?)
    })
    .await
}

/// Bring an alert to another state.
///
/// Every step needs a reason that says something; it stands in the access log. Letting go of an alert of high severity
/// (`dismissed`, `justified`) needs two officers: the first one proposes, a second one who says the same closes it.
#[utoipa::path(
    post, path = "/v1/alerts/{id}/transitions", tag = "alerts",
    params(("id" = String, Path, description = "The alert's id")),
    request_body = Transition,
    responses(
        (status = 200, description = "The alert as it is now", body = AlertView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer, or the second officer must be another one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such alert that this officer may see", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The alert is closed, or was asked about already", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The reason says nothing, or the time is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The step cannot be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn bring(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::ReviewAlerts, None, async |admitted| {
        let id = usable(&id, "al_").ok_or_else(|| Problem::of(ServiceError::NoAlert))?;
        let transition: Transition = document(admitted)?;
        json(&hub.alerts.bring(admitted.caller(), id, &transition).await.map_err(Problem::of)?)
    })
    .await
}

/// The body as a document. What stands in it is not repeated.
pub(super) fn document<T: serde::de::DeserializeOwned>(admitted: &Admitted) -> Result<T, Problem> {
    document_of(&admitted.body)
}

/// A body as a document. What stands in it is not repeated.
pub(super) fn document_of<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| (pointer_of(error.path()), error.into_inner()))
        .and_then(|document| deserializer.end().map(|()| document).map_err(|error| (String::new(), error)));
    read.map_err(|(pointer, error)| {
        if let Some(finding) = given_twice(body) {
            return Problem::of(ServiceError::Invalid(vec![finding]));
        }
        let (line, column) = (error.line(), error.column());
        let detail = Text::new(
            format!("第 {line} 行第 {column} 列附近不符合该接口的格式；格式见 /openapi.json。"),
            format!(
                "near line {line}, column {column} this is not the document of the route; it stands in /openapi.json."
            ),
        );
        Problem::of(ServiceError::Invalid(vec![Finding { pointer, code: "invalid_value", detail }]))
    })
}

/// An id of a path when it has the form of one.
pub(super) fn usable<'a>(id: &'a str, prefix: &str) -> Option<&'a str> {
    let digits = id.strip_prefix(prefix)?;
    (digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

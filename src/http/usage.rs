//! `/v1/adapters/{id}/usage`: what a department was asked and what it was spared.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::Uri;
use axum::response::Response;
use jiff::civil::Date;
use serde::Deserialize;

use super::access_log::json;
use super::front::{Hub, Takes};
use super::problem::Problem;
use crate::auth::access::Action;
use crate::domain::dataset::DepartmentId;
use crate::domain::problem::Text;
use crate::service::error::ServiceError;
use crate::service::usage::{QuestionPage, UsageQuery, UsageReport};

/// The longest span, days.
const LONGEST: i32 = 400;

/// Which days, and where to go on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    from: Date,
    to: Date,
    after: Option<u64>,
}

fn query(id: &str, uri: &Uri, may_go_on: bool) -> Result<(UsageQuery, Option<u64>), Problem> {
    let wrong = || {
        Problem::query(Text::new(
            "须给出 from 与 to（YYYY-MM-DD，含首尾，最多 400 天，from 不晚于 to）；逐条查询另可给 after。",
            "from and to are needed (YYYY-MM-DD, both included, at most 400 days, from not after to); single questions take after besides.",
        ))
    };
    let department = DepartmentId::parse(id).map_err(|_| Problem::of(ServiceError::NoDepartment))?;
    let Query { from, to, after } = axum::extract::Query::try_from_uri(uri).map_err(|_| wrong())?.0;
    let days = to.since(from).map(|span| span.get_days()).map_err(|_| wrong())?;
    if !(0..LONGEST).contains(&days) || after.is_some() && !may_go_on {
        return Err(wrong());
    }
    Ok((UsageQuery { department, from, to }, after))
}

/// Tell what a department was asked and spared.
///
/// By day, organisation and purpose: verifications, questions, people, outcomes, and the questions it was spared because
/// the answer was at hand, somebody was asking the same just then, or no answer could have changed the verdict. Counted
/// from the access log. The look is logged before it is answered.
#[utoipa::path(
    get, path = "/v1/adapters/{id}/usage", tag = "adapters",
    params(
        ("id" = String, Path, description = "The department"),
        ("from" = String, Query, description = "First day, `YYYY-MM-DD`, of China"),
        ("to" = String, Query, description = "Last day; at most 400 days"),
    ),
    responses(
        (status = 200, description = "The account", body = UsageReport),
        (status = 400, description = "A parameter is missing or wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an operator, officer or department", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such department, or another one than the department that asks", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The look cannot be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn report(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadUsage, None, async |admitted| {
        let (query, _) = query(&id, &admitted.head.uri, false)?;
        json(&hub.accounts.report(admitted.caller(), &query).await.map_err(Problem::of)?)
    })
    .await
}

/// List single questions to a department.
///
/// Each with its id, which the department's ledger has too: `hedui adapter reconcile` holds one against the other. A page
/// covers a stretch of the access log, so it may hold few questions, or none, and still have a `next`. The look is logged
/// before it is answered.
#[utoipa::path(
    get, path = "/v1/adapters/{id}/usage/questions", tag = "adapters",
    params(
        ("id" = String, Path, description = "The department"),
        ("from" = String, Query, description = "First day, `YYYY-MM-DD`, of China"),
        ("to" = String, Query, description = "Last day; at most 400 days"),
        ("after" = Option<u64>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "The questions", body = QuestionPage),
        (status = 400, description = "A parameter is missing or wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an operator, officer or department", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such department, or another one than the department that asks", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The look cannot be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn questions(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadUsage, None, async |admitted| {
        let (query, after) = query(&id, &admitted.head.uri, true)?;
        json(&hub.accounts.questions(admitted.caller(), &query, after).await.map_err(Problem::of)?)
    })
    .await
}

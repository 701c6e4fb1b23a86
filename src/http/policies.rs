//! `/v1/policies`: the packs, what holds where and when, and a verdict on facts that are handed over.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use jiff::civil::Date;
use serde::Deserialize;

use super::front::{Hub, Takes};
use super::problem::Problem;
use super::verifications::json;
use crate::auth::access::Action;
use crate::domain::division::DivisionCode;
use crate::domain::household::UrbanRural;
use crate::domain::problem::Text;
use crate::service::policies::Beside;
use crate::service::policies::evaluation::{EvaluationAnswer, EvaluationDocument};
use crate::service::policies::view::{EffectivePack, PackList};

/// List the policy packs.
///
/// Every pack file with its division, days and number of figures. Packs are public; the list is the same for all.
#[utoipa::path(
    get, path = "/v1/policies", tag = "policies",
    responses(
        (status = 200, description = "The packs", body = PackList),
        (status = 400, description = "A query parameter, of which there are none", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn list(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadPolicies, None, async |admitted| {
        query::<NoQuery>(&admitted.head.uri, || Text::new("该接口没有查询参数。", "This route takes no query."))?;
        respond(&hub.policies.list())
    })
    .await
}

/// Show what holds at a place on a day.
///
/// Every figure with its source, status, first day, level and file, gathered along nation, region, league or city, and
/// banner or county. What a verdict needs and nobody gives is in `missing`.
#[utoipa::path(
    get, path = "/v1/policies/{place}", tag = "policies",
    params(
        ("place" = String, Path, description = "Division code of GB/T 2260, six digits"),
        ("urban_rural" = UrbanRural, Query, description = "Which standard of the place"),
        ("on" = Option<String>, Query, description = "The day, YYYY-MM-DD; today in China when absent"),
        ("pack" = Option<String>, Query, description = "Name of a pack, for a place where several are in force"),
    ),
    responses(
        (status = 200, description = "The effective pack, complete or not", body = EffectivePack),
        (status = 400, description = "A place or query that cannot be", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No pack of this name is in force there", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn show(State(hub): State<Arc<Hub>>, Path(place): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadPolicies, None, async |admitted| {
        let place = division(&place)?;
        let asked: ShowQuery = query(&admitted.head.uri, || {
            Text::new(
                "请写 urban_rural=URBAN 或 RURAL，可选 on=YYYY-MM-DD 和 pack=名称。",
                "Give urban_rural=URBAN or RURAL, and if wanted on=YYYY-MM-DD and pack=NAME.",
            )
        })?;
        let pack = hub.policies.effective(place, asked.urban_rural, asked.on, asked.pack.as_deref());
        respond(&pack.map_err(Problem::of)?)
    })
    .await
}

/// Judge a household by the rules of a place.
///
/// Facts in, verdict out: no department is asked, nothing is kept, and nobody needs to be named. For trying rules and
/// for systems that hold the facts already. The document is a worked case without its parameter set.
#[utoipa::path(
    post, path = "/v1/policies/{place}/evaluate", tag = "policies",
    params(
        ("place" = String, Path, description = "Division code of GB/T 2260, six digits"),
        ("expand" = Option<String>, Query, description = "One or both of `report`, `trace`, with a comma"),
    ),
    request_body = EvaluationDocument,
    responses(
        (status = 200, description = "The verdict; `PENDING_PARAMETER` where no pack gives a standard", body = EvaluationAnswer),
        (status = 400, description = "Not JSON, or a place or query that cannot be", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The document is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not declared to be JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The document is wrong; every fault by JSON pointer", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn evaluate(State(hub): State<Arc<Hub>>, Path(place): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::TryRules, None, async |admitted| {
        let place = division(&place)?;
        let expand = || {
            Text::new("只接受 expand=report,trace 中的一项或两项。", "Only expand with report, trace or both is known.")
        };
        let asked: EvaluateQuery = query(&admitted.head.uri, expand)?;
        let beside = beside(asked.expand.as_deref()).ok_or_else(|| Problem::query(expand()))?;
        respond(&hub.policies.evaluate(place, &admitted.body, beside).map_err(Problem::of)?)
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoQuery {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShowQuery {
    urban_rural: UrbanRural,
    on: Option<Date>,
    pack: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EvaluateQuery {
    expand: Option<String>,
}

fn query<T: serde::de::DeserializeOwned>(uri: &Uri, fix: impl Fn() -> Text) -> Result<T, Problem> {
    Query::try_from_uri(uri).map(|Query(query)| query).map_err(|_| Problem::query(fix()))
}

fn beside(expand: Option<&str>) -> Option<Beside> {
    let mut beside = Beside::default();
    for name in expand.into_iter().flat_map(|names| names.split(',')) {
        match name {
            "report" => beside.report = true,
            "trace" => beside.trace = true,
            _ => return None,
        }
    }
    Some(beside)
}

fn division(place: &str) -> Result<DivisionCode, Problem> {
    DivisionCode::parse(place).map_err(|_| {
        Problem::path(Text::new(
            "地点应为 GB/T 2260 的六位数字，如 /v1/policies/152201。",
            "The place is six digits of GB/T 2260, such as /v1/policies/152201.",
        ))
    })
}

fn respond(body: &impl serde::Serialize) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, serde_json::to_vec(body).map_err(|_| Problem::internal())?))
}

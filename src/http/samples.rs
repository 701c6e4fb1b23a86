//! `/v1/samples`: double-random samples of the access log (双随机), for security officers of the whole country.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::access_log::json;
use super::alerts::{document, usable};
use super::front::{Hub, Takes};
use super::problem::Problem;
use crate::auth::access::Action;
use crate::service::error::ServiceError;
use crate::service::samples::{Freeze, SampleList, SampleView, SecondDice};

fn sample_id(id: &str) -> Result<&str, Problem> {
    usable(id, "sa_").ok_or_else(|| Problem::of(ServiceError::NoSample))
}

/// Freeze a sample.
///
/// Fixes the period, how many are drawn, who may review, and a size of the log that lies ahead: the root over that many
/// entries, the period and the dice of two officers are the seed. The plan is in the log before it is answered.
#[utoipa::path(
    post, path = "/v1/samples", tag = "samples",
    request_body = Freeze,
    responses(
        (status = 201, description = "Frozen", body = SampleView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not an officer of the whole country", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The plan is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The plan cannot be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn freeze(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::DrawSamples, None, async |admitted| {
        let plan: Freeze = document(admitted)?;
        let frozen = json(&hub.samples.freeze(admitted.caller(), plan).await.map_err(Problem::of)?)?;
        Ok((StatusCode::CREATED, frozen).into_response())
    })
    .await
}

/// List samples.
#[utoipa::path(
    get, path = "/v1/samples", tag = "samples",
    responses(
        (status = 200, description = "The newest first, without their manifests", body = SampleList),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not an officer of the whole country", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn list(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::DrawSamples, None, async |admitted| {
        json(&hub.samples.list(admitted.caller()).await.map_err(Problem::of)?)
    })
    .await
}

/// Look at a sample.
#[utoipa::path(
    get, path = "/v1/samples/{id}", tag = "samples",
    params(("id" = String, Path, description = "The sample's id")),
    responses(
        (status = 200, description = "The sample, with its manifest once it is drawn", body = SampleView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such sample for this officer", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn show(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::DrawSamples, None, async |admitted| {
        json(&hub.samples.show(admitted.caller(), sample_id(&id)?).await.map_err(Problem::of)?)
    })
    .await
}

/// Type the dice of a second officer.
///
/// Before the log has reached the frozen size; a sample whose second dice come later is void.
#[utoipa::path(
    post, path = "/v1/samples/{id}/dice", tag = "samples",
    params(("id" = String, Path, description = "The sample's id")),
    request_body = SecondDice,
    responses(
        (status = 200, description = "The sample as it is now", body = SampleView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer, or the one who froze it", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such sample for this officer", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The sample has its second dice, or is void", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "These are no dice", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The dice cannot be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn dice(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::DrawSamples, None, async |admitted| {
        let second: SecondDice = document(admitted)?;
        json(&hub.samples.dice(admitted.caller(), sample_id(&id)?, second).await.map_err(Problem::of)?)
    })
    .await
}

/// Draw a sample.
///
/// Once the signed log has the frozen size. The digest of the manifest is in the log before the manifest is answered;
/// drawing again answers the same manifest. `hedui sample verify` draws it again from a copy of the log.
#[utoipa::path(
    post, path = "/v1/samples/{id}/draw", tag = "samples",
    params(("id" = String, Path, description = "The sample's id")),
    responses(
        (status = 200, description = "The sample with its manifest", body = SampleView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an officer", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such sample for this officer", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The second dice are missing, the sample is void, or the log has not reached its size", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The period is empty, or too few reviewers need not stand back", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The manifest cannot be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn draw(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::DrawSamples, None, async |admitted| {
        json(&hub.samples.draw(admitted.caller(), sample_id(&id)?).await.map_err(Problem::of)?)
    })
    .await
}

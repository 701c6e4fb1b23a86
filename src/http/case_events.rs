//! `/v1/verifications/{id}/case-events`: what became of a case, as the caseworker system tells it.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::access_log::json;
use super::alerts::document;
use super::front::{Hub, Takes};
use super::problem::Problem;
use super::verifications::usable_id;
use crate::auth::access::Action;
use crate::service::verify::case_event::{CaseEvent, CaseEventRecorded};

/// Say what became of the case of a verification.
///
/// Decided, notified, visited, closed. It stands in the access log: of systems that say so, a verdict that was taken and
/// of which nothing came is seen (rule R13).
#[utoipa::path(
    post, path = "/v1/verifications/{id}/case-events", tag = "verifications",
    params(("id" = String, Path, description = "The verification's id")),
    request_body = CaseEvent,
    responses(
        (status = 201, description = "Recorded", body = CaseEventRecorded),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such verification of this client", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The verification was erased", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The document is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "It cannot be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn tell(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::TellCase, usable_id(&id), async |admitted| {
        let told: CaseEvent = document(admitted)?;
        let recorded = hub.verifications.tell_case(admitted.caller(), &id, told).await.map_err(Problem::of)?;
        Ok((StatusCode::CREATED, json(&recorded)?).into_response())
    })
    .await
}

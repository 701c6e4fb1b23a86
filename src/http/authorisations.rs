//! `/v1/authorisations`: households' authorisations (核对授权书), registered before a verification and revoked.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::front::{Hub, Takes};
use super::problem::Problem;
use crate::auth::access::Action;
use crate::service::request::registration::RegistrationDocument;
use crate::service::verify::AuthorisationView;

fn json(status: StatusCode, view: &AuthorisationView) -> Result<Response, Problem> {
    let body = serde_json::to_vec(view).map_err(|_| Problem::internal())?;
    Ok((status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
}

/// Register the authorisation of a household.
///
/// The same document sent again is the same authorisation. Verifications name it by `authorisation_id`.
#[utoipa::path(
    post, path = "/v1/authorisations", tag = "authorisations",
    request_body = RegistrationDocument,
    responses(
        (status = 201, description = "Registered", body = AuthorisationView, headers(("Location" = String, description = "Where it can be seen"))),
        (status = 200, description = "Registered before, by the same document", body = AuthorisationView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Outside the client's purposes", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Another authorisation has this number", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The document is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn register(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::RegisterAuthorisation, None, async |admitted| {
        let registered = hub.verifications.register_authorisation(admitted.caller(), &admitted.body).await;
        let (view, is_new) = registered.map_err(Problem::of)?;
        let mut response = json(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &view)?;
        if let Ok(location) = HeaderValue::from_str(&format!("/v1/authorisations/{}", view.id)) {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    })
    .await
}

/// Look at an authorisation.
#[utoipa::path(
    get, path = "/v1/authorisations/{id}", tag = "authorisations",
    params(("id" = String, Path, description = "The authorisation's id")),
    responses(
        (status = 200, description = "The authorisation; it names no person", body = AuthorisationView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such authorisation of this client", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The authorisation was erased", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn show(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::UseAuthorisation, None, async |admitted| {
        let view = hub.verifications.authorisation(admitted.caller(), &id).await.map_err(Problem::of)?;
        json(StatusCode::OK, &view)
    })
    .await
}

/// Revoke an authorisation.
///
/// Verifications under it that are running are stopped and end `BLOCKED`; what departments said of its people is
/// forgotten; its number does not pass in a request any more. Hubs of other regions that were asked under it are told to do
/// the same; `hubs_to_tell` are those that have not answered yet. What was answered before stays recorded.
#[utoipa::path(
    delete, path = "/v1/authorisations/{id}", tag = "authorisations",
    params(("id" = String, Path, description = "The authorisation's id")),
    responses(
        (status = 200, description = "Revoked, now or before", body = AuthorisationView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such authorisation of this client", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The authorisation was erased", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn revoke(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::UseAuthorisation, None, async |admitted| {
        let view = hub.verifications.revoke_authorisation(admitted.caller(), &id).await.map_err(Problem::of)?;
        json(StatusCode::OK, &view)
    })
    .await
}

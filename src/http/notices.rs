//! Notices to households that were looked up in an emergency: recorded by caseworkers, watched by officers.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::front::{Hub, Takes};
use super::problem::Problem;
use super::verifications::{json, usable_id};
use crate::auth::access::Action;
use crate::domain::problem::Text;
use crate::service::verify::{HouseholdNotice, NoticeDocument, OwedNotices};

/// Record that a household was told.
///
/// Who was looked up in an emergency without every member's signature must be told when the emergency is over
/// (个人信息保护法 第十八条). The answer to such a verification says until when (`notice_due_at`). The first notice stands.
#[utoipa::path(
    post, path = "/v1/verifications/{id}/household-notice", tag = "verifications",
    params(("id" = String, Path, description = "The verification's id")),
    request_body = NoticeDocument,
    responses(
        (status = 200, description = "Recorded, now or before", body = HouseholdNotice),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such verification of this client", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No notice is owed: every member's signature was there", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The document is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn give(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::GiveNotice, usable_id(&id), async |admitted| {
        let given = hub.verifications.give_notice(admitted.caller(), &id, &admitted.body).await.map_err(Problem::of)?;
        Ok(json(StatusCode::OK, serde_json::to_vec(&given).map_err(|_| Problem::internal())?))
    })
    .await
}

/// List the households that are still to be told.
///
/// Those of the officer's division that were looked up in an emergency and not told yet, the most urgent first. The look
/// is itself an entry of the access log.
#[utoipa::path(
    get, path = "/v1/household-notices", tag = "access-log",
    params(("status" = Option<String>, Query, description = "`overdue` for those alone that are late")),
    responses(
        (status = 200, description = "The notices that are owed", body = OwedNotices),
        (status = 400, description = "A query parameter that is not known", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not a security officer", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn owed(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReviewNotices, None, async |admitted| {
        let overdue = match admitted.head.uri.query() {
            None | Some("") => false,
            Some("status=overdue") => true,
            Some(_) => {
                return Err(Problem::query(Text::new("只接受 status=overdue。", "Only status=overdue is known.")));
            }
        };
        let owed = hub.verifications.owed_notices(admitted.caller(), overdue).await.map_err(Problem::of)?;
        Ok(json(StatusCode::OK, serde_json::to_vec(&owed).map_err(|_| Problem::internal())?))
    })
    .await
}

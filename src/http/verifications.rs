//! `/v1/verifications`: ask, look again, plan.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::front::{Admitted, Hub, Takes, idempotency_key, preferred_wait};
use super::problem::Problem;
use crate::auth::access::Action;
use crate::domain::problem::Text;
use crate::service::answer::VerificationAnswer;
use crate::service::planned::PlanView;
use crate::service::request::document::RequestDocument;
use crate::service::verify::{Caller, Expand, Reply};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

impl Admitted {
    pub(super) fn caller(&self) -> Caller<'_> {
        Caller { client: &self.client, request_id: &self.request_id, class: self.class }
    }
}

pub(super) fn json(status: StatusCode, body: impl Into<axum::body::Body>) -> Response {
    let mut response = (status, body.into()).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Verify a household.
///
/// Asks every department that has something to say, side by side, and answers with one verdict. A
/// department that does not answer leaves a gap; the verdict says whether the gap matters. With
/// `"disclosure": "minimal"` departments are asked only for what could still change the verdict, in rounds;
/// whoever need not be asked is `not_asked`, with what settled it, and the verdict is the same. Send an
/// `Idempotency-Key`: the same request sent twice is one verification.
#[utoipa::path(
    post, path = "/v1/verifications", tag = "verifications",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; the same key with the same body is one verification"),
        ("Prefer" = Option<String>, Header, description = "`wait=N` bounds the wait in seconds, `respond-async` does not wait (RFC 7240)"),
    ),
    request_body = RequestDocument,
    responses(
        (status = 201, description = "Accepted and completed", body = VerificationAnswer<'static>),
        (status = 200, description = "Completed before, under the same idempotency key", body = VerificationAnswer<'static>),
        (status = 202, description = "Accepted; departments are still being asked. Follow `Location` or `/events`", body = VerificationAnswer<'static>),
        (status = 400, description = "Not JSON, or a header that cannot be used", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Outside the client's division or purposes", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The request is wrong; every fault by JSON pointer. No department was asked", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn create(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::AskForVerification, None, async |admitted| {
        let key = idempotency_key(&admitted.head.headers)?;
        let wait = preferred_wait(&admitted.head.headers, hub.default_wait, hub.max_wait);
        let reply = hub.verifications.open(admitted.caller(), key, &admitted.body, wait).await.map_err(Problem::of)?;
        let (id, mut response) = match reply {
            Reply::Completed { id, body, is_new } => {
                let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
                (id, json(status, body))
            }
            Reply::Running { id, body } => (id, json(StatusCode::ACCEPTED, body)),
        };
        let headers = response.headers_mut();
        if let Ok(location) = HeaderValue::from_str(&format!("/v1/verifications/{id}")) {
            headers.insert(LOCATION, location);
        }
        if let Ok(applied) = HeaderValue::from_str(&format!("wait={}", wait.as_secs())) {
            headers.insert(PREFERENCE_APPLIED, applied);
        }
        Ok(response)
    })
    .await
}

/// Look at a verification again.
///
/// Where departments answered later what they owed there are versions; the earlier ones stay readable.
#[utoipa::path(
    get, path = "/v1/verifications/{id}", tag = "verifications",
    params(
        ("id" = String, Path, description = "The verification's id"),
        ("expand" = Option<String>, Query, description = "One or more of `comparison`, `evidence`, `report`, `trace`, with commas"),
        ("version" = Option<u32>, Query, description = "This version of the outcome instead of the newest"),
    ),
    responses(
        (status = 200, description = "The verification", body = VerificationAnswer<'static>),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such verification of this client, or no such version of it", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The verification was erased", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The pack was changed since and was not kept: text and trace cannot be made again", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn show(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::LookAtVerification, usable_id(&id), async |admitted| {
        let expand = expand(admitted.head.uri.query())?;
        let body = hub.verifications.view(admitted.caller(), &id, expand).await.map_err(Problem::of)?;
        Ok(json(StatusCode::OK, body))
    })
    .await
}

/// Plan a verification without asking anybody.
///
/// Says which department would be asked which dataset about which member, and why not more; in minimal
/// disclosure also in which order, who is spared already, and who could be depending on the answers.
#[utoipa::path(
    post, path = "/v1/verifications:plan", tag = "verifications",
    request_body = RequestDocument,
    responses(
        (status = 200, description = "The plan; it names a household, so the look is in the access log", body = PlanView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Outside the client's division or purposes", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The request is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn plan(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::AskForVerification, None, async |admitted| {
        let plan = hub.verifications.plan(admitted.caller(), &admitted.body).await.map_err(Problem::of)?;
        Ok(json(StatusCode::OK, serde_json::to_vec(&plan).map_err(|_| Problem::internal())?))
    })
    .await
}

/// Ask again for what departments owe.
///
/// A verdict that is open because departments did not answer is made again with what they answer now; whoever answered
/// is not asked again. The hub does so by itself too (`follow_up`); this does it at once. What departments answer makes a
/// new version of the verification, and the earlier ones stay readable (`?version=`). Where nothing is owed nobody is asked.
#[utoipa::path(
    post, path = "/v1/verifications/{id}/refresh", tag = "verifications",
    params(
        ("id" = String, Path, description = "The verification's id"),
        ("Prefer" = Option<String>, Header, description = "`wait=N` bounds the wait in seconds, `respond-async` does not wait (RFC 7240)"),
    ),
    responses(
        (status = 200, description = "The newest version", body = VerificationAnswer<'static>),
        (status = 202, description = "Departments are still being asked; the newest version so far", body = VerificationAnswer<'static>),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Outside the client's division or purposes", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such verification of this client", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has not ended yet", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The verification was erased", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The household's authorisation was revoked or has ended", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn refresh(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::AskForVerification, usable_id(&id), async |admitted| {
        let wait = preferred_wait(&admitted.head.headers, hub.default_wait, hub.max_wait);
        let reply = hub.verifications.refresh(admitted.caller(), &id, wait).await.map_err(Problem::of)?;
        Ok(match reply {
            Reply::Completed { body, .. } => json(StatusCode::OK, body),
            Reply::Running { body, .. } => json(StatusCode::ACCEPTED, body),
        })
    })
    .await
}

/// The id of a path, when it has the form of one; anything else is not written to the log.
pub(super) fn usable_id(id: &str) -> Option<&str> {
    let form =
        id.len() <= 64 && id.starts_with("vf_") && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    form.then_some(id)
}

fn expand(query: Option<&str>) -> Result<Expand, Problem> {
    let mut expand = Expand::default();
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        // Which of two was meant nobody knows.
        let version = pair.strip_prefix("version=").filter(|_| expand.version.is_none());
        if let Some(version) = version.and_then(|version| version.parse().ok()) {
            expand.version = Some(version);
            continue;
        }
        let known = pair.strip_prefix("expand=").is_some_and(|names| {
            names.split([',']).flat_map(|names| names.split("%2C")).all(|name| match name {
                "evidence" => {
                    expand.evidence = true;
                    true
                }
                "trace" => {
                    expand.trace = true;
                    true
                }
                "report" => {
                    expand.report = true;
                    true
                }
                "comparison" => {
                    expand.comparison = true;
                    true
                }
                _ => false,
            })
        });
        if !known {
            return Err(Problem::query(Text::new(
                "只接受一个 version=版本号，以及 expand=comparison,evidence,report,trace 中的一项或几项。",
                "Only one version with a number, and expand with one or more of comparison,evidence,report,trace are known.",
            )));
        }
    }
    Ok(expand)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expand_takes_known_names_only() {
        let both = Expand { evidence: true, trace: true, ..Expand::default() };
        assert_eq!(expand(Some("expand=evidence,trace")).unwrap(), both);
        assert_eq!(expand(Some("expand=evidence&expand=trace")).unwrap(), both);
        assert_eq!(expand(Some("expand=evidence%2Ctrace")).unwrap(), both);
        assert_eq!(expand(None).unwrap(), Expand::default());
        assert_eq!(expand(Some("version=2")).unwrap(), Expand { version: Some(2), ..Expand::default() });
        for bad in [
            "version=x",
            "version=1&version=2",
            "version=1&version=1",
            "version=-1",
            "expand=all",
            "fields=x",
            "expand",
            "expand=evidence,",
        ] {
            assert!(expand(Some(bad)).is_err(), "{bad}");
        }
    }
}

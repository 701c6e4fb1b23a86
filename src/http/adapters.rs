//! `/v1/adapters`: departments register their adapters with an invitation; operators bring them on, drain and suspend them;
//! departments tighten and take off what is their own.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::access_log::json;
use super::adapter_problem::{failed, no_invitation, not_made, not_registered, refused};
use super::alerts::{document, document_of};
use super::front::{Admitted, Asking, Hub, Takes, ambiguous, tell_request};
use super::problem::Problem;
use crate::auth::access::Action;
use crate::auth::peer::Peer;
use crate::domain::actor::Role;
use crate::domain::adapter::Move;
use crate::domain::agreement::Agreement;
use crate::domain::dataset::DepartmentId;
use crate::domain::problem::Text;
use crate::service::adapters::registering::{CODE_PREFIX, RegistrationDocument, invitation_code};
use crate::service::adapters::{AdapterFault, AdapterView, Change, Conformance, ProbeView};
use crate::service::approvals::sha256;
use crate::service::changes::{self, Answer};

/// How an adapter is to be brought on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AdapterTransition {
    /// The move: `accept`, `shadow`, `withdraw`, `go_live`, `drain`, `suspend`, `resume` or `remove`.
    #[serde(rename = "move")]
    by: Move,
    /// What callers are told while it is not asked; needed with `suspend`.
    #[serde(default)]
    notice: Option<Text>,
    /// The signed conformance report, as `hedui adapter conform` wrote it; needed once, for `shadow`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
}

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InvitationDocument {
    /// The department.
    #[schema(value_type = String)]
    department: DepartmentId,
}

/// An invitation. The code is told here and nowhere else.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
pub(super) struct InvitationView {
    /// The department.
    #[schema(value_type = String)]
    department: DepartmentId,
    /// The code, good once.
    code: String,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// What came of a change.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct ChangeAnswer {
    /// What was done, as the access log says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<String>,
    /// The change that waits for administrators: `/v1/approvals/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<String>,
    /// What they sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// How many more must agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    still: Option<usize>,
}

/// The adapters of a hub.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Adapters)]
pub(super) struct AdapterList {
    /// The adapters, by department and number.
    adapters: Vec<AdapterView>,
}

/// List the adapters.
///
/// All versions of every department side by side, those of the hub's configuration file too; to a department its own.
#[utoipa::path(
    get, path = "/v1/adapters", tag = "adapters",
    responses(
        (status = 200, description = "The adapters", body = AdapterList),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an operator, officer, administrator or department", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn list(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadAdapters, None, async |admitted| {
        json(&AdapterList { adapters: hub.adapters.list(&admitted.client) })
    })
    .await
}

/// Look at one adapter.
///
/// With its terms, how much of its quotas is used, and how far a shadow agrees with the live one: counts, nothing about a person.
#[utoipa::path(
    get, path = "/v1/adapters/{id}", tag = "adapters",
    params(("id" = String, Path, description = "The adapter's id, such as `hrss-2`")),
    responses(
        (status = 200, description = "The adapter", body = AdapterView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an operator, officer, administrator or department", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such adapter", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn show(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadAdapters, None, async |admitted| {
        json(&hub.adapters.shown_to(&admitted.client, &id).ok_or_else(|| refused(&AdapterFault::Unknown))?)
    })
    .await
}

/// Ask an adapter how it is.
///
/// It is asked through the egress guard, with its pinned key. Only the class of what came back and about how long it took
/// are told.
#[utoipa::path(
    get, path = "/v1/adapters/{id}/health", tag = "adapters",
    params(("id" = String, Path, description = "The adapter's id")),
    responses(
        (status = 200, description = "How it is", body = ProbeView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an operator, officer, administrator or department", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such adapter", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn health(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadAdapters, None, async |admitted| {
        hub.adapters.shown_to(&admitted.client, &id).ok_or_else(|| refused(&AdapterFault::Unknown))?;
        json(&hub.adapters.probe(&id).await.ok_or_else(|| refused(&AdapterFault::Unknown))?)
    })
    .await
}

/// Register an adapter.
///
/// For departments: with an invitation (`Authorization: Bearer hi_…`), which is good once. The hub reads the adapter's
/// manifest and pins the key of its certificate; the adapter is a draft then and is asked nothing. Another endpoint,
/// another certificate or other datasets are another registration, while the former one goes on.
#[utoipa::path(
    post, path = "/v1/adapters", tag = "adapters",
    request_body = RegistrationDocument,
    responses(
        (status = 201, description = "Registered as a draft", body = AdapterView),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No invitation that is good", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "This hub takes no registrations", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The document is wrong, or what answers at the address is not this department's adapter", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many failures", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("invitation" = [])),
)]
pub(super) async fn register(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let request_id = hub.request_id(&head.headers);
    let peer = hub.peer(&Asking::of(&head));
    let mut response = match registered(&hub, &head, body, peer, &request_id).await {
        Ok(response) => response,
        Err(problem) => hub.refuse(problem, None, peer, &request_id, None).await,
    };
    tell_request(response.headers_mut(), &request_id, None);
    response
}

async fn registered(
    hub: &Hub,
    head: &Parts,
    body: Body,
    peer: Option<Peer>,
    request_id: &str,
) -> Result<Response, Problem> {
    if let Some(problem) = ambiguous(head) {
        return Err(problem);
    }
    let field = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let code = field.and_then(|field| field.strip_prefix("Bearer ")).filter(|code| code.starts_with(CODE_PREFIX));
    let code = code.ok_or_else(no_invitation)?;
    let body = hub.receive(head, body, Takes::Json).await?;
    let document: RegistrationDocument = document_of(&body)?;
    let peer = peer.map(|peer| peer.to_string());
    let record = hub.adapters.register(code, &document, peer.as_deref(), request_id).await.map_err(not_registered)?;
    let mut response = json(&hub.adapters.show(&record.id).ok_or_else(Problem::internal)?)?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// Invite a department to register an adapter.
#[utoipa::path(
    post, path = "/v1/adapter-invitations", tag = "adapters",
    request_body = InvitationDocument,
    responses(
        (status = 201, description = "The invitation; its code is told only here", body = InvitationView),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "This hub takes no registrations", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No such department", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn invite(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::InviteDepartments, None, async |admitted| {
        let InvitationDocument { department } = document(admitted)?;
        let rules = hub.adapters.rules().ok_or_else(|| refused(&AdapterFault::Closed))?;
        let valid = SignedDuration::try_from(rules.invitation_valid_for).unwrap_or(SignedDuration::ZERO);
        let expires_at = hub.clock.now().saturating_add(valid).unwrap_or(Timestamp::MAX);
        let code = invitation_code(&*hub.randomness);
        let digest = sha256(&code);
        let answer = ask(&hub, admitted, Change::Invite { department: department.clone(), digest, expires_at }).await?;
        // A code is told only where it is good.
        if !matches!(answer, Answer::Done(_)) {
            return changed(answer);
        }
        let mut response = json(&InvitationView { department, code, expires_at })?;
        *response.status_mut() = StatusCode::CREATED;
        Ok(response)
    })
    .await
}

/// Bring an adapter to another state.
///
/// `draft → sandbox → shadow → live ⇄ draining ⇄ suspended`. To `shadow` and `live` it needs a conformance report and two
/// administrators, whatever the settings say: then the answer is 202 with the change that waits for them. Going live, it
/// takes the place of the one before, which ends what it has begun. Suspending needs a notice, which callers are told.
///
/// A department brings its own adapters to another state by itself where that takes something away: `drain`, `suspend`,
/// `withdraw`, `remove` of what was never live; and `resume` where everything since it was live was its own step. What it
/// took off itself is resumed or removed by others with two administrators only.
#[utoipa::path(
    post, path = "/v1/adapters/{id}/transitions", tag = "adapters",
    params(("id" = String, Path, description = "The adapter's id")),
    request_body = AdapterTransition,
    responses(
        (status = 200, description = "Done", body = ChangeAnswer),
        (status = 202, description = "Entered: two administrators must agree", body = ChangeAnswer),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Neither an operator nor a department, or more than a department may do alone: `operator_needed`, `beyond_agreement`, `taken_off_by_others`, `was_live`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such adapter", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Not from where it stands", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The notice or the report is missing or wrong", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn transition(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::ChangeAdapters, None, async |admitted| {
        let AdapterTransition { by, notice, report } = document(admitted)?;
        let conformance = report.as_ref().map(Conformance::read).transpose();
        let conformance = conformance.map_err(|fault| refused(&fault.into()))?;
        changed(ask(&hub, admitted, Change::Move { id, by, notice, conformance, about: None }).await?)
    })
    .await
}

/// Put other terms in force.
///
/// Quotas by second, hour and day, of all callers or each, for all purposes or one; hours; maintenance windows. What is
/// used of a quota stays used. Where changes need two persons, this one does.
///
/// A department puts terms of its own adapters in force by itself, at once, as long as each stays within what was agreed to
/// (`agreed`, or what is in force): lower figures, the same quotas with the same or lower counts and others besides, fewer
/// hours, more maintenance.
#[utoipa::path(
    put, path = "/v1/adapters/{id}/agreement", tag = "adapters",
    params(("id" = String, Path, description = "The adapter's id")),
    request_body = Agreement,
    responses(
        (status = 200, description = "In force", body = ChangeAnswer),
        (status = 202, description = "Entered: two administrators must agree", body = ChangeAnswer),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Neither an operator nor a department, or more than a department may do alone: `operator_needed`, `beyond_agreement`, `taken_off_by_others`, `was_live`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such adapter", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is named in the hub's configuration", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not terms that can be agreed to", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn agree(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::ChangeAdapters, None, async |admitted| {
        let agreement: Agreement = document(admitted)?;
        changed(ask(&hub, admitted, Change::Agree { id, agreement }).await?)
    })
    .await
}

/// Take an adapter away for good.
///
/// Not one that is live or draining: suspend it first. Its record stays.
#[utoipa::path(
    delete, path = "/v1/adapters/{id}", tag = "adapters",
    params(("id" = String, Path, description = "The adapter's id")),
    responses(
        (status = 200, description = "Removed", body = ChangeAnswer),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Neither an operator nor a department, or more than a department may do alone: `operator_needed`, `beyond_agreement`, `taken_off_by_others`, `was_live`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such adapter", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is live or draining, or named in the hub's configuration", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn remove(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ChangeAdapters, None, async |admitted| {
        let change = Change::Move { id, by: Move::Remove, notice: None, conformance: None, about: None };
        changed(ask(&hub, admitted, change).await?)
    })
    .await
}

/// Has a change made, or entered for two persons.
async fn ask(hub: &Hub, admitted: &Admitted, change: Change) -> Result<Answer, Problem> {
    if admitted.client.role == Role::Department {
        let made = hub.operations.make_for_department(&admitted.client, &change).await;
        return made.map_err(|error| Problem::of(error.into()))?.map_err(|fault| refused(&fault));
    }
    if let Some(fault) = hub.operations.adapter_fault_of(&change) {
        return Err(refused(&fault));
    }
    let request = changes::Request { by: admitted.client.id.clone(), change: changes::Change::Adapter(change) };
    hub.operations.make(request, None).await.map_err(failed)
}

/// What came of a change, told.
pub(super) fn changed(answer: Answer) -> Result<Response, Problem> {
    match answer {
        Answer::Done(done) => json(&ChangeAnswer { done: Some(done), ..ChangeAnswer::default() }),
        Answer::Waiting { proposal, digest, still } => {
            let (waiting, digest, still) = (Some(proposal), Some(digest), Some(still));
            let mut response = json(&ChangeAnswer { waiting, digest, still, ..ChangeAnswer::default() })?;
            *response.status_mut() = StatusCode::ACCEPTED;
            Ok(response)
        }
        Answer::Refused(refusal) => Err(not_made(refusal.why)),
        Answer::Rewrapped(_) => Err(Problem::internal()),
    }
}

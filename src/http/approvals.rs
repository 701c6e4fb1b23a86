//! `/v1/approvals`: changes that need two persons, and what administrators say of them.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access_log::json;
use super::adapter_problem::{failed, no_proposal, not_made};
use super::adapters::{ChangeAnswer, changed};
use super::alerts::{document, usable};
use super::front::{Hub, Takes};
use super::problem::Problem;
use crate::auth::access::Action;
use crate::auth::jws::Jws;
use crate::auth::statement::Said;
use crate::domain::problem::Text;
use crate::service::changes::{Change, Request as Asked};
use crate::service::proposals::ProposalView;

/// What a person says of a change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionDocument {
    /// The signed statement: a JWS of type `hedui-decision+jwt` by a registered key of the person, with `iss` and `sub` the
    /// person's client id, `aud` this hub's issuer, `iat`, `exp` at most 60 s later, `jti`, `proposal`, `digest` and
    /// `agrees`.
    #[schema(max_length = 8192)]
    statement: String,
}

/// Changes that need two persons.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Approvals)]
pub(super) struct ApprovalList {
    /// The changes, the newest first, at most 200.
    changes: Vec<ProposalView>,
}

/// List the changes that need two persons.
#[utoipa::path(
    get, path = "/v1/approvals", tag = "approvals",
    responses(
        (status = 200, description = "The changes that wait, and those that were made or refused", body = ApprovalList),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an administrator or operator", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be read now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn list(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadApprovals, None, async |_| {
        let changes = hub.operations.proposals().await.map_err(|error| Problem::of(error.into()))?;
        json(&ApprovalList { changes })
    })
    .await
}

/// Look at one change.
///
/// With what it would change, word by word: that is what an administrator signs the digest of.
#[utoipa::path(
    get, path = "/v1/approvals/{id}", tag = "approvals",
    params(("id" = String, Path, description = "The change's id")),
    responses(
        (status = 200, description = "The change", body = ProposalView),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an administrator or operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such change", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be read now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn show(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadApprovals, None, async |_| {
        let id = usable(&id, "ch_").ok_or_else(no_proposal)?;
        let found = hub.operations.proposal(id).await.map_err(|error| Problem::of(error.into()))?;
        json(&found.ok_or_else(no_proposal)?)
    })
    .await
}

/// Agree to a change, or refuse it.
///
/// The statement says which: the token only lets somebody hand it in. Two different administrators must have signed for
/// the change; the second who agrees makes it. Nobody has two words, and one refusal ends it.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/decisions", tag = "approvals",
    params(("id" = String, Path, description = "The change's id")),
    request_body = DecisionDocument,
    responses(
        (status = 200, description = "Made, or refused as the statement says", body = ChangeAnswer),
        (status = 202, description = "Heard: one more must agree", body = ChangeAnswer),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an administrator", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The word does not count, or the change cannot be made any more", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The document is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn decide(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Json, Action::DecideApprovals, None, async |admitted| {
        let DecisionDocument { statement } = document(admitted)?;
        // Whether it is believed is decided where it is heard; what it is about must be what it is sent to.
        let said: Option<Said> = Jws::read(statement.as_bytes()).ok().and_then(|jws| jws.claims().ok());
        if said.is_some_and(|said| said.proposal != id) {
            let (zh, en) = ("声明所指的是另一项变更。", "The statement is about another change.");
            return Err(not_made(Text::new(zh, en)));
        }
        let asked = Asked { by: admitted.client.id.clone(), change: Change::Say(statement) };
        changed(hub.operations.make(asked, None).await.map_err(failed)?)
    })
    .await
}

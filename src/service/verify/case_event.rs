//! What a caseworker system says became of a case: what tells work from curiosity (rule R13).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, Verifications};
use crate::access_log::{AccessEvent, Action};
use crate::auth::access::{self, Object, authorise};
use crate::domain::context::{LoggedContext, is_name};
use crate::domain::problem::{Finding, Text};
use crate::service::error::ServiceError;

/// What was done in the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseStep {
    /// A decision was made 作出审核确认决定.
    Decided,
    /// The household was told of the result 告知核对结果.
    Notified,
    /// The household was visited 入户调查.
    Visited,
    /// The case was closed without a decision 终止办理.
    Closed,
    /// Something else was done in it.
    Other,
}

impl CaseStep {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Notified => "notified",
            Self::Visited => "visited",
            Self::Closed => "closed",
            Self::Other => "other",
        }
    }
}

/// What became of a case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseEvent {
    /// What was done.
    pub step: CaseStep,
    /// Who did it, as the caller's system names them.
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9._@-]{1,64}$")]
    pub operator: Option<String>,
}

/// That it is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseEventRecorded {
    /// The receipt: the entry of the access log.
    pub receipt: String,
}

impl Verifications {
    /// Records what became of the case of a verification of this client.
    pub async fn tell_case(
        &self,
        caller: Caller<'_>,
        id: &str,
        told: CaseEvent,
    ) -> Result<CaseEventRecorded, ServiceError> {
        let row = self.own(caller.client, id).await?;
        let object = Object::Verification { client: &row.client_id, division: row.division };
        authorise(caller.client, access::Action::TellCase, &object).check()?;
        if told.operator.as_deref().is_some_and(|operator| !is_name(operator)) {
            let detail = Text::new(
                "应为 1 到 64 个字母、数字或 . _ @ -，不得使用身份号码。",
                "must be 1 to 64 letters, digits or . _ @ -, never an identity number.",
            );
            let pointer = "/operator".to_owned();
            return Err(ServiceError::Invalid(vec![Finding { pointer, code: "invalid_name", detail }]));
        }
        let (receipt, at) = (self.parts.ids.next("ev"), self.parts.clock.now());
        let context = LoggedContext { operator: told.operator, ..LoggedContext::default() };
        let mut event =
            AccessEvent::new(receipt.clone(), at, Action::CaseActed, Some(caller.client), caller.request_id);
        event.context = context.operator.is_some().then_some(&context);
        event.division = row.division.or(event.division);
        event.state = Some(told.step.as_str());
        event.verification = Some(id);
        self.parts.store.record_events(vec![event.to_row()?]).await?;
        Ok(CaseEventRecorded { receipt })
    }
}

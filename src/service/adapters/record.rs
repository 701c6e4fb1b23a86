//! A registered adapter as the store keeps it: one version of a department's adapter, and everything that was done with it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer_key::AnswerKey;
use super::conformance::Conformance;
use super::demoting::Demotion;
use crate::domain::adapter::{AdapterState, Move};
use crate::domain::agreement::Agreement;
use crate::domain::dataset::{DatasetId, DepartmentId};
use crate::domain::problem::Text;
use crate::egress::KeyPin;
use crate::store::{AdapterRow, StoreError};

/// Steps that the record itself keeps; the access log has them all.
const KEPT_STEPS: usize = 100;

/// A registered adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterRecord {
    /// Department and number: `hrss-2`.
    pub id: String,
    /// The department it answers for.
    pub department: DepartmentId,
    /// The how-manyeth version of this department's adapter, from 1.
    pub number: u32,
    /// Where it is: `https://host:port`.
    pub endpoint: String,
    /// The version of its connector, as its manifest told.
    pub version: String,
    /// What it calls itself.
    pub name: Text,
    /// Whom to call when it is down.
    pub contact: String,
    /// What it serves.
    pub datasets: Vec<ServedDataset>,
    /// The keys its certificate may have: the one that was seen, and those it is to be rotated to.
    pub pins: Vec<KeyPin>,
    /// The key that signs its answers, as its manifest told; its answers need no signature when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_key: Option<AnswerKey>,
    /// Thumbprint of the key that signs its conformance reports; nothing real is asked of it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_key: Option<String>,
    /// Where it stands.
    pub state: AdapterState,
    /// What callers are told while it is suspended or draining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Text>,
    /// What the department agreed to.
    pub agreement: Agreement,
    /// What was agreed to before the department tightened it by itself, which it may go back to; what is in force when
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Box<Agreement>>,
    /// The report it was let on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conformance: Option<Conformance>,
    /// When the hub had seen it hold for days on real questions, before it went live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sustained_at: Option<Timestamp>,
    /// Why the hub demoted it the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demotion: Option<Box<Demotion>>,
    /// Who invited the department.
    pub invited_by: String,
    /// From where it was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_from: Option<String>,
    /// When.
    pub registered_at: Timestamp,
    /// What was done with it since, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepTaken>,
}

/// What others agree to when they agree to letting an adapter on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AsEntered {
    /// Where it is.
    pub endpoint: String,
    /// The version of its connector.
    pub version: String,
    /// What it serves.
    pub datasets: Vec<ServedDataset>,
    /// The keys its certificate may have.
    pub pins: Vec<KeyPin>,
    /// The key that signs its answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_key: Option<AnswerKey>,
    /// The key that signs its conformance reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_key: Option<String>,
    /// What the department agreed to.
    pub agreement: Agreement,
}

impl AsEntered {
    /// As this adapter stands.
    pub fn of(record: &AdapterRecord) -> Self {
        let AdapterRecord { endpoint, version, datasets, pins, answer_key, report_key, agreement, .. } = record.clone();
        Self { endpoint, version, datasets, pins, answer_key, report_key, agreement }
    }
}

/// A dataset of an adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServedDataset {
    /// The dataset.
    #[schema(value_type = String)]
    pub id: DatasetId,
    /// The type of its facts.
    pub fact: String,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepTaken {
    /// The move; absent where the terms were changed.
    #[serde(default, rename = "move", skip_serializing_if = "Option::is_none")]
    pub by: Option<Move>,
    /// Where it led.
    pub state: AdapterState,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who entered it; `hub` where nobody did.
    pub entered_by: String,
    /// Whether the department itself did.
    #[serde(default, skip_serializing_if = "is_not")]
    pub by_department: bool,
    /// Who agreed to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<String>,
    /// The terms that stood before, where others were put in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Box<Agreement>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_not(flag: &bool) -> bool {
    !*flag
}

impl AdapterRecord {
    /// When anything of it changed last.
    pub fn changed_at(&self) -> Timestamp {
        self.steps.last().map_or(self.registered_at, |step| step.at)
    }

    /// The conformance level it was let on with: that of its report, or 5 where the hub had seen it hold for days.
    pub fn level(&self) -> Option<u8> {
        if self.sustained_at.is_some() { Some(5) } else { Some(self.conformance.as_ref()?.level) }
    }

    /// Whether it was ever asked for what counts. The step itself may not be in the record any more; what comes after it
    /// tells it too.
    pub fn was_live(&self) -> bool {
        let is_after = |state: AdapterState| state == AdapterState::Live || state.is_paused();
        is_after(self.state) || self.steps.iter().any(|step| is_after(step.state))
    }

    /// Which of two changed last is told by this.
    pub(super) fn newness(&self) -> (Timestamp, u32) {
        (self.changed_at(), self.number)
    }

    /// Whether the hub demoted it and has not let it return: it is asked a share of what its department would be, to find
    /// out whether it is well again.
    pub fn is_on_trial(&self) -> bool {
        self.state == AdapterState::Suspended
            && self.demotion.as_ref().is_some_and(|demotion| demotion.ended_at.is_none())
    }

    /// What the department may move within by itself.
    pub fn bound(&self) -> &Agreement {
        self.agreed.as_deref().unwrap_or(&self.agreement)
    }

    /// Puts other terms in force. A department moves within what was agreed to; what anybody else puts in force is agreed to.
    pub(super) fn agree(&mut self, agreement: &Agreement, taken: StepTaken) {
        let replaced = Box::new(std::mem::replace(&mut self.agreement, agreement.clone()));
        let former = self.agreed.take().filter(|_| taken.by_department);
        let bound = taken.by_department.then(|| former.unwrap_or_else(|| replaced.clone()));
        self.agreed = bound.filter(|bound| **bound != self.agreement);
        self.took(StepTaken { replaced: Some(replaced), ..taken });
    }

    /// Ends its demotion, if it is demoted.
    pub(super) fn end_demotion(&mut self, now: Timestamp) {
        if let Some(demotion) = &mut self.demotion {
            demotion.ended_at.get_or_insert(now);
        }
    }

    /// In whose name its quotas are counted; nobody's while it is not asked.
    pub fn quota_owner(&self) -> Option<&str> {
        match self.state {
            AdapterState::Live => Some(self.department.as_str()),
            AdapterState::Shadow => Some(&self.id),
            _ => None,
        }
    }

    /// Notes a step.
    pub(super) fn took(&mut self, step: StepTaken) {
        self.state = step.state;
        self.steps.push(step);
        let surplus = self.steps.len().saturating_sub(KEPT_STEPS);
        self.steps.drain(..surplus);
    }

    /// The row that keeps it.
    pub(super) fn to_row(&self) -> Result<AdapterRow, StoreError> {
        Ok(AdapterRow {
            id: self.id.clone(),
            department: self.department.to_string(),
            changed_at: self.changed_at().as_microsecond(),
            body: serde_json::to_string(self).map_err(|_| StoreError::Corrupt("adapter"))?,
        })
    }

    /// What a row keeps.
    pub fn of(row: &AdapterRow) -> Result<Self, StoreError> {
        serde_json::from_str(&row.body).map_err(|_| StoreError::Corrupt("adapter"))
    }
}

//! What a department does with its own adapter by itself: it tightens, and undoes what it tightened itself. What others
//! agreed to is the bound, and what others took off stays off. Nor does one operator alone let be asked what a department
//! took off.

use jiff::Timestamp;

use super::change::{AdapterFault, Change};
use super::record::{AdapterRecord, StepTaken};
use super::{Adapters, Order};
use crate::auth::access::{Action, Denial, Object, authorise};
use crate::domain::actor::Client;
use crate::domain::adapter::{AdapterState, Move};
use crate::domain::agreement::Looser;
use crate::domain::dataset::DepartmentId;
use crate::domain::problem::Text;

/// Why a department may not do this alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Beyond {
    /// A step that the hub's people take.
    #[error(
        "inviting and bringing an adapter on is the hub's: ask its operator, and for shadow and live two administrators agree"
    )]
    BringingOn,
    /// Terms that let more be asked than was agreed to.
    #[error("the terms go beyond what was agreed to: {0}; for more, hand them to the hub's operator")]
    Terms(Looser),
    /// Somebody else took it off, or the hub did.
    #[error(
        "the adapter was taken off by the hub or its people, or too long ago for its record to say by whom: ask the hub's operator"
    )]
    TakenOff,
    /// It was live, so that others may come to stand in its place.
    #[error(
        "an adapter that was live is taken away for good by the hub's operator: suspend it, and nothing is asked of it"
    )]
    WasLive,
}

impl Beyond {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BringingOn => "operator_needed",
            Self::Terms(_) => "beyond_agreement",
            Self::TakenOff => "taken_off_by_others",
            Self::WasLive => "was_live",
        }
    }

    /// The same in both languages.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::BringingOn => {
                "邀请和推进适配器由平台办理：请联系平台运维人员；影子运行和上线须两名授权管理人员批准。".to_owned()
            }
            Self::Terms(looser) => {
                format!("条款超出约定：{}；如需放宽，请交平台运维人员办理。", looser.text().zh)
            }
            Self::TakenOff => {
                "该适配器由平台或其人员停用，或停用已久、记录中不再载明由谁停用：请联系平台运维人员。".to_owned()
            }
            Self::WasLive => "上线过的适配器由平台运维人员移除；部门可将其暂停，暂停后不再向其查询。".to_owned(),
        };
        Text::new(zh, format!("{self}."))
    }
}

/// Whether a client may see a department's adapters.
pub(super) fn may_see(client: &Client, department: &DepartmentId) -> bool {
    authorise(client, Action::ReadAdapters, &Object::Department(department)).is_permit()
}

impl Adapters {
    /// Why a department may not make this change of what it asks for, where a department asks. What is not its own is to it
    /// as if it were not there, whatever is asked for and however that stands.
    pub(super) fn not_for_department(&self, order: Order<'_>, change: &Change, now: Timestamp) -> Option<AdapterFault> {
        let client = order.department?;
        let records = self.records();
        let record = records.iter().find(|record| change.adapter() == Some(record.id.as_str()));
        // One of the configuration file is named by its department.
        let by_file = || DepartmentId::parse(change.adapter()?.strip_suffix("-file")?).ok();
        let Some(department) = record.map(|record| record.department.clone()).or_else(by_file) else {
            return Some(AdapterFault::Unknown);
        };
        let beyond = record.and_then(|record| beyond(record, change, now));
        let object = Object::AdapterChange { department: &department, is_tightening: beyond.is_none() };
        match (authorise(client, Action::ChangeAdapters, &object).check(), beyond) {
            (Ok(()), _) => None,
            (Err(Denial::Beyond), Some(beyond)) => Some(beyond.into()),
            (Err(_), _) => Some(AdapterFault::Unknown),
        }
    }
}

impl Adapters {
    /// Whether a change, whoever enters it, lets be asked what a department took off itself: that takes two persons,
    /// whatever the settings say. The department does it alone.
    pub fn is_against_department(&self, change: &Change) -> bool {
        let records = self.records();
        let record = records.iter().find(|record| change.adapter() == Some(record.id.as_str()));
        record.is_some_and(|record| is_against_department(record, change))
    }
}

fn is_against_department(record: &AdapterRecord, change: &Change) -> bool {
    // Where it is removed, an adapter of the configuration file is asked in its place.
    let Change::Move { by: Move::Resume | Move::Remove, .. } = change else { return false };
    if !record.state.is_paused() {
        return false;
    }
    let is_live = |step: &&StepTaken| step.state == AdapterState::Live;
    let mut since_live = record.steps.iter().rev().take_while(|step| !is_live(step));
    // A record that does not reach back so far says of nobody that they did not.
    since_live.any(|step| step.by_department && step.by.is_some()) || !record.steps.iter().any(|step| is_live(&step))
}

/// What of a change goes beyond what a department may do with its own adapter.
fn beyond(record: &AdapterRecord, change: &Change, now: Timestamp) -> Option<Beyond> {
    match change {
        Change::Agree { agreement, .. } => agreement.looser_than(record.bound(), now).map(Beyond::Terms),
        Change::Move { by, .. } => match by {
            Move::Drain | Move::Withdraw => None,
            // Another notice in the place of another's is not the department's to give; that of a demotion may be.
            Move::Suspend => {
                let is_others =
                    record.state == AdapterState::Suspended && !record.is_on_trial() && !is_off_by_department(record);
                is_others.then_some(Beyond::TakenOff)
            }
            Move::Resume => (record.state.is_paused() && !is_off_by_department(record)).then_some(Beyond::TakenOff),
            // Where it is gone, an adapter of the configuration file is asked again.
            Move::Remove => record.was_live().then_some(Beyond::WasLive),
            Move::Accept
            | Move::Shadow
            | Move::GoLive
            | Move::Drained
            | Move::Demote
            | Move::StandIn
            | Move::Return => Some(Beyond::BringingOn),
        },
        Change::Invite { .. } | Change::Demote { .. } | Change::Return { .. } => Some(Beyond::BringingOn),
    }
}

/// Whether everything that took it off since it was live last was the department's own step. Where the record does not
/// reach back so far, nobody can say so.
fn is_off_by_department(record: &AdapterRecord) -> bool {
    for step in record.steps.iter().rev() {
        if step.state == AdapterState::Live {
            return true;
        }
        match step.by {
            None | Some(Move::Drained) => {}
            Some(Move::Drain | Move::Suspend) if step.by_department => {}
            Some(_) => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests;

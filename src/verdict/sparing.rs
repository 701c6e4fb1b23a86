//! What need not be asked: whether any answer that is not there yet could still change the verdict
//! (promise P6; `docs/decisions/0019-minimal-disclosure-keeps-the-verdict.md`).
//!
//! [`super::unknowns`] asks what the silence of a department leaves open by the page of semantics, and that is
//! narrower than what its answer could really do: a death certificate changes who counts, and five departments
//! know of income. Here every fact that an open question could bring is taken into account, so that a
//! verdict that stands is the verdict that asking everybody would have given: status, circle, other circles
//! met, members' outcomes, benefit, review cycle and referral. The rules are those of the other files and the walk is
//! that of the unknowns ([`stands()`]). No department is named here: a question carries its entry of the catalogue.

pub mod order;
mod stands;
mod unasked;

use serde::Serialize;

use super::HouseholdCircle;
use super::circle::Circle;
use super::facts::{Facts, MemberFacts};
use super::members::{Standing, standing};
use crate::domain::dataset::{Authority, Dataset, DatasetId, Department, DepartmentId};
use crate::domain::fact::FactKind;
use crate::domain::household::LabourCapacity;
use crate::domain::period::age_on;
use crate::domain::problem::Text;

pub use stands::stands;

/// A question that has not been asked: one dataset about one member.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who would be asked.
    pub department: &'a Department,
    /// The dataset.
    pub dataset: &'a Dataset,
    /// Position of the member in [`Facts::members`].
    pub member: usize,
}

impl PartialEq for Question<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.dataset.id == other.dataset.id && self.member == other.member
    }
}

impl Eq for Question<'_> {}

/// True when some rule reads what the answer would say, as far as this member is known.
pub fn is_read(facts: &Facts, question: &Question<'_>) -> bool {
    let Some(member) = facts.members.get(question.member) else { return false };
    if question.dataset.authority != Authority::Conclusive {
        // A hint settles nothing: it is compared with the declaration and no more.
        return false;
    }
    let is_adult = age_on(member.born_on, facts.assessed_on) >= 18;
    let of_member = match question.dataset.fact {
        // Property is the household's, whoever holds it and whether or not that person counts.
        FactKind::Asset => return true,
        FactKind::Income | FactKind::Expenditure | FactKind::Death | FactKind::Disability => true,
        FactKind::Enrolment => {
            is_adult && (member.relation.is_child() || member.was_tekun) || is_idle_worker(facts, member)
        }
        FactKind::Diagnosis => !member.severe_illness,
        FactKind::Employment => is_idle_worker(facts, member),
        FactKind::Insurance | FactKind::Disaster | FactKind::Assistance => false,
    };
    // Neither the dead nor the excluded come back, whatever is said of them.
    of_member && !matches!(standing(member, facts.assessed_on), Standing::Deceased | Standing::Excluded)
}

/// Whom a referral to the employment service would be for.
fn is_idle_worker(facts: &Facts, member: &MemberFacts) -> bool {
    (16..=59).contains(&age_on(member.born_on, facts.assessed_on))
        && member.labour_capacity == LabourCapacity::Full
        && !member.employed
        && member.education_stage.is_none()
}

/// Why a question could be spared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SettledBy {
    /// No rule reads such facts about such members.
    NoRule,
    /// Property exceeds the limit, whatever else is found.
    PropertyFails,
    /// Everybody is 特困.
    AllTekun,
    /// Income, after what was spent, reaches every line.
    IncomeTooHigh,
    /// The circle and all that comes with it are the same whatever the answer.
    ResultStands,
    /// A silent department keeps the result open, and the answer would not close it.
    ResultOpen,
    /// An authorisation is missing, or an officer must look first.
    GateShut,
}

impl SettledBy {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::NoRule,
        Self::PropertyFails,
        Self::AllTekun,
        Self::IncomeTooHigh,
        Self::ResultStands,
        Self::ResultOpen,
        Self::GateShut,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoRule => "NO_RULE",
            Self::PropertyFails => "PROPERTY_FAILS",
            Self::AllTekun => "ALL_TEKUN",
            Self::IncomeTooHigh => "INCOME_TOO_HIGH",
            Self::ResultStands => "RESULT_STANDS",
            Self::ResultOpen => "RESULT_OPEN",
            Self::GateShut => "GATE_SHUT",
        }
    }

    /// Why, in a sentence.
    pub fn text(self) -> Text {
        let (zh, en) = match self {
            Self::NoRule => ("没有规则用到这些记录。", "No rule reads these records."),
            Self::PropertyFails => (
                "家庭财产已超过限额，任何答复都不能改变结果。",
                "Property exceeds the limit; no answer could change the result.",
            ),
            Self::AllTekun => (
                "成员均为特困人员，任何答复都不能改变结果。",
                "Every member is tekun; no answer could change the result.",
            ),
            Self::IncomeTooHigh => (
                "收入扣除支出后仍高于各圈层标准，任何答复都不能改变结果。",
                "Income, after what was spent, is above every line; no answer could change the result.",
            ),
            Self::ResultStands => ("任何答复都不能改变结果。", "No answer could change the result."),
            Self::ResultOpen => (
                "结果因其他部门未答复而未定，此项答复不能使其确定。",
                "Another department's silence keeps the result open, and this answer could not settle it.",
            ),
            Self::GateShut => {
                ("须先补齐授权或由经办人员处理。", "An authorisation is missing or an officer must act first.")
            }
        };
        Text::new(zh, en)
    }

    /// What settled a household whose circle this is.
    pub(super) const fn of(circle: HouseholdCircle, property_passes: bool) -> Self {
        match circle {
            HouseholdCircle::Open | HouseholdCircle::NotAsked => Self::ResultOpen,
            HouseholdCircle::Is(Circle::None) if !property_passes => Self::PropertyFails,
            HouseholdCircle::Is(Circle::None) => Self::IncomeTooHigh,
            HouseholdCircle::Is(_) => Self::ResultStands,
        }
    }
}

/// What was not asked of one department, and why it need not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SparedFinding {
    /// The department.
    pub department: DepartmentId,
    /// The datasets it was not asked for, about all members or some.
    pub datasets: Vec<DatasetId>,
    /// What settled it.
    pub settled_by: SettledBy,
}

/// The spared questions as the verdict reports them: one finding a department and reason.
pub(super) fn findings(facts: &Facts, settled_by: SettledBy) -> Vec<SparedFinding> {
    let mut findings: Vec<SparedFinding> = Vec::new();
    for question in &facts.spared {
        let settled_by = if question.is_read { settled_by } else { SettledBy::NoRule };
        let same =
            |other: &&mut SparedFinding| other.department == question.department && other.settled_by == settled_by;
        match findings.iter_mut().find(same) {
            Some(finding) if finding.datasets.contains(&question.dataset) => {}
            Some(finding) => finding.datasets.push(question.dataset.clone()),
            None => findings.push(SparedFinding {
                department: question.department.clone(),
                datasets: vec![question.dataset.clone()],
                settled_by,
            }),
        }
    }
    findings
}

//! When a household is looked at again (SEED-S25, S26; `semantics.md`, Review cycle).

use super::facts::{Facts, MemberFacts};
use super::members::{Members, can_work};
use super::reasons::{Reasons, clause};
use crate::domain::household::{LabourCapacity, Stability};

/// The remaining members of working age with some capacity to work.
fn able<'a>(facts: &'a Facts, members: &Members) -> impl Iterator<Item = &'a MemberFacts> {
    members.each_remaining(facts).filter(|(_, person, member)| can_work(*person, member)).map(|(_, _, member)| member)
}

/// Months until the next review of a 低保 household: 6 when income is unsteady and a member can work, else 12.
pub fn months(facts: &Facts, members: &Members) -> u8 {
    if facts.stability == Stability::Unstable && able(facts, members).next().is_some() { 6 } else { 12 }
}

/// Notes the cycle, and whom to refer to employment service.
pub fn explain(months: u8, facts: &Facts, members: &Members, reasons: &mut Reasons) {
    let is_idle = |member: &MemberFacts| !member.employed && member.education_stage.is_none();
    if able(facts, members).any(|member| member.labour_capacity == LabourCapacity::Full && is_idle(member)) {
        reasons.flag("EMPLOYMENT_REFERRAL");
        reasons.rests_on(&[clause::MCA_2022, clause::MCA_2024_05, clause::EMPLOYMENT_AID]);
    }
    if months == 6 {
        reasons.reason("REVIEW_HALF_YEAR");
        reasons.rests_on(&[clause::SEED_HALF_YEARLY]);
    } else {
        reasons.reason("REVIEW_YEAR");
        reasons.rests_on(&[clause::SEED_YEARLY]);
    }
}

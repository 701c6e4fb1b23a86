//! When a household is looked at again (SEED-S25, S26; `semantics.md`, Review cycle).

use super::facts::Facts;
use super::members::{Members, can_work};
use super::reasons::{Reasons, clause};
use crate::domain::household::{LabourCapacity, Stability};

/// Months until the next review of a 低保 household: 6 when income is unsteady and a member can work, else 12.
pub fn months(facts: &Facts, members: &Members, reasons: &mut Reasons) -> u8 {
    let mut anyone_can_work = false;
    for (_, _, member) in members.each_remaining(facts).filter(|(_, person, member)| can_work(*person, member)) {
        anyone_can_work = true;
        let is_idle = !member.employed && member.education_stage.is_none();
        if member.labour_capacity == LabourCapacity::Full && is_idle {
            reasons.flag("EMPLOYMENT_REFERRAL");
            reasons.rests_on(&[clause::MCA_2022, clause::MCA_2024_05, clause::EMPLOYMENT_AID]);
        }
    }
    if facts.stability == Stability::Unstable && anyone_can_work {
        reasons.reason("REVIEW_HALF_YEAR");
        reasons.rests_on(&[clause::SEED_HALF_YEARLY]);
        6
    } else {
        reasons.reason("REVIEW_YEAR");
        reasons.rests_on(&[clause::SEED_YEARLY]);
        12
    }
}

//! The gates before the rules (`semantics.md`, Identity and gates): a person in two households, a missing
//! authorisation. The first gate, of identity, comes before there are facts.

use super::Status;
use super::facts::Facts;
use super::members::Members;
use super::reasons::{Reasons, clause};

/// What keeps the rules from being applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// A member is in another assisted household.
    MemberInTwoHouseholds,
    /// A counted member has not authorised the verification.
    AuthorisationMissing,
}

/// The gate that is shut, if one is.
pub fn gate(facts: &Facts) -> Option<Gate> {
    if facts.prior.member_in_other_household.is_some() {
        return Some(Gate::MemberInTwoHouseholds);
    }
    if facts.emergency_only || facts.members.iter().all(|member| member.authorised) {
        return None;
    }
    let members = Members::decide(facts);
    let unauthorised = members.each_counted(facts).any(|(_, _, member)| !member.authorised);
    unauthorised.then_some(Gate::AuthorisationMissing)
}

impl Gate {
    /// How the matter stands at the gate.
    pub const fn status(self) -> Status {
        match self {
            Self::MemberInTwoHouseholds => Status::ManualReview,
            Self::AuthorisationMissing => Status::Blocked,
        }
    }

    /// Notes why.
    pub fn explain(self, reasons: &mut Reasons) {
        match self {
            Self::MemberInTwoHouseholds => {
                reasons.flag("MEMBER_IN_TWO_HOUSEHOLDS");
                reasons.rests_on(&[clause::MEMBERS]);
            }
            Self::AuthorisationMissing => {
                reasons.flag("AUTHORISATION_MISSING");
                reasons.rests_on(&[clause::AUTHORISATION, clause::MANDATE, clause::CONSENT]);
            }
        }
    }
}

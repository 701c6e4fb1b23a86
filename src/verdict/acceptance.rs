//! Where a household may apply that is registered elsewhere (SEED-S09).
//!
//! Whether somebody holds a residence permit is the police's record and a look at the card: here it is only said what
//! the place allows. It changes no circle, and an emergency is helped where it happens (SEED-S20).

use super::facts::Facts;
use super::reasons::{Reasons, clause};
use crate::policy::Parameters;

/// How the place takes an application from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// Holders of a residence permit may apply here.
    WithPermit,
    /// Only at the place of registration.
    AtRegistration,
}

impl Acceptance {
    /// `None` where the household is registered at the place, or asks for emergency relief only.
    pub fn of(facts: &Facts, parameters: &Parameters) -> Option<Self> {
        let (hukou, place) = (facts.hukou_region, parameters.place().division_code);
        if facts.emergency_only || hukou.is_inside(place) || place.is_inside(hukou) {
            return None;
        }
        let by_permit = parameters.rules().residence_permit_application;
        Some(if by_permit { Self::WithPermit } else { Self::AtRegistration })
    }

    /// Notes it.
    pub fn explain(self, reasons: &mut Reasons) {
        reasons.reason(match self {
            Self::WithPermit => "APPLIED_AT_RESIDENCE_WITH_PERMIT",
            Self::AtRegistration => "APPLIED_OUTSIDE_HUKOU_REGION",
        });
        reasons.rests_on(&[clause::SEED_RESIDENCE]);
    }
}

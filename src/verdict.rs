//! Facts, pack and date give a verdict: a pure function (promise P3), exact (P4), that never takes
//! missing for zero (P2) and never decides in a person's place (P8).
//!
//! [`decide`] applies the rules and is all that a verdict costs; [`Decision::verdict`] tells what was decided
//! and [`Decision::trace`] shows why, each when somebody asks. Each rule has its file: the [gates](mod@gate), who
//! counts ([`members`]), [`income`], [`property`], [`expenditure`], [`tekun`], the [`circle`], what is
//! [unknown](unknowns), [`emergency`], [`benefit`] and [`review_cycle`] with [`adjustment`] inside it. Where one may apply is in
//! [`acceptance`], what a circle opens besides in [`assistance`]. What need not be asked is in [`sparing`]. [`explain`] says it in words, [`cases`]
//! reads worked cases.

pub mod acceptance;
pub mod adjustment;
pub mod assess;
pub mod assistance;
pub mod benefit;
pub mod cases;
pub mod circle;
pub mod clauses;
pub mod comparison;
pub mod decision;
pub mod emergency;
pub mod expenditure;
pub mod explain;
pub mod facts;
pub mod gate;
pub mod identity;
pub mod income;
pub mod margins;
pub mod members;
pub mod property;
pub mod reasons;
pub mod review_cycle;
pub mod sparing;
pub mod tekun;
pub mod tipping;
pub mod trace;
pub mod unknowns;
pub mod wire;

use serde::{Serialize, Serializer};

use crate::domain::exact::{Exact, Overflow};
use crate::domain::money::Money;
use crate::policy::Parameters;
use circle::Circle;
use facts::Facts;

pub use decision::{Decision, decide};
pub use gate::gate;
pub use margins::Margin;
pub use wire::{Sums, Verdict};

/// Version of the rules as programmed; part of every verdict's id, raised when any outcome may change.
pub const ENGINE_VERSION: &str = "5";

/// How far the matter is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Settled, whatever the missing departments would say.
    Determined,
    /// Open until certain departments answer.
    PendingData,
    /// An authorisation is missing: nobody may be asked.
    Blocked,
    /// An officer must look first.
    ManualReview,
    /// No standard is known for this place and day: never a default.
    PendingParameter,
}

impl Status {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Determined => "DETERMINED",
            Self::PendingData => "PENDING_DATA",
            Self::Blocked => "BLOCKED",
            Self::ManualReview => "MANUAL_REVIEW",
            Self::PendingParameter => "PENDING_PARAMETER",
        }
    }
}

/// What is said of the household circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HouseholdCircle {
    /// Nothing: the rules were not applied.
    NotAsked,
    /// Several are possible; `null` on the wire.
    Open,
    /// This one.
    Is(Circle),
}

impl HouseholdCircle {
    /// The circle, when there is one.
    pub const fn circle(self) -> Option<Circle> {
        match self {
            Self::Is(circle) => Some(circle),
            Self::NotAsked | Self::Open => None,
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference to the field")]
    const fn is_not_asked(&self) -> bool {
        matches!(self, Self::NotAsked)
    }
}

impl Serialize for HouseholdCircle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NotAsked | Self::Open => serializer.serialize_none(),
            Self::Is(circle) => serializer.serialize_str(circle.as_str()),
        }
    }
}

/// Facts and parameters give a verdict. Fails only when amounts are too large to compute with.
pub fn evaluate(facts: &Facts, parameters: &Parameters) -> Result<Verdict, Overflow> {
    decide(facts, parameters)?.verdict()
}

fn rounded(amount: Exact) -> Result<Money, Overflow> {
    amount.round_half_up()
}

#[cfg(test)]
mod tests;

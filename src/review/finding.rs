//! What a rule found: why in words, the arithmetic, and where the evidence is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::{EntryRef, Who};
use super::rules::{RuleId, Severity};
use crate::domain::division::DivisionCode;
use crate::domain::problem::Text;

/// The arithmetic of a finding: it was raised because what was observed reached the threshold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Arithmetic {
    /// What was counted.
    pub observed: u64,
    /// From where on a finding is made.
    pub threshold: u64,
    /// What was counted, and how the threshold came about.
    pub basis: Text,
}

/// Something a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// How much it matters.
    pub severity: Severity,
    /// 0 to 100.
    pub score: u64,
    /// About whom; nobody where it is about the log itself.
    pub who: Option<Who>,
    /// Findings of one rule about one actor in one window are one alert.
    pub window: String,
    /// When.
    pub at: Timestamp,
    /// Until when it must be looked at, where the rule says so.
    pub due_at: Option<Timestamp>,
    /// The division it is a matter of; none is for the whole country.
    pub division: Option<DivisionCode>,
    /// Why, in words.
    pub words: Text,
    /// The arithmetic.
    pub arithmetic: Arithmetic,
    /// The evidence, in the order of the log.
    pub entries: Vec<EntryRef>,
}

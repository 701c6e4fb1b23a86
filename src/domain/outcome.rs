//! What came of asking: an answer, or a gap with its reason. Missing is never zero (promise P2).

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::dataset::{DatasetId, DepartmentId};
use super::fact::Fact;
use super::problem::Text;
use super::proof::AnswerProof;

/// Why a department's facts are missing. `no_record` is not here: it is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// No answer before the deadline.
    Timeout,
    /// Refused the connection, broke it, or said it could not.
    Unavailable,
    /// The agreed quota does not allow the question now.
    QuotaExceeded,
    /// The department refuses this question.
    NotAuthorised,
    /// The answer does not fit the schema.
    Malformed,
    /// The answer is about another person, or under another name.
    Mismatch,
    /// No adapter is registered for the department.
    NotConnected,
}

impl GapReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Timeout,
        Self::Unavailable,
        Self::QuotaExceeded,
        Self::NotAuthorised,
        Self::Malformed,
        Self::Mismatch,
        Self::NotConnected,
    ];

    /// Asking again later may help.
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::Timeout | Self::Unavailable | Self::QuotaExceeded | Self::Malformed)
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::QuotaExceeded => "quota_exceeded",
            Self::NotAuthorised => "not_authorised",
            Self::Malformed => "malformed",
            Self::Mismatch => "mismatch",
            Self::NotConnected => "not_connected",
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a caller is told of a department that was not asked: its notice, its hours, or the quota that is used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DepartmentNotice)]
pub struct Told {
    /// `suspended`, `draining`, `maintenance`, `outside_hours`, `quota_per_second`, `quota_per_hour` or `quota_per_day`.
    pub code: &'static str,
    /// The same in words.
    #[serde(flatten)]
    pub text: Text,
    /// Until when, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// Why a department brought nothing, and what callers are told of it besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// The reason of the gap.
    pub reason: GapReason,
    /// What callers are told.
    pub told: Option<Arc<Told>>,
}

impl Missed {
    /// Whether there is no adapter that could have been asked: none was registered, or it was taken off.
    pub fn is_taken_off(&self) -> bool {
        let is_paused = self.told.as_ref().is_some_and(|told| matches!(told.code, "suspended" | "draining"));
        self.reason == GapReason::NotConnected || is_paused
    }
}

impl From<GapReason> for Missed {
    fn from(reason: GapReason) -> Self {
        Self { reason, told: None }
    }
}

/// How fresh an answer is (promise P5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Asked for this verification.
    Live,
    /// From the cache, within the dataset's freshness.
    Cached,
    /// From the cache, past its freshness, because the department did not answer.
    Stale,
}

/// What one department said about one person in one dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The dataset.
    pub dataset: DatasetId,
    /// The day or instant the department's record is of, as the department wrote it.
    pub as_of: Option<String>,
    /// The version of the connector that answered.
    pub adapter_version: Arc<str>,
    /// When the hub received it.
    pub received_at: Timestamp,
    /// The facts; empty for `no_record`.
    pub facts: Arc<[Fact]>,
    /// What proves it, where the department signs; or the hub that answered for it.
    pub proof: Option<Arc<AnswerProof>>,
    /// The hub of another region that answered for its department.
    pub via: Option<Arc<Via>>,
}

/// How an answer came by way of another hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// The hub.
    pub hub: DepartmentId,
    /// How fresh the answer was there.
    pub freshness: Freshness,
}

impl Answer {
    /// How fresh it was when it arrived: what another hub took from its cache is not live here either.
    pub fn freshness_on_arrival(&self) -> Freshness {
        self.via.as_ref().map_or(Freshness::Live, |via| via.freshness)
    }
}

/// A gap: whose facts are missing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The department that did not answer.
    pub department: DepartmentId,
    /// Why.
    pub reason: GapReason,
}

/// One question to a department. It stands in the access log: its fields are in alphabetical order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedOnce {
    /// Second requests, because the first was slow or lost.
    #[serde(default, skip_serializing_if = "is_none")]
    pub again: u32,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<GapReason>,
    /// How many persons it was about; 0 where it was not sent.
    #[serde(default, skip_serializing_if = "is_none")]
    pub people: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_none(count: &u32) -> bool {
    *count == 0
}

//! What came of asking: an answer, or a gap with its reason. Missing is never zero (promise P2).

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::dataset::{DatasetId, DepartmentId};
use super::fact::Fact;

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
}

/// A gap: whose facts are missing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The department that did not answer.
    pub department: DepartmentId,
    /// Why.
    pub reason: GapReason,
}

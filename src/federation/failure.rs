//! What a question that brought nothing says of the department that was asked.

use crate::domain::outcome::GapReason;

/// Why a question brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The reason of the gap.
    pub reason: GapReason,
    /// What it says of the department.
    pub sign: Sign,
}

/// What a failed question says of the department.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Nothing bad: it refused this question, or has a record that is no use.
    Well,
    /// It is asked too much at once, and says so.
    Throttled,
    /// It is asked too much at once, or hangs.
    Overloaded,
    /// No answer came through. The same question may pass at the second try.
    Lost,
    /// It answers, but with nothing that is an answer.
    Broken,
}

impl Failure {
    /// No answer in time.
    pub const TIMEOUT: Self = Self { reason: GapReason::Timeout, sign: Sign::Overloaded };
    /// No connection, or one that broke.
    pub const LOST: Self = Self { reason: GapReason::Unavailable, sign: Sign::Lost };

    /// A gap that says nothing of the department: it was not asked, or not waited for long enough to tell.
    pub(super) const fn untold(reason: GapReason) -> Self {
        Self { reason, sign: Sign::Well }
    }
}

impl Sign {
    /// True when the department works.
    pub(super) const fn is_good(self) -> bool {
        matches!(self, Self::Well | Self::Throttled)
    }

    /// True when it should be asked less at once.
    pub(super) const fn is_too_much(self) -> bool {
        matches!(self, Self::Throttled | Self::Overloaded)
    }
}

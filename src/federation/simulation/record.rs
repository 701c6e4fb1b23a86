//! What was seen in a run: what departments were asked, what inquiries ended with, and the trace of it all.

use std::fmt::Write as _;
use std::time::Duration;

use connectors::protocol::Query;

use crate::federation::ask::DepartmentOutcome;
use crate::federation::plan::Plan;

/// Everything seen.
#[derive(Default)]
pub(super) struct Record {
    /// The trace, a line for everything that happened.
    pub(super) trace: String,
    /// Questions as departments received them.
    pub(super) questions: Vec<Question>,
    /// Inquiries that ended.
    pub(super) ended: Vec<Ended>,
}

/// A question that reached a department.
pub(super) struct Question {
    pub(super) department: usize,
    pub(super) query: Query,
}

/// An inquiry that ended.
pub(super) struct Ended {
    /// Its position in the scenario.
    pub(super) inquiry: usize,
    /// What should have been asked.
    pub(super) plan: Plan,
    /// How long it took.
    pub(super) took: Duration,
    pub(super) outcomes: Vec<DepartmentOutcome>,
}

impl Record {
    /// Adds a line to the trace.
    pub(super) fn tell(&mut self, at: Duration, what: &str) {
        writeln!(self.trace, "{:>6} ms  {what}", at.as_millis()).unwrap();
    }
}

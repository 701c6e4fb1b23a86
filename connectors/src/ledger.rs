//! The department's own record of use: one JSON line a query, on standard error.
//!
//! It says who asked for what, on which authorisation, and what came of it; never about whom. A query
//! that is abandoned half-way has its line as well, because the source may have been read.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

use crate::protocol::{Query, QueryCase};
use crate::synthetic::without_identity_numbers;

/// Where the lines go.
#[derive(Debug, Clone, Default)]
pub enum Ledger {
    /// To standard error, where the service manager keeps them.
    #[default]
    Stderr,
    /// Nowhere: for demonstrations.
    Silent,
    /// Into memory: for tests.
    Kept(Arc<Mutex<Vec<String>>>),
}

/// Longest text of a caller in a line, in characters.
const MAX_TEXT: usize = 100;

impl Ledger {
    fn write(&self, line: String) {
        match self {
            // A department whose log is full still wants its adapter to answer.
            Self::Stderr => drop(writeln!(std::io::stderr().lock(), "{line}")),
            Self::Silent => {}
            Self::Kept(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).push(line),
        }
    }

    /// Begins the line of a query; it is written when the entry is finished or dropped.
    pub(crate) fn begin(&self, adapter: &str, query: Option<&Query>) -> Entry {
        let line = Line {
            at: now(),
            event: "query",
            adapter: adapter.to_owned(),
            request_id: query.map(|query| shown(&query.request_id)),
            purpose: query.map(|query| shown(&query.purpose)),
            authorisation: query.map(|query| shown(&query.authorisation.number)),
            cases: query.map(|query| query.cases().into_iter().map(Case::of).collect()).unwrap_or_default(),
            datasets: query.map(|query| query.datasets.iter().take(64).map(|dataset| shown(dataset)).collect()),
            subjects: query.map(|query| query.subjects.len()),
            status: "abandoned".to_owned(),
            milliseconds: 0,
            failures: Vec::new(),
        };
        Entry { ledger: self.clone(), began: Instant::now(), line }
    }
}

/// The line of a query that is being answered.
pub(crate) struct Entry {
    ledger: Ledger,
    began: Instant,
    line: Line,
}

impl Entry {
    /// Says what came of the query: `answered`, or the code of a problem.
    pub(crate) fn finish(mut self, status: &str, failures: Vec<String>) {
        status.clone_into(&mut self.line.status);
        self.line.failures = failures;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.line.milliseconds = self.began.elapsed().as_millis();
        if let Ok(line) = serde_json::to_string(&self.line) {
            self.ledger.write(line);
        }
    }
}

#[derive(Serialize)]
struct Line {
    at: String,
    event: &'static str,
    adapter: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorisation: Option<String>,
    /// Every household of a query that carries several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cases: Vec<Case>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datasets: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects: Option<usize>,
    status: String,
    milliseconds: u128,
    /// Which datasets failed and why; no values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<String>,
}

#[derive(Serialize)]
struct Case {
    request_id: String,
    authorisation: String,
}

impl Case {
    fn of(case: &QueryCase) -> Self {
        Self { request_id: shown(&case.request_id), authorisation: shown(&case.authorisation.number) }
    }
}

/// A caller's text as it may stand in the ledger: short, and without identity numbers.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(MAX_TEXT).collect();
    without_identity_numbers(&short)
}

#[expect(clippy::disallowed_methods, reason = "the line says when it was written; nothing is decided by it")]
fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

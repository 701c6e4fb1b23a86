//! The department's own record of use: one JSON line a question, on standard error or in a file whose lines are
//! chained.
//!
//! It says who asked for what, on which authorisation, and what came of it; never about whom. With the hub's signed
//! context in it a line proves that the hub asked. A question that is abandoned half-way has its line as well, because
//! the source may have been read.

pub mod chain;
mod file;

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

use crate::clock::Clock;
use crate::context::Context;
use crate::protocol::{Query, QueryCase};
use crate::synthetic::without_identity_numbers;
pub use file::{LedgerFile, MAX_SIZE as MAX_LEDGER_FILE, OpenLedgerError};

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
    /// Into a file, chained, durable before the answer leaves.
    File(LedgerFile),
}

/// Why a line could not be made durable.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the ledger cannot be written: {0}")]
pub(crate) struct LedgerError(pub(crate) String);

/// Longest text of a caller in a line, in characters.
const MAX_TEXT: usize = 100;

impl Ledger {
    fn write(&self, line: String) {
        match self {
            // A department whose log is full still wants its adapter to answer. The chained file is of questions alone.
            Self::Stderr | Self::File(_) => drop(writeln!(std::io::stderr().lock(), "{line}")),
            Self::Silent => {}
            Self::Kept(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).push(line),
        }
    }

    /// Writes that a delivery was taken over, or why it is not.
    pub(crate) fn delivery(&self, adapter: &str, status: &str, files: Vec<String>) {
        let line = DeliveryLine { at: now(), event: "delivery", adapter, status, files };
        if let Ok(line) = serde_json::to_string(&line) {
            self.write(line);
        }
    }

    /// Begins the line of a question; it is written when the entry is finished or dropped.
    pub(crate) fn begin(&self, adapter: &str, query: Option<&Query>) -> Entry {
        let line = Line {
            at: now(),
            event: "query",
            adapter: adapter.to_owned(),
            request_id: query.map(|query| shown(&query.request_id)),
            purpose: query.map(|query| shown(&query.purpose)),
            authorisation: query.map(|query| shown(&query.authorisation.number)),
            cases: query.map(Case::all).unwrap_or_default(),
            organisation: None,
            division: None,
            question: None,
            datasets: query.map(|query| query.datasets.iter().take(64).map(|dataset| shown(dataset)).collect()),
            subjects: query.map(|query| query.subjects.len()),
            status: "abandoned".to_owned(),
            milliseconds: 0,
            failures: Vec::new(),
            answer: None,
            context: None,
        };
        Entry { ledger: self.clone(), began: Instant::now(), line, is_written: false }
    }
}

/// The line of a question that is being answered.
pub(crate) struct Entry {
    ledger: Ledger,
    began: Instant,
    line: Line,
    is_written: bool,
}

impl Entry {
    /// Notes who asked, as the hub signed it.
    pub(crate) fn asked_by(&mut self, context: &Context) {
        self.line.organisation = Some(shown(&context.organisations()));
        self.line.division = context.question.cases.first().map(|case| shown(&case.division));
        self.line.question = Some(shown(&context.question.jti));
        self.line.context = Some(context.text.clone());
        for case in &mut self.line.cases {
            let signed = context.question.cases.iter().find(|signed| shown(&signed.verification) == case.request_id);
            case.organisation = signed.map(|signed| shown(&signed.organisation));
            case.question = signed.and_then(|signed| signed.question.as_deref()).map(shown);
        }
    }

    /// Says what came of the question: `answered`, or the code of a problem; and the digest of what is sent back. Durable
    /// when this returns.
    pub(crate) async fn finish(
        mut self,
        status: &str,
        failures: Vec<String>,
        answer: Option<String>,
    ) -> Result<(), LedgerError> {
        status.clone_into(&mut self.line.status);
        (self.line.failures, self.line.answer) = (failures, answer);
        self.is_written = true;
        self.line.milliseconds = self.began.elapsed().as_millis();
        if let Ledger::File(file) = &self.ledger {
            return file.append(self.line.clone()).await;
        }
        self.write();
        Ok(())
    }

    fn write(&self) {
        if let Ledger::File(file) = &self.ledger {
            file.append_unheard(self.line.clone());
            return;
        }
        if let Ok(line) = serde_json::to_string(&self.line) {
            self.ledger.write(line);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.is_written {
            self.line.milliseconds = self.began.elapsed().as_millis();
            self.write();
        }
    }
}

#[derive(Serialize)]
struct DeliveryLine<'a> {
    at: String,
    event: &'static str,
    adapter: &'a str,
    /// `taken_over`, or the code of what is wrong with it.
    status: &'a str,
    /// Each file with the day its records are of, or what is wrong; no values.
    files: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
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
    organisation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    division: Option<String>,
    /// The question's id; the same when the hub asks a second time.
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datasets: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects: Option<usize>,
    status: String,
    milliseconds: u128,
    /// Which datasets failed and why; no values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<String>,
    /// `Content-Digest` of what was sent back.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    /// The hub's signed context.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
}

/// A household of a query that carries several.
#[derive(Debug, Clone, Serialize)]
struct Case {
    request_id: String,
    authorisation: String,
    /// How many of the persons are of it.
    subjects: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<String>,
    /// What the hub calls its question.
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<String>,
}

impl Case {
    fn all(query: &Query) -> Vec<Self> {
        let of = |case: &QueryCase| Self {
            request_id: shown(&case.request_id),
            authorisation: shown(&case.authorisation.number),
            subjects: query.subjects.iter().filter(|subject| subject.case.as_ref() == Some(case)).count(),
            organisation: None,
            question: None,
        };
        query.cases().into_iter().map(of).collect()
    }
}

/// A caller's text as it may stand in the ledger: short, and without identity numbers.
pub(crate) fn shown(text: &str) -> String {
    let short: String = text.chars().take(MAX_TEXT).collect();
    without_identity_numbers(&short)
}

fn now() -> String {
    format!("{:.3}", Clock::system().now())
}

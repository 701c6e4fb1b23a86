//! How a running adapter does: what came of its questions, how long they took, how fresh its records are, and when its
//! golden tests last ran. Never about whom.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Text;
use crate::golden::GoldenResult;
use crate::protocol::{AdapterVersion, Response};

/// Questions whose duration is kept: the percentiles are of these.
const KEPT: usize = 1_024;

/// What `GET /v1/status` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Who it is.
    pub adapter: AdapterVersion,
    /// SHA-256 of the connector file it runs from.
    pub connector_sha256: String,
    /// Since when it runs.
    pub since: Timestamp,
    /// `ok`, or the code of what keeps its source from answering.
    pub source: String,
    /// Questions that were answered.
    pub answered: u64,
    /// Questions that were refused: not of the form, or too many at once.
    pub refused: u64,
    /// Questions that came to nothing: the source failed, or the caller hung up.
    pub failed: u64,
    /// Half of the last questions were answered within this many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<u64>,
    /// Nineteen of twenty were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<u64>,
    /// The newest day or instant of a record, by dataset.
    pub newest: BTreeMap<String, String>,
    /// The last run of the golden tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub golden: Option<GoldenRun>,
    /// Why the file as it is now was not taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_refused: Option<Text>,
}

/// A run of the golden tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoldenRun {
    /// When.
    pub at: Timestamp,
    /// How many passed.
    pub passed: usize,
    /// How many did not.
    pub failed: usize,
}

/// The figures of a running adapter; they go on when its file is replaced.
#[derive(Debug)]
pub(crate) struct Vitals(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    since: Timestamp,
    answered: u64,
    refused: u64,
    failed: u64,
    recent: VecDeque<u64>,
    newest: BTreeMap<String, String>,
    golden: Option<GoldenRun>,
    file_refused: Option<Text>,
}

impl Vitals {
    pub(crate) const fn new(since: Timestamp) -> Self {
        Self(Mutex::new(Inner {
            since,
            answered: 0,
            refused: 0,
            failed: 0,
            recent: VecDeque::new(),
            newest: BTreeMap::new(),
            golden: None,
            file_refused: None,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A question was answered.
    pub(crate) fn answered(&self, response: &Response, took: Duration) {
        let mut inner = self.lock();
        inner.answered += 1;
        inner.recent.push_back(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        if inner.recent.len() > KEPT {
            inner.recent.pop_front();
        }
        for result in &response.results {
            let Some(as_of) = &result.as_of else { continue };
            if inner.newest.get(&result.dataset).is_none_or(|newest| newest < as_of) {
                inner.newest.insert(result.dataset.clone(), as_of.clone());
            }
        }
    }

    /// A question was not answered, with this HTTP status.
    pub(crate) fn not_answered(&self, status: u16) {
        let mut inner = self.lock();
        if status < 500 {
            inner.refused += 1;
        } else {
            inner.failed += 1;
        }
    }

    /// The golden tests ran.
    pub(crate) fn tested(&self, at: Timestamp, results: &[GoldenResult]) {
        let passed = results.iter().filter(|result| result.passed()).count();
        let run = GoldenRun { at, passed, failed: results.len() - passed };
        self.lock().golden = Some(run).filter(|_| !results.is_empty());
    }

    /// The file was taken over, or it was not, and why.
    pub(crate) fn file(&self, refused: Option<Text>) {
        self.lock().file_refused = refused;
    }

    /// The code of what is wrong although it answers.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        let inner = self.lock();
        let failed = inner.golden.is_some_and(|golden| golden.failed > 0).then_some("golden_test_failed");
        failed.or_else(|| inner.file_refused.as_ref().map(|_| "connector_file_refused"))
    }

    /// The figures as they are now.
    pub(crate) fn status(&self, adapter: AdapterVersion, connector_sha256: String, source: String) -> Status {
        let inner = self.lock();
        let mut sorted: Vec<u64> = inner.recent.iter().copied().collect();
        sorted.sort_unstable();
        // The smallest that as many are not above: of 20 the 10th and the 19th.
        let percentile = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Status {
            adapter,
            connector_sha256,
            since: inner.since,
            source,
            answered: inner.answered,
            refused: inner.refused,
            failed: inner.failed,
            p50_ms: percentile(50),
            p95_ms: percentile(95),
            newest: inner.newest.clone(),
            golden: inner.golden,
            file_refused: inner.file_refused.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(vitals: &Vitals) -> Status {
        vitals.status(AdapterVersion { id: "a".into(), version: "1".into() }, String::new(), "ok".into())
    }

    fn response(dataset: &str, as_of: Option<&str>) -> Response {
        let json = serde_json::json!({"request_id": "r", "adapter": {"id": "a", "version": "1"},
            "results": [{"ref": "m1", "dataset": dataset, "status": "ok", "as_of": as_of, "facts": []}]});
        serde_json::from_str(&json.to_string()).unwrap()
    }

    #[test]
    fn percentiles_are_of_the_last_questions_and_there_are_none_without() {
        let vitals = Vitals::new(Timestamp::UNIX_EPOCH);
        assert_eq!((status(&vitals).p50_ms, status(&vitals).p95_ms), (None, None));
        for milliseconds in (1..=20).rev() {
            vitals.answered(&response("a.b", None), Duration::from_millis(milliseconds));
        }
        assert_eq!((status(&vitals).p50_ms, status(&vitals).p95_ms), (Some(10), Some(19)));
        for _ in 0..KEPT {
            vitals.answered(&response("a.b", None), Duration::from_millis(7));
        }
        assert_eq!((status(&vitals).p95_ms, status(&vitals).answered), (Some(7), 20 + KEPT as u64));
    }

    #[test]
    fn the_newest_day_of_a_dataset_stands() {
        let vitals = Vitals::new(Timestamp::UNIX_EPOCH);
        for as_of in [Some("2024-03-01"), Some("2025-01-09"), None, Some("2024-12-31")] {
            vitals.answered(&response("a.b", as_of), Duration::ZERO);
        }
        vitals.not_answered(429);
        vitals.not_answered(504);
        let seen = status(&vitals);
        assert_eq!(seen.newest.get("a.b").map(String::as_str), Some("2025-01-09"));
        assert_eq!((seen.refused, seen.failed), (1, 1));
    }
}

//! Asking a service about everybody of a question: a few persons in a call, a few calls at a time.
//!
//! One person whose answer is no use costs nobody else theirs; a service that refuses, is away or has no quota
//! left is not asked on.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::trouble::{Finding, Rung, Trouble, Whereabouts};
use super::{Found, Question, SourceError};
use crate::connector::WebInfo;
use crate::native::{Native, Rows};

/// The persons one call asks about.
#[derive(Clone, Copy)]
pub(super) struct Group<'a> {
    /// Their identity numbers.
    pub(super) id_numbers: &'a [&'a str],
    /// Their names, in the same order.
    pub(super) names: &'a [&'a str],
}

/// What one question may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// How many calls are under way at once.
    parallel: usize,
    /// How long all of them may take.
    patience: Duration,
    /// How many rows they may give; more is an error.
    pub(super) max_rows: usize,
}

impl Bounds {
    /// The bounds that a connector sets.
    pub(super) const fn of(web: &WebInfo, max_rows: usize) -> Self {
        Self { parallel: web.max_connections as usize, patience: web.question_timeout, max_rows }
    }

    /// Asks about everybody of a question, `size` persons in a call of `ask`; the rows are in the order of the
    /// question, whichever answer came first.
    pub(super) async fn gather<'a, F>(
        self,
        question: &'a Question<'a>,
        size: usize,
        columns: Vec<String>,
        place: &Whereabouts,
        ask: impl Fn(Group<'a>) -> F,
    ) -> Result<Found, SourceError>
    where
        F: Future<Output = Result<Vec<Vec<Native>>, SourceError>>,
    {
        tokio::time::timeout(self.patience, self.gathered(question, size, columns, ask)).await.unwrap_or_else(|_| {
            Err(SourceError::TimedOut(Box::new(Trouble::found(Finding::Late, "question_timeout", place))))
        })
    }

    async fn gathered<'a, F>(
        self,
        question: &'a Question<'a>,
        size: usize,
        columns: Vec<String>,
        ask: impl Fn(Group<'a>) -> F,
    ) -> Result<Found, SourceError>
    where
        F: Future<Output = Result<Vec<Vec<Native>>, SourceError>>,
    {
        let mut found = Found { rows: Rows { columns, ..Rows::default() }, unanswered: Vec::new() };
        let mut rows: BTreeMap<usize, Vec<Vec<Native>>> = BTreeMap::new();
        let chunks = question.id_numbers.chunks(size).zip(question.names.chunks(size));
        let mut waiting = chunks.map(|(id_numbers, names)| Group { id_numbers, names }).enumerate();
        let (mut running, mut count) = (FuturesUnordered::new(), 0);
        let placed = async |place, group: Group<'a>| (place, group, ask(group).await);
        loop {
            while running.len() < self.parallel
                && let Some((place, group)) = waiting.next()
            {
                running.push(placed(place, group));
            }
            let Some((place, group, answer)) = running.next().await else { break };
            match answer {
                Ok(some) => {
                    count += some.len();
                    if count > self.max_rows {
                        return Err(SourceError::TooManyRows(self.max_rows));
                    }
                    rows.insert(place, some);
                }
                Err(error) if is_of_these_persons(&error, rows.is_empty()) => {
                    found.unanswered.extend(group.id_numbers.iter().map(|id| ((*id).to_owned(), error.clone())));
                }
                Err(error) => return Err(error),
            }
        }
        match found.unanswered.first() {
            Some((_, error)) if rows.is_empty() => Err(error.clone()),
            _ => {
                found.rows.rows = rows.into_values().flatten().collect();
                Ok(found)
            }
        }
    }
}

/// Whether an error is about the persons of one call only: an answer that is no use, or one that came too late
/// from a service that answers others.
fn is_of_these_persons(error: &SourceError, nobody_answered: bool) -> bool {
    match error {
        SourceError::Answer(_) => true,
        SourceError::TimedOut(_) => !nobody_answered,
        _ => false,
    }
}

/// The error behind a refusal of a service: its quota, its being away, or an answer that is no use.
pub(super) fn of_refusal(trouble: Trouble, retry_after: Option<u64>) -> SourceError {
    let trouble = Box::new(trouble);
    match trouble.code {
        "service_quota_used_up" | "service_calls_used_up" => SourceError::QuotaExceeded { trouble, retry_after },
        "service_busy"
        | "service_in_maintenance"
        | "service_unavailable"
        | "service_gateway_failed"
        | "service_gateway_late" => SourceError::Unavailable(trouble),
        _ => match trouble.rung {
            Rung::Login | Rung::Permission => SourceError::Unavailable(trouble),
            Rung::Prepare => SourceError::Statement(trouble),
            _ => SourceError::Answer(trouble),
        },
    }
}

//! Asking a service about everybody of a question: a few persons in a call, a few calls at a time.
//!
//! One person whose answer is no use costs nobody else theirs; a service that refuses, is away or has no quota
//! left is not asked on. A call that the service takes for badly made is made again about one person at a time:
//! it may be the number or name of one of them that the service does not take.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::trouble::{Finding, Rung, Trouble, Whereabouts};
use super::{Found, Question, SourceError};
use crate::connector::WebInfo;
use crate::native::{Native, Rows};

/// So many persons are refused one by one, with nobody answered, before it is the call that is taken for badly made.
const REFUSED_IN_A_ROW: usize = 5;

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
        let mut waiting = VecDeque::new();
        waiting.extend(groups(0, &question.id_numbers, &question.names, size));
        let (mut running, mut count, mut refused) = (FuturesUnordered::new(), 0, 0);
        let placed = async |place, group: Group<'a>| (place, group, ask(group).await);
        loop {
            while running.len() < self.parallel
                && let Some((place, group)) = waiting.pop_front()
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
                Err(error) if is_badly_made(&error) && group.id_numbers.len() > 1 => {
                    waiting.extend(groups(place, group.id_numbers, group.names, 1));
                }
                Err(error) if is_badly_made(&error) => {
                    refused += 1;
                    if rows.is_empty() && refused >= REFUSED_IN_A_ROW {
                        return Err(error);
                    }
                    found.unanswered.extend(group.id_numbers.iter().map(|id| ((*id).to_owned(), error.clone())));
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

/// The groups of a list, each with the place of its first person in the question.
fn groups<'a>(
    first: usize,
    id_numbers: &'a [&'a str],
    names: &'a [&'a str],
    size: usize,
) -> impl Iterator<Item = (usize, Group<'a>)> {
    let chunks = id_numbers.chunks(size).zip(names.chunks(size));
    chunks.enumerate().map(move |(place, (id_numbers, names))| (first + place * size, Group { id_numbers, names }))
}

/// Whether the service took the call for badly made (HTTP 400, 422), which a value of one person may be the reason of.
fn is_badly_made(error: &SourceError) -> bool {
    matches!(error, SourceError::Statement(trouble)
        if matches!(trouble.code, "service_request_refused" | "service_request_unusable"))
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

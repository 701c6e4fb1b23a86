//! From a query to its results: check it, ask the source for all datasets side by side, map the rows.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde_json::value::RawValue;

use crate::connector::{Connector, Dataset};
use crate::error::Text;
use crate::mapping::{Mapped, Outcome, Person};
use crate::problem;
use crate::protocol::{AdapterProblem, MAX_SUBJECTS, Query, QueryResult, QuerySubject, Response, ResultStatus};
use crate::rehearsal::Rehearsal;
use crate::source::{Found, Question, Source, SourceError};
use crate::synthetic;

/// Longest text of a query, in characters: twice what the hub lets a caller say.
const MAX_TEXT: usize = 200;

/// A response, and why some of its results are `error`.
#[derive(Debug)]
pub(crate) struct Answered {
    /// What the caller gets.
    pub(crate) response: Response,
    /// One sentence a failure, without values: for the ledger, for trials and for tests.
    pub(crate) failures: Vec<Text>,
}

/// Refuses a query that is not of the right form. What it says never repeats what was sent.
pub(crate) fn check(connector: &Connector, query: &Query) -> Result<(), AdapterProblem> {
    let bad = |zh: &str, en: &str| Err(problem::bad_query(Text::new(zh, en)));
    if query.subjects.len() > MAX_SUBJECTS {
        return Err(problem::too_many_subjects());
    }
    if query.subjects.is_empty() || query.datasets.is_empty() {
        return bad("至少要有一个人和一个数据集", "a query has at least one subject and one dataset");
    }
    if query.datasets.iter().any(|dataset| connector.dataset(dataset).is_none()) {
        return Err(problem::unknown_dataset());
    }
    let asked: BTreeSet<_> = query.datasets.iter().collect();
    if asked.len() != query.datasets.len() {
        return bad("数据集重复", "a dataset is asked for twice");
    }
    if query.period.from > query.period.to {
        return bad("期间的起日晚于止日", "the period begins after it ends");
    }
    let is_short = |text: &str| text.chars().count() <= MAX_TEXT;
    let named = |text: &str| !text.trim().is_empty() && is_short(text);
    if ![&query.request_id, &query.purpose, &query.authorisation.number].into_iter().all(|text| named(text)) {
        return bad(
            "request_id、purpose 或授权书编号缺失或过长",
            "request_id, purpose or authorisation.number is empty or too long",
        );
    }
    let cases = query.cases();
    if !cases.iter().all(|case| named(&case.request_id) && named(&case.authorisation.number)) {
        return bad(
            "人员的 request_id 或授权书编号缺失或过长",
            "a subject's case has a request_id or authorisation.number that is empty or too long",
        );
    }
    // Either all are of one household, or each says of which: nobody is asked about on another's authorisation.
    if !cases.is_empty() && query.subjects.iter().any(|subject| subject.case.is_none()) {
        return bad("有的人员带有 case 而有的没有", "some subjects have a case and others have none");
    }
    let mut references = BTreeSet::new();
    for subject in &query.subjects {
        if !named(&subject.reference) || !references.insert(&subject.reference) {
            return bad("人员的 ref 缺失、过长或重复", "a subject's ref is empty, too long or there twice");
        }
        if !synthetic::is_canonical(&subject.id_number) {
            return bad(
                "身份号码须为 17 位数字加一位数字或大写 X",
                "an identity number is 17 digits and a digit or capital X",
            );
        }
        if !is_short(&subject.name) {
            return bad("姓名过长", "a subject's name is too long");
        }
        if subject.datasets.as_ref().is_some_and(|datasets| !datasets.iter().all(|dataset| asked.contains(dataset))) {
            return bad("人员的数据集不在本次查询内", "a subject asks for a dataset that the query does not");
        }
    }
    Ok(())
}

/// Answers a query that has been checked.
pub(crate) async fn answer(
    connector: &Connector,
    source: &Source,
    rehearsal: &Rehearsal,
    query: &Query,
) -> Result<Answered, AdapterProblem> {
    let datasets = query.datasets.iter().filter_map(|id| connector.dataset(id));
    let parts = join_all(datasets.map(|dataset| ask_dataset(source, rehearsal, dataset, query))).await;
    let request_id = query.request_id.clone();
    let response = Response { request_id, adapter: connector.version(), results: Vec::new() };
    let mut answered = Answered { response, failures: Vec::new() };
    let (mut asked, mut unanswered) = (0_usize, Vec::new());
    for part in parts {
        asked += usize::from(part.asked);
        unanswered.extend(part.source_error);
        answered.response.results.extend(part.results);
        answered.failures.extend(part.failures);
    }
    // A source that answers nothing at all is down, and the caller may try again; one that answers in
    // part has answered, and its `error` results are what they are. Too many rows is an answer too: the
    // same question would give the same.
    let down = unanswered.iter().find(|error| !matches!(error, SourceError::TooManyRows(_) | SourceError::Answer(_)));
    match down {
        Some(error) if unanswered.len() == asked => Err(problem::of_source(error)),
        _ => Ok(answered),
    }
}

/// What came of one dataset.
struct Part {
    results: Vec<QueryResult>,
    failures: Vec<Text>,
    asked: bool,
    source_error: Option<SourceError>,
}

async fn ask_dataset(source: &Source, rehearsal: &Rehearsal, dataset: &Dataset, query: &Query) -> Part {
    let wanted =
        |subject: &&QuerySubject| subject.datasets.as_ref().is_none_or(|datasets| datasets.contains(&dataset.id));
    let (hidden, subjects): (Vec<_>, Vec<_>) =
        query.subjects.iter().filter(wanted).partition(|subject| rehearsal.hides(&subject.id_number));
    let results = hidden.iter().map(|subject| result(subject, dataset, ResultStatus::NoRecord)).collect();
    let mut part = Part { results, failures: Vec::new(), asked: !subjects.is_empty(), source_error: None };
    if subjects.is_empty() {
        return part;
    }
    let asked: BTreeMap<&str, &str> =
        subjects.iter().map(|subject| (subject.id_number.as_str(), subject.name.as_str())).collect();
    let (id_numbers, names) = asked.into_iter().unzip();
    let question = Question { id_numbers, names, period: query.period };
    let Found { rows, unanswered } = match source.fetch(&dataset.id, &question).await {
        Ok(found) => found,
        Err(error) => {
            part.failures.push(Text::same(error.code()).about(&dataset.id));
            part.results.extend(subjects.iter().map(|subject| result(subject, dataset, ResultStatus::Error)));
            part.source_error = Some(error);
            return part;
        }
    };
    // One person whose answer is no use costs nobody else theirs.
    part.failures.extend(unanswered.iter().map(|(_, error)| error.text().about(&dataset.id)));
    let is_answered = |subject: &&QuerySubject| !unanswered.iter().any(|(number, _)| *number == subject.id_number);
    let (subjects, failed): (Vec<_>, Vec<_>) = subjects.into_iter().partition(is_answered);
    part.results.extend(failed.into_iter().map(|subject| result(subject, dataset, ResultStatus::Error)));
    let persons: Vec<_> =
        subjects.iter().map(|subject| Person { id_number: &subject.id_number, name: &subject.name }).collect();
    match dataset.mapping.map(&rows, &persons, query.period) {
        Err(error) => {
            part.failures.push(error.text().about(&dataset.id));
            part.results.extend(subjects.iter().map(|subject| result(subject, dataset, ResultStatus::Error)));
        }
        Ok(all) => {
            for (subject, mapped) in subjects.into_iter().zip(all) {
                part.push(subject, dataset, mapped, rows.as_of.as_ref());
            }
        }
    }
    part
}

impl Answered {
    /// The failures as the ledger has them.
    pub(crate) fn for_ledger(&self) -> Vec<String> {
        self.failures.iter().map(|failure| failure.en.clone()).collect()
    }
}

impl Part {
    /// `as_of` is the day all rows of the source are of, where it says one; a record may say its own.
    fn push(&mut self, subject: &QuerySubject, dataset: &Dataset, mapped: Mapped, as_of: Option<&String>) {
        let mut result = match mapped.outcome {
            Outcome::NoRecord => result(subject, dataset, ResultStatus::NoRecord),
            Outcome::NameMismatch => result(subject, dataset, ResultStatus::NameMismatch),
            Outcome::Error(error) => {
                self.failures.push(error.text().about(&dataset.id));
                result(subject, dataset, ResultStatus::Error)
            }
            Outcome::Facts { json, as_of } => {
                let facts = RawValue::from_string(json).expect("the mapping writes JSON");
                QueryResult { as_of, facts, ..result(subject, dataset, ResultStatus::Ok) }
            }
        };
        if matches!(result.status, ResultStatus::Ok | ResultStatus::NoRecord) {
            result.as_of = result.as_of.or_else(|| as_of.cloned());
        }
        // From the row, not from the question: the hub compares the two.
        result.id_number = mapped.filed_under;
        self.results.push(result);
    }
}

fn result(subject: &QuerySubject, dataset: &Dataset, status: ResultStatus) -> QueryResult {
    QueryResult {
        reference: subject.reference.clone(),
        id_number: None,
        dataset: dataset.id.clone(),
        status,
        as_of: None,
        facts: RawValue::from_string("[]".to_owned()).expect("an empty array is JSON"),
        reason: None,
        provider: None,
    }
}

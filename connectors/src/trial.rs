//! `try`: one question to one dataset, and beside each native value what became of it.
//!
//! The source is asked once; the rows then go the way of every answer. What is shown has no whole identity
//! number and no whole name: it is read over shoulders and copied into messages.

use std::time::Instant;

use serde::Serialize;

use crate::adapter::{Adapter, Overrides};
use crate::answer::{self, Answered};
use crate::error::Text;
use crate::ledger::Ledger;
use crate::mapping::{From, Mapping, Outcome, Part, Person};
use crate::native::{Native, Rows};
use crate::problem;
use crate::protocol::{AdapterProblem, Query, QueryPeriod};
use crate::source::{Question, Source, SourceError};
use crate::synthetic;

/// What came of a trial.
#[derive(Debug)]
pub(crate) struct Trial {
    /// The answer, as a caller gets it.
    pub(crate) answered: Answered,
    /// Each row beside what became of it.
    pub(crate) rows: Vec<RowShown>,
    /// Whether names were compared.
    pub(crate) name: NameCheck,
    /// How long the source took.
    pub(crate) milliseconds: u128,
    /// The rows as they came, for a golden test.
    pub(crate) native: Rows,
}

/// Whether the name of the record was compared with one that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NameCheck {
    /// It was.
    Compared,
    /// The mapping compares names and none was given, so that there was nothing to compare.
    NotGiven,
    /// The mapping compares no names.
    NotAsked,
}

/// A row, shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RowShown {
    /// Its columns.
    pub(crate) columns: Vec<ColumnShown>,
    /// What became of the row: `ok`, `name_mismatch`, `skipped` or `error`.
    pub(crate) outcome: &'static str,
    /// The same for people, with why it did not become a fact.
    pub(crate) says: Text,
}

/// A column of a row, shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ColumnShown {
    /// Its name.
    pub(crate) column: String,
    /// Its value, masked where it is about who somebody is.
    pub(crate) value: String,
    /// The targets that are read from it, with the values they have.
    pub(crate) becomes: Vec<String>,
}

/// Why nothing was shown.
#[derive(Debug)]
pub(crate) enum Untried {
    /// The question is wrong.
    Refused(AdapterProblem),
    /// The source did not answer, with what is behind it: whoever tries stands beside it.
    Unanswered(SourceError),
}

impl std::convert::From<AdapterProblem> for Untried {
    fn from(problem: AdapterProblem) -> Self {
        Self::Refused(problem)
    }
}

/// Asks for the one dataset of `query` about its one person.
pub(crate) async fn run(adapter: &Adapter, query: &Query) -> Result<Trial, Untried> {
    let entry = adapter.ledger().begin(&adapter.connector().adapter.id, Some(query));
    let tried = ask(adapter, query).await;
    let (status, failures) = match &tried {
        Ok(trial) => ("answered", trial.answered.for_ledger()),
        Err(Untried::Refused(problem)) => (problem.code.as_str(), Vec::new()),
        Err(Untried::Unanswered(error)) => (error.code(), Vec::new()),
    };
    entry.finish(status, failures, None).await.map_err(|error| problem::ledger_unwritable(&error))?;
    tried
}

async fn ask(adapter: &Adapter, query: &Query) -> Result<Trial, Untried> {
    answer::check(adapter.connector(), query)?;
    let dataset = query.datasets.first().and_then(|id| adapter.connector().dataset(id));
    let dataset = dataset.ok_or_else(problem::unknown_dataset)?;
    let question = Question {
        id_numbers: query.subjects.iter().map(|subject| subject.id_number.as_str()).collect(),
        names: query.subjects.iter().map(|subject| subject.name.as_str()).collect(),
        period: query.period,
    };
    let began = Instant::now();
    let found = adapter.source().fetch(&dataset.id, &question).await.map_err(Untried::Unanswered)?;
    if let Some((_, error)) = found.unanswered.into_iter().next() {
        return Err(Untried::Unanswered(error));
    }
    let native = found.rows;
    let milliseconds = began.elapsed().as_millis();
    let mut connector = adapter.connector().clone();
    let name = match &dataset.mapping.name {
        None => NameCheck::NotAsked,
        Some(_) if query.subjects.iter().any(|subject| !subject.name.trim().is_empty()) => NameCheck::Compared,
        Some(_) => NameCheck::NotGiven,
    };
    let compared = Mapping {
        name: dataset.mapping.name.clone().filter(|_| name == NameCheck::Compared),
        ..dataset.mapping.clone()
    };
    for other in connector.datasets.iter_mut().filter(|other| other.id == dataset.id) {
        other.mapping = compared.clone();
    }
    let recorded = Adapter::with(
        connector,
        Source::Recorded(native.clone()),
        Overrides { ledger: Ledger::Silent, ..Overrides::default() },
    );
    let answered = recorded.answered(query).await?;
    let persons: Vec<_> =
        query.subjects.iter().map(|subject| Person { id_number: &subject.id_number, name: &subject.name }).collect();
    let mappings = (&dataset.mapping, &compared);
    let rows = native.rows.iter().map(|row| shown(mappings, &native.columns, row, &persons, query.period));
    let rows = rows.collect();
    Ok(Trial { answered, rows, name, milliseconds, native })
}

/// A row as `mapping` reads it, and what `compared`, which is the same but for the name, makes of it.
fn shown(
    (mapping, compared): (&Mapping, &Mapping),
    columns: &[String],
    row: &[Native],
    persons: &[Person<'_>],
    period: QueryPeriod,
) -> RowShown {
    let nothing = |outcome, says| (outcome, says, serde_json::Value::Null);
    let alone = Rows { columns: columns.to_vec(), rows: vec![row.to_vec()], as_of: None };
    let (outcome, says, fact) = match compared.map(&alone, persons, period) {
        Err(error) => nothing("error", error.text()),
        Ok(mapped) => mapped
            .into_iter()
            .find_map(|mapped| match mapped.outcome {
                Outcome::NoRecord => None,
                Outcome::NameMismatch => Some(nothing(
                    "name_mismatch",
                    Text::new(
                        "姓名与 --name 不同，不作为事实交出：核对 --name，或核对库里的姓名",
                        "the name differs from --name, so it becomes no fact: check --name, or the name of the record",
                    ),
                )),
                Outcome::Error(error) => Some(nothing("error", error.text())),
                Outcome::Facts { json, .. } => {
                    let facts: serde_json::Value = serde_json::from_str(&json).expect("the mapping writes JSON");
                    Some(("ok", Text::new("成为事实", "becomes a fact"), facts.get(0).cloned()?))
                }
            })
            .unwrap_or_else(|| {
                nothing("skipped", Text::new("按 skip 或 within 略过", "left out by `skip` or `within`"))
            }),
    };
    let columns = columns
        .iter()
        .zip(row)
        .map(|(column, value)| ColumnShown {
            column: column.clone(),
            value: visible(mapping, column, value),
            becomes: becomes(mapping, column, &fact),
        })
        .collect();
    RowShown { columns, outcome, says }
}

/// What is read from a column, and what it became.
fn becomes(mapping: &Mapping, column: &str, fact: &serde_json::Value) -> Vec<String> {
    let is = |name: &str| name.eq_ignore_ascii_case(column);
    let value = |target: &str| match fact.get(target) {
        Some(serde_json::Value::String(text)) => format!("{target} = {text}"),
        Some(other) => format!("{target} = {other}"),
        None => target.to_owned(),
    };
    let mut read = Vec::new();
    if is(&mapping.subject) {
        read.push("subject".to_owned());
    }
    if mapping.name.as_deref().is_some_and(is) {
        read.push("name".to_owned());
    }
    if mapping.as_of.as_ref().is_some_and(|(name, _)| is(name)) {
        read.push("as_of".to_owned());
    }
    for field in &mapping.fields {
        if matches!(&field.from, From::Column { column, .. } if is(column)) {
            read.push(value(&field.target));
        }
    }
    for template in &mapping.templates {
        if template.parts.iter().any(|part| matches!(part, Part::Column(column) if is(column))) {
            read.push(value(&template.target));
        }
    }
    read
}

/// A value as it may be shown: of an identity number six and four characters, of a name the first.
fn visible(mapping: &Mapping, column: &str, value: &Native) -> String {
    let text = match value {
        Native::Null => return "NULL".to_owned(),
        Native::Real => return "(float)".to_owned(),
        Native::Bytes => return "(bytes)".to_owned(),
        Native::Integer(number) => number.to_string(),
        Native::Text(text) => text.clone(),
    };
    if mapping.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(column)) {
        let mut characters = text.trim().chars();
        let first = characters.next().map(String::from).unwrap_or_default();
        return characters.fold(first, |shown, _| shown + "*");
    }
    let trimmed = text.trim();
    if mapping.subject.eq_ignore_ascii_case(column) || synthetic::is_canonical(&trimmed.to_ascii_uppercase()) {
        return masked(trimmed);
    }
    synthetic::without_identity_numbers(&text)
}

fn masked(number: &str) -> String {
    let count = number.chars().count();
    let hidden = |place: usize| place >= 6 && place + 4 < count || count < 11;
    number.chars().enumerate().map(|(place, character)| if hidden(place) { '*' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_number_is_masked_in_the_middle_and_a_short_one_whole() {
        assert_eq!(masked("150000198605021015"), "150000********1015");
        assert_eq!(masked("12345"), "*****");
        assert_eq!(masked("阿"), "*");
    }
}

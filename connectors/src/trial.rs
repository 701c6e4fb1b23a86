//! `try`: one question to one dataset, and beside each native value what became of it.
//!
//! The source is asked once; the rows then go the way of every answer. What is shown has no whole identity
//! number and no whole name: it is read over shoulders and copied into messages.

use std::time::Instant;

use serde::Serialize;

use crate::adapter::{Adapter, Overrides};
use crate::answer::{self, Answered};
use crate::connector::Dataset;
use crate::ledger::Ledger;
use crate::mapping::{From, Mapping, Outcome, Part, Person};
use crate::native::{Native, Rows};
use crate::protocol::{AdapterProblem, Query};
use crate::source::{Question, Source};
use crate::synthetic;
use crate::{problem, rehearsal};

/// What came of a trial.
#[derive(Debug)]
pub(crate) struct Trial {
    /// The answer, as a caller gets it.
    pub(crate) answered: Answered,
    /// Each row beside what became of it.
    pub(crate) rows: Vec<RowShown>,
    /// How long the source took.
    pub(crate) milliseconds: u128,
    /// The rows as they came, for a golden test.
    pub(crate) native: Rows,
}

/// A row, shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RowShown {
    /// Its columns.
    pub(crate) columns: Vec<ColumnShown>,
    /// What became of the row: `ok`, or why it did not become a fact.
    pub(crate) outcome: String,
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

/// Asks for the one dataset of `query` about its one person.
pub(crate) async fn run(adapter: &Adapter, query: &Query) -> Result<Trial, AdapterProblem> {
    let entry = adapter.ledger().begin(&adapter.connector().adapter.id, Some(query));
    let tried = ask(adapter, query).await;
    match &tried {
        Ok(trial) => entry.finish("answered", trial.answered.failures.clone()),
        Err(problem) => entry.finish(&problem.code, Vec::new()),
    }
    tried
}

async fn ask(adapter: &Adapter, query: &Query) -> Result<Trial, AdapterProblem> {
    answer::check(adapter.connector(), query)?;
    let dataset = query.datasets.first().and_then(|id| adapter.connector().dataset(id));
    let dataset = dataset.ok_or_else(problem::unknown_dataset)?;
    let id_numbers = query.subjects.iter().map(|subject| subject.id_number.as_str()).collect();
    let began = Instant::now();
    let native = adapter.source().fetch(&dataset.id, &Question { id_numbers, period: query.period }).await;
    let native = native.map_err(|error| problem::of_source(&error))?;
    let milliseconds = began.elapsed().as_millis();
    let recorded = Adapter::with(
        adapter.connector().clone(),
        Source::Recorded(native.clone()),
        Overrides { ledger: Ledger::Silent, rehearsal: rehearsal::Rehearsal::default(), source_url: None },
    );
    let answered = recorded.answered(query).await?;
    let persons: Vec<_> =
        query.subjects.iter().map(|subject| Person { id_number: &subject.id_number, name: &subject.name }).collect();
    let rows = native.rows.iter().map(|row| shown(dataset, &native.columns, row, &persons)).collect();
    Ok(Trial { answered, rows, milliseconds, native })
}

fn shown(dataset: &Dataset, columns: &[String], row: &[Native], persons: &[Person<'_>]) -> RowShown {
    let mapping = &dataset.mapping;
    let alone = Rows { columns: columns.to_vec(), rows: vec![row.to_vec()] };
    let (outcome, fact) = match mapping.map(&alone, persons) {
        Err(error) => (error.to_string(), serde_json::Value::Null),
        Ok(mapped) => mapped
            .into_iter()
            .find_map(|mapped| match mapped.outcome {
                Outcome::NoRecord => None,
                Outcome::NameMismatch => Some(("name_mismatch".to_owned(), serde_json::Value::Null)),
                Outcome::Error(error) => Some((error.to_string(), serde_json::Value::Null)),
                Outcome::Facts { json, .. } => {
                    let facts: serde_json::Value = serde_json::from_str(&json).expect("the mapping writes JSON");
                    Some(("ok".to_owned(), facts.get(0).cloned().unwrap_or_default()))
                }
            })
            .unwrap_or_else(|| ("skipped".to_owned(), serde_json::Value::Null)),
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
    RowShown { columns, outcome }
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

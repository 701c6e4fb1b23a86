//! Golden tests: what a connector must answer to known questions on known records.

use std::path::PathBuf;

use jiff::civil::Date;

use crate::protocol::ResultStatus;

/// A golden test of a connector file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldenTest {
    /// What it shows.
    pub name: String,
    /// The records, as SQL, relative to the connector file; `schema.sql` beside it is loaded first.
    pub fixture: PathBuf,
    /// The question.
    pub given: Given,
    /// The answer, one entry a person.
    pub expect: Vec<Expected>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The dataset.
    pub dataset: String,
    /// Identity numbers with names. Synthetic people only.
    pub persons: Vec<(String, String)>,
    /// First day of the period.
    pub from: Date,
    /// Last day of the period.
    pub to: Date,
}

/// What must come of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The person.
    pub id_number: String,
    /// The status.
    pub status: ResultStatus,
    /// The day or instant of the record, where the test says one.
    pub as_of: Option<String>,
    /// The facts, in any order.
    pub facts: Vec<serde_json::Value>,
}

//! The adapter protocol between hub and department (`design.md` section 5), as both sides write it.
//!
//! `POST /v1/facts:query`, `GET /v1/manifest`, `GET /v1/health`. Facts are JSON documents of a fact
//! type (`schemas/facts/`); this package does not know their meaning, the hub checks them at its door.
//! A question carries the hub's signed context ([`crate::context`]) and the digest of its body; an answer carries the
//! digest of its own and a signature over both ([`crate::signature`]).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::Text;

/// Largest number of subjects in one query.
pub const MAX_SUBJECTS: usize = 500;

/// A question about up to [`MAX_SUBJECTS`] persons.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The hub's id of this call.
    pub request_id: String,
    /// What the question is for.
    pub purpose: String,
    /// The household's authorisation.
    pub authorisation: QueryAuthorisation,
    /// The window for facts that have a date; whole months, both days included.
    pub period: QueryPeriod,
    /// The datasets asked for.
    pub datasets: Vec<String>,
    /// The persons asked about.
    pub subjects: Vec<QuerySubject>,
    /// How long the asker still waits, milliseconds: said to a hub that asks departments of its own in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u64>,
}

/// The authorisation a query rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryAuthorisation {
    /// Its number.
    pub number: String,
    /// Its last day, `YYYY-MM-DD`.
    pub valid_until: String,
}

/// First and last day of the window, `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryPeriod {
    /// First day.
    pub from: jiff::civil::Date,
    /// Last day.
    pub to: jiff::civil::Date,
}

impl QueryPeriod {
    /// True for a day of the period.
    pub fn contains(self, day: jiff::civil::Date) -> bool {
        (self.from..=self.to).contains(&day)
    }
}

/// A person asked about.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuerySubject {
    /// How the answer names the person.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Identity number (GB 11643), canonical.
    pub id_number: String,
    /// Name as the household gave it.
    pub name: String,
    /// When present, only these of the query's datasets are asked about this person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasets: Option<Vec<String>>,
    /// The division whose departments hold the person's records (GB/T 2260): said to a hub, which answers for its own
    /// divisions only. A department is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub division: Option<String>,
    /// What the question about this person rests on, where one query carries several households; that of the query
    /// otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<QueryCase>,
}

/// What a question about one person rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryCase {
    /// The hub's id of the verification.
    pub request_id: String,
    /// The household's authorisation.
    pub authorisation: QueryAuthorisation,
}

impl Query {
    /// The cases of a query of several households, each once; none where all are of one.
    pub fn cases(&self) -> Vec<&QueryCase> {
        let mut cases: Vec<&QueryCase> = Vec::new();
        for case in self.subjects.iter().filter_map(|subject| subject.case.as_ref()) {
            if cases.last() != Some(&case) && !cases.contains(&case) {
                cases.push(case);
            }
        }
        cases
    }

    /// A question of the department's own, as in a trial: `reason` stands for request, purpose and authorisation.
    /// Persons are numbers with names; they are `m1`, `m2`, … in the answer.
    pub(crate) fn of_own<'a>(
        reason: &str,
        datasets: &[&str],
        persons: impl IntoIterator<Item = (&'a str, &'a str)>,
        period: QueryPeriod,
    ) -> Self {
        let subject = |(index, (id_number, name)): (usize, (&str, &str))| QuerySubject {
            reference: format!("m{}", index + 1),
            id_number: id_number.to_owned(),
            name: name.to_owned(),
            datasets: None,
            division: None,
            case: None,
        };
        Self {
            request_id: reason.to_owned(),
            purpose: reason.to_owned(),
            authorisation: QueryAuthorisation { number: reason.to_owned(), valid_until: period.to.to_string() },
            period,
            datasets: datasets.iter().map(|dataset| (*dataset).to_owned()).collect(),
            subjects: persons.into_iter().enumerate().map(subject).collect(),
            within_ms: None,
        }
    }
}

impl fmt::Debug for QuerySubject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "QuerySubject({}, hidden)", self.reference)
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Query({}, {:?}, {:?})", self.request_id, self.datasets, self.subjects)
    }
}

/// What an adapter answers. One result for each subject and dataset asked, in any order.
#[derive(Debug, Serialize, Deserialize)]
pub struct Response {
    /// The `request_id` of the query that this answers. "No record" names nobody, so that without it the answer to another
    /// query of the same form could not be told from the right one: the hub refuses an answer to another query, or to none.
    pub request_id: String,
    /// Who answers.
    pub adapter: AdapterVersion,
    /// The results.
    pub results: Vec<QueryResult>,
}

/// Which adapter answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterVersion {
    /// The department's id.
    pub id: String,
    /// Version of its connector.
    pub version: String,
}

/// What came of one subject and dataset.
#[derive(Debug, Serialize, Deserialize)]
pub struct QueryResult {
    /// The subject's `ref`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The identity number the record is filed under: the hub compares it with the one it asked about,
    /// so that an answer can never be about another person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
    /// The dataset.
    pub dataset: String,
    /// What came of it.
    pub status: ResultStatus,
    /// The day or instant the record is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// The facts, an array of documents of the dataset's fact type; `[]` unless `ok`.
    pub facts: Box<RawValue>,
    /// Why a hub got no answer from its department, where `status` is `error`: the reason of the gap, as hubs name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whose record it is, where a hub answers for its departments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
}

/// The department behind a hub that answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The department's adapter.
    pub adapter: AdapterVersion,
    /// When that hub received its answer: where it is a kept one, its age counts from here.
    pub received_at: jiff::Timestamp,
    /// `live`, `cached` or `stale`, as hubs name it.
    pub freshness: String,
}

/// What came of one subject and dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultStatus {
    /// Facts were found.
    Ok,
    /// The department holds nothing about this person: an answer.
    NoRecord,
    /// The number is known under another name.
    NameMismatch,
    /// The department could not answer for this subject and dataset.
    Error,
}

impl ResultStatus {
    /// The status as a connector file and JSON write it, with what it means.
    pub fn text(self) -> Text {
        let (zh, en) = match self {
            Self::Ok => ("ok（查到记录）", "ok (facts were found)"),
            Self::NoRecord => ("no_record（查无记录）", "no_record (the source holds nothing about the person)"),
            Self::NameMismatch => {
                ("name_mismatch（号码相符而姓名不同）", "name_mismatch (the number is known under another name)")
            }
            Self::Error => ("error（答不出）", "error (no answer could be made)"),
        };
        Text::new(zh, en)
    }
}

/// A problem (RFC 9457) as an adapter sends it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AdapterProblem {
    /// Stable code: `quota_exceeded`, `not_authorised`, `unavailable`, `bad_query`, …
    pub code: String,
    /// HTTP status.
    pub status: u16,
    /// What happened, in Chinese.
    pub title_zh: String,
    /// What happened, in English.
    pub title: String,
    /// After how many seconds it is worth asking again, where that is known; sent as the header `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

/// What an adapter offers (`GET /v1/manifest`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Who it is.
    pub adapter: AdapterVersion,
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// Whom to call when it is down.
    pub contact: String,
    /// A notice to callers: maintenance and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// Its datasets with their fact types.
    pub datasets: Vec<ManifestDataset>,
    /// Queries a second it grants.
    pub quota_per_second: u32,
    /// Queries that may come at once.
    pub quota_burst: u32,
    /// SHA-256 of the connector file it runs from, in small hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector_sha256: Option<String>,
    /// Largest number of subjects in one query.
    pub max_subjects: usize,
    /// The key its answers are signed with, a JWK (RFC 8037); absent where they are not signed. What a hub believes is
    /// what it was configured with: this is how an operator sees that both are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_key: Option<serde_json::Value>,
    /// The divisions that a hub answers for (GB/T 2260); a department names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub divisions: Vec<String>,
}

/// A dataset of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestDataset {
    /// Dataset id.
    pub id: String,
    /// Fact type.
    pub fact: String,
}

//! The answer to a verification, as the caller receives it.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::disclosure::DisclosureSummary;
use super::verify::FollowUpView;
use crate::domain::dataset::{Catalogue, DatasetId, DepartmentId};
use crate::domain::household::{MemberRef, Place};
use crate::domain::outcome::{Freshness, GapReason, Told};
use crate::domain::problem::Text;
use crate::domain::purpose::Purpose;
use crate::federation::ask::DepartmentOutcome;
use crate::verdict::Verdict;
use crate::verdict::sparing::SparedFinding;

/// Whether a verification has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerificationStatus {
    /// Departments are still being asked.
    Running,
    /// The verdict is there.
    Completed,
}

/// What came of asking one department, for the caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DepartmentRow {
    /// The department.
    pub department: DepartmentId,
    /// The hub of another region that answers for this department of its region.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub hub: Option<DepartmentId>,
    /// The members this row is about, where the household's members are of several regions: each has a row of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub members: Vec<MemberRef>,
    /// Its name.
    #[schema(value_type = Text)]
    pub name: Arc<Text>,
    /// `answered`, `no_record` (asked about everybody and holds nothing: an answer), `not_asked` (no answer could
    /// change the verdict: no gap), or why its facts are missing.
    pub status: &'static str,
    /// How many facts it gave.
    pub records: usize,
    /// The least fresh of its answers.
    pub freshness: Option<Freshness>,
    /// Age of its oldest answer, seconds.
    pub age_seconds: Option<i64>,
    /// Earliest day its records are of, as it wrote it.
    pub as_of: Option<String>,
    /// How long it took, milliseconds.
    pub elapsed_ms: u64,
    /// Asking again may help.
    pub retryable: bool,
    /// Why it was not asked, where it is shut, taken off, or its quota is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Told>)]
    pub notice: Option<Arc<Told>>,
    /// In minimal disclosure: what it was not asked for, and what settled it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_asked: Vec<SparedRow>,
}

/// Datasets that a department was not asked for, because no answer could change the verdict.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = SparedDatasets)]
pub struct SparedRow {
    /// The datasets, about all members or some.
    #[schema(value_type = Vec<String>)]
    pub datasets: Vec<DatasetId>,
    /// What settled it: `NO_RULE`, `PROPERTY_FAILS`, `ALL_TEKUN`, `INCOME_TOO_HIGH`, `RESULT_STANDS`, `RESULT_OPEN` or
    /// `GATE_SHUT`.
    pub settled_by: &'static str,
    /// The same in a sentence.
    pub why: Text,
}

const NOT_ASKED: &str = "not_asked";

impl DepartmentRow {
    /// The row of an outcome.
    pub fn of(outcome: &DepartmentOutcome, catalogue: &Catalogue, now: Timestamp) -> Self {
        let mut row = Self::new(&outcome.department, catalogue, "answered");
        row.elapsed_ms = u64::try_from(outcome.elapsed.as_millis()).unwrap_or(u64::MAX);
        match &outcome.result {
            Ok(members) => {
                let mut oldest: Option<Timestamp> = None;
                for (answer, freshness) in members.iter().flat_map(|member| &member.answers) {
                    row.records += answer.facts.len();
                    oldest = Some(oldest.map_or(answer.received_at, |oldest| oldest.min(answer.received_at)));
                    row.freshness = Some(less_fresh(row.freshness, *freshness));
                    if let Some(as_of) = &answer.as_of
                        && row.as_of.as_ref().is_none_or(|earliest| as_of < earliest)
                    {
                        row.as_of = Some(as_of.clone());
                    }
                }
                row.age_seconds = oldest.map(|oldest| now.duration_since(oldest).as_secs());
                if row.records == 0 {
                    row.status = "no_record";
                }
            }
            Err(reason) => row.fails(*reason),
        }
        row.notice.clone_from(&outcome.told);
        if let Some(region) = outcome.region.as_deref() {
            row.hub = region.hub().cloned();
            row.members.clone_from(&region.references);
        }
        row
    }

    fn new(department: &DepartmentId, catalogue: &Catalogue, status: &'static str) -> Self {
        let name = catalogue.department(department).map_or_else(
            || Arc::new(Text::new(department.as_str(), department.as_str())),
            |department| Arc::clone(&department.name),
        );
        Self {
            department: department.clone(),
            hub: None,
            members: Vec::new(),
            name,
            status,
            records: 0,
            freshness: None,
            age_seconds: None,
            as_of: None,
            elapsed_ms: 0,
            retryable: false,
            notice: None,
            not_asked: Vec::new(),
        }
    }

    fn fails(&mut self, reason: GapReason) {
        self.status = reason.as_str();
        self.retryable = reason.may_pass();
    }

    /// Whose adapter was asked: the department's, or that of the hub in its place.
    pub fn asked(&self) -> &DepartmentId {
        self.hub.as_ref().unwrap_or(&self.department)
    }

    /// The department was asked anything, or had answered before.
    pub fn was_asked(&self) -> bool {
        self.status != NOT_ASKED
    }
}

/// The rows of the outcomes, which are in the order of the catalogue, and of the departments that were spared.
pub fn rows(
    outcomes: &[DepartmentOutcome],
    spared: &[SparedFinding],
    catalogue: &Catalogue,
    now: Timestamp,
) -> Vec<DepartmentRow> {
    let mut rows: Vec<DepartmentRow> = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        let row = DepartmentRow::of(outcome, catalogue, now);
        let is_same_part =
            |known: &&mut DepartmentRow| known.department == row.department && known.members == row.members;
        match (rows.iter_mut().find(is_same_part), &outcome.result) {
            // It answered the first question and was silent at the second.
            (Some(known), Err(reason)) => {
                known.fails(*reason);
                known.elapsed_ms += row.elapsed_ms;
                known.notice = row.notice;
            }
            _ => rows.push(row),
        }
    }
    if spared.is_empty() {
        return rows;
    }
    for finding in spared {
        let told = SparedRow {
            datasets: finding.datasets.clone(),
            settled_by: finding.settled_by.as_str(),
            why: finding.settled_by.text(),
        };
        match rows.iter_mut().find(|row| row.department == finding.department) {
            Some(row) => row.not_asked.push(told),
            None => rows.push(DepartmentRow {
                not_asked: vec![told],
                ..DepartmentRow::new(&finding.department, catalogue, NOT_ASKED)
            }),
        }
    }
    let place = |id: &DepartmentId| catalogue.departments().iter().position(|department| department.id == *id);
    rows.sort_by_key(|row| place(&row.department));
    rows
}

fn less_fresh(left: Option<Freshness>, right: Freshness) -> Freshness {
    match (left, right) {
        (Some(Freshness::Stale), _) | (_, Freshness::Stale) => Freshness::Stale,
        (Some(Freshness::Cached), _) | (_, Freshness::Cached) => Freshness::Cached,
        _ => Freshness::Live,
    }
}

/// A verification and what is known of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verification)]
pub struct VerificationAnswer<'a> {
    /// Its id.
    pub id: &'a str,
    /// Running or completed.
    pub status: VerificationStatus,
    /// Which version of its outcome this is: 1, and one more each time that a department answered later what it owed.
    pub version: u32,
    /// What it is for.
    pub purpose: Purpose,
    /// Where the application is made.
    pub place: Place,
    /// The day of the assessment.
    #[schema(value_type = String, format = Date)]
    pub assessment_date: Date,
    /// When it was accepted, UTC.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// When it came to its end, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub completed_at: Option<Timestamp>,
    /// The id of the access event that recorded the release of this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<&'a str>,
    /// Departments were asked without every member's authorisation; what must follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Text>,
    /// Until when the household is to be told that it was looked up in an emergency, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub notice_due_at: Option<Timestamp>,
    /// The departments, in the order of the catalogue; while running, in the order they answered.
    pub departments: &'a [DepartmentRow],
    /// In minimal disclosure: how little was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disclosure: Option<DisclosureSummary>,
    /// The verdict: circle, members' outcomes, computed amounts, flags, reasons, gaps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub verdict: Option<&'a Verdict>,
    /// What to ask the household: hints beyond the declaration, on which nothing was concluded, and claims that no
    /// record supports. Absent when there is nothing to ask.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub to_verify: &'a [Text],
    /// With `expand=comparison`: the declaration against what departments show, item by item.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub comparison: Option<&'a RawValue>,
    /// With `expand=report`: the verdict told to the caseworker.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub report: Option<&'a RawValue>,
    /// With `expand=evidence`: the source of every figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub evidence: Option<&'a RawValue>,
    /// With `expand=evidence`: the signed answers that the figures come from, each verified just now, with what is needed
    /// to verify it again with the department's public key alone (RFC 9421, RFC 9530).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub proofs: Option<&'a RawValue>,
    /// With `expand=trace`: the tree of reasons, and what its clauses say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub trace: Option<&'a RawValue>,
    /// While the verdict is open because departments did not answer: when the hub asks them again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_up: Option<FollowUpView>,
    /// The hub advises, a person decides.
    pub notice: Text,
}

/// The sentence every answer carries (promise P8; PIPL 第二十四条).
pub fn notice() -> Text {
    Text::new(
        "本结果仅供经办人员参考，由人作出决定；申请人有权要求说明、提出异议并申请人工复核。",
        "This result is advice to the caseworker; a person decides. The applicant may ask for an explanation, object, and have it reviewed by a person.",
    )
}

/// What an answer carries that was given for emergency relief without every member's authorisation.
pub fn emergency_exemption() -> Text {
    Text::new(
        "急难情形下先行查询：部分成员尚未授权，须在事后及时补办授权并告知（个人信息保护法第十八条）。",
        "Asked first because of an emergency: some members have not authorised it yet; their authorisation and notice must follow without delay (PIPL article 18).",
    )
}

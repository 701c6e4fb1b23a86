//! A household's facts as a caller hands them over for a verdict: the `household` of a worked case, without a
//! parameter set.
//!
//! One table of shapes serves two readers: it names every fault of a document, and it is the schema in the
//! `OpenAPI` document.

mod schema;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::domain::dataset::Catalogue;
use crate::domain::household::{Place, UrbanRural};
use crate::domain::id_number::IdNumber;
use crate::domain::problem::{Finding, Text};
use crate::domain::unique::{Unique, given_twice};
use crate::service::request::not_json;
use crate::service::request::shape::{
    ANY, DATE, DEPARTMENT, DIVISION, EVENT, KIND, MONEY, Member, OBLIGOR, PRIOR, REFERENCE, RELATION, STAGES, Shape,
    diagnose, may, must, null,
};
use crate::verdict::Verdict;
use crate::verdict::cases::{Case, Invalid};
use crate::verdict::explain::Report;
use crate::verdict::facts::Facts;

pub use schema::EvaluationDocument;

/// The members of the document.
const DOCUMENT: &[Member] = &[
    must("urban_rural", Shape::Choice(&["URBAN", "RURAL"])),
    null("assessment_date", Shape::Text(&DATE)),
    null("pack", Shape::Text(&ANY)),
    may("emergency_only", Shape::Boolean),
    may("department_status", Shape::Each(&DEPARTMENT, &Shape::Choice(STATUSES))),
    must("household", Shape::Object(HOUSEHOLD)),
    null("prior", Shape::Object(PRIOR)),
];

/// What came of asking a department; those that are not named have answered.
const STATUSES: &[&str] = &[
    "OK",
    "NO_RECORD",
    "TIMEOUT",
    "UNAVAILABLE",
    "QUOTA_EXCEEDED",
    "NOT_AUTHORISED",
    "MALFORMED",
    "MISMATCH",
    "NOT_CONNECTED",
];

const HOUSEHOLD: &[Member] = &[
    must("hukou_region", Shape::Text(&DIVISION)),
    must("income_stability", Shape::Choice(&["STABLE", "UNSTABLE"])),
    must("members", Shape::List(&MEMBER)),
    may("incomes", Shape::List(&INCOME)),
    may("assets", Shape::List(&ASSET)),
    may("rigid_expenditures", Shape::List(&EXPENDITURE)),
    may("obligors", Shape::List(&OBLIGOR)),
    may("events", Shape::List(&EVENT)),
];

static MEMBER: Shape = Shape::Object(&[
    must("member_id", Shape::Text(&REFERENCE)),
    null("id_number", Shape::Text(&ANY)),
    null("name", Shape::Text(&ANY)),
    must("birth_date", Shape::Text(&DATE)),
    null("sex_code", Shape::Text(&ANY)),
    must("relation_code", Shape::Text(&RELATION)),
    null("death_date", Shape::Text(&DATE)),
    null("exclusion", Shape::Text(&KIND)),
    null(
        "disability",
        Shape::Object(&[
            must("category", Shape::Choice(&["1", "2", "3", "4", "5", "6", "7"])),
            must("grade", Shape::Choice(&["1", "2", "3", "4"])),
        ]),
    ),
    may("severe_illness", Shape::Boolean),
    null("education_stage", Shape::Choice(STAGES)),
    must("labour_capacity", Shape::Choice(&["FULL", "PARTIAL", "NONE"])),
    may("employed", Shape::Boolean),
    must("authorised", Shape::Boolean),
    may("obligor_in_household", Shape::Boolean),
    may("adl_failed_count", Shape::Whole(6)),
    may("was_tekun", Shape::Boolean),
    may("chose_orphan_benefit", Shape::Boolean),
    may("job_refusals", Shape::Whole(u8::MAX as u64)),
]);

static INCOME: Shape = Shape::Object(&[
    must("member_id", Shape::Text(&REFERENCE)),
    must("category", Shape::Choice(&["WAGE", "OPERATING", "PROPERTY", "TRANSFER", "TRANSFER_OUT", "OTHER"])),
    must("kind", Shape::Text(&KIND)),
    must("amount_12m", Shape::Text(&MONEY)),
    must("source", Shape::Text(&DEPARTMENT)),
    null("basic_portion_12m", Shape::Text(&MONEY)),
    null("dedupe_key", Shape::Text(&ANY)),
    may("paid_after_death", Shape::Boolean),
]);

static ASSET: Shape = Shape::Object(&[
    must("kind", Shape::Text(&KIND)),
    must("value", Shape::Text(&MONEY)),
    must("source", Shape::Text(&DEPARTMENT)),
    null("count", Shape::Whole(u32::MAX as u64)),
    null("area_m2", Shape::Text(&ANY)),
    null("exempt_kind", Shape::Text(&KIND)),
]);

static EXPENDITURE: Shape = Shape::Object(&[
    must("member_id", Shape::Text(&REFERENCE)),
    must("kind", Shape::Choice(&["MEDICAL", "DISABILITY_REHAB", "EDUCATION", "ACCIDENT"])),
    must("gross", Shape::Text(&MONEY)),
    may("covered", Shape::Text(&MONEY)),
    must("paid_on", Shape::Text(&DATE)),
    must("source", Shape::Text(&DEPARTMENT)),
    null("public_benchmark", Shape::Text(&MONEY)),
]);

/// The largest household that is judged, as in a request for a verification.
const MOST_MEMBERS: usize = 30;

/// A document that is sound.
pub struct Evaluation {
    /// Which standard of the place.
    pub urban_rural: UrbanRural,
    /// The pack asked for by name.
    pub pack: Option<String>,
    /// The facts.
    pub facts: Facts,
}

impl Evaluation {
    /// Parses and checks a body; every fault is named by pointer. `today` is the day when the document names none.
    pub fn parse(body: &[u8], today: Date, catalogue: &Catalogue) -> Result<Self, Vec<Finding>> {
        let Unique(mut document) = serde_json::from_slice(body)
            .map_err(|error| vec![given_twice(body).unwrap_or_else(|| not_json(&error))])?;
        let mut findings = Vec::new();
        diagnose(&document, &Shape::Object(DOCUMENT), "", &mut findings);
        if !findings.is_empty() {
            return Err(findings);
        }
        let members = document.pointer("/household/members").and_then(Value::as_array).map_or(0, Vec::len);
        if members > MOST_MEMBERS {
            let detail = Text::new(format!("至多 {MOST_MEMBERS} 人。"), format!("at most {MOST_MEMBERS} members."));
            return Err(vec![Finding { pointer: "/household/members".to_owned(), code: "too_many", detail }]);
        }
        let urban_rural = match document.get("urban_rural").and_then(Value::as_str) {
            Some("RURAL") => UrbanRural::Rural,
            _ => UrbanRural::Urban,
        };
        let pack = document.get("pack").and_then(Value::as_str).map(str::to_owned);
        let mut case = json!({"id": "evaluation", "parameter_set": "", "assessment_date": today});
        for name in ["assessment_date", "emergency_only", "department_status", "household", "prior"] {
            let value = document.get_mut(name).map(Value::take).filter(|value| !value.is_null());
            if let (Some(value), Some(case)) = (value, case.as_object_mut()) {
                case.insert(name.to_owned(), value);
            }
        }
        stand_in_for_numbers(&mut case);
        let case: Case = serde_json::from_value(case).map_err(|_| vec![unexplained()])?;
        let facts = case.facts(catalogue).map_err(|invalid| vec![finding_of(invalid)])?;
        Ok(Self { urban_rural, pack, facts })
    }
}

/// A worked case, apart from what it expects.
const CASE: &[Member] = &[
    must("id", Shape::Text(&ANY)),
    may("title_en", Shape::Text(&ANY)),
    may("title_zh", Shape::Text(&ANY)),
    must("parameter_set", Shape::Text(&ANY)),
    must("assessment_date", Shape::Text(&DATE)),
    may("emergency_only", Shape::Boolean),
    may("department_status", Shape::Each(&ANY, &Shape::Text(&ANY))),
    must("household", Shape::Object(HOUSEHOLD)),
    null("prior", Shape::Object(PRIOR)),
    null("note", Shape::Text(&ANY)),
];

/// Every fault of form of a worked case, by pointers into it; what it expects is not looked at.
pub fn faults_of_case(case: &Value) -> Vec<Finding> {
    let mut case = case.clone();
    if let Some(case) = case.as_object_mut() {
        case.remove("expected");
    }
    let mut findings = Vec::new();
    diagnose(&case, &Shape::Object(CASE), "", &mut findings);
    findings
}

/// A verdict does not need to know who the members are. Where a caller leaves an identity number out, one that is
/// never issued stands in for it, so that the format stays that of the cases.
fn stand_in_for_numbers(case: &mut Value) {
    let members = case.pointer_mut("/household/members").and_then(Value::as_array_mut);
    for (sequence, member) in (1_u16..).zip(members.into_iter().flatten()) {
        if member.get("id_number").is_some_and(|number| !number.is_null()) {
            continue;
        }
        let born_on = member.get("birth_date").and_then(Value::as_str).and_then(|text| text.parse().ok());
        let number = born_on.and_then(|born_on| IdNumber::compose("150000", born_on, sequence).ok());
        if let (Some(number), Some(member)) = (number, member.as_object_mut()) {
            member.insert("id_number".to_owned(), json!(number.reveal()));
        }
    }
}

fn finding_of(invalid: Invalid) -> Finding {
    match invalid {
        Invalid::IdNumber { pointer, .. } => Finding {
            pointer,
            code: "id_number_invalid",
            detail: Text::new(
                "不是合法的公民身份号码，或与 birth_date 不一致；不需要身份时可以不填。",
                "is not a valid identity number, or not of this birth_date; it may be left out, as no verdict needs it.",
            ),
        },
        Invalid::Case { pointer, fault } => Finding { pointer, code: "invalid_value", detail: fault },
    }
}

/// What the table lets through and the types refuse: a test finds none.
fn unexplained() -> Finding {
    Finding {
        pointer: String::new(),
        code: "invalid_value",
        detail: Text::new("文档与格式不符。", "the document does not fit the format."),
    }
}

/// The verdict on facts that were handed over.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationAnswer)]
pub struct EvaluationAnswer {
    /// The place whose rules were applied.
    pub place: Place,
    /// The day of the assessment.
    #[schema(value_type = String, format = Date)]
    pub assessment_date: Date,
    /// The verdict: circle, members' outcomes, computed amounts, flags, reasons, gaps.
    #[schema(value_type = Object)]
    pub verdict: Verdict,
    /// Why no rules could be applied; the verdict is then `PENDING_PARAMETER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<Text>,
    /// With `expand=report`: the verdict told to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub report: Option<Report>,
    /// With `expand=trace`: the tree of reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub trace: Option<Box<RawValue>>,
    /// The hub advises, a person decides.
    pub notice: Text,
}

#[cfg(test)]
mod tests;

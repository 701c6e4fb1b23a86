//! What is told of people to the hub that asked: each answer with whose record it is, each gap with its reason. A gap is
//! never told as "no record" (P2).

use std::sync::Arc;

use connectors::protocol::{AdapterVersion, Provider, QueryResult, ResultStatus};
use serde_json::value::{RawValue, to_raw_value};

use super::question::RegionQuestion;
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::domain::household::Member;
use crate::domain::outcome::{Answer, Freshness, GapReason};
use crate::federation::ask::DepartmentOutcome;
use crate::federation::plan::DepartmentPlan;
use crate::service::evidence::BareFacts;

/// One result for each person and dataset asked, in the order of the plan.
pub(super) fn results(
    asked: &RegionQuestion,
    outcomes: &[DepartmentOutcome],
    catalogue: &Catalogue,
) -> Vec<QueryResult> {
    let mut results = Vec::new();
    for (department, outcome) in asked.plan.departments.iter().zip(outcomes) {
        match &outcome.result {
            Ok(members) => {
                for answers in members {
                    let Some(member) = asked.household.members.get(answers.member) else { continue };
                    let of = |(answer, freshness): &(Arc<Answer>, Freshness)| {
                        told(member, &department.department, answer, *freshness)
                    };
                    results.extend(answers.answers.iter().map(of));
                }
            }
            Err(reason) => results.extend(silent(asked, department, *reason, catalogue)),
        }
    }
    results
}

fn told(member: &Member, department: &DepartmentId, answer: &Answer, freshness: Freshness) -> QueryResult {
    let is_found = !answer.facts.is_empty();
    let freshness = match freshness {
        Freshness::Live => "live",
        Freshness::Cached => "cached",
        Freshness::Stale => "stale",
    };
    QueryResult {
        reference: member.reference.to_string(),
        // The number that this hub's door found the record filed under.
        id_number: is_found.then(|| member.id_number.reveal().to_owned()),
        dataset: answer.dataset.to_string(),
        status: if is_found { ResultStatus::Ok } else { ResultStatus::NoRecord },
        as_of: answer.as_of.clone(),
        facts: to_raw_value(&BareFacts(answer.facts.iter().collect())).expect("facts are JSON"),
        reason: None,
        provider: Some(Provider {
            adapter: AdapterVersion { id: department.to_string(), version: answer.adapter_version.to_string() },
            received_at: answer.received_at,
            freshness: freshness.to_owned(),
        }),
    }
}

/// A gap, for every person and dataset that the department was asked about.
fn silent(
    asked: &RegionQuestion,
    department: &DepartmentPlan,
    reason: GapReason,
    catalogue: &Catalogue,
) -> Vec<QueryResult> {
    let mut results = Vec::new();
    for subject in &department.subjects {
        let Some(member) = asked.household.members.get(subject.member) else { continue };
        for dataset in subject.datasets.iter().filter_map(|index| catalogue.datasets().get(*index)) {
            results.push(QueryResult {
                reference: member.reference.to_string(),
                id_number: None,
                dataset: dataset.id.to_string(),
                status: ResultStatus::Error,
                as_of: None,
                facts: RawValue::from_string("[]".to_owned()).expect("an empty array is JSON"),
                reason: Some(reason.as_str().to_owned()),
                provider: None,
            });
        }
    }
    results
}

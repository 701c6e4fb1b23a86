//! What departments answered a verification that waits for others, as it is sealed: a later attempt asks only those that
//! did not answer.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::provenance::KeptProof;
use crate::domain::dataset::{DatasetId, DepartmentId};
use crate::domain::fact::Fact;
use crate::domain::outcome::{Answer, Freshness, GapReason, Via};
use crate::domain::proof::AnswerProof;
use crate::federation::ask::{DepartmentOutcome, MemberAnswers};
use crate::federation::region::Region;

/// What is owed, and what is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptAnswers<'a> {
    /// The departments whose silence leaves the verdict open, alone or together.
    pub(super) owing: Vec<DepartmentId>,
    outcomes: Vec<Kept>,
    /// What proves the answers.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    proofs: Vec<KeptProof<'a>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    department: DepartmentId,
    /// The region of the members it was asked about, where they were of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gap: Option<GapReason>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    members: Vec<KeptMember>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KeptMember {
    member: usize,
    answers: Vec<KeptAnswer>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KeptAnswer {
    dataset: DatasetId,
    as_of: Option<String>,
    adapter_version: String,
    received_at: Timestamp,
    is_stale: bool,
    facts: Vec<Fact>,
    /// The hub of another region that it came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hub: Option<DepartmentId>,
    /// The place of its proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<usize>,
}

impl<'a> KeptAnswers<'a> {
    /// What these outcomes hold, with their proofs.
    pub(super) fn of(owing: &[DepartmentId], outcomes: &[DepartmentOutcome], proofs: &[KeptProof<'a>]) -> Self {
        let answer = |(answer, freshness): &(Arc<Answer>, Freshness)| KeptAnswer {
            dataset: answer.dataset.clone(),
            as_of: answer.as_of.clone(),
            adapter_version: answer.adapter_version.to_string(),
            received_at: answer.received_at,
            is_stale: *freshness == Freshness::Stale,
            facts: answer.facts.to_vec(),
            hub: answer.via.as_ref().map(|via| via.hub.clone()),
            proof: answer.proof.as_ref().and_then(|proof| proofs.iter().position(|kept| kept.is_of(proof))),
        };
        let member = |answers: &MemberAnswers| KeptMember {
            member: answers.member,
            answers: answers.answers.iter().map(answer).collect(),
        };
        let kept = |outcome: &DepartmentOutcome| Kept {
            department: outcome.department.clone(),
            region: outcome.region.as_deref().cloned(),
            gap: outcome.result.as_ref().err().copied(),
            members: outcome.result.iter().flatten().map(member).collect(),
        };
        Self { owing: owing.to_vec(), outcomes: outcomes.iter().map(kept).collect(), proofs: proofs.to_vec() }
    }

    /// The outcomes again. What was asked for then is not live any more.
    pub(super) fn into_outcomes(self) -> Vec<DepartmentOutcome> {
        let proofs: Vec<Arc<AnswerProof>> = self.proofs.into_iter().map(|kept| Arc::new(kept.into_proof())).collect();
        let answer = |kept: KeptAnswer| {
            let freshness = if kept.is_stale { Freshness::Stale } else { Freshness::Cached };
            let answer = Answer {
                dataset: kept.dataset,
                as_of: kept.as_of,
                adapter_version: kept.adapter_version.into(),
                received_at: kept.received_at,
                facts: kept.facts.into(),
                proof: kept.proof.and_then(|place| proofs.get(place)).map(Arc::clone),
                via: kept.hub.map(|hub| Arc::new(Via { hub, freshness })),
            };
            (Arc::new(answer), freshness)
        };
        let member = |kept: KeptMember| MemberAnswers {
            member: kept.member,
            answers: kept.answers.into_iter().map(answer).collect(),
        };
        let outcome = |kept: Kept| DepartmentOutcome {
            department: kept.department,
            region: kept.region.map(Arc::new),
            result: match kept.gap {
                Some(reason) => Err(reason),
                None => Ok(kept.members.into_iter().map(member).collect()),
            },
            told: None,
            elapsed: std::time::Duration::ZERO,
        };
        self.outcomes.into_iter().map(outcome).collect()
    }
}

/// How many answers outcomes hold.
pub(super) fn answers_in(outcomes: &[DepartmentOutcome]) -> usize {
    outcomes.iter().flat_map(|outcome| outcome.result.iter().flatten()).map(|member| member.answers.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::FactKind;

    #[test]
    fn what_was_answered_is_read_again_as_it_was_but_for_its_freshness() {
        let json = r#"[{"category":"TRANSFER","kind":"PENSION_RESIDENT","amount":"150.01","from":"2024-03-01","to":"2025-02-28"}]"#;
        let answer = |dataset: &str, facts: Vec<Fact>| Answer {
            dataset: DatasetId::parse(dataset).unwrap(),
            as_of: Some("2025-02-28".to_owned()),
            adapter_version: "1.0.0".into(),
            received_at: Timestamp::from_second(1_760_000_000).unwrap(),
            facts: facts.into(),
            proof: None,
            via: None,
        };
        let pension = Arc::new(answer("hrss.pension", Fact::decode(FactKind::Income, json).unwrap()));
        let nothing = Arc::new(answer("hrss.employment", Vec::new()));
        let answers = vec![(Arc::clone(&pension), Freshness::Live), (Arc::clone(&nothing), Freshness::Stale)];
        let hrss = DepartmentId::parse("hrss").unwrap();
        let housing = DepartmentId::parse("housing").unwrap();
        let outcome = |department: &DepartmentId, result| DepartmentOutcome {
            department: department.clone(),
            region: None,
            result,
            told: None,
            elapsed: std::time::Duration::from_millis(7),
        };
        let outcomes = [
            outcome(&hrss, Ok(vec![MemberAnswers { member: 1, answers }])),
            outcome(&housing, Err(GapReason::Timeout)),
        ];
        let kept = KeptAnswers::of(std::slice::from_ref(&housing), &outcomes, &[]);
        let kept: KeptAnswers<'_> = serde_json::from_slice(&serde_json::to_vec(&kept).unwrap()).unwrap();
        assert_eq!(kept.owing, std::slice::from_ref(&housing));
        let outcomes = kept.into_outcomes();
        assert_eq!(answers_in(&outcomes), 2);
        let members = outcomes[0].result.as_ref().unwrap();
        assert_eq!(members[0].member, 1);
        assert_eq!(members[0].answers, [(pension, Freshness::Cached), (nothing, Freshness::Stale)]);
        assert_eq!(outcomes[1].result.as_ref().unwrap_err(), &GapReason::Timeout);
    }
}

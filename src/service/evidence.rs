//! Evidence: every figure of a verdict has its source (promise P5).

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::domain::dataset::{Authority, DatasetId, DepartmentId};
use crate::domain::fact::Fact;
use crate::domain::household::MemberRef;
use crate::domain::outcome::{Answer, Freshness};
use crate::verdict::facts::EvidenceId;

/// The evidence of one item of the facts: what a department answered, or what the household declared.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "basis", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Evidence<'a> {
    /// A department's record.
    Department {
        /// Its id in this verification.
        id: EvidenceId,
        /// The member.
        member: &'a MemberRef,
        /// The department.
        department: &'a DepartmentId,
        /// The dataset.
        dataset: &'a DatasetId,
        /// What it weighs: a hint settles nothing.
        authority: Authority,
        /// The hub of another region that answered for the department.
        #[serde(skip_serializing_if = "Option::is_none")]
        hub: Option<&'a DepartmentId>,
        /// The version of the connector that answered.
        adapter_version: &'a str,
        /// The day or instant of the record.
        as_of: Option<&'a str>,
        /// When the hub received it.
        received_at: Timestamp,
        /// Live, cached or stale.
        freshness: Freshness,
        /// Its age when it was used, seconds.
        age_seconds: i64,
        /// The facts the item rests on, of the type the dataset has.
        #[serde(serialize_with = "bare_facts")]
        facts: Vec<&'a Fact>,
    },
    /// The household's own word (申报), not checked by any department.
    Declared {
        /// Its id in this verification.
        id: EvidenceId,
        /// Where in the request it stands, RFC 6901.
        pointer: String,
        /// The records that speak of the same: what is declared counts only as far as it goes beyond them.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        covered_by: Vec<EvidenceId>,
    },
}

impl<'a> Evidence<'a> {
    /// The evidence of facts taken from one answer.
    pub fn of_answer(
        id: EvidenceId,
        member: &'a MemberRef,
        department: &'a DepartmentId,
        (answer, authority): (&'a Answer, Authority),
        freshness: Freshness,
        used_at: Timestamp,
        facts: Vec<&'a Fact>,
    ) -> Self {
        Self::Department {
            id,
            member,
            department,
            dataset: &answer.dataset,
            authority,
            hub: answer.via.as_ref().map(|via| &via.hub),
            adapter_version: &answer.adapter_version,
            as_of: answer.as_of.as_deref(),
            received_at: answer.received_at,
            freshness,
            age_seconds: used_at.duration_since(answer.received_at).as_secs(),
            facts,
        }
    }
}

/// Facts as departments write them: without the name of their type, which the dataset tells.
pub(super) struct BareFacts<'a>(pub(super) Vec<&'a Fact>);

impl Serialize for BareFacts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        bare_facts(&self.0, serializer)
    }
}

/// Facts without the name of their type: the dataset tells it.
fn bare_facts<S: Serializer>(facts: &[&Fact], serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeSeq;
    let mut list = serializer.serialize_seq(Some(facts.len()))?;
    for fact in facts {
        match fact {
            Fact::Income(fact) => list.serialize_element(fact)?,
            Fact::Asset(fact) => list.serialize_element(fact)?,
            Fact::Expenditure(fact) => list.serialize_element(fact)?,
            Fact::Enrolment(fact) => list.serialize_element(fact)?,
            Fact::Death(fact) => list.serialize_element(fact)?,
            Fact::Diagnosis(fact) => list.serialize_element(fact)?,
            Fact::Disability(fact) => list.serialize_element(fact)?,
            Fact::Employment(fact) => list.serialize_element(fact)?,
            Fact::Insurance(fact) => list.serialize_element(fact)?,
            Fact::Disaster(fact) => list.serialize_element(fact)?,
            Fact::Assistance(fact) => list.serialize_element(fact)?,
        }
    }
    list.end()
}

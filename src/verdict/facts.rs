//! `Facts`: everything a verdict rests on, with the source of each item and no identity number.
//!
//! A verdict is a pure function of facts, pack and date (promise P3). Where a fact came from matters
//! only for duplicates and for the evidence; the rules never name a department.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::dataset::{DatasetId, DepartmentId, MissingEffect};
use crate::domain::declaration::{Event, Obligor, Prior};
use crate::domain::division::DivisionCode;
use crate::domain::fact::{Disability, EducationStage, ExpenditureKind, FactKind, IncomeCategory, Kind};
use crate::domain::household::{LabourCapacity, MemberRef, RelationCode, Stability};
use crate::domain::money::Money;
use crate::domain::outcome::GapReason;

/// Who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A department's record.
    Department(DepartmentId),
    /// The household's declaration (申报).
    Declared,
}

/// The id of the evidence of an item: `e` and a number, unique in one verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EvidenceId(pub u32);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
const fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// Everything a verdict rests on. Kept as JSON beside the verdict, where what is no, none or zero is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The day of the assessment.
    pub assessed_on: Date,
    /// Where the household is registered.
    pub hukou_region: DivisionCode,
    /// Only the emergency overlay is asked for; authorisations may follow later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emergency_only: bool,
    /// Whether income comes steadily.
    pub stability: Stability,
    /// The members, in the order of the request.
    pub members: Vec<MemberFacts>,
    /// Income of the window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomes: Vec<IncomeItem>,
    /// Property of the whole household.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<AssetItem>,
    /// Rigid expenditure, dated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expenditures: Vec<ExpenditureItem>,
    /// Legal obligors outside the household.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obligors: Vec<Obligor>,
    /// Events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// The past, from civil affairs' own register.
    pub prior: Prior,
    /// The departments whose facts are missing, and what that leaves open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<FactGap>,
    /// The questions that were spared because no answer could change the verdict (promise P6). They are no gaps,
    /// and the sums know nothing of what they would have brought.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spared: Vec<SparedQuestion>,
}

/// What is known of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberFacts {
    /// How the request names the member.
    pub reference: MemberRef,
    /// Date of birth.
    pub born_on: Date,
    /// Relation to the head of household.
    pub relation: RelationCode,
    /// Day of death.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub death_date: Option<Date>,
    /// Ground for not counting this person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusion: Option<Kind>,
    /// Disability certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disability: Option<Disability>,
    /// On the local list of severe illness.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub severe_illness: bool,
    /// Stage of education, when enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub education_stage: Option<EducationStage>,
    /// Capacity to work.
    pub labour_capacity: LabourCapacity,
    /// In work.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub employed: bool,
    /// Authorised the verification.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub authorised: bool,
    /// Has a legal obligor among the members.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub obligor_in_household: bool,
    /// Failed activities of daily living, 0 to 6.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub adl_failed_count: u8,
    /// Was 特困 until now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_tekun: bool,
    /// Chose the orphan benefit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chose_orphan_benefit: bool,
    /// Refusals of suitable work.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub job_refusals: u8,
}

impl Facts {
    /// A question about facts of this type was spared although a rule reads them.
    pub fn spares(&self, fact: FactKind) -> bool {
        self.spared.iter().any(|question| question.is_read && question.fact == fact)
    }
}

/// Income of one member over the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncomeItem {
    /// Position of the member in [`Facts::members`].
    pub member: usize,
    /// Category.
    pub category: IncomeCategory,
    /// Kind.
    pub kind: Kind,
    /// Amount of the window.
    pub amount_12m: Money,
    /// The centrally fixed basic part of a resident pension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_portion_12m: Option<Money>,
    /// Paid although the person had died.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paid_after_death: bool,
    /// Equal keys mark one and the same payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe_key: Option<String>,
    /// Who says so.
    pub source: Source,
    /// Its evidence.
    pub evidence: EvidenceId,
}

/// Something the household owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetItem {
    /// Kind.
    pub kind: Kind,
    /// Value.
    pub value: Money,
    /// How many.
    pub count: u32,
    /// Why it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exempt_kind: Option<Kind>,
    /// Who says so.
    pub source: Source,
    /// Its evidence.
    pub evidence: EvidenceId,
}

/// Rigid expenditure of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpenditureItem {
    /// Position of the member in [`Facts::members`].
    pub member: usize,
    /// Kind.
    pub kind: ExpenditureKind,
    /// The whole bill.
    pub gross: Money,
    /// Reimbursed or aided.
    pub covered: Money,
    /// The day it was paid.
    pub paid_on: Date,
    /// What a public institution would have charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_benchmark: Option<Money>,
    /// Who says so.
    pub source: Source,
    /// Its evidence.
    pub evidence: EvidenceId,
}

/// A dataset that some members were not asked about, because no answer could change the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SparedQuestion {
    /// The department.
    pub department: DepartmentId,
    /// The dataset.
    pub dataset: DatasetId,
    /// The type of its facts.
    pub fact: FactKind,
    /// Positions of the members in [`Facts::members`].
    pub members: Vec<usize>,
    /// A rule reads such facts about such members; false where none ever does.
    pub is_read: bool,
}

/// A department whose facts are missing, and what that leaves open (from the catalogue).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactGap {
    /// The department.
    pub department: DepartmentId,
    /// Why its facts are missing.
    pub reason: GapReason,
    /// What they could still change.
    pub effects: Vec<MissingEffect>,
    /// The ages, both included, of the members for whom they matter; everybody when absent.
    pub ages: Option<(i16, i16)>,
    /// Positions in [`Facts::members`] of those whose facts are missing; everybody's where none are named. Named where
    /// members are of several regions, and not all of these are silent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<usize>,
}

//! `Declaration` (申报): what the household itself says, and what civil affairs' own register knows.
//!
//! Whatever no department can see (deposits, vehicles, titles …) comes only from here and is marked
//! `declared` in the verdict, never "passed" (promise P5).

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::division::DivisionCode;
use super::fact::{Disability, EducationStage, ExpenditureKind, IncomeCategory, Kind};
use super::household::{LabourCapacity, MemberRef, RelationCode, Stability};
use super::money::Money;

/// The household's declaration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// Whether income comes steadily.
    pub income_stability: Stability,
    /// What is declared of each member; members may be left out.
    #[serde(default)]
    pub members: Vec<DeclaredMember>,
    /// Income of the last twelve months.
    #[serde(default)]
    pub incomes: Vec<DeclaredIncome>,
    /// Property on the day of the application.
    #[serde(default)]
    pub assets: Vec<DeclaredAsset>,
    /// Rigid expenditure.
    #[serde(default)]
    pub expenditures: Vec<DeclaredExpenditure>,
    /// Legal obligors (法定赡养、抚养、扶养义务人) outside the household.
    #[serde(default)]
    pub obligors: Vec<Obligor>,
    /// Events that call for emergency relief.
    #[serde(default)]
    pub events: Vec<Event>,
}

/// What is declared, or found by a home visit, of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclaredMember {
    /// The member.
    #[serde(rename = "ref")]
    pub reference: MemberRef,
    /// Capacity to work.
    pub labour_capacity: LabourCapacity,
    /// In work of any kind.
    #[serde(default)]
    pub employed: bool,
    /// A ground of 57号 第七条 for not counting this person: `IN_PRISON`, `CLERGY_3_YEARS`, …
    #[serde(default)]
    pub exclusion: Option<Kind>,
    /// Day of death, when declared.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub death_date: Option<Date>,
    /// Disability certificate, when declared.
    #[serde(default)]
    pub disability: Option<Disability>,
    /// Severe illness, when declared.
    #[serde(default)]
    pub severe_illness: bool,
    /// Stage of education, when declared.
    #[serde(default)]
    pub education_stage: Option<EducationStage>,
    /// Has a legal obligor among the members.
    #[serde(default)]
    pub obligor_in_household: bool,
    /// How many of the six activities of daily living fail (43号), 0 to 6.
    #[serde(default)]
    pub adl_failed_count: u8,
    /// Was 特困 until now.
    #[serde(default)]
    pub was_tekun: bool,
    /// Chose the orphan benefit instead of 特困.
    #[serde(default)]
    pub chose_orphan_benefit: bool,
    /// Refusals of suitable work without reason (SC649 第四十五条).
    #[serde(default)]
    pub job_refusals: u8,
}

/// Income of the last twelve months, as declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclaredIncome {
    /// Who received it.
    #[serde(rename = "ref")]
    pub reference: MemberRef,
    /// Category.
    pub category: IncomeCategory,
    /// Kind.
    pub kind: Kind,
    /// Amount of the window.
    pub amount_12m: Money,
    /// The centrally fixed basic part of a resident pension.
    #[serde(default)]
    pub basic_portion_12m: Option<Money>,
    /// Equal keys mark one and the same payment.
    #[serde(default)]
    pub dedupe_key: Option<String>,
    /// Paid although the person had died.
    #[serde(default)]
    pub paid_after_death: bool,
}

/// Property, as declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclaredAsset {
    /// Kind.
    pub kind: Kind,
    /// Value in yuan.
    pub value: Money,
    /// How many, 1 when absent.
    #[serde(default)]
    pub count: Option<u32>,
    /// Floor area, decimal string.
    #[serde(default)]
    pub area_m2: Option<String>,
    /// Why it does not count.
    #[serde(default)]
    pub exempt_kind: Option<Kind>,
}

/// Rigid expenditure, as declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclaredExpenditure {
    /// For whom.
    #[serde(rename = "ref")]
    pub reference: MemberRef,
    /// Kind.
    pub kind: ExpenditureKind,
    /// The whole bill.
    pub gross: Money,
    /// Reimbursed or aided.
    pub covered: Money,
    /// The day it was paid.
    #[schema(value_type = String, format = Date)]
    pub paid_on: Date,
    /// What a public institution would have charged.
    #[serde(default)]
    pub public_benchmark: Option<Money>,
}

/// Whether an obligor can pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Capability {
    /// 有履行能力.
    Able,
    /// 无履行能力.
    Unable,
}

/// A legal obligor outside the household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Obligor {
    /// How the declaration names the obligor.
    pub obligor_id: String,
    /// Relation to the head of household.
    pub relation_code: RelationCode,
    /// The members the obligor owes support.
    pub supports: Vec<MemberRef>,
    /// How many persons the obligor supports in all.
    pub supported_total: u32,
    /// Size of the obligor's own household.
    pub household_size: u32,
    /// Income of the obligor's own household over the window.
    pub household_income_12m: Money,
    /// Whether the obligor can pay.
    pub capability: Capability,
    /// Amount of the window by judgment, agreement or mediation.
    #[serde(default)]
    pub judgment_12m: Option<Money>,
}

/// An event that calls for temporary relief (临时救助).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Kind: `FIRE`, `ACCIDENT`, …
    #[serde(rename = "type")]
    pub kind: Kind,
    /// `EMERGENCY` for 急难型; anything else follows the normal procedure.
    pub route: Kind,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub occurred_at: Timestamp,
    /// When it was reported: the 24-hour clock starts here.
    #[schema(value_type = String, format = DateTime)]
    pub reported_at: Timestamp,
    /// When first aid was given.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_aid_at: Option<Timestamp>,
    /// Where it happened.
    pub place_region: DivisionCode,
}

/// What civil affairs' own register knows of the household's past.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Prior {
    /// The member who is already in another assisted household.
    #[serde(default)]
    pub member_in_other_household: Option<MemberRef>,
    /// The circle until now.
    #[serde(default)]
    pub circle: Option<Kind>,
    /// Income rose above the line because a member found work.
    #[serde(default)]
    pub exceeded_by_employment: bool,
    /// For how many months.
    #[serde(default)]
    pub months_since_exceeded: Option<u32>,
    /// The monthly amount until now.
    #[serde(default)]
    pub monthly_total: Option<Money>,
    /// The day on which the case was confirmed or last reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub reviewed_on: Option<Date>,
    /// The countable income of twelve months found then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countable_income_12m: Option<Money>,
    /// How many persons the amount was for then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub household_size: Option<u32>,
}

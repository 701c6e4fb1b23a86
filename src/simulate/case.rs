//! The case format (`cases.json`): households, what each department knows of them, and what a
//! verdict should say. The simulator reads it, and writes its population in it.
//!
//! Members of a document that the simulator has no use for are kept in `other` and written again.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::declaration::{Event, Obligor, Prior};
use crate::domain::division::DivisionCode;
use crate::domain::fact::{Disability, EducationStage, ExpenditureKind, IncomeCategory, Kind};
use crate::domain::household::{LabourCapacity, MemberRef, RelationCode, Stability, UrbanRural};
use crate::domain::id_number::IdNumber;
use crate::domain::money::Money;

/// Members that have no field of their own.
pub type Other = BTreeMap<String, Value>;

/// A case file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaseFile {
    /// Sets of policy parameters by name, in the order of the file: the first of a place is its default.
    #[serde(default, with = "in_order")]
    pub parameter_sets: Vec<(String, ParameterSet)>,
    /// The cases.
    pub cases: Vec<Case>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Other,
}

impl CaseFile {
    /// The parameter set of this name.
    pub fn parameter_set(&self, name: &str) -> Option<&ParameterSet> {
        self.parameter_sets.iter().find(|(own, _)| own == name).map(|(_, set)| set)
    }
}

/// A JSON object as a list, in its own order.
pub(super) mod in_order {
    use serde::de::{MapAccess, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::simulate) fn serialize<T: Serialize, S: Serializer>(
        entries: &[(String, T)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(entries.iter().map(|(key, value)| (key, value)))
    }

    pub(in crate::simulate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(String, T)>, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Vec<(String, T)>;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}

/// A set of policy parameters. Only the place is read here: the figures are the verdict's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ParameterSet {
    /// Division the set is for.
    pub region_code: DivisionCode,
    /// Urban or rural.
    pub urban_rural: UrbanRural,
    /// The figures.
    #[serde(flatten)]
    pub other: Other,
}

/// What came of asking a department, as a case prescribes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DepartmentStatus {
    /// It answers.
    Ok,
    /// It answers that it holds nothing.
    NoRecord,
    /// It never answers.
    Timeout,
    /// It fails.
    Error,
    /// Its quota is used up.
    #[serde(alias = "QUOTA_EXCEEDED")]
    Quota,
    /// It refuses.
    NotAuthorised,
    /// It is down, or fails in some other way.
    #[serde(other)]
    Unavailable,
}

/// One case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Case {
    /// Its id, also the name of its request file.
    pub id: String,
    /// What it shows.
    #[serde(default)]
    pub title_en: String,
    /// 说明.
    #[serde(default)]
    pub title_zh: String,
    /// Name of its parameter set.
    pub parameter_set: String,
    /// The day of the assessment.
    pub assessment_date: Date,
    /// What came of asking each department; `OK` for those not listed.
    #[serde(default)]
    pub department_status: BTreeMap<String, DepartmentStatus>,
    /// Only emergency relief is asked for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub emergency_only: bool,
    /// The household.
    pub household: Household,
    /// The past, from civil affairs' own register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Prior>,
    /// What the verdict should be.
    #[serde(default)]
    pub expected: Value,
    /// Everything else.
    #[serde(flatten)]
    pub other: Other,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Case {
    /// What came of asking `department`.
    pub fn status_of(&self, department: &str) -> DepartmentStatus {
        self.department_status.get(department).copied().unwrap_or(DepartmentStatus::Ok)
    }
}

/// A household with all that is known of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Household {
    /// Where it is registered.
    pub hukou_region: DivisionCode,
    /// Whether its income comes steadily.
    pub income_stability: Stability,
    /// Its members.
    pub members: Vec<Member>,
    /// Income of the last twelve months.
    #[serde(default)]
    pub incomes: Vec<Income>,
    /// Property.
    #[serde(default)]
    pub assets: Vec<Asset>,
    /// Rigid expenditure.
    #[serde(default)]
    pub rigid_expenditures: Vec<Expenditure>,
    /// Legal obligors outside the household.
    #[serde(default)]
    pub obligors: Vec<Obligor>,
    /// Events that call for emergency relief.
    #[serde(default)]
    pub events: Vec<Event>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Other,
}

/// An identity number as the case gives it: perhaps not valid. Shown by nothing (promise P7).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GivenIdNumber(pub String);

impl fmt::Debug for GivenIdNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("GivenIdNumber(hidden)")
    }
}

/// A member.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Member {
    /// How the case names the member.
    pub member_id: MemberRef,
    /// Identity number.
    pub id_number: GivenIdNumber,
    /// Date of birth.
    pub birth_date: Date,
    /// Name, where the case gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 1 male, 2 female (GB/T 2261.1).
    #[serde(default)]
    pub sex_code: Option<String>,
    /// Relation to the head of household.
    pub relation_code: RelationCode,
    /// Day of death.
    #[serde(default)]
    pub death_date: Option<Date>,
    /// Ground for not counting this person.
    #[serde(default)]
    pub exclusion: Option<Kind>,
    /// Disability certificate.
    #[serde(default)]
    pub disability: Option<Disability>,
    /// On the local list of severe illness.
    #[serde(default)]
    pub severe_illness: bool,
    /// Stage of education.
    #[serde(default)]
    pub education_stage: Option<EducationStage>,
    /// Capacity to work.
    pub labour_capacity: LabourCapacity,
    /// In work.
    #[serde(default)]
    pub employed: bool,
    /// Signed the authorisation.
    pub authorised: bool,
    /// Has a legal obligor among the members.
    #[serde(default)]
    pub obligor_in_household: bool,
    /// Failed activities of daily living.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub adl_failed_count: u8,
    /// Was 特困 until now.
    #[serde(default, skip_serializing_if = "is_false")]
    pub was_tekun: bool,
    /// Chose the orphan benefit.
    #[serde(default, skip_serializing_if = "is_false")]
    pub chose_orphan_benefit: bool,
    /// Refusals of suitable work.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub job_refusals: u8,
    /// Everything else.
    #[serde(flatten)]
    pub other: Other,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(value: &u8) -> bool {
    *value == 0
}

impl Member {
    /// The identity number when it is valid and of the birth date given (the gate of `semantics.md`).
    pub fn valid_id_number(&self) -> Option<IdNumber> {
        IdNumber::parse(&self.id_number.0).ok().filter(|id| id.born_on() == self.birth_date)
    }
}

/// Income of the last twelve months.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Income {
    /// Who received it.
    pub member_id: MemberRef,
    /// Category.
    pub category: IncomeCategory,
    /// Kind.
    pub kind: Kind,
    /// Amount of the window.
    pub amount_12m: Money,
    /// The centrally fixed basic part of a resident pension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_portion_12m: Option<Money>,
    /// Equal keys mark one and the same payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe_key: Option<String>,
    /// Paid although the person had died.
    #[serde(default, skip_serializing_if = "is_false")]
    pub paid_after_death: bool,
    /// Who knows: a department, or anything else for the household's own word.
    pub source: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Other,
}

/// Something owned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asset {
    /// Kind.
    pub kind: Kind,
    /// Value.
    pub value: Money,
    /// How many, 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Floor area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area_m2: Option<String>,
    /// Why it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exempt_kind: Option<Kind>,
    /// Who knows.
    pub source: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Other,
}

/// Rigid expenditure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Expenditure {
    /// For whom.
    pub member_id: MemberRef,
    /// Kind.
    pub kind: ExpenditureKind,
    /// The whole bill.
    pub gross: Money,
    /// Reimbursed or aided.
    #[serde(default)]
    pub covered: Money,
    /// The day it was paid.
    pub paid_on: Date,
    /// What a public institution would have charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_benchmark: Option<Money>,
    /// Who knows.
    pub source: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Other,
}

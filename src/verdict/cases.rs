//! Worked cases (`tests/cases/`): their format, and how a case becomes [`Facts`].
//!
//! The format is that of the published case file. What it does not know inside a case is refused by
//! name, because a field that is silently dropped would silently change a verdict.

use jiff::civil::Date;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::facts::{AssetItem, EvidenceId, ExpenditureItem, FactGap, Facts, IncomeItem, MemberFacts, Source};
use super::reasons::clause;
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::domain::declaration::{Event, Obligor, Prior};
use crate::domain::division::DivisionCode;
use crate::domain::fact::{Disability, EducationStage, ExpenditureKind, IncomeCategory, Kind};
use crate::domain::household::{LabourCapacity, MemberRef, RelationCode, Stability};
use crate::domain::id_number::{IdNumber, IdNumberError};
use crate::domain::money::Money;
use crate::domain::outcome::GapReason;
use crate::domain::problem::Text;
use crate::policy::ParameterSet;

/// A file of cases. Members at the top that describe the file itself are not read.
#[derive(Debug, Clone, Deserialize)]
pub struct CaseFile {
    /// Parameter sets by name, in the order of the file.
    #[serde(default, deserialize_with = "in_order")]
    pub parameter_sets: Vec<(String, ParameterSet)>,
    /// The cases.
    pub cases: Vec<Case>,
}

impl CaseFile {
    /// The inline set of this name.
    pub fn parameter_set(&self, name: &str) -> Option<&ParameterSet> {
        self.parameter_sets.iter().find(|(own, _)| own == name).map(|(_, set)| set)
    }
}

/// One case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its id, such as `C01`.
    pub id: String,
    /// What it is about.
    #[serde(default)]
    pub title_en: String,
    /// 内容.
    #[serde(default)]
    pub title_zh: String,
    /// Name of the inline set or of a pack.
    pub parameter_set: String,
    /// The day of the assessment.
    pub assessment_date: Date,
    /// Only the emergency overlay is asked for.
    #[serde(default)]
    pub emergency_only: bool,
    /// `OK`, `NO_RECORD`, or the reason of a gap, by department; departments that are not named answered.
    #[serde(default, deserialize_with = "in_order")]
    pub department_status: Vec<(String, String)>,
    /// The household.
    pub household: CaseHousehold,
    /// Its past.
    #[serde(default)]
    pub prior: Option<Prior>,
    /// The verdict that is expected; a case without one is only computed.
    #[serde(default)]
    pub expected: Option<serde_json::Map<String, serde_json::Value>>,
    /// A remark.
    #[serde(default)]
    pub note: Option<String>,
}

/// The household of a case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseHousehold {
    /// Where it is registered.
    pub hukou_region: DivisionCode,
    /// Whether income comes steadily.
    pub income_stability: Stability,
    /// Its members.
    pub members: Vec<CaseMember>,
    /// Their income.
    #[serde(default)]
    pub incomes: Vec<CaseIncome>,
    /// What they own.
    #[serde(default)]
    pub assets: Vec<CaseAsset>,
    /// What they had to spend.
    #[serde(default)]
    pub rigid_expenditures: Vec<CaseExpenditure>,
    /// Who owes them support.
    #[serde(default)]
    pub obligors: Vec<Obligor>,
    /// What happened to them.
    #[serde(default)]
    pub events: Vec<Event>,
}

/// A member of a case. The identity number shows in no `Debug`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseMember {
    /// How the case names the member.
    pub member_id: MemberRef,
    /// As written; checked by [`Case::facts`].
    pub id_number: String,
    /// Name, where a case gives one.
    #[serde(default)]
    pub name: Option<String>,
    /// Date of birth.
    pub birth_date: Date,
    /// GB/T 2261.1.
    #[serde(default)]
    pub sex_code: Option<String>,
    /// GB/T 4761.
    pub relation_code: RelationCode,
    /// Day of death.
    #[serde(default)]
    pub death_date: Option<Date>,
    /// Ground for not counting.
    #[serde(default)]
    pub exclusion: Option<Kind>,
    /// Certificate.
    #[serde(default)]
    pub disability: Option<Disability>,
    /// On the list of severe illness.
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
    /// Authorised the verification.
    pub authorised: bool,
    /// Has an obligor among the members.
    #[serde(default)]
    pub obligor_in_household: bool,
    /// Failed activities of daily living.
    #[serde(default)]
    pub adl_failed_count: u8,
    /// Was 特困 until now.
    #[serde(default)]
    pub was_tekun: bool,
    /// Chose the orphan benefit.
    #[serde(default)]
    pub chose_orphan_benefit: bool,
    /// Refusals of suitable work.
    #[serde(default)]
    pub job_refusals: u8,
}

impl std::fmt::Debug for CaseMember {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "CaseMember({}, hidden)", self.member_id)
    }
}

/// Income of a case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseIncome {
    /// Whose.
    pub member_id: MemberRef,
    /// Category.
    pub category: IncomeCategory,
    /// Kind.
    pub kind: Kind,
    /// Amount of the window.
    pub amount_12m: Money,
    /// `civil_affairs_declared`, or a department.
    pub source: CaseSource,
    /// Basic part of a resident pension.
    #[serde(default)]
    pub basic_portion_12m: Option<Money>,
    /// Equal keys mark one payment.
    #[serde(default)]
    pub dedupe_key: Option<String>,
    /// Paid after a death.
    #[serde(default)]
    pub paid_after_death: bool,
}

/// Property of a case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseAsset {
    /// Kind.
    pub kind: Kind,
    /// Value.
    pub value: Money,
    /// Who says so.
    pub source: CaseSource,
    /// How many; 1 when absent.
    #[serde(default)]
    pub count: Option<u32>,
    /// Floor area.
    #[serde(default)]
    pub area_m2: Option<String>,
    /// Why it does not count.
    #[serde(default)]
    pub exempt_kind: Option<Kind>,
}

/// Rigid expenditure of a case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseExpenditure {
    /// Whose.
    pub member_id: MemberRef,
    /// Kind.
    pub kind: ExpenditureKind,
    /// The bill.
    pub gross: Money,
    /// Reimbursed.
    #[serde(default)]
    pub covered: Money,
    /// When it was paid.
    pub paid_on: Date,
    /// Who says so.
    pub source: CaseSource,
    /// What a public institution charges.
    #[serde(default)]
    pub public_benchmark: Option<Money>,
}

/// Who says so, as a case writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseSource(pub Source);

/// How a case marks what the household itself says.
pub const DECLARED: &str = "civil_affairs_declared";

impl<'de> Deserialize<'de> for CaseSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if matches!(&*text, DECLARED | "declared") {
            return Ok(Self(Source::Declared));
        }
        DepartmentId::parse(&text).map(|id| Self(Source::Department(id))).map_err(serde::de::Error::custom)
    }
}

/// Why a case has no facts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// An identity number breaks GB 11643, or its date is not the date of birth. The outcome is `INVALID_INPUT`.
    #[error("{pointer}: {fault}")]
    IdNumber {
        /// Where, below the case.
        pointer: String,
        /// What is wrong; never the number itself.
        fault: IdNumberFault,
    },
    /// The case contradicts itself and cannot be computed.
    #[error("{pointer}: {}", .fault.en)]
    Case {
        /// Where, below the case.
        pointer: String,
        /// What is wrong and how to mend it.
        fault: Text,
    },
}

/// What is wrong with an identity number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdNumberFault {
    /// It breaks GB 11643.
    #[error(transparent)]
    Number(#[from] IdNumberError),
    /// Digits 7 to 14 are another day than the date of birth.
    #[error("the date in the identity number is not `birth_date`: mend the one that is wrong")]
    BirthDate,
}

impl Invalid {
    /// The outcome of a case whose identity numbers are not valid, in the form of `expected`.
    pub fn outcome() -> serde_json::Value {
        serde_json::json!({
            "status": "INVALID_INPUT",
            "flags": ["ID_NUMBER_INVALID"],
            "reason_codes": ["ID_NUMBER_INVALID"],
            "deciding_clauses": [clause::ID_NUMBER],
        })
    }
}

impl Case {
    /// The facts of the case. A department with a status other than `OK` and `NO_RECORD` is a gap with its effects from the catalogue.
    pub fn facts(&self, catalogue: &Catalogue) -> Result<Facts, Invalid> {
        let household = &self.household;
        for (index, member) in household.members.iter().enumerate() {
            let invalid = |fault| Invalid::IdNumber { pointer: format!("/household/members/{index}/id_number"), fault };
            let number = IdNumber::parse(&member.id_number).map_err(|error| invalid(error.into()))?;
            if number.born_on() != member.birth_date {
                return Err(invalid(IdNumberFault::BirthDate));
            }
        }
        if let Some((pointer, fault)) = self.contradictions(catalogue).into_iter().next() {
            return Err(Invalid::Case { pointer, fault });
        }
        // A position that no member has; what is said above lets none through.
        let nobody = household.members.len();
        let position = |reference: &MemberRef| {
            household.members.iter().position(|member| member.member_id == *reference).unwrap_or(nobody)
        };
        let mut evidence = 0_u32;
        let mut next = || {
            evidence += 1;
            EvidenceId(evidence)
        };
        let mut incomes = Vec::with_capacity(household.incomes.len());
        for item in &household.incomes {
            incomes.push(IncomeItem {
                member: position(&item.member_id),
                category: item.category,
                kind: item.kind.clone(),
                amount_12m: item.amount_12m,
                basic_portion_12m: item.basic_portion_12m,
                paid_after_death: item.paid_after_death,
                dedupe_key: item.dedupe_key.clone(),
                source: item.source.0.clone(),
                evidence: next(),
            });
        }
        let assets = household.assets.iter().map(|item| AssetItem {
            kind: item.kind.clone(),
            value: item.value,
            count: item.count.unwrap_or(1),
            exempt_kind: item.exempt_kind.clone(),
            source: item.source.0.clone(),
            evidence: next(),
        });
        let assets = assets.collect();
        let mut expenditures = Vec::with_capacity(household.rigid_expenditures.len());
        for item in &household.rigid_expenditures {
            expenditures.push(ExpenditureItem {
                member: position(&item.member_id),
                kind: item.kind,
                gross: item.gross,
                covered: item.covered,
                paid_on: item.paid_on,
                public_benchmark: item.public_benchmark,
                source: item.source.0.clone(),
                evidence: next(),
            });
        }
        Ok(Facts {
            assessed_on: self.assessment_date,
            hukou_region: household.hukou_region,
            emergency_only: self.emergency_only,
            stability: household.income_stability,
            members: household.members.iter().map(CaseMember::facts).collect(),
            incomes,
            assets,
            expenditures,
            obligors: household.obligors.clone(),
            events: household.events.clone(),
            prior: self.prior.clone().unwrap_or_default(),
            gaps: self.gaps(catalogue),
            spared: Vec::new(),
        })
    }

    /// Everything in which the case contradicts itself or the catalogue: where, below the case, and how to mend it.
    pub fn contradictions(&self, catalogue: &Catalogue) -> Vec<(String, Text)> {
        let household = &self.household;
        let members = &household.members;
        let is_known = |reference: &MemberRef| members.iter().any(|member| member.member_id == *reference);
        let mut found = Vec::new();
        let mut fault = |pointer: String, zh: &str, en: &str| found.push((pointer, Text::new(zh, en)));
        for (name, _) in &self.department_status {
            if !catalogue.departments().iter().any(|department| department.id.as_str() == name) {
                fault(
                    format!("/department_status/{name}"),
                    "目录中没有这个部门：请改正编号，或用 --catalogue 指定目录",
                    "is not a department of the catalogue: mend the id, or name a catalogue with --catalogue",
                );
            }
        }
        if members.is_empty() {
            fault(
                "/household/members".to_owned(),
                "家庭没有成员：请至少列出一人",
                "is empty: list at least one member",
            );
        }
        for (index, member) in members.iter().enumerate() {
            if members.iter().take(index).any(|other| other.member_id == member.member_id) {
                fault(
                    format!("/household/members/{index}/member_id"),
                    "两名成员编号相同：请改为不同的编号",
                    "is the id of another member: give each member its own",
                );
            }
            if member.adl_failed_count > 6 {
                fault(
                    format!("/household/members/{index}/adl_failed_count"),
                    "自理能力指标只有六项：应为0至6",
                    "there are six activities of daily living: give 0 to 6",
                );
            }
        }
        let incomes = household.incomes.iter().map(|item| &item.member_id).enumerate();
        let spent = household.rigid_expenditures.iter().map(|item| &item.member_id).enumerate();
        let strangers = incomes
            .filter(|(_, member)| !is_known(member))
            .map(|(index, _)| format!("/household/incomes/{index}/member_id"))
            .chain(
                spent
                    .filter(|(_, member)| !is_known(member))
                    .map(|(index, _)| format!("/household/rigid_expenditures/{index}/member_id")),
            );
        for pointer in strangers {
            fault(pointer, STRANGER.0, STRANGER.1);
        }
        for (index, obligor) in household.obligors.iter().enumerate() {
            let pointer = format!("/household/obligors/{index}");
            for (at, _) in obligor.supports.iter().enumerate().filter(|(_, reference)| !is_known(reference)) {
                fault(format!("{pointer}/supports/{at}"), STRANGER.0, STRANGER.1);
            }
            if obligor.supported_total == 0 {
                fault(
                    format!("{pointer}/supported_total"),
                    "赡养、抚养、扶养人数至少为1",
                    "is 0: an obligor supports at least one person",
                );
            }
        }
        found
    }

    fn gaps(&self, catalogue: &Catalogue) -> Vec<FactGap> {
        // In the order of the catalogue, which is the order in which blocking departments are listed.
        let gaps = catalogue.departments().iter().filter_map(|department| {
            let (_, status) = self.department_status.iter().find(|(name, _)| department.id.as_str() == name)?;
            let reason = gap_reason(status)?;
            Some(FactGap {
                department: department.id.clone(),
                reason,
                effects: department.if_missing.clone(),
                ages: department.if_missing_ages,
                members: Vec::new(),
            })
        });
        gaps.collect()
    }
}

/// What is said of a reference to nobody.
const STRANGER: (&str, &str) = (
    "不是本户成员的编号：请改为 members 中的 member_id",
    "is not a member of this household: use a member_id of members",
);

/// `None` for the two answers; every other status is a gap (`semantics.md`, Missing departments).
fn gap_reason(status: &str) -> Option<GapReason> {
    match status {
        "OK" | "NO_RECORD" => None,
        "TIMEOUT" => Some(GapReason::Timeout),
        "QUOTA" | "QUOTA_EXCEEDED" => Some(GapReason::QuotaExceeded),
        "NOT_AUTHORISED" => Some(GapReason::NotAuthorised),
        "MALFORMED" => Some(GapReason::Malformed),
        "MISMATCH" | "NAME_MISMATCH" => Some(GapReason::Mismatch),
        "NOT_CONNECTED" => Some(GapReason::NotConnected),
        _ => Some(GapReason::Unavailable),
    }
}

impl CaseMember {
    fn facts(&self) -> MemberFacts {
        MemberFacts {
            reference: self.member_id.clone(),
            born_on: self.birth_date,
            relation: self.relation_code,
            death_date: self.death_date,
            exclusion: self.exclusion.clone(),
            disability: self.disability,
            severe_illness: self.severe_illness,
            education_stage: self.education_stage,
            labour_capacity: self.labour_capacity,
            employed: self.employed,
            authorised: self.authorised,
            obligor_in_household: self.obligor_in_household,
            adl_failed_count: self.adl_failed_count,
            was_tekun: self.was_tekun,
            chose_orphan_benefit: self.chose_orphan_benefit,
            job_refusals: self.job_refusals,
        }
    }
}

/// A JSON object as pairs in the order of the file; a name that stands twice is refused.
fn in_order<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<(String, T)>, D::Error> {
    struct Pairs<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
        type Value = Vec<(String, T)>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs: Vec<(String, T)> = Vec::new();
            while let Some(name) = map.next_key::<String>()? {
                if pairs.iter().any(|(own, _)| *own == name) {
                    return Err(serde::de::Error::custom(format!("`{name}` stands twice")));
                }
                pairs.push((name, map.next_value()?));
            }
            Ok(pairs)
        }
    }
    deserializer.deserialize_map(Pairs(std::marker::PhantomData))
}

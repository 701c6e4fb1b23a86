//! The fact types: what a department can know about a person, in canonical form.
//!
//! One JSON Schema per type stands in `schemas/facts/`; a test holds schema, type and sample
//! documents together. Decoding a fact into these types is the check at the hub's door: unknown
//! members, wrong types, impossible dates and amounts are refused, never guessed.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::id_number::IdNumber;
use super::money::Money;
use super::problem::pointer_of;

/// The type of the facts in a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// Money received: [`Income`].
    Income,
    /// Something owned: [`Asset`].
    Asset,
    /// Money spent that cannot be avoided: [`Expenditure`].
    Expenditure,
    /// Schooling: [`Enrolment`].
    Enrolment,
    /// A death: [`Death`].
    Death,
    /// A registered illness: [`Diagnosis`].
    Diagnosis,
    /// A disability certificate: [`Disability`].
    Disability,
    /// Registered employment: [`Employment`].
    Employment,
    /// Membership of an insurance scheme: [`Insurance`].
    Insurance,
    /// Damage by a disaster: [`Disaster`].
    Disaster,
    /// Assistance in kind or in cash that is not counted as income: [`Assistance`].
    Assistance,
}

impl FactKind {
    /// Every type.
    pub const ALL: [Self; 11] = [
        Self::Income,
        Self::Asset,
        Self::Expenditure,
        Self::Enrolment,
        Self::Death,
        Self::Diagnosis,
        Self::Disability,
        Self::Employment,
        Self::Insurance,
        Self::Disaster,
        Self::Assistance,
    ];

    /// The name in files and of the schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Income => "income",
            Self::Asset => "asset",
            Self::Expenditure => "expenditure",
            Self::Enrolment => "enrolment",
            Self::Death => "death",
            Self::Diagnosis => "diagnosis",
            Self::Disability => "disability",
            Self::Employment => "employment",
            Self::Insurance => "insurance",
            Self::Disaster => "disaster",
            Self::Assistance => "assistance",
        }
    }
}

/// A kind within a fact type: `PENSION_EMPLOYEE`, `DEPOSIT`, … 1 to 64 characters of `A-Z`, `0-9`, `_`.
/// The rules know some kinds by name; packs may name others, so the list stays open.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Kind(std::borrow::Cow<'static, str>);

impl Kind {
    /// A kind known at compile time.
    pub const fn of(name: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(name))
    }

    /// Parses a kind.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        // A kind that is itself an identity number would carry it into traces and reports (P7).
        (fits && IdNumber::parse(text).is_err()).then(|| Self(std::borrow::Cow::Owned(text.to_owned())))
    }

    /// The kind as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a kind is 1 to 64 characters of A-Z, 0-9 and _"))
    }
}

/// Category of income (57号 第十三条).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IncomeCategory {
    /// 工资性收入.
    Wage,
    /// 经营净收入.
    Operating,
    /// 财产净收入.
    Property,
    /// 转移净收入.
    Transfer,
    /// 转移性支出: support and contributions paid out, which lower income.
    TransferOut,
    /// 其他.
    Other,
}

impl IncomeCategory {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wage => "WAGE",
            Self::Operating => "OPERATING",
            Self::Property => "PROPERTY",
            Self::Transfer => "TRANSFER",
            Self::TransferOut => "TRANSFER_OUT",
            Self::Other => "OTHER",
        }
    }
}

/// Money received over a span of days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Income {
    /// Category.
    pub category: IncomeCategory,
    /// Kind, such as `PENSION_RESIDENT`.
    pub kind: Kind,
    /// The whole amount received from `from` to `to`.
    pub amount: Money,
    /// First day the amount is for.
    pub from: Date,
    /// Last day the amount is for.
    pub to: Date,
    /// The part of a resident pension that is the centrally fixed basic pension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_portion: Option<Money>,
    /// Who paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// Equal keys mark one and the same payment reported by several departments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe_key: Option<String>,
}

impl Income {
    /// It would count for less than nothing: money paid out, or a part that is more than the whole.
    pub fn lowers_income(&self) -> bool {
        is_paid_out(self.category, &self.kind) || self.basic_portion.is_some_and(|part| part > self.amount)
    }
}

/// True for money paid out: support and contributions, which lower income.
pub fn is_paid_out(category: IncomeCategory, kind: &Kind) -> bool {
    category == IncomeCategory::TransferOut || kind.as_str() == "TRANSFER_OUT"
}

/// Something owned on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Kind: `DEPOSIT`, `DWELLING`, `VEHICLE`, …
    pub kind: Kind,
    /// Value in yuan; zero where the department keeps none.
    pub value: Money,
    /// How many, 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Floor area in square metres, a decimal string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area_m2: Option<String>,
    /// The share owned, a decimal string between 0 and 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// Why it does not count: `DISASTER_COLLAPSED`, `DISABILITY_AID`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exempt_kind: Option<Kind>,
    /// The day of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Date>,
    /// Equal keys mark one and the same thing, filed under each of its owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe_key: Option<String>,
}

/// Kind of rigid expenditure (刚性支出).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExpenditureKind {
    /// 医疗.
    Medical,
    /// 残疾康复.
    DisabilityRehab,
    /// 教育.
    Education,
    /// 因灾因意外.
    Accident,
}

impl ExpenditureKind {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Medical => "MEDICAL",
            Self::DisabilityRehab => "DISABILITY_REHAB",
            Self::Education => "EDUCATION",
            Self::Accident => "ACCIDENT",
        }
    }
}

/// Money spent that could not be avoided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expenditure {
    /// Kind.
    pub kind: ExpenditureKind,
    /// The whole bill.
    pub gross: Money,
    /// The part borne by funds, insurance or aid.
    pub covered: Money,
    /// The day it was paid.
    pub paid_on: Date,
    /// What a public institution would have charged; the cap where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<Money>,
}

/// Stage of education (学段).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EducationStage {
    /// 学前教育.
    Preschool,
    /// 小学.
    Primary,
    /// 初中.
    Junior,
    /// 普通高中.
    SeniorHigh,
    /// 中等职业学校（含技工学校）.
    SecondaryVocational,
    /// 特殊教育.
    Special,
    /// 全日制专科/高职.
    JuniorCollege,
    /// 全日制本科.
    Bachelor,
    /// 硕士研究生.
    Master,
    /// 博士研究生.
    Doctor,
}

impl EducationStage {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preschool => "PRESCHOOL",
            Self::Primary => "PRIMARY",
            Self::Junior => "JUNIOR",
            Self::SeniorHigh => "SENIOR_HIGH",
            Self::SecondaryVocational => "SECONDARY_VOCATIONAL",
            Self::Special => "SPECIAL",
            Self::JuniorCollege => "JUNIOR_COLLEGE",
            Self::Bachelor => "BACHELOR",
            Self::Master => "MASTER",
            Self::Doctor => "DOCTOR",
        }
    }
}

/// Enrolment (学籍).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// Stage.
    pub stage: EducationStage,
    /// Full-time study (全日制).
    pub full_time: bool,
    /// The school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<String>,
    /// When the person entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolled_on: Option<Date>,
}

/// A death (死亡医学证明).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Death {
    /// The day of death.
    pub died_on: Date,
}

/// A registered illness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnosis {
    /// ICD-10 code.
    pub code: String,
    /// On the local list of severe illness (重特大疾病).
    pub severe: bool,
    /// The day of diagnosis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosed_on: Option<Date>,
}

/// A disability certificate (GB/T 26341-2010).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Disability {
    /// Category 1 sight, 2 hearing, 3 speech, 4 physical, 5 intellectual, 6 mental, 7 multiple.
    #[serde(serialize_with = "digit::write", deserialize_with = "digit::category")]
    #[schema(value_type = String, pattern = "^[1-7]$", example = "4")]
    pub category: u8,
    /// Grade 1 (most severe) to 4.
    #[serde(serialize_with = "digit::write", deserialize_with = "digit::grade")]
    #[schema(value_type = String, pattern = "^[1-4]$", example = "2")]
    pub grade: u8,
}

impl Disability {
    /// Severe (重度残疾): grade 1 or 2, or intellectual or mental grade 3 (57号 第八条).
    pub const fn is_severe(self) -> bool {
        self.grade <= 2 || (matches!(self.category, 5 | 6) && self.grade == 3)
    }

    /// No labour capacity by disability: intellectual or mental grade 1–3, physical 1–2, sight 1 (43号 第五条).
    pub const fn takes_labour_capacity(self) -> bool {
        match self.category {
            5 | 6 => self.grade <= 3,
            4 => self.grade <= 2,
            1 => self.grade == 1,
            _ => false,
        }
    }
}

/// Code lists of one digit, written as strings.
mod digit {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
    pub(super) fn write<S: Serializer>(digit: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(digit)
    }

    pub(super) fn category<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        read(deserializer, b'7', "a category of disability is one digit, 1 to 7")
    }

    pub(super) fn grade<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        read(deserializer, b'4', "a grade of disability is one digit, 1 to 4")
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, last: u8, expected: &str) -> Result<u8, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        match text.as_bytes() {
            [digit] if (b'1'..=last).contains(digit) => Ok(digit - b'0'),
            _ => Err(serde::de::Error::custom(expected)),
        }
    }
}

/// Registered employment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Employment {
    /// Employed at the date of the record.
    pub employed: bool,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Date>,
    /// The employer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employer: Option<String>,
}

/// Membership of an insurance scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Insurance {
    /// Scheme: `EMPLOYEE_MEDICAL`, `RESIDENT_MEDICAL`, …
    pub scheme: Kind,
    /// Paying or covered at the date of the record.
    pub active: bool,
}

/// Damage by a disaster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disaster {
    /// Kind of disaster: `FLOOD`, `FIRE`, `EARTHQUAKE`, `SNOWSTORM`, …
    pub kind: Kind,
    /// The day.
    pub occurred_on: Date,
    /// Rooms collapsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooms_collapsed: Option<u32>,
}

/// Assistance received that is not income: public housing, rent subsidy in kind, medical aid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assistance {
    /// Kind: `PUBLIC_HOUSING`, `MEDICAL_AID`, …
    pub kind: Kind,
    /// Since when.
    pub from: Date,
    /// Amount, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

/// A fact of any type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// See [`Income`].
    Income(Income),
    /// See [`Asset`].
    Asset(Asset),
    /// See [`Expenditure`].
    Expenditure(Expenditure),
    /// See [`Enrolment`].
    Enrolment(Enrolment),
    /// See [`Death`].
    Death(Death),
    /// See [`Diagnosis`].
    Diagnosis(Diagnosis),
    /// See [`Disability`].
    Disability(Disability),
    /// See [`Employment`].
    Employment(Employment),
    /// See [`Insurance`].
    Insurance(Insurance),
    /// See [`Disaster`].
    Disaster(Disaster),
    /// See [`Assistance`].
    Assistance(Assistance),
}

/// A fact that does not fit its type: where in the document. The value is never part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at `{pointer}`: does not fit the schema of {kind}", kind = .kind.as_str())]
pub struct FactError {
    /// JSON pointer inside the array of facts.
    pub pointer: String,
    /// The type it should have had.
    pub kind: FactKind,
}

impl Fact {
    /// Tells of each field that this record may leave out and that a verdict rests on, whether it does. Not of those that
    /// stand only where something happened (an exemption, collapsed rooms, a benefit in money): how often they stand
    /// changes with what happens.
    pub fn each_optional(&self, mut tell: impl FnMut(&'static str, bool)) {
        match self {
            Self::Income(income) => {
                tell("basic_portion", income.basic_portion.is_none());
                tell("dedupe_key", income.dedupe_key.is_none());
            }
            Self::Asset(asset) => {
                tell("count", asset.count.is_none());
                tell("area_m2", asset.area_m2.is_none());
                tell("share", asset.share.is_none());
                tell("dedupe_key", asset.dedupe_key.is_none());
            }
            Self::Expenditure(expenditure) => tell("benchmark", expenditure.benchmark.is_none()),
            Self::Disaster(_)
            | Self::Assistance(_)
            | Self::Enrolment(_)
            | Self::Death(_)
            | Self::Diagnosis(_)
            | Self::Disability(_)
            | Self::Employment(_)
            | Self::Insurance(_) => {}
        }
    }

    /// Decodes an array of facts of one type from JSON. What does not fit is named by pointer.
    pub fn decode(kind: FactKind, json: &str) -> Result<Vec<Self>, FactError> {
        fn all<'de, T: Deserialize<'de>>(
            kind: FactKind,
            json: &'de str,
            wrap: fn(T) -> Fact,
        ) -> Result<Vec<Fact>, FactError> {
            if let Ok(facts) = serde_json::from_str::<Vec<T>>(json) {
                return Ok(facts.into_iter().map(wrap).collect());
            }
            let mut deserializer = serde_json::Deserializer::from_str(json);
            let pointer = match serde_path_to_error::deserialize::<_, Vec<T>>(&mut deserializer) {
                Ok(_) => String::new(),
                Err(error) => pointer_of(error.path()),
            };
            Err(FactError { pointer, kind })
        }
        match kind {
            FactKind::Income => all(kind, json, Fact::Income),
            FactKind::Asset => all(kind, json, Fact::Asset),
            FactKind::Expenditure => all(kind, json, Fact::Expenditure),
            FactKind::Enrolment => all(kind, json, Fact::Enrolment),
            FactKind::Death => all(kind, json, Fact::Death),
            FactKind::Diagnosis => all(kind, json, Fact::Diagnosis),
            FactKind::Disability => all(kind, json, Fact::Disability),
            FactKind::Employment => all(kind, json, Fact::Employment),
            FactKind::Insurance => all(kind, json, Fact::Insurance),
            FactKind::Disaster => all(kind, json, Fact::Disaster),
            FactKind::Assistance => all(kind, json, Fact::Assistance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misfit_is_named_by_pointer_and_never_quoted() {
        let json = r#"[{"category":"TRANSFER","kind":"PENSION_RESIDENT","amount":"1.00","from":"2024-03-01","to":"2025-02-28"},
            {"category":"TRANSFER","kind":"PENSION_RESIDENT","amount":"150000198605021015x","from":"2024-03-01","to":"2025-02-28"}]"#;
        let error = Fact::decode(FactKind::Income, json).unwrap_err();
        assert_eq!(error.pointer, "/1/amount");
        assert!(!error.to_string().contains("150000"));
    }

    #[test]
    fn a_kind_is_never_an_identity_number() {
        assert!(Kind::parse("WAGE").is_some() && Kind::parse("2101").is_some());
        for bad in ["", "wage", "150000198605021015", &"K".repeat(65)] {
            assert!(Kind::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn severity_of_disability_follows_category_and_grade() {
        let disability = |category, grade| Disability { category, grade };
        assert!(disability(4, 2).is_severe() && disability(5, 3).is_severe() && !disability(4, 3).is_severe());
        assert!(disability(1, 1).takes_labour_capacity() && !disability(1, 2).takes_labour_capacity());
        assert!(disability(6, 3).takes_labour_capacity() && !disability(2, 1).takes_labour_capacity());
    }
}

#[cfg(test)]
mod schema_tests;

//! The parameters a rule leaves open, one by one, with their published form.
//!
//! [`Values`] holds any part of them (one row of a pack, or what a chain of packs gives together);
//! [`super::Rules`] holds all of them, checked. The names are those of the worked cases.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::decimal::Decimal;
use crate::domain::dataset::DepartmentId;
use crate::domain::fact::{EducationStage, Kind};
use crate::domain::money::Money;

/// Month or year: the unit a standard is published in. It is never converted before a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StandardPeriod {
    /// Yuan a month.
    Month,
    /// Yuan a year.
    Year,
}

/// A subsistence standard (低保标准) for one person, as published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standard {
    /// The published amount.
    pub amount: Money,
    /// Its unit.
    pub period: StandardPeriod,
}

/// The lower bound of the low-income band: 不低于 includes the line, 高于 excludes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LowerBound {
    /// At or above the line.
    Gte,
    /// Above the line.
    Gt,
}

/// An upper bound: 低于 excludes the limit, 以下 and 不超过 include it (民法典 第一千二百五十九条).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpperBound {
    /// Below the limit.
    Lt,
    /// At or below the limit.
    Lte,
}

impl UpperBound {
    /// True when `value` keeps to `limit`.
    pub fn admits<T: Ord>(self, value: T, limit: T) -> bool {
        match self {
            Self::Lt => value < limit,
            Self::Lte => value <= limit,
        }
    }

    /// The sign of the comparison.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Lt => "<",
            Self::Lte => "<=",
        }
    }
}

impl LowerBound {
    /// True when `value` reaches `limit`.
    pub fn admits<T: Ord>(self, value: T, limit: T) -> bool {
        match self {
            Self::Gte => value >= limit,
            Self::Gt => value > limit,
        }
    }
}

/// Which days rigid expenditure is counted over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WindowRule {
    /// The full calendar months before the month of the application.
    FullCalendarMonthsBeforeApplicationMonth,
    /// The 365 days before the day of the application.
    #[serde(rename = "ROLLING_365")]
    Rolling365,
}

/// The necessary cost of employment (必要的就业成本).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmploymentCost {
    /// What the percentage is of.
    pub mode: EmploymentCostMode,
    /// The percentage.
    pub percent: Decimal,
}

/// What the cost of employment is a percentage of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EmploymentCostMode {
    /// Of the wage.
    PercentOfWage,
}

/// How support by an obligor who pays by no judgment is imputed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupportFormula {
    /// What the percentage is of.
    pub mode: SupportMode,
    /// The percentage.
    pub percent: Decimal,
}

/// What imputed support is a percentage of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SupportMode {
    /// Of what the obligor's household has above the line of its own size.
    ExcessOverStandard,
}

/// How much a household may hold in financial assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinancialLimit {
    /// Months of the standard, a head.
    pub months: u16,
    /// Whether the limit itself passes.
    pub comparison: UpperBound,
}

/// The family of the rule for households with rigid expenditure (刚性支出困难家庭).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExpenditureRule {
    /// Net income below the line: the founding document of 2021.
    #[serde(rename = "SEED_2021")]
    Seed2021,
    /// Ratio of expenditure to income: the region's rule of 2024.
    #[serde(rename = "IM_2024")]
    Im2024,
    /// Ratio of expenditure to income: 民发〔2024〕57号.
    #[serde(rename = "NATIONAL_2024")]
    National2024,
}

impl ExpenditureRule {
    /// True for the family that compares expenditure with income.
    pub const fn is_ratio(self) -> bool {
        matches!(self, Self::Im2024 | Self::National2024)
    }

    /// The name in packs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seed2021 => "SEED_2021",
            Self::Im2024 => "IM_2024",
            Self::National2024 => "NATIONAL_2024",
        }
    }
}

/// A circle that a household can be tested for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TestedCircle {
    /// 低保.
    Dibao,
    /// 低收入（低保边缘）.
    LowIncome,
    /// 支出型（刚性支出困难）.
    Expenditure,
}

/// How a benefit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BenefitMode {
    /// 差额救助.
    Difference,
    /// 分档救助: an officer sets the tier.
    Tiered,
}

/// How printed amounts are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BenefitRounding {
    /// Half up to the fen.
    HalfUpFen,
}

/// The percentage of the standard added for a member (分类增发), by ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "SCREAMING_SNAKE_CASE")]
pub struct TopUpPercent {
    /// 老年人.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elderly: Option<Decimal>,
    /// 未成年人.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor: Option<Decimal>,
    /// 重病患者.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severe_illness: Option<Decimal>,
    /// 重度残疾人.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severe_disability: Option<Decimal>,
}

/// What happens when a member has several grounds for a top-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TopUpStacking {
    /// The highest counts.
    Max,
    /// All count.
    Sum,
}

/// What a member admitted as a single person (单人户) gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SinglePersonBenefit {
    /// The standard less the member's own income.
    StandardMinusOwnIncome,
}

/// Special assistance (专项救助) that a circle opens; each is granted by its own department on application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SpecialAssistance {
    /// 医疗救助.
    Medical,
    /// 住房救助.
    Housing,
    /// 教育救助.
    Education,
    /// 就业救助.
    Employment,
}

impl SpecialAssistance {
    /// Every kind, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Medical, Self::Housing, Self::Education, Self::Employment];

    /// The name in packs and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Medical => "MEDICAL",
            Self::Housing => "HOUSING",
            Self::Education => "EDUCATION",
            Self::Employment => "EMPLOYMENT",
        }
    }
}

/// Which special assistance each circle opens (SEED-S03); a circle that is not named opens none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "SCREAMING_SNAKE_CASE")]
pub struct ReferralsByCircle {
    /// 特困.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tekun: Option<Vec<SpecialAssistance>>,
    /// 低保.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dibao: Option<Vec<SpecialAssistance>>,
    /// 低收入（低保边缘）.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_income: Option<Vec<SpecialAssistance>>,
    /// 支出型（刚性支出困难）.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expenditure: Option<Vec<SpecialAssistance>>,
}

/// A ground for admitting a member alone besides severe disability and severe illness (SEED-S36).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SingleGround {
    /// 完全丧失劳动能力, at an age at which others work.
    NoCapacity,
}

/// When the 24-hour clock of first aid starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClockStart {
    /// When the event was reported.
    ReportedAt,
    /// When the event happened.
    OccurredAt,
}

/// How far a declared amount and a found one may be apart and still agree (申报误差). The larger allowance counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclarationTolerance {
    /// This many percent of the declared amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Decimal>,
    /// This amount, yuan over the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

/// Parameters of 特困.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TekunRule {
    /// Below this age a person has no labour capacity.
    pub minor_age_limit: i16,
    /// Stages of education in which support goes on after 18.
    pub continue_stages: Vec<EducationStage>,
    /// Least share of the minimum wage that full care should cost; a check, not a formula.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_care_floor_ratio: Option<Decimal>,
    /// Kinds of income that do not count as a person's own in this test, besides those that do not count at all (43号
    /// 第六条). Without it there are no others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exempt_income_kinds: Option<Vec<Kind>>,
    /// Whether the basic part of a resident pension does not count as a person's own in this test, on any day: the list
    /// of 43号 第六条 ends on none. Without it that part counts as it does for a household.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_pension_exempt: Option<bool>,
}

/// One tier of a region that pays by tiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Its name.
    pub tier: String,
    /// Yuan a person and month.
    pub per_person_monthly: Money,
}

macro_rules! values {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// Any part of the parameters.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Values {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }

        /// The name of every parameter, in the order of the documentation.
        pub const FIELDS: &[&str] = &[$(stringify!($field)),*];

        impl Values {
            /// Takes over what `other` holds.
            pub(super) fn overlay(&mut self, other: &Self) {
                $(if other.$field.is_some() { self.$field.clone_from(&other.$field); })*
            }

            /// The names of the parameters held.
            pub(super) fn held(&self) -> Vec<&'static str> {
                let mut names = Vec::new();
                $(if self.$field.is_some() { names.push(stringify!($field)); })*
                names
            }
        }
    };
}

values! {
    /// 低保标准 of the place, for one person.
    dibao_standard: Standard,
    /// The low-income line as a multiple of the standard (SEED-S12; 57号 第八条).
    low_income_multiple: Decimal,
    /// Whether the line itself belongs to the low-income band.
    low_income_lower_bound: LowerBound,
    /// Whether the multiple itself belongs to the low-income band.
    low_income_upper_bound: UpperBound,
    /// Months of income and expenditure that count.
    income_window_months: u8,
    /// Which days those months are.
    window_rule: WindowRule,
    /// Kinds of income that do not count (57号 第十三条).
    exempt_income_kinds: Vec<Kind>,
    /// Last day on which the basic part of a resident pension does not count.
    basic_pension_exempt_until: Date,
    /// Necessary cost of employment.
    employment_cost: EmploymentCost,
    /// How support by an obligor is imputed.
    support_formula: SupportFormula,
    /// Limit of financial assets.
    financial_asset_limit: FinancialLimit,
    /// Dwellings a household may own.
    dwelling_max: u32,
    /// Vehicles that do not count.
    vehicle_exempt_kinds: Vec<Kind>,
    /// Limit of the value of business entities.
    business_capital_limit: Money,
    /// Whether that limit itself passes.
    business_capital_comparison: UpperBound,
    /// Family of the rule for rigid expenditure.
    expenditure_rule: ExpenditureRule,
    /// Ratio rule: all rigid expenditure must be above this percentage of income.
    expenditure_ratio_percent: Decimal,
    /// Ratio rule: or medical and accident expenditure above this one.
    expenditure_medical_ratio_percent: Decimal,
    /// Ratio rule: income a head must be below last year's local disposable income a head.
    per_capita_disposable_income_prev_year: Money,
    /// Which circle comes first when several are met.
    circle_precedence: Vec<TestedCircle>,
    /// How a benefit is set.
    benefit_mode: BenefitMode,
    /// How printed amounts are rounded.
    benefit_rounding: BenefitRounding,
    /// Tiers, where a benefit is set by tier.
    tiers: Vec<Tier>,
    /// Top-up by ground.
    topup_percent: TopUpPercent,
    /// What happens when a member has several grounds.
    topup_stacking: TopUpStacking,
    /// From which age a member is elderly for a top-up.
    topup_elderly_age: i16,
    /// What a single person gets.
    single_person_benefit: SinglePersonBenefit,
    /// Months of the graduation period (渐退期).
    graduation_months: u32,
    /// Parameters of 特困.
    tekun: TekunRule,
    /// Local minimum wage a month; a check of the care floor, never imputed as income.
    minimum_wage_monthly: Money,
    /// Hours within which first aid is given (SEED-S16).
    emergency_first_aid_hours: u32,
    /// When those hours start.
    emergency_clock_start: ClockStart,
    /// Whose record of one and the same payment stands, most trusted first; then any other department, then the declaration.
    income_authority: Vec<DepartmentId>,
    /// How far declared and found amounts may be apart. Without it a difference is shown and not judged.
    declaration_tolerance: DeclarationTolerance,
    /// Which special assistance each circle opens (SEED-S03). Without it none is named.
    referrals_by_circle: ReferralsByCircle,
    /// Grounds for admitting a member alone, besides those that the rule names itself (SEED-S36).
    single_grounds: Vec<SingleGround>,
    /// Percentage of income beyond which a change inside the review cycle changes the amount (SEED-S27). Without it
    /// no change is judged.
    significant_change_percent: Decimal,
    /// Holders of a residence permit may apply where they live (SEED-S09). Without it they may not.
    residence_permit_application: bool,
    /// Rigid costs of illness and disability are taken off income in the dibao test (57号 第十三条). Without it they
    /// are not.
    deduct_rigid_in_dibao_test: bool,
}

/// A parameter by its place in [`FIELDS`]. It is found by name while the program is built, so that looking a
/// figure up costs an index and a misspelt name does not compile: `const LINE: Field = Field::named("dibao_standard");`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field(usize);

impl Field {
    /// The parameter of this name.
    #[expect(clippy::indexing_slicing, clippy::panic, reason = "evaluated while the program is built")]
    pub const fn named(name: &str) -> Self {
        let mut index = 0;
        while index < FIELDS.len() {
            if is_same(FIELDS[index].as_bytes(), name.as_bytes()) {
                return Self(index);
            }
            index += 1;
        }
        panic!("no parameter has this name")
    }

    pub(super) const fn index(self) -> usize {
        self.0
    }
}

/// Equality of texts, which `==` cannot tell while the program is built.
const fn is_same(left: &[u8], right: &[u8]) -> bool {
    match (left, right) {
        ([], []) => true,
        ([first, left @ ..], [second, right @ ..]) => *first == *second && is_same(left, right),
        _ => false,
    }
}

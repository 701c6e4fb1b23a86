//! `Parameters`: all parameters of one place on one day under one name, checked, with their sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::decimal::Decimal;
use super::values::{
    BenefitMode, ClockStart, EmploymentCost, ExpenditureRule, FIELDS, Field, FinancialLimit, LowerBound,
    ReferralsByCircle, SingleGround, StandardPeriod, SupportFormula, TekunRule, TestedCircle, TopUpPercent,
    TopUpStacking, UpperBound, Values, WindowRule,
};
use crate::domain::dataset::DepartmentId;
use crate::domain::division::DivisionCode;
use crate::domain::exact::{Exact, Overflow};
use crate::domain::fact::Kind;
use crate::domain::household::Place;
use crate::domain::money::Money;
use crate::domain::problem::Text;

/// A ratio that no expenditure reaches: stands where the rule of 2021 is in force, which reads none.
const UNREACHABLE_PERCENT: Decimal = Decimal::whole(999_999_999);

/// Where a figure comes from and how far it can be trusted (promise P5).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// `verified`, or `borrowed: …`, `assumed: …` and the like, as published with the figure.
    pub status: String,
    /// The document or page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What else should be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The year the figure is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<i16>,
    /// First day, when it comes from a pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<Date>,
    /// Last day, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_to: Option<Date>,
    /// The division whose pack holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division: Option<DivisionCode>,
    /// The file that holds it, relative to the folder of packs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Arc<str>>,
    /// The line of its value in that file. Not part of a trace: a comment added above must not change one.
    #[serde(skip)]
    pub line: Option<usize>,
}

/// All parameters, complete and checked; amounts in fen, percentages exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The standard of one person over twelve months, by whole multiplication from the published unit.
    pub line_of_one: Money,
    /// See [`Values::low_income_multiple`]; so for all that follow.
    pub low_income_multiple: Decimal,
    /// Lower bound of the band.
    pub low_income_lower_bound: LowerBound,
    /// Upper bound of the band.
    pub low_income_upper_bound: UpperBound,
    /// Months that count.
    pub income_window_months: u8,
    /// Which days they are.
    pub window_rule: WindowRule,
    /// Kinds of income that do not count.
    pub exempt_income_kinds: Vec<Kind>,
    /// Last day of the exemption of the basic pension; none when there is no exemption.
    pub basic_pension_exempt_until: Option<Date>,
    /// Cost of employment, where it is deducted.
    pub employment_cost: Option<EmploymentCost>,
    /// Imputed support, where it is imputed.
    pub support_formula: Option<SupportFormula>,
    /// Limit of financial assets.
    pub financial_asset_limit: FinancialLimit,
    /// Dwellings allowed.
    pub dwelling_max: u32,
    /// Vehicles that do not count.
    pub vehicle_exempt_kinds: Vec<Kind>,
    /// Limit of business capital.
    pub business_capital_limit: Money,
    /// Whether it passes itself.
    pub business_capital_comparison: UpperBound,
    /// Family of the expenditure rule.
    pub expenditure_rule: ExpenditureRule,
    /// Ratio of all rigid expenditure.
    pub expenditure_ratio_percent: Decimal,
    /// Ratio of medical and accident expenditure.
    pub expenditure_medical_ratio_percent: Decimal,
    /// Income ceiling a head of the ratio rule; always there for that rule.
    pub disposable_income_per_head: Option<Money>,
    /// Order of circles; each once.
    pub circle_precedence: [TestedCircle; 3],
    /// How a benefit is set.
    pub benefit_mode: BenefitMode,
    /// Top-ups.
    pub topup_percent: TopUpPercent,
    /// Several grounds.
    pub topup_stacking: TopUpStacking,
    /// Age of the elderly.
    pub topup_elderly_age: i16,
    /// Graduation period.
    pub graduation_months: u32,
    /// 特困.
    pub tekun: TekunRule,
    /// Minimum wage.
    pub minimum_wage_monthly: Option<Money>,
    /// First aid.
    pub emergency_first_aid_hours: u32,
    /// Its clock.
    pub emergency_clock_start: ClockStart,
    /// Source authority.
    pub income_authority: Vec<DepartmentId>,
    /// Special assistance by circle, where the pack names it.
    pub referrals_by_circle: Option<ReferralsByCircle>,
    /// Total loss of the capacity to work is a ground for admitting a member alone.
    pub single_by_no_capacity: bool,
    /// What a material change is, where the pack says so.
    pub significant_change_percent: Option<Decimal>,
    /// Holders of a residence permit may apply where they live.
    pub residence_permit_application: bool,
    /// Rigid costs of illness and disability are taken off income in the dibao test.
    pub deduct_rigid_in_dibao_test: bool,
}

/// Why values are not a complete set of rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A parameter has no value.
    #[error("parameter `{0}` is missing: give it a value")]
    Missing(&'static str),
    /// A parameter has a value that no rule can use.
    #[error("parameter `{field}` {}", .fault.1)]
    Unusable {
        /// The parameter.
        field: &'static str,
        /// What is wrong and how to mend it, Chinese and English.
        fault: (&'static str, &'static str),
    },
}

impl RulesError {
    /// The parameter.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Missing(field) | Self::Unusable { field, .. } => field,
        }
    }

    /// In words, Chinese and English.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Missing(field) => format!("缺少参数 `{field}`：请给出它的值"),
            Self::Unusable { field, fault } => format!("参数 `{field}` {}", fault.0),
        };
        Text::new(zh, self.to_string())
    }
}

impl Rules {
    /// Checks that every parameter a verdict needs is there and makes sense.
    pub fn from_values(values: &Values) -> Result<Self, RulesError> {
        fn need<T: Clone>(value: Option<&T>, field: &'static str) -> Result<T, RulesError> {
            value.cloned().ok_or(RulesError::Missing(field))
        }
        let standard = need(values.dibao_standard.as_ref(), "dibao_standard")?;
        let months = match standard.period {
            StandardPeriod::Month => 12,
            StandardPeriod::Year => 1,
        };
        let unusable = |field, zh, en| RulesError::Unusable { field, fault: (zh, en) };
        let line_of_one = standard.amount.checked_mul(months).filter(|line| *line > Money::ZERO).ok_or(unusable(
            "dibao_standard",
            "须大于零",
            "must be above zero",
        ))?;
        let expenditure_rule = need(values.expenditure_rule.as_ref(), "expenditure_rule")?;
        if expenditure_rule.is_ratio() {
            need(values.expenditure_ratio_percent.as_ref(), "expenditure_ratio_percent")?;
            need(values.expenditure_medical_ratio_percent.as_ref(), "expenditure_medical_ratio_percent")?;
            need(values.per_capita_disposable_income_prev_year.as_ref(), "per_capita_disposable_income_prev_year")?;
        }
        let precedence = need(values.circle_precedence.as_ref(), "circle_precedence")?;
        let all = [TestedCircle::Dibao, TestedCircle::LowIncome, TestedCircle::Expenditure];
        let circle_precedence = <[TestedCircle; 3]>::try_from(precedence)
            .ok()
            .filter(|order| all.iter().all(|circle| order.contains(circle)))
            .ok_or(unusable(
                "circle_precedence",
                "须各列一次 DIBAO、LOW_INCOME、EXPENDITURE",
                "must name DIBAO, LOW_INCOME and EXPENDITURE once each",
            ))?;
        let income_window_months = need(values.income_window_months.as_ref(), "income_window_months")?;
        if !(1..=60).contains(&income_window_months) {
            return Err(unusable("income_window_months", "须为 1 至 60", "must be 1 to 60"));
        }
        for (field, percent) in [
            ("employment_cost", values.employment_cost.map(|cost| cost.percent)),
            ("support_formula", values.support_formula.map(|formula| formula.percent)),
        ] {
            if percent.is_some_and(|percent| percent.is_above(100)) {
                return Err(unusable(field, "的百分比超过 100", "has a percentage above 100"));
            }
        }
        if let Some(tolerance) = values.declaration_tolerance {
            if tolerance.percent.is_none() && tolerance.amount.is_none() {
                return Err(unusable(
                    "declaration_tolerance",
                    "须有 percent 或 amount，或两者都有",
                    "needs a percent or an amount, or both",
                ));
            }
            if tolerance.percent.is_some_and(|percent| percent.is_above(100)) {
                return Err(unusable("declaration_tolerance", "的百分比超过 100", "has a percentage above 100"));
            }
        }
        need(values.benefit_rounding.as_ref(), "benefit_rounding")?;
        need(values.single_person_benefit.as_ref(), "single_person_benefit")?;
        // The rule of 2021 reads no ratio; under the ratio rule both are there.
        let ratio = (values.expenditure_ratio_percent, values.expenditure_medical_ratio_percent);
        Ok(Self {
            line_of_one,
            low_income_multiple: need(values.low_income_multiple.as_ref(), "low_income_multiple")?,
            low_income_lower_bound: need(values.low_income_lower_bound.as_ref(), "low_income_lower_bound")?,
            low_income_upper_bound: need(values.low_income_upper_bound.as_ref(), "low_income_upper_bound")?,
            income_window_months,
            window_rule: need(values.window_rule.as_ref(), "window_rule")?,
            exempt_income_kinds: need(values.exempt_income_kinds.as_ref(), "exempt_income_kinds")?,
            basic_pension_exempt_until: values.basic_pension_exempt_until,
            employment_cost: values.employment_cost,
            support_formula: values.support_formula,
            financial_asset_limit: need(values.financial_asset_limit.as_ref(), "financial_asset_limit")?,
            dwelling_max: need(values.dwelling_max.as_ref(), "dwelling_max")?,
            vehicle_exempt_kinds: need(values.vehicle_exempt_kinds.as_ref(), "vehicle_exempt_kinds")?,
            business_capital_limit: need(values.business_capital_limit.as_ref(), "business_capital_limit")?,
            business_capital_comparison: need(
                values.business_capital_comparison.as_ref(),
                "business_capital_comparison",
            )?,
            expenditure_rule,
            expenditure_ratio_percent: ratio.0.unwrap_or(UNREACHABLE_PERCENT),
            expenditure_medical_ratio_percent: ratio.1.unwrap_or(UNREACHABLE_PERCENT),
            disposable_income_per_head: values.per_capita_disposable_income_prev_year,
            circle_precedence,
            benefit_mode: need(values.benefit_mode.as_ref(), "benefit_mode")?,
            topup_percent: need(values.topup_percent.as_ref(), "topup_percent")?,
            topup_stacking: need(values.topup_stacking.as_ref(), "topup_stacking")?,
            topup_elderly_age: need(values.topup_elderly_age.as_ref(), "topup_elderly_age")?,
            graduation_months: need(values.graduation_months.as_ref(), "graduation_months")?,
            tekun: need(values.tekun.as_ref(), "tekun")?,
            minimum_wage_monthly: values.minimum_wage_monthly,
            emergency_first_aid_hours: need(values.emergency_first_aid_hours.as_ref(), "emergency_first_aid_hours")?,
            emergency_clock_start: need(values.emergency_clock_start.as_ref(), "emergency_clock_start")?,
            income_authority: need(values.income_authority.as_ref(), "income_authority")?,
            referrals_by_circle: values.referrals_by_circle.clone(),
            single_by_no_capacity: values
                .single_grounds
                .as_ref()
                .is_some_and(|grounds| grounds.contains(&SingleGround::NoCapacity)),
            significant_change_percent: values.significant_change_percent,
            residence_permit_application: values.residence_permit_application == Some(true),
            deduct_rigid_in_dibao_test: values.deduct_rigid_in_dibao_test == Some(true),
        })
    }

    /// The line of `persons` over twelve months.
    pub fn line(&self, persons: usize) -> Result<Exact, Overflow> {
        Exact::from(self.line_of_one).times(i64::try_from(persons).map_err(|_| Overflow)?)
    }

    /// One person's standard a month, exact.
    pub fn monthly_line_of_one(&self) -> Result<Exact, Overflow> {
        Exact::from(self.line_of_one).scale(1, 12)
    }

    /// The limit of financial assets for `persons`.
    pub fn financial_limit(&self, persons: usize) -> Result<Exact, Overflow> {
        self.line(persons)?.scale(i64::from(self.financial_asset_limit.months), 12)
    }
}

/// All parameters of one place on one day, under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    name: String,
    title: String,
    place: Place,
    values: Values,
    rules: Rules,
    /// By [`Field`].
    figures: Vec<Option<Figure>>,
    digest: String,
}

/// One parameter as published, with where it comes from: ready to be shown in a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// Its name.
    pub field: &'static str,
    /// Its value in the published form.
    pub value: serde_json::Value,
    /// Status, source and dates.
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl Parameters {
    /// Checks and names a set of values.
    pub(super) fn new(
        name: String,
        title: String,
        place: Place,
        values: Values,
        mut provenance: BTreeMap<&'static str, Provenance>,
    ) -> Result<Self, RulesError> {
        #[derive(Serialize)]
        struct Content<'a> {
            name: &'a str,
            place: Place,
            values: &'a Values,
            sources: Vec<Cited<'a>>,
        }
        #[derive(Serialize)]
        struct Cited<'a> {
            field: &'a str,
            status: &'a str,
            source: Option<&'a str>,
            note: Option<&'a str>,
            year: Option<i16>,
        }
        let rules = Rules::from_values(&values)?;
        let sources = provenance
            .iter()
            .map(|(field, from)| Cited {
                field,
                status: &from.status,
                source: from.source.as_deref(),
                note: from.note.as_deref(),
                year: from.year,
            })
            .collect();
        let content = Content { name: &name, place, values: &values, sources };
        let bytes = serde_json::to_vec(&content).expect("strings, numbers and lists always serialise");
        let digest = hex(digest(&SHA256, &bytes).as_ref());
        let published = serde_json::to_value(&values).expect("strings, numbers and lists always serialise");
        let mut figure = |field: &'static str| {
            let provenance = provenance.remove(field)?;
            Some(Figure { field, value: published.get(field)?.clone(), provenance })
        };
        let figures = FIELDS.iter().map(|field| figure(field)).collect();
        Ok(Self { name, title, place, values, rules, figures, digest })
    }

    /// The name of the pack, such as `IM_WLHT_URBAN`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The place in words, as the pack says it.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The place the parameters hold at.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The rules, ready to compute with.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The values in their published form.
    pub const fn values(&self) -> &Values {
        &self.values
    }

    /// One parameter as published; `None` when it has no value.
    pub fn figure(&self, field: Field) -> Option<&Figure> {
        self.figures.get(field.index())?.as_ref()
    }

    /// Every parameter that has a value, in the order of [`FIELDS`].
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.figures.iter().flatten()
    }

    /// SHA-256 of name, place, values and sources, 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Where a parameter comes from, by the name of its field; `None` when it has no value.
    pub fn provenance(&self, field: &str) -> Option<&Provenance> {
        self.figures().find(|figure| figure.field == field).map(|figure| &figure.provenance)
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let nibble = |number: u8| char::from_digit(u32::from(number), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [nibble(byte >> 4), nibble(byte & 15)]).collect()
}

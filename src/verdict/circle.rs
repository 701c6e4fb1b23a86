//! The circles of a household (救助圈层) and the crisp rule that tests for them.
//!
//! The rule is a function of five things: income, rigid expenditure, its medical part, what of it the dibao
//! test takes off income, and whether property passes. [`super::unknowns`] evaluates the same function wherever those
//! are not known.

use serde::Serialize;

use super::facts::Facts;
use super::reasons::{Reasons, clause};
use crate::domain::exact::{Exact, Overflow};
use crate::policy::Rules;
use crate::policy::values::{ExpenditureRule, TestedCircle};

/// An assistance circle. Ordered by name, as lists of circles are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Circle {
    /// 低保.
    Dibao,
    /// 单人户: a member of a low-income household admitted alone.
    DibaoSingle,
    /// 支出型（刚性支出困难）.
    Expenditure,
    /// 低收入（低保边缘）.
    LowIncome,
    /// None of them.
    None,
    /// 特困.
    Tekun,
}

impl Circle {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dibao => "DIBAO",
            Self::DibaoSingle => "DIBAO_SINGLE",
            Self::Expenditure => "EXPENDITURE",
            Self::LowIncome => "LOW_INCOME",
            Self::None => "NONE",
            Self::Tekun => "TEKUN",
        }
    }

    const ALL: [Self; 6] =
        [Self::Dibao, Self::DibaoSingle, Self::Expenditure, Self::LowIncome, Self::None, Self::Tekun];
}

impl From<TestedCircle> for Circle {
    fn from(tested: TestedCircle) -> Self {
        match tested {
            TestedCircle::Dibao => Self::Dibao,
            TestedCircle::LowIncome => Self::LowIncome,
            TestedCircle::Expenditure => Self::Expenditure,
        }
    }
}

/// A set of circles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CircleSet(u8);

impl CircleSet {
    /// Adds a circle.
    pub fn insert(&mut self, circle: Circle) {
        self.0 |= 1 << (circle as u8);
    }

    /// The circles of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True when the circle is in the set.
    pub const fn contains(self, circle: Circle) -> bool {
        self.0 & (1 << (circle as u8)) != 0
    }

    /// How many are in the set.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// True for the set of none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The circles, sorted by name.
    pub fn iter(self) -> impl Iterator<Item = Circle> {
        Circle::ALL.into_iter().filter(move |circle| self.contains(*circle))
    }
}

/// The lines a household of some size is measured against, exact.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    /// Members the lines are for.
    pub persons: usize,
    /// L: the standard of all of them over twelve months.
    pub dibao: Exact,
    /// L15: the low-income line.
    pub low_income: Exact,
    /// Ceiling of the ratio rule.
    pub disposable: Option<Exact>,
    /// Limit of financial assets.
    pub financial: Exact,
}

impl Lines {
    /// The lines of `persons`.
    pub fn of(rules: &Rules, persons: usize) -> Result<Self, Overflow> {
        let dibao = rules.line(persons)?;
        let heads = i64::try_from(persons).map_err(|_| Overflow)?;
        let disposable = match rules.disposable_income_per_head {
            Some(one) if rules.expenditure_rule.is_ratio() => Some(Exact::from(one).times(heads)?),
            _ => None,
        };
        let low_income = rules.low_income_multiple.times(dibao)?;
        Ok(Self { persons, dibao, low_income, disposable, financial: rules.financial_limit(persons)? })
    }
}

/// What the rule is a function of.
#[derive(Debug, Clone, Copy)]
pub struct Position {
    /// I: countable income over the window, with support.
    pub income: Exact,
    /// R: rigid expenditure.
    pub rigid: Exact,
    /// M: its medical and accident part.
    pub medical: Exact,
    /// What the dibao test takes off income: the part of illness and disability, nothing where the pack does not say so
    /// (57号 第十三条末款; `docs/decisions/0047-illness-costs-come-off-income-in-the-dibao-test.md`).
    pub deducted: Exact,
    /// Property keeps to every limit.
    pub property_passes: bool,
}

impl Position {
    /// What the dibao test compares with the line, and from which the difference is paid. What is taken off takes
    /// income down to zero and no further.
    pub fn dibao_income(self) -> Result<Exact, Overflow> {
        if self.deducted == Exact::ZERO || self.income.is_negative() {
            return Ok(self.income);
        }
        Ok(self.income.minus(self.deducted)?.floored_at_zero())
    }
}

/// Which circles a household meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Met {
    /// 低保.
    pub dibao: bool,
    /// 低收入.
    pub low_income: bool,
    /// 支出型.
    pub expenditure: bool,
}

impl Met {
    /// The circles met, by precedence.
    pub fn in_order(self, rules: &Rules) -> impl Iterator<Item = Circle> {
        rules
            .circle_precedence
            .into_iter()
            .filter(move |tested| match tested {
                TestedCircle::Dibao => self.dibao,
                TestedCircle::LowIncome => self.low_income,
                TestedCircle::Expenditure => self.expenditure,
            })
            .map(Circle::from)
    }

    /// The first circle met; `NONE` when none is.
    pub fn first(self, rules: &Rules) -> Circle {
        self.in_order(rules).next().unwrap_or(Circle::None)
    }
}

/// What the rule comes to at one position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The household circle.
    pub circle: Circle,
    /// The first circle met, before the graduation period.
    pub by_rule: Circle,
    /// The circles met.
    pub met: Met,
    /// The household keeps 低保 for its graduation period.
    pub graduates: bool,
}

impl Finding {
    /// `LOW_INCOME` is the circle or met besides; not when graduation replaces it.
    pub fn is_low_income(self) -> bool {
        self.met.low_income && !(self.graduates && self.by_rule == Circle::LowIncome)
    }

    /// The other circles met, by precedence.
    pub fn also_meets(self, rules: &Rules) -> impl Iterator<Item = Circle> {
        self.met.in_order(rules).skip(1)
    }
}

/// The crisp rule (`semantics.md`, Circle).
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// Parameters.
    pub rules: &'a Rules,
    /// Lines of the remaining members.
    pub lines: Lines,
    /// The household was 低保, rose above the line by finding work, and is still in its graduation
    /// period: it keeps the circle while property passes (57号 第三十三条).
    pub graduates: bool,
}

impl Rule<'_> {
    /// Which circles are met.
    pub fn met(&self, at: Position) -> Result<Met, Overflow> {
        // Nobody is no household, whatever the bounds of the band say about zero.
        if !at.property_passes || self.lines.persons == 0 {
            return Ok(Met::default());
        }
        if at.dibao_income()? < self.lines.dibao {
            return Ok(Met { dibao: true, ..Met::default() });
        }
        let low_income = self.is_in_band(at.income);
        let expenditure = match self.rules.expenditure_rule {
            ExpenditureRule::Seed2021 => at.income.minus(at.rigid)?.floored_at_zero() < self.lines.dibao,
            ExpenditureRule::Im2024 | ExpenditureRule::National2024 => {
                !low_income && self.is_below_ceiling(at.income) && self.is_ratio_exceeded(at)?
            }
        };
        Ok(Met { dibao: false, low_income, expenditure })
    }

    /// The rule and the graduation period together.
    pub fn apply(&self, at: Position) -> Result<Finding, Overflow> {
        let met = self.met(at)?;
        let by_rule = met.first(self.rules);
        // The graduation period is what keeps the household in its circle.
        let graduates = self.graduates && at.property_passes && self.lines.persons > 0 && by_rule != Circle::Dibao;
        Ok(Finding { circle: if graduates { Circle::Dibao } else { by_rule }, by_rule, met, graduates })
    }

    /// The household circle, with the graduation period.
    pub fn circle(&self, at: Position) -> Result<Circle, Overflow> {
        self.apply(at).map(|finding| finding.circle)
    }

    /// Between the lines, with the bounds of the pack.
    pub fn is_in_band(&self, income: Exact) -> bool {
        self.rules.low_income_lower_bound.admits(income, self.lines.dibao)
            && self.rules.low_income_upper_bound.admits(income, self.lines.low_income)
    }

    /// Below the ceiling of the ratio rule.
    pub fn is_below_ceiling(&self, income: Exact) -> bool {
        self.lines.disposable.is_some_and(|ceiling| income < ceiling)
    }

    /// 超过 is strict for both ratios.
    pub fn is_ratio_exceeded(&self, at: Position) -> Result<bool, Overflow> {
        Ok(at.rigid > self.rules.expenditure_ratio_percent.percent_of(at.income)?
            || at.medical > self.rules.expenditure_medical_ratio_percent.percent_of(at.income)?)
    }

    /// Notes how income and expenditure compare with the lines. Where not everything spent is known, nothing is
    /// said that more spending could make untrue.
    pub fn explain(&self, at: Position, all_spending_known: bool, reasons: &mut Reasons) -> Result<(), Overflow> {
        if self.lines.persons == 0 {
            reasons.reason("HOUSEHOLD_EMPTY");
            reasons.rests_on(&[clause::MEMBERS]);
            return Ok(());
        }
        reasons.rests_on(&[clause::DIBAO]);
        if at.deducted > Exact::ZERO {
            reasons.reason("RIGID_DEDUCTED_IN_DIBAO_TEST");
        }
        if at.income < self.lines.dibao {
            reasons.reason("INCOME_LT_STANDARD");
            return Ok(());
        }
        if at.dibao_income()? < self.lines.dibao {
            reasons.reason("INCOME_AFTER_DEDUCTION_LT_STANDARD");
            return Ok(());
        }
        reasons.rests_on(&[clause::LOW_INCOME, clause::SEED_LOW_INCOME]);
        if at.income == self.lines.dibao {
            reasons.reason("INCOME_EQ_STANDARD");
        }
        if at.income == self.lines.low_income {
            reasons.reason("INCOME_EQ_1_5X");
        }
        if self.is_in_band(at.income) {
            reasons.reason("INCOME_IN_1_0_TO_1_5_BAND");
        } else if at.income >= self.lines.low_income {
            reasons.reason("INCOME_GE_1_5X");
        }
        self.explain_expenditure(at, all_spending_known, reasons)
    }

    fn explain_expenditure(
        &self,
        at: Position,
        all_spending_known: bool,
        reasons: &mut Reasons,
    ) -> Result<(), Overflow> {
        reasons.rests_on(&[match self.rules.expenditure_rule {
            ExpenditureRule::Seed2021 => clause::SEED_EXPENDITURE,
            ExpenditureRule::Im2024 => clause::EXPENDITURE_IM,
            ExpenditureRule::National2024 => clause::EXPENDITURE,
        }]);
        if at.rigid > Exact::ZERO {
            reasons.rests_on(&[clause::EXPENDITURE]);
        }
        if !self.rules.expenditure_rule.is_ratio() {
            let net = at.income.minus(at.rigid)?;
            if net.is_negative() {
                reasons.reason("EXPENDITURE_NET_FLOORED_AT_ZERO");
            }
            if net.floored_at_zero() < self.lines.dibao {
                reasons.reason("EXPENDITURE_NET_LT_STANDARD");
            } else {
                if net == self.lines.dibao {
                    reasons.reason("EXPENDITURE_NET_EQ_STANDARD");
                }
                reasons.reason("EXPENDITURE_NET_GE_STANDARD");
            }
            return Ok(());
        }
        if self.is_in_band(at.income) {
            reasons.reason("EXPENDITURE_LOW_INCOME_EXCLUDED");
        }
        if !self.is_below_ceiling(at.income) {
            reasons.reason("EXPENDITURE_INCOME_GE_DISPOSABLE");
        }
        let all = self.rules.expenditure_ratio_percent;
        let medical = self.rules.expenditure_medical_ratio_percent;
        let word = |exceeded| if exceeded { "ABOVE" } else { "NOT_ABOVE" };
        let is_above = at.rigid > all.percent_of(at.income)?;
        if is_above || all_spending_known {
            reasons.reason(format!("EXPENDITURE_RATIO_{}_{all}", word(is_above)));
        }
        let is_above = at.medical > medical.percent_of(at.income)?;
        if is_above || all_spending_known {
            reasons.reason(format!("EXPENDITURE_RATIO_MEDICAL_{}_{medical}", word(is_above)));
        }
        Ok(())
    }
}

/// True while the conditions of the graduation period hold, property aside (`semantics.md`, Graduation).
pub fn graduates(facts: &Facts, rules: &Rules) -> bool {
    let prior = &facts.prior;
    prior.circle.as_ref().is_some_and(|circle| circle.as_str() == "DIBAO")
        && prior.exceeded_by_employment
        && prior.months_since_exceeded.is_some_and(|months| months < rules.graduation_months)
}

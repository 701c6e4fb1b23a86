//! Unknowns by bounds: which circles are possible while departments are silent, whose silence matters,
//! and how far away another circle is (promise P2; `rules.md` section 7).
//!
//! Income, rigid expenditure and its medical part can only be more than known; property that passes may
//! fail, and one dwelling too many may turn out a ruin. The crisp rule is evaluated at every breakpoint
//! inside those bounds and between them, so the set of possible circles is exact. No department is named
//! here: a gap carries its effects from the catalogue.

use serde::Serialize;

use super::circle::{Circle, CircleSet, Position, Rule};
use super::facts::{FactGap, Facts};
use super::members::Members;
use super::property::Failures;
use crate::domain::dataset::{DepartmentId, MissingEffect};
use crate::domain::exact::{Exact, Overflow};
use crate::domain::money::Money;
use crate::domain::outcome::GapReason;
use crate::policy::values::ExpenditureRule;

/// What is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Open {
    /// Income may be more.
    pub income: bool,
    /// Rigid expenditure may be more.
    pub expenditure: bool,
    /// Property that passes may fail.
    pub property_may_fail: bool,
    /// A dwelling that counts may be exempt.
    pub dwelling_may_pass: bool,
}

impl Open {
    const fn union(self, other: Self) -> Self {
        Self {
            income: self.income || other.income,
            expenditure: self.expenditure || other.expenditure,
            property_may_fail: self.property_may_fail || other.property_may_fail,
            dwelling_may_pass: self.dwelling_may_pass || other.dwelling_may_pass,
        }
    }
}

/// What one gap leaves open for these members: nothing when none of them is of the ages it matters for.
pub fn open_by(gap: &FactGap, members: &Members) -> Open {
    if gap.ages.is_some_and(|ages| !members.any_remaining_aged(ages)) {
        return Open::default();
    }
    let has = |effect| gap.effects.contains(&effect);
    Open {
        income: has(MissingEffect::IncomeUp),
        expenditure: has(MissingEffect::ExpenditureUp),
        property_may_fail: has(MissingEffect::PropertyMayFail),
        dwelling_may_pass: has(MissingEffect::DwellingMayPass),
    }
}

/// What is known, and the rule to apply to it.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The rule.
    pub rule: Rule<'a>,
    /// The known position.
    pub at: Position,
    /// Which property tests fail as far as is known.
    pub failures: Failures,
}

impl Known<'_> {
    /// Every circle that some completion of the unknowns leads to.
    pub fn possible(&self, open: Open) -> Result<CircleSet, Overflow> {
        let mut circles = CircleSet::default();
        let passes = self.at.property_passes;
        let may_pass = passes || (open.dwelling_may_pass && self.failures.only_dwellings());
        let may_fail = !passes || open.property_may_fail;
        if may_fail {
            circles.insert(self.rule.circle(Position { property_passes: false, ..self.at })?);
        }
        if !may_pass {
            return Ok(circles);
        }
        let mut visit = |income: Exact| -> Result<(), Overflow> {
            let at = Position { income, property_passes: true, ..self.at };
            circles.insert(self.rule.circle(at)?);
            if open.expenditure {
                circles.insert(self.rule.circle(self.with_any_expenditure(at)?)?);
            }
            Ok(())
        };
        visit(self.at.income)?;
        if open.income {
            let mut last = self.at.income;
            for point in self.income_breakpoints()? {
                if point > last {
                    visit(last.midpoint(point)?)?;
                    visit(point)?;
                    last = point;
                }
            }
            visit(last.plus(Exact::from_fen(1))?)?;
        }
        Ok(circles)
    }

    /// Expenditure large enough that more would change nothing: above income and above every ratio of it.
    fn with_any_expenditure(&self, at: Position) -> Result<Position, Overflow> {
        let income = at.income.floored_at_zero();
        let ratio = self.rule.rules.expenditure_ratio_percent.percent_of(income)?;
        let ample = income.plus(ratio)?.plus(at.rigid)?.plus(Exact::from_fen(1))?;
        Ok(Position { rigid: ample, medical: ample, ..at })
    }

    /// The incomes at which some part of the rule changes its answer, ascending.
    fn income_breakpoints(&self) -> Result<Vec<Exact>, Overflow> {
        let lines = &self.rule.lines;
        let rules = self.rule.rules;
        let mut points = Vec::with_capacity(5);
        points.extend([lines.dibao, lines.low_income]);
        match rules.expenditure_rule {
            ExpenditureRule::Seed2021 => points.push(lines.dibao.plus(self.at.rigid)?),
            ExpenditureRule::Im2024 | ExpenditureRule::National2024 => {
                points.extend(lines.disposable);
                points.extend(rules.expenditure_ratio_percent.whole_of(self.at.rigid)?);
                points.extend(rules.expenditure_medical_ratio_percent.whole_of(self.at.medical)?);
            }
        }
        points.sort_unstable();
        Ok(points)
    }
}

/// A gap as the verdict reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GapFinding {
    /// Whose facts are missing.
    pub department: DepartmentId,
    /// Why.
    pub reason: GapReason,
    /// They could change the household circle.
    pub could_change: bool,
    /// They could change the outcome of a single member (特困, 单人户) without touching the circle.
    pub could_change_members: bool,
}

/// What the gaps of a household come to.
#[derive(Debug, Clone, Default)]
pub struct GapReport {
    /// Every circle that is possible.
    pub possible: CircleSet,
    /// Positions of the gaps that block: without them fewer circles would be possible.
    pub blocking: Vec<usize>,
    /// For each gap, whether it could change the circle, alone or together with another one.
    pub could_change: Vec<bool>,
}

/// Weighs every gap (`semantics.md`, Missing departments).
pub fn weigh(facts: &Facts, members: &Members, known: &Known<'_>) -> Result<GapReport, Overflow> {
    let opens: Vec<Open> = facts.gaps.iter().map(|gap| open_by(gap, members)).collect();
    let union = |without: Option<usize>| {
        opens
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != without)
            .fold(Open::default(), |all, (_, open)| all.union(*open))
    };
    let possible = known.possible(union(None))?;
    let mut report = GapReport { possible, ..GapReport::default() };
    for (index, open) in opens.iter().enumerate() {
        let blocks = possible.len() > 1 && known.possible(union(Some(index)))?.len() < possible.len();
        // Two silent departments that leave the same thing open block each other's absence from the list above;
        // each could change the circle all the same.
        let alone = blocks || known.possible(*open)?.len() > 1;
        if blocks {
            report.blocking.push(index);
        }
        report.could_change.push(alone);
    }
    Ok(report)
}

/// What would have to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Countable income of the window.
    Income,
    /// Rigid expenditure of the window, if medical.
    Expenditure,
    /// Financial assets.
    FinancialAssets,
}

/// The nearest amount at which the household circle would be another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TippingPoint {
    /// What changes.
    pub quantity: Quantity,
    /// By how much at least, in whole fen; negative for less.
    pub change: Money,
    /// The same a head and month.
    pub per_head_month: Money,
    /// The amount then, rounded.
    pub at: Money,
    /// The circle then.
    pub circle: Circle,
    /// The silent departments that could bring the change.
    pub departments: Vec<DepartmentId>,
}

/// The tipping points around what is known, everything else as known.
pub fn tipping_points(
    facts: &Facts,
    members: &Members,
    known: &Known<'_>,
    financial: Exact,
) -> Result<Vec<TippingPoint>, Overflow> {
    let mut points = Vec::new();
    if known.rule.lines.persons == 0 {
        return Ok(points);
    }
    let now = known.rule.circle(known.at)?;
    let silent = |concerns: fn(Open) -> bool| -> Vec<DepartmentId> {
        facts.gaps.iter().filter(|gap| concerns(open_by(gap, members))).map(|gap| gap.department.clone()).collect()
    };
    let mut push = |quantity, change: i64, from: Exact, circle, departments| -> Result<(), Overflow> {
        let step = Exact::from_fen(change);
        let heads = i64::try_from(known.rule.lines.persons).map_err(|_| Overflow)?;
        points.push(TippingPoint {
            quantity,
            change: Money::from_fen(change),
            per_head_month: step.share(heads.checked_mul(12).ok_or(Overflow)?)?,
            at: from.plus(step)?.round_half_up()?,
            circle,
            departments,
        });
        Ok(())
    };
    let income = known.at.income;
    let with_income = |change: i64| -> Result<Circle, Overflow> {
        known.rule.circle(Position { income: income.plus(Exact::from_fen(change))?, ..known.at })
    };
    let breakpoints = known.income_breakpoints()?;
    let above = steps_up(breakpoints.iter().copied(), income)?;
    if let Some((change, circle)) = first_other(above, now, with_income)? {
        push(Quantity::Income, change, income, circle, silent(|open| open.income))?;
    }
    let below = steps_down(breakpoints.iter().rev().copied(), income)?;
    if let Some((change, circle)) = first_other(below, now, with_income)? {
        push(Quantity::Income, change, income, circle, Vec::new())?;
    }
    let rules = known.rule.rules;
    let with_expenditure = |change: i64| -> Result<Circle, Overflow> {
        let more = Exact::from_fen(change);
        known.rule.circle(Position {
            rigid: known.at.rigid.plus(more)?,
            medical: known.at.medical.plus(more)?,
            ..known.at
        })
    };
    let needed = if rules.expenditure_rule.is_ratio() {
        let all = rules.expenditure_ratio_percent.percent_of(income)?.minus(known.at.rigid)?;
        let medical = rules.expenditure_medical_ratio_percent.percent_of(income)?.minus(known.at.medical)?;
        all.min(medical)
    } else {
        income.minus(known.rule.lines.dibao)?.minus(known.at.rigid)?
    };
    let steps = steps_up([needed].into_iter(), Exact::ZERO)?;
    if let Some((change, circle)) = first_other(steps, now, with_expenditure)? {
        push(Quantity::Expenditure, change, known.at.rigid, circle, silent(|open| open.expenditure))?;
    }
    if known.at.property_passes && now != Circle::None {
        let limit = known.rule.lines.financial;
        let comparison = rules.financial_asset_limit.comparison;
        let fails = |change: i64| -> Result<Circle, Overflow> {
            let passes = comparison.admits(financial.plus(Exact::from_fen(change))?, limit);
            known.rule.circle(Position { property_passes: passes, ..known.at })
        };
        let steps = steps_up([limit].into_iter(), financial)?;
        if let Some((change, circle)) = first_other(steps, now, fails)? {
            // A department whose silence leaves property open may show dwellings and the like; that is another
            // effect than this amount, so it is not named for it.
            push(Quantity::FinancialAssets, change, financial, circle, Vec::new())?;
        }
    }
    Ok(points)
}

/// For ascending points the smallest whole-fen steps up from `from` that reach each and that pass it.
fn steps_up(points: impl Iterator<Item = Exact>, from: Exact) -> Result<Vec<i64>, Overflow> {
    let mut steps = Vec::new();
    for point in points {
        let distance = point.minus(from)?;
        if !distance.is_negative() {
            steps.extend([distance.ceil_fen()?, distance.floor_fen()?.checked_add(1).ok_or(Overflow)?]);
        }
    }
    steps.retain(|step| *step > 0);
    Ok(steps)
}

/// For descending points the smallest whole-fen steps down that reach each and that pass it, never below zero.
fn steps_down(points: impl Iterator<Item = Exact>, from: Exact) -> Result<Vec<i64>, Overflow> {
    let mut steps = Vec::new();
    for point in points {
        let distance = from.minus(point)?;
        if !distance.is_negative() {
            steps.extend([distance.ceil_fen()?, distance.floor_fen()?.checked_add(1).ok_or(Overflow)?]);
        }
    }
    let most = from.floor_fen()?;
    steps.retain(|step| *step > 0 && *step <= most);
    Ok(steps.into_iter().map(|step| -step).collect())
}

/// The first step after which the circle is another one.
fn first_other(
    steps: Vec<i64>,
    now: Circle,
    circle_after: impl Fn(i64) -> Result<Circle, Overflow>,
) -> Result<Option<(i64, Circle)>, Overflow> {
    for step in steps {
        let circle = circle_after(step)?;
        if circle != now {
            return Ok(Some((step, circle)));
        }
    }
    Ok(None)
}

//! What would change the circle: the nearest amounts that turn it, and how each possible circle would come about.

use serde::Serialize;
use smallvec::SmallVec;

use super::assess::{Assessment, Known};
use super::circle::{Circle, Position};
use super::facts::Facts;
use super::unknowns::{Open, Weighed, open_by};
use crate::domain::dataset::DepartmentId;
use crate::domain::exact::{Exact, Overflow};
use crate::domain::money::Money;

/// What would have to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Countable income of the window.
    Income,
    /// Rigid expenditure of the window: medical, or of an accident where the dibao test takes off what illness costs.
    Expenditure,
    /// Rigid expenditure of the window by illness or disability, where the dibao test takes it off income.
    IllnessCosts,
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

/// A possible circle, and one least way in which it would come about. A circle can have several ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Possibility {
    /// The circle.
    pub circle: Circle,
    /// What the silent departments would have to show, all of it together; nothing where all is as known.
    /// No part of it would be enough.
    pub conditions: Vec<Condition>,
}

/// Something silent departments may show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "quantity", rename_all = "snake_case")]
pub enum Condition {
    /// More countable income.
    Income(More),
    /// More rigid expenditure; not of illness or disability where the dibao test takes that off income.
    Expenditure(More),
    /// More rigid expenditure by illness or disability, where the dibao test takes it off income.
    IllnessCosts(More),
    /// Property beyond a limit.
    PropertyFails {
        /// Who could show it.
        departments: Vec<DepartmentId>,
    },
    /// That the dwellings beyond the limit are exempt ruins.
    DwellingsExempt {
        /// Who could show it.
        departments: Vec<DepartmentId>,
    },
}

/// The least amount more than known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct More {
    /// How much more at least, in whole fen.
    pub change: Money,
    /// The same a head and month.
    pub per_head_month: Money,
    /// The amount then, rounded.
    pub at: Money,
    /// Who could show it.
    pub departments: Vec<DepartmentId>,
}

/// The smallest whole-fen steps that come to a distance and that pass it, where it lies ahead.
fn steps(distance: Exact) -> Result<[Option<i64>; 2], Overflow> {
    if distance.is_negative() {
        return Ok([None, None]);
    }
    let reach = distance.ceil_fen()?;
    let pass = distance.floor_fen()?.checked_add(1).ok_or(Overflow)?;
    Ok([Some(reach).filter(|step| *step > 0), Some(pass).filter(|step| *step > reach.max(0))])
}

/// The first step, over distances that grow, after which the circle is another one.
fn first_other(
    distances: impl Iterator<Item = Result<Exact, Overflow>>,
    now: Circle,
    circle_after: impl Fn(i64) -> Result<Circle, Overflow>,
) -> Result<Option<(i64, Circle)>, Overflow> {
    for distance in distances {
        for step in steps(distance?)?.into_iter().flatten() {
            let circle = circle_after(step)?;
            if circle != now {
                return Ok(Some((step, circle)));
            }
        }
    }
    Ok(None)
}

impl Position {
    fn with_income(self, change: i64) -> Result<Self, Overflow> {
        Ok(Self { income: self.income.plus(Exact::from_fen(change))?, ..self })
    }

    /// With more expenditure, all of it counted as medical, but not taken off in the dibao test.
    fn with_expenditure(self, change: i64) -> Result<Self, Overflow> {
        let more = Exact::from_fen(change);
        Ok(Self { rigid: self.rigid.plus(more)?, medical: self.medical.plus(more)?, ..self })
    }

    /// With more medical expenditure, which the dibao test takes off.
    fn with_illness_costs(self, change: i64) -> Result<Self, Overflow> {
        Ok(Self { deducted: self.deducted.plus(Exact::from_fen(change))?, ..self.with_expenditure(change)? })
    }
}

/// What more expenditure is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spending {
    /// What counts for the expenditure test alone.
    Rigid,
    /// What illness costs, where the dibao test takes it off.
    Illness,
}

impl Known<'_> {
    /// How much more expenditure meets the expenditure test at a position, or is just short of it.
    fn missing_expenditure(&self, at: Position) -> Result<Exact, Overflow> {
        let rules = self.rule.rules;
        if rules.expenditure_rule.is_ratio() {
            let all = rules.expenditure_ratio_percent.percent_of(at.income)?.minus(at.rigid)?;
            let medical = rules.expenditure_medical_ratio_percent.percent_of(at.income)?.minus(at.medical)?;
            Ok(all.min(medical))
        } else {
            at.income.minus(self.rule.lines.dibao)?.minus(at.rigid)
        }
    }

    /// How much more by illness meets the dibao test at a position, or is just short of it.
    fn missing_deduction(&self, at: Position) -> Result<Exact, Overflow> {
        at.income.minus(self.rule.lines.dibao)?.minus(at.deducted)
    }

    /// What more expenditure can be for.
    fn spending(&self) -> &'static [Spending] {
        if self.rule.rules.deduct_rigid_in_dibao_test {
            &[Spending::Rigid, Spending::Illness]
        } else {
            &[Spending::Rigid]
        }
    }

    fn per_head_month(&self, change: i64) -> Result<Money, Overflow> {
        let heads = i64::try_from(self.rule.lines.persons).map_err(|_| Overflow)?;
        Exact::from_fen(change).share(heads.checked_mul(12).ok_or(Overflow)?)
    }
}

/// The departments whose silence leaves something open.
fn silent(facts: &Facts, assessment: &Assessment<'_>, open: Open) -> Vec<DepartmentId> {
    if facts.gaps.is_empty() {
        return Vec::new();
    }
    let concerned = facts.gaps.iter().filter(|gap| open_by(gap, &assessment.members).has(open));
    concerned.map(|gap| gap.department.clone()).collect()
}

/// The tipping points around what is known, everything else as known.
pub fn tipping_points(facts: &Facts, assessment: &Assessment<'_>) -> Result<Vec<TippingPoint>, Overflow> {
    let known = &assessment.known;
    let (rule, at) = (&known.rule, known.at);
    if rule.lines.persons == 0 {
        return Ok(Vec::new());
    }
    let now = rule.circle(at)?;
    let mut points = Vec::with_capacity(5);
    let mut push = |quantity, (change, circle): (i64, Circle), from: Exact, departments| -> Result<(), Overflow> {
        points.push(TippingPoint {
            quantity,
            change: Money::from_fen(change),
            per_head_month: known.per_head_month(change)?,
            at: from.plus(Exact::from_fen(change))?.round_half_up()?,
            circle,
            departments,
        });
        Ok(())
    };
    let breakpoints = known.income_breakpoints()?;
    let above = breakpoints.iter().map(|point| point.minus(at.income));
    if let Some(turn) = first_other(above, now, |more| rule.circle(at.with_income(more)?))? {
        push(Quantity::Income, turn, at.income, silent(facts, assessment, Open::INCOME))?;
    }
    // Income does not fall below zero.
    let least = at.income.floor_fen()?;
    let below = breakpoints.iter().rev().map(|point| at.income.minus(*point));
    let with_less = |less: i64| if less > least { Ok(now) } else { rule.circle(at.with_income(-less)?) };
    if let Some((less, circle)) = first_other(below, now, with_less)? {
        push(Quantity::Income, (-less, circle), at.income, Vec::new())?;
    }
    let missing = std::iter::once(known.missing_expenditure(at));
    if let Some(turn) = first_other(missing, now, |more| rule.circle(at.with_expenditure(more)?))? {
        push(Quantity::Expenditure, turn, at.rigid, silent(facts, assessment, Open::EXPENDITURE))?;
    }
    if rule.rules.deduct_rigid_in_dibao_test {
        let missing = std::iter::once(known.missing_deduction(at));
        if let Some(turn) = first_other(missing, now, |more| rule.circle(at.with_illness_costs(more)?))? {
            push(Quantity::IllnessCosts, turn, at.deducted, silent(facts, assessment, Open::EXPENDITURE))?;
        }
    }
    if at.property_passes && now != Circle::None {
        let (financial, limit) = (assessment.property.financial, rule.lines.financial);
        let comparison = rule.rules.financial_asset_limit.comparison;
        let with_assets = |more| {
            let passes = comparison.admits(financial.plus(Exact::from_fen(more))?, limit);
            rule.circle(Position { property_passes: passes, ..at })
        };
        if let Some(turn) = first_other(std::iter::once(limit.minus(financial)), now, with_assets)? {
            // A department whose silence leaves property open may show dwellings and the like; that is another
            // effect than this amount, so it is not named for it.
            push(Quantity::FinancialAssets, turn, financial, Vec::new())?;
        }
    }
    Ok(points)
}

/// A way to a circle: what changes, and by how much income and expenditure.
struct Way {
    circle: Circle,
    changes: Open,
    income: i64,
    expenditure: i64,
    spending: Spending,
}

/// Combinations of what may be open, fewer before more. Property that fails leaves nothing for the rest to
/// change, and property passes or fails, so the two never stand together.
const COMBINATIONS: [Open; 9] = {
    let (income, expenditure, ruin) = (Open::INCOME, Open::EXPENDITURE, Open::DWELLING_MAY_PASS);
    [
        Open::NOTHING,
        income,
        expenditure,
        Open::PROPERTY_MAY_FAIL,
        ruin,
        income.and(expenditure),
        ruin.and(income),
        ruin.and(expenditure),
        ruin.and(income).and(expenditure),
    ]
};

/// How each possible circle would come about: for every least combination of unknowns that leads to it the
/// least amounts, income before expenditure. A circle that only an amount between two fen leads to has none.
pub fn possibilities(
    facts: &Facts,
    assessment: &Assessment<'_>,
    weighed: &Weighed,
) -> Result<Vec<Possibility>, Overflow> {
    let known = &assessment.known;
    let mut ways: SmallVec<[Way; 8]> = SmallVec::new();
    for changes in COMBINATIONS.into_iter().filter(|changes| weighed.open.has_all(*changes)) {
        let fails = changes.has(Open::PROPERTY_MAY_FAIL);
        let is_ruin = changes.has(Open::DWELLING_MAY_PASS);
        let passes = known.at.property_passes;
        if fails && !passes || is_ruin && !known.failures.only_dwellings() {
            continue;
        }
        let at = Position { property_passes: (passes || is_ruin) && !fails, ..known.at };
        walk(known, at, changes, &mut ways)?;
    }
    let in_order = |circle: Circle| {
        let of_circle = ways.iter().filter(move |way| way.circle == circle);
        of_circle.map(|way| way.told(facts, assessment))
    };
    weighed.possible.iter().flat_map(in_order).collect()
}

/// The least amounts of a combination at which a circle comes about that no part of the combination leads to.
fn walk(known: &Known<'_>, at: Position, changes: Open, ways: &mut SmallVec<[Way; 8]>) -> Result<(), Overflow> {
    let is_new = |ways: &[Way], circle| !ways.iter().any(|way| way.circle == circle && changes.has_all(way.changes));
    let mut incomes: SmallVec<[i64; 12]> = SmallVec::new();
    if changes.has(Open::INCOME) {
        for point in known.income_breakpoints()? {
            incomes.extend(steps(point.minus(at.income)?)?.into_iter().flatten());
        }
    } else {
        incomes.push(0);
    }
    for income in incomes {
        let at = at.with_income(income)?;
        if !changes.has(Open::EXPENDITURE) {
            let circle = known.rule.circle(at)?;
            if is_new(ways, circle) {
                ways.push(Way { circle, changes, income, expenditure: 0, spending: Spending::Rigid });
            }
            continue;
        }
        for spending in known.spending().iter().copied() {
            let missing = match spending {
                Spending::Rigid => known.missing_expenditure(at)?,
                Spending::Illness => known.missing_deduction(at)?,
            };
            for expenditure in steps(missing)?.into_iter().flatten() {
                let circle = known.rule.circle(match spending {
                    Spending::Rigid => at.with_expenditure(expenditure)?,
                    Spending::Illness => at.with_illness_costs(expenditure)?,
                })?;
                if is_new(ways, circle) {
                    ways.push(Way { circle, changes, income, expenditure, spending });
                }
            }
        }
    }
    Ok(())
}

impl Way {
    fn told(&self, facts: &Facts, assessment: &Assessment<'_>) -> Result<Possibility, Overflow> {
        let known = &assessment.known;
        let more = |change: i64, from: Exact, open| -> Result<More, Overflow> {
            Ok(More {
                change: Money::from_fen(change),
                per_head_month: known.per_head_month(change)?,
                at: from.plus(Exact::from_fen(change))?.round_half_up()?,
                departments: silent(facts, assessment, open),
            })
        };
        let mut conditions = Vec::new();
        if self.changes.has(Open::PROPERTY_MAY_FAIL) {
            let departments = silent(facts, assessment, Open::PROPERTY_MAY_FAIL);
            conditions.push(Condition::PropertyFails { departments });
        }
        if self.changes.has(Open::DWELLING_MAY_PASS) {
            let departments = silent(facts, assessment, Open::DWELLING_MAY_PASS);
            conditions.push(Condition::DwellingsExempt { departments });
        }
        if self.changes.has(Open::INCOME) {
            conditions.push(Condition::Income(more(self.income, known.at.income, Open::INCOME)?));
        }
        if self.changes.has(Open::EXPENDITURE) {
            conditions.push(match self.spending {
                Spending::Rigid => Condition::Expenditure(more(self.expenditure, known.at.rigid, Open::EXPENDITURE)?),
                Spending::Illness => {
                    Condition::IllnessCosts(more(self.expenditure, known.at.deducted, Open::EXPENDITURE)?)
                }
            });
        }
        Ok(Possibility { circle: self.circle, conditions })
    }
}

//! Rigid expenditure of the window, after reimbursement (`semantics.md`, Rigid expenditure).

use jiff::Span;

use super::facts::{ExpenditureItem, Facts};
use super::members::Members;
use super::reasons::{Reasons, clause};
use crate::domain::exact::{Exact, Overflow};
use crate::domain::fact::ExpenditureKind;
use crate::domain::money::Money;
use crate::domain::period::Period;
use crate::policy::Rules;
use crate::policy::values::WindowRule;

/// What became of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Counted after reimbursement.
    Counted,
    /// Counted up to what a public institution charges.
    CappedAtBenchmark,
    /// Paid outside the window.
    OutsideWindow,
    /// Of a person the household circle is not about.
    NotOfHousehold,
}

/// One item and what it counts for.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// What became of it.
    pub treatment: Treatment,
    /// What it counts for.
    pub counted: Money,
}

/// Rigid expenditure of the remaining members.
#[derive(Debug, Clone)]
pub struct Expenditure {
    /// The window.
    pub window: Period,
    /// One line an item, in the order of [`Facts::expenditures`].
    pub lines: Vec<Line>,
    /// All kinds.
    pub rigid: Exact,
    /// Medical and accident only.
    pub medical: Exact,
}

/// The days on which expenditure counts.
pub fn window(facts: &Facts, rules: &Rules) -> Period {
    match rules.window_rule {
        WindowRule::FullCalendarMonthsBeforeApplicationMonth => {
            Period::months_before(facts.assessed_on, rules.income_window_months)
        }
        WindowRule::Rolling365 => Period {
            from: facts.assessed_on.saturating_sub(Span::new().days(365)),
            to: facts.assessed_on.saturating_sub(Span::new().days(1)),
        },
    }
}

impl Expenditure {
    /// Counts what the remaining members spent in the window.
    pub fn count(facts: &Facts, members: &Members, rules: &Rules) -> Result<Self, Overflow> {
        let window = window(facts, rules);
        let mut lines = Vec::with_capacity(facts.expenditures.len());
        let (mut rigid, mut medical) = (Exact::ZERO, Exact::ZERO);
        for item in &facts.expenditures {
            let line = if !members.remains(item.member) {
                Line { treatment: Treatment::NotOfHousehold, counted: Money::ZERO }
            } else if !window.contains(item.paid_on) {
                Line { treatment: Treatment::OutsideWindow, counted: Money::ZERO }
            } else {
                counted(item)?
            };
            rigid = rigid.plus(line.counted.into())?;
            if matches!(item.kind, ExpenditureKind::Medical | ExpenditureKind::Accident) {
                medical = medical.plus(line.counted.into())?;
            }
            lines.push(line);
        }
        Ok(Self { window, lines, rigid, medical })
    }

    /// Notes what was capped or left out.
    pub fn explain(&self, reasons: &mut Reasons) {
        for line in &self.lines {
            match line.treatment {
                Treatment::Counted | Treatment::NotOfHousehold => {}
                Treatment::CappedAtBenchmark => reasons.flag("EDUCATION_CAPPED_AT_PUBLIC_BENCHMARK"),
                Treatment::OutsideWindow => {
                    reasons.flag("EXPENDITURE_OUTSIDE_WINDOW");
                    reasons.rests_on(&[clause::SEED_EXPENDITURE]);
                }
            }
        }
    }
}

fn counted(item: &ExpenditureItem) -> Result<Line, Overflow> {
    let net = item.gross.checked_sub(item.covered).ok_or(Overflow)?.max(Money::ZERO);
    match item.public_benchmark {
        Some(cap) if net > cap => Ok(Line { treatment: Treatment::CappedAtBenchmark, counted: cap }),
        _ => Ok(Line { treatment: Treatment::Counted, counted: net }),
    }
}

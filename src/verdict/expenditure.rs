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

/// What becomes of one item.
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

/// What becomes of one item and what it counts for; the same whenever it is asked.
pub fn count(item: &ExpenditureItem, members: &Members, window: &Period) -> Result<(Treatment, Money), Overflow> {
    if !members.remains(item.member) {
        return Ok((Treatment::NotOfHousehold, Money::ZERO));
    }
    if !window.contains(item.paid_on) {
        return Ok((Treatment::OutsideWindow, Money::ZERO));
    }
    let net = item.gross.checked_sub(item.covered).ok_or(Overflow)?.max(Money::ZERO);
    Ok(match item.public_benchmark {
        Some(cap) if net > cap => (Treatment::CappedAtBenchmark, cap),
        _ => (Treatment::Counted, net),
    })
}

/// What the remaining members spent in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// All kinds.
    pub rigid: Exact,
    /// Medical and accident.
    pub medical: Exact,
    /// Medical and rehabilitation: what illness and disability cost.
    pub illness: Exact,
}

/// What the remaining members spent in the window.
pub fn of_remaining(facts: &Facts, members: &Members, rules: &Rules) -> Result<Spent, Overflow> {
    let mut spent = Spent { rigid: Exact::ZERO, medical: Exact::ZERO, illness: Exact::ZERO };
    if facts.expenditures.is_empty() {
        return Ok(spent);
    }
    let window = window(facts, rules);
    for item in &facts.expenditures {
        let counted = count(item, members, &window)?.1.into();
        spent.rigid = spent.rigid.plus(counted)?;
        if matches!(item.kind, ExpenditureKind::Medical | ExpenditureKind::Accident) {
            spent.medical = spent.medical.plus(counted)?;
        }
        if matches!(item.kind, ExpenditureKind::Medical | ExpenditureKind::DisabilityRehab) {
            spent.illness = spent.illness.plus(counted)?;
        }
    }
    Ok(spent)
}

/// Notes what was capped or left out.
pub fn explain(facts: &Facts, members: &Members, rules: &Rules, reasons: &mut Reasons) -> Result<(), Overflow> {
    if facts.expenditures.is_empty() {
        return Ok(());
    }
    let window = window(facts, rules);
    for item in &facts.expenditures {
        match count(item, members, &window)?.0 {
            Treatment::Counted | Treatment::NotOfHousehold => {}
            Treatment::CappedAtBenchmark => reasons.flag("EDUCATION_CAPPED_AT_PUBLIC_BENCHMARK"),
            Treatment::OutsideWindow => {
                reasons.flag("EXPENDITURE_OUTSIDE_WINDOW");
                reasons.rests_on(&[clause::SEED_EXPENDITURE]);
            }
        }
    }
    Ok(())
}

//! `Assessment`: the facts of one household put through the rules up to the circle.
//!
//! [`super::decide`] reads the decision off it; [`super::trace`] shows the items behind its sums.

use super::circle::{Lines, Position, Rule, graduates};
use super::expenditure::Spent;
use super::facts::Facts;
use super::members::Members;
use super::property::{Failures, Property};
use super::{expenditure, income, tekun};
use crate::domain::exact::{Exact, Overflow};
use crate::policy::Rules;

/// What is known of the household that remains, and the rule to apply to it.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The rule.
    pub rule: Rule<'a>,
    /// The known position.
    pub at: Position,
    /// Which property tests fail as far as is known.
    pub failures: Failures,
}

/// Everything computed before the circle is decided. Single items are not kept: what became of them is the
/// same whenever it is asked.
#[derive(Debug, Clone)]
pub struct Assessment<'a> {
    /// Who counts, and who leaves as 特困.
    pub members: Members,
    /// What the household owns.
    pub property: Property,
    /// The remaining members' sums against their lines.
    pub known: Known<'a>,
}

impl<'a> Assessment<'a> {
    /// Puts the facts through the rules in their order: members, 特困, income, expenditure, property.
    pub fn of(facts: &Facts, rules: &'a Rules) -> Result<Self, Overflow> {
        let mut members = Members::decide(facts);
        let property = Property::sum(facts, rules)?;
        tekun::decide(facts, &mut members, &property, rules)?;
        let lines = Lines::of(rules, members.remaining())?;
        let failures = property.failures(rules, lines.financial);
        let income = income::of_remaining(facts, &members, rules)?;
        let Spent { rigid, medical, illness } = expenditure::of_remaining(facts, &members, rules)?;
        let deducted = if rules.deduct_rigid_in_dibao_test { illness } else { Exact::ZERO };
        let at = Position { income, rigid, medical, deducted, property_passes: failures.none() };
        let known = Known { rule: Rule { rules, lines, graduates: graduates(facts, rules) }, at, failures };
        Ok(Self { members, property, known })
    }

    /// Every counted member left as 特困.
    pub fn all_are_tekun(&self) -> bool {
        self.members.counted() > 0 && self.members.remaining() == 0
    }
}

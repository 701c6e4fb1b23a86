//! Whether the amount is adjusted inside the review cycle: only after a material change (SEED-S27).
//!
//! What is compared is what was found at the last review with what is found now: countable income, and how many
//! persons count. How much is material (明显) the rule leaves open. A new standard is applied by the notice that brings
//! it, not by this. The benefit hint says what the rules come to today; this says whether to act on it before the review.

use jiff::Span;
use jiff::civil::Date;
use serde::Serialize;

use super::facts::Facts;
use super::reasons::{Reasons, clause};
use super::rounded;
use crate::domain::exact::{Exact, Overflow};
use crate::domain::money::Money;
use crate::policy::Rules;

/// A household inside its review cycle, then and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjustment {
    /// The day of the last review.
    pub reviewed_on: Date,
    /// The first day after the cycle.
    pub cycle_ends_on: Date,
    /// Countable income found then.
    pub income_then: Money,
    /// By how much income is more, or less, now.
    pub change: Exact,
    /// How much it may be without being material.
    pub allowed: Exact,
    /// As many persons count as then.
    pub is_same_size: bool,
}

impl Adjustment {
    /// `None` outside the cycle, where the register does not say what was found, and where the pack does not say what
    /// is material. `cycle_months` is that of the household as it is now; `persons` are those its circle is about.
    pub fn of(
        facts: &Facts,
        rules: &Rules,
        cycle_months: u8,
        income: Exact,
        persons: usize,
    ) -> Result<Option<Self>, Overflow> {
        let prior = &facts.prior;
        let was_dibao = prior.circle.as_ref().is_some_and(|circle| circle.as_str() == "DIBAO");
        let (Some(percent), Some(reviewed_on), Some(income_then), Some(size), true) = (
            rules.significant_change_percent,
            prior.reviewed_on,
            prior.countable_income_12m,
            prior.household_size,
            was_dibao,
        ) else {
            return Ok(None);
        };
        let cycle_ends_on = reviewed_on.saturating_add(Span::new().months(i32::from(cycle_months)));
        if !(reviewed_on..cycle_ends_on).contains(&facts.assessed_on) {
            return Ok(None);
        }
        let then = Exact::from(income_then);
        Ok(Some(Self {
            reviewed_on,
            cycle_ends_on,
            income_then,
            change: income.minus(then)?,
            allowed: percent.percent_of(then)?,
            is_same_size: usize::try_from(size) == Ok(persons),
        }))
    }

    /// By how much income moved, in either direction.
    pub fn distance(&self) -> Exact {
        if self.change.is_negative() { self.change.negated() } else { self.change }
    }

    /// The amount is to be adjusted before the review is due. 超过 is strict.
    pub fn is_material(&self) -> bool {
        !self.is_same_size || self.distance() > self.allowed
    }

    /// Notes it.
    pub fn explain(&self, reasons: &mut Reasons) {
        reasons.flag(if self.is_material() {
            "MATERIAL_CHANGE_IN_REVIEW_CYCLE"
        } else {
            "AMOUNT_KEPT_IN_REVIEW_CYCLE"
        });
        reasons.rests_on(&[clause::SEED_MATERIAL_CHANGE]);
    }

    /// As told.
    pub fn told(&self, facts: &Facts) -> Result<ToldAdjustment, Overflow> {
        let is_material = self.is_material();
        Ok(ToldAdjustment {
            reviewed_on: self.reviewed_on,
            cycle_ends_on: self.cycle_ends_on,
            income_change_12m: rounded(self.change)?,
            allowed_change_12m: rounded(self.allowed)?,
            is_same_size: self.is_same_size,
            is_material,
            kept_monthly_total: if is_material { None } else { facts.prior.monthly_total },
        })
    }
}

/// Whether the amount is adjusted inside the review cycle, as told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldAdjustment {
    /// The day of the last review.
    pub reviewed_on: Date,
    /// The first day after the cycle.
    pub cycle_ends_on: Date,
    /// By how much countable income is more, or less, than then.
    pub income_change_12m: Money,
    /// How much it may be without being material.
    pub allowed_change_12m: Money,
    /// As many persons count as then; a change of members is material by itself.
    pub is_same_size: bool,
    /// The amount is to be adjusted now.
    pub is_material: bool,
    /// The amount that stays, where it stays and the register says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_monthly_total: Option<Money>,
}

//! Countable income: duplicates merged, exemptions and employment cost applied, support added
//! (57号 第十三条; `semantics.md`, Income).

use super::facts::{Facts, IncomeItem, Source};
use super::members::Members;
use super::reasons::{Reasons, clause};
use crate::domain::declaration::{Capability, Obligor};
use crate::domain::exact::{Exact, Overflow};
use crate::domain::fact::{IncomeCategory, Kind, is_paid_out};
use crate::policy::Rules;

/// What becomes of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Counted in full.
    Counted,
    /// Of a person who does not count.
    NotOfHousehold,
    /// Another record of the same payment stands, with the same amount.
    DuplicateMerged,
    /// Another record of the same payment stands, with another amount.
    ConflictOverruled,
    /// Of a kind that does not count.
    ExemptKind,
    /// A resident pension less its basic part.
    BasicPortionExempt,
    /// A resident pension in full, because the exemption of its basic part has ended.
    BasicExemptionExpired,
    /// A wage less the cost of employment.
    EmploymentCostDeducted,
    /// Money paid out.
    PaidOut,
}

/// How an obligor's support was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SupportBasis {
    /// Supports nobody who counts.
    NotOfHousehold,
    /// By judgment, agreement or mediation.
    Judgment,
    /// The obligor cannot pay.
    Unable,
    /// By the local formula.
    Formula,
    /// The obligor's household has no excess over its line.
    BelowLine,
}

/// Support by one obligor.
#[derive(Debug, Clone, Copy)]
pub struct Support {
    /// How it was found.
    pub basis: SupportBasis,
    /// The amount, exact.
    pub amount: Exact,
}

/// What becomes of the item at a position of [`Facts::incomes`]; the same whenever it is asked.
pub fn treatment(facts: &Facts, item: &IncomeItem, index: usize, members: &Members, rules: &Rules) -> Treatment {
    if !members.is_counted(item.member) {
        return Treatment::NotOfHousehold;
    }
    if let Some(treatment) = overruled(facts, index, item, rules) {
        return treatment;
    }
    let kind = item.kind.as_str();
    if rules.exempt_income_kinds.contains(&item.kind) {
        Treatment::ExemptKind
    } else if kind == PENSION_RESIDENT {
        match (item.basic_portion_12m, rules.basic_pension_exempt_until) {
            // A place without the exemption has none that could end.
            (None, _) | (_, None) => Treatment::Counted,
            (Some(_), Some(last)) if facts.assessed_on <= last => Treatment::BasicPortionExempt,
            (Some(_), Some(_)) => Treatment::BasicExemptionExpired,
        }
    } else if is_paid_out(item.category, &item.kind) {
        Treatment::PaidOut
    } else {
        let is_wage = item.category == IncomeCategory::Wage || kind == WAGE;
        match rules.employment_cost {
            Some(_) if is_wage => Treatment::EmploymentCostDeducted,
            _ => Treatment::Counted,
        }
    }
}

impl Treatment {
    /// What an item so treated counts for, exact.
    pub fn counts(self, item: &IncomeItem, rules: &Rules) -> Result<Exact, Overflow> {
        let amount = Exact::from(item.amount_12m);
        match self {
            Self::NotOfHousehold | Self::DuplicateMerged | Self::ConflictOverruled | Self::ExemptKind => {
                Ok(Exact::ZERO)
            }
            Self::Counted | Self::BasicExemptionExpired => Ok(amount),
            Self::PaidOut => Ok(amount.negated()),
            Self::BasicPortionExempt => {
                let basic = item.basic_portion_12m.unwrap_or_default();
                amount.minus(basic.into())
            }
            Self::EmploymentCostDeducted => match rules.employment_cost {
                Some(cost) => cost.percent.percent_off(amount),
                None => Ok(amount),
            },
        }
    }
}

/// What the items of some members count for, without support.
fn own(facts: &Facts, members: &Members, rules: &Rules, of: impl Fn(usize) -> bool) -> Result<Exact, Overflow> {
    let mut sum = Exact::ZERO;
    for (index, item) in facts.incomes.iter().enumerate().filter(|(_, item)| of(item.member)) {
        sum = sum.plus(treatment(facts, item, index, members, rules).counts(item, rules)?)?;
    }
    Ok(sum)
}

/// Own income of one member, without support.
pub fn own_of(facts: &Facts, members: &Members, rules: &Rules, member: usize) -> Result<Exact, Overflow> {
    own(facts, members, rules, |owner| owner == member)
}

/// What of the own income of one member, as [`own_of`] counts it, the test for 特困 leaves out: kinds and a part of a
/// pension that the pack names for that test alone (43号 第六条).
pub fn left_out_of_tekun_test(
    facts: &Facts,
    members: &Members,
    rules: &Rules,
    member: usize,
) -> Result<Exact, Overflow> {
    let mut sum = Exact::ZERO;
    let kinds = rules.tekun.exempt_income_kinds.as_deref().unwrap_or_default();
    let pension = rules.tekun.basic_pension_exempt == Some(true);
    if kinds.is_empty() && !pension {
        return Ok(sum);
    }
    for (index, item) in facts.incomes.iter().enumerate().filter(|(_, item)| item.member == member) {
        let treatment = treatment(facts, item, index, members, rules);
        if kinds.contains(&item.kind) {
            sum = sum.plus(treatment.counts(item, rules)?)?;
        } else if pension
            && item.kind.as_str() == PENSION_RESIDENT
            && matches!(treatment, Treatment::Counted | Treatment::BasicExemptionExpired)
        {
            sum = sum.plus(item.basic_portion_12m.unwrap_or_default().into())?;
        }
    }
    Ok(sum)
}

/// Income of the remaining members, with support.
pub fn of_remaining(facts: &Facts, members: &Members, rules: &Rules) -> Result<Exact, Overflow> {
    let mut sum = own(facts, members, rules, |owner| members.remains(owner))?;
    for obligor in &facts.obligors {
        sum = sum.plus(support(obligor, facts, members, rules)?.amount)?;
    }
    Ok(sum)
}

/// Notes what was merged, exempted, deducted and added.
pub fn explain(facts: &Facts, members: &Members, rules: &Rules, reasons: &mut Reasons) -> Result<(), Overflow> {
    reasons.rests_on(&[clause::INCOME]);
    for (index, item) in facts.incomes.iter().enumerate() {
        match treatment(facts, item, index, members, rules) {
            Treatment::Counted | Treatment::PaidOut => {}
            Treatment::NotOfHousehold => {
                if item.paid_after_death && members.get(item.member).is_some() {
                    reasons.flag("PAYMENT_AFTER_DEATH");
                    reasons.rests_on(&[clause::SEED_REPORT]);
                }
            }
            Treatment::DuplicateMerged => {
                reasons.flag("INCOME_DUPLICATE_MERGED");
                reasons.rests_on(&[clause::AUTHORITY]);
            }
            Treatment::ConflictOverruled => {
                reasons.flag("INCOME_CONFLICT_AUTHORITY_APPLIED");
                reasons.rests_on(&[clause::AUTHORITY]);
            }
            Treatment::ExemptKind => {
                reasons.flag(exempt_flag(&item.kind));
                reasons.reason("INCOME_EXEMPT");
            }
            Treatment::BasicPortionExempt => reasons.flag("BASIC_PENSION_PORTION_EXEMPT"),
            Treatment::BasicExemptionExpired => reasons.flag("BASIC_PENSION_EXEMPTION_EXPIRED"),
            Treatment::EmploymentCostDeducted => {
                reasons.flag("EMPLOYMENT_COST_DEDUCTED");
                reasons.rests_on(&[clause::EMPLOYMENT_COST]);
            }
        }
    }
    for obligor in &facts.obligors {
        let flag = match support(obligor, facts, members, rules)?.basis {
            SupportBasis::Judgment => "SUPPORT_BY_JUDGMENT",
            SupportBasis::Unable => "OBLIGOR_UNABLE",
            SupportBasis::Formula => "SUPPORT_IMPUTED_BY_FORMULA",
            SupportBasis::NotOfHousehold | SupportBasis::BelowLine => continue,
        };
        reasons.flag(flag);
        reasons.rests_on(&[clause::LOCAL_SUPPORT]);
    }
    Ok(())
}

const WAGE: &str = "WAGE";
/// The kind of a resident pension, whose basic part may be exempt.
pub(super) const PENSION_RESIDENT: &str = "PENSION_RESIDENT";

/// Whether another record of the same payment to the same person stands instead of this one.
fn overruled(facts: &Facts, index: usize, item: &IncomeItem, rules: &Rules) -> Option<Treatment> {
    let key = item.dedupe_key.as_ref()?;
    let same = || {
        facts
            .incomes
            .iter()
            .enumerate()
            .filter(|(_, other)| other.member == item.member && other.dedupe_key.as_ref() == Some(key))
    };
    // `min_by_key` keeps the first of equals: the first wins a tie.
    let (standing, _) = same().min_by_key(|(_, other)| authority(&other.source, rules))?;
    if standing == index {
        return None;
    }
    let agree = same().all(|(_, other)| other.amount_12m == item.amount_12m);
    Some(if agree { Treatment::DuplicateMerged } else { Treatment::ConflictOverruled })
}

/// The lower, the more trusted: the departments of the list in its order, any other, the declaration.
pub(super) fn authority(source: &Source, rules: &Rules) -> usize {
    let listed = rules.income_authority.len();
    match source {
        Source::Department(department) => {
            rules.income_authority.iter().position(|trusted| trusted == department).unwrap_or(listed)
        }
        Source::Declared => listed + 1,
    }
}

/// What the household gets from an obligor of somebody who counts: by judgment, nothing from who cannot pay, or by
/// the formula a share a counted person.
pub fn support(obligor: &Obligor, facts: &Facts, members: &Members, rules: &Rules) -> Result<Support, Overflow> {
    let none = |basis| Ok(Support { basis, amount: Exact::ZERO });
    let supported =
        members.each_counted(facts).filter(|(_, _, member)| obligor.supports.contains(&member.reference)).count();
    if supported == 0 {
        return none(SupportBasis::NotOfHousehold);
    }
    if let Some(judged) = obligor.judgment_12m {
        return Ok(Support { basis: SupportBasis::Judgment, amount: judged.into() });
    }
    if obligor.capability == Capability::Unable {
        return none(SupportBasis::Unable);
    }
    let Some(formula) = rules.support_formula else { return none(SupportBasis::BelowLine) };
    let line = Exact::from(rules.line_of_one).times(i64::from(obligor.household_size))?;
    let excess = Exact::from(obligor.household_income_12m).minus(line)?;
    if excess <= Exact::ZERO {
        return none(SupportBasis::BelowLine);
    }
    let share = formula.percent.percent_of(excess)?;
    let supported = i64::try_from(supported).map_err(|_| Overflow)?;
    let amount = share.scale(supported, i64::from(obligor.supported_total.max(1)))?;
    Ok(Support { basis: SupportBasis::Formula, amount })
}

/// `INCOME_EXEMPT_<kind>`, without building the text for the kinds every pack knows.
fn exempt_flag(kind: &Kind) -> super::reasons::Code {
    match kind.as_str() {
        "VETERAN_PREFERENTIAL" => "INCOME_EXEMPT_VETERAN_PREFERENTIAL".into(),
        "FAMILY_PLANNING_REWARD" => "INCOME_EXEMPT_FAMILY_PLANNING_REWARD".into(),
        "SCHOLARSHIP" => "INCOME_EXEMPT_SCHOLARSHIP".into(),
        "STUDENT_AID" => "INCOME_EXEMPT_STUDENT_AID".into(),
        "BRAVERY_REWARD" => "INCOME_EXEMPT_BRAVERY_REWARD".into(),
        "SOCIAL_ASSISTANCE" => "INCOME_EXEMPT_SOCIAL_ASSISTANCE".into(),
        "AGE_ALLOWANCE" => "INCOME_EXEMPT_AGE_ALLOWANCE".into(),
        "DISABILITY_SUBSIDY" => "INCOME_EXEMPT_DISABILITY_SUBSIDY".into(),
        "FUNERAL_GRANT" => "INCOME_EXEMPT_FUNERAL_GRANT".into(),
        other => format!("INCOME_EXEMPT_{other}").into(),
    }
}

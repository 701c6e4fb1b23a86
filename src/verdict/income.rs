//! Countable income: duplicates merged, exemptions and employment cost applied, support added
//! (57号 第十三条; `semantics.md`, Income).

use jiff::civil::Date;

use super::facts::{Facts, IncomeItem, Source};
use super::members::Members;
use super::reasons::{Reasons, clause};
use crate::domain::declaration::{Capability, Obligor};
use crate::domain::exact::{Exact, Overflow};
use crate::domain::fact::{IncomeCategory, Kind};
use crate::policy::Rules;

/// What became of one item.
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

/// One item of income and what it counts for.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// What became of it.
    pub treatment: Treatment,
    /// What it counts for, exact.
    pub counted: Exact,
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

/// Income of the household, by item, by member and by obligor.
#[derive(Debug, Clone)]
pub struct Income {
    /// One line an item, in the order of [`Facts::incomes`].
    pub lines: Vec<Line>,
    /// Own income a member, in the order of [`Facts::members`]; without support.
    pub own: Vec<Exact>,
    /// One line an obligor, in the order of [`Facts::obligors`].
    pub support: Vec<Support>,
}

impl Income {
    /// Counts all income of the members who count.
    pub fn count(facts: &Facts, members: &Members, rules: &Rules) -> Result<Self, Overflow> {
        let mut lines = Vec::with_capacity(facts.incomes.len());
        let mut own = vec![Exact::ZERO; facts.members.len()];
        for (index, item) in facts.incomes.iter().enumerate() {
            let line = if members.is_counted(item.member) {
                match overruled(facts, index, item, rules) {
                    Some(treatment) => Line { treatment, counted: Exact::ZERO },
                    None => counted(item, facts.assessed_on, rules)?,
                }
            } else {
                Line { treatment: Treatment::NotOfHousehold, counted: Exact::ZERO }
            };
            if let Some(total) = own.get_mut(item.member) {
                *total = total.plus(line.counted)?;
            }
            lines.push(line);
        }
        let support =
            facts.obligors.iter().map(|obligor| support(obligor, facts, members, rules)).collect::<Result<_, _>>()?;
        Ok(Self { lines, own, support })
    }

    /// Own income of one member.
    pub fn own_of(&self, member: usize) -> Exact {
        self.own.get(member).copied().unwrap_or(Exact::ZERO)
    }

    /// Income of the remaining members, with support.
    pub fn of_remaining(&self, members: &Members) -> Result<Exact, Overflow> {
        let own = self.own.iter().enumerate().filter(|(index, _)| members.remains(*index)).map(|(_, amount)| *amount);
        own.chain(self.support.iter().map(|support| support.amount)).try_fold(Exact::ZERO, Exact::plus)
    }

    /// Notes what was merged, exempted, deducted and added.
    pub fn explain(&self, facts: &Facts, members: &Members, reasons: &mut Reasons) {
        reasons.rests_on(&[clause::INCOME]);
        for (item, line) in facts.incomes.iter().zip(&self.lines) {
            match line.treatment {
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
        for support in &self.support {
            let flag = match support.basis {
                SupportBasis::Judgment => "SUPPORT_BY_JUDGMENT",
                SupportBasis::Unable => "OBLIGOR_UNABLE",
                SupportBasis::Formula => "SUPPORT_IMPUTED_BY_FORMULA",
                SupportBasis::NotOfHousehold | SupportBasis::BelowLine => continue,
            };
            reasons.flag(flag);
            reasons.rests_on(&[clause::LOCAL_SUPPORT]);
        }
    }
}

const WAGE: &str = "WAGE";
const TRANSFER_OUT: &str = "TRANSFER_OUT";
const PENSION_RESIDENT: &str = "PENSION_RESIDENT";

/// What an item that stands counts for.
fn counted(item: &IncomeItem, on: Date, rules: &Rules) -> Result<Line, Overflow> {
    let amount = Exact::from(item.amount_12m);
    let kind = item.kind.as_str();
    if rules.exempt_income_kinds.contains(&item.kind) {
        return Ok(Line { treatment: Treatment::ExemptKind, counted: Exact::ZERO });
    }
    if kind == PENSION_RESIDENT {
        let Some(basic) = item.basic_portion_12m else {
            return Ok(Line { treatment: Treatment::Counted, counted: amount });
        };
        return if rules.basic_pension_exempt_until.is_some_and(|last| on <= last) {
            let rest = amount.minus(basic.into())?;
            Ok(Line { treatment: Treatment::BasicPortionExempt, counted: rest })
        } else {
            Ok(Line { treatment: Treatment::BasicExemptionExpired, counted: amount })
        };
    }
    if item.category == IncomeCategory::TransferOut || kind == TRANSFER_OUT {
        return Ok(Line { treatment: Treatment::PaidOut, counted: amount.negated() });
    }
    match rules.employment_cost {
        Some(cost) if !cost.percent.is_zero() && (item.category == IncomeCategory::Wage || kind == WAGE) => {
            Ok(Line { treatment: Treatment::EmploymentCostDeducted, counted: cost.percent.percent_off(amount)? })
        }
        _ => Ok(Line { treatment: Treatment::Counted, counted: amount }),
    }
}

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
fn authority(source: &Source, rules: &Rules) -> usize {
    let listed = rules.income_authority.len();
    match source {
        Source::Department(department) => {
            rules.income_authority.iter().position(|trusted| trusted == department).unwrap_or(listed)
        }
        Source::Declared => listed + 1,
    }
}

fn support(obligor: &Obligor, facts: &Facts, members: &Members, rules: &Rules) -> Result<Support, Overflow> {
    let supported =
        members.each_counted(facts).filter(|(_, _, member)| obligor.supports.contains(&member.reference)).count();
    let none = |basis| Ok(Support { basis, amount: Exact::ZERO });
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

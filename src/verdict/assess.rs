//! `Assessment`: the facts of one household put through the rules up to the circle, with every line kept.
//!
//! [`super::evaluate`] reads the verdict off it; [`super::trace`] shows its lines.

use super::circle::{Lines, Position, Rule, graduates};
use super::expenditure::Expenditure;
use super::facts::{FactGap, Facts};
use super::income::Income;
use super::members::Members;
use super::property::{Failures, Property};
use super::tekun::{self, Finding};
use super::unknowns::{GapFinding, GapReport, Known};
use super::{Computed, Margin, Sums, rounded};
use crate::domain::dataset::MissingEffect;
use crate::domain::exact::{Exact, Overflow};
use crate::policy::Rules;

/// Everything computed before the circle is decided.
#[derive(Debug, Clone)]
pub struct Assessment {
    /// Who counts, and who leaves as 特困.
    pub members: Members,
    /// Income by item, member and obligor.
    pub income: Income,
    /// One finding a counted member.
    pub tekun: Vec<(usize, Finding)>,
    /// What the household owns.
    pub property: Property,
    /// Which limits it breaks, for the remaining members.
    pub failures: Failures,
    /// Which limits it would break for one person.
    pub failures_for_one: Failures,
    /// Rigid expenditure of the remaining members.
    pub expenditure: Expenditure,
    /// The lines of the remaining members.
    pub lines: Lines,
    /// Income of the remaining members, with support.
    pub countable_income: Exact,
}

impl Assessment {
    /// Puts the facts through the rules in their order: members, income, 特困, property, expenditure.
    pub fn of(facts: &Facts, rules: &Rules) -> Result<Self, Overflow> {
        let mut members = Members::decide(facts);
        let income = Income::count(facts, &members, rules)?;
        let property = Property::sum(facts, rules)?;
        let failures_for_one = property.failures(rules, 1)?;
        let tekun = tekun::decide(facts, &mut members, &income, failures_for_one, rules);
        let persons = members.remaining();
        let expenditure = Expenditure::count(facts, &members, rules)?;
        Ok(Self {
            failures: property.failures(rules, persons)?,
            failures_for_one,
            lines: Lines::of(rules, persons)?,
            countable_income: income.of_remaining(&members)?,
            members,
            income,
            tekun,
            property,
            expenditure,
        })
    }

    /// Every counted member left as 特困.
    pub fn all_are_tekun(&self) -> bool {
        self.members.counted() > 0 && self.members.remaining() == 0
    }

    /// The rule and the known position of the remaining members.
    pub fn known<'a>(&self, facts: &Facts, rules: &'a Rules) -> Known<'a> {
        Known {
            rule: Rule { rules, lines: self.lines, graduates: graduates(facts, rules) },
            at: Position {
                income: self.countable_income,
                rigid: self.expenditure.rigid,
                medical: self.expenditure.medical,
                property_passes: self.failures.none(),
            },
            failures: self.failures,
        }
    }

    /// The sums for print.
    pub fn computed(&self) -> Result<Computed, Overflow> {
        Ok(Computed {
            household_size: self.lines.persons,
            sums: Some(Sums {
                countable_income_12m: rounded(self.countable_income)?,
                dibao_line_12m: rounded(self.lines.dibao)?,
                low_income_line_12m: rounded(self.lines.low_income)?,
                rigid_expenditure_12m: rounded(self.expenditure.rigid)?,
                financial_assets: rounded(self.property.financial)?,
                financial_asset_limit: rounded(self.lines.financial)?,
            }),
        })
    }
}

/// True when a member may be severely ill without anybody having said so.
pub fn hides_illness(gap: &FactGap) -> bool {
    gap.effects.contains(&MissingEffect::MemberIllnessUnknown)
}

/// The gaps as the verdict reports them. `members_open`: some member has, or may have, an outcome of its own.
pub fn gap_findings(
    facts: &Facts,
    assessment: &Assessment,
    weighed: Option<&GapReport>,
    members_open: bool,
) -> Vec<GapFinding> {
    let has_tekun = assessment.tekun.iter().any(|(_, finding)| matches!(finding, Finding::Tekun(..)));
    let near_tekun = assessment.tekun.iter().any(|(_, finding)| *finding == Finding::PropertyFails)
        && assessment.failures_for_one.only_dwellings();
    let finding = |(index, gap): (usize, &FactGap)| {
        let touches_member = |effect: &MissingEffect| match effect {
            MissingEffect::IncomeUp => members_open,
            MissingEffect::PropertyMayFail => has_tekun,
            MissingEffect::DwellingMayPass => near_tekun,
            MissingEffect::MemberIllnessUnknown => members_open && !assessment.all_are_tekun(),
            MissingEffect::ExpenditureUp => false,
        };
        let could_change_members = gap.effects.iter().any(touches_member);
        let by_rule = weighed.is_some_and(|report| report.could_change.get(index).copied().unwrap_or(false));
        GapFinding {
            department: gap.department.clone(),
            reason: gap.reason,
            // Where everybody is 特困, a member who is not after all makes it another household.
            could_change: by_rule || (assessment.all_are_tekun() && could_change_members),
            could_change_members,
        }
    };
    facts.gaps.iter().enumerate().map(finding).collect()
}

/// How far each comparison of the circle was from turning out the other way.
pub fn margins(assessment: &Assessment, known: &Known<'_>) -> Result<Vec<Margin>, Overflow> {
    let lines = &assessment.lines;
    let heads = i64::try_from(lines.persons).map_err(|_| Overflow)?;
    if heads == 0 {
        return Ok(Vec::new());
    }
    let margin = |test, holds, value: Exact, limit: Exact| -> Result<Margin, Overflow> {
        let distance = limit.minus(value)?;
        Ok(Margin {
            test,
            holds,
            value: rounded(value)?,
            limit: rounded(limit)?,
            margin: rounded(distance)?,
            per_head_month: distance.share(heads.checked_mul(12).ok_or(Overflow)?)?,
        })
    };
    let income = known.at.income;
    let rules = known.rule.rules;
    let mut margins = vec![margin("income_below_standard", income < lines.dibao, income, lines.dibao)?];
    if income >= lines.dibao {
        let holds = rules.low_income_upper_bound.admits(income, lines.low_income);
        margins.push(margin("income_within_low_income_line", holds, income, lines.low_income)?);
        if rules.expenditure_rule.is_ratio() {
            if let Some(ceiling) = lines.disposable {
                margins.push(margin("income_below_disposable", income < ceiling, income, ceiling)?);
            }
            let all = rules.expenditure_ratio_percent.percent_of(income)?;
            let medical = rules.expenditure_medical_ratio_percent.percent_of(income)?;
            let (rigid, part) = (known.at.rigid, known.at.medical);
            margins.push(margin("expenditure_above_ratio", rigid > all, rigid, all)?);
            margins.push(margin("medical_expenditure_above_ratio", part > medical, part, medical)?);
        } else {
            let net = income.minus(known.at.rigid)?.floored_at_zero();
            margins.push(margin("net_income_below_standard", net < lines.dibao, net, lines.dibao)?);
        }
    }
    let financial = assessment.property.financial;
    let holds = rules.financial_asset_limit.comparison.admits(financial, lines.financial);
    margins.push(margin("financial_assets_within_limit", holds, financial, lines.financial)?);
    Ok(margins)
}

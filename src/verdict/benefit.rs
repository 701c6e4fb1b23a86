//! What a household or member would get: a hint for the officer, never a grant (`semantics.md`, Benefit hint).

use serde::Serialize;

use super::circle::{Circle, Lines};
use super::facts::{Facts, MemberFacts};
use super::income::Income;
use super::members::{Members, Person};
use super::reasons::{Reasons, clause};
use crate::domain::exact::{Exact, Overflow};
use crate::domain::household::MemberRef;
use crate::domain::money::Money;
use crate::policy::Rules;
use crate::policy::decimal::Decimal;
use crate::policy::values::{BenefitMode, TopUpStacking};

/// How the amount comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HintMode {
    /// The difference to the line.
    Difference,
    /// An officer sets the tier.
    Tiered,
    /// The amount until now is kept.
    KeepPrior,
}

/// Ground of a top-up or of a single person's admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ground {
    /// 老年人.
    Elderly,
    /// 未成年人.
    Minor,
    /// 重病.
    SevereIllness,
    /// 重度残疾.
    SevereDisability,
}

impl Ground {
    const ALL: [Self; 4] = [Self::Elderly, Self::Minor, Self::SevereIllness, Self::SevereDisability];

    const fn top_up_reason(self) -> &'static str {
        match self {
            Self::Elderly => "TOPUP_ELDERLY",
            Self::Minor => "TOPUP_MINOR",
            Self::SevereIllness => "TOPUP_SEVERE_ILLNESS",
            Self::SevereDisability => "TOPUP_SEVERE_DISABILITY",
        }
    }

    fn holds(self, person: Person, member: &MemberFacts, rules: &Rules) -> bool {
        match self {
            Self::Elderly => person.age >= rules.topup_elderly_age,
            Self::Minor => person.age < 18,
            Self::SevereIllness => member.severe_illness,
            Self::SevereDisability => is_severely_disabled(member),
        }
    }

    const fn percent(self, rules: &Rules) -> Option<Decimal> {
        match self {
            Self::Elderly => rules.topup_percent.elderly,
            Self::Minor => rules.topup_percent.minor,
            Self::SevereIllness => rules.topup_percent.severe_illness,
            Self::SevereDisability => rules.topup_percent.severe_disability,
        }
    }
}

fn is_severely_disabled(member: &MemberFacts) -> bool {
    member.disability.is_some_and(crate::domain::fact::Disability::is_severe)
}

/// A top-up of one member (分类增发).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopUp {
    /// The member.
    pub member_id: MemberRef,
    /// The ground that counts.
    pub ground: Ground,
    /// Percentage of one person's standard.
    pub percent: Decimal,
    /// Yuan a month.
    pub monthly_amount: Money,
}

/// What a household would get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BenefitHint {
    /// How the amount comes about.
    pub mode: HintMode,
    /// The difference a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_base: Option<Money>,
    /// Top-ups; 低保 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topups: Option<Vec<TopUp>>,
    /// Base and top-ups together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_total: Option<Money>,
}

const TIERED: BenefitHint =
    BenefitHint { mode: HintMode::Tiered, monthly_base: None, topups: None, monthly_total: None };

/// The hint for a household in its graduation period: what it had.
pub fn keep_prior(facts: &Facts, reasons: &mut Reasons) -> BenefitHint {
    reasons.flag("GRADUATION_PERIOD");
    reasons.rests_on(&[clause::GRADUATION]);
    let monthly_total = facts.prior.monthly_total;
    BenefitHint { mode: HintMode::KeepPrior, monthly_base: None, topups: None, monthly_total }
}

/// The hint for 低保 (`measured` is income) or 支出型 (`measured` is net income); nothing for other circles.
pub fn hint(
    circle: Circle,
    measured: Exact,
    lines: &Lines,
    facts: &Facts,
    members: &Members,
    rules: &Rules,
    reasons: &mut Reasons,
) -> Result<Option<BenefitHint>, Overflow> {
    match circle {
        Circle::Dibao => reasons.rests_on(&[clause::DIBAO_BENEFIT, clause::BENEFIT, clause::SEED_TOP_UP]),
        Circle::Expenditure => reasons.rests_on(&[clause::SEED_EXPENDITURE]),
        _ => return Ok(None),
    }
    if rules.benefit_mode == BenefitMode::Tiered {
        reasons.reason("BENEFIT_TIERED");
        reasons.rests_on(&[clause::BENEFIT, clause::SEED_TOP_UP]);
        return Ok(Some(TIERED));
    }
    let one = rules.monthly_line_of_one()?;
    let mut base = lines.dibao.minus(measured)?.scale(1, 12)?;
    for (_, _, member) in members.each_remaining(facts) {
        if member.job_refusals >= 3 {
            base = base.minus(one)?;
            reasons.flag("BENEFIT_STOPPED_JOB_REFUSALS");
            reasons.rests_on(&[clause::JOB_REFUSAL]);
        }
    }
    let monthly_base = base.floored_at_zero().round_half_up()?;
    let mut hint =
        BenefitHint { mode: HintMode::Difference, monthly_base: Some(monthly_base), topups: None, monthly_total: None };
    if circle == Circle::Dibao {
        if monthly_base == Money::ZERO {
            reasons.flag("BENEFIT_ROUNDS_TO_ZERO");
        }
        let topups = top_ups(one, facts, members, rules, reasons)?;
        let total = topups.iter().try_fold(monthly_base, |sum, topup| sum.checked_add(topup.monthly_amount));
        hint.monthly_total = Some(total.ok_or(Overflow)?);
        hint.topups = Some(topups);
    }
    Ok(Some(hint))
}

fn top_ups(
    one: Exact,
    facts: &Facts,
    members: &Members,
    rules: &Rules,
    reasons: &mut Reasons,
) -> Result<Vec<TopUp>, Overflow> {
    let mut topups = Vec::new();
    for (_, person, member) in members.each_remaining(facts) {
        let mut grounds: Vec<TopUp> = Vec::new();
        for ground in Ground::ALL.into_iter().filter(|ground| ground.holds(person, member, rules)) {
            let Some(percent) = ground.percent(rules) else { continue };
            let monthly_amount = percent.percent_of(one)?.round_half_up()?;
            grounds.push(TopUp { member_id: member.reference.clone(), ground, percent, monthly_amount });
        }
        if rules.topup_stacking == TopUpStacking::Max {
            // The first of equals stays: the order of grounds breaks a tie. Exact percentages, not rounded amounts.
            let mut highest: Option<TopUp> = None;
            for topup in grounds {
                if highest.as_ref().is_none_or(|standing| topup.percent.exceeds(standing.percent)) {
                    highest = Some(topup);
                }
            }
            grounds = highest.into_iter().collect();
        }
        for topup in &grounds {
            reasons.reason(topup.ground.top_up_reason());
        }
        topups.append(&mut grounds);
    }
    Ok(topups)
}

/// A member of a low-income household admitted alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Single {
    /// Position of the member.
    pub member: usize,
    /// The ground.
    pub ground: Ground,
    /// Yuan a month.
    pub monthly_amount: Money,
}

/// The single persons of a low-income household (57号 第八条; `semantics.md`, `DIBAO_SINGLE`).
pub fn singles(
    facts: &Facts,
    members: &Members,
    income: &Income,
    rules: &Rules,
    reasons: &mut Reasons,
) -> Result<Vec<Single>, Overflow> {
    let line = Exact::from(rules.line_of_one);
    let mut singles = Vec::new();
    let mut has_ground = false;
    reasons.rests_on(&[clause::SEED_SINGLE, clause::LOW_INCOME]);
    for (index, _, member) in members.each_remaining(facts) {
        let (ground, reason) = if is_severely_disabled(member) {
            (Ground::SevereDisability, "SINGLE_SEVERE_DISABILITY")
        } else if member.severe_illness {
            (Ground::SevereIllness, "SINGLE_SEVERE_ILLNESS")
        } else {
            continue;
        };
        has_ground = true;
        let own = income.own_of(index);
        if own >= line {
            reasons.reason("SINGLE_OWN_INCOME_GE_STANDARD");
            continue;
        }
        reasons.reason(reason);
        let monthly_amount = line.minus(own)?.scale(1, 12)?.round_half_up()?;
        singles.push(Single { member: index, ground, monthly_amount });
    }
    if !has_ground {
        reasons.reason("SINGLE_GROUND_ABSENT");
    }
    Ok(singles)
}

//! What a household or member would get: a hint for the officer, never a grant (`semantics.md`, Benefit hint).

use serde::Serialize;
use smallvec::SmallVec;

use super::circle::{Circle, Lines};
use super::facts::{Facts, MemberFacts};
use super::income;
use super::members::{Members, Person};
use super::reasons::{Reasons, clause};
use crate::domain::exact::{Exact, Overflow};
use crate::domain::household::LabourCapacity;
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

impl HintMode {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Difference => "DIFFERENCE",
            Self::Tiered => "TIERED",
            Self::KeepPrior => "KEEP_PRIOR",
        }
    }
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
    /// 完全丧失劳动能力: a ground of admission only.
    NoCapacity,
}

impl Ground {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Elderly => "ELDERLY",
            Self::Minor => "MINOR",
            Self::SevereIllness => "SEVERE_ILLNESS",
            Self::SevereDisability => "SEVERE_DISABILITY",
            Self::NoCapacity => "NO_CAPACITY",
        }
    }

    /// The grounds of a top-up.
    const OF_TOP_UPS: [Self; 4] = [Self::Elderly, Self::Minor, Self::SevereIllness, Self::SevereDisability];

    const fn top_up_reason(self) -> &'static str {
        match self {
            Self::Elderly => "TOPUP_ELDERLY",
            Self::Minor => "TOPUP_MINOR",
            Self::SevereIllness => "TOPUP_SEVERE_ILLNESS",
            Self::SevereDisability | Self::NoCapacity => "TOPUP_SEVERE_DISABILITY",
        }
    }

    fn holds(self, person: Person, member: &MemberFacts, rules: &Rules) -> bool {
        match self {
            Self::Elderly => person.age >= rules.topup_elderly_age,
            Self::Minor => person.age < 18,
            Self::SevereIllness => member.severe_illness,
            Self::SevereDisability => is_severely_disabled(member),
            Self::NoCapacity => (16..=59).contains(&person.age) && member.labour_capacity == LabourCapacity::None,
        }
    }

    const fn percent(self, rules: &Rules) -> Option<Decimal> {
        match self {
            Self::Elderly => rules.topup_percent.elderly,
            Self::Minor => rules.topup_percent.minor,
            Self::SevereIllness => rules.topup_percent.severe_illness,
            Self::SevereDisability => rules.topup_percent.severe_disability,
            Self::NoCapacity => None,
        }
    }
}

fn is_severely_disabled(member: &MemberFacts) -> bool {
    member.disability.is_some_and(crate::domain::fact::Disability::is_severe)
}

/// A top-up of one member (分类增发).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopUp {
    /// Position of the member.
    pub member: usize,
    /// The ground that counts.
    pub ground: Ground,
    /// Percentage of one person's standard.
    pub percent: Decimal,
    /// Yuan a month.
    pub monthly_amount: Money,
}

/// What a household would get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Benefit {
    /// How the amount comes about.
    pub mode: HintMode,
    /// The difference a month.
    pub monthly_base: Option<Money>,
    /// Top-ups; 低保 only.
    pub topups: Option<SmallVec<[TopUp; 4]>>,
    /// Base and top-ups together.
    pub monthly_total: Option<Money>,
}

impl Benefit {
    /// Of a household in its graduation period: what it had.
    pub const fn keep_prior(facts: &Facts) -> Self {
        let monthly_total = facts.prior.monthly_total;
        Self { mode: HintMode::KeepPrior, monthly_base: None, topups: None, monthly_total }
    }

    /// Of 低保 (`measured` is income) or 支出型 (`measured` is net income); nothing for other circles.
    pub fn of(
        circle: Circle,
        measured: Exact,
        lines: &Lines,
        facts: &Facts,
        members: &Members,
        rules: &Rules,
    ) -> Result<Option<Self>, Overflow> {
        if !matches!(circle, Circle::Dibao | Circle::Expenditure) {
            return Ok(None);
        }
        if rules.benefit_mode == BenefitMode::Tiered {
            return Ok(Some(Self { mode: HintMode::Tiered, monthly_base: None, topups: None, monthly_total: None }));
        }
        let one = rules.monthly_line_of_one()?;
        let mut base = lines.dibao.minus(measured)?.scale(1, 12)?;
        for _ in members.each_remaining(facts).filter(|(_, _, member)| refuses_work(member)) {
            base = base.minus(one)?;
        }
        let monthly_base = base.floored_at_zero().round_half_up()?;
        let mut benefit =
            Self { mode: HintMode::Difference, monthly_base: Some(monthly_base), topups: None, monthly_total: None };
        if circle == Circle::Dibao {
            let topups = top_ups(one, facts, members, rules)?;
            let total = topups.iter().try_fold(monthly_base, |sum, topup| sum.checked_add(topup.monthly_amount));
            benefit.monthly_total = Some(total.ok_or(Overflow)?);
            benefit.topups = Some(topups);
        }
        Ok(Some(benefit))
    }

    /// Notes what it rests on, what was withheld and what was added.
    pub fn explain(&self, circle: Circle, facts: &Facts, members: &Members, reasons: &mut Reasons) {
        if self.mode == HintMode::KeepPrior {
            reasons.flag("GRADUATION_PERIOD");
            reasons.rests_on(&[clause::GRADUATION]);
            return;
        }
        reasons.rests_on(match circle {
            Circle::Dibao => &[clause::DIBAO_BENEFIT, clause::BENEFIT, clause::SEED_TOP_UP],
            _ => &[clause::SEED_EXPENDITURE],
        });
        if self.mode == HintMode::Tiered {
            reasons.reason("BENEFIT_TIERED");
            reasons.rests_on(&[clause::BENEFIT, clause::SEED_TOP_UP]);
            return;
        }
        if members.each_remaining(facts).any(|(_, _, member)| refuses_work(member)) {
            reasons.flag("BENEFIT_STOPPED_JOB_REFUSALS");
            reasons.rests_on(&[clause::JOB_REFUSAL]);
        }
        let Some(topups) = &self.topups else { return };
        if self.monthly_base == Some(Money::ZERO) {
            reasons.flag("BENEFIT_ROUNDS_TO_ZERO");
        }
        for topup in topups {
            reasons.reason(topup.ground.top_up_reason());
        }
    }
}

/// Three refusals of suitable work without reason (SC649 第四十五条).
const fn refuses_work(member: &MemberFacts) -> bool {
    member.job_refusals >= 3
}

fn top_ups(one: Exact, facts: &Facts, members: &Members, rules: &Rules) -> Result<SmallVec<[TopUp; 4]>, Overflow> {
    let mut topups = SmallVec::new();
    for (index, person, member) in members.each_remaining(facts) {
        let mut granted = Ground::OF_TOP_UPS
            .into_iter()
            .filter(|ground| ground.holds(person, member, rules))
            .filter_map(|ground| Some((ground, ground.percent(rules)?)));
        let mut add = |(ground, percent): (Ground, Decimal)| -> Result<(), Overflow> {
            let monthly_amount = percent.percent_of(one)?.round_half_up()?;
            topups.push(TopUp { member: index, ground, percent, monthly_amount });
            Ok(())
        };
        match rules.topup_stacking {
            TopUpStacking::Sum => granted.try_for_each(add)?,
            // The first of equals stays: the order of grounds breaks a tie. Exact percentages, not rounded amounts.
            TopUpStacking::Max => {
                let higher = |standing: (Ground, Decimal), next: (Ground, Decimal)| {
                    if next.1.exceeds(standing.1) { next } else { standing }
                };
                granted.reduce(higher).map_or(Ok(()), &mut add)?;
            }
        }
    }
    Ok(topups)
}

/// A member of a low-income household admitted alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Single {
    /// Position of the member.
    pub member: usize,
    /// The ground.
    pub ground: Ground,
    /// Yuan a month.
    pub monthly_amount: Money,
}

/// The ground on which a member of a low-income household is admitted alone, income aside.
fn single_ground(person: Person, member: &MemberFacts, rules: &Rules) -> Option<Ground> {
    let mut grounds = [Ground::SevereDisability, Ground::SevereIllness, Ground::NoCapacity].into_iter();
    grounds.find(|ground| {
        (*ground != Ground::NoCapacity || rules.single_by_no_capacity) && ground.holds(person, member, rules)
    })
}

/// The single persons of a low-income household (57号 第八条; `semantics.md`, `DIBAO_SINGLE`).
pub fn singles(facts: &Facts, members: &Members, rules: &Rules) -> Result<SmallVec<[Single; 2]>, Overflow> {
    let line = Exact::from(rules.line_of_one);
    let mut singles = SmallVec::new();
    for (index, person, member) in members.each_remaining(facts) {
        let Some(ground) = single_ground(person, member, rules) else { continue };
        let own = income::own_of(facts, members, rules, index)?;
        if own < line {
            let monthly_amount = line.minus(own)?.scale(1, 12)?.round_half_up()?;
            singles.push(Single { member: index, ground, monthly_amount });
        }
    }
    Ok(singles)
}

/// Notes who is admitted alone, and who has a ground but too much income.
pub fn explain_singles(singles: &[Single], facts: &Facts, members: &Members, rules: &Rules, reasons: &mut Reasons) {
    reasons.rests_on(&[clause::SEED_SINGLE, clause::LOW_INCOME]);
    let mut has_ground = false;
    for (index, person, member) in members.each_remaining(facts) {
        let Some(ground) = single_ground(person, member, rules) else { continue };
        has_ground = true;
        reasons.reason(match ground {
            _ if singles.iter().all(|single| single.member != index) => "SINGLE_OWN_INCOME_GE_STANDARD",
            Ground::SevereDisability => "SINGLE_SEVERE_DISABILITY",
            Ground::NoCapacity => "SINGLE_NO_CAPACITY",
            _ => "SINGLE_SEVERE_ILLNESS",
        });
        if ground == Ground::NoCapacity {
            reasons.rests_on(&[clause::SEED_CAPACITY]);
        }
    }
    if !has_ground {
        reasons.reason("SINGLE_GROUND_ABSENT");
    }
}

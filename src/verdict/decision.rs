//! `Decision`: what the rules come to for one household, exact, nothing yet put into words.
//!
//! It is made without codes, text or lists on the heap; [`super::wire`] tells it and [`super::trace`] shows
//! it, each when somebody asks.

use smallvec::SmallVec;

use super::adjustment::Adjustment;
use super::assess::Assessment;
use super::benefit::{self, Benefit, Single};
use super::circle::{Circle, Finding};
use super::facts::Facts;
use super::gate::{Gate, gate};
use super::sparing::SettledBy;
use super::unknowns::Weighed;
use super::{HouseholdCircle, Status, review_cycle};
use crate::domain::exact::Overflow;
use crate::policy::Parameters;

/// What the rules come to for one household.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    pub(super) facts: &'a Facts,
    pub(super) parameters: &'a Parameters,
    pub(super) ruling: Ruling<'a>,
}

/// How far the rules went.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every household gets to the rules, and a box would be an allocation"
)]
pub(super) enum Ruling<'a> {
    /// A gate is shut: the rules were not applied.
    Shut(Gate),
    /// Every counted member is 特困, and nothing more is computed.
    AllTekun(Assessment<'a>),
    /// There is a household to find a circle for.
    Household(Household<'a>),
}

/// A household with its circle, or with the circles that are possible.
#[derive(Debug, Clone)]
pub(super) struct Household<'a> {
    pub(super) assessment: Assessment<'a>,
    /// What the gaps come to; none where nobody is silent.
    pub(super) weighed: Option<Weighed>,
    /// What follows from the circle; none while several are possible.
    pub(super) settled: Option<Settled>,
}

/// What follows from a circle that is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settled {
    /// The circle, and what is met besides.
    pub(super) finding: Finding,
    /// The members admitted alone; none where the household is not of low income.
    pub(super) singles: Option<SmallVec<[Single; 2]>>,
    /// What the household would get.
    pub(super) benefit: Option<Benefit>,
    /// Months until the next review.
    pub(super) review_cycle_months: Option<u8>,
    /// Inside its review cycle, whether the amount is adjusted.
    pub(super) adjustment: Option<Adjustment>,
}

/// Applies the rules. Fails only when amounts are too large to compute with.
pub fn decide<'a>(facts: &'a Facts, parameters: &'a Parameters) -> Result<Decision<'a>, Overflow> {
    // A decision is made where it is returned: it is about a thousand bytes, and each hand it went through would copy them.
    if let Some(gate) = gate(facts) {
        return Ok(Decision { facts, parameters, ruling: Ruling::Shut(gate) });
    }
    let assessment = Assessment::of(facts, parameters.rules())?;
    if assessment.all_are_tekun() {
        return Ok(Decision { facts, parameters, ruling: Ruling::AllTekun(assessment) });
    }
    let weighed = if facts.gaps.is_empty() { None } else { Some(Weighed::of(facts, &assessment)?) };
    let is_open = weighed.as_ref().is_some_and(|weighed| weighed.possible.len() > 1);
    let settled = if is_open { None } else { Some(Settled::of(facts, &assessment)?) };
    Ok(Decision { facts, parameters, ruling: Ruling::Household(Household { assessment, weighed, settled }) })
}

impl Settled {
    /// What follows at the known position.
    pub(super) fn of(facts: &Facts, assessment: &Assessment<'_>) -> Result<Self, Overflow> {
        let Assessment { members, known, .. } = assessment;
        let (rule, at, rules) = (&known.rule, known.at, known.rule.rules);
        let finding = rule.apply(at)?;
        let singles = if finding.is_low_income() { Some(benefit::singles(facts, members, rules)?) } else { None };
        let benefit = if finding.graduates {
            Some(Benefit::keep_prior(facts))
        } else {
            let measured = match finding.circle {
                Circle::Expenditure => at.income.minus(at.rigid)?.floored_at_zero(),
                _ => at.dibao_income()?,
            };
            Benefit::of(finding.circle, measured, &rule.lines, facts, members, rules)?
        };
        let is_dibao = finding.circle == Circle::Dibao;
        let review_cycle_months = is_dibao.then(|| review_cycle::months(facts, members));
        let adjustment = match review_cycle_months {
            // In the graduation period the amount is kept for another reason.
            Some(months) if !finding.graduates => Adjustment::of(facts, rules, months, at.income, rule.lines.persons)?,
            _ => None,
        };
        Ok(Self { finding, singles, benefit, review_cycle_months, adjustment })
    }
}

impl<'a> Decision<'a> {
    /// What was decided on.
    pub const fn facts(&self) -> &'a Facts {
        self.facts
    }

    /// By which parameters.
    pub const fn parameters(&self) -> &'a Parameters {
        self.parameters
    }

    /// How far the matter is settled.
    pub const fn status(&self) -> Status {
        match &self.ruling {
            Ruling::Shut(gate) => gate.status(),
            Ruling::Household(Household { settled: None, .. }) => Status::PendingData,
            Ruling::AllTekun(_) | Ruling::Household(_) => Status::Determined,
        }
    }

    /// What is said of the household circle.
    pub const fn household_circle(&self) -> HouseholdCircle {
        match &self.ruling {
            Ruling::Shut(_) => HouseholdCircle::NotAsked,
            Ruling::AllTekun(_) => HouseholdCircle::Is(Circle::Tekun),
            Ruling::Household(Household { settled: Some(settled), .. }) => HouseholdCircle::Is(settled.finding.circle),
            Ruling::Household(_) => HouseholdCircle::Open,
        }
    }

    /// The household circle, when there is one.
    pub const fn circle(&self) -> Option<Circle> {
        self.household_circle().circle()
    }

    /// The sums behind it; none where a gate is shut.
    pub const fn assessment(&self) -> Option<&Assessment<'a>> {
        match &self.ruling {
            Ruling::Shut(_) => None,
            Ruling::AllTekun(assessment) | Ruling::Household(Household { assessment, .. }) => Some(assessment),
        }
    }

    /// What makes it needless to ask for more.
    pub(super) fn settled_by(&self) -> SettledBy {
        match &self.ruling {
            Ruling::Shut(_) => SettledBy::GateShut,
            Ruling::AllTekun(_) => SettledBy::AllTekun,
            Ruling::Household(household) => {
                SettledBy::of(self.household_circle(), household.assessment.known.at.property_passes)
            }
        }
    }

    pub(super) const fn household(&self) -> Option<&Household<'a>> {
        match &self.ruling {
            Ruling::Household(household) => Some(household),
            Ruling::Shut(_) | Ruling::AllTekun(_) => None,
        }
    }
}

//! `Verdict`: a decision as it is told, with flags, reason codes, clauses, margins and tipping points.

use serde::Serialize;

use super::acceptance::Acceptance;
use super::adjustment::ToldAdjustment;
use super::assess::Assessment;
use super::benefit::{self, Benefit, Ground, HintMode, TopUp};
use super::circle::Circle;
use super::decision::{Decision, Ruling, Settled};
use super::emergency;
use super::facts::{Facts, MemberFacts};
use super::gate::gate;
use super::identity::VerdictId;
use super::margins::{Margin, margins};
use super::members::Person;
use super::reasons::{Clause, Code, Reasons, clause};
use super::sparing::{self, SettledBy, SparedFinding};
use super::tekun::{self, CareLevel, Finding};
use super::tipping::{Possibility, TippingPoint, possibilities, tipping_points};
use super::unknowns::{GapFinding, Open, hides_illness, open_by};
use super::{HouseholdCircle, Status, expenditure, income, property, review_cycle, rounded};
use crate::domain::dataset::DepartmentId;
use crate::domain::exact::Overflow;
use crate::domain::fact::FactKind;
use crate::domain::household::{MemberRef, Place};
use crate::domain::money::Money;
use crate::policy::Parameters;
use crate::policy::decimal::Decimal;
use crate::policy::values::SpecialAssistance;

/// Outcome of a single member, apart from the household circle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberOutcome {
    /// The member.
    pub member_id: MemberRef,
    /// `TEKUN` or `DIBAO_SINGLE`.
    pub circle: Circle,
    /// Ground of a single person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ground: Option<Ground>,
    /// Yuan a month of a single person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_amount: Option<Money>,
    /// Care level of 特困.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub care_level: Option<CareLevel>,
}

/// The sums, rounded half up to the fen for print; no comparison uses them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Computed {
    /// Members the circle is about.
    pub household_size: usize,
    /// The rest; absent when every member is 特困.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub sums: Option<Sums>,
}

/// See [`Computed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// I.
    pub countable_income_12m: Money,
    /// L.
    pub dibao_line_12m: Money,
    /// L15.
    pub low_income_line_12m: Money,
    /// R.
    pub rigid_expenditure_12m: Money,
    /// Financial assets.
    pub financial_assets: Money,
    /// Their limit.
    pub financial_asset_limit: Money,
}

/// A top-up of one member, as told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldTopUp {
    /// The member.
    pub member_id: MemberRef,
    /// The ground that counts.
    pub ground: Ground,
    /// Percentage of one person's standard.
    pub percent: Decimal,
    /// Yuan a month.
    pub monthly_amount: Money,
}

/// What a household would get, as told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BenefitHint {
    /// How the amount comes about.
    pub mode: HintMode,
    /// The difference a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_base: Option<Money>,
    /// Top-ups; 低保 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topups: Option<Vec<ToldTopUp>>,
    /// Base and top-ups together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_total: Option<Money>,
}

/// The pack a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackRef {
    /// Its name.
    pub name: String,
    /// SHA-256 of its effective content.
    pub digest: String,
}

/// A verdict. On the wire it has the keys of a case's `expected`, absent where a case leaves them absent, and more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The same facts, pack and engine version give the same id.
    pub id: VerdictId,
    /// How far the matter is settled.
    pub status: Status,
    /// The household circle.
    #[serde(skip_serializing_if = "HouseholdCircle::is_not_asked")]
    pub household_circle: HouseholdCircle,
    /// Other circles met, by precedence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also_meets: Option<Vec<Circle>>,
    /// Outcomes of single members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_outcomes: Option<Vec<MemberOutcome>>,
    /// Emergency relief is due at once, whatever the circle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emergency_overlay: Option<bool>,
    /// The circles possible, sorted by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub possible_circles: Option<Vec<Circle>>,
    /// How each of them would come about, in the same order; a circle stands once for each way to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub possibilities: Option<Vec<Possibility>>,
    /// The departments without whose gap fewer circles would be possible, in the order of the catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocking_departments: Option<Vec<DepartmentId>>,
    /// The sums.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computed: Option<Computed>,
    /// What the household would get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub benefit_hint: Option<BenefitHint>,
    /// Months until the next review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_cycle_months: Option<u8>,
    /// Inside the review cycle, whether the amount is adjusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjustment: Option<ToldAdjustment>,
    /// The special assistance that may be applied for; absent where the pack names none, or while the circle is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrals: Option<Vec<SpecialAssistance>>,
    /// What an officer should see, sorted.
    pub flags: Vec<Code>,
    /// The steps of the reasoning.
    pub reason_codes: Vec<Code>,
    /// The clauses they rest on.
    pub deciding_clauses: Vec<Clause>,
    /// The pack; absent when there is none for the place and day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<PackRef>,
    /// How close each comparison was.
    pub margins: Vec<Margin>,
    /// What would change the circle.
    pub tipping_points: Vec<TippingPoint>,
    /// What could not be learned, and whether it matters.
    pub gaps: Vec<GapFinding>,
    /// What was not asked because no answer could change the verdict, and what settled it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spared: Vec<SparedFinding>,
}

impl Verdict {
    /// The household circle, when there is one.
    pub const fn circle(&self) -> Option<Circle> {
        self.household_circle.circle()
    }

    /// True when no further answer can change the household circle and no one has to act first.
    pub const fn is_final(&self) -> bool {
        matches!(self.status, Status::Determined)
    }

    fn bare(id: VerdictId, status: Status, facts: &Facts, parameters: Option<&Parameters>, reasons: Reasons) -> Self {
        let (flags, reason_codes, deciding_clauses) = reasons.finish();
        Self {
            id,
            status,
            household_circle: HouseholdCircle::NotAsked,
            also_meets: None,
            member_outcomes: None,
            // Emergency relief waits for nothing, so it is said even where nothing else may be.
            emergency_overlay: emergency::overlay(facts).then_some(true),
            possible_circles: None,
            possibilities: None,
            blocking_departments: None,
            computed: None,
            benefit_hint: None,
            review_cycle_months: None,
            adjustment: None,
            referrals: None,
            flags,
            reason_codes,
            deciding_clauses,
            pack: parameters.map(|parameters| PackRef {
                name: parameters.name().to_owned(),
                digest: parameters.digest().to_owned(),
            }),
            margins: Vec::new(),
            tipping_points: Vec::new(),
            gaps: Vec::new(),
            spared: Vec::new(),
        }
    }

    /// The verdict where amounts are too large to compute with: a person must look first.
    pub fn too_large(facts: &Facts, parameters: &Parameters) -> Self {
        let mut reasons = Reasons::default();
        reasons.flag("AMOUNT_TOO_LARGE");
        let id = VerdictId::of(facts, parameters.digest());
        let mut verdict = Self::bare(id, Status::ManualReview, facts, Some(parameters), reasons);
        verdict.gaps = GapFinding::unweighed(facts);
        verdict.spared = sparing::findings(facts, SettledBy::ResultStands);
        verdict
    }

    /// The verdict where no pack gives a standard: `PENDING_PARAMETER`, unless a gate comes first.
    pub fn pending_parameter(facts: &Facts, place: Place) -> Self {
        let mut reasons = Reasons::default();
        let gate = gate(facts);
        if let Some(gate) = gate {
            gate.explain(&mut reasons);
        } else {
            reasons.reason("PARAMETER_MISSING");
            reasons.rests_on(&[clause::STANDARD]);
        }
        explain_first_aid(facts, &mut reasons);
        let id = VerdictId::of(facts, &format!("{}:{:?}", place.division_code, place.urban_rural));
        let status = gate.map_or(Status::PendingParameter, super::gate::Gate::status);
        let mut verdict = Self::bare(id, status, facts, None, reasons);
        if gate.is_none() {
            verdict.gaps = GapFinding::unweighed(facts);
        }
        verdict
    }
}

/// Where the rules are not applied, an emergency is told all the same.
fn explain_first_aid(facts: &Facts, reasons: &mut Reasons) {
    if emergency::overlay(facts) {
        reasons.reason("EMERGENCY_FIRST_AID");
        reasons.rests_on(&[clause::SEED_EMERGENCY]);
    }
}

impl Decision<'_> {
    /// The verdict as it is told. Fails only when an amount is too large to print.
    pub fn verdict(&self) -> Result<Verdict, Overflow> {
        let (facts, parameters) = (self.facts, self.parameters);
        let id = VerdictId::of(facts, parameters.digest());
        let mut verdict = Verdict::bare(id, self.status(), facts, Some(parameters), self.reasons()?);
        verdict.spared = sparing::findings(facts, self.settled_by());
        let Some(assessment) = self.assessment() else { return Ok(verdict) };
        verdict.household_circle = self.household_circle();
        verdict.emergency_overlay = Some(emergency::overlay(facts));
        verdict.gaps = self.gaps();
        verdict.referrals = self.referrals().map(Iterator::collect);
        let mut outcomes = tekun_outcomes(facts, assessment);
        let Some(household) = self.household() else {
            verdict.computed = Some(Computed { household_size: assessment.members.counted(), sums: None });
            verdict.member_outcomes = Some(outcomes);
            verdict.review_cycle_months = Some(12);
            return Ok(verdict);
        };
        if let Some(settled) = &household.settled {
            outcomes.extend(settled.single_outcomes(facts));
            verdict.also_meets = Some(settled.finding.also_meets(parameters.rules()).collect());
            verdict.benefit_hint = settled.benefit.as_ref().map(|benefit| benefit.told(facts));
            verdict.review_cycle_months = settled.review_cycle_months;
            verdict.adjustment = settled.adjustment.map(|adjustment| adjustment.told(facts)).transpose()?;
        } else if let Some(weighed) = &household.weighed {
            verdict.possible_circles = Some(weighed.possible.iter().collect());
            verdict.possibilities = Some(possibilities(facts, assessment, weighed)?);
            let blocking = weighed.blocking.iter().filter_map(|index| facts.gaps.get(*index));
            verdict.blocking_departments = Some(blocking.map(|gap| gap.department.clone()).collect());
        }
        verdict.member_outcomes = Some(outcomes);
        verdict.computed = Some(computed(assessment)?);
        verdict.margins = margins(facts, assessment)?;
        verdict.tipping_points = tipping_points(facts, assessment)?;
        Ok(verdict)
    }

    /// Flags, reason codes and clauses, in the order of the rules.
    pub(super) fn reasons(&self) -> Result<Reasons, Overflow> {
        let (facts, rules) = (self.facts, self.parameters.rules());
        let mut reasons = Reasons::default();
        let assessment = match &self.ruling {
            Ruling::Shut(gate) => {
                gate.explain(&mut reasons);
                explain_first_aid(facts, &mut reasons);
                return Ok(reasons);
            }
            Ruling::AllTekun(assessment) => assessment,
            Ruling::Household(household) => &household.assessment,
        };
        let Assessment { members, known, .. } = assessment;
        if let Some(acceptance) = Acceptance::of(facts, self.parameters) {
            acceptance.explain(&mut reasons);
        }
        emergency::explain(facts, rules, &mut reasons);
        members.explain(facts, &mut reasons);
        income::explain(facts, members, rules, &mut reasons)?;
        tekun::explain(facts, members, rules, &mut reasons)?;
        let Some(household) = self.household() else {
            self.explain_referrals(&mut reasons);
            return Ok(reasons);
        };
        let may_fail = |gap| open_by(gap, members).has(Open::PROPERTY_MAY_FAIL);
        let is_settled = !facts.gaps.iter().any(may_fail) && !facts.spares(FactKind::Asset);
        property::explain(known.failures, is_settled, &mut reasons);
        expenditure::explain(facts, members, rules, &mut reasons)?;
        let Some(settled) = &household.settled else {
            reasons.reason("PENDING");
            reasons.rests_on(&[clause::MONOTONE, clause::DIBAO]);
            return Ok(reasons);
        };
        let all_spending_known = !facts.spares(FactKind::Expenditure);
        // Where property settled it, income was perhaps not even asked: nothing is claimed of it then.
        if known.at.property_passes || (all_spending_known && !facts.spares(FactKind::Income)) {
            known.rule.explain(known.at, all_spending_known, &mut reasons)?;
        }
        if let Some(singles) = &settled.singles {
            benefit::explain_singles(singles, facts, members, rules, &mut reasons);
        }
        if let Some(benefit) = &settled.benefit {
            benefit.explain(settled.finding.circle, facts, members, &mut reasons);
        }
        if let Some(months) = settled.review_cycle_months {
            review_cycle::explain(months, facts, members, &mut reasons);
        }
        if let Some(adjustment) = &settled.adjustment {
            adjustment.explain(&mut reasons);
        }
        self.explain_referrals(&mut reasons);
        for gap in &facts.gaps {
            reasons.flag(["MISSING_NOT_DECISIVE_", gap.department.as_str()].concat());
            reasons.rests_on(&[clause::MONOTONE]);
            if settled.singles.is_some() && hides_illness(gap) {
                reasons.flag("MEMBER_SINGLE_ILLNESS_UNKNOWN");
            }
        }
        Ok(reasons)
    }
}

/// The sums for print.
fn computed(assessment: &Assessment<'_>) -> Result<Computed, Overflow> {
    let (at, lines) = (assessment.known.at, &assessment.known.rule.lines);
    Ok(Computed {
        household_size: lines.persons,
        sums: Some(Sums {
            countable_income_12m: rounded(at.income)?,
            dibao_line_12m: rounded(lines.dibao)?,
            low_income_line_12m: rounded(lines.low_income)?,
            rigid_expenditure_12m: rounded(at.rigid)?,
            financial_assets: rounded(assessment.property.financial)?,
            financial_asset_limit: rounded(lines.financial)?,
        }),
    })
}

fn tekun_outcomes(facts: &Facts, assessment: &Assessment<'_>) -> Vec<MemberOutcome> {
    let outcome = |(_, person, member): (usize, Person, &MemberFacts)| match person.tekun {
        Finding::Tekun(_, care) => Some(MemberOutcome {
            member_id: member.reference.clone(),
            circle: Circle::Tekun,
            ground: None,
            monthly_amount: None,
            care_level: Some(care),
        }),
        _ => None,
    };
    assessment.members.each_counted(facts).filter_map(outcome).collect()
}

impl Settled {
    fn single_outcomes<'a>(&'a self, facts: &'a Facts) -> impl Iterator<Item = MemberOutcome> + 'a {
        self.singles.iter().flatten().filter_map(|single| {
            Some(MemberOutcome {
                member_id: facts.members.get(single.member)?.reference.clone(),
                circle: Circle::DibaoSingle,
                ground: Some(single.ground),
                monthly_amount: Some(single.monthly_amount),
                care_level: None,
            })
        })
    }
}

impl Benefit {
    fn told(&self, facts: &Facts) -> BenefitHint {
        let told = |topup: &TopUp| {
            let member: &MemberFacts = facts.members.get(topup.member)?;
            Some(ToldTopUp {
                member_id: member.reference.clone(),
                ground: topup.ground,
                percent: topup.percent,
                monthly_amount: topup.monthly_amount,
            })
        };
        BenefitHint {
            mode: self.mode,
            monthly_base: self.monthly_base,
            topups: self.topups.as_ref().map(|topups| topups.iter().filter_map(told).collect()),
            monthly_total: self.monthly_total,
        }
    }
}

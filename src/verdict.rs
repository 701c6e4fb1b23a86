//! Facts, pack and date give a verdict: a pure function (promise P3), exact (P4), that never takes
//! missing for zero (P2) and never decides in a person's place (P8).
//!
//! [`evaluate`] is the story; each rule has its file: who counts ([`members`]), [`income`], [`property`],
//! [`expenditure`], [`tekun`], the [`circle`], what is [unknown](unknowns), [`emergency`], [`benefit`] and
//! [`review_cycle`]. [`trace`] shows the sums, [`explain`] says them in words, [`cases`] reads worked cases.

pub mod assess;
pub mod benefit;
pub mod cases;
pub mod circle;
pub mod clauses;
pub mod comparison;
pub mod emergency;
pub mod expenditure;
pub mod explain;
pub mod facts;
pub mod income;
pub mod members;
pub mod property;
pub mod reasons;
pub mod review_cycle;
pub mod tekun;
pub mod trace;
pub mod unknowns;

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Serialize, Serializer};

use crate::domain::dataset::DepartmentId;
use crate::domain::exact::{Exact, Overflow};
use crate::domain::household::{MemberRef, Place};
use crate::domain::money::Money;
use crate::policy::Parameters;
use crate::policy::parameters::hex;
use assess::Assessment;
use benefit::{BenefitHint, Ground};
use circle::Circle;
use facts::Facts;
use reasons::{Clause, Code, Reasons, clause};
use tekun::CareLevel;
use unknowns::{GapFinding, TippingPoint};

/// Version of the rules as programmed; part of every verdict's id, raised when any outcome may change.
pub const ENGINE_VERSION: &str = "1";

/// How far the matter is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Settled, whatever the missing departments would say.
    Determined,
    /// Open until certain departments answer.
    PendingData,
    /// An authorisation is missing: nobody may be asked.
    Blocked,
    /// An officer must look first.
    ManualReview,
    /// No standard is known for this place and day: never a default.
    PendingParameter,
}

impl Status {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Determined => "DETERMINED",
            Self::PendingData => "PENDING_DATA",
            Self::Blocked => "BLOCKED",
            Self::ManualReview => "MANUAL_REVIEW",
            Self::PendingParameter => "PENDING_PARAMETER",
        }
    }
}

/// What the verdict says of the household circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HouseholdCircle {
    /// Nothing: the rules were not applied.
    NotAsked,
    /// Several are possible; `null` on the wire.
    Open,
    /// This one.
    Is(Circle),
}

impl HouseholdCircle {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference to the field")]
    const fn is_not_asked(&self) -> bool {
        matches!(self, Self::NotAsked)
    }
}

impl Serialize for HouseholdCircle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NotAsked | Self::Open => serializer.serialize_none(),
            Self::Is(circle) => serializer.serialize_str(circle.as_str()),
        }
    }
}

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

/// How far one comparison was from turning out the other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Margin {
    /// The comparison: `income_below_standard`, …
    pub test: &'static str,
    /// It holds.
    pub holds: bool,
    /// What was compared, rounded.
    pub value: Money,
    /// With what, rounded.
    pub limit: Money,
    /// `limit − value`, rounded; negative when the value is above.
    pub margin: Money,
    /// The same a head and month.
    pub per_head_month: Money,
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
    /// `vd_` and SHA-256 over facts, pack digest and engine version: the same three give the same verdict.
    pub id: String,
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
}

impl Verdict {
    /// The household circle, when there is one.
    pub const fn circle(&self) -> Option<Circle> {
        match self.household_circle {
            HouseholdCircle::Is(circle) => Some(circle),
            HouseholdCircle::NotAsked | HouseholdCircle::Open => None,
        }
    }

    /// True when no further answer can change the household circle and no one has to act first.
    pub const fn is_final(&self) -> bool {
        matches!(self.status, Status::Determined)
    }

    fn bare(status: Status, facts: &Facts, parameters: Option<&Parameters>, reasons: Reasons) -> Self {
        let (flags, reason_codes, deciding_clauses) = reasons.finish();
        Self {
            id: String::new(),
            status,
            household_circle: HouseholdCircle::NotAsked,
            also_meets: None,
            member_outcomes: None,
            // Emergency relief waits for nothing, so it is said even where nothing else may be.
            emergency_overlay: emergency::overlay(facts).then_some(true),
            possible_circles: None,
            blocking_departments: None,
            computed: None,
            benefit_hint: None,
            review_cycle_months: None,
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
        }
    }

    /// The verdict where amounts are too large to compute with: a person must look first.
    pub fn too_large(facts: &Facts, parameters: &Parameters) -> Self {
        let mut reasons = Reasons::default();
        reasons.flag("AMOUNT_TOO_LARGE");
        let mut verdict = Self::bare(Status::ManualReview, facts, Some(parameters), reasons);
        verdict.gaps = unweighed(facts);
        verdict.id = identify(facts, parameters.digest());
        verdict
    }

    /// The verdict where no pack gives a standard: `PENDING_PARAMETER`, unless a gate comes first.
    pub fn pending_parameter(facts: &Facts, place: Place) -> Self {
        let mut verdict = gate(facts, None).unwrap_or_else(|| {
            let mut reasons = Reasons::default();
            reasons.reason("PARAMETER_MISSING");
            reasons.rests_on(&[clause::STANDARD]);
            if emergency::overlay(facts) {
                reasons.reason("EMERGENCY_FIRST_AID");
                reasons.rests_on(&[clause::SEED_EMERGENCY]);
            }
            let mut verdict = Self::bare(Status::PendingParameter, facts, None, reasons);
            verdict.gaps = unweighed(facts);
            verdict
        });
        let place = format!("{}:{:?}", place.division_code, place.urban_rural);
        verdict.id = identify(facts, &place);
        verdict
    }
}

/// The gaps of a verdict that weighed none: each could matter.
fn unweighed(facts: &Facts) -> Vec<GapFinding> {
    let gap = |gap: &facts::FactGap| GapFinding {
        department: gap.department.clone(),
        reason: gap.reason,
        could_change: true,
        could_change_members: true,
    };
    facts.gaps.iter().map(gap).collect()
}

/// `vd_` and the hexadecimal SHA-256 of the facts as JSON, the digest of the pack and the engine version.
fn identify(facts: &Facts, pack_digest: &str) -> String {
    let mut bytes = Vec::with_capacity(4096);
    serde_json::to_writer(&mut bytes, facts).expect("facts are strings, numbers and lists, and memory takes them all");
    let mut context = Context::new(&SHA256);
    for part in [bytes.as_slice(), b"\0", pack_digest.as_bytes(), b"\0", ENGINE_VERSION.as_bytes()] {
        context.update(part);
    }
    let mut id = String::with_capacity(67);
    id.push_str("vd_");
    id.push_str(&hex(context.finish().as_ref()));
    id
}

/// Gates two and three (`semantics.md`, Identity and gates); the first, of identity, comes before facts exist.
pub fn gate(facts: &Facts, parameters: Option<&Parameters>) -> Option<Verdict> {
    let mut reasons = Reasons::default();
    let status = if facts.prior.member_in_other_household.is_some() {
        reasons.flag("MEMBER_IN_TWO_HOUSEHOLDS");
        reasons.rests_on(&[clause::MEMBERS]);
        Status::ManualReview
    } else {
        let members = members::Members::decide(facts);
        let unauthorised = members.each_counted(facts).any(|(_, _, member)| !member.authorised);
        if !unauthorised || facts.emergency_only {
            return None;
        }
        reasons.flag("AUTHORISATION_MISSING");
        reasons.rests_on(&[clause::AUTHORISATION, clause::MANDATE, clause::CONSENT]);
        Status::Blocked
    };
    if emergency::overlay(facts) {
        reasons.reason("EMERGENCY_FIRST_AID");
        reasons.rests_on(&[clause::SEED_EMERGENCY]);
    }
    Some(Verdict::bare(status, facts, parameters, reasons))
}

/// Facts and parameters give a verdict. Fails only when amounts are too large to compute with.
pub fn evaluate(facts: &Facts, parameters: &Parameters) -> Result<Verdict, Overflow> {
    let mut verdict = match gate(facts, Some(parameters)) {
        Some(verdict) => verdict,
        None => decide(facts, parameters)?,
    };
    verdict.id = identify(facts, parameters.digest());
    Ok(verdict)
}

fn decide(facts: &Facts, parameters: &Parameters) -> Result<Verdict, Overflow> {
    let rules = parameters.rules();
    let assessment = Assessment::of(facts, rules)?;
    let Assessment { members, income, tekun, .. } = &assessment;
    let mut reasons = Reasons::default();
    emergency::explain(facts, rules, &mut reasons);
    members.explain(facts, &mut reasons);
    income.explain(facts, members, &mut reasons);
    tekun::explain(tekun, facts, &mut reasons);

    let overlay = Some(emergency::overlay(facts));
    let mut outcomes = tekun_outcomes(facts, &assessment);
    if assessment.all_are_tekun() {
        let size = members.counted();
        let mut verdict = Verdict::bare(Status::Determined, facts, Some(parameters), reasons);
        verdict.household_circle = HouseholdCircle::Is(Circle::Tekun);
        verdict.member_outcomes = Some(outcomes);
        verdict.emergency_overlay = overlay;
        verdict.computed = Some(Computed { household_size: size, sums: None });
        verdict.review_cycle_months = Some(12);
        // The page of semantics settles the circle here; the verdict still says whose silence it rests on (P2).
        verdict.gaps = assess::gap_findings(facts, &assessment, None, true);
        return Ok(verdict);
    }

    let known = assessment.known(facts, rules);
    let weighed = if facts.gaps.is_empty() { None } else { Some(unknowns::weigh(facts, members, &known)?) };
    let is_pending = weighed.as_ref().is_some_and(|report| report.possible.len() > 1);
    let is_property_settled = !facts.gaps.iter().any(|gap| unknowns::open_by(gap, members).property_may_fail);
    property::explain(assessment.failures, is_property_settled, &mut reasons);
    assessment.expenditure.explain(&mut reasons);

    let mut also_meets = None;
    let mut hint = None;
    let mut review_cycle_months = None;
    let mut household_circle = HouseholdCircle::Open;
    let mut members_open = !outcomes.is_empty();
    if is_pending {
        reasons.reason("PENDING");
        reasons.rests_on(&[clause::MONOTONE, clause::DIBAO]);
    } else {
        known.rule.explain(known.at, &mut reasons)?;
        let met = known.rule.met(known.at)?;
        let mut in_order = met.in_order(rules);
        let by_rule = in_order.next().unwrap_or(Circle::None);
        let others: Vec<Circle> = in_order.collect();
        let graduation = known.rule.is_graduation(by_rule, known.at);
        let circle = if graduation { Circle::Dibao } else { by_rule };
        let is_low_income = circle == Circle::LowIncome || others.contains(&Circle::LowIncome);
        if is_low_income {
            let singles = benefit::singles(facts, members, income, rules, &mut reasons)?;
            outcomes.extend(singles.into_iter().filter_map(|single| {
                Some(MemberOutcome {
                    member_id: facts.members.get(single.member)?.reference.clone(),
                    circle: Circle::DibaoSingle,
                    ground: Some(single.ground),
                    monthly_amount: Some(single.monthly_amount),
                    care_level: None,
                })
            }));
            members_open = true;
        }
        hint = if graduation {
            Some(benefit::keep_prior(facts, &mut reasons))
        } else {
            let measured = match circle {
                Circle::Expenditure => known.at.income.minus(known.at.rigid)?.floored_at_zero(),
                _ => known.at.income,
            };
            benefit::hint(circle, measured, &known.rule.lines, facts, members, rules, &mut reasons)?
        };
        if circle == Circle::Dibao {
            review_cycle_months = Some(review_cycle::months(facts, members, &mut reasons));
        }
        for gap in &facts.gaps {
            reasons.flag(format!("MISSING_NOT_DECISIVE_{}", gap.department));
            reasons.rests_on(&[clause::MONOTONE]);
            if is_low_income && assess::hides_illness(gap) {
                reasons.flag("MEMBER_SINGLE_ILLNESS_UNKNOWN");
            }
        }
        household_circle = HouseholdCircle::Is(circle);
        also_meets = Some(others);
    }

    let status = if is_pending { Status::PendingData } else { Status::Determined };
    let mut verdict = Verdict::bare(status, facts, Some(parameters), reasons);
    if let Some(report) = weighed.as_ref().filter(|_| is_pending) {
        verdict.possible_circles = Some(report.possible.iter().collect());
        let blocking = report.blocking.iter().filter_map(|index| facts.gaps.get(*index));
        verdict.blocking_departments = Some(blocking.map(|gap| gap.department.clone()).collect());
    }
    verdict.household_circle = household_circle;
    verdict.also_meets = also_meets;
    verdict.gaps = assess::gap_findings(facts, &assessment, weighed.as_ref(), members_open);
    verdict.member_outcomes = Some(outcomes);
    verdict.emergency_overlay = overlay;
    verdict.computed = Some(assessment.computed()?);
    verdict.benefit_hint = hint;
    verdict.review_cycle_months = review_cycle_months;
    verdict.margins = assess::margins(&assessment, &known)?;
    verdict.tipping_points = unknowns::tipping_points(facts, members, &known, assessment.property.financial)?;
    Ok(verdict)
}

fn tekun_outcomes(facts: &Facts, assessment: &Assessment) -> Vec<MemberOutcome> {
    let outcome = |(index, finding): &(usize, tekun::Finding)| match finding {
        tekun::Finding::Tekun(_, care) => Some(MemberOutcome {
            member_id: facts.members.get(*index)?.reference.clone(),
            circle: Circle::Tekun,
            ground: None,
            monthly_amount: None,
            care_level: Some(*care),
        }),
        _ => None,
    };
    assessment.tekun.iter().filter_map(outcome).collect()
}

fn rounded(amount: Exact) -> Result<Money, Overflow> {
    amount.round_half_up()
}

#[cfg(test)]
mod tests;

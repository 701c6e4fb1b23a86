//! Trace of what is decided: emergency, 特困, the circle, benefit and review.

use smallvec::SmallVec;

use super::node::Tree;
use super::sums::{count, distance, money};
use super::{Outcome, Value};
use crate::domain::exact::{Exact, Overflow};
use crate::domain::fact::FactKind;
use crate::policy::Parameters;
use crate::policy::values::{ExpenditureRule, Field, LowerBound, SpecialAssistance};
use crate::verdict::acceptance::Acceptance;
use crate::verdict::adjustment::Adjustment;
use crate::verdict::assess::{Assessment, Known};
use crate::verdict::benefit::{Benefit, Ground, HintMode};
use crate::verdict::decision::{Decision, Settled};
use crate::verdict::emergency::{FirstAid, first_aid, is_case_by_case, is_emergency};
use crate::verdict::facts::Facts;
use crate::verdict::reasons::{Clause, clause};
use crate::verdict::tekun::{Finding, ground_reason, own_income};
use crate::verdict::{HouseholdCircle, rounded};

pub(super) fn emergency<'a>(tree: &mut Tree<'a>, facts: &'a Facts, parameters: &'a Parameters) {
    for event in &facts.events {
        if !is_emergency(event) {
            let (clauses, outcome): (&'static [Clause], _) = if is_case_by_case(event) {
                (&[clause::SEED_CASE_BY_CASE, clause::TEMPORARY_RELIEF], "CASE_BY_CASE")
            } else {
                (&[clause::SEED_NORMAL, clause::TEMPORARY_RELIEF], "NORMAL_PROCEDURE")
            };
            tree.open("emergency.event", clauses, Outcome::is(outcome));
            tree.about(event.kind.as_str());
            tree.close();
            continue;
        }
        let outcome = match first_aid(event, parameters.rules()) {
            FirstAid::Open => "FIRST_AID_OPEN",
            FirstAid::InTime => "FIRST_AID_IN_TIME",
            FirstAid::Late => "FIRST_AID_LATE",
        };
        tree.open("emergency.event", &[clause::SEED_EMERGENCY, clause::SEED_FIRST_AID], Outcome::is(outcome));
        tree.about(event.kind.as_str());
        tree.input("occurred_at", Value::Instant(event.occurred_at));
        tree.input("reported_at", Value::Instant(event.reported_at));
        tree.input("place_region", Value::Text(event.place_region.as_str()));
        tree.parameter(parameters, const { Field::named("emergency_first_aid_hours") });
        tree.parameter(parameters, const { Field::named("emergency_clock_start") });
        if let Some(at) = event.first_aid_at {
            tree.input("first_aid_at", Value::Instant(at));
        }
        tree.close();
    }
}

pub(super) fn tekun<'a>(
    tree: &mut Tree<'a>,
    facts: &'a Facts,
    parameters: &'a Parameters,
    assessment: &Assessment<'_>,
) -> Result<(), Overflow> {
    let members = &assessment.members;
    let found = members.each().filter(|person| person.is_tekun()).count();
    tree.open("tekun", &[clause::TEKUN_LAW, clause::TEKUN], Outcome::Count(count(found)));
    tree.parameter(parameters, const { Field::named("tekun") });
    let rules = parameters.rules();
    let line = Exact::from(rules.line_of_one);
    for (index, person, member) in members.each_counted(facts) {
        let outcome = match person.tekun {
            Finding::OrphanBenefitChosen => "ORPHAN_BENEFIT_CHOSEN",
            Finding::NotConcerned => "NOT_CONCERNED",
            Finding::ObligorAble => "OBLIGOR_ABLE",
            Finding::IncomeReachesLine => "OWN_INCOME_GE_STANDARD",
            Finding::PropertyFails(_) => "PROPERTY_OVER_LIMIT",
            Finding::Tekun(ground, _) => ground_reason(ground),
        };
        tree.open("tekun.member", &[clause::TEKUN], Outcome::is(outcome));
        tree.about(member.reference.as_str());
        if matches!(person.tekun, Finding::Tekun(..) | Finding::IncomeReachesLine) {
            let (own, left_out) = own_income(facts, members, rules, index)?;
            if left_out != Exact::ZERO {
                tree.input("left_out_12m", money(left_out)?);
            }
            tree.compared(money(own)?, "<", money(line)?);
            tree.margin(distance(own, line)?);
        }
        if let Finding::Tekun(_, care) = person.tekun {
            tree.input("adl_failed_count", Value::Count(i64::from(member.adl_failed_count)));
            tree.input("care_level", Value::Text(care.as_str()));
        }
        tree.close();
    }
    tree.close();
    Ok(())
}

pub(super) fn circle<'a>(tree: &mut Tree<'a>, decision: &Decision<'a>, known: &Known<'_>) -> Result<(), Overflow> {
    const LOW_INCOME: &[Clause] = &[clause::LOW_INCOME, clause::SEED_LOW_INCOME];
    let (facts, parameters) = (decision.facts(), decision.parameters());
    let (rules, lines, at) = (parameters.rules(), &known.rule.lines, known.at);
    let result = match decision.household_circle() {
        HouseholdCircle::Is(circle) => Outcome::is(circle.as_str()),
        HouseholdCircle::Open | HouseholdCircle::NotAsked => Outcome::Unknown,
    };
    let finding = known.rule.apply(at)?;
    tree.open("circle", &[clause::DIBAO], result);
    tree.parameter(parameters, const { Field::named("circle_precedence") });

    tree.open("circle.dibao", &[clause::DIBAO], Outcome::Holds(finding.met.dibao));
    tree.input("household_size", Value::Count(count(lines.persons)));
    tree.input("property_passes", Value::Flag(at.property_passes));
    tree.parameter(parameters, const { Field::named("dibao_standard") });
    let compared = at.dibao_income()?;
    tree.compared(money(compared)?, "<", money(lines.dibao)?);
    tree.margin(distance(compared, lines.dibao)?);
    if rules.deduct_rigid_in_dibao_test {
        tree.input("countable_income_12m", money(at.income)?);
        tree.open("circle.dibao.deduction", &[clause::INCOME], Outcome::Amount(rounded(at.deducted)?));
        tree.parameter(parameters, const { Field::named("deduct_rigid_in_dibao_test") });
        tree.close();
    }
    tree.close();

    tree.open("circle.low_income", LOW_INCOME, Outcome::Holds(finding.met.low_income));
    tree.input("property_passes", Value::Flag(at.property_passes));
    let sign = match rules.low_income_lower_bound {
        LowerBound::Gte => ">=",
        LowerBound::Gt => ">",
    };
    let above = rules.low_income_lower_bound.admits(at.income, lines.dibao);
    tree.open("circle.low_income.from", LOW_INCOME, Outcome::Holds(above));
    tree.parameter(parameters, const { Field::named("low_income_lower_bound") });
    tree.compared(money(at.income)?, sign, money(lines.dibao)?);
    tree.close();
    let below = rules.low_income_upper_bound.admits(at.income, lines.low_income);
    tree.open("circle.low_income.to", LOW_INCOME, Outcome::Holds(below));
    tree.parameter(parameters, const { Field::named("low_income_multiple") });
    tree.parameter(parameters, const { Field::named("low_income_upper_bound") });
    tree.compared(money(at.income)?, rules.low_income_upper_bound.sign(), money(lines.low_income)?);
    tree.margin(distance(at.income, lines.low_income)?);
    tree.close();
    tree.close();

    expenditure(tree, facts, parameters, known, finding.met.expenditure)?;

    if facts.prior.circle.is_some() {
        let months = facts.prior.months_since_exceeded.map_or(0, i64::from);
        tree.open("circle.graduation", &[clause::GRADUATION], Outcome::Holds(finding.graduates));
        tree.input("exceeded_by_employment", Value::Flag(facts.prior.exceeded_by_employment));
        tree.parameter(parameters, const { Field::named("graduation_months") });
        tree.compared(Value::Count(months), "<", Value::Count(i64::from(rules.graduation_months)));
        tree.close();
    }
    tree.close();
    Ok(())
}

fn expenditure<'a>(
    tree: &mut Tree<'a>,
    facts: &Facts,
    parameters: &'a Parameters,
    known: &Known<'_>,
    holds: bool,
) -> Result<(), Overflow> {
    let (rules, lines, at) = (parameters.rules(), &known.rule.lines, known.at);
    let clauses: &'static [Clause] = match rules.expenditure_rule {
        ExpenditureRule::Seed2021 => &[clause::SEED_EXPENDITURE],
        ExpenditureRule::Im2024 => &[clause::EXPENDITURE_IM],
        ExpenditureRule::National2024 => &[clause::EXPENDITURE],
    };
    tree.open("circle.expenditure", clauses, Outcome::Holds(holds));
    tree.input("property_passes", Value::Flag(at.property_passes));
    tree.parameter(parameters, const { Field::named("expenditure_rule") });
    let dibao_income = at.dibao_income()?;
    let reaches_dibao = dibao_income >= lines.dibao;
    if rules.expenditure_rule.is_ratio() {
        let is_outside = reaches_dibao && !known.rule.is_in_band(at.income);
        tree.open("circle.expenditure.outside_others", clauses, Outcome::Holds(is_outside));
        tree.close();
        if let Some(ceiling) = lines.disposable {
            tree.open("circle.expenditure.ceiling", clauses, Outcome::Holds(at.income < ceiling));
            tree.parameter(parameters, const { Field::named("per_capita_disposable_income_prev_year") });
            tree.compared(money(at.income)?, "<", money(ceiling)?);
            tree.margin(distance(at.income, ceiling)?);
            tree.close();
        }
        let all = (const { Field::named("expenditure_ratio_percent") }, rules.expenditure_ratio_percent, at.rigid);
        let medical = (
            const { Field::named("expenditure_medical_ratio_percent") },
            rules.expenditure_medical_ratio_percent,
            at.medical,
        );
        for (rule, (field, percent, spent)) in
            [("circle.expenditure.ratio", all), ("circle.expenditure.medical_ratio", medical)]
        {
            let limit = percent.percent_of(at.income)?;
            // Where not everything spent is known, more of it could exceed the ratio.
            let is_above = spent > limit;
            let is_certain = is_above || !facts.spares(FactKind::Expenditure);
            tree.open(rule, clauses, if is_certain { Outcome::Holds(is_above) } else { Outcome::Unknown });
            tree.parameter(parameters, field);
            tree.compared(money(spent)?, ">", money(limit)?);
            tree.margin(distance(spent, limit)?);
            tree.close();
        }
    } else {
        tree.open("circle.expenditure.from", clauses, Outcome::Holds(reaches_dibao));
        tree.compared(money(dibao_income)?, ">=", money(lines.dibao)?);
        tree.close();
        let net = at.income.minus(at.rigid)?.floored_at_zero();
        tree.open("circle.expenditure.net", clauses, Outcome::Holds(net < lines.dibao));
        tree.compared(money(net)?, "<", money(lines.dibao)?);
        tree.margin(distance(net, lines.dibao)?);
        tree.close();
    }
    tree.close();
    Ok(())
}

/// Single persons, benefit and review, as decided.
pub(super) fn outcomes<'a>(
    tree: &mut Tree<'a>,
    facts: &'a Facts,
    parameters: &'a Parameters,
    settled: &Settled,
) -> Result<(), Overflow> {
    for single in settled.singles.iter().flatten() {
        let Some(member) = facts.members.get(single.member) else { continue };
        let by_capacity = single.ground == Ground::NoCapacity;
        let clauses: &'static [Clause] = if by_capacity {
            &[clause::SEED_SINGLE, clause::SEED_CAPACITY, clause::LOW_INCOME]
        } else {
            &[clause::SEED_SINGLE, clause::LOW_INCOME]
        };
        tree.open("single", clauses, Outcome::Amount(single.monthly_amount));
        tree.about(member.reference.as_str());
        tree.parameter(parameters, const { Field::named("single_person_benefit") });
        if by_capacity {
            tree.parameter(parameters, const { Field::named("single_grounds") });
        }
        tree.input("ground", Value::Text(single.ground.as_str()));
        tree.close();
    }
    if let Some(benefit) = &settled.benefit {
        show_benefit(tree, facts, parameters, benefit);
    }
    if let Some(months) = settled.review_cycle_months {
        let clauses: &'static [Clause] = if months == 6 { &[clause::SEED_HALF_YEARLY] } else { &[clause::SEED_YEARLY] };
        tree.open("review_cycle", clauses, Outcome::Count(i64::from(months)));
        if let Some(adjustment) = &settled.adjustment {
            show_adjustment(tree, facts, parameters, adjustment)?;
        }
        tree.close();
    }
    Ok(())
}

fn show_adjustment<'a>(
    tree: &mut Tree<'a>,
    facts: &Facts,
    parameters: &'a Parameters,
    adjustment: &Adjustment,
) -> Result<(), Overflow> {
    let is_kept = !adjustment.is_material();
    tree.open("review_cycle.change", &[clause::SEED_MATERIAL_CHANGE], Outcome::Holds(is_kept));
    tree.input("reviewed_on", Value::Date(adjustment.reviewed_on));
    tree.input("cycle_ends_on", Value::Date(adjustment.cycle_ends_on));
    tree.input("income_then_12m", Value::Money(adjustment.income_then));
    if let Some(size) = facts.prior.household_size.filter(|_| !adjustment.is_same_size) {
        tree.input("household_size_then", Value::Count(i64::from(size)));
    }
    tree.parameter(parameters, const { Field::named("significant_change_percent") });
    let (moved, allowed) = (adjustment.distance(), adjustment.allowed);
    tree.compared(money(moved)?, "<=", money(allowed)?);
    tree.margin(distance(moved, allowed)?);
    tree.close();
    Ok(())
}

/// Where a household that is registered elsewhere may apply.
pub(super) fn acceptance<'a>(tree: &mut Tree<'a>, facts: &'a Facts, parameters: &'a Parameters) {
    let Some(acceptance) = Acceptance::of(facts, parameters) else { return };
    let holds = Outcome::Holds(acceptance == Acceptance::WithPermit);
    tree.open("acceptance", &[clause::SEED_RESIDENCE], holds);
    tree.input("hukou_region", Value::Text(facts.hukou_region.as_str()));
    tree.parameter(parameters, const { Field::named("residence_permit_application") });
    tree.close();
}

/// The special assistance that the circle opens.
pub(super) fn referrals<'a>(tree: &mut Tree<'a>, decision: &Decision<'a>) {
    let Some(opened) = decision.referrals() else { return };
    let opened: SmallVec<[SpecialAssistance; 4]> = opened.collect();
    tree.open("referrals", &[clause::SEED_REFERRALS], Outcome::Count(count(opened.len())));
    for kind in opened {
        tree.input("opens", Value::Text(kind.as_str()));
    }
    tree.parameter(decision.parameters(), const { Field::named("referrals_by_circle") });
    tree.close();
}

fn show_benefit<'a>(tree: &mut Tree<'a>, facts: &'a Facts, parameters: &'a Parameters, benefit: &Benefit) {
    let clauses: &'static [Clause] = match benefit.mode {
        HintMode::KeepPrior => &[clause::GRADUATION, clause::DIBAO_BENEFIT],
        HintMode::Difference | HintMode::Tiered => &[clause::DIBAO_BENEFIT, clause::BENEFIT],
    };
    let mode = benefit.mode.as_str();
    let result = match benefit.monthly_total.or(benefit.monthly_base) {
        Some(amount) => Outcome::Amount(amount),
        None => Outcome::is(mode),
    };
    tree.open("benefit", clauses, result);
    tree.input("mode", Value::Text(mode));
    tree.parameter(parameters, const { Field::named("benefit_mode") });
    if let Some(base) = benefit.monthly_base {
        tree.open("benefit.base", &[clause::DIBAO_BENEFIT], Outcome::Amount(base));
        tree.close();
    }
    for topup in benefit.topups.iter().flatten() {
        let Some(member) = facts.members.get(topup.member) else { continue };
        tree.open("benefit.top_up", &[clause::SEED_TOP_UP], Outcome::Amount(topup.monthly_amount));
        tree.about(member.reference.as_str());
        tree.input("ground", Value::Text(topup.ground.as_str()));
        tree.input("percent", Value::Factor(topup.percent));
        tree.parameter(parameters, const { Field::named("topup_percent") });
        tree.close();
    }
    tree.close();
}

//! Trace of what is decided: emergency, 特困, the circle, benefit and review.

use super::sums::{code, count, distance, money};
use super::{Node, Outcome, Value};
use crate::domain::exact::{Exact, Overflow};
use crate::policy::Parameters;
use crate::policy::values::{ExpenditureRule, LowerBound};
use crate::verdict::assess::Assessment;
use crate::verdict::benefit::HintMode;
use crate::verdict::circle::Circle;
use crate::verdict::emergency::{FirstAid, first_aid, is_emergency};
use crate::verdict::facts::Facts;
use crate::verdict::reasons::clause;
use crate::verdict::tekun::{Finding, ground_reason};
use crate::verdict::unknowns::Known;
use crate::verdict::{HouseholdCircle, Verdict};

pub(super) fn emergency(facts: &Facts, parameters: &Parameters) -> Vec<Node> {
    let event = |event: &crate::domain::declaration::Event| {
        if !is_emergency(event) {
            let clauses = [clause::SEED_NORMAL, clause::TEMPORARY_RELIEF];
            return Node::new("emergency.event", &clauses, Outcome::Is("NORMAL_PROCEDURE".to_owned()))
                .about(event.kind.as_str());
        }
        let outcome = match first_aid(event, parameters.rules()) {
            FirstAid::Open => "FIRST_AID_OPEN",
            FirstAid::InTime => "FIRST_AID_IN_TIME",
            FirstAid::Late => "FIRST_AID_LATE",
        };
        let clauses = [clause::SEED_EMERGENCY, clause::SEED_FIRST_AID];
        let mut node = Node::new("emergency.event", &clauses, Outcome::Is(outcome.to_owned()))
            .about(event.kind.as_str())
            .input("occurred_at", Value::Text(event.occurred_at.to_string()))
            .input("reported_at", Value::Text(event.reported_at.to_string()))
            .input("place_region", Value::Text(event.place_region.to_string()))
            .parameter(parameters, "emergency_first_aid_hours")
            .parameter(parameters, "emergency_clock_start");
        if let Some(at) = event.first_aid_at {
            node = node.input("first_aid_at", Value::Text(at.to_string()));
        }
        node
    };
    facts.events.iter().map(event).collect()
}

pub(super) fn tekun(facts: &Facts, parameters: &Parameters, assessment: &Assessment) -> Result<Node, Overflow> {
    let found = assessment.tekun.iter().filter(|(_, finding)| matches!(finding, Finding::Tekun(..))).count();
    let mut node = Node::new("tekun", &[clause::TEKUN_LAW, clause::TEKUN], Outcome::Count(count(found)))
        .parameter(parameters, "tekun");
    let line = Exact::from(parameters.rules().line_of_one);
    for (index, finding) in &assessment.tekun {
        let Some(member) = facts.members.get(*index) else { continue };
        let outcome = match finding {
            Finding::OrphanBenefitChosen => "ORPHAN_BENEFIT_CHOSEN".to_owned(),
            Finding::NotConcerned => "NOT_CONCERNED".to_owned(),
            Finding::ObligorAble => "OBLIGOR_ABLE".to_owned(),
            Finding::IncomeReachesLine => "OWN_INCOME_GE_STANDARD".to_owned(),
            Finding::PropertyFails => "PROPERTY_OVER_LIMIT".to_owned(),
            Finding::Tekun(ground, _) => ground_reason(*ground).into_owned(),
        };
        let own = assessment.income.own_of(*index);
        let mut child =
            Node::new("tekun.member", &[clause::TEKUN], Outcome::Is(outcome)).about(member.reference.as_str());
        if matches!(finding, Finding::Tekun(..) | Finding::IncomeReachesLine) {
            child = child.compared(money(own)?, "<", money(line)?).margin(distance(own, line)?);
        }
        if let Finding::Tekun(_, care) = finding {
            child = child
                .input("adl_failed_count", Value::Count(i64::from(member.adl_failed_count)))
                .input("care_level", Value::Text(code(care)));
        }
        node.children.push(child);
    }
    Ok(node)
}

pub(super) fn circle(
    facts: &Facts,
    parameters: &Parameters,
    known: &Known<'_>,
    verdict: &Verdict,
) -> Result<Node, Overflow> {
    let (rules, lines, at) = (parameters.rules(), &known.rule.lines, known.at);
    let result = match verdict.household_circle {
        HouseholdCircle::Is(circle) => Outcome::Is(circle.as_str().to_owned()),
        HouseholdCircle::Open | HouseholdCircle::NotAsked => Outcome::Unknown,
    };
    let met = known.rule.met(at)?;
    let mut node = Node::new("circle", &[clause::DIBAO], result).parameter(parameters, "circle_precedence");
    let dibao = Node::new("circle.dibao", &[clause::DIBAO], Outcome::Holds(met.dibao))
        .input("household_size", Value::Count(count(lines.persons)))
        .input("property_passes", Value::Flag(at.property_passes))
        .parameter(parameters, "dibao_standard")
        .compared(money(at.income)?, "<", money(lines.dibao)?)
        .margin(distance(at.income, lines.dibao)?);
    node.children.push(dibao);

    let clauses = [clause::LOW_INCOME, clause::SEED_LOW_INCOME];
    let lower = match rules.low_income_lower_bound {
        LowerBound::Gte => ">=",
        LowerBound::Gt => ">",
    };
    let from = Node::new(
        "circle.low_income.from",
        &clauses,
        Outcome::Holds(rules.low_income_lower_bound.admits(at.income, lines.dibao)),
    )
    .parameter(parameters, "low_income_lower_bound")
    .compared(money(at.income)?, lower, money(lines.dibao)?);
    let below = rules.low_income_upper_bound.admits(at.income, lines.low_income);
    let to = Node::new("circle.low_income.to", &clauses, Outcome::Holds(below))
        .parameter(parameters, "low_income_multiple")
        .parameter(parameters, "low_income_upper_bound")
        .compared(money(at.income)?, rules.low_income_upper_bound.sign(), money(lines.low_income)?)
        .margin(distance(at.income, lines.low_income)?);
    let low_income = Node::new("circle.low_income", &clauses, Outcome::Holds(met.low_income)).with([from, to]);
    node.children.push(low_income);
    node.children.push(expenditure(parameters, known, met.expenditure)?);

    if facts.prior.circle.is_some() {
        let by_rule = met.first(rules);
        let holds = known.rule.is_graduation(by_rule, at);
        let months = facts.prior.months_since_exceeded.map_or(0, i64::from);
        let graduation = Node::new("circle.graduation", &[clause::GRADUATION], Outcome::Holds(holds))
            .input("exceeded_by_employment", Value::Flag(facts.prior.exceeded_by_employment))
            .parameter(parameters, "graduation_months")
            .compared(Value::Count(months), "<", Value::Count(i64::from(rules.graduation_months)));
        node.children.push(graduation);
    }
    Ok(node)
}

fn expenditure(parameters: &Parameters, known: &Known<'_>, holds: bool) -> Result<Node, Overflow> {
    let (rules, lines, at) = (parameters.rules(), &known.rule.lines, known.at);
    let own_clause = match rules.expenditure_rule {
        ExpenditureRule::Seed2021 => clause::SEED_EXPENDITURE,
        ExpenditureRule::Im2024 => clause::EXPENDITURE_IM,
        ExpenditureRule::National2024 => clause::EXPENDITURE,
    };
    let node =
        Node::new("circle.expenditure", &[own_clause], Outcome::Holds(holds)).parameter(parameters, "expenditure_rule");
    if !rules.expenditure_rule.is_ratio() {
        let net = at.income.minus(at.rigid)?.floored_at_zero();
        return Ok(node.compared(money(net)?, "<", money(lines.dibao)?).margin(distance(net, lines.dibao)?));
    }
    let mut node = node;
    if let Some(ceiling) = lines.disposable {
        let below = Node::new("circle.expenditure.ceiling", &[own_clause], Outcome::Holds(at.income < ceiling))
            .parameter(parameters, "per_capita_disposable_income_prev_year")
            .compared(money(at.income)?, "<", money(ceiling)?)
            .margin(distance(at.income, ceiling)?);
        node.children.push(below);
    }
    let ratios = [
        ("circle.expenditure.ratio", "expenditure_ratio_percent", rules.expenditure_ratio_percent, at.rigid),
        (
            "circle.expenditure.medical_ratio",
            "expenditure_medical_ratio_percent",
            rules.expenditure_medical_ratio_percent,
            at.medical,
        ),
    ];
    for (rule, field, percent, spent) in ratios {
        let limit = percent.percent_of(at.income)?;
        let child = Node::new(rule, &[own_clause], Outcome::Holds(spent > limit))
            .parameter(parameters, field)
            .compared(money(spent)?, ">", money(limit)?)
            .margin(distance(spent, limit)?);
        node.children.push(child);
    }
    Ok(node)
}

/// Single persons, benefit and review, as the verdict has them.
pub(super) fn outcomes(parameters: &Parameters, verdict: &Verdict) -> Vec<Node> {
    let mut nodes = Vec::new();
    let singles = verdict.member_outcomes.iter().flatten().filter(|outcome| outcome.circle == Circle::DibaoSingle);
    for outcome in singles {
        let amount = outcome.monthly_amount.unwrap_or_default();
        let mut node = Node::new("single", &[clause::SEED_SINGLE, clause::LOW_INCOME], Outcome::Amount(amount))
            .about(outcome.member_id.as_str())
            .parameter(parameters, "single_person_benefit");
        if let Some(ground) = outcome.ground {
            node = node.input("ground", Value::Text(code(&ground)));
        }
        nodes.push(node);
    }
    if let Some(hint) = &verdict.benefit_hint {
        let clauses = match hint.mode {
            HintMode::KeepPrior => [clause::GRADUATION, clause::DIBAO_BENEFIT],
            HintMode::Difference | HintMode::Tiered => [clause::DIBAO_BENEFIT, clause::BENEFIT],
        };
        let result = match hint.monthly_total.or(hint.monthly_base) {
            Some(amount) => Outcome::Amount(amount),
            None => Outcome::Is(code(&hint.mode)),
        };
        let mut node = Node::new("benefit", &clauses, result)
            .input("mode", Value::Text(code(&hint.mode)))
            .parameter(parameters, "benefit_mode");
        if let Some(base) = hint.monthly_base {
            node.children.push(Node::new("benefit.base", &[clause::DIBAO_BENEFIT], Outcome::Amount(base)));
        }
        for topup in hint.topups.iter().flatten() {
            let child = Node::new("benefit.top_up", &[clause::SEED_TOP_UP], Outcome::Amount(topup.monthly_amount))
                .about(topup.member_id.as_str())
                .input("ground", Value::Text(code(&topup.ground)))
                .input("percent", Value::Text(topup.percent.to_string()))
                .parameter(parameters, "topup_percent");
            node.children.push(child);
        }
        nodes.push(node);
    }
    if let Some(months) = verdict.review_cycle_months {
        let clause = if months == 6 { clause::SEED_HALF_YEARLY } else { clause::SEED_YEARLY };
        nodes.push(Node::new("review_cycle", &[clause], Outcome::Count(i64::from(months))));
    }
    nodes
}

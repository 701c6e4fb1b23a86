//! What a verdict claims of unknowns, proven on random households: sound (nothing a silent department could say is
//! left out) and tight (nothing is called possible, blocking or of consequence that is not).

use proptest::prelude::*;

use super::completions::{About, any_answers, complete};
use super::properties::{any_facts, any_rules, without_tekun};
use super::*;
use crate::domain::exact::Exact;
use crate::verdict::Status;
use crate::verdict::assess::{Assessment, Known};
use crate::verdict::circle::{Circle, Position};
use crate::verdict::tipping::{Condition, More, Possibility};
use crate::verdict::unknowns::{Open, open_by};

/// The circles a verdict leaves possible: one when it is settled.
fn possible(verdict: &Verdict) -> Vec<Circle> {
    verdict.circle().map_or_else(|| verdict.possible_circles.clone().unwrap(), |circle| vec![circle])
}

/// The facts with these departments' answers: exactly what a possibility says, with income and expenditure off by
/// some fen.
fn as_told(facts: &Facts, possibility: &Possibility, income_off: i64, spent_off: i64) -> Facts {
    let mut told = facts.clone();
    told.gaps.clear();
    let members = crate::verdict::members::Members::decide(facts);
    let member = (0..facts.members.len()).find(|index| members.remains(*index)).unwrap();
    let amount = |more: &More, off: i64| Money::from_fen(more.change.fen() + off);
    for condition in &possibility.conditions {
        match condition {
            Condition::Income(more) => told.incomes.push(IncomeItem {
                member,
                amount_12m: amount(more, income_off),
                ..income(0, IncomeCategory::Transfer, "PENSION_EMPLOYEE", "0")
            }),
            Condition::Expenditure(more) => told.expenditures.push(ExpenditureItem {
                member,
                gross: amount(more, spent_off),
                ..spent(ExpenditureKind::Accident, "0", "0", date(2024, 10, 1))
            }),
            Condition::IllnessCosts(more) => told.expenditures.push(ExpenditureItem {
                member,
                gross: amount(more, spent_off),
                ..spent(ExpenditureKind::Medical, "0", "0", date(2024, 10, 1))
            }),
            Condition::PropertyFails { .. } => told.assets.push(asset("NON_RESIDENTIAL", "0")),
            Condition::DwellingsExempt { .. } => {
                for dwelling in told.assets.iter_mut().filter(|asset| asset.kind.as_str() == "DWELLING") {
                    dwelling.exempt_kind = Some(kind("DISASTER_COLLAPSED"));
                }
            }
        }
    }
    told
}

fn departments(condition: &Condition) -> (Open, &[DepartmentId]) {
    match condition {
        Condition::Income(more) => (Open::INCOME, &more.departments),
        Condition::Expenditure(more) | Condition::IllnessCosts(more) => (Open::EXPENDITURE, &more.departments),
        Condition::PropertyFails { departments } => (Open::PROPERTY_MAY_FAIL, departments),
        Condition::DwellingsExempt { departments } => (Open::DWELLING_MAY_PASS, departments),
    }
}

/// Whether some answer of a gap turns the circle, by trying: every amount at which anything changes, of income, of
/// expenditure and of both, with property as it may be, and from each of them every step that the gap allows.
/// Expenditure is of illness or not, and what was of illness stays so.
fn turns_by_trying(known: &Known<'_>, open: Open, gap: Open) -> bool {
    let fen = |fen: i64| Exact::from_fen(fen);
    let at = known.at;
    let ample = fen(1_000_000_000_000);
    let mut incomes = vec![at.income];
    if open.has(Open::INCOME) {
        for point in known.income_breakpoints().unwrap() {
            let near = [-1, 0, 1].map(|off| point.plus(fen(off)).unwrap());
            incomes.extend(near.into_iter().filter(|income| *income > at.income));
        }
        incomes.push(at.income.plus(ample).unwrap());
    }
    let mut spent = vec![(fen(0), false)];
    if open.has(Open::EXPENDITURE) {
        let kinds = if known.rule.rules.deduct_rigid_in_dibao_test { &[false, true][..] } else { &[false] };
        for income in &incomes {
            let (line, rules) = (known.rule.lines.dibao, known.rule.rules);
            let points = [
                income.minus(line).unwrap().minus(at.rigid).unwrap(),
                income.minus(line).unwrap().minus(at.deducted).unwrap(),
                rules.expenditure_ratio_percent.percent_of(*income).unwrap().minus(at.rigid).unwrap(),
                rules.expenditure_medical_ratio_percent.percent_of(*income).unwrap().minus(at.medical).unwrap(),
            ];
            let near = points.into_iter().flat_map(|point| [0, 1].map(|off| point.plus(fen(off)).unwrap()));
            let ahead = near.filter(|more| *more > fen(0));
            spent.extend(ahead.flat_map(|more| kinds.iter().map(move |is_illness| (more, *is_illness))));
        }
        spent.extend(kinds.iter().map(|is_illness| (ample.plus(ample).unwrap(), *is_illness)));
    }
    let may_pass = at.property_passes || (open.has(Open::DWELLING_MAY_PASS) && known.failures.only_dwellings());
    let circle = |income: Exact, (more, is_illness): (Exact, bool), property_passes: bool| {
        let (rigid, medical) = (at.rigid.plus(more).unwrap(), at.medical.plus(more).unwrap());
        let deducted = if is_illness { at.deducted.plus(more).unwrap() } else { at.deducted };
        known.rule.circle(Position { income, rigid, medical, deducted, property_passes }).unwrap()
    };
    incomes.iter().any(|income| {
        spent.iter().any(|more| {
            let here = circle(*income, *more, may_pass);
            let by_income = || incomes.iter().any(|next| next > income && circle(*next, *more, may_pass) != here);
            let is_ahead = |next: &(Exact, bool)| next.0 > more.0 && (next.1 || !more.1);
            let by_spending = || spent.iter().any(|next| is_ahead(next) && circle(*income, *next, may_pass) != here);
            let by_property = || may_pass && circle(*income, *more, false) != here;
            (gap.has(Open::INCOME) && by_income())
                || (gap.has(Open::EXPENDITURE) && by_spending())
                || (gap.has(Open::PROPERTY_MAY_FAIL) && by_property())
                // Dwellings beyond the limit are there, or another silent department may show them.
                || (gap.has(Open::DWELLING_MAY_PASS)
                    && (!at.property_passes || open.has(Open::PROPERTY_MAY_FAIL))
                    && by_property())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Sound. 特困 is decided on what is known (`semantics.md`): the bounds speak of the household that remains.
    #[test]
    fn no_answer_leads_out_of_the_possible_circles(facts in any_facts(), rules in any_rules(), answers in any_answers()) {
        let facts = without_tekun(facts);
        let known = evaluate(&facts, rules).unwrap();
        let complete = evaluate(&complete(&facts, rules, &answers, About::Remaining), rules).unwrap();
        prop_assert_eq!(complete.status, Status::Determined);
        prop_assert!(possible(&known).contains(&complete.circle().unwrap()));
    }

    /// Tight: waiting is never for nothing. Each possible circle has answers that lead to it, the least ones are
    /// told, and they name who could give them.
    #[test]
    fn every_possible_circle_comes_about_as_told_and_by_no_less(facts in any_facts(), rules in any_rules()) {
        let facts = without_tekun(facts);
        let known = evaluate(&facts, rules).unwrap();
        if known.status != Status::PendingData {
            prop_assert!(known.possibilities.is_none());
            return Ok(());
        }
        let ways = known.possibilities.as_ref().unwrap();
        let mut told: Vec<Circle> = ways.iter().map(|way| way.circle).collect();
        told.dedup();
        prop_assert_eq!(&told, &possible(&known));
        prop_assert!(told.len() > 1);
        let assessment = Assessment::of(&facts, rules.rules()).unwrap();
        let comes_to = |way: &Possibility, income_off, spent_off| {
            evaluate(&as_told(&facts, way, income_off, spent_off), rules).unwrap().circle().unwrap()
        };
        for way in ways {
            prop_assert_eq!(comes_to(way, 0, 0), way.circle);
            for condition in &way.conditions {
                let (open, named) = departments(condition);
                let able = facts.gaps.iter().filter(|gap| open_by(gap, &assessment.members).has(open));
                prop_assert!(!named.is_empty() && able.map(|gap| &gap.department).eq(named));
            }
            let amounts: Vec<Open> = way.conditions.iter().map(|condition| departments(condition).0).collect();
            if amounts.contains(&Open::INCOME) {
                prop_assert_ne!(comes_to(way, -1, if amounts.contains(&Open::EXPENDITURE) { 1 << 40 } else { 0 }), way.circle);
            }
            if amounts.contains(&Open::EXPENDITURE) {
                prop_assert_ne!(comes_to(way, 0, -1), way.circle);
            }
        }
    }

    #[test]
    fn a_department_blocks_exactly_if_its_answer_would_narrow_the_circles(facts in any_facts(), rules in any_rules()) {
        let known = evaluate(&facts, rules).unwrap();
        let Some(blocking) = &known.blocking_departments else { return Ok(()) };
        let without = |at: usize| {
            let mut fewer = facts.clone();
            fewer.gaps.remove(at);
            possible(&evaluate(&fewer, rules).unwrap()).len()
        };
        let narrowing = (0..facts.gaps.len()).filter(|at| without(*at) < possible(&known).len());
        prop_assert!(narrowing.map(|at| &facts.gaps[at].department).eq(blocking));
    }

    /// Sound for everybody, 特困 and single persons included: what is said to be of no consequence is of none,
    /// whatever the others say.
    #[test]
    fn what_cannot_change_the_result_may_be_anything(
        facts in any_facts(), rules in any_rules(), answers in any_answers(), others in any_answers(),
    ) {
        let known = evaluate(&facts, rules).unwrap();
        if known.gaps.is_empty() {
            return Ok(());
        }
        let mixed = |is_settled: fn(&crate::verdict::unknowns::GapFinding) -> bool| {
            let pairs = known.gaps.iter().zip(answers.iter().zip(&others));
            let chosen = pairs.map(|(gap, (one, other))| if is_settled(gap) { other } else { one }.clone());
            evaluate(&complete(&facts, rules, &chosen.collect::<Vec<_>>(), About::Anybody), rules).unwrap()
        };
        let one = mixed(|_| false);
        prop_assert_eq!(one.circle(), mixed(|gap| !gap.could_change).circle());
        let other = mixed(|gap| !gap.could_change && !gap.could_change_members);
        let outcomes = |verdict: &Verdict| wire(verdict)["member_outcomes"].clone();
        prop_assert_eq!((one.circle(), outcomes(&one)), (other.circle(), outcomes(&other)));
    }

    /// Tight: what is said to be of consequence is, with some answers of the others.
    #[test]
    fn a_gap_could_change_the_circle_exactly_if_some_answer_turns_it(facts in any_facts(), rules in any_rules()) {
        let facts = without_tekun(facts);
        let verdict = evaluate(&facts, rules).unwrap();
        let assessment = Assessment::of(&facts, rules.rules()).unwrap();
        let opens: Vec<Open> = facts.gaps.iter().map(|gap| open_by(gap, &assessment.members)).collect();
        let all = opens.iter().copied().fold(Open::NOTHING, Open::and);
        for (gap, open) in verdict.gaps.iter().zip(opens) {
            prop_assert_eq!(gap.could_change, turns_by_trying(&assessment.known, all, open), "{}", gap.department);
        }
    }
}

//! What other rules would mean for a population: who moves circle, and how the money changes.
//!
//! Every household is judged twice on the same facts and the same day, so that only the rules differ. Only counts
//! are kept: any number of households takes the same memory, and parts judged apart are added up in any order.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::domain::household::UrbanRural;
use crate::domain::money::Money;
use crate::policy::Parameters;
use crate::verdict::benefit::HintMode;
use crate::verdict::circle::Circle;
use crate::verdict::facts::Facts;
use crate::verdict::{self, HouseholdCircle, Status, Verdict};

/// Where a household stands under one set of rules: its circle, or why it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    /// 特困.
    Tekun,
    /// 低保.
    Dibao,
    /// 支出型.
    Expenditure,
    /// 低收入.
    LowIncome,
    /// No circle.
    None,
    /// Departments have not answered.
    PendingData,
    /// No standard, or another parameter missing.
    PendingParameter,
    /// An authorisation is missing.
    Blocked,
    /// An officer must look first.
    ManualReview,
}

impl Standing {
    fn of(verdict: &Verdict) -> Self {
        match (verdict.status, verdict.household_circle) {
            (Status::Determined, HouseholdCircle::Is(circle)) => match circle {
                Circle::Tekun => Self::Tekun,
                Circle::Dibao | Circle::DibaoSingle => Self::Dibao,
                Circle::LowIncome => Self::LowIncome,
                Circle::Expenditure => Self::Expenditure,
                Circle::None => Self::None,
            },
            (Status::Determined | Status::PendingData, _) => Self::PendingData,
            (Status::PendingParameter, _) => Self::PendingParameter,
            (Status::Blocked, _) => Self::Blocked,
            (Status::ManualReview, _) => Self::ManualReview,
        }
    }

    /// The standing in words, Chinese and English.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Tekun => ("特困", "tekun"),
            Self::Dibao => ("低保", "dibao"),
            Self::Expenditure => ("支出型", "expenditure"),
            Self::LowIncome => ("低收入", "low income"),
            Self::None => ("无圈层", "no circle"),
            Self::PendingData => ("待数据", "pending data"),
            Self::PendingParameter => ("缺参数", "pending parameter"),
            Self::Blocked => ("缺授权", "blocked"),
            Self::ManualReview => ("人工复核", "manual review"),
        }
    }
}

/// What one set of rules gives a household.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outcome {
    standing: Standing,
    /// Difference benefit, top-ups and single persons together, fen a month; nothing where it is set by tier.
    monthly: Option<i64>,
    /// Members admitted as single persons.
    singles: u32,
    /// Income and line over twelve months, fen.
    income_and_line: Option<(i64, i64)>,
}

/// The one place that asks the engine.
fn judge(facts: &Facts, parameters: Option<&Parameters>) -> Outcome {
    let Some(parameters) = parameters else {
        return Outcome { standing: Standing::PendingParameter, monthly: Some(0), singles: 0, income_and_line: None };
    };
    let verdict = verdict::evaluate(facts, parameters).unwrap_or_else(|_| Verdict::too_large(facts, parameters));
    let outcomes = verdict.member_outcomes.as_deref().unwrap_or_default();
    let singles = outcomes.iter().filter(|outcome| outcome.circle == Circle::DibaoSingle);
    let of_singles: i64 = singles.clone().filter_map(|single| single.monthly_amount).map(Money::fen).sum();
    let household = match &verdict.benefit_hint {
        None => Some(0),
        Some(hint) if hint.mode == HintMode::Tiered => None,
        Some(hint) => Some(hint.monthly_total.or(hint.monthly_base).unwrap_or(Money::ZERO).fen()),
    };
    let sums = verdict.computed.as_ref().and_then(|computed| computed.sums);
    Outcome {
        standing: Standing::of(&verdict),
        monthly: household.map(|household| household + of_singles),
        singles: u32::try_from(singles.count()).unwrap_or(u32::MAX),
        income_and_line: sums.map(|sums| (sums.countable_income_12m.fen(), sums.dibao_line_12m.fen())),
    }
}

/// An amount that millions of households can add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct Total(i128);

impl Total {
    /// Yuan with two places, with its sign.
    pub fn yuan(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", fen / 100, fen % 100)
    }

    /// The difference.
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }

    /// True above zero.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }
}

impl Serialize for Total {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.yuan())
    }
}

/// A household that moved, without anything that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Members.
    pub persons: usize,
    /// Income in percent of the old line of its size, rounded down; of the new one where there is no old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub income_percent_of_line: Option<i64>,
    /// Yuan a month before, where it is computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_before: Option<Money>,
    /// Yuan a month after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_after: Option<Money>,
}

/// Examples kept of one move.
const EXAMPLES: usize = 3;

/// All households that moved from one standing to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Households.
    pub households: u64,
    /// Their members.
    pub persons: u64,
    /// Households that get more money a month.
    pub raised: u64,
    /// Households that get less.
    pub lowered: u64,
    /// Households whose amount is not computed on one side: tiers.
    pub uncomputed: u64,
    /// Members admitted as single persons, before and after.
    pub singles: (u64, u64),
    /// Money a month before and after, of the households whose amounts are computed.
    pub monthly: (Total, Total),
    /// The first households of the move, by their number in the population.
    examples: BTreeMap<u64, Example>,
}

impl Tally {
    /// Examples of the move.
    pub fn examples(&self) -> impl Iterator<Item = &Example> {
        self.examples.values()
    }

    fn add(&mut self, other: Self) {
        self.households += other.households;
        self.persons += other.persons;
        self.raised += other.raised;
        self.lowered += other.lowered;
        self.uncomputed += other.uncomputed;
        self.singles = (self.singles.0 + other.singles.0, self.singles.1 + other.singles.1);
        self.monthly = (Total(self.monthly.0.0 + other.monthly.0.0), Total(self.monthly.1.0 + other.monthly.1.0));
        self.examples.extend(other.examples);
        self.keep_first();
    }

    fn keep_first(&mut self) {
        while self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
    }
}

/// The rules before and after, of one side of a place.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Before; nothing where there was no verdict for want of parameters.
    pub from: Option<&'a Parameters>,
    /// After.
    pub to: Option<&'a Parameters>,
}

/// Moves of a population or of a part of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Impact {
    moves: BTreeMap<(UrbanRural, Standing, Standing), Tally>,
}

impl Impact {
    /// Judges a household by both rules and counts it. `number` is its place in the population.
    pub fn count(&mut self, number: u64, side: UrbanRural, facts: &Facts, rules: Rules<'_>) {
        let (before, after) = (judge(facts, rules.from), judge(facts, rules.to));
        let tally = self.moves.entry((side, before.standing, after.standing)).or_default();
        tally.households += 1;
        tally.persons += facts.members.len() as u64;
        tally.singles.0 += u64::from(before.singles);
        tally.singles.1 += u64::from(after.singles);
        if let (Some(old), Some(new)) = (before.monthly, after.monthly) {
            tally.monthly.0.0 += i128::from(old);
            tally.monthly.1.0 += i128::from(new);
            tally.raised += u64::from(new > old);
            tally.lowered += u64::from(new < old);
        } else {
            tally.uncomputed += 1;
        }
        let is_early =
            tally.examples.len() < EXAMPLES || tally.examples.last_key_value().is_some_and(|(last, _)| number < *last);
        if is_early {
            let example = Example {
                persons: facts.members.len(),
                income_percent_of_line: before.income_and_line.or(after.income_and_line).and_then(percent),
                monthly_before: before.monthly.map(Money::from_fen),
                monthly_after: after.monthly.map(Money::from_fen),
            };
            tally.examples.insert(number, example);
            tally.keep_first();
        }
    }

    /// Adds another part of the population.
    pub fn add(&mut self, part: Self) {
        for (key, tally) in part.moves {
            self.moves.entry(key).or_default().add(tally);
        }
    }

    /// The moves, by side and standings.
    pub fn moves(&self) -> impl Iterator<Item = ((UrbanRural, Standing, Standing), &Tally)> {
        self.moves.iter().map(|(key, tally)| (*key, tally))
    }

    /// Everybody together; no examples.
    pub fn total(&self) -> Tally {
        self.sum(|_| true)
    }

    /// Those whose circle changes.
    pub fn moved(&self) -> Tally {
        self.sum(|(_, before, after)| before != after)
    }

    fn sum(&self, is_meant: impl Fn((UrbanRural, Standing, Standing)) -> bool) -> Tally {
        let mut sum = Tally::default();
        for (_, tally) in self.moves().filter(|(key, _)| is_meant(*key)) {
            sum.add(Tally { examples: BTreeMap::new(), ..tally.clone() });
        }
        sum
    }
}

fn percent((income, line): (i64, i64)) -> Option<i64> {
    income.checked_mul(100)?.checked_div(line)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::*;
    use crate::domain::dataset::Catalogue;
    use crate::domain::division::DivisionCode;
    use crate::domain::household::Place;
    use crate::policy::Packs;
    use crate::verdict::cases::CaseFile;

    const DAY: Date = date(2025, 3, 15);

    fn facts() -> Vec<Facts> {
        let file: CaseFile = serde_json::from_str(include_str!("../../../tests/cases/listed.json")).unwrap();
        let catalogue = Catalogue::shipped();
        let urban = file.cases.iter().filter(|case| case.parameter_set == "IM_WLHT_URBAN");
        urban.filter_map(|case| case.facts(&catalogue).ok()).collect()
    }

    fn parameters(amount: &str) -> Parameters {
        let place = Place { division_code: DivisionCode::parse("152201").unwrap(), urban_rural: UrbanRural::Urban };
        let mut effective = Packs::shipped().effective_figures(place, DAY, None).unwrap();
        effective.values.dibao_standard.as_mut().unwrap().amount = Money::parse(amount).unwrap();
        effective.parameters().unwrap()
    }

    fn impact(facts: &[Facts], rules: Rules<'_>) -> Impact {
        let mut impact = Impact::default();
        for (number, facts) in (0..).zip(facts) {
            impact.count(number, UrbanRural::Urban, facts, rules);
        }
        impact
    }

    #[test]
    fn the_same_rules_move_nobody_and_no_money() {
        let (facts, same) = (facts(), parameters("829.00"));
        let impact = impact(&facts, Rules { from: Some(&same), to: Some(&same) });
        assert_eq!(impact.total().households, facts.len() as u64);
        assert_eq!(impact.moved(), Tally::default());
        let total = impact.total();
        assert_eq!((total.raised, total.lowered, total.monthly.0), (0, 0, total.monthly.1));
    }

    #[test]
    fn a_higher_standard_moves_into_dibao_and_its_money_is_the_sum_of_the_hints() {
        let (facts, old, new) = (facts(), parameters("829.00"), parameters("900.00"));
        let impact = impact(&facts, Rules { from: Some(&old), to: Some(&new) });
        let by_key: BTreeMap<_, _> = impact.moves().collect();
        let entered = by_key[&(UrbanRural::Urban, Standing::LowIncome, Standing::Dibao)];
        assert!(entered.households > 0 && entered.raised == entered.households, "{entered:?}");
        assert!(entered.examples().all(|example| example.income_percent_of_line.unwrap() >= 100));
        // The money, summed a second time from the verdicts themselves.
        let sum = |parameters: &Parameters| -> i128 {
            facts
                .iter()
                .map(|facts| {
                    let verdict = serde_json::to_value(verdict::evaluate(facts, parameters).unwrap()).unwrap();
                    let fen =
                        |value: &serde_json::Value| value.as_str().map_or(0, |yuan| Money::parse(yuan).unwrap().fen());
                    let hint = &verdict["benefit_hint"];
                    let household =
                        if hint["monthly_total"].is_null() { &hint["monthly_base"] } else { &hint["monthly_total"] };
                    let singles = verdict["member_outcomes"].as_array().into_iter().flatten();
                    i128::from(fen(household) + singles.map(|single| fen(&single["monthly_amount"])).sum::<i64>())
                })
                .sum()
        };
        let total = impact.total();
        assert_eq!(total.monthly, (Total(sum(&old)), Total(sum(&new))));
        assert!(total.monthly.1.minus(total.monthly.0).is_positive());
        assert_eq!(total.uncomputed, 0);
    }

    #[test]
    fn without_parameters_everybody_is_pending() {
        let (facts, new) = (facts(), parameters("829.00"));
        let impact = impact(&facts, Rules { from: None, to: Some(&new) });
        assert!(impact.moves().all(|((_, before, _), _)| before == Standing::PendingParameter));
        assert_eq!(impact.moved().households, facts.len() as u64);
    }

    #[test]
    fn parts_add_up_in_any_order_to_the_whole() {
        let (facts, old, new) = (facts(), parameters("829.00"), parameters("900.00"));
        let rules = Rules { from: Some(&old), to: Some(&new) };
        let whole = impact(&facts, rules);
        let mut parts: Vec<Impact> = (0..)
            .zip(&facts)
            .map(|(number, facts)| {
                let mut part = Impact::default();
                part.count(number, UrbanRural::Urban, facts, rules);
                part
            })
            .collect();
        for _ in 0..2 {
            parts.reverse();
            let mut sum = Impact::default();
            parts.iter().cloned().for_each(|part| sum.add(part));
            assert_eq!(sum, whole);
        }
        assert!(whole.moves().all(|(_, tally)| tally.examples().count() <= EXAMPLES));
    }

    #[test]
    fn totals_are_written_with_their_sign() {
        assert_eq!(Total(-5).yuan(), "-0.05");
        assert_eq!(Total(123_456_789_012_345).yuan(), "1234567890123.45");
    }
}

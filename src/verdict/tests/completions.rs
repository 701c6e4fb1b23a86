//! How silent departments may answer: facts that they could have sent, within what the catalogue says their silence
//! leaves open.

use proptest::prelude::*;

use super::*;
use crate::domain::dataset::MissingEffect;
use crate::verdict::assess::Assessment;

/// What one department turns out to know. Seeds, because what it can be depends on the household.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    incomes: Vec<(usize, usize, i64, i64)>,
    expenditures: Vec<(usize, i64, i64, bool)>,
    property: Option<(usize, i64, u32)>,
    ruins: u8,
    ill: u8,
}

/// Amounts that fall on and around the lines as often as between them.
pub(super) fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![
        0_i64..12_000_000,
        prop::sample::select(vec![0, 994_800, 1_492_200, 1_989_600, 2_984_400, 4_476_600, 5_968_800]),
        prop::sample::select(vec![1, 994_799, 2_984_399, 2_984_401, 4_476_599, 4_476_601]),
    ]
}

prop_compose! {
    pub(super) fn any_answer()(
        incomes in prop::collection::vec((0_usize..5, 0_usize..5, amount(), 0_i64..200_000), 0..3),
        expenditures in prop::collection::vec((0_usize..5, amount(), 0_i64..300_000, prop::bool::weighted(0.8)), 0..3),
        property in prop::option::of((0_usize..4, amount(), 0_u32..3)), ruins in 0_u8..3, ill: u8,
    ) -> Answer {
        Answer { incomes, expenditures, property, ruins, ill }
    }
}

pub(super) fn any_answers() -> impl Strategy<Value = Vec<Answer>> {
    prop::collection::vec(any_answer(), 6)
}

/// Whom the answers may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// The members the household circle is about, as far as is known.
    Remaining,
    /// Anybody listed.
    Anybody,
}

/// The facts once every silent department has answered.
pub(super) fn complete(facts: &Facts, parameters: &Parameters, answers: &[Answer], about: About) -> Facts {
    let mut complete = facts.clone();
    complete.gaps.clear();
    let members = Assessment::of(facts, parameters.rules()).unwrap().members;
    for (gap, answer) in facts.gaps.iter().zip(answers) {
        let is_of_age =
            |index: usize| gap.ages.is_none_or(|(low, high)| (low..=high).contains(&members.get(index).unwrap().age));
        let concerned: Vec<usize> = (0..facts.members.len())
            .filter(|index| about == About::Anybody || members.remains(*index))
            .filter(|index| is_of_age(*index))
            .collect();
        for effect in &gap.effects {
            answer.apply(*effect, gap, &concerned, &mut complete);
        }
    }
    complete
}

impl Answer {
    fn apply(&self, effect: MissingEffect, gap: &FactGap, concerned: &[usize], facts: &mut Facts) {
        let source = Source::Department(gap.department.clone());
        let pick = |seed: usize| concerned.get(seed % concerned.len().max(1)).copied();
        match effect {
            MissingEffect::IncomeUp => facts.incomes.extend(self.incomes.iter().filter_map(|seed| {
                let (category, name) = [
                    (IncomeCategory::Transfer, "PENSION_EMPLOYEE"),
                    (IncomeCategory::Transfer, "PENSION_RESIDENT"),
                    (IncomeCategory::Transfer, "UNEMPLOYMENT_BENEFIT"),
                    (IncomeCategory::Wage, "WAGE"),
                    (IncomeCategory::Transfer, "SOCIAL_ASSISTANCE"),
                ][seed.1];
                Some(IncomeItem {
                    amount_12m: Money::from_fen(seed.2),
                    basic_portion_12m: (name == "PENSION_RESIDENT").then(|| Money::from_fen(seed.3.min(seed.2))),
                    source: source.clone(),
                    ..income(pick(seed.0)?, category, name, "0")
                })
            })),
            MissingEffect::ExpenditureUp => facts.expenditures.extend(self.expenditures.iter().filter_map(|seed| {
                let is_school = gap.ages.is_some();
                let kind = match seed.2 % 4 {
                    _ if is_school => ExpenditureKind::Education,
                    0 => ExpenditureKind::Accident,
                    1 => ExpenditureKind::DisabilityRehab,
                    _ => ExpenditureKind::Medical,
                };
                let paid_on = if seed.3 { date(2024, 10, 1) } else { date(2023, 10, 1) };
                Some(ExpenditureItem {
                    member: pick(seed.0)?,
                    gross: Money::from_fen(seed.1),
                    covered: Money::from_fen(seed.2),
                    public_benchmark: (is_school && seed.2 % 3 == 0).then(|| Money::from_fen(600_000)),
                    source: source.clone(),
                    ..spent(kind, "0", "0", paid_on)
                })
            })),
            MissingEffect::PropertyMayFail => facts.assets.extend(self.property.map(|(kind, fen, count)| AssetItem {
                value: Money::from_fen(fen),
                count,
                source,
                ..asset(["DWELLING", "DEPOSIT", "NON_RESIDENTIAL", "VEHICLE"][kind], "0")
            })),
            MissingEffect::DwellingMayPass => {
                let dwellings = facts.assets.iter_mut().filter(|asset| asset.kind.as_str() == "DWELLING");
                for dwelling in dwellings.take(usize::from(self.ruins)) {
                    dwelling.exempt_kind = Some(kind("DISASTER_COLLAPSED"));
                }
            }
            MissingEffect::MemberIllnessUnknown => {
                for index in concerned {
                    facts.members[*index].severe_illness |= self.ill & (1 << (index % 8)) != 0;
                }
            }
        }
    }
}

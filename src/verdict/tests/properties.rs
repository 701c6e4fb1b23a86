//! What must hold for every household: order does not matter, more information never turns a final
//! verdict, waiting is never for nothing, and nothing panics.

use proptest::prelude::*;

use super::*;
use crate::verdict::Status;

const KINDS: [&str; 5] = ["BUSINESS", "PENSION_RESIDENT", "SCHOLARSHIP", "WAGE", "TRANSFER_OUT"];
const ASSETS: [&str; 6] = ["DEPOSIT", "DWELLING", "NON_RESIDENTIAL", "VEHICLE", "BUSINESS_ENTITY", "JEWELLERY"];
const SILENT: [&str; 6] = ["education", "hrss", "housing", "health", "emergency", "medical_insurance"];
const STAGES: [Option<EducationStage>; 4] =
    [None, Some(EducationStage::Primary), Some(EducationStage::SecondaryVocational), Some(EducationStage::Master)];

/// Amounts that fall on and around the lines as often as between them.
fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![
        0_i64..12_000_000,
        prop::sample::select(vec![0, 994_800, 1_492_200, 1_989_600, 2_984_400, 4_476_600, 5_968_800]),
        prop::sample::select(vec![994_799, 2_984_399, 2_984_401, 4_476_599, 4_476_601]),
    ]
}

prop_compose! {
    fn any_member()(
        days in 0_u16..30_000, relation in prop::sample::select(vec!["02", "12", "21", "31", "50", "70"]),
        dead in prop::bool::weighted(0.05), excluded in prop::bool::weighted(0.05), family in prop::bool::weighted(0.7),
        disability in prop::option::weighted(0.2, (1_u8..=7, 1_u8..=4)), severe_illness in prop::bool::weighted(0.2),
        stage in 0_usize..4, capacity in 0_u8..3, employed: bool, adl in 0_u8..=6, was_tekun in prop::bool::weighted(0.1),
        orphan in prop::bool::weighted(0.05), refusals in 0_u8..4,
    ) -> MemberFacts {
        let born_on = date(2025, 3, 15).saturating_sub(jiff::Span::new().days(i64::from(days)));
        MemberFacts {
            death_date: dead.then(|| date(2025, 1, 1)),
            exclusion: excluded.then(|| kind("IN_PRISON")),
            disability: disability.map(|(category, grade)| Disability { category, grade }),
            severe_illness,
            education_stage: STAGES[stage],
            labour_capacity: [LabourCapacity::Full, LabourCapacity::Partial, LabourCapacity::None][usize::from(capacity)],
            employed,
            obligor_in_household: family,
            adl_failed_count: adl,
            was_tekun,
            chose_orphan_benefit: orphan,
            job_refusals: refusals,
            ..member("m0", born_on, relation)
        }
    }
}

prop_compose! {
    fn any_income()(
        member in 0_usize..6, kind_at in 0_usize..5, fen in amount(), basic in prop::option::of(0_i64..200_000),
        after_death: bool, wage in prop::bool::weighted(0.3), by_hrss: bool,
    ) -> IncomeItem {
        let category = if wage { IncomeCategory::Wage } else { IncomeCategory::Transfer };
        IncomeItem {
            amount_12m: Money::from_fen(fen),
            basic_portion_12m: basic.map(Money::from_fen),
            paid_after_death: after_death,
            source: if by_hrss { department("hrss") } else { Source::Declared },
            ..income(member, category, KINDS[kind_at], "0")
        }
    }
}

prop_compose! {
    fn any_expenditure()(
        member in 0_usize..6, kind_at in 0_usize..4, gross in amount(), covered in 0_i64..2_000_000,
        month in 1_i8..=12, year in 2024_i16..=2025, benchmark in prop::option::weighted(0.2, amount()),
    ) -> ExpenditureItem {
        let kinds = [ExpenditureKind::Medical, ExpenditureKind::DisabilityRehab, ExpenditureKind::Education, ExpenditureKind::Accident];
        ExpenditureItem {
            member,
            gross: Money::from_fen(gross),
            covered: Money::from_fen(covered),
            public_benchmark: benchmark.map(Money::from_fen),
            ..spent(kinds[kind_at], "0", "0", date(year, month, 1))
        }
    }
}

prop_compose! {
    fn any_asset()(kind_at in 0_usize..6, fen in amount(), count in 0_u32..3, exempt in prop::bool::weighted(0.2)) -> AssetItem {
        AssetItem {
            value: Money::from_fen(fen),
            count,
            exempt_kind: exempt.then(|| kind("DISABILITY_AID")),
            ..asset(ASSETS[kind_at], "0")
        }
    }
}

prop_compose! {
    fn any_obligor()(member in 1_usize..5, fen in 0_i64..20_000_000, size in 0_u32..5, total in 0_u32..4,
        unable: bool, judged in prop::option::weighted(0.2, 0_i64..2_000_000)) -> Obligor {
        Obligor {
            household_income_12m: Money::from_fen(fen),
            household_size: size,
            supported_total: total,
            capability: if unable { Capability::Unable } else { Capability::Able },
            judgment_12m: judged.map(Money::from_fen),
            ..obligor(&[&format!("m{member}")], "0")
        }
    }
}

prop_compose! {
    pub(super) fn any_facts()(
        members in prop::collection::vec(any_member(), 0..5), incomes in prop::collection::vec(any_income(), 0..5),
        expenditures in prop::collection::vec(any_expenditure(), 0..4), assets in prop::collection::vec(any_asset(), 0..3),
        obligors in prop::collection::vec(any_obligor(), 0..2), silent_ones in prop::sample::subsequence(SILENT.to_vec(), 0..=4),
        graduating in prop::option::weighted(0.15, 0_u32..24), unsteady: bool, emergency in prop::bool::weighted(0.1),
    ) -> Facts {
        let mut facts = household("0");
        facts.members = members.into_iter().enumerate().map(|(index, member)| MemberFacts {
            reference: MemberRef::parse(&format!("m{}", index + 1)).unwrap(), ..member
        }).collect();
        (facts.incomes, facts.expenditures, facts.assets, facts.obligors) = (incomes, expenditures, assets, obligors);
        facts.gaps = silent_ones.into_iter().map(silent).collect();
        facts.stability = if unsteady { Stability::Unstable } else { Stability::Stable };
        if let Some(months) = graduating {
            facts.prior.circle = Some(kind("DIBAO"));
            facts.prior.exceeded_by_employment = true;
            facts.prior.months_since_exceeded = Some(months);
        }
        if emergency {
            facts.events.push(event("EMERGENCY", "150100", None));
        }
        facts
    }
}

/// One way the silent departments could have answered: more income, more expenditure, one property more, a ruin.
fn complete(facts: &Facts, more: &[(i64, i64, bool)]) -> Facts {
    use crate::domain::dataset::MissingEffect;
    let mut complete = facts.clone();
    complete.gaps.clear();
    let members = crate::verdict::assess::Assessment::of(facts, urban().rules()).unwrap().members;
    let remaining: Vec<usize> = (0..facts.members.len()).filter(|index| members.remains(*index)).collect();
    for (gap, (income_fen, spent_fen, happens)) in facts.gaps.iter().zip(more) {
        let concerned: Vec<usize> = remaining
            .iter()
            .copied()
            .filter(|index| gap.ages.is_none_or(|(low, high)| (low..=high).contains(&members.get(*index).unwrap().age)))
            .collect();
        let Some(member) = concerned.first().copied() else { continue };
        for effect in &gap.effects {
            match effect {
                MissingEffect::IncomeUp => complete.incomes.push(IncomeItem {
                    member,
                    ..income(0, IncomeCategory::Transfer, "PENSION_EMPLOYEE", &Money::from_fen(*income_fen).yuan())
                }),
                MissingEffect::ExpenditureUp => complete.expenditures.push(ExpenditureItem {
                    member,
                    ..spent(ExpenditureKind::Medical, &Money::from_fen(*spent_fen).yuan(), "0", date(2024, 10, 1))
                }),
                MissingEffect::PropertyMayFail if *happens => complete.assets.push(asset("NON_RESIDENTIAL", "0")),
                MissingEffect::DwellingMayPass if *happens => {
                    for dwelling in complete.assets.iter_mut().filter(|asset| asset.kind.as_str() == "DWELLING") {
                        dwelling.exempt_kind = Some(kind("DISASTER_COLLAPSED"));
                    }
                }
                _ => {}
            }
        }
    }
    complete
}

fn completions() -> impl Strategy<Value = Vec<(i64, i64, bool)>> {
    prop::collection::vec((amount(), amount(), any::<bool>()), 6)
}

/// 特困 is decided on what is known (`semantics.md`): the bounds speak of the household that remains, so these
/// households have family in them and nobody leaves.
fn without_tekun(mut facts: Facts) -> Facts {
    for member in &mut facts.members {
        member.obligor_in_household = true;
    }
    facts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_same_facts_give_the_same_bytes(facts in any_facts()) {
        let parameters = urban();
        let first = serde_json::to_vec(&evaluate(&facts, &parameters).unwrap()).unwrap();
        prop_assert_eq!(first, serde_json::to_vec(&evaluate(&facts.clone(), &parameters).unwrap()).unwrap());
    }

    #[test]
    fn the_order_of_items_does_not_matter(facts in any_facts()) {
        let mut turned = facts.clone();
        turned.incomes.reverse();
        turned.assets.reverse();
        turned.expenditures.reverse();
        turned.obligors.reverse();
        let (one, other) = (verdict(&facts), verdict(&turned));
        prop_assert_eq!((one.household_circle, &one.also_meets, &one.computed), (other.household_circle, &other.also_meets, &other.computed));
        prop_assert_eq!((&one.flags, &one.benefit_hint, &one.possible_circles), (&other.flags, &other.benefit_hint, &other.possible_circles));
    }

    #[test]
    fn more_information_never_turns_a_final_verdict(facts in any_facts(), more in completions(), ratio: bool) {
        let parameters = if ratio { parameters_with("IM_WLHT_URBAN_2024RULE", |_| {}) } else { urban() };
        let facts = without_tekun(facts);
        let known = evaluate(&facts, &parameters).unwrap();
        let complete = evaluate(&complete(&facts, &more), &parameters).unwrap();
        prop_assert_eq!(complete.status, Status::Determined);
        match known.status {
            Status::Determined => prop_assert_eq!(known.circle(), complete.circle()),
            _ => prop_assert!(known.possible_circles.unwrap().contains(&complete.circle().unwrap())),
        }
    }

    #[test]
    fn waiting_is_never_for_nothing(facts in any_facts(), tries in prop::collection::vec(completions(), 24)) {
        // Two completions differ. Random ones rarely hit a narrow band, so the
        // breakpoints of this household are tried as well.
        let facts = without_tekun(facts);
        let known = verdict(&facts);
        if known.status != Status::PendingData {
            return Ok(());
        }
        let income = known.computed.as_ref().unwrap().sums.unwrap().countable_income_12m.fen();
        let size = i64::try_from(known.computed.as_ref().unwrap().household_size).unwrap();
        let (line, ample) = (994_800 * size, 90_000_000_000);
        let mut all = tries;
        for more_income in [0, (line - income).max(0), (line * 3 / 2 - income).max(0), ample] {
            for more_spent in [0, ample * 2] {
                for happens in [false, true] {
                    all.push(vec![(more_income, more_spent, happens); 6]);
                }
            }
        }
        let reached: std::collections::BTreeSet<_> =
            all.iter().filter_map(|more| verdict(&complete(&facts, more)).circle()).collect();
        prop_assert!(reached.len() > 1, "{:?} but only {:?}", known.possible_circles, reached);
    }

    #[test]
    fn a_gap_that_cannot_change_the_result_can_be_closed_in_any_way(facts in any_facts(), more in completions()) {
        let facts = without_tekun(facts);
        let known = verdict(&facts);
        if known.status != Status::Determined {
            return Ok(());
        }
        prop_assert!(known.gaps.iter().all(|gap| !gap.could_change));
        prop_assert_eq!(verdict(&complete(&facts, &more)).circle(), known.circle());
    }

    #[test]
    fn tipping_points_turn_the_circle(facts in any_facts()) {
        let mut facts = without_tekun(facts);
        facts.gaps.clear();
        let known = verdict(&facts);
        let income_up = known.tipping_points.iter().find(|point| {
            point.quantity == crate::verdict::unknowns::Quantity::Income && point.change > Money::ZERO
        });
        if let Some(point) = income_up {
            let members = crate::verdict::members::Members::decide(&facts);
            let member = (0..facts.members.len()).find(|index| members.remains(*index)).unwrap();
            let mut with = |fen: i64| {
                facts.incomes.push(IncomeItem {
                    member,
                    amount_12m: Money::from_fen(fen),
                    ..income(0, IncomeCategory::Transfer, "PENSION_EMPLOYEE", "0")
                });
                let circle = verdict(&facts).circle();
                facts.incomes.pop();
                circle
            };
            prop_assert_eq!(with(point.change.fen()), Some(point.circle));
            prop_assert_eq!(with(point.change.fen() - 1), known.circle());
        }
    }

    #[test]
    fn nothing_panics_on_amounts_of_any_size(mut facts in any_facts(), huge in any::<i64>(), at in 0_usize..4) {
        if let Some(item) = facts.incomes.get_mut(at) { item.amount_12m = Money::from_fen(huge); }
        if let Some(item) = facts.assets.get_mut(at) { item.value = Money::from_fen(huge); }
        if let Some(item) = facts.expenditures.get_mut(at) { item.covered = Money::from_fen(huge); }
        if let Some(item) = facts.obligors.get_mut(at) { item.household_income_12m = Money::from_fen(huge); }
        let parameters = urban();
        if let Ok(verdict) = evaluate(&facts, &parameters) {
            prop_assert!(verdict.id.starts_with("vd_") && verdict.id.len() == 67);
            drop(crate::verdict::trace::trace(&facts, &parameters, &verdict));
        }
    }
}

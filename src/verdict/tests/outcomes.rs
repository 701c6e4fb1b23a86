//! `semantics.md`, line by line: what members and households get (特困, 单人户, benefit, review).

use super::*;

#[test]
fn tekun_needs_all_its_conditions() {
    let elder = alone(date(1962, 5, 1));
    let tekun = verdict(&elder);
    assert_eq!(wire(&tekun)["member_outcomes"][0]["care_level"], "SELF_CARE");
    assert_eq!(tekun.review_cycle_months, Some(12));
    assert_eq!(wire(&tekun)["computed"], serde_json::json!({"household_size": 1}));
    assert!(wire(&tekun).get("also_meets").is_none());

    let mut facts = elder.clone();
    facts.members[0].obligor_in_household = true;
    assert_eq!(circle(&facts), "DIBAO");
    let mut facts = elder.clone();
    facts.incomes.push(income(0, IncomeCategory::Transfer, "PENSION_EMPLOYEE", "9948.00"));
    assert!(has_reason(&verdict(&facts), "TEKUN_OWN_INCOME_GE_STANDARD"));
    facts.incomes[0].amount_12m = yuan("9947.99");
    assert_eq!(circle(&facts), "TEKUN");
    let mut facts = elder.clone();
    facts.assets.push(asset("DEPOSIT", "16896.01"));
    assert_eq!(circle(&facts), "NONE");
    let mut facts = elder.clone();
    facts.obligors.push(obligor(&["m1"], "0"));
    assert!(has_reason(&verdict(&facts), "TEKUN_OBLIGOR_ABLE"));
    facts.obligors[0].capability = Capability::Unable;
    assert_eq!(verdict(&facts).flags, ["OBLIGOR_UNABLE"]);
    assert_eq!(circle(&facts), "TEKUN");
    let mut facts = elder;
    facts.members[0].born_on = date(1965, 3, 16);
    assert_eq!(circle(&facts), "DIBAO", "one day before 60");
}

#[test]
fn tekun_by_disability_minority_and_continuation() {
    for (category, grade, is_tekun) in [
        (5, 3, true),
        (6, 3, true),
        (5, 4, false),
        (4, 2, true),
        (4, 3, false),
        (1, 1, true),
        (1, 2, false),
        (2, 1, false),
    ] {
        let mut facts = alone(date(1990, 1, 1));
        facts.members[0].disability = Some(Disability { category, grade });
        assert_eq!(circle(&facts) == "TEKUN", is_tekun, "{category} {grade}");
    }
    let mut facts = alone(date(2007, 3, 15));
    assert_eq!(circle(&facts), "DIBAO", "18 on the day");
    facts.members[0].was_tekun = true;
    for (stage, is_tekun) in [
        (EducationStage::SecondaryVocational, true),
        (EducationStage::SeniorHigh, true),
        (EducationStage::JuniorCollege, false),
        (EducationStage::Bachelor, false),
    ] {
        facts.members[0].education_stage = Some(stage);
        assert_eq!(circle(&facts) == "TEKUN", is_tekun, "{stage:?}");
    }
    let sixteen = parameters_with("IM_WLHT_URBAN", |set| set["tekun"]["minor_age_limit"] = 16.into());
    let mut facts = alone(date(2008, 6, 1));
    assert_eq!(evaluate(&facts, &sixteen).unwrap().circle().unwrap().as_str(), "DIBAO");
    facts.members[0].was_tekun = true;
    assert_eq!(evaluate(&facts, &sixteen).unwrap().circle().unwrap().as_str(), "TEKUN");
    facts.members[0].chose_orphan_benefit = true;
    let verdict = verdict(&facts);
    assert_eq!((verdict.circle().unwrap().as_str(), verdict.flags), ("DIBAO", vec!["ORPHAN_BENEFIT_CHOSEN".into()]));
}

#[test]
fn care_follows_the_failed_activities() {
    for (failed, level) in
        [(0, "SELF_CARE"), (1, "PARTIAL_CARE"), (3, "PARTIAL_CARE"), (4, "FULL_CARE"), (6, "FULL_CARE")]
    {
        let mut facts = alone(date(1950, 1, 1));
        facts.members[0].adl_failed_count = failed;
        assert_eq!(wire(&verdict(&facts))["member_outcomes"][0]["care_level"], level);
    }
}

#[test]
fn tekun_members_leave_the_household_with_their_income() {
    let mut facts = household("18000.00");
    facts.members[1].born_on = date(1950, 1, 1);
    facts.members[1].obligor_in_household = false;
    facts.incomes.push(income(1, IncomeCategory::Transfer, "PENSION_EMPLOYEE", "5000.00"));
    facts
        .expenditures
        .push(ExpenditureItem { member: 1, ..spent(ExpenditureKind::Medical, "9.00", "0", date(2024, 10, 1)) });
    let verdict = verdict(&facts);
    let computed = wire(&verdict)["computed"].clone();
    assert_eq!(computed["household_size"], 2);
    assert_eq!(computed["countable_income_12m"], "18000.00");
    assert_eq!(computed["rigid_expenditure_12m"], "0.00");
    assert_eq!(verdict.circle().unwrap().as_str(), "DIBAO");
    assert_eq!(wire(&verdict)["member_outcomes"][0]["circle"], "TEKUN");
}

#[test]
fn single_persons_come_only_from_low_income_households() {
    let single = |income_text: &str, change: fn(&mut MemberFacts)| {
        let mut facts = household(income_text);
        change(&mut facts.members[2]);
        wire(&verdict(&facts))["member_outcomes"].clone()
    };
    let disabled = single("36000.00", |member| member.disability = Some(DISABLED));
    assert_eq!(disabled[0]["ground"], "SEVERE_DISABILITY");
    assert_eq!(disabled[0]["monthly_amount"], "829.00");
    let both = single("36000.00", |member| {
        member.severe_illness = true;
        member.disability = Some(Disability { category: 6, grade: 3 });
    });
    assert_eq!(both[0]["ground"], "SEVERE_DISABILITY");
    let ill = single("36000.00", |member| {
        member.severe_illness = true;
        member.disability = Some(Disability { category: 4, grade: 3 });
    });
    assert_eq!(ill[0]["ground"], "SEVERE_ILLNESS");
    for income in ["18000.00", "60000.00"] {
        assert_eq!(single(income, |member| member.severe_illness = true), serde_json::json!([]), "{income}");
    }

    let mut facts = household("26000.00");
    facts.members[1].severe_illness = true;
    facts.incomes.push(income(1, IncomeCategory::Transfer, "PENSION_EMPLOYEE", "9947.99"));
    assert_eq!(wire(&verdict(&facts))["member_outcomes"][0]["monthly_amount"], "0.00");
    facts.incomes[1].amount_12m = yuan("9948.00");
    assert!(has_reason(&verdict(&facts), "SINGLE_OWN_INCOME_GE_STANDARD"));
}

#[test]
fn a_low_income_household_second_in_order_still_has_single_persons() {
    let mut facts = household("36000.00");
    facts.members[2].severe_illness = true;
    facts.expenditures.push(spent(ExpenditureKind::Medical, "20000.00", "0", date(2024, 10, 1)));
    let verdict = verdict(&facts);
    assert_eq!(verdict.circle().unwrap().as_str(), "EXPENDITURE");
    assert_eq!(wire(&verdict)["member_outcomes"][0]["circle"], "DIBAO_SINGLE");
}

#[test]
fn p4_benefits_are_differences_of_exact_sums() {
    let hint = |facts: &Facts| wire(&verdict(facts))["benefit_hint"].clone();
    let mut facts = household("29843.99");
    assert_eq!(hint(&facts)["monthly_base"], "0.00");
    assert_eq!(hint(&facts)["monthly_total"], "82.90");
    assert_eq!(verdict(&facts).flags, ["BENEFIT_ROUNDS_TO_ZERO"]);
    facts.incomes[0].amount_12m = yuan("18000.00");
    facts.members[1].job_refusals = 3;
    facts.members[0].job_refusals = 2;
    assert_eq!(hint(&facts)["monthly_base"], "158.00", "987.00 less one person's 829.00");
    assert_eq!(verdict(&facts).flags, ["BENEFIT_STOPPED_JOB_REFUSALS"]);
    facts.members[0].job_refusals = 3;
    assert_eq!(hint(&facts)["monthly_base"], "0.00");
    assert_eq!(verdict(&facts).flags, ["BENEFIT_ROUNDS_TO_ZERO", "BENEFIT_STOPPED_JOB_REFUSALS"]);

    let mut facts = household("47750.40");
    facts.expenditures.push(spent(ExpenditureKind::Medical, "90000.00", "0", date(2024, 10, 1)));
    assert_eq!(
        hint(&facts),
        serde_json::json!({"mode": "DIFFERENCE", "monthly_base": "2487.00"}),
        "net income floors at zero"
    );
    assert!(has_reason(&verdict(&facts), "EXPENDITURE_NET_FLOORED_AT_ZERO"));
}

#[test]
fn the_highest_top_up_counts_and_the_order_breaks_a_tie() {
    let topups = |parameters: &Parameters| {
        let mut facts = household("18000.00");
        facts.members[1].born_on = date(1960, 1, 1);
        facts.members[1].severe_illness = true;
        facts.members[1].disability = Some(DISABLED);
        facts.members[2].severe_illness = true;
        wire(&evaluate(&facts, parameters).unwrap())["benefit_hint"]["topups"].clone()
    };
    let highest = topups(&urban());
    assert_eq!((&highest[0]["ground"], &highest[0]["monthly_amount"]), (&"SEVERE_DISABILITY".into(), &"248.70".into()));
    assert_eq!((&highest[1]["ground"], &highest[1]["percent"]), (&"SEVERE_ILLNESS".into(), &"20".into()));
    let equal = parameters_with("IM_WLHT_URBAN", |set| {
        set["topup_percent"] =
            serde_json::json!({"ELDERLY": "10", "MINOR": "10.0", "SEVERE_ILLNESS": "10", "SEVERE_DISABILITY": "10"});
    });
    assert_eq!(topups(&equal)[0]["ground"], "ELDERLY");
    assert_eq!((&topups(&equal)[1]["ground"], &topups(&equal)[1]["percent"]), (&"MINOR".into(), &"10.0".into()));
    let sum = parameters_with("IM_WLHT_URBAN", |set| set["topup_stacking"] = "SUM".into());
    assert_eq!(topups(&sum).as_array().unwrap().len(), 5);
}

#[test]
fn a_yearly_standard_is_never_divided_before_a_comparison() {
    let rural = parameters_with("GX_NANNING_RURAL", |_| {});
    let mut facts = household("20399.99");
    let verdict = evaluate(&facts, &rural).unwrap();
    assert_eq!(verdict.circle().unwrap().as_str(), "DIBAO");
    assert_eq!(wire(&verdict)["benefit_hint"]["topups"][0]["monthly_amount"], "56.67");
    facts.incomes[0].amount_12m = yuan("20400.00");
    assert_eq!(evaluate(&facts, &rural).unwrap().circle().unwrap().as_str(), "LOW_INCOME");
}

#[test]
fn tiers_leave_the_amount_to_an_officer() {
    let tiered = parameters_with("XJ_JINGHE_URBAN_TIERED", |_| {});
    let verdict = evaluate(&household("9000.00"), &tiered).unwrap();
    assert_eq!(wire(&verdict)["benefit_hint"], serde_json::json!({"mode": "TIERED"}));
    assert!(!has_flag(&verdict, "BENEFIT_ROUNDS_TO_ZERO"));
}

#[test]
fn review_is_half_yearly_only_with_unsteady_income_and_someone_able() {
    let mut facts = household("18000.00");
    assert_eq!(verdict(&facts).review_cycle_months, Some(12));
    facts.stability = Stability::Unstable;
    assert_eq!(verdict(&facts).review_cycle_months, Some(6));
    for member in &mut facts.members {
        member.labour_capacity = LabourCapacity::None;
    }
    assert_eq!(verdict(&facts).review_cycle_months, Some(12));
    facts.members[0].labour_capacity = LabourCapacity::Partial;
    facts.members[0].employed = false;
    assert_eq!(verdict(&facts).review_cycle_months, Some(6));
    assert!(!has_flag(&verdict(&facts), "EMPLOYMENT_REFERRAL"), "partial capacity is not referred");
    facts.members[0].labour_capacity = LabourCapacity::Full;
    assert!(has_flag(&verdict(&facts), "EMPLOYMENT_REFERRAL"));
    facts.members[0].education_stage = Some(EducationStage::Bachelor);
    assert!(!has_flag(&verdict(&facts), "EMPLOYMENT_REFERRAL"));
    facts.members[0].education_stage = None;
    facts.members[0].born_on = date(1965, 3, 15);
    assert_eq!(verdict(&facts).review_cycle_months, Some(12), "60 is past working age");
    let mut others = household("36000.00");
    others.members[0].employed = false;
    assert_eq!((verdict(&others).review_cycle_months, verdict(&others).flags.len()), (None, 0), "dibao only");
}

//! Rules that a pack may apply or leave: special assistance, grounds of single persons, change inside the review cycle,
//! application where one lives, costs of illness taken off in the dibao test, income left out of the test for 特困. Where the pack is silent nothing is said of them.

use super::*;

fn with(change: impl FnOnce(&mut serde_json::Value)) -> Parameters {
    parameters_with("IM_WLHT_URBAN", change)
}

fn referrals(income_text: &str, parameters: &Parameters) -> serde_json::Value {
    wire(&evaluate(&household(income_text), parameters).unwrap())["referrals"].clone()
}

#[test]
fn the_middle_circle_opens_what_the_pack_says_and_others_open_nothing() {
    let named = with(|set| set["referrals_by_circle"] = serde_json::json!({"LOW_INCOME": ["EMPLOYMENT", "MEDICAL"]}));
    assert_eq!(referrals("36000.00", &named), serde_json::json!(["MEDICAL", "EMPLOYMENT"]));
    assert_eq!(referrals("18000.00", &named), serde_json::json!([]), "dibao");
    assert_eq!(referrals("60000.00", &named), serde_json::json!([]), "no circle");
    assert_eq!(referrals("36000.00", &urban()), serde_json::Value::Null, "the pack is silent");
    let told = evaluate(&household("36000.00"), &named).unwrap();
    assert!(has_reason(&told, "REFERRAL_MEDICAL") && told.deciding_clauses.contains(&"SEED-S03"));
    assert!(told.flags.is_empty());
}

#[test]
fn what_a_second_circle_or_a_member_opens_is_told_too_and_an_open_circle_opens_nothing() {
    let named = with(|set| {
        set["referrals_by_circle"] =
            serde_json::json!({"DIBAO": ["EDUCATION"], "LOW_INCOME": ["HOUSING"], "TEKUN": ["MEDICAL"]});
    });
    let mut facts = household("36000.00");
    facts.members[2].disability = Some(DISABLED);
    let told = |facts: &Facts| wire(&evaluate(facts, &named).unwrap())["referrals"].clone();
    assert_eq!(told(&facts), serde_json::json!(["HOUSING", "EDUCATION"]), "a member is admitted to dibao alone");
    let old = alone(date(1950, 1, 1));
    assert_eq!(told(&old), serde_json::json!(["MEDICAL"]), "everybody is tekun");
    let mut open = household("18000.00");
    open.gaps = vec![silent("hrss")];
    assert_eq!(told(&open), serde_json::Value::Null, "dibao or more: not settled");
}

#[test]
fn an_adult_without_any_capacity_is_admitted_alone_only_where_the_pack_says_so() {
    let named = with(|set| set["single_grounds"] = serde_json::json!(["NO_CAPACITY"]));
    let mut facts = household("36000.00");
    facts.members[1].labour_capacity = LabourCapacity::None;
    facts.members[1].employed = false;
    let told = evaluate(&facts, &named).unwrap();
    assert_eq!(wire(&told)["member_outcomes"][0]["ground"], "NO_CAPACITY", "the child of ten is no case of it");
    assert_eq!(wire(&told)["member_outcomes"][0]["monthly_amount"], "829.00");
    assert_eq!(told.member_outcomes.as_ref().unwrap().len(), 1);
    assert!(has_reason(&told, "SINGLE_NO_CAPACITY") && told.deciding_clauses.contains(&"SEED-S36"));
    assert!(has_reason(&verdict(&facts), "SINGLE_GROUND_ABSENT"));

    facts.members[1].severe_illness = true;
    let ill = evaluate(&facts, &named).unwrap();
    assert_eq!(wire(&ill)["member_outcomes"][0]["ground"], "SEVERE_ILLNESS", "the rule's own ground comes first");
    let aged = |born_on| {
        let mut facts = household("36000.00");
        facts.members[1] = MemberFacts { labour_capacity: LabourCapacity::None, born_on, ..facts.members[1].clone() };
        wire(&evaluate(&facts, &named).unwrap())["member_outcomes"].as_array().unwrap().len()
    };
    assert_eq!(
        [aged(date(2009, 3, 16)), aged(date(2009, 3, 15)), aged(date(1965, 3, 16)), aged(date(1965, 3, 15))],
        [0, 1, 1, 0]
    );
}

/// A dibao household reviewed on 1 December 2024, when its income was so much and three persons counted.
fn reviewed(then: &str) -> Facts {
    let mut facts = household("18000.00");
    facts.prior = Prior {
        circle: Some(kind("DIBAO")),
        monthly_total: Some(yuan("900.00")),
        reviewed_on: Some(date(2024, 12, 1)),
        countable_income_12m: Some(yuan(then)),
        household_size: Some(3),
        ..Prior::default()
    };
    facts
}

#[test]
fn inside_the_review_cycle_only_a_material_change_changes_the_amount() {
    let ten_percent = with(|set| set["significant_change_percent"] = "10".into());
    let told = |facts: &Facts| evaluate(facts, &ten_percent).unwrap();
    // 18 000.00 now; ten percent of 20 000.00 is 2 000.00, and exactly that much is not beyond it.
    let kept = told(&reviewed("20000.00"));
    assert_eq!(kept.flags, ["AMOUNT_KEPT_IN_REVIEW_CYCLE"]);
    assert_eq!(
        wire(&kept)["adjustment"],
        serde_json::json!({"reviewed_on": "2024-12-01", "cycle_ends_on": "2025-12-01", "income_change_12m": "-2000.00",
            "allowed_change_12m": "2000.00", "is_same_size": true, "is_material": false, "kept_monthly_total": "900.00"})
    );
    assert_eq!(wire(&kept)["benefit_hint"]["mode"], "DIFFERENCE", "what the rules come to today is told as ever");
    assert!(kept.deciding_clauses.contains(&"SEED-S27"));
    let less = told(&reviewed("20000.01"));
    assert_eq!(less.flags, ["MATERIAL_CHANGE_IN_REVIEW_CYCLE"], "2 000.01 of 2 000.001 allowed");
    assert_eq!(wire(&less)["adjustment"]["kept_monthly_total"], serde_json::Value::Null);
    assert_eq!(told(&reviewed("0.00")).flags, ["MATERIAL_CHANGE_IN_REVIEW_CYCLE"], "of nothing, any change is much");

    let mut born = reviewed("18000.00");
    born.prior.household_size = Some(2);
    assert_eq!(told(&born).flags, ["MATERIAL_CHANGE_IN_REVIEW_CYCLE"], "a member more is a change by itself");
}

#[test]
fn no_change_is_judged_outside_the_cycle_or_where_the_register_or_the_pack_is_silent() {
    let ten_percent = with(|set| set["significant_change_percent"] = "10".into());
    let judged = |change: fn(&mut Facts)| {
        let mut facts = reviewed("20000.00");
        change(&mut facts);
        evaluate(&facts, &ten_percent).unwrap().adjustment.is_some()
    };
    assert!(judged(|_| {}));
    assert!(judged(|facts| facts.prior.reviewed_on = Some(date(2024, 3, 16))), "the last day of twelve months");
    assert!(!judged(|facts| facts.prior.reviewed_on = Some(date(2024, 3, 15))), "the review is due");
    assert!(!judged(|facts| facts.prior.reviewed_on = Some(date(2025, 3, 16))), "a review to come");
    assert!(judged(|facts| facts.stability = Stability::Unstable), "inside six months as well");
    assert!(
        !judged(|facts| (facts.stability, facts.prior.reviewed_on) = (Stability::Unstable, Some(date(2024, 9, 15)))),
        "six months are over on the day"
    );
    assert!(!judged(|facts| facts.prior.reviewed_on = None));
    assert!(!judged(|facts| facts.prior.countable_income_12m = None));
    assert!(!judged(|facts| facts.prior.household_size = None));
    assert!(!judged(|facts| facts.prior.circle = Some(kind("LOW_INCOME"))), "it had no dibao to keep");
    assert!(!judged(|facts| facts.incomes[0].amount_12m = yuan("36000.00")), "it is dibao no more");
    assert!(verdict(&reviewed("20000.00")).adjustment.is_none(), "the pack is silent");
}

#[test]
fn a_household_registered_elsewhere_is_told_where_it_may_apply() {
    let permitted = with(|set| set["residence_permit_application"] = true.into());
    let mut facts = household("18000.00");
    assert!(!verdict(&facts).deciding_clauses.contains(&"SEED-S09"));
    facts.hukou_region = DivisionCode::parse("152223").unwrap();
    let refused = verdict(&facts);
    assert!(has_reason(&refused, "APPLIED_OUTSIDE_HUKOU_REGION") && refused.deciding_clauses.contains(&"SEED-S09"));
    let taken = evaluate(&facts, &permitted).unwrap();
    assert!(has_reason(&taken, "APPLIED_AT_RESIDENCE_WITH_PERMIT"));
    assert_eq!((taken.circle(), &taken.flags), (refused.circle(), &refused.flags), "it changes no circle");
    facts.hukou_region = DivisionCode::parse("152200").unwrap();
    assert!(
        !verdict(&facts).deciding_clauses.contains(&"SEED-S09"),
        "the league holds the place: not known to be outside"
    );
    facts.hukou_region = DivisionCode::parse("152223").unwrap();
    facts.emergency_only = true;
    assert!(!verdict(&facts).deciding_clauses.contains(&"SEED-S09"), "an emergency is helped where it happens");
}

#[test]
fn an_event_on_the_countys_route_is_decided_case_by_case() {
    let mut facts = household("18000.00");
    facts.events = vec![event("CASE_BY_CASE", "152201", None)];
    let told = verdict(&facts);
    assert_eq!(told.flags, ["TEMPORARY_RELIEF_NORMAL_PROCEDURE"], "no first aid within hours is asked for");
    assert!(has_reason(&told, "CASE_BY_CASE_DECISION") && told.deciding_clauses.contains(&"SEED-S18"));
    assert_eq!(told.emergency_overlay, Some(false));
    facts.events = vec![event("NORMAL", "152201", None)];
    assert!(!has_reason(&verdict(&facts), "CASE_BY_CASE_DECISION"));
}

/// A household of 36 000.00, which is 6 156.00 above the dibao line, that spent so much in October 2024.
fn ill(kind: ExpenditureKind, spent_text: &str) -> Facts {
    let mut facts = household("36000.00");
    facts.expenditures = vec![spent(kind, spent_text, "0", date(2024, 10, 1))];
    facts
}

fn deducting() -> Parameters {
    with(|set| set["deduct_rigid_in_dibao_test"] = true.into())
}

#[test]
fn costs_of_illness_and_disability_come_off_income_in_the_dibao_test_only_where_the_pack_says_so() {
    let told = |facts: &Facts| evaluate(facts, &deducting()).unwrap().circle().unwrap().as_str();
    for kind in [ExpenditureKind::Medical, ExpenditureKind::DisabilityRehab] {
        // Below is strict: 6 156.00 leaves exactly the line.
        assert_eq!((told(&ill(kind, "6156.00")), told(&ill(kind, "6156.01"))), ("LOW_INCOME", "DIBAO"));
        assert_eq!(circle(&ill(kind, "6156.01")), "EXPENDITURE", "the pack is silent");
    }
    assert_eq!(told(&ill(ExpenditureKind::Accident, "6156.01")), "EXPENDITURE", "neither illness nor disability");
    assert_eq!(told(&ill(ExpenditureKind::Education, "6156.01")), "EXPENDITURE");
    let off = with(|set| set["deduct_rigid_in_dibao_test"] = false.into());
    assert_eq!(
        evaluate(&ill(ExpenditureKind::Medical, "6156.01"), &off).unwrap().circle().unwrap().as_str(),
        "EXPENDITURE"
    );
}

#[test]
fn the_difference_is_paid_to_what_is_left_after_the_deduction_and_never_more_than_the_line() {
    let told = |facts: &Facts| wire(&evaluate(facts, &deducting()).unwrap());
    let base = |facts: &Facts| told(facts)["benefit_hint"]["monthly_base"].clone();
    // (29 844.00 - (36 000.00 - 12 000.00)) / 12
    assert_eq!(base(&ill(ExpenditureKind::Medical, "12000.00")), "487.00");
    assert_eq!(base(&ill(ExpenditureKind::Medical, "90000.00")), "2487.00", "what is left is not below zero");
    let mut poor = ill(ExpenditureKind::Medical, "1200.00");
    poor.incomes[0].amount_12m = yuan("18000.00");
    assert_eq!(
        (base(&poor), wire(&verdict(&poor))["benefit_hint"]["monthly_base"].clone()),
        ("1087.00".into(), "987.00".into())
    );
    let verdict = told(&ill(ExpenditureKind::Medical, "12000.00"));
    assert_eq!(verdict["computed"]["countable_income_12m"], "36000.00", "income itself is what it is");
    assert_eq!(
        verdict["margins"][1],
        serde_json::json!({"test": "income_after_deduction_below_standard", "holds": true, "value": "24000.00",
            "limit": "29844.00", "margin": "5844.00", "per_head_month": "162.33"})
    );
    for code in ["RIGID_DEDUCTED_IN_DIBAO_TEST", "INCOME_AFTER_DEDUCTION_LT_STANDARD"] {
        assert!(verdict["reason_codes"].as_array().unwrap().contains(&code.into()), "{code}");
    }
    assert_eq!(verdict["also_meets"], serde_json::json!([]));
    // Income below zero, by money paid out, is not lifted to zero by being ill.
    let mut paid = ill(ExpenditureKind::Medical, "500.00");
    paid.incomes = vec![income(0, IncomeCategory::Transfer, "TRANSFER_OUT", "1200.00")];
    assert_eq!(base(&paid), "2587.00");
}

#[test]
fn silent_spending_opens_dibao_from_above_where_illness_comes_off_income() {
    let mut facts = household("36000.00");
    facts.gaps = vec![silent("medical_insurance")];
    let told = wire(&evaluate(&facts, &deducting()).unwrap());
    assert_eq!(told["possible_circles"], serde_json::json!(["DIBAO", "EXPENDITURE", "LOW_INCOME"]));
    assert_eq!(told["blocking_departments"], serde_json::json!(["medical_insurance"]));
    let more = |quantity: &str| {
        serde_json::json!({"quantity": quantity, "change": "6156.01", "per_head_month": "171.00", "at": "6156.01",
            "departments": ["medical_insurance"]})
    };
    assert_eq!(
        told["possibilities"],
        serde_json::json!([
            {"circle": "DIBAO", "conditions": [more("illness_costs")]},
            {"circle": "EXPENDITURE", "conditions": [more("expenditure")]},
            {"circle": "LOW_INCOME", "conditions": []},
        ])
    );
    let tips: Vec<_> = told["tipping_points"].as_array().unwrap().iter().map(|tip| &tip["quantity"]).collect();
    assert_eq!(tips, ["income", "income", "expenditure", "illness_costs", "financial_assets"]);
    facts.incomes[0].amount_12m = yuan("18000.00");
    let settled = evaluate(&facts, &deducting()).unwrap();
    assert_eq!(settled.circle().unwrap().as_str(), "DIBAO", "below the line, spending changes no circle");
}

#[test]
fn single_persons_the_low_income_line_and_the_graduation_period_know_no_deduction() {
    let mut facts = ill(ExpenditureKind::Medical, "6156.00");
    facts.members[0].severe_illness = true;
    let single = |facts: &Facts| wire(&evaluate(facts, &deducting()).unwrap())["member_outcomes"].clone();
    assert_eq!(single(&facts), serde_json::json!([]), "own income of 36 000.00 is not below the line of one");
    facts.incomes[0].amount_12m = yuan("44766.00");
    facts.expenditures[0].gross = yuan("100.00");
    let told = evaluate(&facts, &deducting()).unwrap();
    assert_eq!(told.circle().unwrap().as_str(), "NONE", "exactly the low-income line, whatever was spent");
    facts.prior.circle = Some(kind("DIBAO"));
    facts.prior.exceeded_by_employment = true;
    facts.prior.months_since_exceeded = Some(2);
    facts.prior.monthly_total = Some(yuan("600.00"));
    let kept = wire(&evaluate(&facts, &deducting()).unwrap());
    assert_eq!(kept["benefit_hint"], serde_json::json!({"mode": "KEEP_PRIOR", "monthly_total": "600.00"}));
    facts.expenditures[0].gross = yuan("20000.00");
    let by_rule = wire(&evaluate(&facts, &deducting()).unwrap());
    assert_eq!(by_rule["benefit_hint"]["mode"], "DIFFERENCE", "it is dibao again by the rule");
}

fn circle_of(verdict: &Verdict) -> &'static str {
    verdict.circle().map_or("PENDING", super::super::circle::Circle::as_str)
}

fn circle_by(facts: &Facts, parameters: &Parameters) -> &'static str {
    circle_of(&evaluate(facts, parameters).unwrap())
}

fn tekun_list(kinds: &[&str], basic: bool) -> Parameters {
    with(|set| {
        set["tekun"]["exempt_income_kinds"] = serde_json::json!(kinds);
        set["tekun"]["basic_pension_exempt"] = basic.into();
    })
}

#[test]
fn the_test_for_tekun_leaves_out_more_kinds_only_where_the_pack_says_so() {
    let wide = tekun_list(&["LONG_TERM_CARE_BENEFIT", "AGE_ALLOWANCE"], false);
    let mut facts = alone(date(1950, 1, 1));
    facts.incomes.push(income(0, IncomeCategory::Transfer, "LONG_TERM_CARE_BENEFIT", "30000.00"));
    assert_eq!((circle_by(&facts, &urban()), circle_by(&facts, &wide)), ("NONE", "TEKUN"));
    assert_eq!(circle_by(&facts, &tekun_list(&[], false)), "NONE", "an empty list is none");
    let told = evaluate(&facts, &wide).unwrap();
    assert!(has_reason(&told, "TEKUN_INCOME_EXEMPT") && told.flags.is_empty());
    let trace = crate::verdict::trace::trace(&facts, &wide, &told).unwrap();
    let root = serde_json::to_string(&trace).unwrap();
    assert!(root.contains("\"left_out_12m\"") && root.contains("30000.00"), "{root}");

    facts.incomes[0].amount_12m = yuan("2000.00");
    facts.incomes.push(income(0, IncomeCategory::Other, "OTHER", "9948.00"));
    assert!(has_reason(&evaluate(&facts, &wide).unwrap(), "TEKUN_OWN_INCOME_GE_STANDARD"));
    let sums = wire(&evaluate(&facts, &wide).unwrap())["computed"]["countable_income_12m"].clone();
    assert_eq!(sums, "11948.00", "for the household it counts");
    facts.incomes[1].amount_12m = yuan("9947.99");
    assert_eq!(circle_by(&facts, &wide), "TEKUN");

    // What never counts is left out once, whichever list names it.
    facts.incomes[0] = income(0, IncomeCategory::Transfer, "AGE_ALLOWANCE", "2000.00");
    let told = evaluate(&facts, &wide).unwrap();
    assert!(circle_of(&told) == "TEKUN" && !has_reason(&told, "TEKUN_INCOME_EXEMPT"));
    facts.incomes[1].amount_12m = yuan("9948.00");
    assert_eq!(circle_by(&facts, &wide), "LOW_INCOME");
}

#[test]
fn the_basic_pension_is_left_out_of_the_test_for_tekun_on_any_day_where_the_pack_says_so() {
    let wide = tekun_list(&[], true);
    let mut facts = alone(date(1950, 1, 1));
    facts.incomes.push(income(0, IncomeCategory::Transfer, "PENSION_RESIDENT", "11663.99"));
    facts.incomes[0].basic_portion_12m = Some(yuan("1716.00"));
    for (day, narrow) in [(date(2025, 3, 15), "TEKUN"), (date(2026, 3, 15), "LOW_INCOME")] {
        facts.assessed_on = day;
        assert_eq!(circle_by(&facts, &urban()), narrow, "{day}");
        let told = evaluate(&facts, &wide).unwrap();
        assert_eq!(circle_of(&told), "TEKUN", "{day}");
        assert_eq!(
            has_reason(&told, "TEKUN_INCOME_EXEMPT"),
            narrow != "TEKUN",
            "before the day it never counts anyway"
        );
    }
    facts.incomes[0].amount_12m = yuan("11664.00");
    assert_eq!(circle_by(&facts, &wide), "LOW_INCOME", "exactly the line");
    facts.incomes[0].basic_portion_12m = None;
    facts.incomes[0].amount_12m = yuan("9948.00");
    assert_eq!(circle_by(&facts, &wide), "LOW_INCOME", "no basic part is told: missing is not zero");
}

#[test]
fn what_the_test_for_tekun_leaves_out_settles_nothing_while_income_is_unknown() {
    let wide = tekun_list(&["LONG_TERM_CARE_BENEFIT"], true);
    let mut facts = alone(date(1950, 1, 1));
    facts.incomes.push(income(0, IncomeCategory::Transfer, "LONG_TERM_CARE_BENEFIT", "30000.00"));
    facts.gaps = vec![silent("hrss")];
    let told = evaluate(&facts, &wide).unwrap();
    assert_eq!(circle_of(&told), "TEKUN");
    assert_eq!(wire(&told)["gaps"][0]["could_change"], true, "an employee pension would reach the line");
}

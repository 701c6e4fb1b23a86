//! `semantics.md`, line by line: gates, members, income, property, expenditure, circle, emergency.

use super::*;
use crate::verdict::Status;

/// Records of one payment: who says what.
type Records<'a> = &'a [(Source, &'a str)];

#[test]
fn another_assisted_household_comes_before_a_missing_authorisation() {
    let mut facts = household("10000.00");
    facts.members[1].authorised = false;
    assert_eq!(verdict(&facts).status, Status::Blocked);
    facts.prior.member_in_other_household = Some(MemberRef::parse("m2").unwrap());
    let verdict = verdict(&facts);
    assert_eq!(verdict.status, Status::ManualReview);
    assert_eq!(verdict.flags, ["MEMBER_IN_TWO_HOUSEHOLDS"]);
}

#[test]
fn a_gate_says_nothing_but_itself() {
    let mut facts = household("10000.00");
    facts.members[1].authorised = false;
    let wire = wire(&verdict(&facts));
    for absent in ["household_circle", "also_meets", "member_outcomes", "emergency_overlay", "computed", "benefit_hint"]
    {
        assert!(wire.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn only_counted_members_must_authorise_and_an_emergency_does_not_wait() {
    let mut facts = household("10000.00");
    facts.members[1].authorised = false;
    facts.members[1].exclusion = Some(kind("IN_PRISON"));
    assert!(has_flag(&verdict(&facts), "MEMBER_EXCLUDED_IN_PRISON"));
    facts.members[1].exclusion = None;
    facts.emergency_only = true;
    assert_eq!(verdict(&facts).status, Status::Determined);
}

#[test]
fn an_emergency_is_named_even_behind_a_gate() {
    let mut facts = household("10000.00");
    facts.members[1].authorised = false;
    facts.events.push(event("EMERGENCY", "152201", None));
    assert_eq!(verdict(&facts).emergency_overlay, Some(true));
}

#[test]
fn members_drop_out_by_death_exclusion_and_postgraduate_study() {
    let mut facts = household("10000.00");
    facts.members[1].death_date = Some(facts.assessed_on);
    facts.members[1].exclusion = Some(kind("IN_PRISON"));
    let deceased = verdict(&facts);
    assert_eq!(deceased.flags, ["DECEASED_MEMBER_REMOVED"], "death is tested first");
    assert_eq!(deceased.computed.unwrap().household_size, 2);

    facts.members[1].death_date = Some(date(2025, 3, 16));
    assert_eq!(verdict(&facts).flags, ["MEMBER_EXCLUDED_IN_PRISON"], "a death to come removes nobody");

    let mut facts = household("10000.00");
    facts.members[2].born_on = date(2001, 1, 1);
    for (stage, size) in [(EducationStage::Bachelor, 3), (EducationStage::Master, 2), (EducationStage::Doctor, 2)] {
        facts.members[2].education_stage = Some(stage);
        assert_eq!(verdict(&facts).computed.unwrap().household_size, size);
    }
    facts.members[2].relation = RelationCode::parse("70").unwrap();
    assert_eq!(verdict(&facts).computed.unwrap().household_size, 3, "only children");
    facts.members[2].relation = RelationCode::parse("31").unwrap();
    facts.members[2].born_on = date(2008, 1, 1);
    assert_eq!(verdict(&facts).computed.unwrap().household_size, 3, "only grown ones");
}

#[test]
fn income_and_payments_of_removed_members_do_not_count() {
    let mut facts = household("10000.00");
    facts.members[1].death_date = Some(date(2025, 1, 1));
    let mut pension = income(1, IncomeCategory::Transfer, "PENSION_EMPLOYEE", "5000.00");
    pension.paid_after_death = true;
    facts.incomes.push(pension);
    assert_eq!(counted(&facts), "10000.00");
    assert!(has_flag(&verdict(&facts), "PAYMENT_AFTER_DEATH"));
}

#[test]
fn of_one_payment_the_most_authoritative_record_stands() {
    let record = |source: Source, amount: &str| IncomeItem {
        source,
        dedupe_key: Some("k".to_owned()),
        ..income(0, IncomeCategory::Transfer, "PENSION_EMPLOYEE", amount)
    };
    let cases: [(Records<'_>, &str, &str); 5] = [
        (&[(Source::Declared, "9.00"), (department("hrss"), "9.00")], "9.00", "INCOME_DUPLICATE_MERGED"),
        (
            &[(department("education"), "9.00"), (department("hrss"), "8.00")],
            "8.00",
            "INCOME_CONFLICT_AUTHORITY_APPLIED",
        ),
        (
            &[(department("education"), "9.00"), (department("medical_insurance"), "8.00")],
            "8.00",
            "INCOME_CONFLICT_AUTHORITY_APPLIED",
        ),
        (
            &[(department("bank"), "9.00"), (department("education"), "8.00"), (Source::Declared, "7.00")],
            "8.00",
            "INCOME_CONFLICT_AUTHORITY_APPLIED",
        ),
        (&[(department("bank"), "9.00"), (department("tax"), "8.00")], "9.00", "INCOME_CONFLICT_AUTHORITY_APPLIED"),
    ];
    for (records, stands, flag) in cases {
        let mut facts = household("0");
        facts.incomes = records.iter().map(|(source, amount)| record(source.clone(), amount)).collect();
        assert_eq!(counted(&facts), stands);
        assert_eq!(verdict(&facts).flags, [flag]);
    }
}

#[test]
fn a_key_joins_records_of_one_person_only() {
    let mut facts = household("0");
    for member in [0, 1] {
        let mut item = income(member, IncomeCategory::Transfer, "PENSION_EMPLOYEE", "100.00");
        item.dedupe_key = Some("k".to_owned());
        facts.incomes.push(item);
    }
    assert_eq!(counted(&facts), "200.00");
}

#[test]
fn exemptions_deductions_and_payments_out() {
    let mut facts = household("1000.00");
    facts.incomes.push(income(1, IncomeCategory::Wage, "SCHOLARSHIP", "500.00"));
    assert_eq!(counted(&facts), "1000.00");
    assert_eq!(verdict(&facts).flags, ["INCOME_EXEMPT_SCHOLARSHIP"]);

    for (category, name) in [(IncomeCategory::TransferOut, "SUPPORT_PAID"), (IncomeCategory::Transfer, "TRANSFER_OUT")]
    {
        let mut facts = household("1000.00");
        facts.incomes.push(income(1, category, name, "1500.00"));
        assert_eq!(counted(&facts), "-500.00");
    }

    let mut facts = household("0");
    facts.incomes.push(income(1, IncomeCategory::Wage, "BONUS", "0.15"));
    assert_eq!(counted(&facts), "0.14", "0.135 prints half up");
    assert!(has_flag(&verdict(&facts), "EMPLOYMENT_COST_DEDUCTED"));
}

#[test]
fn the_basic_pension_is_exempt_to_its_last_day() {
    let mut facts = household("0");
    let mut pension = income(0, IncomeCategory::Transfer, "PENSION_RESIDENT", "2880.00");
    pension.basic_portion_12m = Some(yuan("1516.00"));
    facts.incomes.push(pension);
    facts.assessed_on = date(2025, 12, 31);
    assert_eq!(counted(&facts), "1364.00");
    assert_eq!(verdict(&facts).flags, ["BASIC_PENSION_PORTION_EXEMPT"]);
    facts.assessed_on = date(2026, 1, 1);
    assert_eq!(counted(&facts), "2880.00");
    assert_eq!(verdict(&facts).flags, ["BASIC_PENSION_EXEMPTION_EXPIRED"]);
}

#[test]
fn support_comes_by_judgment_inability_or_formula() {
    let mut facts = household("0");
    facts.obligors.push(obligor(&["m1", "m2"], "72000.00"));
    // (72000.00 − 29844.00) × 50 % ÷ 2 × 2
    assert_eq!(counted(&facts), "21078.00");
    facts.obligors[0].supports.pop();
    assert_eq!(counted(&facts), "10539.00");
    facts.obligors[0].household_income_12m = yuan("29844.00");
    assert_eq!((counted(&facts), verdict(&facts).flags.len()), ("0.00".to_owned(), 0), "no excess, no flag");

    facts.obligors[0].capability = Capability::Unable;
    assert_eq!(verdict(&facts).flags, ["OBLIGOR_UNABLE"]);
    facts.obligors[0].judgment_12m = Some(yuan("1200.00"));
    assert_eq!((counted(&facts), verdict(&facts).flags), ("1200.00".to_owned(), vec!["SUPPORT_BY_JUDGMENT".into()]));

    facts.members[0].death_date = Some(date(2025, 1, 1));
    assert_eq!(counted(&facts), "0.00", "support of nobody who counts");
}

#[test]
fn property_limits_are_met_to_the_fen() {
    let mut facts = household("1000.00");
    facts.assets = ["DEPOSIT", "SECURITIES", "FUND", "INSURANCE_CASH_VALUE", "INTERNET_FINANCE", "RECEIVABLE"]
        .map(|name| asset(name, "9948.00"))
        .into();
    assert_eq!(circle(&facts), "DIBAO");
    facts.assets.push(asset("DEPOSIT", "0.01"));
    assert_eq!(verdict(&facts).flags, ["PROPERTY_FINANCIAL_OVER_LIMIT"]);

    facts.assets = vec![asset("DWELLING", "0.00")];
    facts.assets[0].count = 2;
    assert_eq!(verdict(&facts).flags, ["PROPERTY_DWELLINGS_OVER_LIMIT"]);
    facts.assets[0].exempt_kind = Some(kind("ANYTHING"));
    assert_eq!(circle(&facts), "DIBAO");
    facts.assets = vec![asset("DWELLING", "0.00"), asset("DWELLING", "0.00")];
    facts.assets[1].count = 0;
    assert_eq!(circle(&facts), "DIBAO", "a dwelling of which there is none");

    facts.assets = vec![asset("NON_RESIDENTIAL", "0.00")];
    assert_eq!(verdict(&facts).flags, ["PROPERTY_NON_RESIDENTIAL"]);
    facts.assets[0].count = 0;
    assert_eq!(verdict(&facts).flags, ["PROPERTY_NON_RESIDENTIAL"], "the count is read of dwellings alone");

    facts.assets = vec![asset("VEHICLE", "0.00")];
    facts.assets[0].count = 0;
    assert_eq!(verdict(&facts).flags, ["PROPERTY_VEHICLE"], "the count is read of dwellings alone");
    facts.assets[0].count = 1;
    facts.assets[0].exempt_kind = Some(kind("ANYTHING"));
    assert_eq!(verdict(&facts).flags, ["PROPERTY_VEHICLE"]);
    facts.assets[0].exempt_kind = Some(kind("DISABILITY_AID"));
    assert_eq!(circle(&facts), "DIBAO");

    facts.assets = vec![asset("BUSINESS_ENTITY", "199999.99")];
    assert_eq!(circle(&facts), "DIBAO");
    facts.assets.push(asset("BUSINESS_ENTITY", "0.01"));
    assert_eq!(verdict(&facts).flags, ["PROPERTY_BUSINESS_CAPITAL"]);
}

#[test]
fn an_empty_business_is_no_capital_even_at_a_limit_of_zero() {
    let none_allowed = parameters_with("IM_WLHT_URBAN", |set| set["business_capital_limit"] = "0.00".into());
    let mut facts = household("1000.00");
    facts.assets = vec![asset("BUSINESS_ENTITY", "0.00")];
    assert!(evaluate(&facts, &none_allowed).unwrap().flags.is_empty());
    facts.assets = vec![asset("BUSINESS_ENTITY", "0.01")];
    assert_eq!(evaluate(&facts, &none_allowed).unwrap().flags, ["PROPERTY_BUSINESS_CAPITAL"]);
}

#[test]
fn the_window_is_twelve_whole_months() {
    for (paid_on, counts) in
        [(date(2024, 2, 29), false), (date(2024, 3, 1), true), (date(2025, 2, 28), true), (date(2025, 3, 1), false)]
    {
        let mut facts = household("1000.00");
        facts.expenditures.push(spent(ExpenditureKind::Medical, "10.00", "4.00", paid_on));
        let verdict = verdict(&facts);
        let rigid = if counts { "6.00" } else { "0.00" };
        assert_eq!(wire(&verdict)["computed"]["rigid_expenditure_12m"], rigid, "{paid_on}");
        assert_eq!(has_flag(&verdict, "EXPENDITURE_OUTSIDE_WINDOW"), !counts);
    }
}

#[test]
fn expenditure_is_net_capped_and_never_negative() {
    let mut facts = household("1000.00");
    facts.expenditures.push(spent(ExpenditureKind::Medical, "10.00", "40.00", date(2024, 10, 1)));
    let mut tuition = spent(ExpenditureKind::Education, "9000.00", "1000.00", date(2024, 9, 1));
    tuition.public_benchmark = Some(yuan("5000.00"));
    facts.expenditures.push(tuition);
    assert_eq!(wire(&verdict(&facts))["computed"]["rigid_expenditure_12m"], "5000.00");
    assert_eq!(verdict(&facts).flags, ["EDUCATION_CAPPED_AT_PUBLIC_BENCHMARK"]);
    facts.expenditures[1].public_benchmark = Some(yuan("8000.00"));
    assert!(verdict(&facts).flags.is_empty(), "the benchmark itself cuts nothing");
}

#[test]
fn the_bounds_of_the_band_are_parameters() {
    let at = |income: &str, lower: &str, upper: &str| {
        let parameters = parameters_with("IM_WLHT_URBAN", |set| {
            set["low_income_lower_bound"] = lower.into();
            set["low_income_upper_bound"] = upper.into();
        });
        evaluate(&household(income), &parameters).unwrap().circle().unwrap().as_str()
    };
    assert_eq!(at("29843.99", "GTE", "LT"), "DIBAO");
    assert_eq!(at("29844.00", "GTE", "LT"), "LOW_INCOME");
    assert_eq!(at("29844.00", "GT", "LT"), "NONE");
    assert_eq!(at("44765.99", "GTE", "LT"), "LOW_INCOME");
    assert_eq!(at("44766.00", "GTE", "LT"), "NONE");
    assert_eq!(at("44766.00", "GTE", "LTE"), "LOW_INCOME");
}

#[test]
fn precedence_orders_the_circles_met() {
    let mut facts = household("36000.00");
    facts.expenditures.push(spent(ExpenditureKind::Medical, "20000.00", "0", date(2024, 10, 1)));
    let by_seed = verdict(&facts);
    assert_eq!(wire(&by_seed)["also_meets"], serde_json::json!(["LOW_INCOME"]));
    let other = parameters_with("IM_WLHT_URBAN", |set| {
        set["circle_precedence"] = serde_json::json!(["DIBAO", "LOW_INCOME", "EXPENDITURE"]);
    });
    let verdict = evaluate(&facts, &other).unwrap();
    assert_eq!(verdict.circle().unwrap().as_str(), "LOW_INCOME");
    assert_eq!(wire(&verdict)["also_meets"], serde_json::json!(["EXPENDITURE"]));
    assert!(verdict.benefit_hint.is_none());
}

#[test]
fn the_ratio_rule_is_strict_has_a_ceiling_and_excludes_the_band() {
    let ratio = parameters_with("IM_WLHT_URBAN_2024RULE", |_| {});
    let circle = |income: &str, education: &str, medical: &str| {
        let mut facts = household(income);
        facts.expenditures.push(spent(ExpenditureKind::Education, education, "0", date(2024, 10, 1)));
        facts.expenditures.push(spent(ExpenditureKind::Accident, medical, "0", date(2024, 10, 1)));
        evaluate(&facts, &ratio).unwrap().circle().unwrap().as_str()
    };
    assert_eq!(circle("50000.00", "5000.00", "30000.00"), "NONE", "70 % and 60 % exactly");
    assert_eq!(circle("50000.00", "5000.01", "30000.00"), "EXPENDITURE");
    assert_eq!(circle("50000.00", "0", "30000.01"), "EXPENDITURE");
    assert_eq!(circle("138884.99", "138884.99", "0"), "EXPENDITURE");
    assert_eq!(circle("138885.00", "138885.00", "0"), "NONE", "46295.00 a head is not below");
    assert_eq!(circle("36000.00", "36000.00", "0"), "LOW_INCOME");
    assert_eq!(circle("20000.00", "36000.00", "0"), "DIBAO");
}

#[test]
fn the_graduation_period_keeps_circle_and_amount() {
    let mut facts = household("36000.00");
    facts.prior = Prior {
        circle: Some(kind("DIBAO")),
        exceeded_by_employment: true,
        months_since_exceeded: Some(11),
        monthly_total: Some(yuan("640.00")),
        ..Prior::default()
    };
    facts.members[2].disability = Some(DISABLED);
    let kept = verdict(&facts);
    assert_eq!(kept.circle().unwrap().as_str(), "DIBAO");
    assert_eq!(wire(&kept)["benefit_hint"], serde_json::json!({"mode": "KEEP_PRIOR", "monthly_total": "640.00"}));
    assert!(kept.member_outcomes.as_ref().unwrap().is_empty(), "a member of a dibao household is no single person");
    assert_eq!(kept.review_cycle_months, Some(12));

    let mut over = facts.clone();
    over.prior.months_since_exceeded = Some(12);
    assert_eq!(circle(&over), "LOW_INCOME");
    let mut other = facts.clone();
    other.prior.exceeded_by_employment = false;
    assert_eq!(circle(&other), "LOW_INCOME");
    let mut rich = facts.clone();
    rich.assets.push(asset("VEHICLE", "1.00"));
    assert_eq!(circle(&rich), "NONE");
    facts.incomes[0].amount_12m = yuan("18000.00");
    assert!(!has_flag(&verdict(&facts), "GRADUATION_PERIOD"), "below the line there is nothing to graduate from");
}

#[test]
fn first_aid_is_timed_to_the_last_moment() {
    for (first_aid_at, flags) in [
        (Some("2025-03-15T22:00:00+08:00"), vec!["EMERGENCY_SLA_MET"]),
        (Some("2025-03-15T22:00:01+08:00"), vec!["EMERGENCY_SLA_BREACHED"]),
        (None, vec![]),
    ] {
        let mut facts = household("120000.00");
        facts.events.push(event("EMERGENCY", "152201", first_aid_at));
        let verdict = verdict(&facts);
        assert_eq!(
            (verdict.emergency_overlay, &verdict.flags),
            (Some(true), &flags.iter().map(|f| (*f).into()).collect())
        );
    }
    let mut facts = household("120000.00");
    facts.events.push(event("EXPENDITURE", "150100", None));
    let verdict = verdict(&facts);
    assert_eq!(verdict.emergency_overlay, Some(false));
    assert_eq!(verdict.flags, ["TEMPORARY_RELIEF_NORMAL_PROCEDURE"]);
}

#[test]
fn an_event_elsewhere_is_handled_there() {
    let mut facts = household("120000.00");
    facts.events.push(event("EMERGENCY", "150100", None));
    assert_eq!(verdict(&facts).flags, ["HANDLED_AT_PLACE_OF_EVENT"]);
}

#[test]
fn a_household_of_nobody_is_in_no_circle() {
    let mut facts = household("0");
    for member in &mut facts.members {
        member.death_date = Some(date(2025, 1, 1));
    }
    let lenient = parameters_with("IM_WLHT_URBAN", |set| set["low_income_upper_bound"] = "LTE".into());
    let verdict = evaluate(&facts, &lenient).unwrap();
    assert_eq!(verdict.circle().unwrap().as_str(), "NONE");
    assert_eq!(verdict.computed.unwrap().household_size, 0);
}

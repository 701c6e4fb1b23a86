//! Missing departments, gap by gap (`semantics.md`, Missing departments), and tipping points.

use super::*;
use crate::verdict::Status;

/// Possible circles and blocking departments of a pending verdict; the circle of a determined one.
fn weigh(facts: &Facts, parameters: &Parameters) -> (Vec<&'static str>, Vec<String>) {
    let verdict = evaluate(facts, parameters).unwrap();
    match verdict.circle() {
        Some(circle) => (vec![circle.as_str()], Vec::new()),
        None => (
            verdict.possible_circles.unwrap().iter().map(|circle| circle.as_str()).collect(),
            verdict.blocking_departments.unwrap().iter().map(ToString::to_string).collect(),
        ),
    }
}

fn with_gaps(mut facts: Facts, gaps: &[&str]) -> Facts {
    facts.gaps = gaps.iter().map(|name| silent(name)).collect();
    facts
}

#[test]
fn missing_income_opens_every_higher_circle() {
    let urban = urban();
    let low = with_gaps(household("10000.00"), &["hrss"]);
    assert_eq!(weigh(&low, &urban), (vec!["DIBAO", "LOW_INCOME", "NONE"], vec!["hrss".to_owned()]));
    let band = with_gaps(household("36000.00"), &["hrss"]);
    assert_eq!(weigh(&band, &urban).0, ["LOW_INCOME", "NONE"]);
    let over = with_gaps(household("50000.00"), &["hrss"]);
    assert_eq!(weigh(&over, &urban).0, ["NONE"]);
    assert_eq!(verdict(&over).flags, ["MISSING_NOT_DECISIVE_hrss"]);
    let mut spent_much = over;
    spent_much.expenditures.push(spent(ExpenditureKind::Medical, "30000.00", "0", date(2024, 10, 1)));
    assert_eq!(weigh(&spent_much, &urban).0, ["EXPENDITURE", "NONE"]);
}

#[test]
fn missing_expenditure_matters_from_the_line_upwards() {
    let urban = urban();
    assert_eq!(weigh(&with_gaps(household("29843.99"), &["medical_insurance"]), &urban).0, ["DIBAO"]);
    let band = with_gaps(household("36000.00"), &["medical_insurance"]);
    assert_eq!(weigh(&band, &urban), (vec!["EXPENDITURE", "LOW_INCOME"], vec!["medical_insurance".to_owned()]));
    let over = with_gaps(household("500000.00"), &["medical_insurance"]);
    assert_eq!(weigh(&over, &urban).0, ["EXPENDITURE", "NONE"], "the seed has no ceiling");
    let ratio = parameters_with("IM_WLHT_URBAN_2024RULE", |_| {});
    assert_eq!(weigh(&over, &ratio).0, ["NONE"], "the ratio rule has one");
    assert_eq!(weigh(&band, &ratio).0, ["LOW_INCOME"], "and leaves the band alone");
}

#[test]
fn education_matters_while_someone_is_of_its_ages() {
    let urban = urban();
    let mut facts = with_gaps(household("36000.00"), &["education"]);
    assert_eq!(weigh(&facts, &urban).0, ["EXPENDITURE", "LOW_INCOME"]);
    for (born_on, matters) in
        [(date(1994, 3, 16), true), (date(1994, 3, 15), false), (date(2022, 3, 15), true), (date(2022, 3, 16), false)]
    {
        facts.members[2].born_on = born_on;
        assert_eq!(weigh(&facts, &urban).0.len() > 1, matters, "{born_on}");
    }
}

#[test]
fn property_can_only_fail_and_ruins_only_pass() {
    let urban = urban();
    assert_eq!(weigh(&with_gaps(household("10000.00"), &["housing"]), &urban).0, ["DIBAO", "NONE"]);
    assert_eq!(weigh(&with_gaps(household("60000.00"), &["housing"]), &urban).0, ["NONE"]);
    let mut failing = with_gaps(household("10000.00"), &["housing"]);
    failing.assets.push(asset("VEHICLE", "1.00"));
    assert_eq!(weigh(&failing, &urban).0, ["NONE"], "it fails already");

    let mut two = with_gaps(household("10000.00"), &["emergency"]);
    assert_eq!(weigh(&two, &urban).0, ["DIBAO"]);
    two.assets[1].count = 2;
    assert_eq!(weigh(&two, &urban), (vec!["DIBAO", "NONE"], vec!["emergency".to_owned()]));
    assert_eq!(verdict(&two).flags, ["PROPERTY_DWELLINGS_OVER_LIMIT"]);
    let both = verdict(&with_gaps(household("10000.00"), &["housing", "emergency"]));
    assert_eq!(both.blocking_departments.unwrap(), [DepartmentId::parse("housing").unwrap()]);
    assert!(both.gaps[1].could_change, "dwellings that housing is yet to show may be ruins");
    two.assets.push(asset("VEHICLE", "1.00"));
    assert_eq!(weigh(&two, &urban).0, ["NONE"], "dwellings are not all that fails");
}

#[test]
fn a_department_blocks_only_if_its_answer_would_narrow_the_circles() {
    let urban = urban();
    let facts = with_gaps(household("0"), &["hrss", "housing"]);
    assert_eq!(weigh(&facts, &urban).1, ["hrss"]);
    let facts = with_gaps(household("36000.00"), &["education", "medical_insurance"]);
    assert_eq!(weigh(&facts, &urban), (vec!["EXPENDITURE", "LOW_INCOME"], vec![]), "each alone leaves the same open");
    assert!(verdict(&facts).gaps.iter().all(|gap| gap.could_change));
    let facts =
        with_gaps(household("36000.00"), &["education", "hrss", "housing", "health", "emergency", "medical_insurance"]);
    assert_eq!(weigh(&facts, &urban).0, ["EXPENDITURE", "LOW_INCOME", "NONE"]);
}

#[test]
fn a_gap_about_some_members_is_weighed_for_them_alone() {
    let urban = urban();
    let about = |members: &[usize]| {
        let mut facts = with_gaps(household("36000.00"), &["education"]);
        facts.gaps[0].members = members.to_vec();
        facts
    };
    assert_eq!(weigh(&about(&[2]), &urban).0, weigh(&about(&[]), &urban).0, "the child may study");
    assert_eq!(weigh(&about(&[0, 1]), &urban).0, ["LOW_INCOME"], "its parents are too old for it to matter");
    let told = verdict(&about(&[2]));
    assert_eq!(told.gaps[0].members.iter().map(MemberRef::as_str).collect::<Vec<_>>(), ["m3"]);
    assert!(told.gaps[0].could_change && !verdict(&about(&[0])).gaps[0].could_change);
    assert!(verdict(&about(&[])).gaps[0].members.is_empty(), "everybody is not listed");
    assert_ne!(told.id, verdict(&about(&[])).id);
}

#[test]
fn silence_about_health_touches_members_only() {
    let facts = with_gaps(household("36000.00"), &["health"]);
    let verdict_low = verdict(&facts);
    assert_eq!(verdict_low.flags, ["MEMBER_SINGLE_ILLNESS_UNKNOWN", "MISSING_NOT_DECISIVE_health"]);
    assert!(!verdict_low.gaps[0].could_change && verdict_low.gaps[0].could_change_members);
    let facts = with_gaps(household("18000.00"), &["health"]);
    assert_eq!(verdict(&facts).flags, ["MISSING_NOT_DECISIVE_health"]);
}

#[test]
fn the_graduation_period_is_part_of_the_rule() {
    let mut facts = with_gaps(household("36000.00"), &["hrss"]);
    facts.prior.circle = Some(kind("DIBAO"));
    facts.prior.exceeded_by_employment = true;
    facts.prior.months_since_exceeded = Some(1);
    assert_eq!(weigh(&facts, &urban()).0, ["DIBAO"], "whatever income comes to light");
    facts.gaps = vec![silent("housing")];
    assert_eq!(weigh(&facts, &urban()).0, ["DIBAO", "NONE"], "but property must pass");
    // Expenditure puts another circle first that graduation replaces; then the household is of low income besides.
    facts.gaps = vec![silent("medical_insurance")];
    facts.members[1].severe_illness = true;
    let gap = verdict(&facts).gaps[0].clone();
    assert!(!gap.could_change && gap.could_change_members);
    facts.expenditures.push(spent(ExpenditureKind::Medical, "20000.00", "0", date(2024, 10, 1)));
    assert_eq!(verdict(&facts).member_outcomes.unwrap().len(), 1);
}

#[test]
fn what_matters_only_together_with_another_answer_is_told() {
    let matters = |facts: &Facts| verdict(facts).gaps.iter().map(|gap| gap.could_change).collect::<Vec<_>>();
    // Below the line spending changes nothing; above it, where more income may lead, it does.
    let poor = with_gaps(household("10000.00"), &["medical_insurance"]);
    assert_eq!(matters(&poor), [false]);
    let poor = with_gaps(household("10000.00"), &["hrss", "medical_insurance"]);
    assert_eq!(matters(&poor), [true, true]);
    // One dwelling too many and income far above: a ruin opens the way, then spending decides.
    let mut rich = with_gaps(household("60000.00"), &["education", "emergency", "medical_insurance"]);
    rich.assets[1].count = 2;
    assert_eq!(matters(&rich), [true, true, true]);
    rich.gaps.remove(1);
    assert_eq!(matters(&rich), [false, false]);
}

#[test]
fn each_possible_circle_says_how_it_would_come_about() {
    let ways = |facts: &Facts| wire(&verdict(facts))["possibilities"].clone();
    let more = |quantity: &str, change: &str, head: &str, at: &str, who: &[&str]| serde_json::json!({"quantity": quantity, "change": change, "per_head_month": head, "at": at, "departments": who});
    let facts = with_gaps(household("10000.00"), &["education", "hrss", "housing", "medical_insurance"]);
    assert_eq!(
        ways(&facts),
        serde_json::json!([
            {"circle": "DIBAO", "conditions": []},
            {"circle": "EXPENDITURE", "conditions": [
                more("income", "19844.00", "551.22", "29844.00", &["hrss"]),
                more("expenditure", "0.01", "0.00", "0.01", &["education", "medical_insurance"]),
            ]},
            {"circle": "LOW_INCOME", "conditions": [more("income", "19844.00", "551.22", "29844.00", &["hrss"])]},
            {"circle": "NONE", "conditions": [more("income", "34766.00", "965.72", "44766.00", &["hrss"])]},
            {"circle": "NONE", "conditions": [{"quantity": "property_fails", "departments": ["housing"]}]},
        ])
    );
    let mut two = with_gaps(household("36000.00"), &["emergency"]);
    two.assets[1].count = 2;
    assert_eq!(
        ways(&two),
        serde_json::json!([
            {"circle": "LOW_INCOME", "conditions": [{"quantity": "dwellings_exempt", "departments": ["emergency"]}]},
            {"circle": "NONE", "conditions": []},
        ])
    );
    assert!(ways(&household("36000.00")).is_null(), "nothing is open");
}

#[test]
fn a_pending_verdict_names_what_is_known_and_no_more() {
    let facts = with_gaps(household("10000.00"), &["hrss"]);
    let verdict = verdict(&facts);
    assert_eq!(verdict.status, Status::PendingData);
    let wire = wire(&verdict);
    assert!(wire["household_circle"].is_null() && wire.get("household_circle").is_some());
    assert_eq!(wire["computed"]["countable_income_12m"], "10000.00");
    for absent in ["also_meets", "benefit_hint", "review_cycle_months"] {
        assert!(wire.get(absent).is_none(), "{absent}");
    }
    assert!(verdict.gaps[0].could_change);
}

#[test]
fn tekun_says_whose_silence_it_rests_on() {
    let mut facts = alone(date(1950, 1, 1));
    facts.gaps = vec![silent("hrss"), silent("medical_insurance"), silent("health")];
    let both = verdict(&facts);
    assert_eq!(both.circle().unwrap().as_str(), "TEKUN");
    assert_eq!(both.gaps.iter().map(|gap| gap.could_change).collect::<Vec<_>>(), [true, true, false]);
    facts.gaps.remove(0);
    assert!(!verdict(&facts).gaps[0].could_change, "spending matters only once income has undone 特困");
}

#[test]
fn tipping_points_are_the_first_fen_that_turns_the_circle() {
    let facts = with_gaps(household("36000.00"), &["hrss"]);
    let points = wire(&verdict(&facts))["tipping_points"].clone();
    assert_eq!(
        points[0],
        serde_json::json!({"quantity": "income", "change": "8766.00", "per_head_month": "243.50",
        "at": "44766.00", "circle": "NONE", "departments": ["hrss"]})
    );
    assert_eq!(points[1]["change"], "-6156.01");
    assert_eq!(points[1]["circle"], "DIBAO");
    assert_eq!(
        points[2],
        serde_json::json!({"quantity": "expenditure", "change": "6156.01", "per_head_month": "171.00",
        "at": "6156.01", "circle": "EXPENDITURE", "departments": []})
    );
    assert_eq!(points[3]["change"], "56688.01");
    // Each is the first: one fen less changes nothing.
    let mut just_before = household("44765.99");
    assert_eq!(circle(&just_before), "LOW_INCOME");
    just_before.incomes[0].amount_12m = yuan("29843.99");
    assert_eq!(circle(&just_before), "DIBAO");
}

#[test]
fn no_standard_is_a_status_and_never_a_default() {
    let place = crate::domain::household::Place {
        division_code: DivisionCode::parse("152202").unwrap(),
        urban_rural: crate::domain::household::UrbanRural::Urban,
    };
    let mut facts = household("1000.00");
    facts.gaps.push(silent("hrss"));
    let verdict = Verdict::pending_parameter(&facts, place);
    assert_eq!(verdict.status, Status::PendingParameter);
    assert!(verdict.pack.is_none() && verdict.computed.is_none() && verdict.gaps.len() == 1);
    facts.members[0].authorised = false;
    assert_eq!(Verdict::pending_parameter(&facts, place).status, Status::Blocked, "a gate comes first");
}

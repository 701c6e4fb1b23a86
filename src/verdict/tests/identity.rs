//! The id of a verdict: the same for the same facts and rules in ten years, another for any other fact.

use super::*;
use crate::domain::dataset::{DatasetId, MissingEffect};
use crate::domain::fact::FactKind;
use crate::domain::household::{Place, UrbanRural};
use crate::verdict::facts::SparedQuestion;
use crate::verdict::identity::VerdictId;

/// Facts with every field filled and every value of every list of codes.
fn full() -> Facts {
    use EducationStage::{
        Bachelor, Doctor, Junior, JuniorCollege, Master, Preschool, Primary, SecondaryVocational, SeniorHigh, Special,
    };
    use ExpenditureKind::{Accident, DisabilityRehab, Education, Medical};
    use IncomeCategory::{Operating, Other, Property, Transfer, TransferOut, Wage};
    let mut facts = household("18000.00");
    facts.stability = Stability::Unstable;
    let stages =
        [Preschool, Primary, Junior, SeniorHigh, SecondaryVocational, Special, JuniorCollege, Bachelor, Master, Doctor];
    for (index, stage) in stages.into_iter().enumerate() {
        let born_on = date(2000, 1, 1).saturating_add(jiff::Span::new().days(i64::try_from(index).unwrap()));
        facts.members.push(MemberFacts {
            education_stage: Some(stage),
            death_date: Some(date(2025, 1, 2)),
            exclusion: Some(kind("IN_PRISON")),
            disability: Some(DISABLED),
            severe_illness: true,
            labour_capacity: LabourCapacity::Partial,
            was_tekun: true,
            chose_orphan_benefit: true,
            adl_failed_count: 3,
            job_refusals: 2,
            ..member(&format!("s{index}"), born_on, "21")
        });
    }
    for category in [Wage, Operating, Property, Transfer, TransferOut, Other] {
        facts.incomes.push(IncomeItem {
            basic_portion_12m: Some(yuan("12.34")),
            paid_after_death: true,
            dedupe_key: Some("k".to_owned()),
            source: department("hrss"),
            ..income(1, category, "PENSION_RESIDENT", "2880.00")
        });
    }
    facts.assets.push(AssetItem { count: 2, exempt_kind: Some(kind("DISABILITY_AID")), ..asset("VEHICLE", "1.00") });
    for kind in [Medical, DisabilityRehab, Education, Accident] {
        let item = spent(kind, "3000.00", "1000.00", date(2024, 10, 1));
        facts.expenditures.push(ExpenditureItem { public_benchmark: Some(yuan("600.00")), ..item });
    }
    facts.obligors.push(Obligor {
        capability: Capability::Unable,
        judgment_12m: Some(yuan("1200.00")),
        ..obligor(&["m1", "m2"], "72000.00")
    });
    facts.events.push(event("EMERGENCY", "150100", Some("2025-03-15T20:00:00.5+08:00")));
    facts.prior = Prior {
        member_in_other_household: None,
        circle: Some(kind("DIBAO")),
        exceeded_by_employment: true,
        months_since_exceeded: Some(5),
        monthly_total: Some(yuan("640.00")),
        reviewed_on: Some(date(2024, 12, 1)),
        countable_income_12m: Some(yuan("20000.00")),
        household_size: Some(3),
    };
    for (reason, name) in
        GapReason::ALL.into_iter().zip(["education", "hrss", "housing", "health", "emergency"].iter().cycle())
    {
        facts.gaps.push(FactGap { reason, ..silent(name) });
    }
    facts.gaps[0].effects = vec![
        MissingEffect::IncomeUp,
        MissingEffect::ExpenditureUp,
        MissingEffect::PropertyMayFail,
        MissingEffect::DwellingMayPass,
        MissingEffect::MemberIllnessUnknown,
    ];
    facts
}

fn id(facts: &Facts) -> String {
    verdict(facts).id.to_string()
}

#[test]
fn the_id_of_the_same_facts_never_changes() {
    let of = |facts: &Facts| VerdictId::of(facts, "a digest of rules").to_string();
    let place = Place { division_code: DivisionCode::parse("152202").unwrap(), urban_rural: UrbanRural::Rural };
    let unknown = Verdict::pending_parameter(&household("18000.00"), place);
    assert_eq!(
        [of(&full()), of(&household("18000.00")), unknown.id.to_string()],
        [
            "vd_f363272c3bbf4fe56f09d3887f728cc137398930393335d64a2e5b8c7feec724",
            "vd_8c4e7854f6dcbd14397bfd32c581074767bf6c06ffb6f1ea5105553205ae526f",
            "vd_e87630ce6a635c805fc6ba023613358a0cccd9fc0d6889ebe48e456c87b2a591",
        ]
    );
}

/// Every value in the JSON form of facts, changed one at a time.
fn with_each_value_changed(facts: &Facts) -> Vec<(String, Facts)> {
    fn paths(value: &serde_json::Value, at: String, into: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(members) => {
                members.iter().for_each(|(name, inner)| paths(inner, format!("{at}/{name}"), into));
            }
            serde_json::Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, inner)| paths(inner, format!("{at}/{index}"), into));
            }
            _ => into.push(at),
        }
    }
    let json = serde_json::to_value(facts).unwrap();
    let mut all = Vec::new();
    paths(&json, String::new(), &mut all);
    let changed = |path: String| {
        let mut other = json.clone();
        let value = other.pointer_mut(&path).unwrap();
        // The first of these that the field can hold and does not hold already.
        let text = value.as_str().unwrap_or_default().to_owned();
        let candidates = [
            serde_json::json!(!value.as_bool().unwrap_or_default()),
            serde_json::json!(value.as_u64().unwrap_or_default() + 1),
            serde_json::json!("2023-07-09"),
            serde_json::json!("2025-03-14T01:02:03Z"),
            serde_json::json!("77.77"),
            serde_json::json!("150123"),
            serde_json::json!("3"),
            serde_json::json!("38"),
            serde_json::json!("zz9"),
            serde_json::json!({"department": "zz9"}),
            serde_json::json!("zz9.zz9"),
            serde_json::json!({"category": "3", "grade": "4"}),
            serde_json::json!([7, 9]),
            serde_json::json!("ZZ9"),
            serde_json::json!("STABLE"),
            serde_json::json!("FULL"),
            serde_json::json!("PARTIAL"),
            serde_json::json!("ABLE"),
            serde_json::json!(if text == "OTHER" { "WAGE" } else { "OTHER" }),
            serde_json::json!(if text == "ACCIDENT" { "MEDICAL" } else { "ACCIDENT" }),
            serde_json::json!(if text == "DOCTOR" { "MASTER" } else { "DOCTOR" }),
            serde_json::json!(if text == "timeout" { "malformed" } else { "timeout" }),
            serde_json::json!(if text == "income_up" { "expenditure_up" } else { "income_up" }),
            serde_json::json!("death"),
        ];
        let facts = candidates.into_iter().find_map(|candidate| {
            *other.pointer_mut(&path).unwrap() = candidate;
            serde_json::from_value::<Facts>(other.clone()).ok().filter(|changed| changed != facts)
        });
        (path.clone(), facts.unwrap_or_else(|| panic!("{path}: give a value that fits")))
    };
    all.into_iter().map(changed).collect()
}

#[test]
fn any_other_fact_gives_another_id() {
    let mut facts = full();
    let parameters = urban();
    let nothing_spared = VerdictId::of(&facts, parameters.digest());
    for dataset in ["education.enrolment", "education.tuition"] {
        facts.spared.push(SparedQuestion {
            department: DepartmentId::parse("education").unwrap(),
            dataset: DatasetId::parse(dataset).unwrap(),
            fact: FactKind::Enrolment,
            members: vec![0, 2],
            is_read: true,
        });
    }
    let spared = VerdictId::of(&facts, parameters.digest());
    assert_ne!(spared, nothing_spared);
    facts.gaps[0].members = vec![0, 2];
    let same = VerdictId::of(&facts, parameters.digest());
    assert_ne!(same, spared, "whose facts are missing is a fact");
    let mut seen = std::collections::BTreeMap::from([(same, "unchanged".to_owned())]);
    for (path, changed) in with_each_value_changed(&facts) {
        let id = VerdictId::of(&changed, parameters.digest());
        if let Some(other) = seen.insert(id, path.clone()) {
            panic!("{path} and {other} have one id");
        }
    }
    assert_ne!(same, VerdictId::of(&facts, "another pack"));
    assert!(seen.len() > 200, "{}", seen.len());
}

#[test]
fn what_stands_in_two_fields_is_told_apart() {
    let mut one = household("0");
    let mut other = one.clone();
    one.incomes[0].dedupe_key = Some("ab".to_owned());
    other.incomes[0].dedupe_key = Some("a".to_owned());
    assert_ne!(id(&one), id(&other));
    other.incomes[0].dedupe_key = Some(String::new());
    one.incomes[0].dedupe_key = None;
    assert_ne!(id(&one), id(&other), "an empty text is not an absent one");
    one.members[0].was_tekun = true;
    other = household("0");
    other.members[0].chose_orphan_benefit = true;
    assert_ne!(id(&one), id(&other));
}

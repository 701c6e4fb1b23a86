//! What the types refuse, the table names; what the table lets through, the types take.

use super::*;
use crate::domain::household::Place;
use crate::policy::Packs;
use crate::verdict::evaluate;

const DAY: Date = Date::constant(2025, 3, 15);

/// The listed cases as documents, with the case.
fn documents() -> Vec<(Value, Value)> {
    let file: Value = serde_json::from_str(include_str!("../../../../tests/cases/listed.json")).unwrap();
    let sets = &file["parameter_sets"];
    let cases = file["cases"].as_array().unwrap().iter();
    cases
        .map(|case| {
            let set = case["parameter_set"].as_str().unwrap();
            let mut document = case.clone();
            for name in ["id", "title_en", "title_zh", "parameter_set", "expected", "note"] {
                document.as_object_mut().unwrap().remove(name);
            }
            document["urban_rural"] = sets[set]["urban_rural"].clone();
            document["pack"] = set.into();
            (document, case.clone())
        })
        .collect()
}

fn parse(document: &Value) -> Result<Evaluation, Vec<Finding>> {
    Evaluation::parse(document.to_string().as_bytes(), DAY, &Catalogue::shipped())
}

#[test]
fn a_document_gives_the_facts_and_the_verdict_of_its_case() {
    let packs = Packs::shipped();
    for (document, case) in documents() {
        let evaluation = parse(&document).unwrap_or_else(|findings| panic!("{}: {findings:?}", case["id"]));
        let as_case: Case = serde_json::from_value(case.clone()).unwrap();
        assert_eq!(evaluation.facts, as_case.facts(&Catalogue::shipped()).unwrap(), "{}", case["id"]);
        let code = case["household"]["hukou_region"].as_str().unwrap();
        let place = Place {
            division_code: crate::domain::division::DivisionCode::parse(code).unwrap(),
            urban_rural: evaluation.urban_rural,
        };
        let Ok(pack) = packs.effective(place, DAY, evaluation.pack.as_deref()) else { continue };
        let verdict = serde_json::to_value(evaluate(&evaluation.facts, &pack).unwrap()).unwrap();
        assert_eq!(verdict["household_circle"], case["expected"]["household_circle"], "{}", case["id"]);
    }
}

#[test]
fn nobody_needs_to_be_named_for_a_verdict() {
    let (mut document, _) = documents().remove(0);
    let named = parse(&document).unwrap();
    for member in document["household"]["members"].as_array_mut().unwrap() {
        member.as_object_mut().unwrap().remove("id_number");
    }
    document.as_object_mut().unwrap().remove("assessment_date");
    let unnamed = parse(&document).unwrap();
    assert_eq!(named.facts, unnamed.facts, "the same facts, and today is the day");
}

#[test]
fn every_fault_is_named_by_pointer_and_no_number_is_repeated() {
    let (good, _) = documents().remove(0);
    let mut wrong = good.clone();
    wrong["urban_rural"] = "SEASIDE".into();
    wrong["colour"] = 1.into();
    wrong["household"]["members"][0]["birth_date"] = "yesterday".into();
    wrong["household"]["members"][1]["labour_capacity"] = Value::Null;
    wrong["household"]["incomes"][0]["amount_12m"] = 18_000.into();
    wrong["household"]["incomes"][0].as_object_mut().unwrap().remove("source");
    wrong["department_status"]["HRSS"] = "OK".into();
    wrong["department_status"]["hrss"] = "SILENT".into();
    let pointers: Vec<String> = parse(&wrong)
        .err()
        .unwrap()
        .into_iter()
        .map(|finding| format!("{} {}", finding.pointer, finding.code))
        .collect();
    for expected in [
        "/urban_rural invalid_value",
        " unknown_member",
        "/household/members/0/birth_date invalid_value",
        "/household/members/1/labour_capacity invalid_value",
        "/household/incomes/0/amount_12m invalid_value",
        "/household/incomes/0 missing_member",
        "/department_status unknown_member",
        "/department_status/hrss invalid_value",
    ] {
        assert!(pointers.iter().any(|pointer| pointer == expected), "{expected}: {pointers:?}");
    }
    let mut number = good.clone();
    number["household"]["members"][0]["id_number"] = "150000198605021016".into();
    let findings = parse(&number).err().unwrap();
    assert_eq!(
        (findings[0].pointer.as_str(), findings[0].code),
        ("/household/members/0/id_number", "id_number_invalid")
    );
    assert!(!serde_json::to_string(&findings).unwrap().contains("15000019860502"));
    let mut stranger = good.clone();
    stranger["household"]["incomes"][0]["member_id"] = "m9".into();
    assert_eq!(parse(&stranger).err().unwrap()[0].pointer, "/household/incomes/0/member_id");
    let mut many = good;
    let member = many["household"]["members"][0].clone();
    many["household"]["members"] = vec![member; 31].into();
    assert_eq!(parse(&many).err().unwrap()[0].code, "too_many");
}

/// Every value of a document replaced by others of every type, one at a time.
fn mutations(value: &Value) -> Vec<Value> {
    fn walk(value: &Value, pointer: String, pointers: &mut Vec<String>) {
        pointers.push(pointer.clone());
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| walk(value, format!("{pointer}/{name}"), pointers));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, value)| walk(value, format!("{pointer}/{index}"), pointers));
            }
            _ => {}
        }
    }
    let mut pointers = Vec::new();
    walk(value, String::new(), &mut pointers);
    let others = [
        json!(null),
        json!(true),
        json!(-1),
        json!(300),
        json!("x"),
        json!("1.00"),
        json!([]),
        json!({}),
        json!(["x"]),
    ];
    let mut mutated = Vec::new();
    for pointer in pointers {
        for other in &others {
            let mut document = value.clone();
            *document.pointer_mut(&pointer).unwrap() = other.clone();
            mutated.push(document);
        }
    }
    mutated
}

#[test]
fn whatever_the_types_refuse_the_table_names() {
    let all = documents();
    // The listed cases that between them have every member of the format.
    for wanted in ["C01", "C15", "C21", "C25", "C34", "C51", "C62", "C68", "C80", "C85"] {
        let (document, _) = all.iter().find(|(_, case)| case["id"] == wanted).unwrap();
        for mutated in mutations(document) {
            let findings = parse(&mutated).err().unwrap_or_default();
            assert!(findings.iter().all(|finding| finding.detail != unexplained().detail), "{wanted}: {mutated}");
        }
    }
}

#[test]
fn a_body_that_is_no_document_is_told_so() {
    for body in [&b""[..], b"{", b"[]", b"null", b"\xff", b"{\"urban_rural\": \"URBAN\"}"] {
        assert!(!Evaluation::parse(body, DAY, &Catalogue::shipped()).err().unwrap().is_empty());
    }
    let (good, _) = documents().remove(0);
    let twice = good.to_string().replacen("\"amount_12m\"", "\"amount_12m\":\"1.00\",\"amount_12m\"", 1);
    let findings = Evaluation::parse(twice.as_bytes(), DAY, &Catalogue::shipped()).err().unwrap();
    assert_eq!(findings[0].code, "duplicate_member");
}

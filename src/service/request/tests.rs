//! Requests that are wrong, in every way: each fault is named by pointer, in both languages, and never quoted.

use jiff::civil::date;
use serde_json::{Value, json};

use super::*;

const TODAY: Date = date(2026, 11, 23);

/// A request in which every optional member is present.
fn full() -> Value {
    json!({
        "purpose": "dibao",
        "assessment_date": "2025-03-15",
        "place": {"division_code": "152201", "urban_rural": "URBAN"},
        "pack": "default",
        "emergency_only": false,
        "disclosure": "minimal",
        "household": {"hukou_region": "152201", "members": [
            {"ref": "m1", "id_number": "150000198605021015", "name": "白云", "birth_date": "1986-05-02", "relation_code": "02"},
            {"ref": "m2", "id_number": "150000198808191022", "name": "阿拉坦·其木格", "relation_code": "12"}
        ]},
        "declaration": {
            "income_stability": "STABLE",
            "members": [
                {"ref": "m1", "labour_capacity": "FULL", "employed": true, "exclusion": null, "death_date": "2025-01-01",
                 "disability": {"category": "4", "grade": "2"}, "severe_illness": false, "education_stage": "BACHELOR",
                 "obligor_in_household": true, "adl_failed_count": 0, "was_tekun": false, "chose_orphan_benefit": false, "job_refusals": 0},
                {"ref": "m2", "labour_capacity": "NONE"}
            ],
            "incomes": [{"ref": "m1", "category": "TRANSFER", "kind": "PENSION_RESIDENT", "amount_12m": "2880.00",
                         "basic_portion_12m": "1516.00", "dedupe_key": "acct-1", "paid_after_death": false}],
            "assets": [{"kind": "DWELLING", "value": "0.00", "count": 1, "area_m2": "95.50", "exempt_kind": "DISASTER_COLLAPSED"}],
            "expenditures": [{"ref": "m1", "kind": "MEDICAL", "gross": "90000.00", "covered": "60000.00",
                              "paid_on": "2024-10-08", "public_benchmark": "80000.00"}],
            "obligors": [{"obligor_id": "o1", "relation_code": "20", "supports": ["m1"], "supported_total": 2, "household_size": 4,
                          "household_income_12m": "20000.00", "capability": "ABLE", "judgment_12m": "100.00"}],
            "events": [{"type": "FIRE", "route": "EMERGENCY", "occurred_at": "2025-03-14T21:30:00+08:00",
                        "reported_at": "2025-03-14T22:00:00+08:00", "first_aid_at": "2025-03-15T20:00:00+08:00", "place_region": "152201"}]
        },
        "authorisation": {"number": "授权〔2025〕1号", "signed_on": "2025-03-01", "valid_until": "2027-02-28", "departments": ["hrss"],
            "evidence_digest": format!("sha256:{}", "0".repeat(64)),
            "signatures": [{"ref": "m1", "capacity": "SELF"}, {"ref": "m2", "capacity": "GUARDIAN"}]},
        "prior": {"member_in_other_household": "m2", "circle": "DIBAO", "exceeded_by_employment": true,
                  "months_since_exceeded": 5, "monthly_total": "640.00"}
    })
}

fn parse(value: &Value) -> Result<VerificationRequest, Vec<Finding>> {
    VerificationRequest::parse(value.to_string().as_bytes(), TODAY, &Catalogue::shipped())
}

/// The pointers of every value in a document.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                pointers(value, &format!("{at}/{name}"), all);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                pointers(value, &format!("{at}/{index}"), all);
            }
        }
        _ => {}
    }
}

fn assert_findings_are_good(findings: &[Finding], context: &str) {
    assert!(!findings.is_empty(), "{context}: refused without a finding");
    for finding in findings {
        assert!(finding.pointer.is_empty() || finding.pointer.starts_with('/'), "{context}: {finding:?}");
        assert!(
            !finding.detail.en.is_empty() && finding.detail.zh.chars().any(|character| character > '\u{2e80}'),
            "{finding:?}"
        );
        let told = format!("{finding:?}");
        assert!(!told.contains("198605021015") && !told.contains("白云"), "{context}: a value leaks: {told}");
    }
}

#[test]
fn the_full_request_is_sound() {
    let request = parse(&full()).unwrap();
    assert_eq!(request.household.members.len(), 2);
    assert_eq!(request.assessed_on, date(2025, 3, 15));
    assert_eq!(request.disclosure, Disclosure::Minimal);
}

#[test]
fn every_field_wrong_in_every_way_is_named_by_pointer() {
    let mut all = Vec::new();
    pointers(&full(), "", &mut all);
    assert!(all.len() > 80, "the walk sees the whole document");
    let long = "长".repeat(5000);
    let wrong = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1.5),
        json!(18_446_744_073_709_551_615_u64),
        json!(""),
        json!("\u{202e}x"),
        json!("150000198605021016"),
        json!(long),
        json!([]),
        json!({}),
        json!([null]),
        json!({"x": 1}),
    ];
    let mut refused = 0;
    for pointer in &all {
        for value in &wrong {
            let mut document = full();
            let place = document.pointer_mut(pointer).unwrap();
            if place == value {
                continue;
            }
            *place = value.clone();
            if let Err(findings) = parse(&document) {
                refused += 1;
                assert_findings_are_good(&findings, pointer);
                let near = findings.iter().any(|finding| {
                    pointer.starts_with(&finding.pointer)
                        || finding.pointer.starts_with(pointer.as_str())
                        || finding.code == "unknown_reference"
                        || finding.code == "member_not_declared"
                });
                assert!(near, "{pointer} = {value}: told {findings:?}");
            }
        }
    }
    assert!(refused > all.len() * 8, "only {refused} wrong values of {} were refused", all.len() * wrong.len());
}

#[test]
fn every_member_that_must_be_there_is_missed_and_every_unknown_one_is_found() {
    let mut all = Vec::new();
    pointers(&full(), "", &mut all);
    for pointer in all.iter().filter(|pointer| !pointer.is_empty()) {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut document = full();
        if let Some(object) = document.pointer_mut(parent).and_then(Value::as_object_mut) {
            object.remove(name);
            if let Err(findings) = parse(&document) {
                assert_findings_are_good(&findings, pointer);
            }
        }
        let mut document = full();
        if let Some(object) = document.pointer_mut(pointer).and_then(Value::as_object_mut) {
            object.insert("verdict".to_owned(), json!("DIBAO"));
            let findings = parse(&document).unwrap_err();
            assert!(
                findings.iter().any(|finding| finding.code == "unknown_member" && finding.pointer == *pointer),
                "{findings:?}"
            );
        }
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let mut document = full();
    document["purpose"] = json!("curiosity");
    document["place"]["division_code"] = json!("15");
    document["household"]["members"][0].as_object_mut().unwrap().remove("name");
    let findings = parse(&document).unwrap_err();
    let pointers: Vec<_> = findings.iter().map(|finding| finding.pointer.as_str()).collect();
    assert_eq!(pointers, ["/purpose", "/place/division_code", "/household/members/0"]);
}

#[test]
fn the_table_of_shapes_knows_whatever_the_types_refuse() {
    // A fault that only the types see would be told as a duplicate member, which is not true of any of these.
    let mut all = Vec::new();
    pointers(&full(), "", &mut all);
    for pointer in &all {
        for value in [json!(null), json!(7), json!("x"), json!({}), json!([1])] {
            let mut document = full();
            *document.pointer_mut(pointer).unwrap() = value.clone();
            if let Err(findings) = parse(&document) {
                assert!(findings.iter().all(|finding| finding.code != "duplicate_member"), "{pointer} = {value}");
            }
        }
    }
}

#[test]
fn what_is_not_json_is_told_with_its_place() {
    for bad in ["", "{", "{\"purpose\":}", "nul", "\u{feff}{}", "{} {}"] {
        let findings = VerificationRequest::parse(bad.as_bytes(), TODAY, &Catalogue::shipped()).unwrap_err();
        assert_eq!(findings[0].code, "json_syntax", "{bad}");
    }
    let twice = full().to_string().replacen("{\"", "{\"purpose\":\"dibao\",\"", 1);
    let findings = VerificationRequest::parse(twice.as_bytes(), TODAY, &Catalogue::shipped()).unwrap_err();
    assert_eq!((findings[0].code, findings[0].pointer.as_str()), ("duplicate_member", "/purpose"));
    // Together with what else is wrong, and wherever it stands.
    let mut wrong = full();
    wrong["purpose"] = 7.into();
    let name = r#""relation_code":"#;
    let twice = wrong.to_string().replacen(name, &format!("{name}\"01\",{name}"), 1);
    let findings = VerificationRequest::parse(twice.as_bytes(), TODAY, &Catalogue::shipped()).unwrap_err();
    let told: Vec<_> = findings.iter().map(|finding| (finding.code, finding.pointer.as_str())).collect();
    assert!(told.contains(&("duplicate_member", "/declaration/obligors/0/relation_code")), "{told:?}");
    assert!(told.iter().any(|(_, pointer)| *pointer == "/purpose"), "{told:?}");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let cases: [(&str, Value, &str); 10] = [
        ("/assessment_date", json!("2026-11-24"), "date_out_of_range"),
        ("/household/members/1/id_number", json!("150000198605021015"), "duplicate_person"),
        ("/household/members/1/ref", json!("m1"), "duplicate_reference"),
        ("/household/members/0/birth_date", json!("1986-05-03"), "id_number_invalid"),
        ("/declaration/incomes/0/ref", json!("m9"), "unknown_reference"),
        ("/declaration/members/1/ref", json!("m1"), "member_not_declared"),
        ("/declaration/obligors/0/supported_total", json!(0), "out_of_range"),
        ("/declaration/events/0/reported_at", json!("2025-03-14T21:29:59+08:00"), "times_out_of_order"),
        ("/authorisation/valid_until", json!("2025-02-28"), "date_out_of_range"),
        ("/authorisation/departments/0", json!("customs"), "unknown_department"),
    ];
    for (pointer, value, code) in cases {
        let mut document = full();
        *document.pointer_mut(pointer).unwrap() = value;
        let findings = parse(&document).unwrap_err();
        assert!(findings.iter().any(|finding| finding.code == code), "{pointer}: {findings:?}");
    }
}

proptest::proptest! {
    #[test]
    fn parsing_never_panics(body in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        proptest::prop_assert!(VerificationRequest::parse(&body, TODAY, &Catalogue::shipped()).is_err());
    }
}

/// 民法典 第十九、二十条: who is too young does not sign alone.
#[test]
fn a_child_does_not_sign_for_itself() {
    // Born on 2 May 1986.
    for (signed_on, is_refused) in [("2002-05-01", true), ("2002-05-02", false), ("1990-01-01", true)] {
        let mut document = full()["authorisation"].clone();
        document["household"] = full()["household"].clone();
        (document["purposes"], document["validity"]) = (json!(["dibao"]), "DATE".into());
        document["signed_on"] = signed_on.into();
        let check = |document: &Value| {
            let registration =
                registration::Registration::parse(document.to_string().as_bytes(), &Catalogue::shipped());
            registration.map_err(|findings| panic!("{findings:?}")).unwrap().check_signers()
        };
        let told = check(&document).err().unwrap_or_default();
        let codes: Vec<(&str, &str)> = told.iter().map(|finding| (finding.code, finding.pointer.as_str())).collect();
        let refused = [("guardian_must_sign", "/signatures/0/capacity")];
        assert_eq!(codes, if is_refused { &refused[..] } else { &[] }, "{signed_on}");
        document["signatures"][0]["capacity"] = "GUARDIAN".into();
        assert!(check(&document).is_ok(), "{signed_on}");
    }
}

//! From answers to facts: a hint settles nothing, whatever it is about; a record counts once.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::domain::fact::FactKind;
use crate::federation::ask::MemberAnswers;
use crate::policy::Packs;
use crate::verdict::comparison::{FollowUp, Outcome as Compared, compare};

/// The shipped catalogue with a seventh source of every type of fact that a verdict can turn on.
fn catalogue(authority: &str) -> Catalogue {
    let mut text = include_str!("../../../schemas/catalogue.toml").to_owned();
    text.push_str("\n[[department]]\nid = \"channel\"\nname = { zh = \"渠道\", en = \"Channel\" }\n");
    for (name, fact, holds) in [
        ("wages", "income", "WAGE"),
        ("property", "asset", "DEPOSIT"),
        ("spending", "expenditure", "MEDICAL"),
        ("school", "enrolment", ""),
        ("deaths", "death", ""),
        ("illness", "diagnosis", ""),
        ("work", "employment", ""),
        ("certificates", "disability", ""),
    ] {
        let holds = if holds.is_empty() { String::new() } else { format!("holds = [\"{holds}\"]\n") };
        write!(
            text,
            "\n[[dataset]]\nid = \"channel.{name}\"\ndepartment = \"channel\"\nname = {{ zh = \"甲\", en = \"A\" }}\nfact = \"{fact}\"\nsensitivity = \"sensitive\"\nauthority = \"{authority}\"\n{holds}purposes = [\"dibao\"]\nfresh = \"24h\"\nstale_while_error = \"7d\"\n"
        )
        .unwrap();
    }
    Catalogue::parse(&text).unwrap()
}

fn request(declaration: serde_json::Value) -> VerificationRequest {
    let document = json!({
        "purpose": "dibao", "assessment_date": "2025-03-15",
        "place": {"division_code": "152201", "urban_rural": "URBAN"},
        "household": {"hukou_region": "152201", "members": [
            {"ref": "m1", "id_number": "150000198605021015", "name": "白云", "relation_code": "02"},
            {"ref": "m2", "id_number": "150000198808191022", "name": "其木格", "relation_code": "12"}
        ]},
        "declaration": declaration,
        "authorisation": {"number": "1", "signed_on": "2025-03-01", "valid_until": "2027-02-28",
            "evidence_digest": format!("sha256:{}", "0".repeat(64)),
            "signatures": [{"ref": "m1", "capacity": "SELF"}, {"ref": "m2", "capacity": "SELF"}]}
    });
    VerificationRequest::parse(document.to_string().as_bytes(), date(2026, 11, 23), &Catalogue::shipped()).unwrap()
}

/// What the channel answers about the first member.
fn answers(all: &[(&str, FactKind, &str)]) -> Vec<DepartmentOutcome> {
    let answer = |(dataset, kind, facts): &(&str, FactKind, &str)| {
        let answer = Answer {
            dataset: DatasetId::parse(dataset).unwrap(),
            as_of: None,
            adapter_version: "1".into(),
            received_at: Timestamp::UNIX_EPOCH,
            facts: Fact::decode(*kind, facts).unwrap().into(),
            proof: None,
            via: None,
        };
        (Arc::new(answer), Freshness::Live)
    };
    vec![DepartmentOutcome {
        department: DepartmentId::parse("channel").unwrap(),
        region: None,
        result: Ok(vec![MemberAnswers { member: 0, answers: all.iter().map(answer).collect() }]),
        told: None,
        elapsed: Duration::ZERO,
    }]
}

const ADVERSE: [(&str, FactKind, &str); 8] = [
    (
        "channel.wages",
        FactKind::Income,
        r#"[{"category":"WAGE","kind":"WAGE","amount":"90000.00","from":"2024-03-01","to":"2025-02-28"}]"#,
    ),
    (
        "channel.property",
        FactKind::Asset,
        r#"[{"kind":"DEPOSIT","value":"900000.00"},{"kind":"DWELLING","value":"0.00","count":3},{"kind":"VEHICLE","value":"1.00"}]"#,
    ),
    (
        "channel.spending",
        FactKind::Expenditure,
        r#"[{"kind":"MEDICAL","gross":"80000.00","covered":"0.00","paid_on":"2024-10-08"}]"#,
    ),
    ("channel.school", FactKind::Enrolment, r#"[{"stage":"MASTER","full_time":true}]"#),
    ("channel.deaths", FactKind::Death, r#"[{"died_on":"2024-12-01"}]"#),
    ("channel.illness", FactKind::Diagnosis, r#"[{"code":"C34","severe":true}]"#),
    ("channel.work", FactKind::Employment, r#"[{"employed":true}]"#),
    ("channel.certificates", FactKind::Disability, r#"[{"category":"4","grade":"1"}]"#),
];

fn declaration() -> serde_json::Value {
    json!({"income_stability": "STABLE",
        "members": [{"ref": "m1", "labour_capacity": "FULL"}, {"ref": "m2", "labour_capacity": "FULL", "employed": true}],
        "incomes": [{"ref": "m1", "category": "OPERATING", "kind": "BUSINESS", "amount_12m": "9000.00"}],
        "assets": [{"kind": "DEPOSIT", "value": "3000.00"}, {"kind": "DWELLING", "value": "0.00", "count": 1}]})
}

#[test]
fn no_fact_rests_on_a_hint_and_so_no_conclusion_does() {
    let request = request(declaration());
    let hints = catalogue("hint");
    let pack = Packs::shipped().effective(request.place, request.assessed_on, None).unwrap();
    let with = |outcomes: &[DepartmentOutcome]| {
        let assembled = assemble(&request, &[true, true], outcomes, &hints, 12, Timestamp::UNIX_EPOCH);
        crate::verdict::evaluate(&assembled.facts, &pack).unwrap()
    };
    let (hinted, silent) = (with(&answers(&ADVERSE)), with(&[]));
    assert_eq!(hinted.household_circle, silent.household_circle);
    assert_eq!(
        (&hinted.flags, &hinted.reason_codes, &hinted.computed),
        (&silent.flags, &silent.reason_codes, &silent.computed)
    );
    let outcomes = answers(&ADVERSE);
    let records = assemble(&request, &[true, true], &outcomes, &catalogue("conclusive"), 12, Timestamp::UNIX_EPOCH);
    let conclusive = crate::verdict::evaluate(&records.facts, &pack).unwrap();
    assert_ne!(conclusive.computed, silent.computed, "the same answers as records would count");
}

#[test]
fn every_hint_beyond_the_declaration_is_to_be_verified_with_the_household() {
    let request = request(declaration());
    let hints = catalogue("hint");
    let outcomes = answers(&ADVERSE);
    let mut assembled = assemble(&request, &[true, true], &outcomes, &hints, 12, Timestamp::UNIX_EPOCH);
    let comparison = compare(&assembled.sides(&outcomes, &hints, &[]), None);
    let row = |item: &str| {
        let rows = comparison.rows.iter().map(|row| (serde_json::to_value(row).unwrap(), row));
        let mut rows = rows.filter(|(json, _)| json["member"] == "m1");
        rows.find(|(json, _)| json["item"] == item).unwrap_or_else(|| panic!("no row of {item}")).1
    };
    for item in ["education", "death", "severe_illness", "employment", "disability", "expenditure"] {
        let found = row(item);
        assert_eq!((found.result, found.follow_up), (Compared::NotDeclared, FollowUp::Verify), "{item}");
    }
    let of =
        |kind: &str| comparison.rows.iter().find(|row| serde_json::to_value(row).unwrap()["kind"] == kind).unwrap();
    assert_eq!((of("WAGE").result, of("WAGE").follow_up), (Compared::NotDeclared, FollowUp::Verify));
    assert_eq!((of("DWELLING").result, of("DWELLING").follow_up), (Compared::MoreFound, FollowUp::Verify));
    assert_eq!(of("VEHICLE").follow_up, FollowUp::Verify);
    // The pack gives no tolerance: an amount that differs is shown and not judged; a hint of more is asked about.
    assert_eq!((of("DEPOSIT").result, of("DEPOSIT").follow_up), (Compared::Unjudged, FollowUp::Verify));
    // Business income is in nobody's register: the household's own word, and not "passed".
    assert_eq!(of("BUSINESS").result, Compared::NotChecked);
}

#[test]
fn a_wage_declared_and_found_is_counted_once_and_says_what_covers_it() {
    let mut declaration = declaration();
    declaration["incomes"] = json!([{"ref": "m1", "category": "WAGE", "kind": "WAGE", "amount_12m": "18000.00"}]);
    let request = request(declaration);
    let catalogue = catalogue("conclusive");
    let wage = [(
        "channel.wages",
        FactKind::Income,
        r#"[{"category":"WAGE","kind":"WAGE","amount":"24000.00","from":"2024-03-01","to":"2025-02-28","dedupe_key":"WAGE:x@2024"}]"#,
    )];
    let outcomes = answers(&wage);
    let assembled = assemble(&request, &[true, true], &outcomes, &catalogue, 12, Timestamp::UNIX_EPOCH);
    let amounts: Vec<_> = assembled.facts.incomes.iter().map(|income| income.amount_12m.yuan()).collect();
    assert_eq!(amounts, ["24000.00"]);
    let evidence = serde_json::to_value(&assembled.evidence).unwrap();
    assert_eq!(evidence[0]["pointer"], "/declaration/incomes/0");
    assert_eq!(evidence[0]["covered_by"], json!([1]));
    assert_eq!((&evidence[1]["basis"], &evidence[1]["authority"]), (&json!("DEPARTMENT"), &json!("conclusive")));
}

#[test]
fn a_hint_does_not_stand_in_the_way_of_a_record_of_the_same_thing() {
    let request = request(declaration());
    let hint = r#"[{"kind":"HOUSING_PROVIDENT_FUND","value":"1.00","dedupe_key":"k"}]"#;
    let record = r#"[{"kind":"NON_RESIDENTIAL","value":"9.00","dedupe_key":"k"}]"#;
    let mut both =
        [("housing.provident_fund", FactKind::Asset, hint), ("housing.sale_contract", FactKind::Asset, record)];
    for _ in 0..2 {
        let mut outcomes = answers(&both);
        outcomes[0].department = DepartmentId::parse("housing").unwrap();
        let assembled = assemble(&request, &[true, true], &outcomes, &Catalogue::shipped(), 12, Timestamp::UNIX_EPOCH);
        let found = assembled.facts.assets.iter().filter(|asset| asset.source != Source::Declared);
        assert_eq!(found.map(|asset| asset.kind.as_str()).collect::<Vec<_>>(), ["NON_RESIDENTIAL"]);
        both.reverse();
    }
}

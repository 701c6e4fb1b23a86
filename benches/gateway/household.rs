//! Households of three persons for the load, as many as are wanted, each with its own identity numbers.

use hedui::domain::id_number::IdNumber;
use jiff::civil::date;
use serde_json::{Value, json};

/// People who ask: a province has thousands of caseworkers, and none of them asks a thousand times an hour.
const CASEWORKERS: u64 = 5_000;
/// Birthdays of the people asked about, and how far apart those of one household lie.
const BIRTHDAYS: u64 = 18_000;
const APART: u64 = 7_919;

/// A person that no other household has. People who follow each other have different birthdays, as they do in life:
/// numbers that are counted through raise alerts.
fn person(index: u64) -> String {
    let day = i64::try_from(index * APART % BIRTHDAYS).expect("a small number");
    let born_on = date(1950, 1, 1).saturating_add(jiff::Span::new().days(day));
    let sequence = u16::try_from(index / BIRTHDAYS % 999 + 1).expect("below 1000");
    IdNumber::compose("150000", born_on, sequence).expect("a valid synthetic number").reveal().to_owned()
}

/// The request document of household `index`, as a caseworker system sends it: with who asks, from where, and the case.
pub(crate) fn request(index: u64, case: u64) -> Value {
    let members: Vec<Value> = (0..3)
        .map(|place| json!({"ref": format!("m{}", place + 1), "id_number": person(index * 3 + place), "name": "测试", "relation_code": "02"}))
        .collect();
    let declared: Vec<Value> = (0..3)
        .map(|place| json!({"ref": format!("m{}", place + 1), "labour_capacity": "FULL", "employed": true}))
        .collect();
    let signatures: Vec<Value> =
        (0..3).map(|place| json!({"ref": format!("m{}", place + 1), "capacity": "SELF"})).collect();
    let caseworker = case % CASEWORKERS;
    json!({
        "context": {
            "operator": format!("caseworker.{caseworker}"),
            "workstation": format!("WS-{caseworker}"),
            "case": {"number": format!("DB-2026-{case:08}"), "opened_at": "2026-11-01T01:00:00Z"}
        },
        "purpose": "dibao",
        "assessment_date": "2026-11-01",
        "place": {"division_code": "152201", "urban_rural": "URBAN"},
        "household": {"hukou_region": "152201", "members": members},
        "declaration": {
            "income_stability": "STABLE",
            "members": declared,
            "incomes": [{"ref": "m1", "category": "OPERATING", "kind": "BUSINESS", "amount_12m": "18000.00"}],
            "assets": [{"kind": "DEPOSIT", "value": "3000.00"}]
        },
        "authorisation": {"number": "bench", "signed_on": "2026-10-01", "valid_until": "2036-12-31",
            "evidence_digest": format!("sha256:{}", "0".repeat(64)), "signatures": signatures}
    })
}

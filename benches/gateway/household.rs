//! Households of three persons for the load, as many as are wanted, each with its own identity numbers.

use hedui::domain::id_number::IdNumber;
use jiff::civil::date;
use serde_json::{Value, json};

/// A person that no other household has.
fn person(index: u64) -> String {
    let day = i64::try_from(index / 999 % 18_000).expect("a small number");
    let born_on = date(1950, 1, 1).saturating_add(jiff::Span::new().days(day));
    let sequence = u16::try_from(index % 999 + 1).expect("below 1000");
    IdNumber::compose("150000", born_on, sequence).expect("a valid synthetic number").reveal().to_owned()
}

/// The request document of household `index`.
pub fn request(index: u64) -> Value {
    let members: Vec<Value> = (0..3)
        .map(|place| json!({"ref": format!("m{}", place + 1), "id_number": person(index * 3 + place), "name": "测试", "relation_code": "02"}))
        .collect();
    let declared: Vec<Value> = (0..3)
        .map(|place| json!({"ref": format!("m{}", place + 1), "labour_capacity": "FULL", "employed": true}))
        .collect();
    let signatures: Vec<Value> =
        (0..3).map(|place| json!({"ref": format!("m{}", place + 1), "capacity": "SELF"})).collect();
    json!({
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

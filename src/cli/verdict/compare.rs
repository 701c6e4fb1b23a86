//! Comparing a computed verdict with the one a case expects.

use serde_json::{Map, Value};

/// One field that differs.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Difference {
    /// The field, with its path inside the verdict: `computed.household_size`.
    pub field: String,
    /// What the case expects.
    pub expected: Value,
    /// What was computed; `null` when the field is absent.
    pub got: Value,
}

/// Every expected field that the computed verdict does not have, `note` aside. Of reason codes and
/// clauses the listed ones must be there; everything else must be equal.
pub fn differences(expected: &Map<String, Value>, got: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (field, wanted) in expected.iter().filter(|(field, _)| *field != "note") {
        let found = got.get(field);
        if matches!(field.as_str(), "reason_codes" | "deciding_clauses") {
            let found = found.unwrap_or(&Value::Null);
            let has = |code: &Value| found.as_array().is_some_and(|codes| codes.contains(code));
            if !wanted.as_array().is_some_and(|codes| codes.iter().all(has)) {
                differences.push(Difference { field: field.clone(), expected: wanted.clone(), got: found.clone() });
            }
        } else {
            descend(field.clone(), wanted, found, &mut differences);
        }
    }
    differences
}

/// Descends into objects, so that the one amount that differs is named.
fn descend(field: String, wanted: &Value, found: Option<&Value>, differences: &mut Vec<Difference>) {
    if let (Value::Object(wanted), Some(Value::Object(found))) = (wanted, found) {
        for name in wanted.keys().chain(found.keys().filter(|name| !wanted.contains_key(*name))) {
            match wanted.get(name) {
                Some(value) => descend(format!("{field}.{name}"), value, found.get(name), differences),
                None => differences.push(Difference {
                    field: format!("{field}.{name}"),
                    expected: Value::Null,
                    got: found.get(name).cloned().unwrap_or_default(),
                }),
            }
        }
    } else if found != Some(wanted) {
        let got = found.cloned().unwrap_or_default();
        differences.push(Difference { field, expected: wanted.clone(), got });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(expected: Value, got: Value) -> Vec<String> {
        let expected = expected.as_object().unwrap().clone();
        differences(&expected, &got).into_iter().map(|difference| difference.field).collect()
    }

    #[test]
    fn each_field_is_compared_and_named() {
        let expected =
            json!({"status": "DETERMINED", "computed": {"household_size": 3, "x": "1.00"}, "flags": [], "note": "n"});
        assert!(fields(expected.clone(), expected.clone()).is_empty());
        let got =
            json!({"status": "DETERMINED", "computed": {"household_size": 2, "x": "1.00", "y": 1}, "flags": ["A"]});
        assert_eq!(fields(expected, got), ["computed.household_size", "computed.y", "flags"]);
    }

    #[test]
    fn listed_reasons_must_be_there_and_more_may_be() {
        let expected = json!({"reason_codes": ["A"], "deciding_clauses": ["B"]});
        assert!(fields(expected.clone(), json!({"reason_codes": ["C", "A"], "deciding_clauses": ["B"]})).is_empty());
        assert_eq!(fields(expected, json!({"reason_codes": ["C"]})), ["deciding_clauses", "reason_codes"]);
    }

    #[test]
    fn an_absent_field_is_not_an_expected_null() {
        assert_eq!(fields(json!({"household_circle": null}), json!({})), ["household_circle"]);
        assert!(fields(json!({"household_circle": null}), json!({"household_circle": null})).is_empty());
    }
}

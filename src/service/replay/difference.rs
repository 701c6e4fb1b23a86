//! What differs between two verdicts, field by field.

use serde_json::Value;

use super::Changed;
use crate::domain::problem::Text;

/// Every field that differs, with its path, members named in `without` aside.
pub(super) fn differences(before: &Value, after: &Value, without: &[&str]) -> Vec<Changed> {
    let mut changed = Vec::new();
    descend(String::new(), before, after, &mut |path, was, is| {
        let top = path.split('.').next().unwrap_or_default();
        if !without.contains(&top) {
            changed.push(Changed {
                what: "verdict",
                text: Text::new(format!("{path}：{was} → {is}。"), format!("{path}: {was} → {is}.")),
                field: Some(path),
                before: was.clone(),
                after: is.clone(),
            });
        }
    });
    changed
}

/// Descends into objects; lists are compared as wholes, since their order means something.
fn descend(path: String, before: &Value, after: &Value, tell: &mut impl FnMut(String, &Value, &Value)) {
    match (before, after) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            for name in names {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let (was, is) = (one.get(name).unwrap_or(&Value::Null), other.get(name).unwrap_or(&Value::Null));
                descend(below, was, is, tell);
            }
        }
        _ if before == after => {}
        _ => tell(path, before, after),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_that_differs_is_named_with_both_values() {
        let before = json!({"id": "a", "household_circle": "DIBAO", "computed": {"household_size": 3, "x": "1.00"}, "flags": ["A"]});
        let after = json!({"id": "b", "household_circle": "NONE", "computed": {"household_size": 3, "x": "2.00"}, "review": 12, "flags": ["A"]});
        let found = differences(&before, &after, &["id"]);
        let fields: Vec<_> = found.iter().map(|change| change.field.as_deref().unwrap()).collect();
        assert_eq!(fields, ["computed.x", "household_circle", "review"]);
        assert_eq!((&found[0].before, &found[0].after), (&json!("1.00"), &json!("2.00")));
        assert_eq!(found[2].before, Value::Null);
        assert_eq!(found[1].text.en, "household_circle: \"DIBAO\" → \"NONE\".");
    }
}

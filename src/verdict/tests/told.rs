//! The wire forms of verdict and trace, pinned on three listed cases (`tests/cases/told.json`): a circle by rigid
//! expenditure, one that is open in an emergency, one with pensions and an obligor.

use serde_json::Value;

use super::*;
use crate::verdict::cases::CaseFile;
use crate::verdict::decide;

/// What does not belong to the form: id, digest, and of a parameter all but its name.
fn form(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.retain(|name, _| name != "id" && name != "digest");
            for (name, inner) in members.iter_mut() {
                *inner = match (name.as_str(), inner.take()) {
                    ("parameters", Value::Array(figures)) => {
                        figures.into_iter().map(|figure| figure["field"].clone()).collect()
                    }
                    (_, inner) => form(inner),
                };
            }
            value
        }
        Value::Array(items) => items.iter_mut().map(|item| form(item.take())).collect(),
        _ => value,
    }
}

#[test]
fn verdict_and_trace_keep_their_wire_form() {
    let file: CaseFile = serde_json::from_str(include_str!("../../../tests/cases/listed.json")).unwrap();
    let told: Value = serde_json::from_str(include_str!("../../../tests/cases/told.json")).unwrap();
    let pinned = told.as_object().unwrap();
    assert_eq!(pinned.len(), 3);
    for (id, pinned) in pinned {
        let case = file.cases.iter().find(|case| case.id == *id).unwrap();
        let facts = case.facts(&Catalogue::shipped()).unwrap();
        let parameters = file.parameter_set(&case.parameter_set).unwrap().parameters(&case.parameter_set).unwrap();
        let decision = decide(&facts, &parameters).unwrap();
        let verdict = decision.verdict().unwrap();
        let root = form(serde_json::to_value(decision.trace(&verdict).unwrap()).unwrap())["root"].take();
        assert_eq!(form(wire(&verdict)), pinned["verdict"], "{id}");
        assert_eq!(root, pinned["trace"], "{id}");
    }
}

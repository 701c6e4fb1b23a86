//! Conditions on an answer: `{ at = "$.code", equals = ["0"] }`.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::checked::{At, Checker};
use crate::error::Text;
use crate::json::Json;
use crate::json_path::JsonPath;

/// A condition on an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What it looks at.
    pub at: JsonPath,
    /// What must hold of it.
    pub is: Is,
}

/// What must hold of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Is {
    /// It is one of these, as text.
    Equal(BTreeSet<String>),
    /// It contains one of these.
    Containing(Vec<String>),
    /// It is not there, `null`, blank, or a list without items.
    Empty,
}

impl Condition {
    /// Whether it holds of an answer.
    pub fn holds(&self, answer: &Json) -> bool {
        let found = self.at.all(answer);
        match &self.is {
            Is::Empty => match found {
                Err(_) => true,
                Ok(found) => found.iter().all(|json| match json {
                    Json::Array(items) => items.is_empty(),
                    json => json.text().is_some_and(|text| text.trim().is_empty()),
                }),
            },
            Is::Equal(texts) => {
                found.is_ok_and(|found| found.iter().any(|json| said(json).is_some_and(|text| texts.contains(text))))
            }
            Is::Containing(texts) => found.is_ok_and(|found| {
                found.iter().any(|json| said(json).is_some_and(|text| texts.iter().any(|part| text.contains(part))))
            }),
        }
    }
}

fn said(json: &Json) -> Option<&str> {
    json.text().map(str::trim).filter(|text| !text.is_empty())
}

/// A condition as TOML.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionTable {
    pub(super) at: String,
    pub(super) equals: Option<Vec<String>>,
    pub(super) contains: Option<Vec<String>>,
    pub(super) empty: Option<bool>,
}

/// Checks the conditions of a key, which stand at `place`.
pub(super) fn conditions(
    checker: &mut Checker<'_>,
    place: &At<'_>,
    key: &str,
    tables: &[ConditionTable],
) -> Option<Vec<Condition>> {
    let mut made = Vec::new();
    for table in tables {
        let whole = |texts: &Vec<String>| !texts.is_empty() && texts.iter().all(|text| !text.trim().is_empty());
        let is = match (&table.equals, &table.contains, table.empty) {
            (Some(texts), None, None) if whole(texts) => Some(Is::Equal(texts.iter().cloned().collect())),
            (None, Some(texts), None) if whole(texts) => Some(Is::Containing(texts.clone())),
            (None, None, Some(true)) => Some(Is::Empty),
            _ => None,
        };
        let path = JsonPath::parse(&table.at).filter(|path| !path.is_of_record());
        match (path, is) {
            (Some(at), Some(is)) => made.push(Condition { at, is }),
            _ => checker.fault(
                "condition_form",
                place,
                Text::new(format!("{key} 里有不可用的条件"), format!("{key} has a condition that cannot be used")),
                Text::new(
                    "写 { at = \"$.code\", equals = [\"0\"] }，或 contains = [\"…\"]，或 empty = true；路径从 $ 开始",
                    "write { at = \"$.code\", equals = [\"0\"] }, or contains = [\"…\"], or empty = true; the path begins with $",
                ),
            ),
        }
    }
    (made.len() == tables.len()).then_some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_holds_of_what_is_there_and_only_of_that() {
        let answer = Json::parse(r#"{"code":0,"msg":"查无此人","data":null,"list":[],"blank":" "}"#).unwrap();
        let holds = |at: &str, is: Is| Condition { at: JsonPath::parse(at).unwrap(), is }.holds(&answer);
        let equal = |text: &str| Is::Equal([text.to_owned()].into());
        assert!(holds("$.code", equal("0")) && !holds("$.code", equal("00")) && !holds("$.none", equal("0")));
        assert!(!holds("$.data", equal("")), "nothing equals nothing");
        assert!(
            holds("$.msg", Is::Containing(vec!["查无".into()]))
                && !holds("$.data", Is::Containing(vec!["查无".into()]))
        );
        for at in ["$.data", "$.list", "$.blank", "$.none", "$.none.x"] {
            assert!(holds(at, Is::Empty), "{at}");
        }
        assert!(!holds("$.code", Is::Empty) && !holds("$.msg", Is::Empty));
    }
}

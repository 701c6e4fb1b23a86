//! What one answer about a test person holds: lists of records, their fields with types and how often they are
//! empty, never a value.

use std::collections::BTreeMap;

use jiff::civil::date;

use super::super::trouble::Finding;
use super::super::{ColumnInfo, Relation, SourceError};
use super::call::Page;
use super::{Asked, Group, HttpSource, Way};
use crate::connector::{HttpAsk, Paging};
use crate::json::Json;
use crate::protocol::QueryPeriod;

/// How many records are asked for, where a request says how many.
const SAMPLE: usize = 100;
/// How deep lists and fields are looked for.
const MAX_DEPTH: usize = 6;

/// A period, where a request wants one.
const PERIOD: QueryPeriod = QueryPeriod { from: date(2024, 1, 1), to: date(2024, 12, 31) };

/// What was seen of a field.
#[derive(Default)]
struct Seen {
    count: i64,
    nulls: i64,
    kinds: BTreeMap<&'static str, usize>,
}

impl HttpSource {
    /// Makes one call and lists what its answer holds. With `records` only what is there.
    pub(crate) async fn explore(
        &self,
        ask: &HttpAsk,
        person: (&str, &str),
        records: Option<&str>,
    ) -> Result<Vec<Relation>, SourceError> {
        let Way::Live { accesses, clock, .. } = &self.way else { return Ok(Vec::new()) };
        let reader = self.bare.clone();
        let asked = Asked { id: String::new(), ask: ask.clone(), reader, access: accesses.first().cloned() };
        let (id_numbers, names) = ([person.0], [person.1]);
        let group = Group { id_numbers: &id_numbers, names: &names };
        let page = Page::first(&Paging { size: SAMPLE, ..ask.paging.clone() });
        let answer = self.exchange(&asked, group, PERIOD, &page).await?;
        let json = self.bare.decode(&answer);
        if answer.status != 200 {
            return match self.bare.refused(&answer, json.ok().as_ref(), clock.now()) {
                Err(error) => Err(error),
                Ok(_) => Err(self.bare.wrong(Finding::NoList, "")),
            };
        }
        let json = json?;
        let mut lists = Vec::new();
        found("$".to_owned(), &json, MAX_DEPTH, &mut lists);
        if let Some(records) = records {
            lists.retain(|(path, _)| path == records);
        }
        if lists.is_empty() {
            // What the service says, so that the reader sees why there is nothing.
            return Err(self.bare.wrong(Finding::NoList, &self.bare.words(Some(&json))));
        }
        Ok(lists.into_iter().map(|(path, items)| relation(path, &items)).collect())
    }
}

/// Collects the lists of objects, and objects that could be one record, with their paths.
fn found<'a>(path: String, json: &'a Json, depth: usize, lists: &mut Vec<(String, Vec<&'a Json>)>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match json {
        Json::Array(items) if items.iter().any(|item| matches!(item, Json::Object(_))) => {
            lists.push((format!("{path}[*]"), items.iter().collect()));
        }
        Json::Object(members) => {
            for (name, value) in members {
                let plain = name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_' || !one.is_ascii());
                let step = if plain { format!(".{name}") } else { format!("['{name}']") };
                found(format!("{path}{step}"), value, depth, lists);
            }
        }
        _ => {}
    }
}

fn relation(name: String, items: &[&Json]) -> Relation {
    let mut fields: Vec<(String, Seen)> = Vec::new();
    for item in items {
        fields_of(String::new(), item, MAX_DEPTH, &mut fields);
    }
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let columns = fields.into_iter().map(|(name, seen)| ColumnInfo {
        written: if name.contains('.') { format!("@.{name}") } else { name.clone() },
        name,
        type_name: seen.kinds.into_iter().max_by_key(|(_, times)| *times).map_or("null", |(kind, _)| kind).to_owned(),
        comment: String::new(),
        // A field that is not there is empty as well.
        nulls: Some(seen.nulls + (count - seen.count)),
        width: None,
        numbers: None,
    });
    Relation { name, kind: "list".to_owned(), columns: columns.collect(), records: None, sampled: Some(count) }
}

/// Adds what a record shows of its fields; those of an object inside are told with a point.
fn fields_of(prefix: String, json: &Json, depth: usize, fields: &mut Vec<(String, Seen)>) {
    let (Json::Object(members), Some(depth)) = (json, depth.checked_sub(1)) else { return };
    for (name, value) in members {
        let name = format!("{prefix}{name}");
        if matches!(value, Json::Object(_)) {
            fields_of(format!("{name}."), value, depth, fields);
            continue;
        }
        let place = fields.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            fields.push((name, Seen::default()));
            fields.len() - 1
        });
        let Some((_, seen)) = fields.get_mut(place) else { continue };
        seen.count += 1;
        match kind(value) {
            None => seen.nulls += 1,
            Some(kind) => *seen.kinds.entry(kind).or_default() += 1,
        }
    }
}

/// The kind of a value, with the width that tells a month from a day; `None` for nothing.
fn kind(value: &Json) -> Option<&'static str> {
    Some(match value {
        Json::Null => return None,
        Json::Boolean(_) => "boolean",
        Json::Number(number) if number.contains('.') => "decimal",
        Json::Number(_) => "integer",
        Json::Array(_) => "list",
        Json::Object(_) => "object",
        Json::Text(text) => match text.trim() {
            "" => return None,
            text if text.bytes().all(|byte| byte.is_ascii_digit()) => match text.len() {
                6 => "text(6)",
                8 => "text(8)",
                _ => "text",
            },
            text if text.len() == 19 && text.as_bytes().get(10).is_some_and(|byte| matches!(byte, b' ' | b'T')) => {
                "text datetime"
            }
            _ => "text",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_fields_are_told_without_a_value() {
        let json = Json::parse(
            r#"{"code":"200","data":{"total":2,"list":[
                {"sfzh":"150000198605021015","rq":"20240301","je":12.50,"f":{"mj":"89.50"},"x":null},
                {"sfzh":"150000198605021015","rq":"","je":1.00,"f":{}}]}}"#,
        )
        .unwrap();
        let mut lists = Vec::new();
        found("$".to_owned(), &json, MAX_DEPTH, &mut lists);
        let [(path, items)] = lists.as_slice() else { panic!("one list") };
        let relation = relation(path.clone(), items);
        assert_eq!((relation.name.as_str(), relation.sampled), ("$.data.list[*]", Some(2)));
        let told: Vec<_> = relation
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.type_name.as_str(), column.nulls))
            .collect();
        assert_eq!(
            told,
            [
                ("sfzh", "text", Some(0)),
                ("rq", "text(8)", Some(1)),
                ("je", "decimal", Some(0)),
                ("f.mj", "text", Some(1)),
                ("x", "null", Some(2)),
            ]
        );
        assert!(!format!("{relation:?}").contains("1986"));
    }
}

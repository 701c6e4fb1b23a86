//! What is wrong with a file of cases: every fault with line, column, key and words in both languages.
//!
//! It is looked for only once a file has not parsed; a sound file costs nothing.

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::domain::problem::Text;
use crate::service::policies::evaluation::faults_of_case;

/// Faults told of one file; a file that is of another kind altogether has thousands.
const TOLD: usize = 50;

/// Where something stands in a file: line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Every fault of form of the cases in a file. Empty where the fault lies elsewhere: in the JSON, or in a parameter set.
pub(super) fn of_cases(text: &str) -> Vec<(Spot, Text)> {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let cases = document.get("cases").and_then(Value::as_array);
    let faults = cases.into_iter().flatten().enumerate().flat_map(|(index, case)| {
        faults_of_case(case)
            .into_iter()
            .map(move |finding| (format!("/cases/{index}{}", finding.pointer), finding.detail))
    });
    let mut told: Vec<(Spot, Text)> = faults
        .take(TOLD)
        .map(|(pointer, detail)| {
            let text_of = Text::new(format!("`{pointer}` {}", detail.zh), format!("`{pointer}` {}", detail.en));
            (spot_of(text, &pointer), text_of)
        })
        .collect();
    told.sort_by_key(|(spot, _)| *spot);
    told
}

/// Where the value of a pointer (RFC 6901) stands, or the innermost value on the way to it that is there.
pub(super) fn spot_of(text: &str, pointer: &str) -> Spot {
    let parts: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let at = Scanner { text, at: 0 }.find(&parts);
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Spot {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
    }
}

/// Walks JSON that is known to be sound.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    /// The next byte that is no blank and no separator.
    fn next(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.find(|letter: char| !letter.is_ascii_whitespace() && letter != ',' && letter != ':')?;
        self.text.as_bytes().get(self.at).copied()
    }

    /// Reads a whole value and stands behind it.
    fn read<T: serde::de::DeserializeOwned>(&mut self) -> Option<T> {
        let mut values = serde_json::Deserializer::from_str(self.text.get(self.at..)?).into_iter::<T>();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }

    fn find(mut self, parts: &[String]) -> usize {
        let opens = self.next();
        let here = self.at;
        let Some((wanted, rest)) = parts.split_first() else { return here };
        self.at += 1;
        let is_there = match opens {
            Some(b'{') => self.seek_member(wanted),
            Some(b'[') => wanted.parse().is_ok_and(|index| self.seek_item(index)),
            _ => false,
        };
        if is_there { self.find(rest) } else { here }
    }

    fn seek_member(&mut self, wanted: &str) -> bool {
        while self.next().is_some_and(|byte| byte == b'"') {
            let Some(name) = self.read::<String>() else { return false };
            self.next();
            if name == wanted {
                return true;
            }
            if self.read::<IgnoredAny>().is_none() {
                return false;
            }
        }
        false
    }

    fn seek_item(&mut self, index: usize) -> bool {
        for _ in 0..index {
            if self.next().is_none_or(|byte| byte == b']') || self.read::<IgnoredAny>().is_none() {
                return false;
            }
        }
        self.next().is_some_and(|byte| byte != b']')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = include_str!("../../../tests/cases/listed.json");

    #[test]
    fn a_sound_file_has_no_fault() {
        assert_eq!(of_cases(LISTED), []);
        for text in ["", "{", "[]", "3", "{\"cases\": 3}", "{\"cases\": []}"] {
            assert_eq!(of_cases(text), [], "{text}");
        }
    }

    #[test]
    fn every_fault_is_told_with_its_line_and_key_in_both_languages() {
        let text = "{\"parameter_sets\": {}, \"cases\": [\n {\"id\": \"一\", \"parameter_set\": \"X\", \"assessment_date\": \"2025-02-30\",\n  \"household\": {\"hukou_region\": \"152201\", \"income_stability\": \"STABLE\", \"members\": [],\n   \"assets\": [{\"kind\": \"DEPOSIT\", \"value\": 5, \"source\": \"hrss\"}]}}]}";
        let faults = of_cases(text);
        let told: Vec<String> =
            faults.iter().map(|(spot, text)| format!("{}:{} {}", spot.line, spot.column, text.zh)).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("2:55 `/cases/0/assessment_date` 应为"), "{told:?}");
        assert!(told[1].starts_with("4:44 `/cases/0/household/assets/0/value` 应为"), "{told:?}");
        assert!(faults[1].1.en.contains("must be"));
    }

    #[test]
    fn a_pointer_leads_to_its_value_or_to_what_is_nearest_to_it() {
        let text = "{\n \"a\": [1, {\"b~/c\": \"x:,{\"}],\n \"d\": null}";
        let spot = |pointer: &str| (spot_of(text, pointer).line, spot_of(text, pointer).column);
        assert_eq!(spot(""), (1, 1));
        assert_eq!(spot("/a/1/b~0~1c"), (2, 20));
        assert_eq!(spot("/d"), (3, 7));
        assert_eq!(spot("/a/2"), (2, 7));
        assert_eq!(spot("/a/x"), (2, 7));
        assert_eq!(spot("/d/e"), (3, 7));
        assert_eq!(spot_of("", "/a"), Spot { line: 1, column: 1 });
    }
}

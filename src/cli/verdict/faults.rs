//! What is wrong with a file of cases: every fault with line, column, key and words in both languages.
//!
//! It is looked for only once a file has not parsed; a sound file costs nothing.

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::domain::problem::{Finding, Text};
use crate::policy::parameter_set;
use crate::service::policies::evaluation::faults_of_case;

/// Faults told of one file; a file that is of another kind altogether has thousands.
const TOLD: usize = 50;

/// Where something stands in a file: line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Every fault of form of a file of cases: of the file itself, of its parameter sets, of its cases. Empty where the
/// fault lies elsewhere: in the JSON, or in a member that stands twice.
pub(super) fn of_file(text: &str) -> Vec<(Spot, Text)> {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let Some(members) = document.as_object() else {
        let says = Text::new("应为含 cases 的 JSON 对象", "must be a JSON object with `cases`");
        return vec![(spot_of(text, ""), says)];
    };
    let mut faults: Vec<(String, Text)> = Vec::new();
    let sets = members.get("parameter_sets");
    match sets.map(Value::as_object) {
        None => {}
        Some(Some(sets)) => {
            for (name, set) in sets {
                let below = |(pointer, says)| (format!("/parameter_sets/{}{pointer}", escaped(name)), says);
                faults.extend(parameter_set::faults::of_form(set).into_iter().map(below));
            }
        }
        Some(None) => faults.push((
            "/parameter_sets".to_owned(),
            Text::new(
                "应为 JSON 对象：以名称为成员名，以参数集为值。",
                "must be a JSON object of sets by their names.",
            ),
        )),
    }
    match members.get("cases").map(Value::as_array) {
        Some(Some(cases)) => faults.extend(cases.iter().enumerate().flat_map(|(index, case)| {
            let below = move |finding: Finding| (format!("/cases/{index}{}", finding.pointer), finding.detail);
            faults_of_case(case).into_iter().map(below)
        })),
        Some(None) => {
            faults.push(("/cases".to_owned(), Text::new("应为案例的 JSON 数组。", "must be a JSON array of cases.")));
        }
        None => faults.push((String::new(), Text::new("缺少必填成员 `cases`。", "the member `cases` is missing."))),
    }
    let placed = faults.into_iter().map(|(pointer, says)| at_pointer(text, &pointer, &says)).collect();
    in_order(placed)
}

/// A fault with its place in the file and its pointer before it.
pub(super) fn at_pointer(text: &str, pointer: &str, says: &Text) -> (Spot, Text) {
    let key = if pointer.is_empty() { String::new() } else { format!("`{pointer}` ") };
    (spot_of(text, pointer), Text::new(format!("{key}{}", says.zh), format!("{key}{}", says.en)))
}

/// The faults by their place, and how many there are beyond those that are told.
pub(super) fn in_order(mut faults: Vec<(Spot, Text)>) -> Vec<(Spot, Text)> {
    faults.sort_by_key(|(spot, _)| *spot);
    let more = faults.len().saturating_sub(TOLD);
    faults.truncate(TOLD);
    if let Some((spot, _)) = faults.last().filter(|_| more > 0) {
        let says = Text::new(format!("此后还有 {more} 处错误未列出"), format!("{more} more faults are not listed"));
        faults.push((*spot, says));
    }
    faults
}

/// Every member that stands twice in one object, where it stands the second time.
pub(super) fn twice(text: &str) -> Vec<(Spot, Text)> {
    let mut faults = Vec::new();
    let mut scanner = Scanner { text, at: 0 };
    scanner.twins(&mut String::new(), &mut |at, pointer| {
        let says = Text::new(
            format!("`{pointer}` 在同一对象中出现两次：请只留一个"),
            format!("`{pointer}` stands twice in one object: keep one"),
        );
        faults.push((spot_after(text.get(..at).unwrap_or_default()), says));
    });
    in_order(faults)
}

/// A name as a step of a pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Where the value of a pointer (RFC 6901) stands, or the innermost value on the way to it that is there.
pub(super) fn spot_of(text: &str, pointer: &str) -> Spot {
    let parts: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let at = Scanner { text, at: 0 }.find(&parts);
    spot_after(text.get(..at).unwrap_or_default())
}

/// The place behind a text.
pub(super) fn spot_after(before: &str) -> Spot {
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

    /// Walks a whole value and tells each second member of one name with its offset and pointer.
    fn twins(&mut self, pointer: &mut String, tell: &mut impl FnMut(usize, &str)) -> Option<()> {
        let closes = match self.next()? {
            b'{' => b'}',
            b'[' => b']',
            _ => {
                self.read::<IgnoredAny>()?;
                return Some(());
            }
        };
        self.at += 1;
        let length = pointer.len();
        let mut names: Vec<String> = Vec::new();
        let mut index = 0_usize;
        while self.next()? != closes {
            pointer.truncate(length);
            if closes == b'}' {
                let here = self.at;
                let name = self.read::<String>()?;
                pointer.push('/');
                pointer.push_str(&escaped(&name));
                if names.contains(&name) {
                    tell(here, pointer);
                }
                names.push(name);
            } else {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                index += 1;
            }
            self.twins(pointer, tell)?;
        }
        pointer.truncate(length);
        self.at += 1;
        Some(())
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
        assert_eq!((of_file(LISTED), twice(LISTED)), (Vec::new(), Vec::new()));
        for text in ["", "{", "{\"cases\": []}", "{\"of\": [1, {}], \"cases\": [], \"parameter_sets\": {}}"] {
            assert_eq!((of_file(text), twice(text)), (Vec::new(), Vec::new()), "{text}");
        }
    }

    fn told(faults: &[(Spot, Text)], side: fn(&Text) -> &str) -> Vec<String> {
        faults.iter().map(|(spot, text)| format!("{}:{} {}", spot.line, spot.column, side(text))).collect()
    }

    #[test]
    fn a_file_of_another_kind_is_told_what_it_should_be() {
        for (text, zh, en) in [
            ("3", "1:1 应为含 cases 的 JSON 对象", "1:1 must be a JSON object with `cases`"),
            ("{}", "1:1 缺少必填成员 `cases`。", "1:1 the member `cases` is missing."),
            ("{\"cases\": 3}", "1:11 `/cases` 应为案例的 JSON 数组。", "1:11 `/cases` must be a JSON array of cases."),
        ] {
            let faults = of_file(text);
            assert_eq!(told(&faults, |text| &text.zh), [zh]);
            assert_eq!(told(&faults, |text| &text.en), [en]);
        }
    }

    #[test]
    fn every_member_that_stands_twice_is_told_where_it_stands_again() {
        let text = "{\"cases\": [{\"id\": \"a\", \"e\": {\"x\": [{}, {\"y\": 1,\n \"\\u0079\": 2}]}, \"id\": \"b\"}],\n \"cases\": []}";
        let faults = twice(text);
        assert_eq!(
            told(&faults, |text| text.en.split(" stands").next().unwrap()),
            ["2:2 `/cases/0/e/x/1/y`", "2:18 `/cases/0/id`", "3:2 `/cases`"]
        );
    }

    #[test]
    fn every_fault_of_a_parameter_set_is_told_with_what_it_should_be() {
        let mut file: Value = serde_json::from_str(LISTED).unwrap();
        let set = &mut file["parameter_sets"]["IM_WLHT_URBAN"];
        set["dwelling_max"] = "one".into();
        set["dwelling_maximum"] = 1.into();
        set["dibao_standard"]["period"] = "WEEK".into();
        set["low_income_multiple"] = 1.5.into();
        set["region_code"] = "15".into();
        set["tekun"]["colour"] = 1.into();
        set.as_object_mut().unwrap().remove("place_zh");
        let faults = of_file(&file.to_string());
        let all = told(&faults, |text| &text.en).join("\n");
        assert_eq!(faults.len(), 7, "{all}");
        for part in [
            "/dwelling_max` must be a whole number without quotes",
            "/dwelling_maximum` is no parameter: perhaps `dwelling_max` is meant",
            "/dibao_standard/period` must be one of MONTH, YEAR",
            "/low_income_multiple` must be a factor or percentage in double quotes",
            "/region_code` must be six digits",
            "/tekun` must be a JSON object of minor_age_limit",
            "the member `place_zh` is missing",
        ] {
            assert!(all.contains(part), "{part} is not in\n{all}");
        }
        assert!(told(&faults, |text| &text.zh).iter().any(|fault| fault.contains("应为下列之一：MONTH、YEAR")));
    }

    #[test]
    fn a_file_with_very_many_faults_says_how_many_are_left_out() {
        let text = format!("{{\"cases\": [{}]}}", ["3"; 60].join(","));
        let faults = of_file(&text);
        assert_eq!((faults.len(), &*faults[50].1.en), (51, "10 more faults are not listed"));
    }

    #[test]
    fn every_fault_is_told_with_its_line_and_key_in_both_languages() {
        let text = "{\"parameter_sets\": {}, \"cases\": [\n {\"id\": \"一\", \"parameter_set\": \"X\", \"assessment_date\": \"2025-02-30\",\n  \"household\": {\"hukou_region\": \"152201\", \"income_stability\": \"STABLE\", \"members\": [],\n   \"assets\": [{\"kind\": \"DEPOSIT\", \"value\": 5, \"source\": \"hrss\"}]}}]}";
        let faults = of_file(text);
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

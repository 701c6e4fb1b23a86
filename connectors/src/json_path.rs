//! Paths into JSON: the part of RFC 9535 that names something, without filters, slices and descent.
//!
//! `$` is the whole answer, `@` one record. `.name`, `['name']`, `[0]` and `[*]` lead on.

use crate::json::Json;

/// A path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    from_record: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Place(usize),
    All,
}

/// A path that leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nowhere;

impl JsonPath {
    /// Reads a path; `None` when it is not one that is understood here.
    pub fn parse(text: &str) -> Option<Self> {
        let (from_record, mut rest) = match text.strip_prefix('$') {
            Some(rest) => (false, rest),
            None => (true, text.strip_prefix('@')?),
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = if let Some(after) = rest.strip_prefix(".*") {
                (Step::All, after)
            } else if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(|one: char| !is_of_name(one)).unwrap_or(after.len());
                let (name, after) = after.split_at(end);
                let sound = name.starts_with(|first: char| !first.is_ascii_digit());
                (Step::Name(name.to_owned()).into_if(sound)?, after)
            } else {
                bracketed(rest.strip_prefix('[')?)?
            };
            steps.push(step);
            rest = after;
        }
        Some(Self { from_record, steps })
    }

    /// The member of a record that has this name.
    pub fn of_record(name: &str) -> Self {
        Self { from_record: true, steps: vec![Step::Name(name.to_owned())] }
    }

    /// True when it begins at one record, and not at the whole answer.
    pub const fn is_of_record(&self) -> bool {
        self.from_record
    }

    /// True when it may lead to several values.
    pub fn is_many(&self) -> bool {
        self.steps.contains(&Step::All)
    }

    /// Everything it leads to, from `root`. A list that is there and empty is nothing found; a name or list that
    /// is not there is [`Nowhere`], because then the answer is not of the form that the path was written for.
    pub fn all<'a>(&self, root: &'a Json) -> Result<Vec<&'a Json>, Nowhere> {
        let mut found = vec![root];
        for step in &self.steps {
            let mut next = Vec::new();
            for json in found {
                match (step, json) {
                    (Step::Name(name), json) => next.push(json.member(name).ok_or(Nowhere)?),
                    (Step::Place(place), Json::Array(items)) => next.push(items.get(*place).ok_or(Nowhere)?),
                    (Step::All, Json::Array(items)) => next.extend(items),
                    (Step::Place(_) | Step::All, _) => return Err(Nowhere),
                }
            }
            found = next;
        }
        Ok(found)
    }

    /// The one value it leads to; `None` when there is none, or more than one.
    pub fn one<'a>(&self, root: &'a Json) -> Option<&'a Json> {
        match self.all(root).ok()?.as_slice() {
            [json] => Some(json),
            _ => None,
        }
    }
}

impl std::fmt::Display for JsonPath {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(if self.from_record { "@" } else { "$" })?;
        for step in &self.steps {
            match step {
                Step::Name(name) if name.chars().all(is_of_name) => write!(formatter, ".{name}")?,
                Step::Name(name) => write!(formatter, "['{name}']")?,
                Step::Place(place) => write!(formatter, "[{place}]")?,
                Step::All => formatter.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

impl Step {
    fn into_if(self, sound: bool) -> Option<Self> {
        sound.then_some(self)
    }
}

/// A letter, digit or `_` of a name that needs no quotes (RFC 9535, 2.5.1.1).
fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || !character.is_ascii()
}

/// What stands after `[`.
fn bracketed(rest: &str) -> Option<(Step, &str)> {
    if let Some(after) = rest.strip_prefix("*]") {
        return Some((Step::All, after));
    }
    let quote = rest.chars().next().filter(|first| matches!(first, '\'' | '"'));
    if let Some(quote) = quote {
        let (name, after) = rest.get(1..)?.split_once(quote)?;
        let sound = !name.is_empty() && !name.contains('\\');
        return sound.then_some((Step::Name(name.to_owned()), after.strip_prefix(']')?));
    }
    let (digits, after) = rest.split_once(']')?;
    let canonical = digits == "0" || !digits.starts_with(['0', '+']);
    Some((Step::Place(digits.parse().ok().filter(|_| canonical)?), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_what_it_names() {
        let json =
            Json::parse(r#"{"data":{"list":[{"合同号":"a","x y":1},{"合同号":"b","x y":2}],"none":[],"nil":null}}"#)
                .unwrap();
        let texts = |path: &str| {
            let found = JsonPath::parse(path).unwrap().all(&json)?;
            Ok(found.into_iter().filter_map(Json::text).map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(texts("$.data.list[*].合同号").unwrap(), ["a", "b"]);
        assert_eq!(texts("$['data'].list[1][\"x y\"]").unwrap(), ["2"]);
        assert!(texts("$.data.none[*]").unwrap().is_empty(), "an empty list is nothing found");
        for path in ["$.data.lists[*]", "$.data.nil[*]", "$.data.list[2]", "$.data.list[*].none", "$.data.nil.x"] {
            assert_eq!(texts(path), Err(Nowhere), "{path}");
        }
        let one = |path: &str| JsonPath::parse(path).unwrap().one(&json).and_then(Json::text);
        assert_eq!(one("$.data.nil"), Some(""));
        assert_eq!((one("$.data.list[*].合同号"), one("$.data.none[*]")), (None, None));
    }

    #[test]
    fn what_is_not_understood_is_no_path() {
        for text in [
            "",
            "data",
            "$.",
            "$..a",
            "$.a[",
            "$.a[]",
            "$.a[-1]",
            "$.a[1:2]",
            "$.a[?@.b]",
            "$.a['b]",
            "$.1a",
            "$ .a",
            "$.a b",
            "$.a[01]",
            "$.a['']",
            "$.a[+1]",
        ] {
            assert_eq!(JsonPath::parse(text), None, "{text}");
        }
        assert!(JsonPath::parse("@").unwrap().is_of_record());
        for text in ["$", "@.a", "$.data['x y'][0][*].合同号"] {
            assert_eq!(JsonPath::parse(text).unwrap().to_string(), text);
        }
    }
}

//! JSON of others, read strictly: numbers as they are written, no name twice in one object, not too deep.
//!
//! An amount that a service writes as `1234.50` is that, and never the binary fraction nearest to it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::native::Native;

/// How deep values may stand in each other.
const MAX_DEPTH: usize = 32;

/// A value of JSON. Its `Debug` shows its kind only: values are people's records.
#[derive(Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number, as it is written.
    Number(String),
    /// A text.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, in the order of its names.
    Object(Vec<(String, Json)>),
}

/// Why a text is no JSON that is read here. Nothing of the text is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It is not JSON.
    #[error("not JSON at line {line}, column {column}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// An object has one name twice, so that two readers could understand two things.
    #[error("an object has the same name twice")]
    NameTwice,
    /// Values stand in each other deeper than is read here.
    #[error("values stand in each other too deep")]
    TooDeep,
}

impl Json {
    /// Reads a text.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| syntax(&error))?;
        Self::read(raw, MAX_DEPTH)
    }

    fn read(raw: &RawValue, depth: usize) -> Result<Self, JsonError> {
        let text = raw.get().trim();
        let below = || depth.checked_sub(1).ok_or(JsonError::TooDeep);
        match text.as_bytes().first() {
            Some(b'{') => {
                let below = below()?;
                let Members(members) = serde_json::from_str(text).map_err(|error| syntax(&error))?;
                let mut names = std::collections::BTreeSet::new();
                if !members.iter().all(|(name, _)| names.insert(name.as_str())) {
                    return Err(JsonError::NameTwice);
                }
                let read = |(name, raw)| Ok((name, Self::read(raw, below)?));
                members.into_iter().map(read).collect::<Result<_, _>>().map(Self::Object)
            }
            Some(b'[') => {
                let below = below()?;
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| syntax(&error))?;
                items.into_iter().map(|raw| Self::read(raw, below)).collect::<Result<_, _>>().map(Self::Array)
            }
            Some(b'"') => serde_json::from_str(text).map(Self::Text).map_err(|error| syntax(&error)),
            Some(b't') => Ok(Self::Boolean(true)),
            Some(b'f') => Ok(Self::Boolean(false)),
            Some(b'n') => Ok(Self::Null),
            _ => Ok(Self::Number(text.to_owned())),
        }
    }

    /// The member of this name, of an object.
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(member, _)| member == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// A text, number or truth value as text; blank for nothing; `None` for arrays and objects.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Boolean(true) => Some("true"),
            Self::Boolean(false) => Some("false"),
            Self::Null => Some(""),
            Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The value as a source hands it over; `None` for arrays and objects. A number keeps its digits: one with
    /// an exponent is refused, as a floating-point number is.
    pub fn native(&self) -> Option<Native> {
        Some(match self {
            Self::Null => Native::Null,
            Self::Text(text) => Native::Text(text.clone()),
            Self::Boolean(_) => Native::Text(self.text().unwrap_or_default().to_owned()),
            Self::Number(number) if number.contains(['e', 'E']) => Native::Real,
            Self::Number(number) => number.parse().map_or_else(|_| Native::Text(number.clone()), Native::Integer),
            Self::Array(_) | Self::Object(_) => return None,
        })
    }
}

fn syntax(error: &serde_json::Error) -> JsonError {
    JsonError::Syntax { line: error.line(), column: error.column() }
}

/// The members of an object, in their order and with those that are there twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Null => "Null",
            Self::Boolean(_) => "Boolean(hidden)",
            Self::Number(_) => "Number(hidden)",
            Self::Text(_) => "Text(hidden)",
            Self::Array(_) => "Array",
            Self::Object(_) => "Object",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_digits() {
        let json = Json::parse(r#"{"je": 1234.50, "n": 10, "big": 123456789012345678901, "e": 1e3}"#).unwrap();
        let native = |name| json.member(name).and_then(Json::native).unwrap();
        assert!(native("je") == Native::Text("1234.50".into()) && native("n") == Native::Integer(10));
        assert!(native("big") == Native::Text("123456789012345678901".into()) && native("e") == Native::Real);
    }

    #[test]
    fn what_two_readers_could_understand_differently_is_refused() {
        assert_eq!(Json::parse(r#"{"a":1,"b":{"x":1,"x":2}}"#), Err(JsonError::NameTwice));
        assert_eq!(Json::parse(r#"{"a":1,"\u0061":2}"#), Err(JsonError::NameTwice));
        for text in ["", "{", "NaN", "{\"a\":NaN}", "[1,]", "{} {}", "'a'", "<html>", "01", "{\"a\":+1}", "\u{feff}{}"]
        {
            assert!(matches!(Json::parse(text), Err(JsonError::Syntax { .. })), "{text}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(Json::parse(&deep).is_err());
        let allowed = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
        assert!(Json::parse(&allowed).is_ok());
        let deeper = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        assert_eq!(Json::parse(&deeper), Err(JsonError::TooDeep));
    }

    #[test]
    fn what_a_value_holds_is_not_shown() {
        let json = Json::parse(r#"["150000198605021015"]"#).unwrap();
        assert!(!format!("{json:?}").contains("1986"));
    }
}

//! JSON in which no member stands twice: of two values of one name nobody may silently take the last.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::{self, Write as _};

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

use super::id_number::IdNumber;
use super::problem::{Finding, Text};

/// A JSON value whose objects name each member once.
pub struct Unique(pub Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> Visitor<'de> for Values {
            type Value = Value;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON value")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
            }
            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(Value::String(value.to_owned()))
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(Unique(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(Value::Array(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
                let mut object = Map::new();
                while let Some(name) = members.next_key::<String>()? {
                    let Unique(value) = members.next_value()?;
                    if object.insert(name, value).is_some() {
                        return Err(A::Error::custom(TWICE));
                    }
                }
                Ok(Value::Object(object))
            }
        }
        deserializer.deserialize_any(Values).map(Self)
    }
}

/// What the error says for a member that stands twice.
const TWICE: &str = "a member stands twice";
/// A name longer than this, in bytes, is no name of ours: where it stands is told, and not the name.
const LONGEST_NAME: usize = 100;

/// True when an error is about a member that stands twice.
pub fn is_twice(error: &serde_json::Error) -> bool {
    error.is_data() && error.to_string().starts_with(TWICE)
}

/// What is told of the first member of a JSON text that stands twice in one object, with a pointer to it; `None` where each
/// stands once, or where the text is no JSON up to there.
pub fn given_twice(text: &[u8]) -> Option<Finding> {
    let pointer = RefCell::new(String::new());
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let error = Walk(&pointer).deserialize(&mut deserializer).err().filter(is_twice)?;
    let (line, column) = (error.line(), error.column());
    // Names that are none of ours may be anything, a person's number too (P7).
    let pointer = Some(pointer.into_inner()).filter(|pointer| !IdNumber::is_in(pointer)).unwrap_or_default();
    Some(Finding {
        pointer,
        code: "duplicate_member",
        detail: Text::new(
            format!("第 {line} 行第 {column} 列附近：同一对象中成员名重复。每个成员只能出现一次。"),
            format!("near line {line}, column {column}: a member appears twice in one object. Give each member once."),
        ),
    })
}

/// Walks a JSON text and keeps nothing of it but where it is: after an error, where that was.
#[derive(Clone, Copy)]
struct Walk<'a>(&'a RefCell<String>);

impl Walk<'_> {
    fn step(self, step: impl fmt::Display) {
        write!(self.0.borrow_mut(), "/{step}").expect("writing to a string cannot fail");
    }

    /// Goes into a member or an item, and back out unless it breaks off there.
    fn within<T, E>(self, step: impl fmt::Display, walk: impl FnOnce(Self) -> Result<T, E>) -> Result<T, E> {
        let before = self.0.borrow().len();
        self.step(step);
        let walked = walk(self)?;
        self.0.borrow_mut().truncate(before);
        Ok(walked)
    }
}

/// A name as a JSON pointer writes it (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        while self.within(index, |walk| items.next_element_seed(walk))?.is_some() {
            index += 1;
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                if name.len() <= LONGEST_NAME {
                    self.step(escaped(&name));
                }
                return Err(A::Error::custom(TWICE));
            }
            self.within(escaped(&name), |walk| members.next_value_seed(walk))?;
            names.insert(name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(text: &str) -> Option<String> {
        given_twice(text.as_bytes()).map(|finding| finding.pointer)
    }

    #[test]
    fn the_first_member_that_stands_twice_is_pointed_at() {
        for (text, expected) in [
            (r#"{"a":1,"a":2}"#, "/a"),
            (r#"{"a":{"b":[0,{"c":1,"d":2,"c":1}]},"a":2}"#, "/a/b/1/c"),
            (r#"[{"x":1},{"x":1},{"x":[],"x":{}}]"#, "/2/x"),
            (r#"{"a/b~c":1,"a/b~c":2}"#, "/a~1b~0c"),
            (r#"{"":1,"":2}"#, "/"),
            // One name, however it is written.
            ("{\"a\":1,\"\\u0061\":2}", "/a"),
        ] {
            assert_eq!(pointer(text).as_deref(), Some(expected), "{text}");
        }
        for text in [r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}"#, "", "{", "[1,2", r#"{"a":}"#, "nul", "\u{feff}{}"]
        {
            assert_eq!(pointer(text), None, "{text}");
        }
        let long = "n".repeat(LONGEST_NAME + 1);
        assert_eq!(pointer(&format!(r#"{{"a":{{"{long}":1,"{long}":2}}}}"#)).as_deref(), Some("/a"));
        assert_eq!(pointer(r#"{"150000198605021015":{"a":1,"a":2}}"#).as_deref(), Some(""), "a number leaks");
        let deep = "[".repeat(10_000);
        assert_eq!(pointer(&deep), None, "what is too deep is no document either");
    }
}

//! The form of an answer, read.
//!
//! Most of an answer is one short object after another, each with a few texts. Where it is written as adapters write
//! it, without spaces and escapes, it is read by looking for what may stand there; whatever else it holds, it is left
//! to `serde_json`, which knows all of JSON and says where a document is wrong.

use std::borrow::Cow;

use connectors::protocol::ResultStatus;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::json;

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct WireResponse<'a> {
    #[serde(borrow)]
    pub(super) adapter: WireAdapter<'a>,
    #[serde(borrow)]
    pub(super) results: Vec<WireResult<'a>>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct WireAdapter<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) version: Cow<'a, str>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireResult<'a> {
    #[serde(rename = "ref", borrow)]
    pub(super) reference: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) id_number: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) dataset: Cow<'a, str>,
    pub(super) status: ResultStatus,
    #[serde(default, borrow)]
    pub(super) as_of: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) facts: Facts<'a>,
}

/// The facts of a result, JSON, not read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a>(pub(super) &'a str);

impl PartialEq for Facts<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Facts<'_> {}

impl<'de: 'a, 'a> Deserialize<'de> for Facts<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a RawValue>::deserialize(deserializer).map(|facts| Self(facts.get()))
    }
}

/// The answer in a document.
pub(super) fn read(text: &str) -> Result<WireResponse<'_>, serde_json::Error> {
    usual(text).map_or_else(|| serde_json::from_str(text), Ok)
}

/// The answer in a document as adapters write it; `None` for any other, right or wrong.
fn usual(text: &str) -> Option<WireResponse<'_>> {
    let mut rest = Rest(text);
    rest.skip("{\"adapter\":{\"id\":\"")?;
    let id = rest.text()?;
    rest.skip(",\"version\":\"")?;
    let version = rest.text()?;
    rest.skip("},\"results\":[")?;
    let mut results = Vec::with_capacity(32);
    if rest.skip("]").is_none() {
        loop {
            results.push(rest.result()?);
            if rest.skip(",").is_none() {
                rest.skip("]")?;
                break;
            }
        }
    }
    rest.skip("}")?;
    let adapter = WireAdapter { id: Cow::Borrowed(id), version: Cow::Borrowed(version) };
    rest.0.is_empty().then_some(WireResponse { adapter, results })
}

/// What is still to be read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Goes over this text, if it stands here.
    #[inline]
    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// A text without escapes whose first quotation mark was read, to its last one.
    #[inline]
    fn text(&mut self) -> Option<&'a str> {
        let (text, rest) = self.0.split_once('"')?;
        self.0 = rest;
        json::is_plain(text.as_bytes()).then_some(text)
    }

    /// One result, its members in any order, each at most once.
    fn result(&mut self) -> Option<WireResult<'a>> {
        let (mut reference, mut id_number, mut dataset, mut status, mut as_of, mut facts) =
            (None, None, None, None, None, None);
        let mut before = "{";
        loop {
            self.skip(before)?;
            before = ",";
            let is_first = if self.skip("\"ref\":\"").is_some() {
                reference.replace(self.text()?).is_none()
            } else if self.skip("\"dataset\":\"").is_some() {
                dataset.replace(self.text()?).is_none()
            } else if self.skip("\"status\":\"").is_some() {
                status.replace(status_of(self.text()?)?).is_none()
            } else if self.skip("\"facts\":").is_some() {
                facts.replace(self.facts()?).is_none()
            } else if self.skip("\"id_number\":\"").is_some() {
                id_number.replace(self.text()?).is_none()
            } else if self.skip("\"as_of\":\"").is_some() {
                as_of.replace(self.text()?).is_none()
            } else {
                return None;
            };
            if !is_first {
                return None;
            }
            if self.skip("}").is_some() {
                return Some(WireResult {
                    reference: Cow::Borrowed(reference?),
                    id_number: id_number.map(Cow::Borrowed),
                    dataset: Cow::Borrowed(dataset?),
                    status: status?,
                    as_of: as_of.map(Cow::Borrowed),
                    facts: facts?,
                });
            }
        }
    }

    fn facts(&mut self) -> Option<Facts<'a>> {
        if self.skip("[]").is_some() {
            return Some(Facts("[]"));
        }
        let text = self.0;
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        let facts = values.next()?.ok()?;
        self.0 = text.get(values.byte_offset()..)?;
        Some(Facts(facts.get()))
    }
}

fn status_of(name: &str) -> Option<ResultStatus> {
    Some(match name {
        "ok" => ResultStatus::Ok,
        "no_record" => ResultStatus::NoRecord,
        "name_mismatch" => ResultStatus::NameMismatch,
        "error" => ResultStatus::Error,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn answer() -> Value {
        json!({"adapter": {"id": "hrss", "version": "1.0.0"}, "results": [
            {"ref": "m1", "id_number": "1", "dataset": "hrss.pension", "status": "ok", "as_of": "2025-02-28",
             "facts": [{"kind": "[]\"}", "amount": "1.00"}, {}]},
            {"ref": "m2", "dataset": "hrss.pension", "status": "no_record", "facts": []},
            {"ref": "核", "dataset": "hrss.pension", "status": "name_mismatch", "facts": []},
            {"ref": "m3", "dataset": "hrss.pension", "status": "error", "facts": {"a": [null]}},
        ]})
    }

    #[test]
    fn what_adapters_write_is_read_without_serde_and_alike() {
        for text in [answer().to_string(), json!({"adapter": {"id": "", "version": ""}, "results": []}).to_string()] {
            assert_eq!(usual(&text).unwrap(), serde_json::from_str(&text).unwrap(), "{text}");
        }
    }

    #[test]
    fn whatever_is_out_of_the_usual_is_left_to_serde() {
        let usual_text = answer().to_string();
        for (usual_part, odd) in [
            (":[{", ": [{"),
            ("\"m1\"", "\"m\\u0031\""),
            ("\"m1\"", "\"m\u{1}\""),
            ("\"ref\":\"m1\"", "\"ref\":\"m1\",\"ref\":\"m1\""),
            ("\"ref\":\"m1\"", "\"ref\":\"m1\",\"more\":\"m1\""),
            ("\"ref\":\"m1\"", "\"ref\":null"),
            ("\"ref\":\"m1\",", ""),
            ("\"facts\":[],", "\"facts\":[,],"),
            ("\"no_record\"", "\"none\""),
            ("\"version\":\"1.0.0\"", "\"version\":\"1.0.0\",\"more\":1"),
            ("}]}", "}]}}"),
            ("}]}", "},]}"),
        ] {
            assert!(usual_text.contains(usual_part), "{usual_part}");
            assert_eq!(usual(&usual_text.replacen(usual_part, odd, 1)), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn an_answer_with_a_changed_byte_is_never_read_otherwise(at in 0_usize..500, byte in 0_u8..128) {
            let mut bytes = answer().to_string().into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(text) = String::from_utf8(bytes)
                && let Some(read) = usual(&text)
            {
                prop_assert_eq!(read, serde_json::from_str::<WireResponse<'_>>(&text).unwrap());
            }
        }
    }
}

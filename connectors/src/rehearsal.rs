//! Rehearsal (演练): how an adapter behaves when asked about certain synthetic persons.
//!
//! It lets a department and a caller rehearse failure. Only identity numbers with the never-issued
//! prefix `150000` are accepted, so that no real person can be affected.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::Date;
use serde::Deserialize;

use crate::error::{Fault, Faults, Text};
use crate::protocol::Query;
use crate::source::Disturbance;
use crate::synthetic;
use crate::words;

/// What a rehearsed person makes the adapter do. In order of precedence, when a query holds several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Never answers.
    Timeout,
    /// Answers with HTTP 500.
    Error,
    /// Answers with HTTP 429.
    Quota,
    /// Answers with HTTP 403.
    NotAuthorised,
    /// Answers that it knows nothing of this person.
    NoRecord,
}

/// The rehearsed persons, and what goes wrong with everybody who cannot exist.
#[derive(Clone, Default)]
pub struct Rehearsal {
    persons: BTreeMap<String, Behaviour>,
    disturbance: Disturbance,
    asked: Arc<AtomicU64>,
    /// The day on which the rehearsal plays, by which the age of delivered records is judged.
    today: Option<Date>,
}

impl std::fmt::Debug for Rehearsal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Rehearsal({} persons, {:?})", self.persons.len(), self.disturbance)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RehearsalFile {
    #[serde(default)]
    today: Option<Date>,
    behaviours: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id_number: String,
    behaviour: Behaviour,
}

impl Rehearsal {
    /// Reads a rehearsal file.
    pub fn read(file: &Path) -> Result<Self, Faults> {
        let text = std::fs::read_to_string(file).map_err(|cause| {
            let what = Text::new(
                format!("文件无法读取：{}", words::of_system(&cause)),
                format!("the file cannot be read: {cause}"),
            );
            Faults::one(file, fault("rehearsal_unreadable", None, what, Text::new("核对路径", "check the path")))
        })?;
        Self::parse(&text, file)
    }

    /// Checks the text of a rehearsal file.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Faults> {
        let parsed: RehearsalFile = serde_json::from_str(text).map_err(|error| {
            // The message of serde may quote what was written, and that may be an identity number.
            let what = Text::new("不是合乎格式的 JSON", "not JSON of the right form");
            let form = r#"{"behaviours":[{"id_number":"150000…","behaviour":"timeout|error|quota|not_authorised|no_record"}]}"#;
            let mend = Text::new(format!("写成 {form}"), format!("write it as {form}"));
            Faults::one(file, fault("rehearsal_syntax", Some(error.line()), what, mend))
        })?;
        let mut behaviours = BTreeMap::new();
        let mut faults = Vec::new();
        for (index, entry) in parsed.behaviours.into_iter().enumerate() {
            let mut refuse = |code, what: Text, mend: Text| {
                let mut fault = fault(code, None, what, mend);
                fault.place = format!("behaviours[{index}]");
                faults.push(fault);
            };
            if !synthetic::is_synthetic(&entry.id_number) {
                refuse(
                    "rehearsal_real_person",
                    Text::new("不是合成的身份号码", "not a synthetic identity number"),
                    Text::new(
                        "只能演练以 150000 开头的 18 位号码",
                        "only numbers of 18 characters beginning with 150000 can be rehearsed",
                    ),
                );
            } else if behaviours.insert(entry.id_number, entry.behaviour).is_some() {
                refuse(
                    "rehearsal_twice",
                    Text::new("同一个人写了两次", "this person is there twice"),
                    Text::new("留下一条", "keep one entry"),
                );
            }
        }
        if faults.is_empty() {
            Ok(Self { persons: behaviours, today: parsed.today, ..Self::default() })
        } else {
            Err(Faults { file: file.to_owned(), faults })
        }
    }

    /// The same with a disturbance, for every question that is about synthetic persons only.
    #[must_use]
    pub fn disturbed(self, disturbance: Disturbance) -> Self {
        Self { disturbance, ..self }
    }

    /// True when something is rehearsed.
    pub fn is_on(&self) -> bool {
        !self.persons.is_empty() || self.disturbance != Disturbance::default()
    }

    /// Waits as long as is rehearsed; true when the question is then to fail. A question about anybody who could
    /// exist is let through at once.
    pub(crate) async fn strikes(&self, query: &Query) -> bool {
        let synthetic = query.subjects.iter().all(|subject| synthetic::is_synthetic(&subject.id_number));
        if !synthetic || self.disturbance == Disturbance::default() {
            return false;
        }
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.disturbance.latency).await;
        self.disturbance.fails(number)
    }

    /// The day on which the rehearsal plays.
    pub(crate) const fn today(&self) -> Option<Date> {
        self.today
    }

    /// How the whole query is answered, when one of its persons is rehearsed to fail.
    pub(crate) fn of_query(&self, query: &Query) -> Option<Behaviour> {
        let behaviours = query.subjects.iter().filter_map(|subject| self.persons.get(&subject.id_number));
        behaviours.copied().filter(|behaviour| *behaviour != Behaviour::NoRecord).min()
    }

    /// True when nothing is to be known of this person.
    pub(crate) fn hides(&self, id_number: &str) -> bool {
        self.persons.get(id_number) == Some(&Behaviour::NoRecord)
    }
}

fn fault(code: &'static str, line: Option<usize>, what: Text, mend: Text) -> Fault {
    Fault { code, place: "behaviours".to_owned(), line, what, mend }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Rehearsal, Faults> {
        Rehearsal::parse(text, Path::new("rehearsal.json"))
    }

    #[test]
    fn no_real_person_can_be_rehearsed() {
        let text = r#"{"behaviours":[{"id_number":"110101198605021018","behaviour":"error"},
            {"id_number":"150000198605021015","behaviour":"error"},{"id_number":"150000198605021015","behaviour":"quota"}]}"#;
        let faults = parse(text).unwrap_err();
        let codes: Vec<_> = faults.faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, ["rehearsal_real_person", "rehearsal_twice"]);
        assert!(!faults.to_string().contains("198605"), "{faults}");
    }

    #[test]
    fn a_wrong_file_is_not_quoted() {
        let faults = parse(r#"{"behaviours":[{"id_number":"150000198605021015","behaviour":"150000198605021015"}]}"#);
        assert!(!faults.unwrap_err().to_string().contains("198605"));
        assert!(parse(r#"{"behaviours":[],"x":1}"#).is_err());
    }
}

//! Texts in Chinese and English, and faults: what is wrong in a file, where, and how to mend it.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One sentence in Chinese and in English.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// 中文.
    pub zh: String,
    /// English.
    pub en: String,
}

/// The language a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// 中文.
    Zh,
    /// English.
    En,
}

impl Text {
    /// A sentence in both languages.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// The same words in both languages: a name, a code, what somebody else wrote.
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { zh: text.clone(), en: text }
    }

    /// The sentence after the name of what it is about.
    #[must_use]
    pub fn about(self, what: &str) -> Self {
        Self { zh: format!("{what}：{}", self.zh), en: format!("{what}: {}", self.en) }
    }

    /// The sentence in one language.
    pub fn pick(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// One fault of a file: a stable code, the place, what is wrong and what mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Stable code, such as `target_unknown`.
    pub code: &'static str,
    /// Where in the file, such as `dataset hrss.pension, map.amount`.
    pub place: String,
    /// Line of the file, from 1, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong.
    pub what: Text,
    /// What mends it.
    pub mend: Text,
}

impl Fault {
    /// The fault as a line and an indented line of advice.
    pub fn render(&self, lang: Lang) -> String {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        let arrow = match lang {
            Lang::Zh => "修改",
            Lang::En => "to mend it",
        };
        format!("{}{line} [{}] {}\n    {arrow}: {}", self.place, self.code, self.what.pick(lang), self.mend.pick(lang))
    }
}

/// A file with all the faults that were found in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// The file.
    pub file: PathBuf,
    /// Its faults, at least one, in the order of the file.
    pub faults: Vec<Fault>,
}

impl Faults {
    /// One fault of one file.
    pub fn one(file: impl Into<PathBuf>, fault: Fault) -> Self {
        Self { file: file.into(), faults: vec![fault] }
    }

    /// All faults, one after the other.
    pub fn render(&self, lang: Lang) -> String {
        let head = match lang {
            Lang::Zh => format!("{}：{} 处错误", self.file.display(), self.faults.len()),
            Lang::En => format!("{}: {} fault(s)", self.file.display(), self.faults.len()),
        };
        self.faults.iter().fold(head, |mut text, fault| {
            text.push_str("\n  ");
            text.push_str(&fault.render(lang));
            text
        })
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(Lang::En))
    }
}

impl std::error::Error for Faults {}

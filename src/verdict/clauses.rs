//! What the clauses say: title, wording, how sure we are of it, and where the document is (`schemas/clauses.toml`).
//!
//! The rules cite clauses by id ([`super::reasons::clause`]); the texts that people read resolve the ids here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::trace::Node;
use crate::domain::problem::Text;

/// How sure we are of a clause's wording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// The text of the law was read in full.
    Law,
    /// The words were seen in a copy or a summary, not at the source.
    Copy,
    /// The number of the article or the wording is to be checked before anybody relies on it.
    Memory,
    /// Each place has its own; its pack names the source.
    Local,
    /// No document: a decision of this system.
    Design,
}

impl Strength {
    /// In words.
    pub fn text(self) -> Text {
        let (zh, en) = match self {
            Self::Law => ("法律文本", "text of the law"),
            Self::Copy => ("据转载或摘要，使用前请核对原文", "from a copy or summary; check the original before use"),
            Self::Memory => ("条号或措辞待核实", "number or wording to be verified"),
            Self::Local => ("当地规定，来源见政策包", "rule of the place; its source stands in the pack"),
            Self::Design => ("平台设计，非法律条文", "design of the hub, not a law"),
        };
        Text::new(zh, en)
    }
}

/// A document that clauses are of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Its short id: the part of a clause's id before `#` or `-S`.
    pub id: String,
    /// Its title; the English one is a translation.
    pub title: Text,
    /// Document number and dates, as published.
    pub number: String,
    /// Who issued it.
    pub issuer: Text,
    /// Where to look for it.
    #[serde(rename = "where")]
    pub found_at: Text,
    /// Its address at a public source, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Document {
    /// Its title as it is cited: `《社会救助暂行办法》`.
    pub fn cited(&self) -> Text {
        let zh = if self.title.zh.contains('《') { self.title.zh.clone() } else { format!("《{}》", self.title.zh) };
        Text::new(zh, self.title.en.clone())
    }

    /// Its address, or where to look for it.
    pub fn place(&self) -> Text {
        self.url.clone().map_or_else(|| self.found_at.clone(), |url| Text::new(url.clone(), url))
    }
}

/// A clause as the file holds it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    document: String,
    #[serde(default)]
    article: Option<Text>,
    title: Text,
    #[serde(default)]
    quote: Option<String>,
    #[serde(default)]
    summary: Option<Text>,
    strength: Strength,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClauseFile {
    document: Vec<Document>,
    clause: Vec<Row>,
}

/// What a clause says and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClauseText {
    /// Its id: `SC649#9`.
    pub id: String,
    /// What it is about.
    pub title: Text,
    /// Its place in the document, where that has numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub article: Option<Text>,
    /// The words of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// What it comes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text>,
    /// How sure we are of its wording.
    pub strength: Strength,
    /// The document.
    pub document: Document,
}

impl ClauseText {
    /// As a person would cite it: `《社会救助暂行办法》第九条`. Rules of the place and of this system have no document
    /// of their own, and are cited by what they are about.
    pub fn citation(&self) -> Text {
        if matches!(self.strength, Strength::Local | Strength::Design) {
            return self.title.clone();
        }
        let title = self.document.cited();
        match &self.article {
            Some(article) => Text::new(format!("{}{}", title.zh, article.zh), format!("{}, {}", title.en, article.en)),
            None => {
                Text::new(format!("{}（{}）", title.zh, self.title.zh), format!("{} ({})", title.en, self.title.en))
            }
        }
    }

    /// What stands after a citation that does not say it itself: `：最低生活保障的条件`.
    pub fn about(&self) -> Text {
        if self.article.is_none() || matches!(self.strength, Strength::Local | Strength::Design) {
            return Text::new("", "");
        }
        Text::new(format!("：{}", self.title.zh), format!(": {}", self.title.en))
    }
}

/// Why a file of clauses cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClausesError {
    /// Not TOML of the right form.
    #[error("clauses: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A clause of a document that is not listed.
    #[error("clauses: `{clause}` is of document `{document}`, which is not listed: add the document")]
    Orphan {
        /// The clause.
        clause: String,
        /// Its document.
        document: String,
    },
    /// Two entries with one id.
    #[error("clauses: `{0}` is listed twice")]
    Twice(String),
    /// Neither quote nor summary.
    #[error("clauses: `{0}` says nothing: give it a quote or a summary")]
    Empty(String),
}

/// All clauses, by id.
#[derive(Debug, Clone)]
pub struct Clauses(BTreeMap<String, ClauseText>);

impl Clauses {
    /// The clauses shipped with the hub.
    pub fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<Clauses> = LazyLock::new(|| {
            Clauses::parse(include_str!("../../schemas/clauses.toml")).expect("a test parses the shipped clauses")
        });
        &SHIPPED
    }

    /// Parses and checks a file of clauses.
    pub fn parse(text: &str) -> Result<Self, ClausesError> {
        let file: ClauseFile = toml::from_str(text)?;
        let mut clauses = BTreeMap::new();
        for row in file.clause {
            let document = file.document.iter().find(|document| document.id == row.document);
            let Some(document) = document.cloned() else {
                return Err(ClausesError::Orphan { clause: row.id, document: row.document });
            };
            if row.quote.is_none() && row.summary.is_none() {
                return Err(ClausesError::Empty(row.id));
            }
            if clauses.contains_key(&row.id) {
                return Err(ClausesError::Twice(row.id));
            }
            let Row { id, article, title, quote, summary, strength, .. } = row;
            let clause = ClauseText { id: id.clone(), title, article, quote, summary, strength, document };
            clauses.insert(id, clause);
        }
        Ok(Self(clauses))
    }

    /// What a clause says; `None` for an id that is not listed.
    pub fn get(&self, id: &str) -> Option<&ClauseText> {
        self.0.get(id)
    }

    /// The clauses that a tree of reasons cites, each once, in the order in which they are met.
    pub fn cited_by(&self, root: Node<'_>) -> Vec<&ClauseText> {
        let mut cited: Vec<&ClauseText> = Vec::new();
        for node in root.walk() {
            for clause in node.clauses().iter().filter_map(|id| self.get(id)) {
                if !cited.iter().any(|known| known.id == clause.id) {
                    cited.push(clause);
                }
            }
        }
        cited
    }
}

#[cfg(test)]
mod tests {
    use super::super::reasons::clause;
    use super::*;

    #[test]
    fn every_clause_a_rule_can_cite_has_its_text_and_no_text_is_idle() {
        let clauses = Clauses::shipped();
        for id in clause::ALL {
            let text = clauses.get(id).unwrap_or_else(|| panic!("schemas/clauses.toml has no {id}"));
            assert!(!text.title.zh.is_empty() && !text.title.en.is_empty(), "{id}");
            assert!(id.starts_with(&text.document.id), "{id} is of {}", text.document.id);
        }
        for id in clauses.0.keys() {
            assert!(clause::ALL.contains(&id.as_str()), "{id} is cited by no rule: remove it or cite it");
        }
    }

    #[test]
    fn only_the_law_is_quoted_as_law_and_addresses_are_of_public_sources() {
        for text in Clauses::shipped().0.values() {
            if text.strength == Strength::Law {
                assert!(text.quote.is_some(), "{} claims the text of the law without quoting it", text.id);
            }
            if let Some(url) = &text.document.url {
                assert!(url.starts_with("https://") && url.contains(".gov.cn/"), "{}: {url}", text.id);
            }
            assert!(!text.document.number.is_empty(), "{}", text.id);
        }
    }

    #[test]
    fn a_citation_names_document_and_article() {
        let clauses = Clauses::shipped();
        let dibao = clauses.get("SC649#9").unwrap().citation();
        assert_eq!(dibao.zh, "《社会救助暂行办法》第九条");
        assert_eq!(dibao.en, "Interim Measures for Social Assistance, article 9");
        let seed = clauses.get("SEED-S13").unwrap().citation();
        assert_eq!(seed.zh, "自治区《关于进一步改革完善社会救助制度的实施意见》（刚性支出困难家庭）");
    }

    #[test]
    fn a_wrong_file_is_named() {
        let document = "[[document]]\nid = \"D\"\ntitle = { zh = \"甲\", en = \"A\" }\nnumber = \"1\"\nissuer = { zh = \"甲\", en = \"A\" }\nwhere = { zh = \"甲\", en = \"A\" }\n";
        let clause = |id: &str, of: &str, more: &str| {
            format!(
                "[[clause]]\nid = \"{id}\"\ndocument = \"{of}\"\ntitle = {{ zh = \"甲\", en = \"A\" }}\nstrength = \"copy\"\n{more}\n"
            )
        };
        let error = |text: String| Clauses::parse(&text).unwrap_err().to_string();
        assert!(
            error(format!("{document}{}", clause("D#1", "E", "quote = \"x\""))).contains("`E`, which is not listed")
        );
        assert!(error(format!("{document}{}", clause("D#1", "D", ""))).contains("says nothing"));
        let twice = format!("{document}{0}{0}", clause("D#1", "D", "quote = \"x\""));
        assert!(error(twice).contains("`D#1` is listed twice"));
        assert!(error(format!("{document}{}", clause("D#1", "D", "colour = \"x\""))).contains("colour"));
    }
}

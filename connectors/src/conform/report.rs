//! The conformance report: what was required, what came of it, and one sentence for a manager.
//!
//! The form is small and does not change under a version: a hub's registry reads it, and so may anybody
//! (`schemas/conformance-report.json`). It holds whole numbers and texts only, so that its canonical JSON is
//! the same everywhere.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::requirement::{self, Requirement};
use crate::error::{Lang, Text};

/// The version of the form.
pub const SCHEMA: &str = "hedui.conformance/2";

/// The highest level that a command can show. Level 5 is measured by the hub, in shadow.
pub const HIGHEST: u8 = 4;

/// A conformance report, without its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// Whose adapter it is.
    pub adapter: Subject,
    /// SHA-256 of the connector file, in small hexadecimal digits.
    pub connector_sha256: String,
    /// The program that made the report, with its version.
    pub program: String,
    /// When it was made, to the second.
    pub made_at: Timestamp,
    /// Where the running adapter is that was asked, `https://host[:port]`; absent when the command started its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// SHA-256 of the public key (SPKI) of the certificate that it showed, in small hexadecimal digits; absent when the command
    /// started its own, or could not see one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_key: Option<String>,
    /// The level that was asked for, 0 to 4.
    pub asked_level: u8,
    /// The level that is reached; absent when not even level 0 is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// How many requirements came to what.
    pub counts: Counts,
    /// One sentence that a manager can read.
    pub summary: Text,
    /// Each requirement of the levels asked for, in their order.
    pub results: Vec<RequirementResult>,
}

/// Whose adapter a report is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The department's id.
    pub id: String,
    /// Version of its connector file.
    pub version: String,
    /// Its name.
    pub name: Text,
}

/// How many requirements came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Met.
    pub pass: u32,
    /// Do not apply to this connector.
    pub skip: u32,
    /// Not met.
    pub fail: u32,
    /// Could not be tried.
    pub error: u32,
}

/// What came of a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is met.
    Pass,
    /// It does not apply to this connector; the reason is told.
    Skip,
    /// It is not met.
    Fail,
    /// It could not be tried.
    Error,
}

/// A requirement with what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequirementResult {
    /// Its number, such as `L2-03`.
    pub id: String,
    /// Its level.
    pub level: u8,
    /// What it requires.
    pub title: Text,
    /// What came of it.
    pub outcome: Outcome,
    /// What was seen.
    pub what: Text,
    /// What mends it, where it is not met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Text>,
    /// What was asked and answered, masked and cut short.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
}

/// A question to the adapter and its answer, as they may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Method, path and body.
    pub request: String,
    /// Status and body, or why there was none.
    pub response: String,
    /// From the first byte of the question to the last of the answer.
    pub milliseconds: u64,
}

/// What was seen of one requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) id: &'static str,
    pub(super) outcome: Outcome,
    pub(super) what: Text,
    pub(super) fix: Option<Text>,
    pub(super) exchanges: Vec<Exchange>,
}

/// Exchanges that are kept of one requirement.
const MAX_EXCHANGES: usize = 4;

impl Finding {
    pub(super) const fn new(id: &'static str, outcome: Outcome, what: Text) -> Self {
        Self { id, outcome, what, fix: None, exchanges: Vec::new() }
    }

    pub(super) const fn pass(id: &'static str, what: Text) -> Self {
        Self::new(id, Outcome::Pass, what)
    }

    pub(super) const fn skip(id: &'static str, why: Text) -> Self {
        Self::new(id, Outcome::Skip, why)
    }

    pub(super) const fn fail(id: &'static str, what: Text) -> Self {
        Self::new(id, Outcome::Fail, what)
    }

    pub(super) const fn error(id: &'static str, what: Text) -> Self {
        Self::new(id, Outcome::Error, what)
    }

    /// Nothing could be tried before another requirement is met.
    pub(super) fn after(id: &'static str, before: &str, what: Text) -> Self {
        Self::error(id, what).mended_by(Text::new(format!("先满足 {before}"), format!("first meet {before}")))
    }

    pub(super) fn mended_by(mut self, fix: Text) -> Self {
        self.fix = Some(fix);
        self
    }

    /// Says besides how it was tried.
    pub(super) fn noting(mut self, note: &Text) -> Self {
        self.what = Text::new(format!("{}；{}", self.what.zh, note.zh), format!("{}; {}", self.what.en, note.en));
        self
    }

    pub(super) fn shown(mut self, exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        self.exchanges.extend(exchanges);
        self.exchanges.truncate(MAX_EXCHANGES);
        self
    }

    fn told(self, requirement: &Requirement) -> RequirementResult {
        let unmet = matches!(self.outcome, Outcome::Fail | Outcome::Error);
        RequirementResult {
            id: requirement.id.clone(),
            level: requirement.level,
            title: requirement.title.clone(),
            outcome: self.outcome,
            what: self.what,
            fix: unmet.then(|| self.fix.unwrap_or_else(|| requirement.fix.clone())),
            exchanges: self.exchanges,
        }
    }
}

impl Outcome {
    /// True when it stands in the way of a level.
    pub const fn blocks(self) -> bool {
        matches!(self, Self::Fail | Self::Error)
    }

    /// Its name for people.
    pub fn text(self) -> Text {
        let (zh, en) = match self {
            Self::Pass => ("通过", "pass"),
            Self::Skip => ("不适用", "skip"),
            Self::Fail => ("未通过", "fail"),
            Self::Error => ("没能试成", "error"),
        };
        Text::new(zh, en)
    }
}

/// What a level is called.
pub fn level_name(level: u8) -> Text {
    let (zh, en) = match level {
        0 => ("可达", "reachable"),
        1 => ("合形", "shaped"),
        2 => ("合义", "meaning"),
        3 => ("耐故障", "resilient"),
        4 => ("守私", "private"),
        _ => ("持续", "sustained"),
    };
    Text::new(zh, en)
}

/// What a report is made of, beside its findings.
pub(super) struct Head {
    pub(super) adapter: Subject,
    pub(super) connector_sha256: String,
    pub(super) against: Option<String>,
    pub(super) certificate_key: Option<String>,
    pub(super) asked_level: u8,
    pub(super) made_at: Timestamp,
}

/// The report of what was found. A requirement nobody looked at is an `error`, so that none can be left out.
pub(super) fn report(head: Head, findings: Vec<Finding>) -> Report {
    let mut findings: Vec<Option<Finding>> = findings.into_iter().map(Some).collect();
    let asked = requirement::all().iter().filter(|requirement| requirement.level <= head.asked_level);
    let results: Vec<RequirementResult> = asked
        .map(|requirement| {
            let found =
                findings.iter_mut().find(|found| found.as_ref().is_some_and(|found| found.id == requirement.id));
            let found = found.and_then(Option::take);
            found.unwrap_or_else(|| Finding::error("", Text::new("没有试", "it was not tried"))).told(requirement)
        })
        .collect();
    let mut counts = Counts::default();
    for result in &results {
        *match result.outcome {
            Outcome::Pass => &mut counts.pass,
            Outcome::Skip => &mut counts.skip,
            Outcome::Fail => &mut counts.fail,
            Outcome::Error => &mut counts.error,
        } += 1;
    }
    let level = reached(&results, head.asked_level);
    let summary = summary(&head.adapter.name, level, head.asked_level, &results);
    Report {
        schema: SCHEMA.to_owned(),
        adapter: head.adapter,
        connector_sha256: head.connector_sha256,
        program: format!("hedui-adapter {}", env!("CARGO_PKG_VERSION")),
        made_at: head.made_at,
        against: head.against,
        certificate_key: head.certificate_key,
        asked_level: head.asked_level,
        level,
        counts,
        summary,
        results,
    }
}

/// The highest level of which, and of all below which, nothing stands in the way.
fn reached(results: &[RequirementResult], asked: u8) -> Option<u8> {
    let blocked = results.iter().filter(|result| result.outcome.blocks()).map(|result| result.level).min();
    match blocked {
        None => Some(asked),
        Some(level) => level.checked_sub(1),
    }
}

/// One sentence: the level that is reached, and what the next one lacks.
fn summary(name: &Text, level: Option<u8>, asked: u8, results: &[RequirementResult]) -> Text {
    let shown = |level: u8, lang| format!("L{level}（{}）", level_name(level).pick(lang));
    let reached = match level {
        Some(level) => Text::new(
            format!("{}的适配器达到 {}", name.zh, shown(level, Lang::Zh)),
            format!("the adapter of {} reaches L{level} ({})", name.en, level_name(level).en),
        ),
        None => Text::new(
            format!("{}的适配器还没有达到 {}", name.zh, shown(0, Lang::Zh)),
            format!("the adapter of {} does not reach L0 ({}) yet", name.en, level_name(0).en),
        ),
    };
    let next = level.map_or(0, |level| level + 1);
    let lacking: Vec<&RequirementResult> =
        results.iter().filter(|result| result.level == next && result.outcome.blocks()).collect();
    let rest = if let Some(first) = lacking.first() {
        let count = lacking.len();
        let fix = first.fix.clone().unwrap_or_else(|| first.what.clone());
        let (which_zh, which_en) = if count == 1 { ("", "") } else { ("先是 ", "first ") };
        let (to_zh, to_en) = match level {
            Some(_) => (format!("距离 {}", shown(next, Lang::Zh)), format!(" of L{next} ({})", level_name(next).en)),
            None => Default::default(),
        };
        let end = |text: &str| text.trim_end_matches(['。', '.']).to_owned();
        let (id, title) = (&first.id, &first.title);
        Text::new(
            format!("；{to_zh}差 {count} 项：{which_zh}{id} {}（修复：{}）", end(&title.zh), end(&fix.zh)),
            format!(
                "; {count} requirement(s) short{to_en}: {which_en}{id} {} (to mend it: {})",
                end(&title.en),
                end(&fix.en)
            ),
        )
    } else if asked < HIGHEST {
        let above = asked + 1;
        Text::new(
            format!("，所查的要求全部满足；L{above} 以上没有查"),
            format!(", with every requirement that was looked at; L{above} and above were not looked at"),
        )
    } else {
        Text::new("，全部要求都满足；可进入影子运行", ", with every requirement met; it may run in shadow")
    };
    Text::new(format!("{}{}。", reached.zh, rest.zh), format!("{}{}.", reached.en, rest.en))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(asked_level: u8) -> Head {
        Head {
            adapter: Subject {
                id: "housing".to_owned(),
                version: "1".to_owned(),
                name: Text::new("住房和城乡建设局", "Housing bureau"),
            },
            connector_sha256: String::new(),
            against: None,
            certificate_key: None,
            asked_level,
            made_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn found(asked: u8, failing: &[&str]) -> Report {
        let findings = requirement::all().iter().map(|requirement| {
            let text = Text::same("seen");
            let id: &'static str = Box::leak(requirement.id.clone().into_boxed_str());
            if failing.contains(&id) { Finding::fail(id, text) } else { Finding::pass(id, text) }
        });
        report(head(asked), findings.collect())
    }

    #[test]
    fn a_level_is_reached_when_nothing_at_or_below_it_stands_in_the_way() {
        assert_eq!(found(4, &[]).level, Some(4));
        assert_eq!(found(2, &[]).level, Some(2));
        assert_eq!(found(4, &["L4-02"]).level, Some(3));
        assert_eq!(found(4, &["L1-01", "L4-02"]).level, Some(0));
        assert_eq!(found(4, &["L0-01"]).level, None);
    }

    #[test]
    fn the_sentence_says_what_is_reached_what_is_lacking_and_what_mends_it() {
        let text = found(4, &["L3-02"]).summary;
        assert!(
            text.zh.starts_with("住房和城乡建设局的适配器达到 L2（合义）；距离 L3（耐故障）差 1 项：L3-02 "),
            "{}",
            text.zh
        );
        assert!(text.zh.contains("（修复：") && text.zh.ends_with("）。"), "{}", text.zh);
        assert!(
            text.en.contains("reaches L2 (meaning); 1 requirement(s) short of L3") && text.en.contains("to mend it: ")
        );
        assert!(found(4, &["L0-01", "L0-02"]).summary.zh.contains("差 2 项：先是 L0-01"));
        assert!(found(2, &[]).summary.en.contains("L3 and above were not looked at"));
    }

    #[test]
    fn a_requirement_that_nobody_looked_at_stands_in_the_way() {
        let report = report(head(1), Vec::new());
        assert_eq!((report.level, report.counts.pass, report.counts.error > 5), (None, 0, true));
    }
}

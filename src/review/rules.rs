//! The rules as data: `config/alert-rules.toml`, read and checked. Nothing has a default; every fault is named with
//! its key and line.

mod form;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::calendar::Calendars;
use crate::domain::problem::Text;
use form::Setting;
pub use form::{Fault, Parameter, Shape, parameters};

/// The rules that are shipped.
const SHIPPED: &str = include_str!("../../config/alert-rules.toml");

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[expect(missing_docs, reason = "each is named by `RuleId::name`")]
pub enum RuleId {
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    R16,
}

impl RuleId {
    /// All, in their order.
    pub const ALL: [Self; 16] = [
        Self::R1,
        Self::R2,
        Self::R3,
        Self::R4,
        Self::R5,
        Self::R6,
        Self::R7,
        Self::R8,
        Self::R9,
        Self::R10,
        Self::R11,
        Self::R12,
        Self::R13,
        Self::R14,
        Self::R15,
        Self::R16,
    ];

    /// Its name in files and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::R3 => "R3",
            Self::R4 => "R4",
            Self::R5 => "R5",
            Self::R6 => "R6",
            Self::R7 => "R7",
            Self::R8 => "R8",
            Self::R9 => "R9",
            Self::R10 => "R10",
            Self::R11 => "R11",
            Self::R12 => "R12",
            Self::R13 => "R13",
            Self::R14 => "R14",
            Self::R15 => "R15",
            Self::R16 => "R16",
        }
    }

    /// The rule of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text)
    }

    /// What it is called, in Chinese and in English.
    pub const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::R1 => ("无案件查询", "no case"),
            Self::R2 => ("查询本人或同事", "self or colleague"),
            Self::R3 => ("查询亲属", "family"),
            Self::R4 => ("查询邻里", "neighbour"),
            Self::R5 => ("重点关注人员", "watch list"),
            Self::R6 => ("先行查询（破窗）", "break-glass"),
            Self::R7 => ("查询量异常", "volume"),
            Self::R8 => ("非工作时间查询", "off-hours"),
            Self::R9 => ("异地查询", "unusual region"),
            Self::R10 => ("反复查询同一人", "repeated subject"),
            Self::R11 => ("枚举试探", "enumeration"),
            Self::R12 => ("会话异常", "session oddities"),
            Self::R13 => ("查而不办", "result, then nothing"),
            Self::R14 => ("多规则命中", "many rules, one person"),
            Self::R15 => ("日志健康", "log health"),
            Self::R16 => ("审查流于形式", "reviewer drift"),
        }
    }
}

/// How much an alert matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Raises others.
    Low,
    /// To be looked at.
    Medium,
    /// To be looked at first; letting it go needs two officers.
    High,
    /// At once; letting it go needs two officers.
    Critical,
}

impl Severity {
    /// All, the least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its name in files and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == text)
    }

    /// Whether two officers must agree to let it go.
    pub const fn needs_four_eyes(self) -> bool {
        matches!(self, Self::High | Self::Critical)
    }
}

/// What reviewers can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// How many reviewers there are.
    pub reviewers: u64,
    /// How many alerts each can close in a day.
    pub alerts_per_reviewer_and_day: u64,
}

impl Budget {
    /// How many alerts all can close in a day.
    pub const fn a_day(self) -> u64 {
        self.reviewers.saturating_mul(self.alerts_per_reviewer_and_day)
    }
}

/// A set of rules that is whole and sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// In which days and hours are counted, and which are worked.
    pub calendars: Calendars,
    /// What reviewers can carry.
    pub budget: Budget,
    settings: BTreeMap<(RuleId, &'static str), Setting>,
}

impl Rules {
    /// The shipped rules.
    pub fn shipped() -> Self {
        Self::parse(SHIPPED).expect("a test reads the shipped rules")
    }

    /// Reads rules; every fault is named, not only the first.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        form::read(text)
    }

    /// Whether a rule is on.
    pub fn is_on(&self, rule: RuleId) -> bool {
        matches!(self.setting(rule, "on"), Setting::Flag(true))
    }

    /// How much its alerts matter.
    pub fn severity(&self, rule: RuleId) -> Severity {
        match self.setting(rule, "severity") {
            Setting::Severity(severity) => *severity,
            _ => Severity::Medium,
        }
    }

    /// What one of its alerts scores, 0 to 100.
    pub fn score(&self, rule: RuleId) -> u64 {
        self.count(rule, "score")
    }

    /// A parameter that is a number.
    pub fn count(&self, rule: RuleId, name: &'static str) -> u64 {
        match self.setting(rule, name) {
            Setting::Count(count) => *count,
            _ => 0,
        }
    }

    /// A parameter that is a duration.
    pub fn duration(&self, rule: RuleId, name: &'static str) -> SignedDuration {
        match self.setting(rule, name) {
            Setting::Duration(duration) => *duration,
            _ => SignedDuration::ZERO,
        }
    }

    /// A parameter that is a list of texts.
    pub fn texts(&self, rule: RuleId, name: &'static str) -> &[String] {
        match self.setting(rule, name) {
            Setting::Texts(texts) => texts,
            _ => &[],
        }
    }

    /// How far back any rule looks: an evaluator that starts later knows less than one that did not.
    pub fn longest_memory(&self) -> SignedDuration {
        let durations = self.settings.values().filter_map(|setting| match setting {
            Setting::Duration(duration) => Some(*duration),
            _ => None,
        });
        durations.max().unwrap_or(SignedDuration::ZERO)
    }

    /// INVARIANT: [`form::read`] gives every rule all its parameters, each of its shape.
    fn setting(&self, rule: RuleId, name: &'static str) -> &Setting {
        self.settings.get(&(rule, name)).unwrap_or(&Setting::Flag(false))
    }
}

/// A rule's name as a text of both languages, with its id.
pub fn titled(rule: RuleId) -> Text {
    let (zh, en) = rule.name();
    Text::new(format!("{} {zh}", rule.as_str()), format!("{} {en}", rule.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault_of(find: &str, instead: &str) -> Fault {
        assert!(SHIPPED.contains(find), "{find}");
        let mut faults = Rules::parse(&SHIPPED.replacen(find, instead, 1)).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults.remove(0)
    }

    #[test]
    fn the_shipped_rules_are_whole() {
        let rules = Rules::shipped();
        assert!(RuleId::ALL.into_iter().all(|rule| rules.is_on(rule) && rules.score(rule) > 0));
        assert_eq!(rules.duration(RuleId::R7, "history"), SignedDuration::from_hours(28 * 24));
        assert_eq!(rules.longest_memory(), SignedDuration::from_hours(90 * 24));
        assert_eq!(rules.budget.a_day(), 300);
        assert!(rules.severity(RuleId::R2).needs_four_eyes() && !rules.severity(RuleId::R4).needs_four_eyes());
    }

    #[test]
    fn every_fault_is_named_with_its_key_and_line() {
        let line = |find: &str| SHIPPED.lines().position(|line| line.starts_with(find)).unwrap() + 1;
        for (find, instead, code, key) in [
            ("misses = 10", "misses = 0", "out_of_range", "rules.R11.misses"),
            ("misses = 10", "misses = \"ten\"", "wrong_type", "rules.R11.misses"),
            ("misses = 10", "mises = 10", "unknown_key", "rules.R11.mises"),
            ("window = \"10m\"", "window = \"10 minutes\"", "wrong_type", "rules.R11.window"),
            ("witness_silent = \"5m\"", "witness_silent = \"0s\"", "out_of_range", "rules.R15.witness_silent"),
            ("severity = \"low\"", "severity = \"mild\"", "wrong_type", "rules.R4.severity"),
            ("utc_offset = \"+08:00\"", "utc_offset = \"8\"", "wrong_type", "time.utc_offset"),
            ("from = \"07:30\"", "from = \"25:30\"", "wrong_type", "calendar.from"),
            ("to = \"19:30\"", "to = \"07:00\"", "out_of_range", "calendar.to"),
            ("version = 1", "version = 2", "out_of_range", "version"),
        ] {
            let mut faults = Rules::parse(&SHIPPED.replacen(find, instead, 1)).unwrap_err();
            faults.retain(|fault| fault.code != "missing_key");
            let [fault] = faults.as_slice() else { panic!("{instead}: {faults:?}") };
            assert_eq!((fault.code, fault.key.as_str()), (code, key), "{fault:?}");
            let shown = find.split(' ').next().unwrap();
            assert!(fault.line > 0 && SHIPPED.lines().nth(fault.line - 1).unwrap().starts_with(shown), "{fault:?}");
            assert!(!fault.detail.zh.is_empty() && !fault.detail.en.is_empty());
        }
        let missing = fault_of("misses = 10", "");
        assert_eq!(
            (missing.code, missing.key.as_str(), missing.line),
            ("missing_key", "rules.R11.misses", line("[rules.R11]"))
        );
        let faults = Rules::parse(&SHIPPED.replacen("[budget]", "[budgets]", 1)).unwrap_err();
        let told: Vec<_> = faults.iter().map(|fault| (fault.code, fault.key.as_str())).collect();
        assert_eq!(told, [("missing_key", "budget"), ("unknown_key", "budgets")]);
    }

    #[test]
    fn garbage_is_a_fault_and_no_panic() {
        for text in [
            "",
            "x",
            "rules = 1",
            "[rules]\nR1 = 1",
            "calendar = []",
            "version = 1\n[rules.R17]",
            "\u{0}",
            "[[rules.R1]]",
        ] {
            assert!(!Rules::parse(text).unwrap_err().is_empty(), "{text}");
        }
    }
}

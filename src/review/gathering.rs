//! Findings gathered into alerts: one for one rule, actor and window, not one an entry.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::{EntryRef, Who};
use super::finding::{Arithmetic, Finding};
use super::rules::{RuleId, Severity};
use crate::domain::division::DivisionCode;
use crate::domain::hex::hex;
use crate::domain::problem::Text;

/// Most entries that one alert names; what is found besides is counted.
pub const MOST_ENTRIES: usize = 200;

/// What an alert says: everything but its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Alert {
    /// Its id: made from rule, actor, window and number, so that what is found again is the same alert.
    pub id: String,
    /// The rule.
    pub rule: RuleId,
    /// How much it matters.
    pub severity: Severity,
    /// 0 to 100; alerts are ranked by it.
    pub score: u64,
    /// About whom; absent where it is about the log itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
    /// The window whose findings it gathers: a day, a verification, a person.
    pub window: String,
    /// How many alerts of this rule, actor and window were closed before it.
    pub number: u32,
    /// The division it is a matter of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub division: Option<DivisionCode>,
    /// When the first of it was found.
    #[schema(value_type = String, format = DateTime)]
    pub raised_at: Timestamp,
    /// When the last of it was found.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Until when it must be looked at, where its rule says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Timestamp>,
    /// Why, in words.
    pub words: Text,
    /// The arithmetic, of the newest finding.
    pub arithmetic: Arithmetic,
    /// How many findings it gathers.
    pub findings: u64,
    /// The evidence, in the order of the log; the first 200 entries.
    pub entries: Vec<EntryRef>,
}

/// The key of an alert: findings with the same one belong together.
pub fn key(finding: &Finding) -> String {
    let who = finding.who.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{}|{who}|{}", finding.rule.as_str(), finding.window)
}

impl Alert {
    /// The alert of a finding after `number` closed ones of the same key.
    pub fn of(finding: Finding, number: u32) -> Self {
        let named = format!("{}|{number}", key(&finding));
        let digest = hex(digest(&SHA256, named.as_bytes()).as_ref());
        let mut alert = Self {
            id: format!("al_{}", digest.get(..32).unwrap_or_default()),
            rule: finding.rule,
            severity: finding.severity,
            score: finding.score,
            who: finding.who,
            window: finding.window,
            number,
            division: finding.division,
            raised_at: finding.at,
            updated_at: finding.at,
            due_at: finding.due_at,
            words: finding.words,
            arithmetic: finding.arithmetic,
            findings: 1,
            entries: Vec::new(),
        };
        alert.take(finding.entries);
        alert
    }

    /// Takes a further finding of the same key in. The words and the arithmetic are those of the newest.
    pub fn gather(&mut self, finding: Finding) {
        self.score = self.score.max(finding.score);
        self.severity = self.severity.max(finding.severity);
        self.updated_at = self.updated_at.max(finding.at);
        self.due_at = [self.due_at, finding.due_at].into_iter().flatten().min();
        (self.words, self.arithmetic) = (finding.words, finding.arithmetic);
        self.findings += 1;
        self.take(finding.entries);
    }

    fn take(&mut self, entries: Vec<EntryRef>) {
        for entry in entries {
            if self.entries.len() >= MOST_ENTRIES {
                return;
            }
            if let Err(at) = self.entries.binary_search(&entry) {
                self.entries.insert(at, entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(window: &str, score: u64, index: u64) -> Finding {
        Finding {
            rule: RuleId::R1,
            severity: Severity::Medium,
            score,
            who: Some(Who { actor: "c1".to_owned(), operator: Some("zhang".to_owned()) }),
            window: window.to_owned(),
            at: Timestamp::from_second(i64::try_from(index).unwrap()).unwrap(),
            due_at: None,
            division: None,
            words: Text::new("话", "words"),
            arithmetic: Arithmetic { observed: index, threshold: 1, basis: Text::new("", "") },
            entries: vec![EntryRef { index, id: format!("ev_{index}").into() }],
        }
    }

    #[test]
    fn one_alert_for_one_actor_rule_and_window() {
        assert_eq!(key(&finding("2026-11-02", 40, 7)), "R1|c1/zhang|2026-11-02");
        let mut alert = Alert::of(finding("2026-11-02", 40, 7), 0);
        assert_eq!(alert.id, Alert::of(finding("2026-11-02", 60, 9), 0).id);
        assert_ne!(alert.id, Alert::of(finding("2026-11-03", 40, 7), 0).id);
        assert_ne!(alert.id, Alert::of(finding("2026-11-02", 40, 7), 1).id, "after one was closed");
        alert.gather(finding("2026-11-02", 60, 5));
        alert.gather(finding("2026-11-02", 50, 5));
        assert_eq!((alert.score, alert.findings, alert.entries.len()), (60, 3, 2));
        assert_eq!(alert.entries[0].index, 5, "in the order of the log");
        for index in 0..1_000 {
            alert.gather(finding("2026-11-02", 1, index));
        }
        assert_eq!((alert.entries.len(), alert.findings), (MOST_ENTRIES, 1_003));
    }
}

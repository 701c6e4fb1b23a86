//! R16: reviewers who close what they do not read.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use super::super::entry::{Entry, EntryRef, Kind, Who};
use super::super::gathering::MOST_ENTRIES;
use super::super::rules::{RuleId, Rules};
use super::super::state::State;
use super::unit::percentile_of;
use super::{Hit, forget, seconds, told};
use crate::domain::problem::Text;

/// All reviewers.
#[derive(Default)]
pub(super) struct Reviewers(HashMap<String, Reviewer>);

#[derive(Default)]
struct Reviewer {
    looks: VecDeque<(Timestamp, String)>,
    closings: VecDeque<(Timestamp, Closing)>,
}

struct Closing {
    is_dismissed: bool,
    /// Seconds since they last looked at the alert; 0 when they never did.
    looked_for: u64,
    entry: EntryRef,
}

impl Reviewers {
    /// A look at an alert, or what was done with one.
    pub(super) fn step(&mut self, entry: &Entry, who: &Who, rules: &Rules) -> Option<Hit> {
        let (at, window) = (entry.event.at, rules.duration(RuleId::R16, "window"));
        let alert = entry.event.object.as_deref()?.strip_prefix("alerts/")?;
        let reviewer = self.0.entry(who.actor.clone()).or_default();
        if entry.event.action == Kind::Viewed {
            reviewer.looks.push_back((at, alert.to_owned()));
            return None;
        }
        let state = entry.event.state.as_deref().and_then(State::parse)?;
        let is_dismissed = matches!(state, State::Dismissed | State::DismissalProposed);
        if !state.is_closed() && !is_dismissed {
            return None;
        }
        let looked = reviewer.looks.iter().rev().find(|(_, looked)| looked == alert);
        let looked_for = looked.map_or(0, |(looked_at, _)| seconds(at.duration_since(*looked_at)));
        reviewer.closings.push_back((at, Closing { is_dismissed, looked_for, entry: entry.reference() }));
        forget(&mut reviewer.closings, at, window);
        reviewer.hit(entry, who, rules)
    }

    /// Forgets looks and closings that are too old to count.
    pub(super) fn forget(&mut self, now: Timestamp, rules: &Rules) {
        let window = rules.duration(RuleId::R16, "window");
        self.0.retain(|_, reviewer| {
            forget(&mut reviewer.looks, now, window);
            forget(&mut reviewer.closings, now, window);
            !reviewer.looks.is_empty() || !reviewer.closings.is_empty()
        });
    }
}

impl Reviewer {
    fn hit(&self, entry: &Entry, who: &Who, rules: &Rules) -> Option<Hit> {
        let all = u64::try_from(self.closings.len()).unwrap_or(u64::MAX);
        if all < rules.count(RuleId::R16, "least_closings") {
            return None;
        }
        let dismissed = self.closings.iter().filter(|(_, closing)| closing.is_dismissed).count();
        let dismissed = u64::try_from(dismissed).unwrap_or(0);
        let most = rules.count(RuleId::R16, "dismissed_percent");
        let median = percentile_of(self.closings.iter().map(|(_, closing)| closing.looked_for).collect(), 50);
        let least = rules.duration(RuleId::R16, "median_look");
        let month = rules.calendars.local(entry.event.at).date().first_of_month().to_string();
        let (window, observed, threshold, words, basis) = if dismissed * 100 > most * all {
            (
                format!("dismissed {month}"),
                dismissed,
                most * all / 100 + 1,
                Text::new(
                    format!("该审查人处理的 {all} 条预警中有 {dismissed} 条排除。"),
                    format!("This reviewer dismissed {dismissed} of {all} alerts."),
                ),
                Text::new(
                    format!("排除比例超过 {most}% 即告警。"),
                    format!("dismissing more than {most}% is an alert."),
                ),
            )
        } else if median < seconds(least) {
            let least = told(least);
            (
                format!("median {month}"),
                median,
                seconds(rules.duration(RuleId::R16, "median_look")),
                Text::new(
                    format!("该审查人从查看到处理的中位时间为 {median} 秒（共 {all} 条）。"),
                    format!(
                        "This reviewer's median from the look to the closing is {median} seconds, of {all} alerts."
                    ),
                ),
                Text::new(
                    format!("中位时间少于 {} 即告警。", least.zh),
                    format!("a median of less than {} is an alert.", least.en),
                ),
            )
        } else {
            return None;
        };
        let mut hit = Hit::on(RuleId::R16, entry, who, window, (observed, threshold), words, basis);
        hit.entries = self.closings.iter().rev().take(MOST_ENTRIES).map(|(_, closing)| closing.entry.clone()).collect();
        Some(hit)
    }
}

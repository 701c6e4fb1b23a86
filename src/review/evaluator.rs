//! What an entry of the log means, given those before it. Entries come in the order of their index; findings go out.
//!
//! INVARIANT: what is remembered is bounded by the windows of the rules and by [`MOST_REMEMBERED`], however long the log
//! is; and the same entries after the same memory give the same findings, so that a restart that reads the windows again
//! goes on where it stopped.

mod actor;
mod coverage;
mod probing;
mod relation;
mod reviewer;
mod subject;
mod unfinished;
mod unit;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::entry::{Entry, EntryRef, Kind, Who};
use super::finding::{Arithmetic, Finding};
use super::people::People;
use super::rules::{RuleId, Rules};
use crate::domain::division::DivisionCode;
use crate::domain::problem::Text;
use actor::Actor;
pub use coverage::{Coverage, NotEvaluated};
use relation::Standing;
use reviewer::Reviewers;
use subject::Lookups;
use unfinished::Unfinished;
use unit::Units;

/// Most lookups of persons, and most verifications without an end, that are remembered; the oldest are forgotten first.
pub const MOST_REMEMBERED: usize = 1_000_000;

/// Something about the log itself, told by whoever watches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// A witness did not cosign for so long.
    WitnessSilent {
        /// Its name.
        witness: String,
        /// For how long.
        silent_for: SignedDuration,
    },
    /// The stored entry is not the one of its leaf hash, or cannot be read.
    Altered {
        /// Where it is.
        entry: EntryRef,
    },
    /// The log has fewer entries than before.
    Shorter {
        /// How many it has.
        size: u64,
        /// How many it had.
        before: u64,
    },
}

/// What one rule says of one entry, before it is scored.
struct Hit {
    rule: RuleId,
    who: Option<Who>,
    window: String,
    observed: u64,
    threshold: u64,
    words: Text,
    basis: Text,
    entries: Vec<EntryRef>,
    division: Option<DivisionCode>,
    /// Added to the rule's score.
    raise: u64,
}

/// The memory of the rules.
pub struct Evaluator {
    rules: Arc<Rules>,
    people: Arc<People>,
    coverage: Coverage,
    next_index: Option<u64>,
    swept_at: Timestamp,
    actors: HashMap<Who, Actor>,
    units: Units,
    lookups: Lookups,
    unfinished: Unfinished,
    reviewers: Reviewers,
}

impl Evaluator {
    /// An evaluator that remembers nothing yet.
    pub fn new(rules: Arc<Rules>, people: Arc<People>) -> Self {
        Self {
            rules,
            people,
            coverage: Coverage::default(),
            next_index: None,
            swept_at: Timestamp::UNIX_EPOCH,
            actors: HashMap::new(),
            units: Units::default(),
            lookups: Lookups::default(),
            unfinished: Unfinished::default(),
            reviewers: Reviewers::default(),
        }
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Which rules could not be asked so far, and why.
    pub fn not_evaluated(&self) -> Vec<NotEvaluated> {
        self.coverage.not_evaluated(&self.rules, &self.people)
    }

    /// What was seen so far.
    pub const fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Takes the next entry in, and tells what the rules find. Their order is that of the rules.
    pub fn observe(&mut self, entry: &Entry) -> Vec<Finding> {
        self.coverage.see(entry);
        let at = entry.event.at;
        let mut found = self.pass(at);
        let mut hits: Vec<Hit> = self.missing_before(entry).into_iter().collect();
        match (entry.event.action, entry.who()) {
            (Kind::Granted, Some(who)) => self.granted(entry, &who, &mut hits),
            (Kind::Released, _) => hits.extend(self.released(entry)),
            (Kind::Denied, Some(who)) => self.denied(entry, &who, &mut hits),
            (Kind::CaseActed, _) => self.unfinished.acted(entry),
            (Kind::Viewed | Kind::AlertChanged, Some(who)) => {
                hits.extend(self.reviewers.step(entry, &who, &self.rules));
            }
            _ => {}
        }
        hits.retain(|hit| self.rules.is_on(hit.rule));
        hits.sort_by_key(|hit| hit.rule);
        // A neighbour is never a matter alone.
        if hits.iter().all(|hit| hit.rule == RuleId::R4) {
            hits.clear();
        }
        let many = self.many_rules(entry, &hits);
        let scores: Vec<u64> = hits.iter().map(|hit| self.rules.score(hit.rule)).collect();
        let all: u64 = scores.iter().sum();
        for (hit, own) in hits.into_iter().zip(scores) {
            // What other rules say of the same entry raises each of them by a quarter.
            let score = own + hit.raise + (all - own) / 4;
            found.push(self.finding(hit, at, score));
        }
        found.extend(many.into_iter().map(|hit| self.finding(hit, at, self.rules.score(RuleId::R14))));
        found
    }

    /// Passes over an entry that cannot be read, so that it does not count as missing besides.
    pub fn pass_over(&mut self, index: u64) {
        self.next_index = Some(index + 1);
    }

    /// Lets time pass without entries, and tells what that brings.
    pub fn pass(&mut self, now: Timestamp) -> Vec<Finding> {
        if now.duration_since(self.swept_at) >= SignedDuration::from_hours(24) {
            self.swept_at = now;
            let oldest = now.saturating_sub(self.rules.longest_memory()).unwrap_or(Timestamp::MIN);
            self.actors.retain(|_, actor| actor.seen_at() >= oldest);
        }
        self.reviewers.forget(now, &self.rules);
        let due = self.unfinished.due(now, &self.rules);
        let rules = Arc::clone(&self.rules);
        due.into_iter()
            .filter(|_| rules.is_on(RuleId::R13))
            .map(|(hit, at)| self.finding(hit, at, rules.score(RuleId::R13)))
            .collect()
    }

    /// Takes in what whoever watches the log says of it.
    pub fn health(&self, health: &Health, now: Timestamp) -> Option<Finding> {
        let limit = self.rules.duration(RuleId::R15, "witness_silent");
        let day = self.day(now);
        let (window, observed, threshold, entries, words) = match health {
            Health::WitnessSilent { silent_for, .. } if *silent_for <= limit => return None,
            Health::WitnessSilent { witness, silent_for } => (
                format!("witness {witness} {day}"),
                seconds(*silent_for),
                seconds(limit),
                Vec::new(),
                Text::new(
                    format!("见证 {witness} 已 {} 没有联署日志头。", told(*silent_for).zh),
                    format!("The witness {witness} has not cosigned the log for {}.", told(*silent_for).en),
                ),
            ),
            Health::Altered { entry } => (
                format!("altered {}", entry.index),
                1,
                1,
                vec![entry.clone()],
                Text::new(
                    format!("日志第 {} 条与其散列不符，或无法读取。", entry.index),
                    format!("Entry {} of the log is not the one of its hash, or cannot be read.", entry.index),
                ),
            ),
            Health::Shorter { size, before } => (
                format!("shorter {before}"),
                before.saturating_sub(*size),
                1,
                Vec::new(),
                Text::new(
                    format!("日志只有 {size} 条，此前有 {before} 条：记录被截断或整体回退。"),
                    format!("The log has {size} entries and had {before}: it was cut off or taken back."),
                ),
            ),
        };
        let basis = Text::new(
            "由日志的监测给出；阈值为规则参数。",
            "told by what watches the log; the threshold is the rule's.",
        );
        let hit = Hit {
            rule: RuleId::R15,
            who: None,
            window,
            observed,
            threshold,
            words,
            basis,
            entries,
            division: None,
            raise: 0,
        };
        self.rules.is_on(RuleId::R15).then(|| self.finding(hit, now, self.rules.score(RuleId::R15)))
    }

    /// Somebody asks about a household.
    fn granted(&mut self, entry: &Entry, who: &Who, hits: &mut Vec<Hit>) {
        let rules = Arc::clone(&self.rules);
        let standing = Standing::of(entry, who, &rules);
        let is_explained = standing == Standing::Open;
        let local = rules.calendars.local(entry.event.at);
        let day = local.date().to_string();
        hits.extend(standing.hit(entry, who, &day, &rules));
        hits.extend(relation::hits(entry, who, &day, &self.people, is_explained));
        hits.extend(self.lookups.hit(entry, who, &rules));
        self.unfinished.opened(entry, who, &rules);
        let unit = self.units.of(entry);
        let actor = self.actors.entry(who.clone()).or_insert_with(|| Actor::new(entry.event.at));
        hits.extend(actor.access(entry, who, &local, unit, &rules, is_explained));
        hits.extend(actor.cohorts(entry, who, &day, &rules));
    }

    /// A verdict left the hub.
    fn released(&mut self, entry: &Entry) -> Option<Hit> {
        let who = self.unfinished.released(entry)?;
        let is_miss = !entry.event.departments.is_empty()
            && entry.event.departments.iter().all(|asked| asked.outcome == "no_record");
        if !is_miss {
            return None;
        }
        let day = self.day(entry.event.at);
        let actor = self.actors.entry(who.clone()).or_insert_with(|| Actor::new(entry.event.at));
        actor.missed(entry, &who, &day, &self.rules)
    }

    /// A request was refused.
    fn denied(&mut self, entry: &Entry, who: &Who, hits: &mut Vec<Hit>) {
        let day = self.day(entry.event.at);
        let actor = self.actors.entry(who.clone()).or_insert_with(|| Actor::new(entry.event.at));
        match entry.event.problem.as_deref() {
            Some("not_found") => hits.extend(actor.missed(entry, who, &day, &self.rules)),
            Some("foreign_division") => hits.extend(actor.foreign(entry, who, &day, &self.rules)),
            Some("assertion_replayed") => hits.push(probing::replayed(entry, who, &day)),
            _ => {}
        }
    }

    /// R14: what the rules find about one actor, taken together.
    fn many_rules(&mut self, entry: &Entry, hits: &[Hit]) -> Option<Hit> {
        let alone = |rule: &RuleId| !matches!(rule, RuleId::R4 | RuleId::R14 | RuleId::R15 | RuleId::R16);
        let who = hits.iter().find_map(|hit| hit.who.clone())?;
        let found: Vec<RuleId> = hits.iter().map(|hit| hit.rule).filter(alone).collect();
        if found.is_empty() || !self.rules.is_on(RuleId::R14) {
            return None;
        }
        let day = self.day(entry.event.at);
        let actor = self.actors.entry(who.clone()).or_insert_with(|| Actor::new(entry.event.at));
        actor.many_rules(entry, &who, &found, &day, &self.rules)
    }

    /// R15: entries that are not there.
    fn missing_before(&mut self, entry: &Entry) -> Option<Hit> {
        let expected = self.next_index.replace(entry.index + 1);
        let missing = entry.index.checked_sub(expected?).filter(|missing| *missing > 0)?;
        let first = entry.index - missing;
        Some(Hit {
            rule: RuleId::R15,
            who: None,
            window: format!("missing {first}"),
            observed: missing,
            threshold: 1,
            words: Text::new(
                format!("日志缺少第 {first} 条起的 {missing} 条记录。"),
                format!("{missing} entries are missing from the log, from {first} on."),
            ),
            basis: Text::new("序号应连续，缺一即告警。", "indexes have no gaps; one that is missing is an alert."),
            entries: vec![entry.reference()],
            division: None,
            raise: 0,
        })
    }

    fn day(&self, at: Timestamp) -> String {
        self.rules.calendars.local(at).date().to_string()
    }

    fn finding(&self, hit: Hit, at: Timestamp, score: u64) -> Finding {
        let due = (hit.rule == RuleId::R6).then(|| self.rules.duration(RuleId::R6, "review_within"));
        Finding {
            rule: hit.rule,
            severity: self.rules.severity(hit.rule),
            score: score.min(100),
            who: hit.who,
            window: hit.window,
            at,
            due_at: due.and_then(|within| at.checked_add(within).ok()),
            division: hit.division,
            words: hit.words,
            arithmetic: Arithmetic { observed: hit.observed, threshold: hit.threshold, basis: hit.basis },
            entries: hit.entries,
        }
    }
}

impl Hit {
    /// A hit on one entry.
    fn on(
        rule: RuleId,
        entry: &Entry,
        who: &Who,
        window: String,
        arithmetic: (u64, u64),
        words: Text,
        basis: Text,
    ) -> Self {
        let (observed, threshold) = arithmetic;
        let (entries, division) = (vec![entry.reference()], entry.event.division);
        Self { rule, who: Some(who.clone()), window, observed, threshold, words, basis, entries, division, raise: 0 }
    }
}

/// Seconds of a duration that is not negative.
fn seconds(duration: SignedDuration) -> u64 {
    u64::try_from(duration.as_secs()).unwrap_or(0)
}

/// A duration in words: its largest unit that divides it, or that tells it roughly.
fn told(duration: SignedDuration) -> Text {
    let whole = seconds(duration);
    let (number, zh, en) = match whole {
        172_800.. => (whole / 86_400, "天", "days"),
        7_200.. => (whole / 3_600, "小时", "hours"),
        120.. => (whole / 60, "分钟", "minutes"),
        _ => (whole, "秒", "seconds"),
    };
    Text::new(format!("{number} {zh}"), format!("{number} {en}"))
}

/// Forgets what is older than a window, at the front.
fn forget<T>(kept: &mut VecDeque<(Timestamp, T)>, now: Timestamp, window: SignedDuration) {
    while kept.front().is_some_and(|(at, _)| now.duration_since(*at) > window) {
        kept.pop_front();
    }
}

#[cfg(test)]
mod tests;

//! R13: a verdict was taken, and nothing came of it. Only of systems that say what becomes of their cases.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::super::entry::{Entry, EntryRef, Who};
use super::super::rules::{RuleId, Rules};
use super::{Hit, MOST_REMEMBERED, seconds, told};
use crate::domain::division::DivisionCode;
use crate::domain::problem::Text;

/// Verifications whose case has not moved yet.
#[derive(Default)]
pub(super) struct Unfinished {
    of: HashMap<String, Waiting>,
    due: BTreeMap<(Timestamp, u64), String>,
    /// When each client last said what became of a case.
    acted: HashMap<String, Timestamp>,
}

struct Waiting {
    who: Who,
    granted: EntryRef,
    released: Option<EntryRef>,
    division: Option<DivisionCode>,
    due: (Timestamp, u64),
}

impl Unfinished {
    /// A verification was accepted.
    pub(super) fn opened(&mut self, entry: &Entry, who: &Who, rules: &Rules) {
        let Some(verification) = &entry.event.verification else { return };
        let Ok(due) = entry.event.at.checked_add(rules.duration(RuleId::R13, "within")) else { return };
        while self.due.len() >= MOST_REMEMBERED
            && let Some((_, oldest)) = self.due.pop_first()
        {
            self.of.remove(&oldest);
        }
        let due = (due, entry.index);
        let (granted, division) = (entry.reference(), entry.event.division);
        let waiting = Waiting { who: who.clone(), granted, released: None, division, due };
        self.due.insert(due, verification.clone());
        self.of.insert(verification.clone(), waiting);
    }

    /// Its verdict left the hub. Who asked for it.
    pub(super) fn released(&mut self, entry: &Entry) -> Option<Who> {
        let waiting = self.of.get_mut(entry.event.verification.as_ref()?)?;
        waiting.released = Some(entry.reference());
        Some(waiting.who.clone())
    }

    /// Its case moved.
    pub(super) fn acted(&mut self, entry: &Entry) {
        if let Some(actor) = &entry.event.actor {
            self.acted.insert(actor.clone(), entry.event.at);
        }
        if let Some(waiting) = entry.event.verification.as_ref().and_then(|id| self.of.remove(id)) {
            self.due.remove(&waiting.due);
        }
    }

    /// Those whose time is up.
    pub(super) fn due(&mut self, now: Timestamp, rules: &Rules) -> Vec<(Hit, Timestamp)> {
        let mut hits = Vec::new();
        while let Some(first) = self.due.first_entry()
            && first.key().0 <= now
        {
            let ((due, _), verification) = first.remove_entry();
            let Some(waiting) = self.of.remove(&verification) else { continue };
            let Some(released) = waiting.released else { continue };
            if !self.acted.contains_key(&waiting.who.actor) {
                continue;
            }
            let within = rules.duration(RuleId::R13, "within");
            let days = told(within);
            let words = Text::new(
                format!("取得结论后 {} 内案件没有任何办理。", days.zh),
                format!("A verdict was taken, and nothing was done in the case within {}.", days.en),
            );
            let basis = Text::new(
                "自查询起的时间；该系统平时报送案件办理情况。",
                "time since it was asked; this system tells what becomes of its cases.",
            );
            let day = rules.calendars.local(due).date().to_string();
            let hit = Hit {
                rule: RuleId::R13,
                who: Some(waiting.who),
                window: day,
                observed: seconds(within),
                threshold: seconds(within),
                words,
                basis,
                entries: vec![waiting.granted, released],
                division: waiting.division,
                raise: 0,
            };
            hits.push((hit, due));
        }
        hits
    }
}

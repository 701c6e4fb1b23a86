//! R10: one person looked up again and again without anything new in a case.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hasher as _;

use jiff::Timestamp;
use smallvec::SmallVec;

use super::super::entry::{Entry, EntryRef, Who};
use super::super::rules::{RuleId, Rules};
use super::{Hit, MOST_REMEMBERED, told};
use crate::domain::id_number::Subject;
use crate::domain::problem::Text;

/// Most lookups of one person that are remembered.
const MOST_LOOKUPS: usize = 50;

/// The lookups of all persons within the window.
#[derive(Default)]
pub(super) struct Lookups {
    /// Most persons are looked up once.
    of: HashMap<Subject, SmallVec<[Lookup; 1]>>,
    order: VecDeque<(Timestamp, Subject)>,
}

/// One lookup of a person.
struct Lookup {
    at: Timestamp,
    who: u64,
    /// The case, as a short hash; none where none was named.
    case: Option<u64>,
    /// Nothing new in a case goes with it.
    is_bare: bool,
    entry: EntryRef,
}

impl Lookups {
    /// Takes a lookup in.
    pub(super) fn hit(&mut self, entry: &Entry, who: &Who, rules: &Rules) -> Option<Hit> {
        let (at, window) = (entry.event.at, rules.duration(RuleId::R10, "window"));
        self.forget(at, rules);
        let case = entry.event.context.case.as_ref().or(entry.event.object.as_ref()).map(short);
        let asker = short(who);
        let (lookups, askers) = (rules.count(RuleId::R10, "lookups"), rules.count(RuleId::R10, "askers"));
        let mut worst: Option<Hit> = None;
        for subject in &entry.event.subjects {
            let known = self.of.entry(*subject).or_default();
            // The first lookup in a case is what the case is for.
            let is_bare = case.is_none_or(|case| known.iter().any(|lookup| lookup.case == Some(case)));
            if known.len() >= MOST_LOOKUPS {
                known.remove(0);
            }
            known.push(Lookup { at, who: asker, case, is_bare, entry: entry.reference() });
            self.order.push_back((at, *subject));
            if !is_bare {
                continue;
            }
            let bare = || known.iter().filter(|lookup| lookup.is_bare);
            let own = bare().filter(|lookup| lookup.who == asker);
            let different: BTreeSet<u64> = bare().map(|lookup| lookup.who).collect();
            let (own, different) = (own.count(), different.len());
            let (own, different) = (u64::try_from(own).unwrap_or(0), u64::try_from(different).unwrap_or(0));
            let within = told(window);
            let (observed, threshold, words) = if own >= lookups {
                let zh = format!("{} 内 {own} 次查询同一人，其间案件没有新进展。", within.zh);
                let en = format!(
                    "One person was asked about {own} times within {}, and nothing new happened in a case.",
                    within.en
                );
                (own, lookups, Text::new(zh, en))
            } else if different >= askers {
                let zh = format!("{} 内有 {different} 人查询同一人，均无案件进展。", within.zh);
                let en = format!(
                    "{different} different people asked about one person within {}, and nothing new happened in a case.",
                    within.en
                );
                (different, askers, Text::new(zh, en))
            } else {
                continue;
            };
            let basis = Text::new(
                "没有注明案件、或案件与此前某次查询相同的查询数；一个案件的首次查询不计。",
                "lookups that name no case, or the case of an earlier one; the first in a case does not count.",
            );
            if worst.as_ref().is_none_or(|hit| hit.observed < observed) {
                let mut hit =
                    Hit::on(RuleId::R10, entry, who, subject.to_string(), (observed, threshold), words, basis);
                hit.entries = bare().map(|lookup| lookup.entry.clone()).collect();
                worst = Some(hit);
            }
        }
        worst
    }

    fn forget(&mut self, now: Timestamp, rules: &Rules) {
        let window = rules.duration(RuleId::R10, "window");
        while let Some((at, subject)) = self.order.front().copied()
            && (now.duration_since(at) > window || self.order.len() > MOST_REMEMBERED)
        {
            self.order.pop_front();
            if let Some(known) = self.of.get_mut(&subject) {
                known.retain(|lookup| lookup.at > at);
                if known.is_empty() {
                    self.of.remove(&subject);
                }
            }
        }
    }
}

/// A short hash for comparing within this process.
fn short(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

//! R11 and the replayed token of R12: trying what is there.

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{HashMap, VecDeque};
use std::ops::SubAssign;

use jiff::{SignedDuration, Timestamp};

use super::super::entry::{Entry, EntryRef, Who};
use super::super::gathering::MOST_ENTRIES;
use super::super::rules::{RuleId, Rules};
use super::actor::Actor;
use super::{Hit, forget, told};
use crate::domain::id_number::Subject;
use crate::domain::problem::Text;

/// Most persons of one actor that are remembered within the window.
const MOST_ASKED: usize = 1_000;

impl Actor {
    /// Nobody was there: an unknown id, or a household that no department knows.
    pub(super) fn missed(&mut self, entry: &Entry, who: &Who, day: &str, rules: &Rules) -> Option<Hit> {
        let (at, window) = (entry.event.at, rules.duration(RuleId::R11, "window"));
        forget(&mut self.misses, at, window);
        if self.misses.len() < MOST_ENTRIES {
            self.misses.push_back((at, entry.reference()));
        }
        let observed = u64::try_from(self.misses.len()).unwrap_or(u64::MAX);
        let threshold = rules.count(RuleId::R11, "misses");
        if observed < threshold {
            return None;
        }
        let within = told(window);
        let words = Text::new(
            format!("{} 内 {observed} 次查无此人或查无此件。", within.zh),
            format!("{observed} times within {} nobody or nothing was there.", within.en),
        );
        let basis = Text::new(
            "编号不存在的请求，以及各部门均无记录的核对。",
            "requests for ids that do not exist, and verifications of which no department has a record.",
        );
        let mut hit = Hit::on(RuleId::R11, entry, who, day.to_owned(), (observed, threshold), words, basis);
        hit.entries = self.misses.iter().map(|(_, reference)| reference.clone()).collect();
        Some(hit)
    }

    /// Several persons whose numbers differ in the last four characters only: somebody counts through numbers.
    pub(super) fn cohorts(&mut self, entry: &Entry, who: &Who, day: &str, rules: &Rules) -> Option<Hit> {
        let (at, window) = (entry.event.at, rules.duration(RuleId::R11, "window"));
        self.asked.forget(at, window);
        let cohorts = &entry.event.context.cohorts;
        for (subject, cohort) in entry.event.subjects.iter().zip(cohorts) {
            self.asked.take(at, Person { cohort: *cohort, subject: *subject }, entry);
        }
        let threshold = rules.count(RuleId::R11, "same_cohort");
        // Only what this entry adds to.
        let (observed, cohort) = cohorts.iter().map(|cohort| (self.asked.different(*cohort), *cohort)).max()?;
        if observed < threshold {
            return None;
        }
        let within = told(window);
        let words = Text::new(
            format!("{} 内查询 {observed} 名身份号码前 14 位相同的人，疑似顺号试探。", within.zh),
            format!(
                "{observed} persons whose identity numbers agree in the first 14 digits were asked about within {}: numbers are counted through.",
                within.en
            ),
        );
        let basis = Text::new(
            "前 14 位相同（同一地区、同一生日）的不同人数；按键控散列比对。",
            "different persons of one division and one birthday; compared as keyed hashes.",
        );
        let mut hit = Hit::on(RuleId::R11, entry, who, format!("cohort {day}"), (observed, threshold), words, basis);
        hit.entries = self.asked.entries(cohort);
        Some(hit)
    }
}

/// A person, and those whose numbers agree with theirs in the first 14 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Person {
    cohort: Subject,
    subject: Subject,
}

/// The persons that one actor asked about within the window. They are counted as they come and go: an actor who asks
/// much must not cost more an access than one who asks little.
#[derive(Default)]
pub(super) struct Asked {
    order: VecDeque<(Timestamp, Person, EntryRef)>,
    times: HashMap<Person, u32>,
    different: HashMap<Subject, u64>,
}

impl Asked {
    fn take(&mut self, at: Timestamp, person: Person, entry: &Entry) {
        if self.order.len() >= MOST_ASKED {
            return;
        }
        self.order.push_back((at, person, entry.reference()));
        let times = self.times.entry(person).or_default();
        *times += 1;
        if *times == 1 {
            *self.different.entry(person.cohort).or_default() += 1;
        }
    }

    fn forget(&mut self, now: Timestamp, window: SignedDuration) {
        while self.order.front().is_some_and(|(at, ..)| now.duration_since(*at) > window)
            && let Some((_, person, _)) = self.order.pop_front()
        {
            if counted_out(self.times.entry(person)) {
                counted_out(self.different.entry(person.cohort));
            }
        }
    }

    /// How many different persons of a cohort.
    fn different(&self, cohort: Subject) -> u64 {
        self.different.get(&cohort).copied().unwrap_or(0)
    }

    /// Where they were asked about: as many as an alert names.
    fn entries(&self, cohort: Subject) -> Vec<EntryRef> {
        let of = self.order.iter().filter(|(_, person, _)| person.cohort == cohort);
        let mut entries: Vec<EntryRef> = of.map(|(.., entry)| entry.clone()).collect();
        entries.dedup();
        entries.truncate(MOST_ENTRIES);
        entries
    }
}

/// Takes one off a count; whether none is left, and the entry with it.
fn counted_out<K, N: From<u8> + PartialEq + SubAssign>(entry: MapEntry<'_, K, N>) -> bool {
    let MapEntry::Occupied(mut counted) = entry else { return false };
    *counted.get_mut() -= N::from(1);
    if *counted.get() != N::from(0) {
        return false;
    }
    counted.remove();
    true
}

/// A client assertion that was used before.
pub(super) fn replayed(entry: &Entry, who: &Who, day: &str) -> Hit {
    let words = Text::new(
        "客户端断言被重放：有人持有截获的凭据，或系统重复使用。",
        "A client assertion was used twice: somebody holds a stolen one, or the system repeats itself.",
    );
    let basis = Text::new("每一次重放都告警。", "each one is an alert.");
    Hit::on(RuleId::R12, entry, who, format!("replayed {day}"), (1, 1), words, basis)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn subject(number: u8) -> Subject {
        Subject::parse(&format!("{number:032x}")).unwrap()
    }

    fn entry(index: u64) -> Entry {
        let body = format!(r#"{{"action":"granted","at":"2026-11-01T00:00:00Z","id":"ev_{index}"}}"#);
        Entry::read(index, &body).unwrap()
    }

    proptest! {
        #[test]
        fn counting_as_they_come_and_go_is_counting_those_who_are_there(
            asked in proptest::collection::vec((0_i64..40, 0_u8..3, 0_u8..5), 0..200),
        ) {
            let (window, mut now) = (SignedDuration::from_secs(300), Timestamp::UNIX_EPOCH);
            let (mut counted, mut naive) = (Asked::default(), Vec::new());
            for (index, (pause, cohort, person)) in (0_u64..).zip(asked) {
                now += SignedDuration::from_secs(pause);
                let person = Person { cohort: subject(cohort), subject: subject(person) };
                counted.forget(now, window);
                counted.take(now, person, &entry(index));
                naive.push((now, person, index));
                naive.retain(|(at, ..)| now.duration_since(*at) <= window);
                for cohort in (0..3).map(subject) {
                    let of = || naive.iter().filter(|(_, person, _)| person.cohort == cohort);
                    let different: BTreeSet<Subject> = of().map(|(_, person, _)| person.subject).collect();
                    prop_assert_eq!(counted.different(cohort), u64::try_from(different.len()).unwrap());
                    let indexes: Vec<u64> = counted.entries(cohort).iter().map(|entry| entry.index).collect();
                    prop_assert_eq!(indexes, of().map(|(.., index)| *index).collect::<Vec<_>>());
                }
                prop_assert_eq!(counted.order.len(), naive.len());
                prop_assert!(counted.times.len() <= naive.len() && counted.different.len() <= 3);
            }
        }
    }
}

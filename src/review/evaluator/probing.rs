//! R11 and the replayed token of R12: trying what is there.

use std::collections::BTreeSet;

use super::super::entry::{Entry, Who};
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
        forget(&mut self.asked, at, window);
        for (subject, cohort) in entry.event.subjects.iter().zip(&entry.event.context.cohorts) {
            if self.asked.len() < MOST_ASKED {
                self.asked.push_back((at, (*cohort, *subject, entry.reference())));
            }
        }
        let threshold = rules.count(RuleId::R11, "same_cohort");
        if u64::try_from(self.asked.len()).unwrap_or(u64::MAX) < threshold {
            return None;
        }
        let of =
            |cohort: Subject| self.asked.iter().map(|(_, asked)| asked).filter(move |(known, ..)| *known == cohort);
        // Only what this entry adds to.
        let different = entry.event.context.cohorts.iter().map(|cohort| {
            let subjects: BTreeSet<Subject> = of(*cohort).map(|(_, subject, _)| *subject).collect();
            (subjects.len(), *cohort)
        });
        let (observed, cohort) = different.max()?;
        let observed = u64::try_from(observed).unwrap_or(u64::MAX);
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
        hit.entries = of(cohort).map(|(.., reference)| reference.clone()).collect();
        Some(hit)
    }
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

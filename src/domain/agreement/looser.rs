//! Whether terms stay within others: a department may tighten what it agreed to by itself, and give back no more than it
//! took. Pure.
//!
//! INVARIANT: whatever terms that are within others let the hub ask at some instant, the others would have let it ask too.

use jiff::Timestamp;
use jiff::civil::Time;

use super::{Agreement, Maintenance, Quota, Whose};
use crate::domain::problem::Text;

/// The first of the terms that is looser than the one it is held against.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Looser {
    /// A figure is higher.
    #[error("`{term}` is {new}, and {bound} was agreed to")]
    Figure {
        /// The term.
        term: &'static str,
        /// What it is to be.
        new: u32,
        /// What was agreed to.
        bound: u32,
    },
    /// Second requests are switched on.
    #[error("`hedge` is on, and it was agreed that no question is asked a second time")]
    Hedge,
    /// A quota is gone, or higher.
    #[error("the quota {quota} is missing or higher: keep each with the same or a lower `count`, and add others")]
    Quota {
        /// The quota, as its counter is named, with its count.
        quota: String,
    },
    /// The hours have a time that those before do not have.
    #[error(
        "`hours` have {from}, which is outside the hours that were agreed to; where `hours` are left out, they are all"
    )]
    Hours {
        /// The first such time.
        from: Time,
    },
    /// A maintenance window is gone or shorter.
    #[error("at {at} the department was to be shut for maintenance, and no window of `maintenance` has that time")]
    Maintenance {
        /// The first such instant.
        at: Timestamp,
    },
}

impl Looser {
    /// The same in both languages.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Figure { term, new, bound } => format!("{term} 为 {new}，而约定为 {bound}"),
            Self::Hedge => "hedge 为开启，而约定同一问题不得再问一次".to_owned(),
            Self::Quota { quota } => {
                format!("额度 {quota} 缺失或调高：每项约定的额度须保留，count 只能不变或调低，可另加额度")
            }
            Self::Hours { from } => format!("hours 含约定时段之外的 {from}；不写 hours 即全天"),
            Self::Maintenance { at } => format!("{at} 原定停机维护，而 maintenance 中没有包含该时刻的窗口"),
        };
        Text::new(zh, self.to_string())
    }
}

impl Agreement {
    /// The first term by which these are looser than `bound`; none where they stay within it. Of maintenance, what is over
    /// at `now` does not count.
    pub fn looser_than(&self, bound: &Self, now: Timestamp) -> Option<Looser> {
        let figures = [
            ("timeout_ms", self.timeout_ms, bound.timeout_ms),
            // A promise is kept or not; a weaker one is easier to keep.
            ("promised_ms", promised(self), promised(bound)),
            ("per_second", self.per_second.get(), bound.per_second.get()),
            ("burst", self.burst.get(), bound.burst.get()),
            ("in_flight", self.in_flight.get(), bound.in_flight.get()),
            ("shared_subjects", self.shared_subjects, bound.shared_subjects),
        ];
        let figure = figures.into_iter().find(|(_, new, bound)| new > bound);
        figure
            .map(|(term, new, bound)| Looser::Figure { term, new, bound })
            .or_else(|| (self.hedge && !bound.hedge).then_some(Looser::Hedge))
            .or_else(|| self.quota_lost(bound))
            .or_else(|| self.hour_gained(bound))
            .or_else(|| self.maintenance_lost(bound, now))
    }

    /// A quota of `bound` that does not stand here with the same count or a lower one. Only the very same quota counts: what
    /// is used of it today is counted under its name, and would be forgotten with it.
    fn quota_lost(&self, bound: &Self) -> Option<Looser> {
        let lost = bound.quotas.iter().find(|quota| {
            let is_same = |own: &Quota| {
                (&own.of, own.purpose, own.per, own.between) == (&quota.of, quota.purpose, quota.per, quota.between)
            };
            !self.quotas.iter().any(|own| is_same(own) && own.count <= quota.count)
        })?;
        Some(Looser::Quota { quota: named(lost) })
    }

    /// A time of the day at which these hours are open and those of `bound` are not. Hours begin with their first moment and
    /// end before their last, so whatever differs between the two differs where one of them begins or ends.
    fn hour_gained(&self, bound: &Self) -> Option<Looser> {
        let ends = self.hours.iter().chain(&bound.hours).flat_map(|hours| [hours.from, hours.until]);
        let mut times: Vec<Time> = std::iter::once(Time::midnight()).chain(ends).collect();
        times.sort_unstable();
        let gained = times.into_iter().find(|time| self.is_open_at(*time) && !bound.is_open_at(*time))?;
        Some(Looser::Hours { from: gained })
    }

    /// An instant from now on at which `bound` is shut for maintenance and these terms are not; found as with hours.
    fn maintenance_lost(&self, bound: &Self, now: Timestamp) -> Option<Looser> {
        let ends = self.maintenance.iter().chain(&bound.maintenance).flat_map(|window| [window.from, window.until]);
        let mut instants: Vec<Timestamp> = std::iter::once(now).chain(ends.filter(|at| *at > now)).collect();
        instants.sort_unstable();
        let is_shut = |windows: &[Maintenance], at| windows.iter().any(|window| window.from <= at && at < window.until);
        let lost =
            instants.into_iter().find(|at| is_shut(&bound.maintenance, *at) && !is_shut(&self.maintenance, *at))?;
        Some(Looser::Maintenance { at: lost })
    }
}

fn promised(agreement: &Agreement) -> u32 {
    agreement.promised_ms.unwrap_or(agreement.timeout_ms)
}

/// A quota as its terms write it.
fn named(quota: &Quota) -> String {
    let whose = match &quota.of {
        Whose::All => String::new(),
        Whose::EachCaller => ", of = each_caller".to_owned(),
        Whose::Caller(id) => format!(", of caller {id}"),
    };
    let purpose = quota.purpose.map_or_else(String::new, |purpose| format!(", purpose = {}", purpose.as_str()));
    let between =
        quota.between.map_or_else(String::new, |hours| format!(", between {} and {}", hours.from, hours.until));
    format!("{{ per = {}{whose}{purpose}{between}, count = {} }}", quota.per.as_str(), quota.count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Hours, Span};
    use super::*;
    use crate::domain::purpose::Purpose;

    const NOON: &str = "2026-11-26T04:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn terms(toml: &str) -> Agreement {
        toml::from_str(toml).unwrap()
    }

    fn looser(new: &str, bound: &str) -> Option<Looser> {
        terms(new).looser_than(&terms(bound), at(NOON))
    }

    #[test]
    fn every_term_may_be_tightened_and_none_loosened() {
        for (tight, loose) in [
            ("timeout_ms = 1000", "timeout_ms = 1001"),
            ("promised_ms = 10", "promised_ms = 11"),
            ("promised_ms = 10", ""),
            ("per_second = 1", "per_second = 2"),
            ("burst = 1", "burst = 2"),
            ("in_flight = 1", "in_flight = 2"),
            ("hedge = false", "hedge = true"),
            ("shared_subjects = 2", "shared_subjects = 3"),
            ("quotas = [{ per = 'day', count = 2 }]", "quotas = [{ per = 'day', count = 3 }]"),
            ("quotas = [{ per = 'day', count = 2 }]", ""),
            (
                "quotas = [{ per = 'day', count = 2 }, { per = 'day', of = 'each_caller', count = 1 }]",
                "quotas = [{ per = 'day', of = 'each_caller', count = 1 }]",
            ),
            ("hours = [{ from = '08:00', until = '20:00' }]", ""),
            ("hours = [{ from = '08:00', until = '20:00' }]", "hours = [{ from = '08:00', until = '20:01' }]"),
            ("hours = [{ from = '22:00', until = '06:00' }]", "hours = [{ from = '22:00', until = '06:01' }]"),
            ("hours = [{ from = '08:00', until = '20:00' }]", "hours = [{ from = '06:00', until = '06:00' }]"),
        ] {
            assert_eq!(looser(tight, loose), None, "{tight} within {loose}");
            assert_eq!(looser(tight, tight), None, "{tight} within itself");
            let fault = looser(loose, tight).unwrap_or_else(|| panic!("{loose} is looser than {tight}"));
            assert!(fault.text().zh != fault.text().en, "{fault:?}");
        }
    }

    #[test]
    fn hours_are_held_as_sets_of_times_however_they_are_written() {
        let bound = "hours = [{ from = '08:00', until = '12:00' }, { from = '12:00', until = '20:00' }]";
        assert_eq!(looser("hours = [{ from = '11:00', until = '13:00' }]", bound), None);
        assert_eq!(
            looser("hours = [{ from = '11:00', until = '21:00' }]", bound),
            Some(Looser::Hours { from: Time::constant(20, 0, 0, 0) })
        );
        let night = "hours = [{ from = '22:00', until = '06:00' }]";
        assert_eq!(looser("hours = [{ from = '00:00', until = '05:00' }]", night), None);
        assert!(looser("hours = [{ from = '05:00', until = '23:00' }]", night).is_some());
    }

    #[test]
    fn a_window_that_is_over_may_go_and_one_that_is_to_come_may_not() {
        let window = |from: &str, until: &str| {
            format!("maintenance = [{{ from = '{from}', until = '{until}', notice = {{ zh = '停', en = 'shut' }} }}]")
        };
        let past = window("2026-11-26T01:00:00Z", NOON);
        assert_eq!(looser("", &past), None);
        let current = window("2026-11-26T01:00:00Z", "2026-11-26T08:00:00Z");
        assert_eq!(looser("", &current), Some(Looser::Maintenance { at: at(NOON) }));
        assert_eq!(looser(&current, ""), None);
        let shorter = window("2026-11-26T01:00:00Z", "2026-11-26T07:00:00Z");
        assert_eq!(looser(&shorter, &current), Some(Looser::Maintenance { at: at("2026-11-26T07:00:00Z") }));
        // What is left of it is enough.
        assert_eq!(looser(&window(NOON, "2026-11-26T08:00:00Z"), &current), None);
    }

    fn hours() -> impl Strategy<Value = Hours> {
        let time = || (0_i8..24).prop_map(|hour| Time::constant(hour, 0, 0, 0));
        (time(), time()).prop_map(|(from, until)| Hours { from, until })
    }

    fn quota() -> impl Strategy<Value = Quota> {
        let whose = prop_oneof![Just(Whose::All), Just(Whose::EachCaller), Just(Whose::Caller("a".to_owned())),];
        let purpose = proptest::option::of(Just(Purpose::Dibao));
        let span = prop_oneof![Just(Span::Hour), Just(Span::Day)];
        (whose, purpose, span, 0_u32..4, proptest::option::of(hours()))
            .prop_map(|(of, purpose, per, count, between)| Quota { of, purpose, per, count, between })
    }

    fn agreement() -> impl Strategy<Value = Agreement> {
        let lists = (proptest::collection::vec(hours(), 0..3), proptest::collection::vec(quota(), 0..3));
        (1_u32..4, lists).prop_map(|(per_second, (hours, quotas))| Agreement {
            per_second: std::num::NonZeroU32::new(per_second).unwrap(),
            hours,
            quotas,
            ..Agreement::default()
        })
    }

    proptest! {
        /// Whatever is within other terms opens no hour and lifts no limit that those set.
        #[test]
        fn what_is_within_lets_nothing_be_asked_that_the_bound_would_not(
            new in agreement(), bound in agreement(), hour in 0_i8..24,
        ) {
            let now = at(NOON);
            prop_assert_eq!(bound.looser_than(&bound, now), None);
            if new.looser_than(&bound, now).is_none() {
                let time = Time::constant(hour, 30, 0, 0);
                prop_assert!(bound.is_open_at(time) || !new.is_open_at(time));
                prop_assert!(new.per_second <= bound.per_second);
                for quota in &bound.quotas {
                    let counter = quota.counter("a", Purpose::Dibao, now);
                    let same = |own: &&Quota| own.counter("a", Purpose::Dibao, now) == counter;
                    if counter.is_some() {
                        prop_assert!(new.quotas.iter().filter(same).any(|own| own.count <= quota.count));
                    }
                }
            }
        }
    }
}

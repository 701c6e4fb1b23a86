//! What is usual in a unit: how many accesses its people make in a day and in an hour.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::civil::Date;

use super::super::entry::Entry;

/// How often each count occurred.
type Histogram = BTreeMap<u64, u64>;

/// One day of a unit.
#[derive(Debug, Default)]
struct Day {
    days: Histogram,
    hours: Histogram,
}

/// A unit: the organisation of a client, else the client.
#[derive(Debug, Default)]
pub(super) struct Unit {
    days: VecDeque<(Date, Day)>,
    usual: Option<(Date, Usual)>,
}

/// What is usual, over the days before today.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usual {
    /// How many days of people were counted.
    pub(super) person_days: u64,
    /// The percentile of accesses in a day.
    pub(super) in_a_day: u64,
    /// The percentile of accesses in an hour.
    pub(super) in_an_hour: u64,
}

/// All units.
#[derive(Debug, Default)]
pub(super) struct Units(HashMap<String, Unit>);

impl Units {
    /// The unit of an access.
    pub(super) fn of(&mut self, entry: &Entry) -> &mut Unit {
        let name = entry.event.organisation.as_ref().or(entry.event.actor.as_ref());
        self.0.entry(name.cloned().unwrap_or_default()).or_default()
    }
}

impl Unit {
    /// Somebody's day is over.
    pub(super) fn day_ended(&mut self, day: Date, accesses: u64) {
        *self.on(day).days.entry(accesses).or_default() += 1;
    }

    /// Somebody's hour is over.
    pub(super) fn hour_ended(&mut self, day: Date, accesses: u64) {
        *self.on(day).hours.entry(accesses).or_default() += 1;
    }

    fn on(&mut self, day: Date) -> &mut Day {
        let at = self.days.partition_point(|(known, _)| *known < day);
        if self.days.get(at).is_none_or(|(known, _)| *known != day) {
            self.days.insert(at, (day, Day::default()));
        }
        &mut self.days.get_mut(at).expect("inserted just now").1
    }

    /// What is usual, by days not older than `oldest` and before `today`; counted once a day.
    pub(super) fn usual(&mut self, today: Date, oldest: Date, percent: u64) -> Usual {
        while self.days.front().is_some_and(|(day, _)| *day < oldest) {
            self.days.pop_front();
        }
        if let Some((day, usual)) = self.usual
            && day == today
        {
            return usual;
        }
        let before = || self.days.iter().filter(|(day, _)| *day < today).map(|(_, counted)| counted);
        let (person_days, in_a_day) = percentile(before().map(|day| &day.days), percent);
        let (_, in_an_hour) = percentile(before().map(|day| &day.hours), percent);
        let usual = Usual { person_days, in_a_day, in_an_hour };
        self.usual = Some((today, usual));
        usual
    }
}

/// How many were counted, and the smallest count that is not below `percent` of them (nearest rank).
fn percentile<'a>(histograms: impl Iterator<Item = &'a Histogram>, percent: u64) -> (u64, u64) {
    let mut merged = Histogram::new();
    for histogram in histograms {
        for (count, times) in histogram {
            *merged.entry(*count).or_default() += times;
        }
    }
    let all: u64 = merged.values().sum();
    let rank = (all * percent).div_ceil(100);
    let mut below = 0;
    let found = merged.into_iter().find(|(_, times)| {
        below += times;
        below >= rank
    });
    (all, found.map_or(0, |(count, _)| count))
}

/// The percentile of a list (nearest rank); 0 for none.
pub(super) fn percentile_of(mut counts: Vec<u64>, percent: u64) -> u64 {
    counts.sort_unstable();
    let all = u64::try_from(counts.len()).unwrap_or(u64::MAX);
    let rank = usize::try_from((all * percent).div_ceil(100)).unwrap_or(usize::MAX);
    rank.checked_sub(1).and_then(|rank| counts.get(rank)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        assert_eq!(percentile_of((1..=100).collect(), 95), 95);
        assert_eq!(percentile_of(vec![5], 95), 5);
        assert_eq!(percentile_of(vec![], 95), 0);
        let histogram = Histogram::from([(1, 50), (2, 49), (9, 1)]);
        assert_eq!(percentile([&histogram].into_iter(), 99), (100, 2));
        assert_eq!(percentile([&histogram].into_iter(), 100), (100, 9));
    }

    #[test]
    fn today_does_not_count_for_what_is_usual_and_old_days_are_forgotten() {
        let mut unit = Unit::default();
        unit.day_ended(date(2026, 9, 1), 500);
        unit.day_ended(date(2026, 10, 30), 10);
        unit.day_ended(date(2026, 11, 2), 900);
        let usual = unit.usual(date(2026, 11, 2), date(2026, 10, 5), 99);
        assert_eq!((usual.person_days, usual.in_a_day), (1, 10));
        assert_eq!(unit.days.len(), 2);
    }
}

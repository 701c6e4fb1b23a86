//! How long one department takes to answer: quantiles of what was observed lately.
//!
//! Times fall into buckets a fifth wide. Counts are halved now and then, so that what is new outweighs what is old.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Buckets for each doubling of the time.
const STEPS: u64 = 4;
/// From a microsecond to more than a minute.
const BUCKETS: usize = 26 * 4;
/// After so many answers the quantiles are worked out again.
const EVERY: u32 = 32;
/// Fewer answers than these say nothing.
const ENOUGH: u32 = 64;
/// An answer is late only when it takes so many times what half of them take: where all take about as long, one of twenty
/// is always the slowest, and asking again would bring nothing.
const FAR: u64 = 3;
/// At so many the counts are halved.
const HALVED_AT: u32 = 2048;

/// The times of one department.
#[derive(Default)]
pub(super) struct Delays {
    seen: Mutex<Seen>,
    half: AtomicU64,
    most: AtomicU64,
    nineteen: AtomicU64,
    nearly_all: AtomicU64,
}

struct Seen {
    counts: [u32; BUCKETS],
    total: u32,
    since: u32,
}

impl Default for Seen {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], total: 0, since: 0 }
    }
}

impl Delays {
    /// Counts an answer that took so long.
    pub(super) fn record(&self, elapsed: Duration) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = seen.counts.get_mut(bucket(elapsed)) {
            *count += 1;
        }
        seen.total += 1;
        seen.since += 1;
        if seen.since < EVERY || seen.total < ENOUGH {
            return;
        }
        seen.since = 0;
        let (half, nineteen) = (seen.quantile(50), seen.quantile(95));
        self.half.store(half, Ordering::Relaxed);
        self.most.store(nineteen.max(half * FAR), Ordering::Relaxed);
        self.nineteen.store(nineteen, Ordering::Relaxed);
        self.nearly_all.store(seen.quantile(99), Ordering::Relaxed);
        if seen.total >= HALVED_AT {
            seen.counts.iter_mut().for_each(|count| *count /= 2);
            seen.total = seen.counts.iter().sum();
        }
    }

    /// Half of the answers took no longer. `None` until there were enough of them.
    pub(super) fn half(&self) -> Option<Duration> {
        known(self.half.load(Ordering::Relaxed))
    }

    /// Nineteen of twenty answers took no longer, and it is three times what half of them took at least. `None` until
    /// there were enough of them.
    pub(super) fn most(&self) -> Option<Duration> {
        known(self.most.load(Ordering::Relaxed))
    }

    /// Nineteen of twenty answers took no longer. `None` until there were enough of them.
    pub(super) fn nineteen(&self) -> Option<Duration> {
        known(self.nineteen.load(Ordering::Relaxed))
    }

    /// Ninety-nine of a hundred answers took no longer. `None` until there were enough of them.
    pub(super) fn nearly_all(&self) -> Option<Duration> {
        known(self.nearly_all.load(Ordering::Relaxed))
    }
}

impl Seen {
    /// The upper edge, in microseconds, of the bucket that this many of a hundred answers do not exceed.
    fn quantile(&self, percent: u32) -> u64 {
        let mut below = 0;
        let reached = self.counts.iter().position(|count| {
            below += u64::from(*count);
            below * 100 >= u64::from(self.total) * u64::from(percent)
        });
        upper_edge(reached.unwrap_or(BUCKETS - 1))
    }
}

const fn known(micros: u64) -> Option<Duration> {
    if micros == 0 { None } else { Some(Duration::from_micros(micros)) }
}

/// The bucket of a time: the doubling, and the quarter of it.
fn bucket(elapsed: Duration) -> usize {
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1);
    let doubling = u64::from(micros.ilog2());
    let quarter = u64::try_from((u128::from(micros) * u128::from(STEPS)) >> doubling).unwrap_or(STEPS) - STEPS;
    usize::try_from(doubling * STEPS + quarter).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The smallest time, in microseconds, that is above a bucket.
fn upper_edge(bucket: usize) -> u64 {
    let next = u64::try_from(bucket).unwrap_or(0) + 1;
    ((STEPS + next % STEPS) << (next / STEPS)).div_ceil(STEPS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_said_before_there_were_enough() {
        let delays = Delays::default();
        for _ in 1..ENOUGH {
            delays.record(Duration::from_millis(5));
        }
        assert_eq!(delays.most(), None);
        delays.record(Duration::from_millis(5));
        assert!(delays.most().is_some());
    }

    #[test]
    fn what_is_new_outweighs_what_is_old() {
        let delays = Delays::default();
        for _ in 0..10_000 {
            delays.record(Duration::from_secs(2));
        }
        for _ in 0..4 * HALVED_AT {
            delays.record(Duration::from_millis(3));
        }
        assert!(delays.half().unwrap() < Duration::from_millis(4), "{:?}", delays.half());
        assert!(delays.most().unwrap() < Duration::from_millis(12), "{:?}", delays.most());
    }

    proptest! {
        #[test]
        fn a_time_is_below_its_buckets_edge_and_within_a_quarter_of_it(micros in 8_u64..60_000_000) {
            let edge = upper_edge(bucket(Duration::from_micros(micros)));
            prop_assert!(edge > micros, "{edge}");
            prop_assert!(edge <= micros + micros / 4 + 1, "{edge}");
        }

        #[test]
        fn at_most_one_of_twenty_is_above_the_nineteenth(mut times in proptest::collection::vec(1_u64..5_000_000, 64..256)) {
            let delays = Delays::default();
            times.truncate(times.len() / 32 * 32);
            for micros in &times {
                delays.record(Duration::from_micros(*micros));
            }
            let most = delays.most().unwrap();
            let above = times.iter().filter(|micros| Duration::from_micros(**micros) > most).count();
            prop_assert!(above * 20 <= times.len(), "{above} of {}", times.len());
            prop_assert!(delays.half().unwrap() * 3 <= most);
        }
    }
}

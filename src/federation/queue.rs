//! How long somebody who comes now would wait for a place at a department: by how many wait, and how many got one lately.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How many intervals back it is remembered how many got a place, roughly.
const MEMORY: u64 = 4;
/// Rates are counted in thousandths.
const WHOLE: u64 = 1_000;

/// Those who want a place.
#[derive(Default)]
pub(super) struct Queue {
    waiting: AtomicUsize,
    /// Who got one in this interval.
    served: AtomicU32,
    /// Who got one in an interval, lately, in thousandths.
    rate: AtomicU64,
}

/// Somebody who waits, counted as long as this lives.
pub(super) struct Waiting<'a>(&'a Queue);

impl Queue {
    /// Somebody got a place.
    pub(super) fn serve(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody has to wait.
    pub(super) fn join(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    /// Ends an interval of this length: how long somebody who comes now would wait, at most an hour.
    pub(super) fn turn(&self, interval: Duration) -> Duration {
        let (served, waiting) = (self.served.swap(0, Ordering::Relaxed), self.waiting.load(Ordering::Relaxed));
        let lately = self.rate.load(Ordering::Relaxed);
        let rate = (lately * (MEMORY - 1) + u64::from(served) * WHOLE) / MEMORY;
        self.rate.store(rate, Ordering::Relaxed);
        let intervals = u64::try_from(waiting).unwrap_or(u64::MAX).saturating_mul(WHOLE) / rate.max(1);
        let wait = interval.saturating_mul(u32::try_from(intervals).unwrap_or(u32::MAX));
        wait.min(Duration::from_hours(1))
    }
}

/// How long one waits at most departments, those included that nobody is asked: their answers are at hand, or they are left
/// alone. Where fewer than half of them keep everybody waiting, that is theirs alone and
/// costs their own facts (promise P9); where more do, it is the hub that asks too much.
pub(super) fn at_most(mut waits: Vec<Duration>) -> Duration {
    waits.sort_unstable();
    waits.get(waits.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);

    #[test]
    fn p9_a_department_that_keeps_everybody_waiting_is_not_most_of_them() {
        let waits = |long: usize, of: usize| (0..of).map(|at| Duration::from_secs(u64::from(at < long))).collect();
        for (long, of) in [(1, 6), (3, 6), (1, 3), (1, 2), (0, 1), (0, 0)] {
            assert_eq!(at_most(waits(long, of)), Duration::ZERO, "{long} of {of}");
        }
        for (long, of) in [(4, 6), (2, 3), (2, 2), (1, 1)] {
            assert_eq!(at_most(waits(long, of)), Duration::from_secs(1), "{long} of {of}");
        }
    }

    #[test]
    fn the_wait_is_how_many_are_before_one_by_how_many_are_served() {
        let queue = Queue::default();
        assert_eq!(queue.turn(INTERVAL), Duration::ZERO, "nobody wants a place");
        (0..40).for_each(|_| queue.serve());
        assert_eq!(queue.turn(INTERVAL), Duration::ZERO, "nobody waits for one");
        let waiting: Vec<_> = (0..100).map(|_| queue.join()).collect();
        for _ in 0..40 {
            (0..10).for_each(|_| queue.serve());
            queue.turn(INTERVAL);
        }
        (0..10).for_each(|_| queue.serve());
        assert_eq!(queue.turn(INTERVAL), Duration::from_secs(1), "ten in a tenth of a second, a hundred before one");
        for _ in 0..3 {
            queue.turn(INTERVAL);
        }
        assert!(queue.turn(INTERVAL) > Duration::from_secs(3), "a department that hangs serves nobody");
        for _ in 0..100 {
            queue.turn(INTERVAL);
        }
        assert_eq!(queue.turn(INTERVAL), Duration::from_hours(1));
        drop(waiting);
        assert_eq!(queue.turn(INTERVAL), Duration::ZERO, "who gave up wants none any more");
    }
}

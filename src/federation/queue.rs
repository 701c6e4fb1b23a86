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

    /// Ends an interval of this length: how long somebody who comes now would wait, at most an hour; none where nobody wanted
    /// a place lately.
    pub(super) fn turn(&self, interval: Duration) -> Option<Duration> {
        let (served, waiting) = (self.served.swap(0, Ordering::Relaxed), self.waiting.load(Ordering::Relaxed));
        let lately = self.rate.load(Ordering::Relaxed);
        let rate = (lately * (MEMORY - 1) + u64::from(served) * WHOLE) / MEMORY;
        self.rate.store(rate, Ordering::Relaxed);
        if waiting == 0 {
            return (served > 0).then_some(Duration::ZERO);
        }
        let intervals = u64::try_from(waiting).unwrap_or(u64::MAX).saturating_mul(WHOLE) / rate.max(1);
        let wait = interval.saturating_mul(u32::try_from(intervals).unwrap_or(u32::MAX));
        Some(wait.min(Duration::from_hours(1)))
    }
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
    fn the_wait_is_how_many_are_before_one_by_how_many_are_served() {
        let queue = Queue::default();
        assert_eq!(queue.turn(INTERVAL), None, "nobody wants a place");
        (0..40).for_each(|_| queue.serve());
        assert_eq!(queue.turn(INTERVAL), Some(Duration::ZERO), "nobody waits for one");
        let waiting: Vec<_> = (0..100).map(|_| queue.join()).collect();
        for _ in 0..40 {
            (0..10).for_each(|_| queue.serve());
            queue.turn(INTERVAL);
        }
        (0..10).for_each(|_| queue.serve());
        assert_eq!(
            queue.turn(INTERVAL),
            Some(Duration::from_secs(1)),
            "ten in a tenth of a second, a hundred before one"
        );
        for _ in 0..3 {
            queue.turn(INTERVAL);
        }
        assert!(queue.turn(INTERVAL).unwrap() > Duration::from_secs(3), "a department that hangs serves nobody");
        for _ in 0..100 {
            queue.turn(INTERVAL);
        }
        assert_eq!(queue.turn(INTERVAL), Some(Duration::from_hours(1)));
        drop(waiting);
        assert_eq!(queue.turn(INTERVAL), None, "who gave up wants none any more");
    }
}

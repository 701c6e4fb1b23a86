//! Whether a question was overtaken: others that were asked with it or after it have been answered, and it has not.
//!
//! A question that is late and was not overtaken waits for something that all wait for, a department under load or this
//! hub itself. Asking it again would only add to that. One that nobody waits with any more is waited for by itself, however
//! many were there when it was asked: after a burst nobody comes to overtake the last.

use std::sync::atomic::{AtomicU64, Ordering};

/// A question was overtaken when this many times as many were answered as were under way when it was asked.
const TIMES: u64 = 2;

/// How many questions a department was asked, and how many came to an end.
#[derive(Default)]
pub(super) struct Turnover {
    asked: AtomicU64,
    ended: AtomicU64,
}

/// A question under way; it has come to its end when this is dropped.
pub(super) struct UnderWay<'a> {
    turnover: &'a Turnover,
    before: u64,
    ended: u64,
}

impl Turnover {
    /// A question is asked.
    pub(super) fn enter(&self) -> UnderWay<'_> {
        let ended = self.ended.load(Ordering::Relaxed);
        let before = self.asked.fetch_add(1, Ordering::Relaxed).saturating_sub(ended);
        UnderWay { turnover: self, before, ended }
    }
}

impl UnderWay<'_> {
    /// Whether enough others were answered in the meantime. A question that was asked alone, or is alone now, is measured
    /// by time only.
    pub(super) fn is_overtaken(&self) -> bool {
        let ended = self.turnover.ended.load(Ordering::Relaxed);
        let is_alone = self.turnover.asked.load(Ordering::Relaxed).saturating_sub(ended) <= 1;
        is_alone || ended.saturating_sub(self.ended) >= self.before.saturating_mul(TIMES)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.turnover.ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_alone_is_measured_by_time_only() {
        let turnover = Turnover::default();
        assert!(turnover.enter().is_overtaken());
        let alone = turnover.enter();
        assert!(alone.is_overtaken());
    }

    #[test]
    fn who_waits_with_all_the_others_was_not_overtaken() {
        let turnover = Turnover::default();
        let others: Vec<_> = (0..5).map(|_| turnover.enter()).collect();
        let (last, _behind_it) = (turnover.enter(), turnover.enter());
        assert!(!last.is_overtaken());
        drop(others);
        assert!(!last.is_overtaken(), "all that were before it are done, and it is next");
    }

    #[test]
    fn who_is_left_of_a_burst_is_measured_by_time_only() {
        let turnover = Turnover::default();
        let others: Vec<_> = (0..5).map(|_| turnover.enter()).collect();
        let last = turnover.enter();
        drop(others);
        assert!(last.is_overtaken());
    }

    #[test]
    fn who_is_passed_by_enough_was_overtaken_although_others_hang() {
        let turnover = Turnover::default();
        let _hanging: Vec<_> = (0..5).map(|_| turnover.enter()).collect();
        let late = turnover.enter();
        (0..9).for_each(|_| drop(turnover.enter()));
        assert!(!late.is_overtaken());
        drop(turnover.enter());
        assert!(late.is_overtaken());
    }

    #[test]
    fn who_is_passed_by_all_the_others_twice_was_overtaken() {
        let turnover = Turnover::default();
        let others: Vec<_> = (0..5).map(|_| turnover.enter()).collect();
        let (last, _behind_it) = (turnover.enter(), turnover.enter());
        drop(others);
        for _ in 0..4 {
            drop(turnover.enter());
            assert!(!last.is_overtaken());
        }
        drop(turnover.enter());
        assert!(last.is_overtaken());
    }
}

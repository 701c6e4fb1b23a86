//! How many questions one department has under way at once: as many as it was agreed, fewer while it has too much to do.
//!
//! Additive increase, multiplicative decrease, as congestion control does it: a department says by its silence that
//! it is asked too much, and is asked a quarter less at once; good answers while places are short add one place for
//! each round of them. Below half of what it last could bear, places come back one for each good answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Never fewer places than these, or one slow question would stop all.
const FEWEST: usize = 2;
/// Many questions under way fail together: their failures count once in this time.
const ONCE_IN: Duration = Duration::from_millis(500);

/// The places of a department.
pub(super) struct Places {
    free: Semaphore,
    most: usize,
    bound: Mutex<Bound>,
}

/// A place that is taken. Dropping it gives it back.
pub(super) struct Place<'a> {
    places: &'a Places,
    permit: Option<SemaphorePermit<'a>>,
}

struct Bound {
    /// How many places there are now.
    now: usize,
    /// Places to take away as soon as they are given back.
    owed: usize,
    /// Below this, places come back quickly.
    quick_below: usize,
    /// Good answers since the last place was added.
    good: usize,
    lowered_at: Option<Instant>,
}

impl Places {
    /// So many places at most, and to begin with.
    pub(super) const fn new(most: usize) -> Self {
        let most = if most > Semaphore::MAX_PERMITS { Semaphore::MAX_PERMITS } else { most };
        let bound = Bound { now: most, owed: 0, quick_below: 0, good: 0, lowered_at: None };
        Self { free: Semaphore::const_new(most), most, bound: Mutex::new(bound) }
    }

    /// Waits for a place.
    pub(super) async fn take(&self) -> Place<'_> {
        // Never closed; a place without permit would only be one too many.
        Place { places: self, permit: self.free.acquire().await.ok() }
    }

    /// A place, if one is free now.
    pub(super) fn take_now(&self) -> Option<Place<'_>> {
        Some(Place { places: self, permit: Some(self.free.try_acquire().ok()?) })
    }

    /// A place, if half of them are free now: for what can wait until nobody else needs them.
    pub(super) fn take_spare(&self) -> Option<Place<'_>> {
        if self.free.available_permits() * 2 < self.count() { None } else { self.take_now() }
    }

    /// Whether somebody is on the way.
    pub(super) fn are_used(&self) -> bool {
        self.free.available_permits() < self.count()
    }

    /// Whether all are taken.
    pub(super) fn are_full(&self) -> bool {
        self.free.available_permits() == 0
    }

    /// How many places there are.
    pub(super) fn count(&self) -> usize {
        self.bound().now
    }

    /// The department answered well.
    pub(super) fn grow(&self) {
        let mut bound = self.bound();
        if bound.now >= self.most {
            return;
        }
        // Places that nobody needs say nothing of what the department can bear.
        let are_short = self.free.available_permits() * 2 <= bound.now;
        bound.good += 1;
        if bound.now < bound.quick_below || (are_short && bound.good >= bound.now) {
            bound.good = 0;
            bound.now += 1;
            if bound.owed > 0 {
                bound.owed -= 1;
            } else {
                self.free.add_permits(1);
            }
        }
    }

    /// The department has too much to do.
    pub(super) fn shrink(&self, now: Instant) {
        let mut bound = self.bound();
        if bound.lowered_at.is_some_and(|at| now.saturating_duration_since(at) < ONCE_IN) {
            return;
        }
        let to = (bound.now - bound.now / 4).saturating_sub(1).max(FEWEST).min(bound.now);
        bound.lowered_at = Some(now);
        bound.quick_below = (bound.now / 2).max(bound.quick_below / 2);
        bound.good = 0;
        let fewer = bound.now - to;
        bound.now = to;
        bound.owed += fewer - self.free.forget_permits(fewer);
    }

    fn bound(&self) -> std::sync::MutexGuard<'_, Bound> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut bound = self.places.bound();
        if bound.owed > 0
            && let Some(permit) = self.permit.take()
        {
            bound.owed -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_wave_of_failures_costs_a_quarter_and_good_answers_bring_it_back() {
        let places = Places::new(64);
        let now = Instant::now();
        (0..64).for_each(|_| places.shrink(now));
        assert_eq!(places.count(), 47);
        for _ in 0..2 {
            places.shrink(now + ONCE_IN);
        }
        assert_eq!(places.count(), 35);
        let taken: Vec<_> = std::iter::from_fn(|| places.take_now()).collect();
        assert_eq!(taken.len(), 35);
        for _ in 0..10_000 {
            places.grow();
        }
        assert_eq!(places.count(), 64, "not one more than agreed");
        assert_eq!(taken.len() + std::iter::from_fn(|| places.take_now()).map(std::mem::forget).count(), 64);
    }

    #[test]
    fn good_answers_while_places_lie_idle_add_none() {
        let places = Places::new(8);
        places.shrink(Instant::now());
        let before = places.count();
        (0..1000).for_each(|_| places.grow());
        assert_eq!(places.count(), before);
    }

    proptest! {
        /// Whatever happens: places taken never exceed what was agreed, and what is free and taken comes to the count
        /// once what is owed is given back.
        #[test]
        fn places_add_up(most in 1_usize..40, steps in proptest::collection::vec(0_u8..4, 1..300)) {
            let places = Places::new(most);
            let mut now = Instant::now();
            let mut taken = Vec::new();
            for step in steps {
                match step {
                    0 => taken.extend(places.take_now()),
                    1 => drop(taken.pop()),
                    2 => places.grow(),
                    _ => {
                        now += ONCE_IN;
                        places.shrink(now);
                    }
                }
                assert!(taken.len() <= most);
                assert!((FEWEST.min(most)..=most).contains(&places.count()));
            }
            drop(taken);
            assert_eq!(places.free.available_permits(), places.count());
        }
    }
}

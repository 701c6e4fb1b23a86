//! How many questions a second a department agreed to answer: a token bucket on the clock that deadlines are on.

use std::num::NonZeroU32;
use std::ops::Add;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota as Rate, RateLimiter};
use tokio::time::{Instant, sleep};

/// The quota of one department.
pub(super) struct Quota(RateLimiter<NotKeyed, InMemoryState, Ticking, NoOpMiddleware<At>>);

/// The runtime's clock. governor's own one is another, which a simulation of federation could not own.
struct Ticking;

/// An instant of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct At(Instant);

impl Clock for Ticking {
    type Instant = At;

    fn now(&self) -> At {
        At(Instant::now())
    }
}

impl Reference for At {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.into()).unwrap_or(self.0))
    }
}

impl Add<Nanos> for At {
    type Output = Self;

    fn add(self, other: Nanos) -> Self {
        Self(self.0 + Duration::from(other))
    }
}

impl Quota {
    /// So many questions a second in the long run, and `burst` after a pause.
    pub(super) fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        Self(RateLimiter::direct_with_clock(Rate::per_second(per_second).allow_burst(burst), Ticking))
    }

    /// Waits until a question may be asked, and counts it.
    pub(super) async fn take(&self) {
        while let Err(not_yet) = self.0.check() {
            sleep(not_yet.wait_time_from(Ticking.now())).await;
        }
    }

    /// Counts a question, if one may be asked now.
    pub(super) fn take_now(&self) -> bool {
        self.0.check().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_agreed_rate() {
        let quota = Quota::new(NonZeroU32::new(10).unwrap(), NonZeroU32::new(3).unwrap());
        let begun = Instant::now();
        assert!((0..3).all(|_| quota.take_now()));
        assert!(!quota.take_now());
        for _ in 0..5 {
            quota.take().await;
        }
        let took = begun.elapsed();
        assert!((Duration::from_millis(500)..Duration::from_millis(510)).contains(&took), "{took:?}");
    }
}

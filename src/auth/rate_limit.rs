//! What one client may ask in a second: 429 with `RateLimit` fields, by client identity only.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// The limit every client has, keyed by client id.
pub struct ClientLimit {
    limiter: DefaultKeyedRateLimiter<Arc<str>, StateInformationMiddleware>,
    per_second: NonZeroU32,
    burst: NonZeroU32,
}

/// Where a client stands, for the fields of draft-ietf-httpapi-ratelimit-headers-10.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Requests the client may still make now.
    pub remaining: u32,
    /// Requests it may make at once.
    pub burst: NonZeroU32,
    /// Seconds until it may ask again; 0 when it may now.
    pub retry_after_seconds: u64,
    /// Seconds until the whole burst is there again.
    pub window_seconds: u64,
}

impl ClientLimit {
    /// A limit of `per_second` in the long run and `burst` at once.
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self { limiter: RateLimiter::keyed(quota).with_middleware(), per_second, burst }
    }

    /// Counts a request of `client`. `Err` when it is one too many.
    pub fn check(&self, client: &str) -> Result<Standing, Standing> {
        let window_seconds = u64::from(self.burst.get()).div_ceil(u64::from(self.per_second.get())).max(1);
        let standing = |remaining, retry_after_seconds| Standing {
            remaining,
            burst: self.burst,
            retry_after_seconds,
            window_seconds,
        };
        match self.limiter.check_key(&Arc::from(client)) {
            Ok(snapshot) => Ok(standing(snapshot.remaining_burst_capacity(), 0)),
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                Err(standing(0, wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1)))
            }
        }
    }

    /// Forgets clients that have their whole burst again, so that the table cannot grow for ever.
    pub fn forget_idle_clients(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_cannot_use_up_the_limit_of_another() {
        let limit = ClientLimit::new(NonZeroU32::new(1).unwrap(), NonZeroU32::new(3).unwrap());
        for remaining in [2, 1, 0] {
            assert_eq!(limit.check("a").map(|standing| standing.remaining), Ok(remaining));
        }
        let refused = limit.check("a").unwrap_err();
        assert!(refused.retry_after_seconds >= 1 && refused.remaining == 0);
        assert!(limit.check("b").is_ok());
    }
}

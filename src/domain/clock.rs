//! Time and randomness as things that are handed in, so that tests own them.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

/// Where the time comes from. Two implementors: [`SystemClock`] and [`TestClock`].
pub trait Clock: Send + Sync + 'static {
    /// The instant it is now.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that takes the time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct TestClock(Mutex<Timestamp>);

impl TestClock {
    /// A clock standing at `at`.
    pub const fn new(at: Timestamp) -> Self {
        Self(Mutex::new(at))
    }

    /// Moves the clock.
    pub fn advance(&self, by: SignedDuration) {
        if let Ok(mut now) = self.0.lock() {
            *now = now.saturating_add(by).unwrap_or(*now);
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Where randomness comes from. Two implementors: [`SystemRandomness`], and the tests' own.
pub trait Randomness: Send + Sync + 'static {
    /// Fills the buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer)
            .expect("the operating system gives random bytes; without them nothing here is safe");
    }
}

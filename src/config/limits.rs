//! Settings of limits: what one client may ask, and how many refusals stand in the access log one by one.

use std::time::Duration;

use serde::Deserialize;

use crate::domain::dataset::duration_text;

/// What one client may ask.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimit {
    /// Requests a second, in the long run.
    pub per_second: std::num::NonZeroU32,
    /// Requests at once.
    pub burst: std::num::NonZeroU32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { per_second: super::defaults::quota_per_second(), burst: super::defaults::quota_burst() }
    }
}

/// How many refusals of those who did not prove who they are have entries of their own; the others are counted.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Refusals {
    /// Of one peer, in a window.
    pub singly: u32,
    /// Of all together, in a window.
    pub all_singly: u32,
    /// How long a window is.
    #[serde(with = "duration_text")]
    pub window: Duration,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { singly: 500, all_singly: 5_000, window: Duration::from_mins(10) }
    }
}

impl Refusals {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.singly == 0 || self.all_singly < self.singly || self.all_singly > 100_000 {
            return Err(
                "refusals: `singly` is at least 1, and `all_singly` at least as much and at most 100000".to_owned()
            );
        }
        let window = Duration::from_secs(1)..=Duration::from_hours(24);
        if window.contains(&self.window) { Ok(()) } else { Err("refusals: `window` is from 1s to 24h".to_owned()) }
    }
}

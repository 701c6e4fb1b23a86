//! Settings of the registry: whether departments may register adapters themselves, and what is asked of them.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::domain::dataset::duration_text;

/// Whether departments may register adapters themselves.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// The authority of the certificates of adapters that register themselves, PEM.
    pub ca: PathBuf,
    /// The level a conformance report must reach before anything real is asked, 0 to 4.
    #[serde(default = "conformance_level")]
    pub conformance_level: u8,
    /// How many of a hundred questions a shadow is asked too.
    #[serde(default = "shadow_percent")]
    pub shadow_percent: u8,
    /// How long an invitation is good.
    #[serde(default = "invitation_valid_for", with = "duration_text")]
    pub invitation_valid_for: Duration,
}

const fn conformance_level() -> u8 {
    3
}

const fn shadow_percent() -> u8 {
    5
}

const fn invitation_valid_for() -> Duration {
    Duration::from_hours(24)
}

impl Registry {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.conformance_level > 4 {
            return Err("registry: `conformance_level` is 0 to 4 应为 0 到 4".to_owned());
        }
        if self.shadow_percent > 100 {
            return Err("registry: `shadow_percent` is 0 to 100 应为 0 到 100".to_owned());
        }
        let valid = Duration::from_mins(1)..=Duration::from_hours(24 * 30);
        if valid.contains(&self.invitation_valid_for) {
            Ok(())
        } else {
            Err("registry: `invitation_valid_for` is from 1m to 30d 应为 1m 到 30d".to_owned())
        }
    }
}

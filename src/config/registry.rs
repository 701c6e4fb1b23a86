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
    /// The level a conformance report must reach before anything real is asked, 0 to 4; with 5 the hub must besides have
    /// seen a shadow hold for days before it goes live.
    #[serde(default = "conformance_level")]
    pub conformance_level: u8,
    /// How many of a hundred questions a shadow is asked too.
    #[serde(default = "shadow_percent")]
    pub shadow_percent: u8,
    /// Over how many days a shadow must have held to reach level 5.
    #[serde(default = "sustained_days")]
    pub sustained_days: u32,
    /// Whether an adapter whose answers are not what they used to be is demoted without anybody's doing.
    #[serde(default = "demotion")]
    pub demotion: bool,
    /// For how long it must have been so.
    #[serde(default = "demote_after", with = "duration_text")]
    pub demote_after: Duration,
    /// For how long its answers must be what they used to be before it returns; twice as long each further time in a day.
    #[serde(default = "return_after", with = "duration_text")]
    pub return_after: Duration,
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

const fn sustained_days() -> u32 {
    7
}

const fn demotion() -> bool {
    true
}

const fn demote_after() -> Duration {
    Duration::from_mins(2)
}

const fn return_after() -> Duration {
    Duration::from_mins(30)
}

const fn invitation_valid_for() -> Duration {
    Duration::from_hours(24)
}

impl Registry {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.conformance_level > 5 {
            return Err("registry: `conformance_level` is 0 to 5 应为 0 到 5".to_owned());
        }
        if !(1..=60).contains(&self.sustained_days) {
            return Err("registry: `sustained_days` is 1 to 60 应为 1 到 60".to_owned());
        }
        let day = Duration::from_hours(24);
        if self.demote_after > day || self.return_after > day {
            return Err("registry: `demote_after` and `return_after` are at most 24h 至多为 24h".to_owned());
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

//! Settings of asking again: when departments that did not answer are asked for what they owe.

use std::time::Duration;

use serde::Deserialize;

use crate::domain::dataset::duration_text;

/// When departments whose silence leaves a verdict open are asked again.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FollowUp {
    /// How long after the first outcome.
    #[serde(with = "duration_text")]
    pub first_pause: Duration,
    /// Each pause is twice the one before, up to this.
    #[serde(with = "duration_text")]
    pub longest_pause: Duration,
    /// How often at most; 0: never by itself.
    pub attempts: u32,
    /// About how many verifications at the same time.
    pub at_once: usize,
}

impl Default for FollowUp {
    fn default() -> Self {
        Self { first_pause: Duration::from_secs(30), longest_pause: Duration::from_hours(1), attempts: 30, at_once: 4 }
    }
}

impl FollowUp {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.first_pause.is_zero() || self.longest_pause < self.first_pause {
            return Err("follow_up: `first_pause` is more than nothing, and `longest_pause` at least as long \
                        首次间隔应大于零，最长间隔不得更短"
                .to_owned());
        }
        if !(1..=64).contains(&self.at_once) || self.attempts > 1_000 {
            return Err("follow_up: `at_once` is from 1 to 64, and `attempts` at most 1000 \
                        同时处理数为 1 至 64，次数至多 1000"
                .to_owned());
        }
        Ok(())
    }
}

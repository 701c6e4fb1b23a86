//! Settings of two persons: which changes one person alone cannot make.

use std::time::Duration;

use serde::Deserialize;

use crate::domain::dataset::duration_text;

/// Whether changes need two persons.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Approval {
    /// Registrations, new keys, erasures and other settings count only when two administrators signed for them.
    pub required: bool,
    /// How long a change may wait for them.
    #[serde(with = "duration_text")]
    pub valid_for: Duration,
}

impl Default for Approval {
    fn default() -> Self {
        Self { required: false, valid_for: Duration::from_hours(24 * 7) }
    }
}

impl Approval {
    pub(super) fn check(&self, has_clients: bool) -> Result<(), String> {
        if self.required && !has_clients {
            return Err(
                "approval: `required` needs [token_endpoint]: the persons are clients that are registered here"
                    .to_owned(),
            );
        }
        let valid = Duration::from_mins(1)..=Duration::from_hours(24 * 90);
        if valid.contains(&self.valid_for) { Ok(()) } else { Err("approval: `valid_for` is from 1m to 90d".to_owned()) }
    }
}

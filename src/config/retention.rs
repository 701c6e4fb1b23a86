//! Settings of retention: how long what is kept. The access log has none: nothing deletes from it.

use std::time::Duration;

use serde::Deserialize;

use crate::domain::dataset::duration_text;

/// Three years, the time that records of processing are kept (PIPL 第五十六条, 网络数据安全管理条例 第十二条).
const THREE_YEARS: Duration = Duration::from_hours(24 * 1096);

/// How long what is kept.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Requests and outcomes of verifications, from acceptance.
    #[serde(with = "duration_text")]
    pub verifications: Duration,
    /// Registered authorisations, from their last day or their revocation.
    #[serde(with = "duration_text")]
    pub authorisations: Duration,
    /// How far the clock may step ahead before nothing is erased by it until somebody confirms it.
    #[serde(with = "duration_text")]
    pub max_clock_step: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { verifications: THREE_YEARS, authorisations: THREE_YEARS, max_clock_step: Duration::from_hours(24 * 7) }
    }
}

impl Retention {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.verifications < Duration::from_hours(24) {
            return Err("retention: `verifications` is at least 1d".to_owned());
        }
        if self.max_clock_step < Duration::from_hours(1) {
            return Err("retention: `max_clock_step` is at least 1h".to_owned());
        }
        if self.authorisations < self.verifications {
            return Err("retention: `authorisations` is at least as long as `verifications`: what rests on an authorisation must be able to show it".to_owned());
        }
        Ok(())
    }
}

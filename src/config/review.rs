//! Settings of the review of the access log.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::domain::dataset::duration_text;

/// How the access log is watched.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Review {
    /// The rules; the shipped ones when absent.
    pub rules: Option<PathBuf>,
    /// The staff list, CSV of identity numbers; rules that need it say so when absent.
    pub staff: Option<PathBuf>,
    /// The watch list, identity numbers.
    pub watch_list: Option<PathBuf>,
    /// How often new entries are looked at, at most 60 s.
    #[serde(with = "duration_text")]
    pub every: Duration,
}

impl Default for Review {
    fn default() -> Self {
        Self { rules: None, staff: None, watch_list: None, every: Duration::from_secs(5) }
    }
}

impl Review {
    pub(super) fn check(&self) -> Result<(), String> {
        let is_usual = (Duration::from_millis(100)..=Duration::from_mins(1)).contains(&self.every);
        if is_usual { Ok(()) } else { Err("review: `every` is from 100ms to 60s".to_owned()) }
    }

    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.rules, &mut self.staff, &mut self.watch_list].into_iter().flatten()
    }
}

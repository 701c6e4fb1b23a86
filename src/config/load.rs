//! Settings of what the hub does when it has more to do than it can.

use std::time::Duration;

use serde::Deserialize;

use crate::domain::dataset::duration_text;

/// Who is let in when not everybody can be served.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Load {
    /// How long one may have to wait for the processor, for a tenth of a second on end, before requests are refused; and
    /// thirty times that for a place at most departments.
    #[serde(with = "duration_text")]
    pub longest_delay: Duration,
    /// Verifications under way at the same time, at most; those of batches up to 80 % of them.
    pub under_way: usize,
    /// Clients whose requests are of the batch class, whatever they say.
    pub batch_clients: Vec<String>,
}

impl Default for Load {
    fn default() -> Self {
        Self { longest_delay: Duration::from_millis(25), under_way: 10_000, batch_clients: Vec::new() }
    }
}

impl Load {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.longest_delay < Duration::from_millis(5) || self.under_way < 10 {
            return Err("load: `longest_delay` is at least 5ms, and `under_way` at least 10 \
                        最长等待不少于 5 毫秒，同时进行数不少于 10"
                .to_owned());
        }
        Ok(())
    }
}

//! Ids: UUIDs of version 7 from the hub's clock and randomness, so that they sort by time.

use std::sync::Arc;

use crate::domain::clock::{Clock, Randomness};

/// Makes ids.
#[derive(Clone)]
pub struct Ids {
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
}

impl Ids {
    /// Ids from this clock and randomness.
    pub fn new(clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        Self { clock, randomness }
    }

    /// A fresh id with a prefix that says what it is of: `vf` verification, `ev` event, `rq` request.
    pub fn next(&self, prefix: &str) -> String {
        let mut random = [0_u8; 10];
        self.randomness.fill(&mut random);
        let milliseconds = u64::try_from(self.clock.now().as_millisecond()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid();
        format!("{prefix}_{}", id.simple())
    }
}

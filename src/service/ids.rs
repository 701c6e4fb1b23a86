//! Ids: UUIDs of version 7 from the hub's clock and randomness, so that they sort by time.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::clock::{Clock, Randomness};

/// Random bytes of one id.
const RANDOM: usize = 10;
/// Ids made from one call for randomness. An id is no secret, so its bytes may wait in memory; a call
/// costs about as much for many bytes as for few.
const DRAWN: usize = 32;

/// Makes ids.
#[derive(Clone)]
pub struct Ids {
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    drawn: Arc<Mutex<Vec<[u8; RANDOM]>>>,
}

impl Ids {
    /// Ids from this clock and randomness.
    pub fn new(clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        Self { clock, randomness, drawn: Arc::default() }
    }

    /// A fresh id with a prefix that says what it is of: `vf` verification, `ev` event, `rq` request.
    pub fn next(&self, prefix: &str) -> String {
        let milliseconds = u64::try_from(self.clock.now().as_millisecond()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &self.random()).into_uuid();
        let mut text = String::with_capacity(prefix.len() + 33);
        text.push_str(prefix);
        text.push('_');
        text.push_str(id.simple().encode_lower(&mut [0; 32]));
        text
    }

    /// Bytes that no other id gets.
    fn random(&self) -> [u8; RANDOM] {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = drawn.pop() {
            return bytes;
        }
        let mut bytes = [[0_u8; RANDOM]; DRAWN];
        self.randomness.fill(bytes.as_flattened_mut());
        drawn.extend_from_slice(&bytes[1..]);
        bytes[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::{SystemClock, SystemRandomness};

    #[test]
    fn ids_are_distinct_and_say_what_they_are_of() {
        let ids = Ids::new(Arc::new(SystemClock), Arc::new(SystemRandomness));
        let made: std::collections::HashSet<String> = (0..1_000).map(|_| ids.next("vf")).collect();
        assert_eq!(made.len(), 1_000);
        assert!(made.iter().all(|id| id.len() == 35 && id.starts_with("vf_")));
    }
}

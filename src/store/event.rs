//! Access events: appended in the same transaction as what they record, or alone. Each is an entry of the
//! access log; `store/sequence.rs` gives it its index.

use super::insertion::{Insertions, Table};
use super::writer::Write;
use super::{Store, StoreError};
use crate::tlog::Hash;
use crate::tlog::tile::MAX_ENTRY;

/// An access event as it is stored: pseudonymous JSON.
#[derive(Debug, Clone)]
pub struct EventRow {
    id: String,
    at: i64,
    body: String,
    leaf: Hash,
}

impl EventRow {
    /// An event with its id, the microseconds since 1970 when it happened, and its canonical JSON.
    pub fn new(id: String, at: i64, body: String) -> Result<Self, StoreError> {
        if body.len() > MAX_ENTRY {
            return Err(StoreError::EntryTooLong(body.len()));
        }
        // Hashed here, by whoever makes the event, and not by the one writer.
        let leaf = Hash::leaf(body.as_bytes());
        Ok(Self { id, at, body, leaf })
    }

    /// Its id, a UUID of version 7.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The event, JSON.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Its hash in the tree.
    pub const fn leaf(&self) -> Hash {
        self.leaf
    }
}

impl Store {
    /// Makes events durable.
    pub async fn record_events(&self, rows: Vec<EventRow>) -> Result<(), StoreError> {
        self.write(|reply| Write::Events { rows, reply }).await
    }
}

const EVENTS: Table = Table {
    head: "INSERT OR ROLLBACK INTO access_event (position, id, at, body, leaf) ",
    row: "SELECT ?, ?, ?, ?, ? WHERE ?",
    end: ";\n",
};

/// Appends events, the first at `index`.
pub(super) fn insert_events(insertions: &mut Insertions, index: u64, rows: &[&EventRow]) {
    let mut position = i64::try_from(index).unwrap_or(i64::MAX);
    insertions.insert(&EVENTS, rows, |values, row| {
        values.bind(position).bind(&row.id).bind(row.at).bind(&row.body).bind(row.leaf.as_bytes().as_slice());
        position = position.saturating_add(1);
    });
}

//! Access events: appended in the same transaction as what they record, or alone. Each is an entry of the
//! access log; `store/sequence.rs` gives it its index.

use sqlx::{QueryBuilder, Sqlite};

use super::writer::Write;
use super::{Store, StoreError};
use crate::tlog::Hash;
use crate::tlog::tile::MAX_ENTRY;

/// Rows of one statement: `SQLite` takes 32,766 values in one.
const ROWS: usize = 2048;

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

/// The statements that append events, the first at `index`.
pub(super) fn push_append(statements: &mut QueryBuilder<Sqlite>, index: u64, rows: &[&EventRow]) {
    let mut position = i64::try_from(index).unwrap_or(i64::MAX);
    for chunk in rows.chunks(ROWS) {
        statements.push("INSERT INTO access_event (position, id, at, body, leaf) ");
        statements.push_values(chunk, |mut values, row| {
            values.push_bind(position).push_bind(&row.id).push_bind(row.at).push_bind(&row.body);
            values.push_bind(row.leaf.as_bytes().as_slice());
            position = position.saturating_add(1);
        });
        statements.push(";\n");
    }
}

//! Access events: appended in the same transaction as what they record, or alone.

use sqlx::{QueryBuilder, Sqlite};

use super::writer::Write;
use super::{Store, StoreError};

/// An access event as it is stored: pseudonymous JSON.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Its id, a UUID of version 7.
    pub id: String,
    /// When it happened, microseconds since 1970, UTC.
    pub at: i64,
    /// The event, JSON.
    pub body: String,
}

impl Store {
    /// Makes events durable.
    pub async fn record_events(&self, rows: Vec<EventRow>) -> Result<(), StoreError> {
        self.write(|reply| Write::Events { rows, reply }).await
    }

    /// The newest events, newest first, at most `limit`.
    pub async fn newest_events(&self, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "-- store::event::newest
             SELECT id, at, body FROM access_event ORDER BY position DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(id, at, body)| EventRow { id, at, body }).collect())
    }
}

/// The statement that appends events.
pub(super) fn push_append(statements: &mut QueryBuilder<Sqlite>, rows: &[&EventRow]) {
    if rows.is_empty() {
        return;
    }
    statements.push("INSERT INTO access_event (id, at, body) ");
    statements.push_values(rows, |mut values, row| {
        values.push_bind(&row.id).push_bind(row.at).push_bind(&row.body);
    });
    statements.push(";\n");
}

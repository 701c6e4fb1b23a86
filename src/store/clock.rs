//! The latest time that the clock was believed to show.

use sqlx::{QueryBuilder, Sqlite};

use super::{Store, StoreError};

impl Store {
    /// The latest time believed, microseconds since 1970, UTC: as it was kept, else that of the newest entry of the log.
    pub async fn believed_time(&self) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar(
            "-- store::clock::believed
             SELECT coalesce((SELECT at FROM clock_mark),
                             (SELECT at FROM access_event ORDER BY position DESC LIMIT 1))",
        )
        .fetch_one(&self.read)
        .await?)
    }
}

/// The statement that keeps a time.
pub(super) fn push_mark(statements: &mut QueryBuilder<Sqlite>, at: i64) {
    statements.push("INSERT INTO clock_mark (only_row, at) VALUES (1, ").push_bind(at);
    statements.push(") ON CONFLICT (only_row) DO UPDATE SET at = excluded.at;\n");
}

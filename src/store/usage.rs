//! What departments were asked and spared, counted from the access log.

use sqlx::{QueryBuilder, Row, Sqlite};

use super::log::{EntryRow, LogReader, entry, signed};
use super::{Store, StoreError};

/// One count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// The department.
    pub department: String,
    /// The day, `YYYY-MM-DD`.
    pub day: String,
    /// The organisation that asked.
    pub organisation: String,
    /// What for.
    pub purpose: String,
    /// What was counted.
    pub what: String,
    /// How many.
    pub count: i64,
}

/// Counts to be added, and how far the log was read for them.
#[derive(Debug, Clone, Default)]
pub struct UsageCounts {
    /// The counts; each is added to what is there.
    pub rows: Vec<UsageRow>,
    /// The first index that was not read.
    pub next: u64,
}

impl Store {
    /// The first index of the log that was not counted yet.
    pub async fn usage_cursor(&self) -> Result<u64, StoreError> {
        let next: i64 = sqlx::query_scalar(
            "-- store::usage::cursor
             SELECT next FROM usage_cursor",
        )
        .fetch_one(&self.read)
        .await?;
        u64::try_from(next).map_err(|_| StoreError::Corrupt("negative index"))
    }

    /// What was counted of a department from one day to another, both included, by day, organisation and purpose.
    pub async fn usage(&self, department: &str, from: &str, to: &str) -> Result<Vec<UsageRow>, StoreError> {
        let rows = sqlx::query(
            "-- store::usage::usage
             SELECT department, day, organisation, purpose, what, count FROM department_usage
             WHERE department = $1 AND day >= $2 AND day <= $3 ORDER BY day, organisation, purpose, what",
        )
        .bind(department)
        .bind(from)
        .bind(to)
        .fetch_all(&self.read)
        .await?;
        let row = |row: &sqlx::sqlite::SqliteRow| {
            Ok(UsageRow {
                department: row.try_get(0)?,
                day: row.try_get(1)?,
                organisation: row.try_get(2)?,
                purpose: row.try_get(3)?,
                what: row.try_get(4)?,
                count: row.try_get(5)?,
            })
        };
        rows.iter().map(row).collect()
    }
}

impl LogReader {
    /// The entries of a stretch that tell of questions to departments, in order. The others are not handed over.
    pub async fn entries_of_questions(&self, from: u64, to: u64) -> Result<Vec<EntryRow>, StoreError> {
        let rows = sqlx::query(
            "-- store::usage::entries_of_questions
             SELECT position, id, at, body, leaf FROM access_event
             WHERE position >= $1 AND position < $2 AND body LIKE '%\"questions\":[%' ORDER BY position",
        )
        .bind(signed(from))
        .bind(signed(to))
        .fetch_all(&self.0)
        .await?;
        rows.iter().map(entry).collect()
    }
}

/// The statements that add counts.
pub(super) fn push_usage(statements: &mut QueryBuilder<Sqlite>, counts: &UsageCounts) {
    for chunk in counts.rows.chunks(2_000) {
        statements.push("INSERT INTO department_usage (department, day, organisation, purpose, what, count) ");
        statements.push_values(chunk, |mut values, row| {
            values.push_bind(&row.department).push_bind(&row.day).push_bind(&row.organisation);
            values.push_bind(&row.purpose).push_bind(&row.what).push_bind(row.count);
        });
        statements.push(
            " ON CONFLICT (department, day, organisation, purpose, what)
              DO UPDATE SET count = department_usage.count + excluded.count;\n",
        );
    }
    statements.push("UPDATE usage_cursor SET next = ").push_bind(signed(counts.next)).push(";\n");
}

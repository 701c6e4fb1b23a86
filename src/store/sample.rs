//! Double-random samples.

use sqlx::{QueryBuilder, Sqlite};

use super::{Store, StoreError};

/// A sample as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleRow {
    /// Its id.
    pub id: String,
    /// Microseconds since 1970, UTC.
    pub frozen_at: i64,
    /// Plan, dice and manifest, JSON.
    pub body: String,
}

impl Store {
    /// The newest samples, at most 200.
    pub async fn samples(&self) -> Result<Vec<SampleRow>, StoreError> {
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "-- store::sample::samples
             SELECT id, frozen_at, body FROM sample ORDER BY frozen_at DESC, id LIMIT 200",
        )
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(row).collect())
    }

    /// One sample.
    pub async fn sample(&self, id: &str) -> Result<Option<SampleRow>, StoreError> {
        let found: Option<(String, i64, String)> = sqlx::query_as(
            "-- store::sample::sample
             SELECT id, frozen_at, body FROM sample WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&self.read)
        .await?;
        Ok(found.map(row))
    }
}

fn row((id, frozen_at, body): (String, i64, String)) -> SampleRow {
    SampleRow { id, frozen_at, body }
}

/// The statement that makes samples what they are now.
pub(super) fn push_samples(statements: &mut QueryBuilder<Sqlite>, rows: &[SampleRow]) {
    if rows.is_empty() {
        return;
    }
    statements.push("INSERT INTO sample (id, frozen_at, body) ");
    statements.push_values(rows, |mut values, row| {
        values.push_bind(&row.id).push_bind(row.frozen_at).push_bind(&row.body);
    });
    statements.push(" ON CONFLICT (id) DO UPDATE SET body = excluded.body;\n");
}

//! The packs that verdicts rest on, kept by their digest.

use sqlx::{QueryBuilder, Sqlite};

use super::writer::Write;
use super::{Store, StoreError};

/// A pack's effective parameters as they are kept.
#[derive(Debug, Clone)]
pub struct PackRow {
    /// SHA-256 of the content, as verdicts carry it.
    pub digest: String,
    /// Microseconds since 1970, UTC.
    pub kept_at: i64,
    /// Name, title, place, values and sources, JSON.
    pub body: String,
}

impl Store {
    /// Keeps a pack, unless it is kept already: what has a digest never changes.
    pub async fn keep_pack(&self, row: PackRow) -> Result<(), StoreError> {
        self.write(|reply| Write::Pack { row: Box::new(row), reply }).await
    }

    /// The pack of this digest, when a verdict of this hub rested on it.
    pub async fn pack(&self, digest: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "-- store::pack::by_digest
             SELECT body FROM policy_pack WHERE digest = $1",
        )
        .bind(digest)
        .fetch_optional(&self.read)
        .await?)
    }
}

/// Keeps packs inside the writer's transaction.
pub(super) fn push_keep(statements: &mut QueryBuilder<Sqlite>, rows: &[&PackRow]) {
    if rows.is_empty() {
        return;
    }
    statements.push("INSERT INTO policy_pack (digest, kept_at, body) ");
    statements.push_values(rows, |mut values, row| {
        values.push_bind(&row.digest).push_bind(row.kept_at).push_bind(&row.body);
    });
    statements.push(" ON CONFLICT DO NOTHING;\n");
}

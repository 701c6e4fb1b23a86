//! Erasing by destroying keys: what is sealed stays closed for ever, and the log stays whole.

use std::collections::HashMap;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::writer::Write;
use super::{Store, StoreError};

/// What can be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasable {
    /// A verification with its outcome.
    Verification,
    /// A registered authorisation.
    Authorisation,
}

/// One object that is erased.
#[derive(Debug, Clone)]
pub struct ErasureRow {
    /// What it is.
    pub kind: Erasable,
    /// Its id.
    pub id: String,
    /// Microseconds since 1970, UTC.
    pub erased_at: i64,
}

impl Store {
    /// Verifications that ended and whose ids come before `bound`, the oldest first, each with its division; the erased
    /// ones are not among them, nor those of whose households one still has to be told. Ids sort by the time of acceptance.
    pub async fn ended_verifications_before(
        &self,
        bound: &str,
        limit: u32,
    ) -> Result<Vec<(String, Option<String>)>, StoreError> {
        Ok(sqlx::query_as(
            "-- store::erasure::ended_verifications
             SELECT o.verification_id, v.division FROM outcome o JOIN verification v ON v.id = o.verification_id
             WHERE o.verification_id < $1
               AND NOT EXISTS (SELECT 1 FROM household_notice n
                               WHERE n.verification_id = o.verification_id AND n.given_at IS NULL)
             ORDER BY o.verification_id LIMIT $2",
        )
        .bind(bound)
        .bind(limit)
        .fetch_all(&self.read)
        .await?)
    }

    /// Authorisations whose last day comes before `day`, or that were revoked before `revoked_before` (microseconds
    /// since 1970, UTC), and that are not erased, each with its division.
    pub async fn ended_authorisations_before(
        &self,
        day: &str,
        revoked_before: i64,
        limit: u32,
    ) -> Result<Vec<(String, Option<String>)>, StoreError> {
        Ok(sqlx::query_as(
            "-- store::erasure::ended_authorisations
             SELECT a.id, a.division_code FROM authorisation a
             WHERE (a.valid_until < $1 OR a.revoked_at < $2)
               AND NOT EXISTS (SELECT 1 FROM erasure e WHERE e.id = a.id)
             ORDER BY a.id LIMIT $3",
        )
        .bind(day)
        .bind(revoked_before)
        .bind(limit)
        .fetch_all(&self.read)
        .await?)
    }

    /// Lets nothing of what was overwritten stay in the file of pending writes. False when somebody is reading just now:
    /// then it has to be done again.
    pub async fn clear_pending_writes(&self) -> Result<bool, StoreError> {
        self.write(|reply| Write::Clear { reply }).await
    }
}

/// Folds the pending writes into the database and cuts their file to nothing.
pub(super) async fn clear(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as(
        "-- store::erasure::clear
         PRAGMA wal_checkpoint(TRUNCATE)",
    )
    .fetch_one(connection)
    .await?;
    Ok(busy == 0)
}

/// The statements that erase.
///
/// INVARIANT: a row that holds a wrapped key keeps its length. `SQLite` then overwrites it where it stands; a row that
/// changes its length can make it move the rows beside it, and leave copies of their keys in unused places of the page.
pub(super) fn push_erase(statements: &mut QueryBuilder<Sqlite>, rows: &[ErasureRow]) {
    let mut by_kind: HashMap<bool, Vec<&ErasureRow>> = HashMap::new();
    for row in rows {
        by_kind.entry(row.kind == Erasable::Verification).or_default().push(row);
    }
    for (is_verification, rows) in &by_kind {
        let overwritten = if *is_verification {
            "UPDATE verification SET request = zeroblob(length(request)), wrapped_key = zeroblob(length(wrapped_key)), \
             request_digest = hex(zeroblob(length(request_digest) / 2)) WHERE id IN ("
        } else {
            "UPDATE authorisation SET body = zeroblob(length(body)), wrapped_key = zeroblob(length(wrapped_key)), \
             digest = hex(zeroblob(length(digest) / 2)) WHERE id IN ("
        };
        push_ids(statements, overwritten, rows);
        if *is_verification {
            for table in ["outcome", "earlier_outcome", "follow_up"] {
                push_ids(statements, &format!("DELETE FROM {table} WHERE verification_id IN ("), rows);
            }
        }
        statements.push("INSERT INTO erasure (id, erased_at) ");
        statements.push_values(rows, |mut values, row| {
            values.push_bind(&row.id).push_bind(row.erased_at);
        });
        statements.push(" ON CONFLICT DO NOTHING;\n");
    }
}

fn push_ids(statements: &mut QueryBuilder<Sqlite>, before: &str, rows: &[&ErasureRow]) {
    statements.push(before);
    let mut ids = statements.separated(", ");
    for row in rows {
        ids.push_bind(row.id.clone());
    }
    statements.push(");\n");
}

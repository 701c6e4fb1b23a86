//! The clients registered here, the hub's signing keys, and assertions that were used.

use std::collections::HashSet;

use sqlx::sqlite::SqlitePool;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::event::EventRow;
use super::writer::Write;
use super::{Store, StoreError};

/// A registered client as it is stored.
#[derive(Debug, Clone)]
pub struct ClientRow {
    /// Its id.
    pub id: String,
    /// Microseconds since 1970, UTC.
    pub changed_at: i64,
    /// What is registered, JSON.
    pub body: String,
}

/// A signing key of the hub as it is stored.
#[derive(Debug, Clone)]
pub struct SigningKeyRow {
    /// Its number, from 1.
    pub number: u32,
    /// Microseconds since 1970, UTC.
    pub made_at: i64,
    /// Microseconds since 1970, UTC; absent while it signs.
    pub retires_at: Option<i64>,
    /// The data key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// The seed, sealed.
    pub secret: Vec<u8>,
}

/// An assertion or a proof that is about to be used.
#[derive(Debug, Clone)]
pub struct AssertionRow {
    /// The client that made it; one name for all proofs of possession, whose keys stand in `jti`.
    pub client_id: String,
    /// SHA-256 of its id.
    pub jti: [u8; 32],
    /// Now, seconds since 1970.
    pub used_at: i64,
    /// Until when it must be known, seconds since 1970.
    pub keep_until: i64,
}

impl Store {
    /// All registered clients.
    pub async fn clients(&self) -> Result<Vec<ClientRow>, StoreError> {
        clients(&self.read).await
    }

    /// All signing keys that were made, in their order.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKeyRow>, StoreError> {
        let rows = sqlx::query(
            "-- store::client::signing_keys
             SELECT number, made_at, retires_at, wrapped_key, secret FROM signing_key ORDER BY number",
        )
        .fetch_all(&self.read)
        .await?;
        let row = |row: &sqlx::sqlite::SqliteRow| {
            Ok::<_, sqlx::Error>(SigningKeyRow {
                number: row.try_get(0)?,
                made_at: row.try_get(1)?,
                retires_at: row.try_get(2)?,
                wrapped_key: row.try_get(3)?,
                secret: row.try_get(4)?,
            })
        };
        Ok(rows.iter().map(row).collect::<Result<_, _>>()?)
    }

    /// Uses an assertion: true when it was not used before. Then `granted` is durable, else `replayed`.
    pub async fn use_assertion(
        &self,
        row: AssertionRow,
        granted: EventRow,
        replayed: EventRow,
    ) -> Result<bool, StoreError> {
        let events = Some(Box::new((granted, replayed)));
        self.write(|reply| Write::Assertion { row: Box::new(row), events, reply }).await
    }

    /// Uses a proof of possession: true when it was not used before. What is done with it has entries of its own.
    pub async fn use_proof(&self, row: AssertionRow) -> Result<bool, StoreError> {
        self.write(|reply| Write::Assertion { row: Box::new(row), events: None, reply }).await
    }
}

pub(super) async fn clients(pool: &SqlitePool) -> Result<Vec<ClientRow>, StoreError> {
    let rows: Vec<(String, i64, String)> = sqlx::query_as(
        "-- store::client::all
         SELECT id, changed_at, body FROM client ORDER BY id",
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|(id, changed_at, body)| ClientRow { id, changed_at, body }).collect())
}

/// Which of these assertions were used before.
pub(super) async fn used(
    connection: &mut SqliteConnection,
    rows: impl Iterator<Item = &AssertionRow>,
) -> Result<HashSet<(String, Vec<u8>)>, sqlx::Error> {
    let rows: Vec<&AssertionRow> = rows.collect();
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let mut query = QueryBuilder::<Sqlite>::new(
        "-- store::client::used_assertions\n\
         SELECT client_id, jti FROM client_assertion WHERE (client_id, jti) IN (VALUES ",
    );
    let mut values = query.separated(", ");
    for row in rows {
        values.push("(").push_bind_unseparated(&row.client_id).push_unseparated(", ");
        values.push_bind_unseparated(row.jti.as_slice()).push_unseparated(")");
    }
    query.push(")");
    let rows: Vec<(String, Vec<u8>)> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

/// The statements that keep used assertions, and forget those that expired long ago.
pub(super) fn push_used(statements: &mut QueryBuilder<Sqlite>, rows: &[&AssertionRow]) {
    let Some(now) = rows.iter().map(|row| row.used_at).min() else { return };
    statements.push("DELETE FROM client_assertion WHERE keep_until < ").push_bind(now).push(";\n");
    statements.push("INSERT INTO client_assertion (client_id, jti, keep_until) ");
    statements.push_values(rows, |mut values, row| {
        values.push_bind(&row.client_id).push_bind(row.jti.as_slice()).push_bind(row.keep_until);
    });
    statements.push(";\n");
}

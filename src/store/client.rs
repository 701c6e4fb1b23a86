//! The clients registered here, the hub's signing keys, what operators ask to change, and assertions that were used.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
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

/// What an operator asks to be changed.
#[derive(Debug, Clone)]
pub struct ChangeRequest {
    /// Its number.
    pub number: i64,
    /// The change, JSON.
    pub body: String,
}

/// A change of clients or keys, made durable as a whole with the events that record it.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Clients as they are now.
    pub clients: Vec<ClientRow>,
    /// Signing keys that are new.
    pub signing_keys: Vec<SigningKeyRow>,
    /// Signing keys that retire: number, and when in microseconds since 1970.
    pub retired_keys: Vec<(u32, i64)>,
    /// The request this answers, and the answer, JSON.
    pub answered: Option<(i64, String)>,
}

/// An assertion that is about to be used.
#[derive(Debug, Clone)]
pub struct AssertionRow {
    /// The client that made it.
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

    /// What operators asked for that was not answered yet, in its order.
    pub async fn change_requests(&self) -> Result<Vec<ChangeRequest>, StoreError> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "-- store::client::change_requests
             SELECT number, body FROM change_request WHERE answer IS NULL ORDER BY number",
        )
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(number, body)| ChangeRequest { number, body }).collect())
    }

    /// Makes changes and their events durable together.
    pub async fn change(&self, changes: Changes, events: Vec<EventRow>) -> Result<(), StoreError> {
        self.write(|reply| Write::Change { changes: Box::new(changes), events, reply }).await
    }

    /// Uses an assertion: true when it was not used before. Then `granted` is durable, else `replayed`.
    pub async fn use_assertion(
        &self,
        row: AssertionRow,
        granted: EventRow,
        replayed: EventRow,
    ) -> Result<bool, StoreError> {
        let events = Box::new((granted, replayed));
        self.write(|reply| Write::Assertion { row: Box::new(row), events, reply }).await
    }
}

/// The operator's side of a database that a hub may be writing: reads clients, leaves requests, waits for answers.
pub struct ChangeDesk(SqlitePool);

impl ChangeDesk {
    /// Opens the database beside the hub that writes it.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(file).busy_timeout(Duration::from_secs(5));
        Ok(Self(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?))
    }

    /// All registered clients.
    pub async fn clients(&self) -> Result<Vec<ClientRow>, StoreError> {
        clients(&self.0).await
    }

    /// Leaves a request. Its number.
    pub async fn ask(&self, asked_at: i64, body: &str) -> Result<i64, StoreError> {
        let done = sqlx::query(
            "-- store::client::ask
             INSERT INTO change_request (asked_at, body) VALUES ($1, $2)",
        )
        .bind(asked_at)
        .bind(body)
        .execute(&self.0)
        .await?;
        Ok(done.last_insert_rowid())
    }

    /// The hub's answer to a request.
    pub async fn answer(&self, number: i64) -> Result<Option<String>, StoreError> {
        let answer: Option<Option<String>> = sqlx::query_scalar(
            "-- store::client::answer
             SELECT answer FROM change_request WHERE number = $1",
        )
        .bind(number)
        .fetch_optional(&self.0)
        .await?;
        Ok(answer.flatten())
    }

    /// Takes a request back, unless it was answered in the meantime: true when it will not be made any more.
    pub async fn withdraw(&self, number: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- store::client::withdraw
             DELETE FROM change_request WHERE number = $1 AND answer IS NULL",
        )
        .bind(number)
        .execute(&self.0)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

async fn clients(pool: &SqlitePool) -> Result<Vec<ClientRow>, StoreError> {
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

/// The statements of a change.
pub(super) fn push_change(statements: &mut QueryBuilder<Sqlite>, changes: &[&Changes]) {
    for change in changes {
        if !change.clients.is_empty() {
            statements.push("INSERT INTO client (id, changed_at, body) ");
            statements.push_values(&change.clients, |mut values, row| {
                values.push_bind(&row.id).push_bind(row.changed_at).push_bind(&row.body);
            });
            statements
                .push(" ON CONFLICT (id) DO UPDATE SET changed_at = excluded.changed_at, body = excluded.body;\n");
        }
        if !change.signing_keys.is_empty() {
            statements.push("INSERT INTO signing_key (number, made_at, retires_at, wrapped_key, secret) ");
            statements.push_values(&change.signing_keys, |mut values, row| {
                values.push_bind(row.number).push_bind(row.made_at).push_bind(row.retires_at);
                values.push_bind(&row.wrapped_key).push_bind(&row.secret);
            });
            statements.push(";\n");
        }
        for (number, retires_at) in &change.retired_keys {
            statements.push("UPDATE signing_key SET retires_at = ").push_bind(*retires_at);
            statements.push(" WHERE number = ").push_bind(*number).push(";\n");
        }
        if let Some((number, answer)) = &change.answered {
            statements.push("UPDATE change_request SET answer = ").push_bind(answer);
            statements.push(" WHERE number = ").push_bind(*number).push(";\n");
        }
    }
}

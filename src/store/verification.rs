//! Verifications and their outcomes. Bodies are sealed before they come here.

use std::collections::HashMap;

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::event::EventRow;
use super::follow_up::FollowUpRow;
use super::insertion::{Insertions, Table};
use super::notice::NoticeRow;
use super::writer::Write;
use super::{Store, StoreError};
use crate::domain::division::DivisionCode;

/// A verification about to be opened.
#[derive(Debug, Clone)]
pub struct NewVerification {
    /// Its id.
    pub id: String,
    /// The client that asks.
    pub client_id: String,
    /// The division of the application.
    pub division: Option<DivisionCode>,
    /// The client's idempotency key.
    pub idempotency_key: Option<String>,
    /// SHA-256 of the request body, hexadecimal.
    pub request_digest: String,
    /// Microseconds since 1970, UTC.
    pub opened_at: i64,
    /// The data key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// The request, sealed.
    pub request: Vec<u8>,
    /// The notice that its household is owed, where it is looked up in an emergency.
    pub notice: Option<NoticeRow>,
}

/// What came of opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// The verification is new and durable.
    New,
    /// The client used this idempotency key before.
    Existing {
        /// The verification of that time.
        id: String,
        /// The digest of its request.
        request_digest: String,
    },
}

/// A stored verification.
#[derive(Debug, Clone)]
pub struct VerificationRow {
    /// Its id.
    pub id: String,
    /// The client that asked.
    pub client_id: String,
    /// The division of the application; not known of those that were asked for before it was kept.
    pub division: Option<DivisionCode>,
    /// Microseconds since 1970, UTC.
    pub opened_at: i64,
    /// The data key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// The request, sealed.
    pub request: Vec<u8>,
    /// The outcome, sealed; absent while running.
    pub outcome: Option<Vec<u8>>,
    /// Which version of the outcome it is, counted from 1; 1 while running.
    pub version: u32,
    /// When it was erased, microseconds since 1970, UTC: then `wrapped_key` and `request` are zeros, and it has no outcome.
    pub erased_at: Option<i64>,
}

/// The outcome of a verification.
#[derive(Debug, Clone)]
pub struct OutcomeRow {
    /// The verification.
    pub verification_id: String,
    /// Microseconds since 1970, UTC.
    pub completed_at: i64,
    /// Answer, evidence and facts, sealed.
    pub body: Vec<u8>,
    /// What departments still owe after it.
    pub follow_up: Option<Box<FollowUpRow>>,
}

impl Store {
    /// Makes a verification and its events durable, unless the client used the idempotency key before;
    /// then nothing is written.
    pub async fn open_verification(&self, row: NewVerification, events: Vec<EventRow>) -> Result<Opened, StoreError> {
        self.check_accepting()?;
        self.write(|reply| Write::Open { row: Box::new(row), outcome: None, events, reply }).await
    }

    /// Makes a verification, its outcome and the events of both durable together, unless the client used the
    /// idempotency key before; then nothing is written.
    pub async fn open_and_complete(
        &self,
        row: NewVerification,
        outcome: OutcomeRow,
        events: Vec<EventRow>,
    ) -> Result<Opened, StoreError> {
        self.check_accepting()?;
        let outcome = Some(Box::new(outcome));
        self.write(|reply| Write::Open { row: Box::new(row), outcome, events, reply }).await
    }

    /// Makes an outcome and its events durable.
    pub async fn complete_verification(&self, row: OutcomeRow, events: Vec<EventRow>) -> Result<(), StoreError> {
        self.write(|reply| Write::Complete { row: Box::new(row), events, reply }).await
    }

    /// The verification of this id.
    pub async fn verification(&self, id: &str) -> Result<Option<VerificationRow>, StoreError> {
        let row = sqlx::query(
            "-- store::verification::by_id
             SELECT v.id, v.client_id, v.opened_at, v.wrapped_key, v.request, o.body, v.division, e.erased_at, o.version
             FROM verification v LEFT JOIN outcome o ON o.verification_id = v.id
                  LEFT JOIN erasure e ON e.id = v.id
             WHERE v.id = $1",
        )
        .bind(id)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.as_ref().map(from_row).transpose()?)
    }

    /// The ids of verifications that were accepted but not finished, oldest first: what a crash left behind.
    /// Reads the two key indexes only, no bodies.
    pub async fn unfinished_verifications(&self) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "-- store::verification::unfinished
             SELECT v.id FROM verification v
             WHERE NOT EXISTS (SELECT 1 FROM outcome o WHERE o.verification_id = v.id)
               AND NOT EXISTS (SELECT 1 FROM erasure e WHERE e.id = v.id) ORDER BY v.id",
        )
        .fetch_all(&self.read)
        .await?)
    }
}

fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<VerificationRow, sqlx::Error> {
    let division: Option<String> = row.try_get(6)?;
    Ok(VerificationRow {
        id: row.try_get(0)?,
        client_id: row.try_get(1)?,
        opened_at: row.try_get(2)?,
        wrapped_key: row.try_get(3)?,
        request: row.try_get(4)?,
        outcome: row.try_get(5)?,
        version: row.try_get::<Option<u32>, _>(8)?.unwrap_or(1),
        erased_at: row.try_get(7)?,
        division: division
            .as_deref()
            .map(DivisionCode::parse)
            .transpose()
            .map_err(|error| sqlx::Error::ColumnDecode { index: "division".to_owned(), source: Box::new(error) })?,
    })
}

/// What each of these clients' idempotency keys stands for, where it was used before.
pub(super) async fn known(
    connection: &mut SqliteConnection,
    keys: impl Iterator<Item = (&str, &str)>,
) -> Result<HashMap<(String, String), Opened>, sqlx::Error> {
    let keys: Vec<(&str, &str)> = keys.collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut query = QueryBuilder::<Sqlite>::new(
        "-- store::verification::by_idempotency_keys\n\
         SELECT client_id, idempotency_key, id, request_digest FROM verification \
         WHERE idempotency_key IS NOT NULL AND (client_id, idempotency_key) IN (VALUES ",
    );
    let mut values = query.separated(", ");
    for (client, key) in keys {
        values.push("(").push_bind_unseparated(client).push_unseparated(", ").push_bind_unseparated(key);
        values.push_unseparated(")");
    }
    query.push(")");
    let rows: Vec<(String, String, String, String)> = query.build_query_as().fetch_all(connection).await?;
    let known = rows
        .into_iter()
        .map(|(client, key, id, request_digest)| ((client, key), Opened::Existing { id, request_digest }));
    Ok(known.collect())
}

const VERIFICATIONS: Table = Table {
    head: "INSERT OR ROLLBACK INTO verification \
           (id, client_id, idempotency_key, request_digest, opened_at, wrapped_key, request, division) ",
    row: "SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE ?",
    end: ";\n",
};

/// The first outcome of a verification stands.
const OUTCOMES: Table = Table {
    head: "INSERT OR ROLLBACK INTO outcome (verification_id, completed_at, body) ",
    row: "SELECT ?, ?, ? WHERE ?",
    end: " ON CONFLICT DO NOTHING;\n",
};

/// Opens verifications.
pub(super) fn insert_opened(insertions: &mut Insertions, rows: &[&NewVerification]) {
    insertions.insert(&VERIFICATIONS, rows, |values, row| {
        values.bind(&row.id).bind(&row.client_id).bind(&row.idempotency_key).bind(&row.request_digest);
        values.bind(row.opened_at).bind(&row.wrapped_key).bind(&row.request);
        values.bind(row.division.as_ref().map(DivisionCode::as_str));
    });
}

/// Stores outcomes.
pub(super) fn insert_outcomes(insertions: &mut Insertions, rows: &[&OutcomeRow]) {
    insertions.insert(&OUTCOMES, rows, |values, row| {
        values.bind(&row.verification_id).bind(row.completed_at).bind(&row.body);
    });
}

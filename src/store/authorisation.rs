//! Registered authorisations of households, and their revocation. Bodies are sealed before they come here.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::event::EventRow;
use super::peer;
use super::writer::Write;
use super::{Store, StoreError};
use crate::domain::division::DivisionCode;

/// A registered authorisation.
#[derive(Debug, Clone)]
pub struct AuthorisationRow {
    /// Its id.
    pub id: String,
    /// The client that registered it.
    pub client_id: String,
    /// The client's division when it registered it.
    pub division: DivisionCode,
    /// The canonical number of the form; one client of one division registers a number once.
    pub number: String,
    /// SHA-256 of the registered document, hexadecimal.
    pub digest: String,
    /// Microseconds since 1970, UTC.
    pub registered_at: i64,
    /// The data key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// What was registered, sealed.
    pub body: Vec<u8>,
    /// When it was revoked, microseconds since 1970, UTC.
    pub revoked_at: Option<i64>,
    /// The last day it holds; not known of those that were registered before it was kept.
    pub valid_until: Option<String>,
    /// When it was erased, microseconds since 1970, UTC: then `digest`, `wrapped_key` and `body` are zeros.
    pub erased_at: Option<i64>,
}

/// That an authorisation does not hold any more.
#[derive(Debug, Clone)]
pub struct Revocation {
    /// The authorisation.
    pub id: String,
    /// Microseconds since 1970, UTC.
    pub revoked_at: i64,
}

impl Store {
    /// Makes an authorisation and its event durable. Whoever calls has looked whether the number is free.
    pub async fn register_authorisation(&self, row: AuthorisationRow, events: Vec<EventRow>) -> Result<(), StoreError> {
        self.check_accepting()?;
        self.write(|reply| Write::Authorisation { row: Box::new(row), events, reply }).await
    }

    /// Makes a revocation and its event durable. The first revocation stands.
    pub async fn revoke_authorisation(&self, row: Revocation, events: Vec<EventRow>) -> Result<(), StoreError> {
        self.write(|reply| Write::Revocation { row: Box::new(row), events, reply }).await
    }

    /// The authorisation of this id.
    pub async fn authorisation(&self, id: &str) -> Result<Option<AuthorisationRow>, StoreError> {
        let row = sqlx::query(
            "-- store::authorisation::by_id
             SELECT a.id, client_id, number, digest, registered_at, wrapped_key, body, revoked_at, division_code,
                    valid_until, e.erased_at
             FROM authorisation a LEFT JOIN erasure e ON e.id = a.id WHERE a.id = $1",
        )
        .bind(id)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.as_ref().map(from_row).transpose()?)
    }

    /// The authorisation that a client registered under this number as one of this division.
    pub async fn authorisation_numbered(
        &self,
        client_id: &str,
        division: DivisionCode,
        number: &str,
    ) -> Result<Option<AuthorisationRow>, StoreError> {
        let row = sqlx::query(
            "-- store::authorisation::by_number
             SELECT a.id, client_id, number, digest, registered_at, wrapped_key, body, revoked_at, division_code,
                    valid_until, e.erased_at
             FROM authorisation a LEFT JOIN erasure e ON e.id = a.id WHERE client_id = $1 AND division_code = $2 AND number = $3",
        )
        .bind(client_id)
        .bind(division.to_string())
        .bind(number)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.as_ref().map(from_row).transpose()?)
    }

    /// Client and number of every authorisation that was revoked.
    pub async fn revoked_numbers(&self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sqlx::query_as(
            "-- store::authorisation::revoked
             SELECT client_id, number FROM authorisation WHERE revoked_at IS NOT NULL",
        )
        .fetch_all(&self.read)
        .await?)
    }
}

fn division(text: &str) -> Result<DivisionCode, sqlx::Error> {
    DivisionCode::parse(text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn from_row(row: &SqliteRow) -> Result<AuthorisationRow, sqlx::Error> {
    Ok(AuthorisationRow {
        id: row.try_get(0)?,
        client_id: row.try_get(1)?,
        number: row.try_get(2)?,
        digest: row.try_get(3)?,
        registered_at: row.try_get(4)?,
        wrapped_key: row.try_get(5)?,
        body: row.try_get(6)?,
        revoked_at: row.try_get(7)?,
        division: division(&row.try_get::<String, _>(8)?)?,
        valid_until: row.try_get(9)?,
        erased_at: row.try_get(10)?,
    })
}

/// The statement that keeps authorisations.
pub(super) fn push_register(statements: &mut QueryBuilder<Sqlite>, rows: &[&AuthorisationRow]) {
    if rows.is_empty() {
        return;
    }
    statements.push(
        "INSERT INTO authorisation (id, client_id, number, digest, registered_at, wrapped_key, body, division_code, valid_until) ",
    );
    statements.push_values(rows, |mut values, row| {
        values
            .push_bind(&row.id)
            .push_bind(&row.client_id)
            .push_bind(&row.number)
            .push_bind(&row.digest)
            .push_bind(row.registered_at)
            .push_bind(&row.wrapped_key)
            .push_bind(&row.body)
            .push_bind(row.division.to_string())
            .push_bind(&row.valid_until);
    });
    statements.push(";\n");
}

/// The statements that revoke authorisations.
pub(super) fn push_revoke(statements: &mut QueryBuilder<Sqlite>, rows: &[&Revocation]) {
    for row in rows {
        statements.push("UPDATE authorisation SET revoked_at = ").push_bind(row.revoked_at);
        statements.push(" WHERE revoked_at IS NULL AND id = ").push_bind(&row.id).push(";\n");
        peer::push_due(statements, row);
    }
}

//! Households that must be told that they were looked up in an emergency, and when they were.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::event::EventRow;
use super::writer::Write;
use super::{Changes, Store, StoreError};
use crate::domain::division::DivisionCode;

/// That a household was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenNotice {
    /// When, microseconds since 1970, UTC.
    pub at: i64,
    /// The client that recorded it.
    pub by: String,
    /// How.
    pub channel: String,
}

/// A notice that is or was owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRow {
    /// The verification.
    pub verification_id: String,
    /// The client that asked for it.
    pub client_id: String,
    /// The division of the application.
    pub division: DivisionCode,
    /// When the verification was accepted, microseconds since 1970, UTC.
    pub opened_at: i64,
    /// Until when the household is to be told, microseconds since 1970, UTC.
    pub due_at: i64,
    /// That it was told.
    pub given: Option<GivenNotice>,
}

/// Which notices are looked for.
#[derive(Debug, Clone, Default)]
pub struct NoticeQuery {
    /// Of verifications of this client.
    pub client_id: Option<String>,
    /// Of divisions whose codes begin with these digits.
    pub division_prefix: Option<String>,
    /// That were due before this, microseconds since 1970, UTC.
    pub due_before: Option<i64>,
}

impl Store {
    /// The notice that a verification's household is or was owed.
    pub async fn household_notice(&self, verification_id: &str) -> Result<Option<NoticeRow>, StoreError> {
        let row = sqlx::query(
            "-- store::notice::of_verification
             SELECT verification_id, client_id, division, opened_at, due_at, given_at, given_by, channel
             FROM household_notice WHERE verification_id = $1",
        )
        .bind(verification_id)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.as_ref().map(from_row).transpose()?)
    }

    /// Notices that are owed, those due first first.
    pub async fn owed_notices(&self, query: &NoticeQuery, limit: u32) -> Result<Vec<NoticeRow>, StoreError> {
        let rows = sqlx::query(
            "-- store::notice::owed
             SELECT verification_id, client_id, division, opened_at, due_at, given_at, given_by, channel
             FROM household_notice
             WHERE given_at IS NULL AND ($1 IS NULL OR client_id = $1)
               AND ($2 IS NULL OR substr(division, 1, length($2)) = $2) AND ($3 IS NULL OR due_at < $3)
             ORDER BY due_at, verification_id LIMIT $4",
        )
        .bind(&query.client_id)
        .bind(&query.division_prefix)
        .bind(query.due_before)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        Ok(rows.iter().map(from_row).collect::<Result<_, _>>()?)
    }

    /// How many notices are owed, and how many of them were due before `now` (microseconds since 1970, UTC).
    pub async fn count_owed_notices(&self, now: i64) -> Result<(i64, i64), StoreError> {
        Ok(sqlx::query_as(
            "-- store::notice::count
             SELECT count(*), count(CASE WHEN due_at < $1 THEN 1 END) FROM household_notice WHERE given_at IS NULL",
        )
        .bind(now)
        .fetch_one(&self.read)
        .await?)
    }

    /// Makes durable that a household was told, with its event. The first notice stands.
    pub async fn give_notice(&self, row: NoticeRow, events: Vec<EventRow>) -> Result<(), StoreError> {
        let changes = Box::new(Changes { notices_given: vec![row], ..Changes::default() });
        self.write(|reply| Write::Change { changes, events, reply }).await
    }
}

fn from_row(row: &SqliteRow) -> Result<NoticeRow, sqlx::Error> {
    let division: String = row.try_get(2)?;
    let (at, by, channel): (Option<i64>, Option<String>, Option<String>) =
        (row.try_get(5)?, row.try_get(6)?, row.try_get(7)?);
    let given = at.zip(by).zip(channel).map(|((at, by), channel)| GivenNotice { at, by, channel });
    Ok(NoticeRow {
        verification_id: row.try_get(0)?,
        client_id: row.try_get(1)?,
        division: DivisionCode::parse(&division).map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        opened_at: row.try_get(3)?,
        due_at: row.try_get(4)?,
        given,
    })
}

/// The statement that says that notices are owed.
pub(super) fn push_owed(statements: &mut QueryBuilder<Sqlite>, rows: &[&NoticeRow]) {
    for row in rows {
        statements.push("INSERT INTO household_notice (verification_id, client_id, division, opened_at, due_at) ");
        statements.push_values([row], |mut values, row| {
            values.push_bind(&row.verification_id).push_bind(&row.client_id).push_bind(row.division.to_string());
            values.push_bind(row.opened_at).push_bind(row.due_at);
        });
        statements.push(";\n");
    }
}

/// The statements that say that households were told.
pub(super) fn push_given(statements: &mut QueryBuilder<Sqlite>, rows: &[NoticeRow]) {
    for (row, given) in rows.iter().filter_map(|row| Some((row, row.given.as_ref()?))) {
        statements.push("UPDATE household_notice SET given_at = ").push_bind(given.at).push(", given_by = ");
        statements.push_bind(&given.by).push(", channel = ").push_bind(&given.channel);
        statements.push(" WHERE given_at IS NULL AND verification_id = ").push_bind(&row.verification_id).push(";\n");
    }
}

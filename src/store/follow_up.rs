//! Verifications that wait for departments that did not answer, and the versions of an outcome.

use std::collections::HashMap;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::event::EventRow;
use super::insertion::{Insertions, Table};
use super::verification::OutcomeRow;
use super::writer::Write;
use super::{Changes, Store, StoreError};

/// What is owed to a verification whose verdict is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUpRow {
    /// The verification.
    pub verification_id: String,
    /// How often the hub has asked again by itself.
    pub attempts: u32,
    /// When it does so next, microseconds since 1970, UTC; absent: never by itself.
    pub due_at: Option<i64>,
    /// What departments answered, sealed.
    pub body: Vec<u8>,
}

/// When a verification's departments are asked again.
#[derive(Debug, Clone)]
pub struct Postponed {
    /// The verification.
    pub verification_id: String,
    /// How often the hub has asked again by itself.
    pub attempts: u32,
    /// When it does so next, microseconds since 1970, UTC; absent: never by itself.
    pub due_at: Option<i64>,
}

/// An outcome that takes the place of another version.
#[derive(Debug, Clone)]
pub struct Superseding {
    /// The new outcome, with what is still owed after it.
    pub outcome: OutcomeRow,
    /// Its version; the one that gives way is the one before.
    pub version: u32,
}

impl Store {
    /// Verifications whose departments are to be asked again before `now` (microseconds since 1970, UTC), the earliest
    /// first. Reads an index, no bodies.
    pub async fn due_follow_ups(&self, now: i64, limit: u32) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "-- store::follow_up::due
             SELECT verification_id FROM follow_up WHERE due_at <= $1 ORDER BY due_at LIMIT $2",
        )
        .bind(now)
        .bind(limit)
        .fetch_all(&self.read)
        .await?)
    }

    /// How many verifications are asked about again by the hub itself.
    pub async fn count_follow_ups(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(
            "-- store::follow_up::count
             SELECT count(*) FROM follow_up WHERE due_at IS NOT NULL",
        )
        .fetch_one(&self.read)
        .await?)
    }

    /// What is owed to a verification.
    pub async fn follow_up(&self, id: &str) -> Result<Option<FollowUpRow>, StoreError> {
        let row: Option<(i64, Option<i64>, Vec<u8>)> = sqlx::query_as(
            "-- store::follow_up::by_id
             SELECT attempts, due_at, body FROM follow_up WHERE verification_id = $1",
        )
        .bind(id)
        .fetch_optional(&self.read)
        .await?;
        let of_row = |(attempts, due_at, body)| {
            let attempts = u32::try_from(attempts).map_err(|_| StoreError::Corrupt("follow-up"))?;
            Ok(FollowUpRow { verification_id: id.to_owned(), attempts, due_at, body })
        };
        row.map(of_row).transpose()
    }

    /// An outcome that gave way to a later version, sealed.
    pub async fn earlier_outcome(&self, id: &str, version: u32) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(sqlx::query_scalar(
            "-- store::follow_up::earlier_outcome
             SELECT body FROM earlier_outcome WHERE verification_id = $1 AND version = $2",
        )
        .bind(id)
        .bind(version)
        .fetch_optional(&self.read)
        .await?)
    }

    /// Puts an outcome in the place of the version before it and makes it durable with its events. False, and nothing is
    /// written, when that version is not the newest any more: the verification was erased, or another one came first.
    pub async fn supersede_outcome(&self, row: Superseding, events: Vec<EventRow>) -> Result<bool, StoreError> {
        self.write(|reply| Write::Supersede { row: Box::new(row), events, reply }).await
    }

    /// Says when departments are asked again, durable with what was asked. What was erased stays so.
    pub async fn postpone_follow_up(&self, row: Postponed, events: Vec<EventRow>) -> Result<(), StoreError> {
        self.change(Changes { postponed: vec![row], ..Changes::default() }, events).await
    }
}

/// The newest version of these verifications' outcomes.
pub(super) async fn versions(
    connection: &mut SqliteConnection,
    ids: impl Iterator<Item = &str>,
) -> Result<HashMap<String, u32>, sqlx::Error> {
    let ids: Vec<&str> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut query = QueryBuilder::<Sqlite>::new(
        "-- store::follow_up::versions\nSELECT verification_id, version FROM outcome WHERE verification_id IN (",
    );
    let mut values = query.separated(", ");
    for id in ids {
        values.push_bind(id);
    }
    query.push(")");
    let rows: Vec<(String, u32)> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

const FOLLOW_UPS: Table = Table {
    head: "INSERT OR ROLLBACK INTO follow_up (verification_id, attempts, due_at, body) ",
    row: "SELECT ?, ?, ?, ? WHERE ?",
    end: " ON CONFLICT (verification_id) DO UPDATE SET attempts = excluded.attempts, due_at = excluded.due_at, \
          body = excluded.body;\n",
};

/// Says what is owed after outcomes that are the first of their verifications.
pub(super) fn insert_follow_ups(insertions: &mut Insertions, outcomes: &[&OutcomeRow]) {
    let owed: Vec<&FollowUpRow> = outcomes.iter().filter_map(|outcome| outcome.follow_up.as_deref()).collect();
    insertions.insert(&FOLLOW_UPS, &owed, |values, row| {
        values.bind(&row.verification_id).bind(row.attempts).bind(row.due_at).bind(&row.body);
    });
}

/// The statements that put outcomes in the place of earlier versions.
pub(super) fn push_supersede(statements: &mut QueryBuilder<Sqlite>, rows: &[&Superseding]) {
    for row in rows {
        let outcome = &row.outcome;
        statements.push(
            "INSERT INTO earlier_outcome (verification_id, version, completed_at, body) \
             SELECT verification_id, version, completed_at, body FROM outcome WHERE verification_id = ",
        );
        statements.push_bind(&outcome.verification_id).push(";\nUPDATE outcome SET version = ");
        statements.push_bind(row.version).push(", completed_at = ").push_bind(outcome.completed_at);
        statements.push(", body = ").push_bind(&outcome.body).push(" WHERE verification_id = ");
        statements.push_bind(&outcome.verification_id).push(";\nDELETE FROM follow_up WHERE verification_id = ");
        statements.push_bind(&outcome.verification_id).push(";\n");
        if let Some(owed) = &outcome.follow_up {
            statements.push("INSERT INTO follow_up (verification_id, attempts, due_at, body) ");
            statements.push_values([owed], |mut values, owed| {
                values.push_bind(&owed.verification_id).push_bind(owed.attempts);
                values.push_bind(owed.due_at).push_bind(&owed.body);
            });
            statements.push(";\n");
        }
    }
}

/// The statements that say when departments are asked again.
pub(super) fn push_postponed(statements: &mut QueryBuilder<Sqlite>, rows: &[Postponed]) {
    for row in rows {
        statements.push("UPDATE follow_up SET attempts = ").push_bind(row.attempts).push(", due_at = ");
        statements.push_bind(row.due_at).push(" WHERE verification_id = ").push_bind(&row.verification_id);
        statements.push(";\n");
    }
}

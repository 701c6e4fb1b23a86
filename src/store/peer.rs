//! What was asked across hubs under which authorisation: the hubs that this one asked, who are told of a revocation, and
//! the hubs that asked this one, who may revoke what they asked under.

use sqlx::{QueryBuilder, Row, Sqlite};

use super::authorisation::Revocation;
use super::{Store, StoreError};
use crate::domain::id_number::Subject;

/// A hub that is asked under an authorisation.
#[derive(Debug, Clone)]
pub struct AskedHub {
    /// The client whose authorisation it is.
    pub client_id: String,
    /// The canonical number of the form.
    pub number: String,
    /// The hub.
    pub hub: String,
    /// The client's organisation, as the hub is told it.
    pub organisation: String,
    /// The client's division, as the hub is told it.
    pub division: String,
    /// Microseconds since 1970, UTC.
    pub asked_at: i64,
}

/// A revocation that a hub is still to be told of.
#[derive(Debug, Clone)]
pub struct DueRevocation {
    /// Who was asked, and under what.
    pub asked: AskedHub,
    /// Microseconds since 1970, UTC.
    pub revoked_at: i64,
    /// How often the hub could not be told.
    pub attempts: u32,
}

/// A person that a hub asks this one about.
#[derive(Debug, Clone)]
pub struct AskingHub {
    /// Whose authorisation.
    pub under: UnderRow,
    /// The person's pseudonym in the log.
    pub subject: Subject,
    /// The person's division.
    pub division: String,
    /// Microseconds since 1970, UTC.
    pub asked_at: i64,
}

/// An authorisation of another hub's, as that hub names it. Two hubs never mean the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UnderRow {
    /// The hub.
    pub hub: String,
    /// The organisation whose form it is.
    pub organisation: String,
    /// The canonical number of the form.
    pub number: String,
}

/// What is known of an authorisation of another hub's under which it asked this one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedUnder {
    /// The persons that it asked about, by the log's pseudonyms.
    pub subjects: Vec<Subject>,
    /// The division of the first of them.
    pub division: Option<String>,
    /// When it was revoked, microseconds since 1970, UTC.
    pub revoked_at: Option<i64>,
}

/// What changes of questions across hubs.
#[derive(Debug, Clone, Default)]
pub struct PeerChanges {
    /// Hubs that are about to be asked.
    pub asked: Vec<AskedHub>,
    /// Persons that a hub asks about.
    pub asking: Vec<AskingHub>,
    /// An authorisation of another hub's that was revoked, and when in microseconds since 1970.
    pub revoked: Option<(UnderRow, i64)>,
    /// A hub that was told, or will never be.
    pub told: Option<AskedHub>,
    /// A revocation that a hub is to be told of later, and when in microseconds since 1970.
    pub postponed: Option<(AskedHub, i64)>,
    /// A hub that cannot be told of anything now: everything that was due by the first of these times is due at the second.
    pub postponed_all: Option<(String, i64, i64)>,
    /// What was asked last before this time is forgotten, but for what is still to be told.
    pub forgotten_before: Option<i64>,
}

impl Store {
    /// What hubs are to be told by `now`, the longest due first.
    pub async fn due_revocations(&self, now: i64, limit: u32) -> Result<Vec<DueRevocation>, StoreError> {
        let rows = sqlx::query(
            "-- store::peer::due
             SELECT client_id, number, hub, organisation, division, asked_at, revoked_at, attempts
             FROM asked_hub WHERE due_at <= $1 ORDER BY due_at LIMIT $2",
        )
        .bind(now)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        let due = |row: &sqlx::sqlite::SqliteRow| -> Result<DueRevocation, sqlx::Error> {
            Ok(DueRevocation {
                asked: AskedHub {
                    client_id: row.try_get(0)?,
                    number: row.try_get(1)?,
                    hub: row.try_get(2)?,
                    organisation: row.try_get(3)?,
                    division: row.try_get(4)?,
                    asked_at: row.try_get(5)?,
                },
                revoked_at: row.try_get(6)?,
                attempts: row.try_get(7)?,
            })
        };
        Ok(rows.iter().map(due).collect::<Result<_, _>>()?)
    }

    /// How many tellings are still to be made.
    pub async fn count_due_revocations(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(
            "-- store::peer::count_due
             SELECT count(*) FROM asked_hub WHERE due_at IS NOT NULL",
        )
        .fetch_one(&self.read)
        .await?)
    }

    /// The hubs that are still to be told that this authorisation was revoked.
    pub async fn hubs_to_tell(&self, client_id: &str, number: &str) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "-- store::peer::to_tell
             SELECT DISTINCT hub FROM asked_hub
             WHERE client_id = $1 AND number = $2 AND due_at IS NOT NULL ORDER BY hub",
        )
        .bind(client_id)
        .bind(number)
        .fetch_all(&self.read)
        .await?)
    }

    /// Whether an authorisation of another hub's was revoked by it.
    pub async fn is_revoked_there(&self, under: &UnderRow) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "-- store::peer::is_revoked
             SELECT EXISTS (SELECT 1 FROM asking_hub
                            WHERE hub = $1 AND organisation = $2 AND number = $3 AND revoked_at IS NOT NULL)",
        )
        .bind(&under.hub)
        .bind(&under.organisation)
        .bind(&under.number)
        .fetch_one(&self.read)
        .await?)
    }

    /// What another hub asked under an authorisation; at most `limit` persons. `None` where it asked nothing under it.
    pub async fn asked_under(&self, under: &UnderRow, limit: u32) -> Result<Option<AskedUnder>, StoreError> {
        let rows: Vec<(String, String, Option<i64>)> = sqlx::query_as(
            "-- store::peer::asked_under
             SELECT subject, division, revoked_at FROM asking_hub
             WHERE hub = $1 AND organisation = $2 AND number = $3 ORDER BY revoked_at DESC, subject LIMIT $4",
        )
        .bind(&under.hub)
        .bind(&under.organisation)
        .bind(&under.number)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        let Some((_, division, _)) = rows.first().cloned() else { return Ok(None) };
        let revoked_at = rows.iter().filter_map(|(_, _, revoked_at)| *revoked_at).min();
        let subjects = rows.iter().map(|(subject, _, _)| Subject::parse(subject)).collect::<Option<_>>();
        let subjects = subjects.ok_or(StoreError::Corrupt("pseudonym"))?;
        Ok(Some(AskedUnder { subjects, division: Some(division), revoked_at }))
    }
}

/// The statements that keep what was asked across hubs.
pub(super) fn push(statements: &mut QueryBuilder<Sqlite>, changes: &PeerChanges) {
    for row in &changes.asked {
        // INVARIANT: what is revoked already is due at once, so that a question that crosses the revocation is told of too.
        statements.push(
            "INSERT INTO asked_hub (client_id, number, hub, organisation, division, asked_at, revoked_at, due_at) SELECT ",
        );
        let mut values = statements.separated(", ");
        values.push_bind(&row.client_id).push_bind(&row.number).push_bind(&row.hub);
        values.push_bind(&row.organisation).push_bind(&row.division).push_bind(row.asked_at);
        statements.push(
            ", revoked_at, revoked_at FROM (SELECT max(revoked_at) AS revoked_at FROM authorisation WHERE client_id = ",
        );
        statements.push_bind(&row.client_id).push(" AND number = ").push_bind(&row.number);
        statements.push(
            ") WHERE true ON CONFLICT DO UPDATE SET division = excluded.division, asked_at = excluded.asked_at, \
             revoked_at = coalesce(asked_hub.revoked_at, excluded.revoked_at), \
             due_at = coalesce(asked_hub.due_at, excluded.due_at);\n",
        );
    }
    if !changes.asking.is_empty() {
        statements.push("INSERT INTO asking_hub (hub, organisation, number, subject, division, asked_at) ");
        statements.push_values(&changes.asking, |mut values, row| {
            values.push_bind(&row.under.hub).push_bind(&row.under.organisation).push_bind(&row.under.number);
            values.push_bind(row.subject.to_string()).push_bind(&row.division).push_bind(row.asked_at);
        });
        statements.push(" ON CONFLICT DO UPDATE SET asked_at = excluded.asked_at;\n");
    }
    if let Some((under, revoked_at)) = &changes.revoked {
        statements.push("UPDATE asking_hub SET revoked_at = ").push_bind(*revoked_at);
        statements.push(" WHERE revoked_at IS NULL AND hub = ").push_bind(&under.hub);
        statements.push(" AND organisation = ").push_bind(&under.organisation);
        statements.push(" AND number = ").push_bind(&under.number).push(";\n");
    }
    if let Some(row) = &changes.told {
        statements.push("DELETE FROM asked_hub WHERE ");
        push_key(statements, row);
    }
    if let Some((row, due_at)) = &changes.postponed {
        statements.push("UPDATE asked_hub SET attempts = attempts + 1, due_at = ").push_bind(*due_at).push(" WHERE ");
        push_key(statements, row);
    }
    if let Some((hub, due_by, due_at)) = &changes.postponed_all {
        statements.push("UPDATE asked_hub SET attempts = attempts + 1, due_at = ").push_bind(*due_at);
        statements.push(" WHERE hub = ").push_bind(hub).push(" AND due_at <= ").push_bind(*due_by).push(";\n");
    }
    if let Some(before) = changes.forgotten_before {
        statements.push("DELETE FROM asked_hub WHERE due_at IS NULL AND asked_at < ").push_bind(before).push(";\n");
        statements.push("DELETE FROM asking_hub WHERE asked_at < ").push_bind(before).push(";\n");
    }
}

fn push_key(statements: &mut QueryBuilder<Sqlite>, row: &AskedHub) {
    statements.push("client_id = ").push_bind(row.client_id.clone());
    statements.push(" AND number = ").push_bind(row.number.clone());
    statements.push(" AND hub = ").push_bind(row.hub.clone());
    statements.push(" AND organisation = ").push_bind(row.organisation.clone()).push(";\n");
}

/// The statement that has every hub told of a revocation that was asked under it.
pub(super) fn push_due(statements: &mut QueryBuilder<Sqlite>, revocation: &Revocation) {
    statements.push("UPDATE asked_hub SET revoked_at = ").push_bind(revocation.revoked_at);
    statements.push(", due_at = ").push_bind(revocation.revoked_at);
    statements.push(
        " WHERE revoked_at IS NULL AND (client_id, number) IN (SELECT client_id, number FROM authorisation WHERE id = ",
    );
    statements.push_bind(revocation.id.clone()).push(");\n");
}

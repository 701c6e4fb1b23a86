//! Changes that need two persons, what persons said of them, and the settings that a hub ran with.

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, Row, Sqlite};

use super::{ChangeDesk, Store, StoreError};

/// A change that was entered.
#[derive(Debug, Clone)]
pub struct ProposalRow {
    /// Its id, `ch_…`.
    pub id: String,
    /// The change, JSON.
    pub body: String,
    /// SHA-256 of the body, hexadecimal.
    pub digest: String,
    /// Who entered it.
    pub proposed_by: String,
    /// Microseconds since 1970, UTC.
    pub proposed_at: i64,
    /// Until when it can be agreed to and made, microseconds since 1970, UTC.
    pub expires_at: i64,
    /// How and when it ended; absent while it is open.
    pub ended: Option<(String, i64)>,
}

/// What one person said of a proposal.
#[derive(Debug, Clone)]
pub struct DecisionRow {
    /// The proposal.
    pub proposal_id: String,
    /// The person's client id.
    pub person: String,
    /// Whether they agree.
    pub agrees: bool,
    /// Microseconds since 1970, UTC.
    pub decided_at: i64,
    /// The signed statement.
    pub statement: String,
}

/// Settings that a hub ran with.
#[derive(Debug, Clone)]
pub struct SettingsRow {
    /// Their digest, hexadecimal.
    pub digest: String,
    /// Microseconds since 1970, UTC.
    pub in_force_from: i64,
    /// Whether what comes after them needs two persons.
    pub needs_two: bool,
    /// The settings, JSON.
    pub body: String,
}

/// What changes of proposals and settings.
#[derive(Debug, Clone, Default)]
pub struct ApprovalChanges {
    /// Proposals that are new.
    pub proposals: Vec<ProposalRow>,
    /// What persons said.
    pub decisions: Vec<DecisionRow>,
    /// Proposals that ended: id, how, and when in microseconds since 1970.
    pub ended: Vec<(String, &'static str, i64)>,
    /// Settings that are in force from now on.
    pub settings: Vec<SettingsRow>,
}

impl Store {
    /// The proposal of this id.
    pub async fn proposal(&self, id: &str) -> Result<Option<ProposalRow>, StoreError> {
        let row = sqlx::query(
            "-- store::proposal::by_id
             SELECT id, body, digest, proposed_by, proposed_at, expires_at, ended_as, ended_at FROM proposal WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.as_ref().map(proposal).transpose()?)
    }

    /// Proposals that are neither made nor refused, in the order in which they were entered.
    pub async fn open_proposals(&self) -> Result<Vec<ProposalRow>, StoreError> {
        let rows = sqlx::query(
            "-- store::proposal::open
             SELECT id, body, digest, proposed_by, proposed_at, expires_at, ended_as, ended_at FROM proposal
             WHERE ended_as IS NULL ORDER BY proposed_at, id",
        )
        .fetch_all(&self.read)
        .await?;
        Ok(rows.iter().map(proposal).collect::<Result<_, _>>()?)
    }

    /// All proposals, the newest first, at most 200.
    pub async fn proposals(&self) -> Result<Vec<ProposalRow>, StoreError> {
        proposals(&self.read).await
    }

    /// What was said of a proposal, in its order.
    pub async fn decisions(&self, proposal_id: &str) -> Result<Vec<DecisionRow>, StoreError> {
        decisions(&self.read, proposal_id).await
    }

    /// The settings that the hub ran with last.
    pub async fn last_settings(&self) -> Result<Option<SettingsRow>, StoreError> {
        last_settings(&self.read).await
    }
}

impl ChangeDesk {
    /// All proposals, the newest first, at most 200.
    pub async fn proposals(&self) -> Result<Vec<ProposalRow>, StoreError> {
        proposals(&self.0).await
    }

    /// What was said of a proposal, in its order.
    pub async fn decisions(&self, proposal_id: &str) -> Result<Vec<DecisionRow>, StoreError> {
        decisions(&self.0, proposal_id).await
    }

    /// The settings that the hub ran with last.
    pub async fn last_settings(&self) -> Result<Option<SettingsRow>, StoreError> {
        last_settings(&self.0).await
    }
}

async fn proposals(pool: &SqlitePool) -> Result<Vec<ProposalRow>, StoreError> {
    let rows = sqlx::query(
        "-- store::proposal::all
         SELECT id, body, digest, proposed_by, proposed_at, expires_at, ended_as, ended_at FROM proposal
         ORDER BY proposed_at DESC, id DESC LIMIT 200",
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.iter().map(proposal).collect::<Result<_, _>>()?)
}

async fn decisions(pool: &SqlitePool, proposal_id: &str) -> Result<Vec<DecisionRow>, StoreError> {
    let rows = sqlx::query(
        "-- store::proposal::decisions
         SELECT proposal_id, person, agrees, decided_at, statement FROM decision WHERE proposal_id = $1
         ORDER BY decided_at, person",
    )
    .bind(proposal_id)
    .fetch_all(pool)
    .await?;
    let row = |row: &SqliteRow| {
        Ok::<_, sqlx::Error>(DecisionRow {
            proposal_id: row.try_get(0)?,
            person: row.try_get(1)?,
            agrees: row.try_get(2)?,
            decided_at: row.try_get(3)?,
            statement: row.try_get(4)?,
        })
    };
    Ok(rows.iter().map(row).collect::<Result<_, _>>()?)
}

async fn last_settings(pool: &SqlitePool) -> Result<Option<SettingsRow>, StoreError> {
    let row = sqlx::query(
        "-- store::proposal::last_settings
         SELECT digest, in_force_from, needs_two, body FROM settings_version ORDER BY number DESC LIMIT 1",
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(SettingsRow {
        digest: row.try_get(0)?,
        in_force_from: row.try_get(1)?,
        needs_two: row.try_get(2)?,
        body: row.try_get(3)?,
    }))
}

fn proposal(row: &SqliteRow) -> Result<ProposalRow, sqlx::Error> {
    let (how, at): (Option<String>, Option<i64>) = (row.try_get(6)?, row.try_get(7)?);
    Ok(ProposalRow {
        id: row.try_get(0)?,
        body: row.try_get(1)?,
        digest: row.try_get(2)?,
        proposed_by: row.try_get(3)?,
        proposed_at: row.try_get(4)?,
        expires_at: row.try_get(5)?,
        ended: how.zip(at),
    })
}

/// The statements that keep proposals, decisions and settings.
pub(super) fn push(statements: &mut QueryBuilder<Sqlite>, changes: &ApprovalChanges) {
    for row in &changes.proposals {
        statements.push("INSERT INTO proposal (id, body, digest, proposed_by, proposed_at, expires_at) ");
        statements.push_values([row], |mut values, row| {
            values.push_bind(&row.id).push_bind(&row.body).push_bind(&row.digest).push_bind(&row.proposed_by);
            values.push_bind(row.proposed_at).push_bind(row.expires_at);
        });
        statements.push(";\n");
    }
    for row in &changes.decisions {
        // INVARIANT: one word of each person, the first.
        statements.push("INSERT INTO decision (proposal_id, person, agrees, decided_at, statement) ");
        statements.push_values([row], |mut values, row| {
            values.push_bind(&row.proposal_id).push_bind(&row.person).push_bind(row.agrees);
            values.push_bind(row.decided_at).push_bind(&row.statement);
        });
        statements.push(" ON CONFLICT DO NOTHING;\n");
    }
    for (id, how, at) in &changes.ended {
        statements.push("UPDATE proposal SET ended_as = ").push_bind(*how).push(", ended_at = ").push_bind(*at);
        statements.push(" WHERE ended_as IS NULL AND id = ").push_bind(id).push(";\n");
    }
    for row in &changes.settings {
        statements.push("INSERT INTO settings_version (digest, in_force_from, needs_two, body) ");
        statements.push_values([row], |mut values, row| {
            values.push_bind(&row.digest).push_bind(row.in_force_from).push_bind(row.needs_two).push_bind(&row.body);
        });
        statements.push(";\n");
    }
}

//! Registered adapters, invitations to register one, and what is counted of them.

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, Row, Sqlite};

use super::{ChangeDesk, Store, StoreError};

/// A registered adapter as it is stored.
#[derive(Debug, Clone)]
pub struct AdapterRow {
    /// Its id.
    pub id: String,
    /// Its department.
    pub department: String,
    /// Microseconds since 1970, UTC.
    pub changed_at: i64,
    /// What is registered, JSON.
    pub body: String,
}

/// An invitation to register an adapter.
#[derive(Debug, Clone)]
pub struct InvitationRow {
    /// SHA-256 of its code, hexadecimal.
    pub digest: String,
    /// The department it is for.
    pub department: String,
    /// Who invites.
    pub invited_by: String,
    /// Microseconds since 1970, UTC.
    pub expires_at: i64,
    /// When it was used, microseconds since 1970, UTC, and for which adapter.
    pub used: Option<(i64, String)>,
}

/// Something that is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterRow {
    /// A department, or an adapter.
    pub owner: String,
    /// What is counted.
    pub name: String,
    /// When the counted time began, seconds since 1970, UTC; 0 where there is no end to it.
    pub starts_at: i64,
    /// How many.
    pub value: i64,
}

/// What changes of adapters.
#[derive(Debug, Clone, Default)]
pub struct AdapterChanges {
    /// Adapters as they are now.
    pub adapters: Vec<AdapterRow>,
    /// Invitations as they are now.
    pub invitations: Vec<InvitationRow>,
    /// Counters as they are now.
    pub counters: Vec<CounterRow>,
}

impl Store {
    /// All registered adapters, by id.
    pub async fn adapters(&self) -> Result<Vec<AdapterRow>, StoreError> {
        adapters(&self.read).await
    }

    /// The invitation with a code of this digest.
    pub async fn invitation(&self, digest: &str) -> Result<Option<InvitationRow>, StoreError> {
        let row = sqlx::query(
            "-- store::adapter::invitation
             SELECT digest, department, invited_by, expires_at, used_at, used_for FROM adapter_invitation WHERE digest = $1",
        )
        .bind(digest)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.as_ref().map(invitation).transpose()?)
    }

    /// Everything that is counted.
    pub async fn counters(&self) -> Result<Vec<CounterRow>, StoreError> {
        counters(&self.read).await
    }
}

impl ChangeDesk {
    /// All registered adapters, by id; none in a database that no hub has brought to the newest form yet.
    pub async fn adapters(&self) -> Result<Vec<AdapterRow>, StoreError> {
        if self.knows_adapters().await? { adapters(&self.0).await } else { Ok(Vec::new()) }
    }

    /// Everything that is counted of adapters.
    pub async fn counters(&self) -> Result<Vec<CounterRow>, StoreError> {
        if self.knows_adapters().await? { counters(&self.0).await } else { Ok(Vec::new()) }
    }

    async fn knows_adapters(&self) -> Result<bool, StoreError> {
        let is_known: bool = sqlx::query_scalar(
            "-- store::adapter::is_known
             SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'adapter_counter')",
        )
        .fetch_one(&self.0)
        .await?;
        Ok(is_known)
    }
}

async fn adapters(pool: &SqlitePool) -> Result<Vec<AdapterRow>, StoreError> {
    let rows: Vec<(String, String, i64, String)> = sqlx::query_as(
        "-- store::adapter::all
         SELECT id, department, changed_at, body FROM adapter ORDER BY id",
    )
    .fetch_all(pool)
    .await?;
    let row = |(id, department, changed_at, body)| AdapterRow { id, department, changed_at, body };
    Ok(rows.into_iter().map(row).collect())
}

async fn counters(pool: &SqlitePool) -> Result<Vec<CounterRow>, StoreError> {
    let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(
        "-- store::adapter::counters
         SELECT owner, name, starts_at, value FROM adapter_counter ORDER BY owner, name",
    )
    .fetch_all(pool)
    .await?;
    let row = |(owner, name, starts_at, value)| CounterRow { owner, name, starts_at, value };
    Ok(rows.into_iter().map(row).collect())
}

fn invitation(row: &SqliteRow) -> Result<InvitationRow, sqlx::Error> {
    let (at, adapter): (Option<i64>, Option<String>) = (row.try_get(4)?, row.try_get(5)?);
    Ok(InvitationRow {
        digest: row.try_get(0)?,
        department: row.try_get(1)?,
        invited_by: row.try_get(2)?,
        expires_at: row.try_get(3)?,
        used: at.zip(adapter),
    })
}

/// The statements that keep adapters, invitations and counters.
pub(super) fn push(statements: &mut QueryBuilder<Sqlite>, changes: &AdapterChanges) {
    for row in &changes.adapters {
        statements.push("INSERT INTO adapter (id, department, changed_at, body) ");
        statements.push_values([row], |mut values, row| {
            values.push_bind(&row.id).push_bind(&row.department).push_bind(row.changed_at).push_bind(&row.body);
        });
        statements.push(" ON CONFLICT (id) DO UPDATE SET changed_at = excluded.changed_at, body = excluded.body;\n");
    }
    for row in &changes.invitations {
        let used = row.used.as_ref();
        statements
            .push("INSERT INTO adapter_invitation (digest, department, invited_by, expires_at, used_at, used_for) ");
        statements.push_values([row], |mut values, row| {
            values.push_bind(&row.digest).push_bind(&row.department).push_bind(&row.invited_by);
            values.push_bind(row.expires_at);
            values.push_bind(used.map(|used| used.0)).push_bind(used.map(|used| &used.1));
        });
        // INVARIANT: an invitation is used once; what it was used for stays.
        statements.push(
            " ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at, used_for = excluded.used_for WHERE used_at IS NULL;\n",
        );
    }
    if !changes.counters.is_empty() {
        statements.push("INSERT INTO adapter_counter (owner, name, starts_at, value) ");
        statements.push_values(&changes.counters, |mut values, row| {
            values.push_bind(&row.owner).push_bind(&row.name).push_bind(row.starts_at).push_bind(row.value);
        });
        statements
            .push(" ON CONFLICT (owner, name) DO UPDATE SET starts_at = excluded.starts_at, value = excluded.value;\n");
    }
}

//! Which sealing keys wrapped what is stored, and the wrapped keys themselves when another sealing key takes over.

use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};

use super::{Store, StoreError};

/// A table whose rows hold a wrapped key.
///
/// INVARIANT: every table with a column `wrapped_key` is here, so that a former sealing key is taken away from all of
/// them; the root of pseudonyms has functions of its own. A test reads the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedTable {
    /// Verifications.
    Verification,
    /// Registered authorisations.
    Authorisation,
    /// Keys of the hub's access tokens.
    SigningKey,
}

impl SealedTable {
    /// Every one, in the order in which they are gone through.
    pub const ALL: [Self; 3] = [Self::SigningKey, Self::Authorisation, Self::Verification];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Authorisation => "authorisation",
            Self::SigningKey => "signing_key",
        }
    }

    /// Row, what its key is bound to, and the wrapped key; what was erased is not among them.
    const fn select(self) -> &'static str {
        match self {
            Self::Verification => {
                "-- store::sealing::verifications
                 SELECT rowid, id, wrapped_key FROM verification v WHERE rowid > $1
                   AND NOT EXISTS (SELECT 1 FROM erasure e WHERE e.id = v.id) ORDER BY rowid LIMIT $2"
            }
            Self::Authorisation => {
                "-- store::sealing::authorisations
                 SELECT rowid, id, wrapped_key FROM authorisation a WHERE rowid > $1
                   AND NOT EXISTS (SELECT 1 FROM erasure e WHERE e.id = a.id) ORDER BY rowid LIMIT $2"
            }
            Self::SigningKey => {
                "-- store::sealing::signing_keys
                 SELECT number, 'signing_key/' || number, wrapped_key FROM signing_key WHERE number > $1
                 ORDER BY number LIMIT $2"
            }
        }
    }

    const fn count(self) -> &'static str {
        match self {
            Self::Verification => "-- store::sealing::count_verifications\nSELECT count(*) FROM verification",
            Self::Authorisation => "-- store::sealing::count_authorisations\nSELECT count(*) FROM authorisation",
            Self::SigningKey => "-- store::sealing::count_signing_keys\nSELECT count(*) FROM signing_key",
        }
    }
}

/// A row with its wrapped key.
#[derive(Debug, Clone)]
pub struct WrappedRow {
    /// Its place in the table.
    pub row: i64,
    /// What the key is bound to.
    pub case: String,
    /// The data key, wrapped.
    pub wrapped_key: Vec<u8>,
}

/// A wrapped key that takes the place of another one.
#[derive(Debug, Clone)]
pub struct Rewrapped {
    /// The table.
    pub table: SealedTable,
    /// The row.
    pub row: i64,
    /// What stands there. When it is something else by now, the row was erased and stays as it is.
    pub before: Vec<u8>,
    /// What will; of the same length.
    pub after: Vec<u8>,
}

/// A sealing key that something is, or was, wrapped under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealingKeyRow {
    /// Its id.
    pub id: String,
    /// The suite it wraps in.
    pub suite: String,
    /// When it first wrapped something here, microseconds since 1970, UTC.
    pub first_used_at: i64,
    /// Since when nothing is wrapped under it.
    pub retired_at: Option<i64>,
}

impl Store {
    /// Every sealing key that was used here, the oldest first.
    pub async fn sealing_keys(&self) -> Result<Vec<SealingKeyRow>, StoreError> {
        sealing_keys(&self.read).await
    }

    /// The wrapped root of pseudonyms; none in a database of before there was one.
    pub async fn pseudonym_root(&self) -> Result<Option<Vec<u8>>, StoreError> {
        pseudonym_root(&self.read).await
    }

    /// Rows of a table behind the row `after`, in order.
    pub async fn wrapped_after(
        &self,
        table: SealedTable,
        after: i64,
        limit: u32,
    ) -> Result<Vec<WrappedRow>, StoreError> {
        let rows = sqlx::query(table.select()).bind(after).bind(limit).fetch_all(&self.read).await?;
        let row = |row: &sqlx::sqlite::SqliteRow| {
            Ok::<_, sqlx::Error>(WrappedRow {
                row: row.try_get(0)?,
                case: row.try_get(1)?,
                wrapped_key: row.try_get(2)?,
            })
        };
        Ok(rows.iter().map(row).collect::<Result<_, _>>()?)
    }

    /// How many rows the tables with wrapped keys have, erased ones among them.
    pub async fn wrapped_rows(&self) -> Result<u64, StoreError> {
        let mut rows = 0_u64;
        for table in SealedTable::ALL {
            let count: i64 = sqlx::query_scalar(table.count()).fetch_one(&self.read).await?;
            rows = rows.saturating_add(u64::try_from(count).unwrap_or_default());
        }
        Ok(rows)
    }
}

pub(super) async fn sealing_keys(pool: &SqlitePool) -> Result<Vec<SealingKeyRow>, StoreError> {
    let rows: Vec<(String, String, i64, Option<i64>)> = sqlx::query_as(
        "-- store::sealing::sealing_keys
         SELECT id, suite, first_used_at, retired_at FROM sealing_key ORDER BY first_used_at, id",
    )
    .fetch_all(pool)
    .await?;
    let row = |(id, suite, first_used_at, retired_at)| SealingKeyRow { id, suite, first_used_at, retired_at };
    Ok(rows.into_iter().map(row).collect())
}

pub(super) async fn pseudonym_root(pool: &SqlitePool) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(sqlx::query_scalar(
        "-- store::sealing::pseudonym_root
         SELECT wrapped_key FROM pseudonym_root",
    )
    .fetch_optional(pool)
    .await?)
}

/// The statements that change sealing keys and what they wrapped.
pub(super) fn push_sealing(
    statements: &mut QueryBuilder<Sqlite>,
    keys: &[SealingKeyRow],
    root: Option<&Vec<u8>>,
    rewrapped: &[Rewrapped],
) {
    if !keys.is_empty() {
        statements.push("INSERT INTO sealing_key (id, suite, first_used_at, retired_at) ");
        statements.push_values(keys, |mut values, key| {
            values.push_bind(key.id.clone()).push_bind(key.suite.clone());
            values.push_bind(key.first_used_at).push_bind(key.retired_at);
        });
        statements.push(" ON CONFLICT (id) DO UPDATE SET retired_at = excluded.retired_at;\n");
    }
    if let Some(wrapped) = root {
        statements.push("INSERT INTO pseudonym_root (only_row, wrapped_key) VALUES (1, ").push_bind(wrapped.clone());
        statements.push(") ON CONFLICT (only_row) DO UPDATE SET wrapped_key = excluded.wrapped_key;\n");
    }
    for table in SealedTable::ALL {
        let mut rows = rewrapped.iter().filter(|row| row.table == table).peekable();
        if rows.peek().is_none() {
            continue;
        }
        statements.push("UPDATE ").push(table.name()).push(" SET wrapped_key = made.column3 FROM (");
        statements.push_values(rows, |mut values, row| {
            values.push_bind(row.row).push_bind(row.before.clone()).push_bind(row.after.clone());
        });
        statements.push(") AS made WHERE ").push(table.name()).push(".rowid = made.column1 AND ");
        statements.push(table.name()).push(".wrapped_key = made.column2;\n");
    }
}

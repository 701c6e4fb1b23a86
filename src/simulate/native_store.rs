//! Writing a native store: one `SQLite` file, one transaction, the same bytes for the same rows.
//!
//! This is the departments' side, not the hub's: the hub's own SQL is in its store.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

use super::SimulateError;
use super::department::Table;

/// Rows handed over in one statement.
const CHUNK: usize = 4000;

/// Creates the file with `schema` and the rows of `tables`.
pub async fn write(path: &Path, schema: &'static str, tables: &[Table]) -> Result<(), SimulateError> {
    let failed = |source| SimulateError::Store { path: path.to_owned(), source };
    let mut connection = create(path).await.map_err(failed)?;
    fill(&mut connection, schema, tables).await.map_err(failed)?;
    connection.close().await.map_err(failed)
}

async fn create(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .page_size(4096)
        // The file is made anew whenever it is wanted, so nothing is lost by not waiting for the disk.
        .journal_mode(SqliteJournalMode::Memory)
        .synchronous(SqliteSynchronous::Off)
        // Unused bytes of a page are zeroed, so that they cannot differ between two runs.
        .pragma("secure_delete", "on")
        .connect()
        .await
}

async fn fill(connection: &mut SqliteConnection, schema: &'static str, tables: &[Table]) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(schema).execute(&mut *transaction).await?;
    for table in tables {
        let columns = table.rows.first().and_then(Value::as_array).map_or(0, Vec::len);
        let values: Vec<String> = (0..columns).map(|column| format!("value ->> {column}")).collect();
        // Only names of tables from this crate are pasted; every value is bound, as one JSON array.
        let statement =
            format!("INSERT INTO \"{}\" SELECT {} FROM json_each(?1) ORDER BY key", table.name, values.join(", "));
        for rows in table.rows.chunks(CHUNK) {
            let rows = serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
            sqlx::query(AssertSqlSafe(statement.clone())).bind(rows).execute(&mut *transaction).await?;
        }
    }
    transaction.commit().await
}

/// The file of a department's store in `directory`.
pub fn path(directory: &Path, department: &str) -> PathBuf {
    directory.join(format!("{department}.sqlite"))
}

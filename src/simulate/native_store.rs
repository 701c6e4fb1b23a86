//! Writing a native store: one `SQLite` file, one transaction, or a delivery of files; the same bytes for the
//! same rows.
//!
//! This is the departments' side, not the hub's: the hub's own SQL is in its store.

use std::path::{Path, PathBuf};

use connectors::handover::{HandedOver, hand_over};
use connectors::text::TextEncoding;
use jiff::civil::Date;
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

/// Delivers `tables` into the folder `path` as files of CSV in GB 18030, with their control file.
pub fn deliver(path: &Path, columns: &[&[&str]], tables: &[Table], as_of: Date) -> Result<(), SimulateError> {
    let failed = |source| SimulateError::File { path: path.to_owned(), source };
    std::fs::create_dir_all(path).map_err(failed)?;
    let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let row = |row: &Value| row.as_array().into_iter().flatten().map(cell).collect();
    let rows_of = |table: &Table| -> Vec<Vec<String>> { table.rows.iter().map(row).collect() };
    let files: Vec<_> = tables
        .iter()
        .zip(columns)
        .map(|(table, columns)| (format!("{}.csv", table.name), *columns, rows_of(table)))
        .collect();
    let files: Vec<_> = files.iter().map(|(name, columns, rows)| HandedOver { name, columns, rows }).collect();
    hand_over(path, TextEncoding::Gb18030, as_of, &files).map_err(failed)
}

/// The store of a department in `directory`: a file, or the folder of its deliveries.
pub fn path(directory: &Path, department: &str) -> PathBuf {
    match department {
        "emergency" => directory.join(department),
        _ => directory.join(format!("{department}.sqlite")),
    }
}

/// The store as an adapter is told of it.
pub fn url(directory: &Path, department: &str) -> String {
    let path = path(directory, department);
    let scheme = if path.extension().is_some() { "sqlite" } else { "file" };
    format!("{scheme}://{}", path.display())
}

//! `SQLite`: a file that is opened to be read, with the clock looked at inside the database.
//!
//! A statement that runs out of time is stopped inside the database as well (the progress
//! handler of `SQLite`), so that a slow question cannot keep a connection and starve the next one.

use std::str::FromStr;
use std::time::Instant;

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef};

use super::super::trouble::{Rung, Trouble, Whereabouts};
use super::super::{OpenError, SourceError};
use super::plan::{Plan, Scan};
use super::{Bound, Call, Session};
use crate::error::Text;
use crate::native::{Native, Rows};
use crate::secret::Secret;

/// Virtual-machine steps of `SQLite` between two looks at the clock: some tens of microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 2_000;

/// Rows that are counted at most to tell how large a table is.
const COUNTED: u64 = 1_000_000;

/// A file of `SQLite`, or a database in memory.
#[derive(Debug)]
pub(super) struct Sqlite {
    pool: SqlitePool,
    place: Whereabouts,
    session: Session,
}

impl Sqlite {
    /// Sets up a file by its URL, without opening it.
    pub(super) fn new(url: &Secret, session: Session) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::from_str(url.reveal()).map_err(|_| OpenError::Url)?;
        if options.get_filename().as_os_str().is_empty() {
            return Err(OpenError::Url);
        }
        let place = whereabouts(&options.get_filename().display().to_string());
        // Shorter than the statement timeout, so that a lock is reported as a lock.
        let patience = session.timeout.mul_f64(0.75);
        let options = options
            .read_only(true)
            .create_if_missing(false)
            .pragma("query_only", "ON")
            .busy_timeout(patience)
            .statement_cache_capacity(session.statements)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(session.connections)
            .acquire_timeout(session.timeout)
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self { pool, place, session })
    }

    /// A database in memory, on the one connection it lives in.
    pub(super) async fn in_memory(setup: Vec<String>, session: Session) -> Result<Self, OpenError> {
        let fixture = |error: sqlx::Error| OpenError::Fixture(Text::same(error.to_string()));
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(SqliteConnectOptions::new().in_memory(true).disable_statement_logging())
            .await
            .map_err(fixture)?;
        for text in setup {
            sqlx::raw_sql(AssertSqlSafe(text)).execute(&pool).await.map_err(fixture)?;
        }
        sqlx::raw_sql("PRAGMA query_only = ON").execute(&pool).await.map_err(fixture)?;
        Ok(Self { pool, place: whereabouts(":memory:"), session })
    }

    /// Runs a statement.
    pub(super) async fn rows(&self, call: &Call<'_>) -> Result<Rows, SourceError> {
        let deadline = Instant::now() + self.session.timeout;
        let failed = |error: sqlx::Error| self.told(&error);
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        stop_at(&mut connection, deadline).await.map_err(failed)?;
        let mut query = sqlx::query(AssertSqlSafe(call.text.clone()));
        for value in &call.values {
            query = match value {
                Bound::Text(text) => query.bind(text.as_ref()),
                Bound::Integer(number) => query.bind(*number),
            };
        }
        let mut found = Rows::default();
        let mut stream = query.fetch(&mut *connection);
        while let Some(row) = stream.try_next().await.map_err(failed)? {
            if found.rows.len() >= call.max_rows {
                return Err(SourceError::TooManyRows(call.max_rows));
            }
            if found.columns.is_empty() {
                found.columns = row.columns().iter().map(|column| column.name().to_owned()).collect();
            }
            found.rows.push((0..row.len()).map(|place| native(&row, place)).collect::<Result<_, _>>().map_err(failed)?);
        }
        Ok(found)
    }

    /// The columns of a statement, which is prepared and not run.
    pub(super) async fn columns(&self, call: &Call<'_>) -> Result<Vec<String>, SourceError> {
        let prepared = async {
            let mut connection = self.pool.acquire().await?;
            let statement = connection.prepare(AssertSqlSafe(call.text.clone()).into_sql_str()).await?;
            Ok(statement.columns().iter().map(|column| column.name().to_owned()).collect())
        };
        prepared.await.map_err(|error| self.told(&error))
    }

    /// Reads the database's own table of contents, which shows that it can be opened and is one.
    pub(super) async fn version(&self) -> Result<String, SourceError> {
        let rows = self.rows(&Call::plain("SELECT sqlite_version(), (SELECT COUNT(*) FROM sqlite_schema)", 1)).await?;
        let version = rows.rows.first().and_then(|row| row.first()).and_then(Native::text);
        Ok(version.map_or_else(String::new, std::borrow::Cow::into_owned))
    }

    /// What a statement would do: `SCAN table` reads it from end to end.
    pub(super) async fn plan(&self, call: &Call<'_>) -> Result<Plan, SourceError> {
        let rows = self.rows(&call.with_text(format!("EXPLAIN QUERY PLAN {}", call.text))).await?;
        let mut scans: Vec<Scan> = Vec::new();
        for row in &rows.rows {
            let Some(Native::Text(detail)) = row.last() else { continue };
            let Some(table) = detail.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next()) else { continue };
            let known = |scan: &Scan| scan.table == table;
            if table.starts_with('(') || table == "CONSTANT" || scans.iter().any(known) {
                continue;
            }
            // The plan names a table by its alias where it has one; then its size is not to be seen.
            let quoted = table.replace('"', "\"\"");
            let count = format!("SELECT COUNT(*) FROM (SELECT 1 FROM \"{quoted}\" LIMIT {COUNTED})");
            let rows = match self.rows(&Call::new(&count, Vec::new(), 1)).await {
                Ok(rows) => match rows.rows.first().and_then(|row| row.first()) {
                    Some(Native::Integer(count)) => u64::try_from(*count).ok(),
                    _ => None,
                },
                Err(_) => None,
            };
            scans.push(Scan { table: table.to_owned(), rows });
        }
        Ok(Plan { scans, cost: None })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) const fn place(&self) -> &Whereabouts {
        &self.place
    }

    /// What an error of the driver means to the one who asked.
    fn told(&self, error: &sqlx::Error) -> SourceError {
        let trouble = |at| Box::new(Trouble::of(error, at, &self.place));
        match error {
            sqlx::Error::PoolTimedOut => SourceError::Timeout(self.session.timeout),
            sqlx::Error::Database(database) => {
                // The low byte of an extended result code is the result code (sqlite.org/rescode.html).
                let code = database.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
                match code {
                    Some(5 | 6) => SourceError::Locked,
                    Some(9) => SourceError::Timeout(self.session.timeout),
                    Some(1) => SourceError::Statement(trouble(Rung::Prepare)),
                    _ => SourceError::Unavailable(trouble(Rung::Login)),
                }
            }
            _ => SourceError::Unavailable(trouble(Rung::Login)),
        }
    }
}

fn whereabouts(file: &str) -> Whereabouts {
    Whereabouts {
        driver: None,
        host: file.to_owned(),
        port: 0,
        user: String::new(),
        account: None,
        database: String::new(),
    }
}

/// Stops whatever runs on the connection once `deadline` has passed. It replaces the handler
/// of the question before, also when that one was abandoned half-way.
async fn stop_at(connection: &mut SqliteConnection, deadline: Instant) -> Result<(), sqlx::Error> {
    connection.lock_handle().await?.set_progress_handler(STEPS_BETWEEN_LOOKS, move || Instant::now() < deadline);
    Ok(())
}

fn native(row: &SqliteRow, place: usize) -> Result<Native, sqlx::Error> {
    let value = row.try_get_raw(place)?;
    if value.is_null() {
        return Ok(Native::Null);
    }
    // The type of the value itself: a column of SQLite may hold any.
    Ok(match value.type_info().name() {
        "INTEGER" => Native::Integer(row.try_get_unchecked(place)?),
        "TEXT" => row.try_get_unchecked(place).map_or(Native::Bytes, Native::Text),
        "REAL" => Native::Real,
        _ => Native::Bytes,
    })
}

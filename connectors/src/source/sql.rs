//! A database as a source: read-only, with few prepared statements, a bound on time and on rows.
//!
//! A statement that runs out of time is stopped inside the database as well (the progress
//! handler of `SQLite`), so that a slow question cannot keep a connection and starve the next one.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef};

use super::{OpenError, Question, SourceError};
use crate::connector::{Ask, Dataset, Parameter, PeriodDay, SqlInfo};
use crate::native::{Native, Rows};
use crate::protocol::QueryPeriod;
use crate::secret::Secret;
use crate::sql_text::{LIST_LENGTHS, list_length};

/// Virtual-machine steps of `SQLite` between two looks at the clock: some tens of microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 2_000;

/// A database.
#[derive(Debug)]
pub(crate) struct SqlSource {
    pool: SqlitePool,
    statements: BTreeMap<String, Statements>,
    timeout: Duration,
    max_rows: usize,
}

/// The statement of a dataset, in the few lengths its list of identity numbers can have.
#[derive(Debug)]
struct Statements {
    texts: BTreeMap<usize, Arc<str>>,
    parameters: Vec<Parameter>,
}

impl SqlSource {
    /// Sets up a database by its URL, without connecting.
    pub(super) fn open(url: &Secret, info: &SqlInfo, datasets: &[Dataset]) -> Result<Self, OpenError> {
        let scheme = url.reveal().split(':').next().unwrap_or_default();
        if scheme != "sqlite" {
            let named = scheme.len() <= 20 && scheme.bytes().all(|byte| byte.is_ascii_lowercase());
            return Err(if named && scheme != url.reveal() {
                OpenError::Scheme(scheme.to_owned())
            } else {
                OpenError::Url
            });
        }
        let options = SqliteConnectOptions::from_str(url.reveal()).map_err(|_| OpenError::Url)?;
        if options.get_filename().as_os_str().is_empty() {
            return Err(OpenError::Url);
        }
        // Shorter than the statement timeout, so that a lock is reported as a lock.
        let patience = info.statement_timeout.mul_f64(0.75);
        let options = options
            .read_only(true)
            .create_if_missing(false)
            .pragma("query_only", "ON")
            .busy_timeout(patience)
            .statement_cache_capacity(datasets.len().saturating_mul(LIST_LENGTHS.len()).max(16))
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(info.max_connections)
            .acquire_timeout(info.statement_timeout)
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self::new(pool, info, datasets))
    }

    /// A database in memory, on the one connection it lives in.
    pub(super) async fn in_memory(setup: Vec<String>, info: &SqlInfo, datasets: &[Dataset]) -> Result<Self, OpenError> {
        let fixture = |error: sqlx::Error| OpenError::Fixture(error.to_string());
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
        Ok(Self::new(pool, info, datasets))
    }

    fn new(pool: SqlitePool, info: &SqlInfo, datasets: &[Dataset]) -> Self {
        let statements = datasets
            .iter()
            .map(|dataset| {
                let Ask::Sql { statement, parameters } = &dataset.ask;
                let texts =
                    LIST_LENGTHS.into_iter().map(|length| (length, Arc::from(statement.numbered(length)))).collect();
                (dataset.id.clone(), Statements { texts, parameters: parameters.clone() })
            })
            .collect();
        Self { pool, statements, timeout: info.statement_timeout, max_rows: info.max_rows }
    }

    /// Runs the statement of a dataset.
    pub(super) async fn fetch(&self, dataset: &str, question: &Question<'_>) -> Result<Rows, SourceError> {
        self.in_time(self.rows(dataset, question, Instant::now() + self.timeout)).await
    }

    /// Prepares the statement of a dataset.
    pub(super) async fn columns(&self, dataset: &str) -> Result<Vec<String>, SourceError> {
        let text = self.text(dataset, 1)?;
        let prepared = async {
            let mut connection = self.pool.acquire().await?;
            let statement = connection.prepare(AssertSqlSafe(text).into_sql_str()).await?;
            Ok(statement.columns().iter().map(|column| column.name().to_owned()).collect())
        };
        self.in_time(async { prepared.await.map_err(|error| self.translated(&error)) }).await
    }

    /// Reads the database's own table of contents, which shows that it can be opened and is one.
    pub(super) async fn ping(&self) -> Result<(), SourceError> {
        let asked = sqlx::query("SELECT COUNT(*) FROM sqlite_schema").execute(&self.pool);
        self.in_time(async { asked.await.map(drop).map_err(|error| self.translated(&error)) }).await
    }

    /// Closes every connection.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
        tokio::time::timeout(self.timeout, answer).await.unwrap_or(Err(SourceError::Timeout(self.timeout)))
    }

    fn statements(&self, dataset: &str) -> Result<&Statements, SourceError> {
        self.statements.get(dataset).ok_or_else(|| SourceError::Statement("no such dataset".to_owned()))
    }

    fn text(&self, dataset: &str, subjects: usize) -> Result<Arc<str>, SourceError> {
        let text = self.statements(dataset)?.texts.get(&list_length(subjects));
        text.cloned().ok_or_else(|| SourceError::Statement("no such length".to_owned()))
    }

    async fn rows(&self, dataset: &str, question: &Question<'_>, deadline: Instant) -> Result<Rows, SourceError> {
        let text = self.text(dataset, question.id_numbers.len())?;
        let parameters = &self.statements(dataset)?.parameters;
        let failed = |error: sqlx::Error| self.translated(&error);
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        stop_at(&mut connection, deadline).await.map_err(failed)?;
        let mut query = sqlx::query(AssertSqlSafe(text));
        let last = question.id_numbers.last().copied().unwrap_or_default();
        for place in 0..list_length(question.id_numbers.len()) {
            query = query.bind(question.id_numbers.get(place).copied().unwrap_or(last));
        }
        for parameter in parameters {
            let written = parameter.written(question.period);
            query = match written.parse::<i64>() {
                Ok(number) if parameter.integer => query.bind(number),
                _ => query.bind(written),
            };
        }
        let mut found = Rows::default();
        let mut stream = query.fetch(&mut *connection);
        while let Some(row) = stream.try_next().await.map_err(failed)? {
            if found.rows.len() >= self.max_rows {
                return Err(SourceError::TooManyRows(self.max_rows));
            }
            if found.columns.is_empty() {
                found.columns = row.columns().iter().map(|column| column.name().to_owned()).collect();
            }
            found.rows.push((0..row.len()).map(|place| native(&row, place)).collect::<Result<_, _>>().map_err(failed)?);
        }
        Ok(found)
    }

    /// What an error of the driver means to the one who asked.
    fn translated(&self, error: &sqlx::Error) -> SourceError {
        match error {
            sqlx::Error::PoolTimedOut => SourceError::Timeout(self.timeout),
            sqlx::Error::Database(database) => {
                // The low byte of an extended result code is the result code (sqlite.org/rescode.html).
                let code = database.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
                match code {
                    Some(5 | 6) => SourceError::Locked,
                    Some(9) => SourceError::Timeout(self.timeout),
                    Some(1) => SourceError::Statement(database.message().to_owned()),
                    _ => SourceError::Unavailable(database.message().to_owned()),
                }
            }
            other => SourceError::Unavailable(other.to_string()),
        }
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

impl Parameter {
    fn written(&self, period: QueryPeriod) -> String {
        let day = match self.of {
            PeriodDay::From => period.from,
            PeriodDay::To => period.to,
        };
        day.strftime(&self.format).to_string()
    }
}

//! `MariaDB` and `MySQL`: sessions that can only read, with the time limit that each of the two has.

mod value;

use std::sync::OnceLock;

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::{Arguments, AssertSqlSafe, Column, ConnectOptions, Executor, Row, SqlSafeStr, Statement};

use super::super::SourceError;
use super::super::trouble::{Rung, Trouble, Whereabouts};
use super::endpoint::Server;
use super::lines::Lines;
use super::plan::{Plan, Scan, plan_unreadable};
use super::powers::{Power, trusted, unreadable, writable};
use super::{Bound, Call, Login, Session};
use crate::connector::TlsMode;
use crate::native::{Native, Rows, find_column};

/// A database of `MariaDB` or `MySQL`.
#[derive(Debug)]
pub(super) struct Mariadb {
    options: MySqlConnectOptions,
    lines: Lines<MySqlConnection>,
    place: Whereabouts,
    session: Session,
    /// The account as the server has it, which a command that mends something must name.
    account: OnceLock<String>,
}

/// The server, the protocol and cipher of the connection, the account.
const LOGIN: &str = "SELECT VERSION(), \
    (SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'SSL_CIPHER'), CURRENT_USER()";

impl Mariadb {
    pub(super) fn new(server: &Server, session: Session) -> Self {
        let mut options = MySqlConnectOptions::new()
            .host(&server.host)
            .port(server.port)
            .username(&server.user)
            .password(server.password.reveal())
            .database(&server.database)
            // Whatever a column is kept in, the server hands it over in UTF-8.
            .charset("utf8mb4")
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(Some("+08:00".to_owned()))
            .statement_cache_capacity(session.statements)
            .ssl_mode(match server.tls.mode {
                TlsMode::VerifyFull => MySqlSslMode::VerifyIdentity,
                TlsMode::VerifyCa => MySqlSslMode::VerifyCa,
                TlsMode::Off => MySqlSslMode::Disabled,
            })
            .disable_statement_logging();
        if let Some(socket) = server.socket() {
            options = options.socket(socket).ssl_mode(MySqlSslMode::Disabled);
        }
        if let Some(ca) = &server.tls.ca {
            options = options.ssl_ca(ca);
        }
        if let Some((cert, key)) = &server.tls.identity {
            options = options.ssl_client_cert(cert).ssl_client_key(key);
        }
        Self {
            options,
            lines: Lines::new(session.connections),
            place: server.whereabouts(),
            session,
            account: OnceLock::new(),
        }
    }

    /// A connection that cannot write and stops by itself, whatever the account may do.
    async fn session(&self) -> Result<MySqlConnection, SourceError> {
        let mut connection = self.options.connect().await.map_err(|error| self.told(&error, Rung::Login))?;
        // A backslash stands for itself, as in every other database, so that a quote ends where it seems to.
        let sets = [
            "SET SESSION sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'NO_BACKSLASH_ESCAPES')".to_owned(),
            "SET SESSION TRANSACTION READ ONLY".to_owned(),
            format!("SET SESSION lock_wait_timeout = {}", self.session.timeout.as_secs().max(1)),
        ];
        for set in sets {
            connection.execute(AssertSqlSafe(set)).await.map_err(|error| self.told(&error, Rung::Login))?;
        }
        let milliseconds = self.session.timeout.as_millis();
        let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
        let ours = format!("SET SESSION max_statement_time = {seconds}.{rest:03}");
        if connection.execute(AssertSqlSafe(ours)).await.is_err() {
            // MySQL has another name for it, and counts milliseconds.
            let theirs = format!("SET SESSION max_execution_time = {milliseconds}");
            connection.execute(AssertSqlSafe(theirs)).await.map_err(|error| self.told(&error, Rung::Login))?;
        }
        Ok(connection)
    }

    /// As [`Mariadb::session`], of an account that could not write if it tried.
    async fn open(&self) -> Result<MySqlConnection, SourceError> {
        let mut connection = self.session().await?;
        let trouble = self.distrusted(&mut connection).await?;
        trusted(connection, trouble)
    }

    /// The trouble with an account that could change records, or of which that cannot be told.
    async fn distrusted(&self, connection: &mut MySqlConnection) -> Result<Option<Trouble>, SourceError> {
        let rows = self.rows_on(connection, &Call::plain("SHOW GRANTS", 1_000)).await?;
        let lines = || {
            rows.rows.iter().map(|row| match row.first() {
                Some(Native::Text(line)) => Some(line.as_str()),
                _ => None,
            })
        };
        if let Some(account) = lines().flatten().find_map(Power::grantee) {
            // Once set it stays: an account does not change its name.
            drop(self.account.set(account.to_owned()));
        }
        // Every account has a line at least: that it may log in.
        if rows.rows.is_empty() {
            return Ok(Some(unreadable(None, &self.place)));
        }
        let mut powers = Vec::new();
        for line in lines() {
            match line.and_then(Power::in_grant) {
                Some(more) => powers.extend(more),
                None => return Ok(Some(unreadable(line, &self.place))),
            }
        }
        Ok(writable(&powers, &self.place))
    }

    /// Logs in and says as whom and how; then what the account could change.
    pub(super) async fn login(&self) -> Result<(Login, Option<Trouble>), SourceError> {
        let mut connection = self.session().await?;
        // MySQL keeps the cipher elsewhere; without it the sentence is shorter, and no more is lost.
        let rows = match self.rows_on(&mut connection, &Call::plain(LOGIN, 1)).await {
            Ok(rows) => rows,
            Err(_) => self.rows_on(&mut connection, &Call::plain("SELECT VERSION(), '', CURRENT_USER()", 1)).await?,
        };
        let trouble = self.distrusted(&mut connection).await?;
        let login = Login::of("MariaDB/MySQL", rows.rows.first().map(Vec::as_slice).unwrap_or_default());
        Ok((login, trouble))
    }

    /// Runs a statement.
    pub(super) async fn rows(&self, call: &Call<'_>) -> Result<Rows, SourceError> {
        let work = async |connection: &mut MySqlConnection| self.rows_on(connection, call).await;
        self.lines.with(async || self.open().await, work, spoils).await
    }

    async fn rows_on(&self, connection: &mut MySqlConnection, call: &Call<'_>) -> Result<Rows, SourceError> {
        let failed = |error: sqlx::Error| self.told(&error, Rung::Answer);
        let text = AssertSqlSafe(call.text.clone()).into_sql_str();
        let statement = connection.prepare(text).await.map_err(failed)?;
        let mut arguments = MySqlArguments::default();
        for value in &call.values {
            match value {
                Bound::Text(text) => arguments.add(text.as_ref()),
                Bound::Integer(number) => arguments.add(*number),
            }
            .map_err(|error| self.told(&sqlx::Error::Encode(error), Rung::Prepare))?;
        }
        let mut found = Rows {
            columns: statement.columns().iter().map(|column| column.name().to_owned()).collect(),
            rows: Vec::new(),
            as_of: None,
        };
        let mut stream = statement.query_with(arguments).fetch(&mut *connection);
        while let Some(row) = stream.try_next().await.map_err(failed)? {
            if found.rows.len() >= call.max_rows {
                return Err(SourceError::TooManyRows(call.max_rows));
            }
            if found.columns.is_empty() {
                // SHOW and EXPLAIN tell their columns only now.
                found.columns = row.columns().iter().map(|column| column.name().to_owned()).collect();
            }
            let read = |place| value::native(&row, place);
            found.rows.push((0..row.len()).map(read).collect::<Result<_, _>>().map_err(failed)?);
        }
        Ok(found)
    }

    /// The columns of a statement, which is prepared and not run.
    pub(super) async fn columns(&self, call: &Call<'_>) -> Result<Vec<String>, SourceError> {
        let text = AssertSqlSafe(call.text.clone()).into_sql_str();
        let work = async |connection: &mut MySqlConnection| {
            let prepared = connection.prepare(text).await;
            let statement = prepared.map_err(|error| self.told(&error, Rung::Prepare))?;
            Ok(statement.columns().iter().map(|column| column.name().to_owned()).collect())
        };
        self.lines.with(async || self.open().await, work, spoils).await
    }

    /// What a statement would do, by the server's own plan: one row a table.
    pub(super) async fn plan(&self, call: &Call<'_>) -> Result<Plan, SourceError> {
        let rows = self.rows(&call.with_text(format!("EXPLAIN {}", call.text))).await?;
        let place = |name| find_column(&rows.columns, name);
        let (Some(table), Some(kind), Some(count)) = (place("table"), place("type"), place("rows")) else {
            return Err(plan_unreadable(&rows.columns.join(", ")));
        };
        let mut scans = Vec::new();
        for row in &rows.rows {
            let text = |place: usize| row.get(place).and_then(Native::text);
            // `ALL` reads the table, `index` an index, from end to end.
            let whole = text(kind).is_some_and(|kind| kind == "ALL" || kind == "index");
            // A table in angle brackets is the result of a part of the statement.
            let Some(table) = text(table).filter(|table| whole && !table.starts_with('<')) else { continue };
            let count = text(count).map(|count| count.parse().map_err(|_| plan_unreadable("rows"))).transpose()?;
            scans.push(Scan { table: table.into_owned(), rows: count });
        }
        Ok(Plan { scans, cost: None })
    }

    pub(super) async fn close(&self) {
        self.lines.close().await;
    }

    pub(super) const fn place(&self) -> &Whereabouts {
        &self.place
    }

    fn told(&self, error: &sqlx::Error, at: Rung) -> SourceError {
        let number = match error {
            sqlx::Error::Database(database) => {
                database.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
            }
            _ => None,
        };
        let place = Whereabouts { account: self.account.get().cloned(), ..self.place.clone() };
        let trouble = Trouble::of(error, at, &place);
        match number {
            Some(1969 | 3024 | 1317) => SourceError::Timeout(self.session.timeout),
            Some(1205) => SourceError::Locked,
            Some(_) if trouble.rung >= Rung::ReadOnly => SourceError::Statement(Box::new(trouble)),
            _ => SourceError::Unavailable(Box::new(trouble)),
        }
    }
}

/// After a refused statement the connection is as good as before; after anything else it may not be.
const fn spoils(error: &SourceError) -> bool {
    !matches!(error, SourceError::Statement(_))
}

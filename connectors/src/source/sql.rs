//! A database as a source: read-only, with few prepared statements, a bound on time, on rows and on cost.

mod catalogue;
mod endpoint;
mod lines;
mod mariadb;
mod plan;
mod postgres;
mod powers;
mod sqlite;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::trouble::{Trouble, Whereabouts};
use super::{OpenError, Question, SourceError};
use crate::connector::{Ask, Dataset, Driver, ExplainInfo, Parameter, SqlInfo, TlsMode};
use crate::native::{Native, Rows};
use crate::protocol::QueryPeriod;
use crate::secret::Secret;
use crate::sql_text::{Bind, LIST_LENGTHS, Placeholder, Rendered, list_length};
use crate::synthetic;
pub use catalogue::{ColumnInfo, Relation};
use endpoint::Endpoint;
use mariadb::Mariadb;
pub(crate) use plan::Plan;
use postgres::Postgres;
use sqlite::Sqlite;

/// A database.
#[derive(Debug)]
pub(crate) struct SqlSource {
    database: Database,
    statements: BTreeMap<String, Statements>,
    timeout: Duration,
    max_rows: usize,
    explain: ExplainInfo,
    tls: TlsMode,
    /// The datasets whose plan was looked at and found cheap enough.
    planned: Mutex<BTreeSet<String>>,
}

#[derive(Debug)]
enum Database {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
    Mariadb(Box<Mariadb>),
}

/// Does the same with each kind of database.
macro_rules! each {
    ($database:expr, $one:ident => $does:expr) => {
        match $database {
            Database::Sqlite($one) => $does,
            Database::Postgres($one) => $does,
            Database::Mariadb($one) => $does,
        }
    };
}

/// The statement of a dataset, in the few lengths its list of identity numbers can have.
#[derive(Debug)]
struct Statements {
    texts: BTreeMap<usize, Arc<Prepared>>,
    parameters: Vec<Parameter>,
    /// Old numbers of 15 digits are asked for as well.
    old_numbers: bool,
}

/// A statement as the database takes it, ready to be handed to the driver without a copy.
#[derive(Debug)]
struct Prepared {
    text: Arc<str>,
    binds: Vec<Bind>,
}

/// What a session is held to.
#[derive(Debug, Clone, Copy)]
struct Session {
    /// How long a statement may run, by the server's own clock.
    timeout: Duration,
    /// How many connections there may be.
    connections: u32,
    /// How many prepared statements a connection keeps.
    statements: usize,
}

/// A statement with its values.
struct Call<'a> {
    text: Arc<str>,
    values: Vec<Bound<'a>>,
    max_rows: usize,
}

/// A value for a place of a statement.
#[derive(Debug, Clone)]
enum Bound<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
}

/// As whom and how a database was logged into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// The product and its version.
    pub(crate) server: String,
    /// Protocol and cipher; `None` where the connection is not encrypted, or the server does not say.
    pub(crate) cipher: Option<String>,
    /// The account, as the server has it.
    pub(crate) account: String,
}

impl Bound<'_> {
    fn written(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Integer(number) => number.to_string().into(),
        }
    }
}

impl<'a> Call<'a> {
    fn new(text: &str, values: Vec<Bound<'a>>, max_rows: usize) -> Self {
        Self { text: text.into(), values, max_rows }
    }

    fn plain(text: &str, max_rows: usize) -> Self {
        Self::new(text, Vec::new(), max_rows)
    }

    /// Another text with the same values.
    fn with_text(&self, text: String) -> Self {
        Self { text: text.into(), values: self.values.clone(), max_rows: 1_000 }
    }
}

impl Login {
    /// From a row of version, cipher and account.
    fn of(product: &str, row: &[Native]) -> Self {
        let text = |place: usize| row.get(place).and_then(Native::text).map(Cow::into_owned);
        let version = text(0).unwrap_or_default();
        let server = if version.contains("MariaDB") { version } else { format!("{product} {version}") };
        Self { server, cipher: text(1), account: text(2).unwrap_or_default() }
    }
}

impl SqlSource {
    /// Sets up a database, without connecting. `url` stands in for the place the file names.
    pub(super) fn open(
        info: &SqlInfo,
        url: Option<&Secret>,
        folder: &Path,
        datasets: &[Dataset],
    ) -> Result<Self, OpenError> {
        let session = session(info, datasets);
        let database = match Endpoint::of(info, url, folder)? {
            Endpoint::File(url) => Database::Sqlite(Sqlite::new(&url, session)?),
            Endpoint::Server(server) => match server.driver {
                Driver::Postgres => Database::Postgres(Box::new(Postgres::new(&server, session))),
                Driver::Mariadb => Database::Mariadb(Box::new(Mariadb::new(&server, session))),
            },
        };
        Ok(Self::new(database, info, datasets))
    }

    /// A database in memory, on the one connection it lives in.
    pub(super) async fn in_memory(setup: Vec<String>, info: &SqlInfo, datasets: &[Dataset]) -> Result<Self, OpenError> {
        let database = Sqlite::in_memory(setup, session(info, datasets)).await?;
        Ok(Self::new(Database::Sqlite(database), info, datasets))
    }

    fn new(database: Database, info: &SqlInfo, datasets: &[Dataset]) -> Self {
        let placeholder = match &database {
            Database::Sqlite(_) => Placeholder::QuestionNumber,
            Database::Postgres(_) => Placeholder::DollarNumber,
            Database::Mariadb(_) => Placeholder::Question,
        };
        let statements = datasets
            .iter()
            .filter_map(|dataset| {
                let Ask::Sql { statement, parameters } = &dataset.ask else { return None };
                let prepared = |length| {
                    let Rendered { text, binds } = statement.rendered(length, placeholder);
                    (length, Arc::new(Prepared { text: text.into(), binds }))
                };
                let texts = LIST_LENGTHS.into_iter().map(prepared).collect();
                let old_numbers = dataset.mapping.name.is_some();
                Some((dataset.id.clone(), Statements { texts, parameters: parameters.clone(), old_numbers }))
            })
            .collect();
        Self {
            database,
            statements,
            timeout: info.statement_timeout,
            max_rows: info.max_rows,
            explain: info.explain,
            tls: info.tls.mode,
            planned: Mutex::default(),
        }
    }

    /// Runs the statement of a dataset, once its plan has been found cheap enough.
    pub(super) async fn fetch(&self, dataset: &str, question: &Question<'_>) -> Result<Rows, SourceError> {
        let call = self.call(dataset, question)?;
        let asked = async {
            self.gate(dataset, &call).await?;
            each!(&self.database, one => one.rows(&call).await)
        };
        self.in_time(asked).await
    }

    /// Prepares the statement of a dataset.
    pub(super) async fn columns(&self, dataset: &str) -> Result<Vec<String>, SourceError> {
        let prepared = self.prepared(dataset, 1)?;
        let call = Call { text: Arc::clone(&prepared.text), values: Vec::new(), max_rows: 1 };
        self.in_time(async { each!(&self.database, one => one.columns(&call).await) }).await
    }

    /// What the statement of a dataset would do, and the trouble with it when that is too much.
    pub(super) async fn plan(
        &self,
        dataset: &str,
        column: &str,
        question: &Question<'_>,
    ) -> Result<(Plan, Option<Trouble>), SourceError> {
        let call = self.call(dataset, question)?;
        let plan = self.in_time(async { each!(&self.database, one => one.plan(&call).await) }).await?;
        let trouble = plan.too_costly(&self.explain, dataset, column).filter(|_| self.is_gated());
        Ok((plan, trouble))
    }

    /// `SQLite` keeps no statistics, so it is held to a bound only where the file sets one.
    fn is_gated(&self) -> bool {
        self.explain.given || !matches!(self.database, Database::Sqlite(_))
    }

    /// Refuses a statement whose plan costs more than allowed. Each dataset is looked at once.
    async fn gate(&self, dataset: &str, call: &Call<'_>) -> Result<(), SourceError> {
        if !self.is_gated() || self.planned().contains(dataset) {
            return Ok(());
        }
        let plan = match each!(&self.database, one => one.plan(call).await) {
            Ok(plan) => plan,
            // What the account may not see is bounded by the time limit still.
            Err(SourceError::Statement(trouble)) if trouble.hides_a_plan() => Plan::default(),
            Err(error) => return Err(error),
        };
        if let Some(trouble) = plan.too_costly(&self.explain, dataset, "…") {
            return Err(SourceError::TooCostly(Box::new(trouble)));
        }
        self.planned().insert(dataset.to_owned());
        Ok(())
    }

    fn planned(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Succeeds when the database can be asked.
    pub(super) async fn ping(&self) -> Result<(), SourceError> {
        self.in_time(async {
            match &self.database {
                Database::Sqlite(sqlite) => sqlite.version().await.map(drop),
                Database::Postgres(one) => one.rows(&Call::plain("SELECT 1", 1)).await.map(drop),
                Database::Mariadb(one) => one.rows(&Call::plain("SELECT 1", 1)).await.map(drop),
            }
        })
        .await
    }

    /// Logs in and says as whom and how; then the trouble with an account that could write.
    pub(crate) async fn login(&self) -> Result<(Login, Option<Trouble>), SourceError> {
        self.in_time(async {
            match &self.database {
                Database::Sqlite(sqlite) => {
                    let server = format!("SQLite {}", sqlite.version().await?);
                    Ok((Login { server, cipher: None, account: String::new() }, None))
                }
                Database::Postgres(one) => one.login().await,
                Database::Mariadb(one) => one.login().await,
            }
        })
        .await
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &Whereabouts {
        each!(&self.database, one => one.place())
    }

    /// Whether the way to it is to be encrypted; `None` for a file or socket.
    pub(crate) fn tls(&self) -> Option<TlsMode> {
        (self.place().port > 0).then_some(self.tls)
    }

    /// A statement that runs far longer than any may, and reads no table.
    pub(crate) const fn endless(&self) -> &'static str {
        match &self.database {
            Database::Sqlite(_) => {
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                 SELECT i AS x FROM n WHERE CAST(i AS TEXT) IN (:id_numbers)"
            }
            Database::Postgres(_) => "SELECT CAST(pg_sleep(3600) AS text) AS x WHERE '' NOT IN (:id_numbers)",
            Database::Mariadb(_) => "SELECT SLEEP(3600) AS x FROM DUAL WHERE '' NOT IN (:id_numbers)",
        }
    }

    /// Sends a text to the database and has it sent back.
    pub(crate) async fn echo(&self, text: &str) -> Result<Option<String>, SourceError> {
        let statement = match &self.database {
            Database::Sqlite(_) => "SELECT ?1",
            Database::Postgres(_) => "SELECT CAST($1 AS text)",
            Database::Mariadb(_) => "SELECT ?",
        };
        let call = Call::new(statement, vec![Bound::Text(text.into())], 1);
        let rows = self.in_time(async { each!(&self.database, one => one.rows(&call).await) }).await?;
        Ok(rows.rows.first().and_then(|row| row.first()).and_then(Native::text).map(Cow::into_owned))
    }

    /// Closes every connection.
    pub(super) async fn close(&self) {
        each!(&self.database, one => one.close().await);
    }

    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
        tokio::time::timeout(self.timeout, answer).await.unwrap_or(Err(SourceError::Timeout(self.timeout)))
    }

    fn statements(&self, dataset: &str) -> Result<&Statements, SourceError> {
        self.statements.get(dataset).ok_or_else(|| self.confused("no such dataset"))
    }

    fn prepared(&self, dataset: &str, numbers: usize) -> Result<Arc<Prepared>, SourceError> {
        let text = self.statements(dataset)?.texts.get(&list_length(numbers));
        text.cloned().ok_or_else(|| self.confused("no such length"))
    }

    fn confused(&self, words: &str) -> SourceError {
        SourceError::Statement(Box::new(Trouble::of_words(words, super::Rung::Prepare, self.place())))
    }

    fn call<'a>(&self, dataset: &str, question: &Question<'a>) -> Result<Call<'a>, SourceError> {
        let Statements { parameters, old_numbers, .. } = self.statements(dataset)?;
        let spellings = spellings(&question.id_numbers, *old_numbers);
        let prepared = self.prepared(dataset, spellings.len())?;
        let spelling = |place: usize| spellings.get(place).or(spellings.last()).cloned().unwrap_or_default();
        let value = |bind: &Bind| match bind {
            Bind::IdNumber(place) => Bound::Text(spelling(*place)),
            Bind::Parameter(place) => {
                parameters.get(*place).map_or(Bound::Text("".into()), |parameter| parameter.bound(question.period))
            }
        };
        let values = prepared.binds.iter().map(value).collect();
        Ok(Call { text: Arc::clone(&prepared.text), values, max_rows: self.max_rows })
    }
}

/// The identity numbers in every spelling a source may keep them in: with a small `x`, and of 15 digits.
fn spellings<'a>(numbers: &[&'a str], old: bool) -> Vec<Cow<'a, str>> {
    let mut spellings: Vec<Cow<'a, str>> = numbers.iter().copied().map(Cow::Borrowed).collect();
    for number in numbers {
        spellings.extend(number.strip_suffix('X').map(|body| Cow::Owned(format!("{body}x"))));
        spellings.extend(synthetic::old_form(number).filter(|_| old).map(Cow::Owned));
    }
    spellings
}

fn session(info: &SqlInfo, datasets: &[Dataset]) -> Session {
    Session {
        timeout: info.statement_timeout,
        connections: info.max_connections,
        // Every statement in each of its lengths, and a few of our own.
        statements: datasets.len().saturating_mul(LIST_LENGTHS.len()).saturating_add(16),
    }
}

impl Parameter {
    fn bound(&self, period: QueryPeriod) -> Bound<'static> {
        let written = self.written(period);
        match written.parse() {
            Ok(number) if self.integer => Bound::Integer(number),
            _ => Bound::Text(written.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_asked_for_in_every_spelling_a_register_may_have() {
        let numbers = ["15000019700101109X", "150000198605021015", "150000201409011041"];
        assert_eq!(
            spellings(&numbers, true)[3..],
            ["15000019700101109x", "150000700101109", "150000860502101"],
            "nobody born after 1999 had an old one"
        );
        assert_eq!(spellings(&numbers, false)[3..], ["15000019700101109x"]);
        let all = vec!["15000019700101109X"; crate::protocol::MAX_SUBJECTS];
        assert!(spellings(&all, true).len() <= crate::sql_text::MAX_LIST);
    }
}

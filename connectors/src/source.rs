//! Where a department's records are. The seam between the adapter and what it asks.
//!
//! A source takes the identity numbers and the period of a query and gives rows of named values; it
//! knows neither facts nor the protocol. There is one kind now, a database; a new kind is a new variant.

mod sql;

use std::path::Path;
use std::time::Duration;

use crate::connector::{Connector, SourceInfo};
use crate::error::Text;
use crate::native::Rows;
use crate::protocol::QueryPeriod;
use crate::secret::{Secret, SecretError};
use sql::SqlSource;

/// What a source is asked about one dataset: a whole household at once.
pub(crate) struct Question<'a> {
    /// The identity numbers, each once, at least one.
    pub(crate) id_numbers: Vec<&'a str>,
    /// The window for facts that have a date.
    pub(crate) period: QueryPeriod,
}

/// Why a source did not answer. Never holds a value of a question or of a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Not within the statement timeout.
    #[error("no answer within {} ms: is an index missing, or the database busy?", .0.as_millis())]
    Timeout(Duration),
    /// More rows than `max_rows`.
    #[error("more than {0} rows: raise max_rows, or narrow the statement")]
    TooManyRows(usize),
    /// It cannot be opened or reached.
    #[error("the source cannot be used: {0}")]
    Unavailable(String),
    /// Another program holds its lock.
    #[error("the source is locked by another program")]
    Locked,
    /// It refuses the statement.
    #[error("the source refuses the statement: {0}")]
    Statement(String),
}

impl SourceError {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Timeout(_) => "source_timeout",
            Self::TooManyRows(_) => "too_many_rows",
            Self::Unavailable(_) => "source_unavailable",
            Self::Locked => "source_locked",
            Self::Statement(_) => "source_failed",
        }
    }
}

impl SourceError {
    /// The error for people.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Timeout(timeout) => format!("{} 毫秒内没有答复：是否缺索引，或数据库太忙？", timeout.as_millis()),
            Self::TooManyRows(limit) => format!("超过 {limit} 行：提高 max_rows，或收窄语句"),
            Self::Unavailable(cause) => format!("数据源不可用：{cause}"),
            Self::Locked => "数据源被其他程序锁住".to_owned(),
            Self::Statement(cause) => format!("数据源不接受该语句：{cause}"),
        };
        Text::new(zh, self.to_string())
    }
}

/// Why a source cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its URL cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The URL names a kind of database this build does not read. Holds the scheme only: the rest is secret.
    #[error("the source URL begins with `{0}:`; this build reads sqlite://path only")]
    Scheme(String),
    /// The URL cannot be understood.
    #[error("the source URL is not of the form sqlite:///path/to/file")]
    Url,
    /// The records of a golden test cannot be loaded.
    #[error("the fixture cannot be loaded: {0}")]
    Fixture(String),
}

impl OpenError {
    /// The error for people.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Secret(error) => return error.text(),
            Self::Scheme(scheme) => format!("数据源地址以 `{scheme}:` 开头；本程序只认识 sqlite://路径"),
            Self::Url => "数据源地址不是 sqlite:///路径/文件 的形式".to_owned(),
            Self::Fixture(cause) => format!("测试数据无法装入：{cause}"),
        };
        Text::new(zh, self.to_string())
    }
}

/// A source of records.
#[derive(Debug)]
pub(crate) enum Source {
    /// A database.
    Sql(SqlSource),
}

impl Source {
    /// Sets up the source of a connector. It connects when it is first asked, so that an adapter can
    /// start before its database and outlive a restart of it.
    pub(crate) fn of(connector: &Connector, url: Option<&Secret>) -> Result<Self, OpenError> {
        let SourceInfo::Sql(info) = &connector.source;
        let url = match url {
            Some(url) => url.clone(),
            None => info.url.read(connector.folder())?,
        };
        SqlSource::open(&url, info, &connector.datasets).map(Self::Sql)
    }

    /// A source in memory that holds what the SQL files make, for golden tests.
    pub(crate) async fn in_memory(connector: &Connector, files: &[&Path]) -> Result<Self, OpenError> {
        let SourceInfo::Sql(info) = &connector.source;
        let mut setup = Vec::with_capacity(files.len());
        for file in files {
            let text = std::fs::read_to_string(file)
                .map_err(|cause| OpenError::Fixture(format!("`{}`: {cause}", file.display())))?;
            setup.push(text);
        }
        SqlSource::in_memory(setup, info, &connector.datasets).await.map(Self::Sql)
    }

    /// The rows of a dataset.
    pub(crate) async fn fetch(&self, dataset: &str, question: &Question<'_>) -> Result<Rows, SourceError> {
        match self {
            Self::Sql(source) => source.fetch(dataset, question).await,
        }
    }

    /// The columns a dataset's rows have, without asking about anybody.
    pub(crate) async fn columns(&self, dataset: &str) -> Result<Vec<String>, SourceError> {
        match self {
            Self::Sql(source) => source.columns(dataset).await,
        }
    }

    /// Succeeds when the source can be asked.
    pub(crate) async fn ping(&self) -> Result<(), SourceError> {
        match self {
            Self::Sql(source) => source.ping().await,
        }
    }

    /// Closes what is open.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sql(source) => source.close().await,
        }
    }
}

//! Where a department's records are. The seam between the adapter and what it asks.
//!
//! A source takes the identity numbers and the period of a query and gives rows of named values; it
//! knows neither facts nor the protocol. There is one kind now, a database; a new kind is a new variant.

mod error;
mod http;
mod reach;
mod sql;
mod trouble;
mod web;

use std::path::Path;

use crate::adapter::Overrides;
use crate::connector::{Connector, SourceInfo};
use crate::native::Rows;
use crate::protocol::QueryPeriod;
pub use error::{OpenError, SourceError};
pub(crate) use http::HttpSource;
pub(crate) use reach::{connect, resolve};
pub(crate) use sql::Plan;
use sql::SqlSource;
pub use sql::{ColumnInfo, Relation};
pub use trouble::{Rung, Trouble};

/// What a source is asked about one dataset: a whole household at once.
pub(crate) struct Question<'a> {
    /// The identity numbers, each once, at least one.
    pub(crate) id_numbers: Vec<&'a str>,
    /// Their names as asked, in the same order; blank where none was given.
    pub(crate) names: Vec<&'a str>,
    /// The window for facts that have a date.
    pub(crate) period: QueryPeriod,
}

/// What a source found. No `Debug`: it holds identity numbers.
#[derive(Default)]
pub(crate) struct Found {
    /// The rows of everybody who was answered about.
    pub(crate) rows: Rows,
    /// Those about whom no answer came that can be used, and why. Of them the rows say nothing.
    pub(crate) unanswered: Vec<(String, SourceError)>,
}

impl From<Rows> for Found {
    fn from(rows: Rows) -> Self {
        Self { rows, unanswered: Vec::new() }
    }
}

/// A source of records.
#[derive(Debug)]
pub(crate) enum Source {
    /// A database.
    Sql(Box<SqlSource>),
    /// A service that answers in JSON.
    Http(Box<HttpSource>),
    /// Rows that were handed over before: the answer to one question, whatever is asked.
    Recorded(Rows),
}

impl Source {
    /// Sets up the source of a connector. It connects when it is first asked, so that an adapter can
    /// start before its database and outlive a restart of it.
    pub(crate) fn of(connector: &Connector, overrides: &Overrides) -> Result<Self, OpenError> {
        let (url, folder) = (overrides.source_url.as_ref(), connector.folder());
        let datasets = &connector.datasets;
        Ok(match &connector.source {
            SourceInfo::Sql(info) => Self::Sql(Box::new(SqlSource::open(info, url, folder, datasets)?)),
            SourceInfo::Http(info) => {
                Self::Http(Box::new(HttpSource::open(info, url, folder, datasets, &overrides.clock)?))
            }
        })
    }

    /// A source in memory for a golden test. A fixture in JSON holds the rows as the source hands them over, or
    /// the answers of a service; one in SQL is loaded into `SQLite`, with the `schema.sql` beside it, and asked by the statement.
    pub(crate) async fn fixture(connector: &Connector, fixture: &Path) -> Result<Self, OpenError> {
        let read = |file: &Path| {
            std::fs::read_to_string(file).map_err(|cause| OpenError::Fixture(format!("`{}`: {cause}", file.display())))
        };
        if fixture.extension().is_some_and(|extension| extension == "json") {
            let text = read(fixture)?;
            let answers = || match &connector.source {
                SourceInfo::Http(info) => HttpSource::recorded(connector, info, &text),
                SourceInfo::Sql(_) => None,
            };
            let rows = Rows::from_json(&text).map(Self::Recorded);
            return rows.or_else(|| answers().map(|source| Self::Http(Box::new(source)))).ok_or_else(|| {
                let form = "rows are {\"columns\": [names], \"rows\": [[texts, whole numbers or null]]}; answers of a service are {\"answers\": [{\"about\": [numbers], \"body\": {…}}]}";
                OpenError::Fixture(format!("`{}`: {form}", fixture.display()))
            });
        }
        let SourceInfo::Sql(info) = &connector.source else {
            return Err(OpenError::Fixture(format!("`{}`: a service's answers are kept in JSON", fixture.display())));
        };
        let setup = vec![read(&fixture.with_file_name("schema.sql"))?, read(fixture)?];
        let source = SqlSource::in_memory(setup, info, &connector.datasets).await?;
        Ok(Self::Sql(Box::new(source)))
    }

    /// The tables and views of a database, with a sample of each that `wanted` says yes to.
    pub(crate) async fn relations(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Relation>, SourceError> {
        match self {
            Self::Sql(source) => source.relations(wanted).await,
            Self::Http(_) | Self::Recorded(_) => Ok(Vec::new()),
        }
    }

    /// What is found for a dataset.
    pub(crate) async fn fetch(&self, dataset: &str, question: &Question<'_>) -> Result<Found, SourceError> {
        match self {
            Self::Sql(source) => source.fetch(dataset, question).await.map(Found::from),
            Self::Http(source) => source.fetch(dataset, question).await,
            Self::Recorded(rows) => Ok(rows.clone().into()),
        }
    }

    /// The columns a dataset's rows have, without asking about anybody.
    pub(crate) async fn columns(&self, dataset: &str) -> Result<Vec<String>, SourceError> {
        match self {
            Self::Sql(source) => source.columns(dataset).await,
            Self::Http(source) => source.columns(dataset),
            Self::Recorded(rows) => Ok(rows.columns.clone()),
        }
    }

    /// Succeeds when the source can be asked.
    pub(crate) async fn ping(&self) -> Result<(), SourceError> {
        match self {
            Self::Sql(source) => source.ping().await,
            Self::Http(source) => source.ping().await,
            Self::Recorded(_) => Ok(()),
        }
    }

    /// What asking for a dataset would cost, and the trouble with it when that is too much. `column` is that of
    /// the identity number, for advice.
    pub(crate) async fn plan(
        &self,
        dataset: &str,
        column: &str,
        question: &Question<'_>,
    ) -> Result<(Plan, Option<Trouble>), SourceError> {
        match self {
            Self::Sql(source) => source.plan(dataset, column, question).await,
            Self::Http(_) | Self::Recorded(_) => Ok((Plan::default(), None)),
        }
    }

    /// The database, where it is one.
    pub(crate) fn database(&self) -> Option<&SqlSource> {
        match self {
            Self::Sql(source) => Some(source),
            Self::Http(_) | Self::Recorded(_) => None,
        }
    }

    /// The service, where it is one.
    pub(crate) fn service(&self) -> Option<&HttpSource> {
        match self {
            Self::Http(source) => Some(source),
            Self::Sql(_) | Self::Recorded(_) => None,
        }
    }

    /// Closes what is open.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sql(source) => source.close().await,
            Self::Http(source) => source.close(),
            Self::Recorded(_) => {}
        }
    }
}

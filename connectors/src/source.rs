//! Where a department's records are. The seam between the adapter and what it asks.
//!
//! A source takes the identity numbers and the period of a query and gives rows of named values; it
//! knows neither facts nor the protocol. There is one kind now, a database; a new kind is a new variant.

mod error;
mod reach;
mod simulated;
mod sql;
mod trouble;

use std::path::Path;

use crate::connector::{Connector, SourceInfo};
use crate::native::Rows;
use crate::protocol::QueryPeriod;
use crate::secret::Secret;
pub use error::{OpenError, SourceError};
pub(crate) use reach::{connect, resolve};
pub use simulated::Disturbance;
pub(crate) use simulated::Simulated;
pub(crate) use sql::Plan;
use sql::SqlSource;
pub use sql::{ColumnInfo, Relation};
pub use trouble::{Rung, Trouble};

/// What a source is asked about one dataset: a whole household at once.
pub(crate) struct Question<'a> {
    /// The identity numbers, each once, at least one.
    pub(crate) id_numbers: Vec<&'a str>,
    /// The window for facts that have a date.
    pub(crate) period: QueryPeriod,
}

/// A source of records.
#[derive(Debug)]
pub(crate) enum Source {
    /// A database.
    Sql(Box<SqlSource>),
    /// Rows that were handed over before: the answer to one question, whatever is asked.
    Recorded(Rows),
    /// Another source, disturbed.
    Simulated(Box<Simulated>),
}

impl Source {
    /// Sets up the source of a connector. It connects when it is first asked, so that an adapter can
    /// start before its database and outlive a restart of it.
    pub(crate) fn of(connector: &Connector, url: Option<&Secret>) -> Result<Self, OpenError> {
        let SourceInfo::Sql(info) = &connector.source;
        let source = SqlSource::open(info, url, connector.folder(), &connector.datasets)?;
        Ok(Self::Sql(Box::new(source)))
    }

    /// A source in memory for a golden test. A fixture in JSON holds the rows as the source hands them over; one
    /// in SQL is loaded into `SQLite`, with the `schema.sql` beside it, and asked by the statement.
    pub(crate) async fn fixture(connector: &Connector, fixture: &Path) -> Result<Self, OpenError> {
        Self::altered_fixture(connector, fixture, "").await
    }

    /// As [`Source::fixture`]; what is loaded into `SQLite` is altered by more statements afterwards.
    pub(crate) async fn altered_fixture(
        connector: &Connector,
        fixture: &Path,
        alterations: &str,
    ) -> Result<Self, OpenError> {
        let read = |file: &Path| {
            std::fs::read_to_string(file).map_err(|cause| OpenError::Fixture(format!("`{}`: {cause}", file.display())))
        };
        if fixture.extension().is_some_and(|extension| extension == "json") {
            let rows = Rows::from_json(&read(fixture)?);
            return rows.map(Self::Recorded).ok_or_else(|| {
                let form = "rows are {\"columns\": [names], \"rows\": [[texts, whole numbers or null]]}";
                OpenError::Fixture(format!("`{}`: {form}", fixture.display()))
            });
        }
        let SourceInfo::Sql(info) = &connector.source;
        let setup = vec![read(&fixture.with_file_name("schema.sql"))?, read(fixture)?, alterations.to_owned()];
        let source = SqlSource::in_memory(setup, info, &connector.datasets).await?;
        Ok(Self::Sql(Box::new(source)))
    }

    /// The tables and views of a database, with a sample of each that `wanted` says yes to.
    pub(crate) async fn relations(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Relation>, SourceError> {
        match self {
            Self::Sql(source) => source.relations(wanted).await,
            Self::Recorded(_) => Ok(Vec::new()),
            Self::Simulated(simulated) => Box::pin(simulated.inner().relations(wanted)).await,
        }
    }

    /// The rows of a dataset.
    pub(crate) async fn fetch(&self, dataset: &str, question: &Question<'_>) -> Result<Rows, SourceError> {
        match self {
            Self::Sql(source) => source.fetch(dataset, question).await,
            Self::Recorded(rows) => Ok(rows.clone()),
            Self::Simulated(simulated) => simulated.fetch(dataset, question).await,
        }
    }

    /// The columns a dataset's rows have, without asking about anybody.
    pub(crate) async fn columns(&self, dataset: &str) -> Result<Vec<String>, SourceError> {
        match self {
            Self::Sql(source) => source.columns(dataset).await,
            Self::Recorded(rows) => Ok(rows.columns.clone()),
            Self::Simulated(simulated) => Box::pin(simulated.inner().columns(dataset)).await,
        }
    }

    /// Succeeds when the source can be asked.
    pub(crate) async fn ping(&self) -> Result<(), SourceError> {
        match self {
            Self::Sql(source) => source.ping().await,
            Self::Recorded(_) => Ok(()),
            Self::Simulated(simulated) => Box::pin(simulated.inner().ping()).await,
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
            Self::Recorded(_) => Ok((Plan::default(), None)),
            Self::Simulated(simulated) => Box::pin(simulated.inner().plan(dataset, column, question)).await,
        }
    }

    /// The database, where it is one.
    pub(crate) fn database(&self) -> Option<&SqlSource> {
        match self {
            Self::Sql(source) => Some(source),
            Self::Recorded(_) => None,
            Self::Simulated(simulated) => simulated.inner().database(),
        }
    }

    /// Closes what is open.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sql(source) => source.close().await,
            Self::Recorded(_) => {}
            Self::Simulated(simulated) => Box::pin(simulated.inner().close()).await,
        }
    }
}

//! Where a department's records are. The seam between the adapter and what it asks.
//!
//! A source takes the identity numbers and the period of a query and gives rows of named values; it
//! knows neither facts nor the protocol. A kind of source is a variant.

mod error;
mod file;
mod group;
mod http;
mod reach;
mod simulated;
mod soap;
mod sql;
mod trouble;
mod web;

use std::path::Path;

use crate::adapter::Overrides;
use crate::connector::{Connector, FileInfo, SourceInfo};
use crate::error::Text;
use crate::ledger::Ledger;
use crate::native::Rows;
use crate::protocol::QueryPeriod;
pub use error::{OpenError, SourceError};
use file::Today;
pub(crate) use file::{FileSource, RUNGS, of_answer};
pub(crate) use http::HttpSource;
pub(crate) use reach::{connect, resolve};
pub use simulated::Disturbance;
pub(crate) use simulated::Simulated;
pub(crate) use soap::SoapSource;
pub(crate) use sql::Plan;
use sql::SqlSource;
pub use sql::{ColumnInfo, Relation};
pub(crate) use trouble::Whereabouts;
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
    /// A folder of deliveries.
    File(Box<FileSource>),
    /// A service that answers in XML.
    Soap(Box<SoapSource>),
    /// A service that answers in JSON.
    Http(Box<HttpSource>),
    /// Rows that were handed over before: the answer to one question, whatever is asked.
    Recorded(Rows),
    /// Another source, disturbed.
    Simulated(Box<Simulated>),
}

impl Source {
    /// Sets up the source of a connector. It connects when it is first asked, so that an adapter can
    /// start before its database and outlive a restart of it.
    pub(crate) fn of(connector: &Connector, overrides: &Overrides) -> Result<Self, OpenError> {
        let (url, folder) = (overrides.source_url.as_ref(), connector.folder());
        let datasets = &connector.datasets;
        Ok(match &connector.source {
            SourceInfo::Sql(info) => Self::Sql(Box::new(SqlSource::open(info, url, folder, datasets)?)),
            SourceInfo::File(info) => {
                let clock = || Today::Of(overrides.clock.clone());
                let today = overrides.rehearsal.today().map_or_else(clock, Today::Always);
                let log = (connector.adapter.id.as_str(), overrides.ledger.clone());
                Self::File(Box::new(FileSource::open(info, url, folder, datasets, today, overrides.remembers, log)?))
            }
            SourceInfo::Soap(info) => {
                Self::Soap(Box::new(SoapSource::open(info, url, folder, datasets, &overrides.clock)?))
            }
            SourceInfo::Http(info) => {
                Self::Http(Box::new(HttpSource::open(info, url, folder, datasets, &overrides.clock)?))
            }
        })
    }

    /// A source for a golden test. A fixture in JSON holds the rows as the source hands them over, or the answers of
    /// a service of JSON; one in SQL is loaded into `SQLite`, with the `schema.sql` beside it, and asked by the
    /// statement; a folder is a delivery, or holds the answers of a service of XML.
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
            std::fs::read_to_string(file).map_err(|cause| {
                let what = Text::new(crate::words::of_system(&cause), cause.to_string());
                OpenError::Fixture(what.about(&format!("`{}`", file.display())))
            })
        };
        if fixture.extension().is_some_and(|extension| extension == "json") {
            let text = read(fixture)?;
            let answers = || match &connector.source {
                SourceInfo::Http(info) => HttpSource::recorded(connector, info, &text),
                SourceInfo::Sql(_) | SourceInfo::File(_) | SourceInfo::Soap(_) => None,
            };
            let rows = Rows::from_json(&text).map(Self::Recorded);
            return rows.or_else(|| answers().map(|source| Self::Http(Box::new(source)))).ok_or_else(|| {
                let form = Text::new(
                    "记录写成 {\"columns\": [列名], \"rows\": [[文本、整数或 null]]}；服务的答复写成 {\"answers\": [{\"about\": [号码], \"body\": {…}}]}",
                    "rows are {\"columns\": [names], \"rows\": [[texts, whole numbers or null]]}; answers of a service are {\"answers\": [{\"about\": [numbers], \"body\": {…}}]}",
                );
                OpenError::Fixture(form.about(&format!("`{}`", fixture.display())))
            });
        }
        match &connector.source {
            SourceInfo::Sql(info) => {
                let setup = vec![read(&fixture.with_file_name("schema.sql"))?, read(fixture)?, alterations.to_owned()];
                Ok(Self::Sql(Box::new(SqlSource::in_memory(setup, info, &connector.datasets).await?)))
            }
            SourceInfo::File(info) => {
                let info = FileInfo { folder: fixture.to_owned(), ..info.clone() };
                let log = (connector.adapter.id.as_str(), Ledger::Silent);
                let source =
                    FileSource::open(&info, None, Path::new(""), &connector.datasets, Today::Never, false, log)?;
                match source.ping().await {
                    Ok(_) => Ok(Self::File(Box::new(source))),
                    Err(error) => Err(OpenError::Fixture(error.text())),
                }
            }
            SourceInfo::Http(_) => {
                let what = Text::new("服务的答复要存成 JSON", "a service's answers are kept in JSON");
                Err(OpenError::Fixture(what.about(&format!("`{}`", fixture.display()))))
            }
            SourceInfo::Soap(info) => {
                Ok(Self::Soap(Box::new(SoapSource::recorded(info, fixture, &connector.datasets))))
            }
        }
    }

    /// The tables and views of a database, with a sample of each that `wanted` says yes to.
    pub(crate) async fn relations(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Relation>, SourceError> {
        match self {
            Self::Sql(source) => source.relations(wanted).await,
            Self::File(source) => source.relations().await,
            Self::Http(_) | Self::Soap(_) | Self::Recorded(_) => Ok(Vec::new()),
            Self::Simulated(simulated) => Box::pin(simulated.inner().relations(wanted)).await,
        }
    }

    /// What is found for a dataset.
    pub(crate) async fn fetch(&self, dataset: &str, question: &Question<'_>) -> Result<Found, SourceError> {
        match self {
            Self::Sql(source) => source.fetch(dataset, question).await.map(Found::from),
            Self::File(source) => source.fetch(dataset, question).await.map(Found::from),
            Self::Soap(source) => source.fetch(dataset, question).await,
            Self::Http(source) => source.fetch(dataset, question).await,
            Self::Recorded(rows) => Ok(rows.clone().into()),
            Self::Simulated(simulated) => simulated.fetch(dataset, question).await,
        }
    }

    /// The columns a dataset's rows have, without asking about anybody.
    pub(crate) async fn columns(&self, dataset: &str) -> Result<Vec<String>, SourceError> {
        match self {
            Self::Sql(source) => source.columns(dataset).await,
            Self::File(source) => source.columns(dataset).await,
            Self::Soap(source) => source.columns(dataset),
            Self::Http(source) => source.columns(dataset),
            Self::Recorded(rows) => Ok(rows.columns.clone()),
            Self::Simulated(simulated) => Box::pin(simulated.inner().columns(dataset)).await,
        }
    }

    /// Succeeds when the source can be asked; then what is wrong with it although it can.
    pub(crate) async fn ping(&self) -> Result<Option<Trouble>, SourceError> {
        match self {
            Self::Sql(source) => source.ping().await.map(|()| None),
            Self::File(source) => source.ping().await,
            Self::Soap(source) => source.ping().await.map(|()| None),
            Self::Http(source) => source.ping().await.map(|()| None),
            Self::Recorded(_) => Ok(None),
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
            Self::File(_) | Self::Http(_) | Self::Soap(_) | Self::Recorded(_) => Ok((Plan::default(), None)),
            Self::Simulated(simulated) => Box::pin(simulated.inner().plan(dataset, column, question)).await,
        }
    }

    /// The database, where it is one.
    pub(crate) fn database(&self) -> Option<&SqlSource> {
        match self {
            Self::Sql(source) => Some(source),
            Self::Simulated(simulated) => simulated.inner().database(),
            Self::File(_) | Self::Http(_) | Self::Soap(_) | Self::Recorded(_) => None,
        }
    }

    /// The folder of deliveries, where it is one.
    pub(crate) fn deliveries(&self) -> Option<&FileSource> {
        match self {
            Self::File(source) => Some(source),
            Self::Simulated(simulated) => simulated.inner().deliveries(),
            Self::Sql(_) | Self::Http(_) | Self::Soap(_) | Self::Recorded(_) => None,
        }
    }

    /// The service of JSON, where it is one.
    pub(crate) fn service(&self) -> Option<&HttpSource> {
        match self {
            Self::Http(source) => Some(source),
            Self::Simulated(simulated) => simulated.inner().service(),
            Self::Sql(_) | Self::File(_) | Self::Soap(_) | Self::Recorded(_) => None,
        }
    }

    /// The service of XML, where it is one.
    pub(crate) fn soap(&self) -> Option<&SoapSource> {
        match self {
            Self::Soap(source) => Some(source),
            Self::Simulated(simulated) => simulated.inner().soap(),
            Self::Sql(_) | Self::File(_) | Self::Http(_) | Self::Recorded(_) => None,
        }
    }

    /// Closes what is open.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sql(source) => source.close().await,
            Self::File(source) => source.close().await,
            Self::Soap(source) => source.close(),
            Self::Http(source) => source.close(),
            Self::Recorded(_) => {}
            Self::Simulated(simulated) => Box::pin(simulated.inner().close()).await,
        }
    }
}

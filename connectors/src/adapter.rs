//! An adapter: a connector with its source, ready to answer.
//!
//! [`Adapter::answer`] is the whole of it; [`crate::serve`] puts it behind mutual TLS, golden tests
//! call it as it is.

use std::path::Path;
use std::sync::Arc;

use crate::answer::{self, Answered};
use crate::clock::Clock;
use crate::connector::Connector;
use crate::context::Asker;
use crate::error::{Faults, Lang};
use crate::keys::PrivateKey;
use crate::ledger::Ledger;
use crate::problem;
use crate::protocol::{AdapterProblem, Manifest, Query, Response};
use crate::rehearsal::{Behaviour, Rehearsal};
use crate::secret::Secret;
use crate::source::{OpenError, Source, SourceError, Trouble};

/// What stands in for parts of a connector file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The source's URL, instead of the variable or file that the connector names.
    pub source_url: Option<Secret>,
    /// The rehearsed persons.
    pub rehearsal: Rehearsal,
    /// Where the record of use goes.
    pub ledger: Ledger,
    /// Whose questions are answered.
    pub asker: Asker,
    /// What answers are signed with.
    pub answer_key: Option<PrivateKey>,
    /// Whether the day of a delivery that is taken over is kept for after a restart: so it is with an adapter in service.
    pub remembers: bool,
    /// What signatures and the lives of keys are reckoned by.
    pub clock: Clock,
}

/// Why an adapter cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Faults in a file.
    #[error(transparent)]
    File(#[from] Faults),
    /// The source cannot be set up.
    #[error(transparent)]
    Source(#[from] OpenError),
}

impl LoadError {
    /// The error in one language.
    pub fn render(&self, lang: Lang) -> String {
        match self {
            Self::File(faults) => faults.render(lang),
            Self::Source(error) => error.text().pick(lang).to_owned(),
        }
    }
}

/// A connector with its source. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Adapter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connector: Connector,
    source: Source,
    rehearsal: Rehearsal,
    ledger: Ledger,
    asker: Asker,
    answer_key: Option<PrivateKey>,
    clock: Clock,
}

impl Adapter {
    /// Reads a connector file and sets up its source. Call it inside a tokio runtime. The source is
    /// opened by the first question, so a database that is down is not an error here.
    pub fn load(file: &Path, overrides: Overrides) -> Result<Self, LoadError> {
        Self::new(Connector::read(file)?, overrides)
    }

    /// An adapter of a connector that has been read.
    pub fn new(connector: Connector, overrides: Overrides) -> Result<Self, LoadError> {
        let source = Source::of(&connector, &overrides)?;
        Ok(Self::with(connector, source, overrides))
    }

    pub(crate) fn with(connector: Connector, source: Source, overrides: Overrides) -> Self {
        let Overrides { rehearsal, ledger, asker, answer_key, clock, .. } = overrides;
        Self(Arc::new(Inner { connector, source, rehearsal, ledger, asker, answer_key, clock }))
    }

    /// Its connector.
    pub fn connector(&self) -> &Connector {
        &self.0.connector
    }

    /// What it offers.
    pub fn manifest(&self) -> Manifest {
        let answer_key = self.0.answer_key.as_ref().map(|key| key.public().to_jwk());
        Manifest { answer_key, ..self.0.connector.manifest() }
    }

    /// Succeeds when its source can be asked.
    pub async fn health(&self) -> Result<(), SourceError> {
        self.0.source.ping().await.map(drop)
    }

    /// As [`Adapter::health`]; then what is wrong although it can be asked, such as a newer delivery that is not used.
    pub async fn condition(&self) -> Result<Option<Trouble>, SourceError> {
        self.0.source.ping().await
    }

    /// Closes its source.
    pub async fn close(&self) {
        self.0.source.close().await;
    }

    /// What it reckons time by.
    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn source(&self) -> &Source {
        &self.0.source
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    pub(crate) fn asker(&self) -> &Asker {
        &self.0.asker
    }

    pub(crate) fn answer_key(&self) -> Option<&PrivateKey> {
        self.0.answer_key.as_ref()
    }

    /// Answers a query: one result for each person and dataset asked, or a problem when the question is
    /// wrong or the source answered nothing at all. A rehearsed timeout never answers.
    pub async fn answer(&self, query: &Query) -> Result<Response, AdapterProblem> {
        Ok(self.answered(query).await?.response)
    }

    /// As [`Adapter::answer`], with the reasons of every `error`.
    pub(crate) async fn answered(&self, query: &Query) -> Result<Answered, AdapterProblem> {
        let entry = self.0.ledger.begin(&self.0.connector.adapter.id, Some(query));
        let answer = self.ask(query).await;
        let (status, failures) = match &answer {
            Ok(answered) => ("answered", answered.for_ledger()),
            Err(problem) => (problem.code.as_str(), Vec::new()),
        };
        entry.finish(status, failures, None).await.map_err(|error| problem::ledger_unwritable(&error))?;
        answer
    }

    /// As [`Adapter::answered`], without a line in the ledger: whoever calls writes it.
    pub(crate) async fn ask(&self, query: &Query) -> Result<Answered, AdapterProblem> {
        let Inner { connector, source, rehearsal, .. } = &*self.0;
        answer::check(connector, query)?;
        if rehearsal.strikes(query).await {
            return Err(problem::rehearsed_error());
        }
        match rehearsal.of_query(query) {
            Some(Behaviour::Timeout) => std::future::pending().await,
            Some(Behaviour::Error) => Err(problem::rehearsed_error()),
            Some(Behaviour::Quota) => Err(problem::rehearsed_quota()),
            Some(Behaviour::NotAuthorised) => Err(problem::rehearsed_refusal()),
            Some(Behaviour::NoRecord) | None => answer::answer(connector, source, rehearsal, query).await,
        }
    }
}

//! A service that answers in JSON, as a source: asked about few persons at a time, with a bound on calls, on
//! time and on rows.

mod call;
mod envelope;
mod explored;
mod read;
mod recorded;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::header::HeaderMap;

use super::group::{Bounds, Group};
use super::trouble::{Finding, Trouble, Whereabouts};
use super::web::{Access, WebAnswer, WebCall, WebClient};
use super::{Found, OpenError, Question, SourceError};
use crate::clock::Clock;
use crate::connector::{Ask, Connector, Dataset, HttpAsk, HttpInfo};
use crate::native::Native;
use crate::protocol::QueryPeriod;
use crate::secret::Secret;
use call::Page;
use envelope::Envelope;
use read::{Meant, Pages, Reader};
use recorded::Recorded;

/// A service that answers in JSON.
#[derive(Debug)]
pub(crate) struct HttpSource {
    datasets: BTreeMap<String, Asked>,
    way: Way,
    envelope: Option<Envelope>,
    /// Reads an answer of which nothing is known yet.
    bare: Reader,
    bounds: Bounds,
    max_calls: usize,
}

/// A dataset: how it is asked for and read.
#[derive(Debug)]
struct Asked {
    id: String,
    ask: HttpAsk,
    reader: Reader,
    access: Option<Arc<Access>>,
}

/// Where answers come from.
#[derive(Debug)]
enum Way {
    /// From the service.
    Live { client: Arc<WebClient>, accesses: Vec<Arc<Access>>, clock: Clock },
    /// From a fixture.
    Recorded(Recorded),
}

impl HttpSource {
    /// Sets up a service, without connecting. `url` stands in for its address.
    pub(super) fn open(
        info: &HttpInfo,
        url: Option<&Secret>,
        folder: &Path,
        datasets: &[Dataset],
        clock: &Clock,
    ) -> Result<Self, OpenError> {
        let client = Arc::new(WebClient::open(&info.web, url, folder)?);
        // One for each interface, so that datasets of one interface share its secret.
        let mut accesses: Vec<(Option<String>, Arc<Access>)> = Vec::new();
        let open = |own| Access::open(&info.web, own, &client, folder, clock).map(Arc::new);
        accesses.push((None, open(None)?));
        let mut asked = BTreeMap::new();
        for dataset in datasets {
            let Ask::Http(ask) = &dataset.ask else { continue };
            let id = ask.service.as_ref().map(|service| service.id.clone());
            let known = accesses.iter().find(|(known, _)| *known == id).map(|(_, access)| Arc::clone(access));
            let access = if let Some(access) = known {
                access
            } else {
                let access = open(ask.service.as_ref())?;
                accesses.push((id, Arc::clone(&access)));
                access
            };
            asked.insert(dataset.id.clone(), Asked::new(dataset, ask, info, Some(access), client.place()));
        }
        let accesses = accesses.into_iter().map(|(_, access)| access).collect();
        let envelope = info.envelope.as_ref().map(|envelope| Envelope::open(envelope, folder)).transpose()?;
        Ok(Self::with(info, asked, Way::Live { client, accesses, clock: clock.clone() }, envelope))
    }

    /// A service that answers what a fixture holds.
    pub(super) fn recorded(connector: &Connector, info: &HttpInfo, text: &str) -> Option<Self> {
        let place = Whereabouts::nowhere();
        let ask = |dataset: &Dataset| {
            let Ask::Http(ask) = &dataset.ask else { return None };
            Some((dataset.id.clone(), Asked::new(dataset, ask, info, None, &place)))
        };
        let asked = connector.datasets.iter().filter_map(ask).collect();
        Some(Self::with(info, asked, Way::Recorded(Recorded::read(text)?), None))
    }

    fn with(info: &HttpInfo, datasets: BTreeMap<String, Asked>, way: Way, envelope: Option<Envelope>) -> Self {
        let place = match &way {
            Way::Live { client, .. } => client.place().clone(),
            Way::Recorded(recorded) => recorded.place().clone(),
        };
        Self {
            datasets,
            bare: Reader::bare(info, place),
            way,
            envelope,
            bounds: Bounds::of(&info.web, info.max_rows),
            max_calls: info.max_calls,
        }
    }

    /// Asks about everybody of a question, a few at a time.
    pub(super) async fn fetch(&self, dataset: &str, question: &Question<'_>) -> Result<Found, SourceError> {
        let asked = self.asked(dataset)?;
        let calls = AtomicUsize::new(0);
        let (size, columns) = (asked.ask.persons_per_call, asked.reader.columns());
        let ask = |group| self.group(asked, group, question.period, &calls);
        self.bounds.gather(question, size, columns, self.place(), ask).await
    }

    /// Asks about the persons of one call, page by page.
    async fn group(
        &self,
        asked: &Asked,
        group: Group<'_>,
        period: QueryPeriod,
        calls: &AtomicUsize,
    ) -> Result<Vec<Vec<Native>>, SourceError> {
        let mut pages = Pages::new();
        let mut page = Page::first(&asked.ask.paging);
        loop {
            if calls.fetch_add(1, Ordering::Relaxed) >= self.max_calls {
                let words = format!("max_calls = {}", self.max_calls);
                return Err(SourceError::TooCostly(Box::new(Trouble::found(
                    Finding::TooManyCalls,
                    &words,
                    self.place(),
                ))));
            }
            let json = match self.answer(asked, group, period, &page).await? {
                Meant::NoRecord if pages.is_empty() => return Ok(Vec::new()),
                Meant::NoRecord => return Err(asked.reader.wrong(Finding::PageShort, "")),
                Meant::Records(json) => json,
            };
            let next = pages.take(&asked.reader, &json, group.id_numbers)?;
            if pages.rows.len() > self.bounds.max_rows {
                return Err(SourceError::TooManyRows(self.bounds.max_rows));
            }
            match next {
                None => return Ok(pages.rows),
                Some(next) => page = page.next(&asked.ask.paging, pages.rows.len(), next),
            }
        }
    }

    /// Makes one call and says what its answer means.
    async fn answer(
        &self,
        asked: &Asked,
        group: Group<'_>,
        period: QueryPeriod,
        page: &Page,
    ) -> Result<Meant, SourceError> {
        let (answer, now) = match &self.way {
            Way::Recorded(recorded) => {
                let recorded = recorded.answer(&asked.id, group.id_numbers, page);
                let (status, json) = recorded.map_err(|finding| asked.reader.wrong(finding, ""))?;
                return asked.reader.meant(status, &HeaderMap::new(), json, None);
            }
            Way::Live { clock, .. } => (self.exchange(asked, group, period, page).await?, clock.now()),
        };
        let json = asked.reader.decode(&answer);
        if answer.status == 200 {
            return asked.reader.meant(200, &answer.headers, json?, Some(now));
        }
        asked.reader.refused(&answer, json.ok().as_ref(), now)
    }

    async fn exchange(
        &self,
        asked: &Asked,
        group: Group<'_>,
        period: QueryPeriod,
        page: &Page,
    ) -> Result<WebAnswer, SourceError> {
        let (Way::Live { clock, .. }, Some(access)) = (&self.way, &asked.access) else {
            return Err(asked.reader.wrong(Finding::Stopped, ""));
        };
        let call: WebCall = asked.call(group, period, page, self.envelope.as_ref(), clock.now(), self.place())?;
        access.call(call).await
    }

    fn asked(&self, dataset: &str) -> Result<&Asked, SourceError> {
        let unknown =
            || SourceError::Statement(Box::new(Trouble::found(Finding::Target, "no such dataset", self.place())));
        self.datasets.get(dataset).ok_or_else(unknown)
    }

    /// The columns a dataset's rows have.
    pub(super) fn columns(&self, dataset: &str) -> Result<Vec<String>, SourceError> {
        Ok(self.asked(dataset)?.reader.columns())
    }

    /// Succeeds when the service can be reached and lets us in.
    pub(super) async fn ping(&self) -> Result<(), SourceError> {
        self.client_reach().await?;
        self.login().await
    }

    /// Reaches the service as far as the end of TLS.
    pub(crate) async fn client_reach(&self) -> Result<(), SourceError> {
        match &self.way {
            Way::Live { client, .. } => client.reach().await,
            Way::Recorded(_) => Ok(()),
        }
    }

    /// Fetches every token and secret there is to fetch.
    pub(crate) async fn login(&self) -> Result<(), SourceError> {
        let used = self.datasets.values().filter_map(|asked| asked.access.as_ref());
        let accesses: Vec<&Arc<Access>> = match &self.way {
            // Where every dataset has an interface of its own, the one of the file is not used.
            Way::Live { accesses, .. } if self.datasets.is_empty() => accesses.iter().collect(),
            Way::Live { .. } => used.collect(),
            Way::Recorded(_) => Vec::new(),
        };
        for access in accesses {
            access.login().await?;
        }
        Ok(())
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &Whereabouts {
        match &self.way {
            Way::Live { client, .. } => client.place(),
            Way::Recorded(recorded) => recorded.place(),
        }
    }

    /// Whether the way to it is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        matches!(&self.way, Way::Live { client, .. } if client.is_encrypted())
    }

    /// Closes every connection.
    pub(super) fn close(&self) {
        if let Way::Live { client, .. } = &self.way {
            client.close();
        }
    }
}

impl Asked {
    fn new(
        dataset: &Dataset,
        ask: &HttpAsk,
        info: &HttpInfo,
        access: Option<Arc<Access>>,
        place: &Whereabouts,
    ) -> Self {
        Self {
            id: dataset.id.clone(),
            ask: ask.clone(),
            reader: Reader::new(&dataset.mapping, ask, info.encoding, place.clone()),
            access,
        }
    }
}

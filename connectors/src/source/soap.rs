//! A service that is asked and answers in XML, as a source: a few calls at a time, one person in each or several
//! where the service takes lists.

mod answer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};

use super::group::{Bounds, Group};
use super::trouble::{Finding, Trouble, Whereabouts};
use super::web::{Access, WebAnswer, WebCall, WebClient};
use super::{Found, OpenError, Question, SourceError};
use crate::clock::Clock;
use crate::connector::{Ask, Dataset, Filling, SoapAsk, SoapInfo, XmlValue};
use crate::native::Native;
use crate::protocol::QueryPeriod;
use crate::secret::Secret;
use answer::Reader;

/// A service that answers in XML.
#[derive(Debug)]
pub(crate) struct SoapSource {
    info: SoapInfo,
    datasets: BTreeMap<String, Asked>,
    way: Way,
}

/// A dataset: how it is asked for and read.
#[derive(Debug)]
struct Asked {
    ask: SoapAsk,
    reader: Reader,
}

/// Where answers come from.
#[derive(Debug)]
enum Way {
    /// From the service.
    Live { client: Arc<WebClient>, access: Box<Access>, clock: Clock },
    /// From a folder: `<identity number>.xml`, or `nobody.xml` for everybody else.
    Recorded { folder: std::path::PathBuf, place: Whereabouts },
}

impl SoapSource {
    /// Sets up a service, without connecting. `url` stands in for its address.
    pub(super) fn open(
        info: &SoapInfo,
        url: Option<&Secret>,
        folder: &Path,
        datasets: &[Dataset],
        clock: &Clock,
    ) -> Result<Self, OpenError> {
        let client = Arc::new(WebClient::open(&info.web, url, folder)?);
        let access = Box::new(Access::open(&info.web, None, &client, folder, clock)?);
        let place = client.place().clone();
        Ok(Self::with(info, datasets, &place, Way::Live { client, access, clock: clock.clone() }))
    }

    /// A service that answers what a folder holds, for golden tests.
    pub(super) fn recorded(info: &SoapInfo, folder: &Path, datasets: &[Dataset]) -> Self {
        let place = Whereabouts { host: folder.display().to_string(), ..Whereabouts::nowhere() };
        Self::with(info, datasets, &place.clone(), Way::Recorded { folder: folder.to_owned(), place })
    }

    fn with(info: &SoapInfo, datasets: &[Dataset], place: &Whereabouts, way: Way) -> Self {
        let asked = datasets.iter().filter_map(|dataset| {
            let Ask::Soap(ask) = &dataset.ask else { return None };
            let reader = Reader::new(&dataset.mapping, &ask.records, info, place);
            Some((dataset.id.clone(), Asked { ask: (**ask).clone(), reader }))
        });
        Self { info: info.clone(), datasets: asked.collect(), way }
    }

    /// Asks about everybody of a question, a few at a time.
    pub(super) async fn fetch(&self, dataset: &str, question: &Question<'_>) -> Result<Found, SourceError> {
        let asked = self.asked(dataset)?;
        let (size, columns) = (asked.ask.persons_per_call, asked.reader.columns());
        let ask = |group| self.group(asked, group, question.period);
        Bounds::of(&self.info.web, self.info.max_rows).gather(question, size, columns, self.place(), ask).await
    }

    /// Asks about the persons of one call, page by page.
    async fn group(
        &self,
        asked: &Asked,
        group: Group<'_>,
        period: QueryPeriod,
    ) -> Result<Vec<Vec<Native>>, SourceError> {
        let mut all: Vec<Vec<Native>> = Vec::new();
        let mut before: Option<Vec<Vec<Native>>> = None;
        for page in 0.. {
            let start = all.len();
            let answer = self.answer(asked, group, period, (page, start)).await?;
            let now = match &self.way {
                Way::Live { clock, .. } => Some(clock.now()),
                Way::Recorded { .. } => None,
            };
            let rows = asked.reader.rows(&answer, group.id_numbers, now)?;
            let Some(size) = asked.ask.page_size else { return Ok(rows) };
            if rows.len() > size {
                return Err(asked.reader.wrong(Finding::PageTwice, "more records than a page has"));
            }
            // A service that does not understand pages gives the first one again and again.
            if !rows.is_empty() && before.as_ref() == Some(&rows) {
                return Err(asked.reader.wrong(Finding::PageTwice, ""));
            }
            let last = rows.len() < size;
            all.extend(rows.iter().cloned());
            if all.len() > self.info.max_rows {
                return Err(SourceError::TooManyRows(self.info.max_rows));
            }
            if last {
                break;
            }
            before = Some(rows);
        }
        Ok(all)
    }

    /// Makes one call. Where the working secret has run out, it is fetched anew and the call made once more.
    async fn answer(
        &self,
        asked: &Asked,
        group: Group<'_>,
        period: QueryPeriod,
        page: (usize, usize),
    ) -> Result<WebAnswer, SourceError> {
        let (client, access) = match &self.way {
            Way::Live { client, access, .. } => (client, access),
            Way::Recorded { folder, .. } => return recorded(folder, group.id_numbers, &asked.reader),
        };
        // What is signed is who asks, what and when: the body has the signature in it.
        let (method, path) = (Method::POST, asked.ask.path.clone());
        let bare = WebCall { method, path, query: String::new(), headers: Vec::new(), body: Bytes::new() };
        let mut again = true;
        loop {
            let Some((signature, attempt)) = access.signature(&bare).await? else {
                return access.call(self.call(asked, group, period, page, &[])?).await;
            };
            let header = [
                (XmlValue::Requester, signature.requester),
                (XmlValue::Service, signature.service),
                (XmlValue::Time, signature.time),
                (XmlValue::Sign, signature.sign),
            ];
            let answer = client.call(self.call(asked, group, period, page, &header)?).await?;
            let run_out = answer.status == 401 || asked.reader.says_run_out(&answer);
            if !(run_out && std::mem::take(&mut again) && access.refused(&attempt)) {
                return Ok(answer);
            }
        }
    }

    fn call(
        &self,
        asked: &Asked,
        group: Group<'_>,
        period: QueryPeriod,
        (page, start): (usize, usize),
        header: &[(XmlValue, String)],
    ) -> Result<WebCall, SourceError> {
        let unusable = || asked.reader.wrong(Finding::Target, "a value that XML cannot carry");
        let person = |value: &XmlValue, place: usize| {
            let of = |list: &[&str]| list.get(place).copied().unwrap_or_default().to_owned();
            match value {
                XmlValue::IdNumber => of(group.id_numbers),
                XmlValue::Name => of(group.names),
                XmlValue::Start => start.to_string(),
                XmlValue::Page => (page + 1).to_string(),
                XmlValue::Limit => asked.ask.page_size.unwrap_or_default().to_string(),
                XmlValue::Day(name) => {
                    asked.ask.parameters.get(name).map(|parameter| parameter.written(period)).unwrap_or_default()
                }
                of => header.iter().find(|(known, _)| known == of).map(|(_, text)| text.clone()).unwrap_or_default(),
            }
        };
        let persons: Option<String> = match &asked.ask.person {
            None => Some(String::new()),
            Some(template) => (0..group.id_numbers.len())
                .map(|place| template.filled(|value| Filling::Text(person(value, place))))
                .collect(),
        };
        let persons = persons.ok_or_else(unusable)?;
        let message = asked.ask.envelope.filled(|value| match value {
            XmlValue::Persons => Filling::Xml(persons.clone()),
            value => Filling::Text(person(value, 0)),
        });
        let message = message.ok_or_else(unusable)?;
        let encoding = self.info.encoding;
        let body = encoding.encode(&format!("<?xml version=\"1.0\" encoding=\"{}\"?>\n{message}", encoding.name()));
        let action = &asked.ask.action;
        let header = |text: String| HeaderValue::from_str(&text).map_err(|_| unusable());
        let mut headers = Vec::new();
        if self.info.is_12 {
            let action = if action.is_empty() { String::new() } else { format!("; action=\"{action}\"") };
            headers.push((CONTENT_TYPE, header(format!("application/soap+xml; charset={}{action}", encoding.name()))?));
        } else {
            headers.push((CONTENT_TYPE, header(format!("text/xml; charset={}", encoding.name()))?));
            headers.push((HeaderName::from_static("soapaction"), header(format!("\"{action}\""))?));
        }
        headers.push((ACCEPT, HeaderValue::from_static("text/xml, application/soap+xml, application/xml")));
        Ok(WebCall {
            method: Method::POST,
            path: asked.ask.path.clone(),
            query: String::new(),
            headers,
            body: body.into(),
        })
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
        self.reach().await?;
        self.login().await
    }

    /// Reaches the service as far as the end of TLS.
    pub(crate) async fn reach(&self) -> Result<(), SourceError> {
        match &self.way {
            Way::Live { client, .. } => client.reach().await,
            Way::Recorded { .. } => Ok(()),
        }
    }

    /// Fetches every secret there is to fetch.
    pub(crate) async fn login(&self) -> Result<(), SourceError> {
        match &self.way {
            Way::Live { access, .. } => access.login().await,
            Way::Recorded { .. } => Ok(()),
        }
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &Whereabouts {
        match &self.way {
            Way::Live { client, .. } => client.place(),
            Way::Recorded { place, .. } => place,
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

/// The answer that a folder holds for these persons.
fn recorded(folder: &Path, id_numbers: &[&str], reader: &Reader) -> Result<WebAnswer, SourceError> {
    let of = |name: &str| std::fs::read(folder.join(format!("{name}.xml")));
    let name = id_numbers.first().copied().unwrap_or_default();
    let body = of(name).or_else(|_| of("nobody"));
    let body = body.map_err(|error| reader.wrong(Finding::Blank, &format!("{}: {error}", folder.display())))?;
    Ok(WebAnswer { status: 200, headers: hyper::HeaderMap::new(), body })
}

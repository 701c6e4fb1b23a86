//! HTTPS to one resource: TLS to one authority, no redirects, no proxies, bounded answers.
//!
//! A pool of hyper connections of our own: asking departments is the hot path, where a general-purpose client
//! costs a third more CPU for each department asked (`docs/decisions/0004`). A question drives its connection
//! itself, so asking wakes no second task.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::connect::{Connect, Guarded, Wire};
use super::pin::{KeyPin, Pinned};
use super::{Egress, EgressError, Endpoint, Host};

/// Unused connections kept open to one resource.
const KEPT_CONNECTIONS: usize = 64;
/// How long an unused connection is kept.
const KEPT_FOR: Duration = Duration::from_mins(1);

/// Why an address or certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not an address, or one that may not be connected to.
    #[error("endpoint: {0}")]
    Endpoint(#[from] EgressError),
    /// Certificates that cannot be read.
    #[error("the certificates for `{endpoint}` cannot be used: {problem}")]
    Certificates {
        /// The address.
        endpoint: String,
        /// Why.
        problem: String,
    },
}

/// What a [`Client`] is made from.
pub struct ClientOptions<'a> {
    /// Where the resource is.
    pub endpoint: Endpoint,
    /// Its path, from the first slash on.
    pub path: &'a str,
    /// The type of what is sent.
    pub content_type: &'static str,
    /// The authority of the other side's certificate, PEM.
    pub ca: &'a str,
    /// The hub's own certificate chain and key, PEM; none where the other side asks for none.
    pub identity: Option<&'a str>,
    /// The keys that the other side may have; any that its authority vouches for when there are none.
    pub pins: &'a [KeyPin],
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Largest answer, in bytes.
    pub max_answer: usize,
    /// What may be connected to.
    pub egress: &'a Egress,
}

/// Asks one resource, over a pool of connections.
pub struct Client {
    way: Box<dyn Connect>,
    path: Uri,
    content_type: HeaderValue,
    authority: HeaderValue,
    connect_timeout: Duration,
    max_answer: usize,
    unused: Mutex<Vec<Connection>>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// How long its steps took.
    pub times: Times,
    headers: HeaderMap,
}

/// A field of a request's head.
#[derive(Debug, Clone)]
pub struct Field(HeaderName, HeaderValue);

impl Field {
    /// A field of this name, in lower case; none where the value cannot stand in a head.
    pub fn new(name: &'static str, value: String) -> Option<Self> {
        Some(Self(HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))
    }

    /// Its value, where it has this name.
    #[cfg(test)]
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.1.to_str().ok().filter(|_| self.0.as_str() == name)
    }
}

/// How long the steps of an exchange took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Connecting; absent where a connection was kept.
    pub connect: Option<Duration>,
    /// From sending to the head of the answer.
    pub first_byte: Duration,
    /// Reading the body.
    pub read: Duration,
}

/// Why nothing came back that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No connection, or one that ended or broke before the answer did.
    #[error("there is no connection, or it ended before the answer did")]
    Unavailable,
    /// The answer is longer than it may be.
    #[error("the answer is longer than it may be")]
    TooLong,
}

type Driver = http1::Connection<TokioIo<Box<dyn Wire>>, Full<Bytes>>;

/// One connection, and what moves its bytes.
struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Pin<Box<Driver>>,
    used_at: Instant,
}

/// A question on its way over a kept connection. Where nobody waits for it to the end, what hangs may be the connection,
/// and then all that were kept with it: those that have brought nothing since are given up.
struct Doubt<'a> {
    client: &'a Client,
    since: Instant,
    is_cleared: bool,
}

impl Doubt<'_> {
    fn clear(mut self) {
        self.is_cleared = true;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if !self.is_cleared {
            let mut unused = self.client.unused.lock().unwrap_or_else(PoisonError::into_inner);
            unused.retain(|connection| connection.used_at >= self.since);
        }
    }
}

/// Why a connection brought no answer.
enum Failure {
    /// It ended before a byte of an answer came; the question may be asked again on a fresh one.
    Ended,
    /// The answer is no use.
    Refused(AskError),
}

impl Answer {
    /// The type of the body, as it was told.
    pub fn content_type(&self) -> Option<&str> {
        self.field(CONTENT_TYPE.as_str())
    }

    /// A field of the head; none where it is absent, stands twice, or is not text.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let one = values.next()?;
        if values.next().is_some() { None } else { one.to_str().ok() }
    }
}

impl Client {
    /// A client that trusts only the given authority and presents the given certificate.
    pub fn new(options: ClientOptions<'_>) -> Result<Self, ClientError> {
        let endpoint = options.endpoint;
        options.egress.check_endpoint(&endpoint)?;
        let unusable = |problem| ClientError::Certificates { endpoint: endpoint.authority().to_owned(), problem };
        let told = |error: &dyn std::fmt::Display| unusable(error.to_string());
        let server = match endpoint.host() {
            Host::Address(ip) => ServerName::from(*ip),
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| told(&error))?,
        };
        let tls = tls(options.ca, options.identity, options.pins).map_err(unusable)?;
        let authority = HeaderValue::from_str(endpoint.authority()).map_err(|error| told(&error))?;
        let path = options.path.parse().map_err(|error| told(&error))?;
        let tls = TlsConnector::from(Arc::new(tls));
        Ok(Self {
            way: Box::new(Guarded { egress: options.egress.clone(), endpoint, server, tls }),
            path,
            content_type: HeaderValue::from_static(options.content_type),
            authority,
            connect_timeout: options.connect_timeout,
            max_answer: options.max_answer,
            unused: Mutex::default(),
        })
    }

    /// The same over a network that is not of this world.
    #[cfg(test)]
    pub(crate) fn simulated(way: Box<dyn Connect>, path: &'static str, connect_timeout: Duration) -> Self {
        Self {
            way,
            path: Uri::from_static(path),
            content_type: HeaderValue::from_static("application/json"),
            authority: HeaderValue::from_static("simulated"),
            connect_timeout,
            max_answer: 1024 * 1024,
            unused: Mutex::default(),
        }
    }

    /// Posts a body and reads the answer, at most `max_answer` bytes of it. The caller sets the deadline.
    pub async fn post(&self, body: impl Into<Bytes>) -> Result<Answer, AskError> {
        self.post_with(body.into(), &[]).await
    }

    /// The same, with further fields in the head.
    pub async fn post_with(&self, body: Bytes, fields: &[Field]) -> Result<Answer, AskError> {
        self.post_over(body, fields, None).await
    }

    /// Posts a second time what was posted at `first_at` and has brought nothing yet. It goes over a connection that
    /// has brought an answer since, or over a new one: what keeps the first from its answer may be that all
    /// connections of that time lead nowhere.
    pub async fn post_again(&self, body: Bytes, fields: &[Field], first_at: Instant) -> Result<Answer, AskError> {
        self.post_over(body, fields, Some(first_at)).await
    }

    async fn post_over(&self, body: Bytes, fields: &[Field], alive_since: Option<Instant>) -> Result<Answer, AskError> {
        // A kept connection may be closed by the other side just now; then a fresh one is asked, once.
        if let Some(mut connection) = self.kept(alive_since).await {
            let doubt = Doubt { client: self, since: Instant::now(), is_cleared: false };
            let asked = connection.ask(self.request(body.clone(), fields), self.max_answer).await;
            doubt.clear();
            match asked {
                Ok((answer, reusable)) => return Ok(self.done(connection, answer, reusable)),
                Err(Failure::Refused(reason)) => return Err(reason),
                Err(Failure::Ended) => {}
            }
        }
        let begun = Instant::now();
        let mut connection = self.connect().await.ok_or(AskError::Unavailable)?;
        let connect = Some(begun.elapsed());
        match connection.ask(self.request(body, fields), self.max_answer).await {
            Ok((mut answer, reusable)) => {
                answer.times.connect = connect;
                Ok(self.done(connection, answer, reusable))
            }
            Err(Failure::Refused(reason)) => Err(reason),
            Err(Failure::Ended) => Err(AskError::Unavailable),
        }
    }

    fn request(&self, body: Bytes, fields: &[Field]) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.authority.clone());
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        headers.extend(fields.iter().map(|Field(name, value)| (name.clone(), value.clone())));
        request
    }

    fn done(&self, mut connection: Connection, answer: Answer, reusable: bool) -> Answer {
        if reusable {
            connection.used_at = Instant::now();
            let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
            if unused.len() < KEPT_CONNECTIONS {
                unused.push(connection);
            }
        }
        answer
    }

    /// A kept connection that is still open: the one used last, so that those not needed grow old.
    async fn kept(&self, alive_since: Option<Instant>) -> Option<Connection> {
        loop {
            let mut connection = {
                let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
                // The one used longest ago is at the bottom, and it alone tells whether there is any to let go: one look at
                // the clock for each of them is one too many for each question.
                if unused.first().is_some_and(|oldest| oldest.used_at.elapsed() >= KEPT_FOR) {
                    unused.retain(|connection| connection.used_at.elapsed() < KEPT_FOR);
                }
                // The one used last is on top: where it has not shown since that it is alive, none has.
                let is_alive = unused.last().is_some_and(|last| alive_since.is_none_or(|since| last.used_at >= since));
                if is_alive { unused.pop()? } else { return None }
            };
            if connection.is_open().await {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Option<Connection> {
        let connected = async {
            let wire = self.way.connect().await?;
            // Head and body in one TLS record.
            http1::Builder::new().writev(false).handshake(TokioIo::new(wire)).await.ok()
        };
        let (sender, driver) = timeout(self.connect_timeout, connected).await.ok()??;
        Some(Connection { sender, driver: Box::pin(driver), used_at: Instant::now() })
    }
}

impl Connection {
    /// Looks once whether the other side has closed the connection since its last answer.
    async fn is_open(&mut self) -> bool {
        poll_fn(|context| Poll::Ready(self.driver.as_mut().poll(context).is_pending())).await
    }

    /// Asks, and says besides whether the connection may carry another question.
    async fn ask(&mut self, request: Request<Full<Bytes>>, max_answer: usize) -> Result<(Answer, bool), Failure> {
        let (driver, sender) = (&mut self.driver, &mut self.sender);
        let mut ended = false;
        let sent_at = Instant::now();
        let response = drive(driver, &mut ended, sender.send_request(request)).await.map_err(|error| {
            let is_gone = error.is_incomplete_message() || error.is_canceled() || error.is_closed();
            if is_gone { Failure::Ended } else { Failure::Refused(AskError::Unavailable) }
        })?;
        let headed_at = Instant::now();
        let (head, mut frames) = response.into_parts();
        let mut body = Vec::with_capacity(2048);
        while let Some(frame) = drive(driver, &mut ended, frames.frame()).await {
            let frame = frame.map_err(|_| Failure::Refused(AskError::Unavailable))?;
            let Ok(chunk) = frame.into_data() else { continue };
            if body.len() + chunk.len() > max_answer {
                return Err(Failure::Refused(AskError::TooLong));
            }
            body.extend_from_slice(&chunk);
        }
        // Once more, so that the connection sees the end of the answer and is ready for another question.
        ended = ended || poll_fn(|context| Poll::Ready(driver.as_mut().poll(context).is_ready())).await;
        let times = Times { connect: None, first_byte: headed_at - sent_at, read: headed_at.elapsed() };
        let answer = Answer { status: head.status.as_u16(), body, times, headers: head.headers };
        Ok((answer, !ended && sender.is_ready()))
    }
}

/// Runs a part of an exchange while moving the connection's bytes. Once the connection has ended it is not polled again.
async fn drive<F: Future>(driver: &mut Pin<Box<Driver>>, ended: &mut bool, part: F) -> F::Output {
    let mut part = pin!(part);
    poll_fn(|context| {
        if let Poll::Ready(output) = part.as_mut().poll(context) {
            return Poll::Ready(output);
        }
        if *ended {
            return Poll::Pending;
        }
        *ended = driver.as_mut().poll(context).is_ready();
        part.as_mut().poll(context)
    })
    .await
}

/// TLS towards one authority and no other, and to pinned keys alone where there are some, with the hub's certificate where
/// there is one.
pub(super) fn tls(ca: &str, identity: Option<&str>, pins: &[KeyPin]) -> Result<rustls::ClientConfig, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
        roots.add(certificate.map_err(|error| told(&error))?).map_err(|error| told(&error))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| told(&error))?;
    let builder = if pins.is_empty() {
        builder.with_root_certificates(roots)
    } else {
        let pinned = Pinned::new(roots, provider, pins.to_vec())?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(pinned))
    };
    let Some(identity) = identity else { return Ok(builder.with_no_client_auth()) };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(identity.as_bytes()).collect::<Result<_, _>>().map_err(|error| told(&error))?;
    let key = PrivateKeyDer::from_pem_slice(identity.as_bytes()).map_err(|error| told(&error))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| told(&error))
}

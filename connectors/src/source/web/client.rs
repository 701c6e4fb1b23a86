//! Calls to one service, over a few connections that are kept.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use hyper::{Method, Request, Uri};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use url::Url;

use super::super::trouble::{Finding, Rung, Trouble, Whereabouts};
use super::super::{OpenError, SourceError};
use super::connection::{Broken, Connection, Exchange, Stream};
use super::tls;
use crate::connector::{UrlPlace, WebInfo, service_url};
use crate::secret::Secret;

/// How long an unused connection is kept.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// A service, and the connections to it.
pub(crate) struct WebClient {
    place: Whereabouts,
    address: Url,
    authority: HeaderValue,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    connect_timeout: Duration,
    timeout: Duration,
    max_answer: usize,
    kept: usize,
    turns: Arc<Semaphore>,
    unused: Mutex<Vec<Connection>>,
}

/// One call. No `Debug`: its body names a person.
#[derive(Clone)]
pub(crate) struct WebCall {
    /// The method.
    pub(crate) method: Method,
    /// The path below the service's address, beginning with a slash.
    pub(crate) path: String,
    /// The query, percent-encoded, without the question mark; blank for none.
    pub(crate) query: String,
    /// Headers besides `Host` and those of access.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub(crate) body: Bytes,
}

/// What came back: any status, the whole body.
pub(crate) struct WebAnswer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body, as it came.
    pub(crate) body: Vec<u8>,
}

impl WebAnswer {
    /// After how many seconds the service may be asked again, where it says so in seconds.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
    }
}

impl std::fmt::Debug for WebClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("WebClient").field("place", &self.place).finish_non_exhaustive()
    }
}

impl WebClient {
    /// A client of the service that a connector names, without connecting. `url` stands in for the address;
    /// relative paths start at `folder`.
    pub(crate) fn open(info: &WebInfo, url: Option<&Secret>, folder: &Path) -> Result<Self, OpenError> {
        let kept = |secret: &Secret| service_url(secret.reveal()).ok_or(OpenError::Address);
        let address = match (url, &info.url) {
            (Some(url), _) => kept(url)?,
            (None, UrlPlace::Address(url)) => url.clone(),
            (None, UrlPlace::Kept(place)) => kept(&place.read(folder)?)?,
        };
        let turns = Arc::new(Semaphore::new(info.max_connections as usize));
        Self::at(address, info, Arc::new(tls::config(&info.tls, folder)?), turns)
    }

    /// A client of another address, with the same protection, bounds and turns.
    pub(crate) fn elsewhere(&self, address: Url, info: &WebInfo, folder: &Path) -> Result<Self, OpenError> {
        Self::at(address, info, Arc::new(tls::config(&info.tls, folder)?), Arc::clone(&self.turns))
    }

    fn at(address: Url, info: &WebInfo, config: Arc<ClientConfig>, turns: Arc<Semaphore>) -> Result<Self, OpenError> {
        // An address of IPv6 stands in brackets in a URL only.
        let host = address.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = address.port_or_known_default().unwrap_or(443);
        let tls = match address.scheme() {
            "https" => {
                let name = ServerName::try_from(host.clone()).map_err(|_| OpenError::Address)?;
                Some((TlsConnector::from(config), name))
            }
            _ if info.plain_loopback && is_loopback(&host) => None,
            _ => return Err(OpenError::Plain),
        };
        let authority = match address.port() {
            Some(port) => format!("{}:{port}", address.host_str().unwrap_or_default()),
            None => address.host_str().unwrap_or_default().to_owned(),
        };
        let authority = HeaderValue::from_str(&authority).map_err(|_| OpenError::Address)?;
        let (user, database) = (String::new(), address.path().to_owned());
        let place = Whereabouts { driver: None, host, port, user, account: None, database };
        Ok(Self {
            place,
            address,
            authority,
            tls,
            connect_timeout: info.connect_timeout,
            timeout: info.timeout,
            max_answer: info.max_answer,
            kept: info.max_connections as usize,
            turns,
            unused: Mutex::default(),
        })
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &Whereabouts {
        &self.place
    }

    /// Whether the way to it is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// The path of a call as it is sent: below the path of the service's address.
    pub(crate) fn path_of(&self, path: &str) -> String {
        format!("{}{path}", self.address.path().trim_end_matches('/'))
    }

    /// Makes a call when it is its turn. An answer of any status is an answer.
    pub(crate) async fn call(&self, call: WebCall) -> Result<WebAnswer, SourceError> {
        let _turn = self.turns.acquire().await.map_err(|_| self.found(Finding::Stopped))?;
        match timeout(self.timeout, self.asked(call)).await {
            Ok(answer) => answer,
            Err(_) => Err(SourceError::TimedOut(Box::new(Trouble::found(Finding::Late, "", &self.place)))),
        }
    }

    async fn asked(&self, call: WebCall) -> Result<WebAnswer, SourceError> {
        let request = self.request(&call)?;
        // A kept connection may be closed by the other side just now; then a fresh one is asked, once.
        if let Some(mut connection) = self.kept().await {
            match connection.ask(request.clone(), self.max_answer).await {
                Err(Broken::Ended(_)) => {}
                answered => return self.done(connection, answered),
            }
        }
        let mut connection = self.connect().await?;
        let answered = connection.ask(request, self.max_answer).await;
        self.done(connection, answered)
    }

    fn request(&self, call: &WebCall) -> Result<Request<Full<Bytes>>, SourceError> {
        let mut target = self.path_of(&call.path);
        if !call.query.is_empty() {
            target.push('?');
            target.push_str(&call.query);
        }
        let target: Uri = target.parse().map_err(|_| self.found(Finding::Target))?;
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = target;
        let headers = request.headers_mut();
        headers.insert(HOST, self.authority.clone());
        headers.insert(USER_AGENT, HeaderValue::from_static("hedui-adapter"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        for (name, value) in &call.headers {
            headers.insert(name.clone(), value.clone());
        }
        Ok(request)
    }

    fn done(&self, mut connection: Connection, answered: Result<Exchange, Broken>) -> Result<WebAnswer, SourceError> {
        let exchange = match answered {
            Ok(exchange) => exchange,
            Err(Broken::TooLong) => {
                let words = format!("max_answer = {}", self.max_answer);
                return Err(SourceError::Answer(Box::new(Trouble::found(Finding::TooLong, &words, &self.place))));
            }
            Err(Broken::Ended(error) | Broken::Failed(error)) => return Err(self.broken(&error)),
        };
        if exchange.is_reusable {
            connection.used_at = Instant::now();
            let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
            if unused.len() < self.kept {
                unused.push(connection);
            }
        }
        let Exchange { status, headers, body, .. } = exchange;
        let packed =
            headers.get(CONTENT_ENCODING).filter(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
        if let Some(encoding) = packed {
            let words = encoding.to_str().unwrap_or_default().to_owned();
            return Err(SourceError::Answer(Box::new(Trouble::found(Finding::Compressed, &words, &self.place))));
        }
        Ok(WebAnswer { status, headers, body })
    }

    /// A kept connection that is still open: the one used last, so that those not needed grow old.
    async fn kept(&self) -> Option<Connection> {
        loop {
            let mut connection = {
                let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
                unused.retain(|connection| connection.used_at.elapsed() < KEPT_FOR);
                unused.pop()?
            };
            if connection.is_open().await {
                return Some(connection);
            }
        }
    }

    /// Connects, as far as the end of TLS.
    async fn connect(&self) -> Result<Connection, SourceError> {
        let unreached =
            |rung, error: &std::io::Error| SourceError::Unavailable(Box::new(Trouble::of_io(error, rung, &self.place)));
        let opened = async {
            let tcp = self.tcp().await?;
            let stream: Box<dyn Stream> = match &self.tls {
                None => Box::new(tcp),
                Some((connector, name)) => {
                    let tls = connector.connect(name.clone(), tcp).await;
                    Box::new(tls.map_err(|error| unreached(Rung::Tls, &error))?)
                }
            };
            Connection::open(stream).await.map_err(|error| self.broken(&error))
        };
        let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
        timeout(self.connect_timeout, opened).await.unwrap_or_else(|_| Err(unreached(Rung::Tcp, &late)))
    }

    #[expect(clippy::disallowed_methods, reason = "the adapter stands beside the source and reaches it by itself")]
    async fn tcp(&self) -> Result<TcpStream, SourceError> {
        let Whereabouts { host, port, .. } = &self.place;
        let tcp = TcpStream::connect((host.as_str(), *port)).await.and_then(|tcp| {
            // Whoever names this machine must mean this machine.
            let outside = self.tls.is_none() && !tcp.peer_addr()?.ip().is_loopback();
            if outside { Err(std::io::ErrorKind::PermissionDenied.into()) } else { Ok(tcp) }
        });
        let tcp =
            tcp.map_err(|error| SourceError::Unavailable(Box::new(Trouble::of_io(&error, Rung::Tcp, &self.place))))?;
        // Without it a small question waits for an acknowledgement; with it failing, it only waits.
        drop(tcp.set_nodelay(true));
        Ok(tcp)
    }

    /// Reaches the service as far as the end of TLS, asking nothing.
    pub(crate) async fn reach(&self) -> Result<(), SourceError> {
        self.connect().await.map(drop)
    }

    /// The error behind one of HTTP: of TLS or the network where it is one, as a refused certificate is told by
    /// the first bytes that are read.
    fn broken(&self, error: &hyper::Error) -> SourceError {
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            if let Some(io) = inner.downcast_ref::<std::io::Error>() {
                return SourceError::Unavailable(Box::new(Trouble::of_io(io, Rung::Tls, &self.place)));
            }
            cause = inner.source();
        }
        let finding = if error.is_parse() { Finding::NotHttp } else { Finding::Ended };
        SourceError::Unavailable(Box::new(Trouble::found(finding, &error.to_string(), &self.place)))
    }

    fn found(&self, finding: Finding) -> SourceError {
        SourceError::Unavailable(Box::new(Trouble::found(finding, "", &self.place)))
    }

    /// Takes no further call, and closes what is not in use.
    pub(crate) fn close(&self) {
        self.turns.close();
        self.unused.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

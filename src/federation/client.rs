//! HTTP to an adapter: mutual TLS, no redirects, no proxies, bounded answers.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Certificate, Identity, StatusCode, redirect};

use crate::domain::outcome::GapReason;

/// Why an adapter's address or certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not an https address.
    #[error("`{0}` is not an address of an adapter: https://host[:port]")]
    Endpoint(String),
    /// Certificates that cannot be read.
    #[error("the certificates for `{endpoint}` cannot be used: {source}")]
    Certificates {
        /// The adapter's address.
        endpoint: String,
        /// Why.
        source: reqwest::Error,
    },
}

/// What an [`AdapterClient`] is made from.
pub struct ClientOptions<'a> {
    /// The adapter's address, `https://host[:port]`.
    pub endpoint: &'a str,
    /// The authority of the adapter's certificate, PEM.
    pub ca: &'a str,
    /// The hub's own certificate chain and key, PEM.
    pub identity: &'a str,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Largest answer, in bytes.
    pub max_answer: usize,
}

/// A connection pool to one adapter.
pub struct AdapterClient {
    http: reqwest::Client,
    facts: reqwest::Url,
    max_answer: usize,
}

impl AdapterClient {
    /// A client that trusts only the given authority and presents the hub's certificate.
    pub fn new(options: &ClientOptions<'_>) -> Result<Self, ClientError> {
        let refused = || ClientError::Endpoint(options.endpoint.to_owned());
        let base = reqwest::Url::parse(options.endpoint).map_err(|_| refused())?;
        let plain = base.username().is_empty() && base.password().is_none() && base.query().is_none();
        if base.scheme() != "https" || !plain || base.path() != "/" {
            return Err(refused());
        }
        let facts = base.join("/v1/facts:query").map_err(|_| refused())?;
        let certificates = |source| ClientError::Certificates { endpoint: options.endpoint.to_owned(), source };
        let http = reqwest::Client::builder()
            .tls_certs_only(Certificate::from_pem_bundle(options.ca.as_bytes()).map_err(certificates)?)
            .identity(Identity::from_pem(options.identity.as_bytes()).map_err(certificates)?)
            .https_only(true)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(Duration::from_mins(1))
            .pool_max_idle_per_host(64)
            .tcp_nodelay(true)
            // One exchange at a time on a connection: measured cheaper than multiplexing for answers this small.
            .http1_only()
            .build()
            .map_err(certificates)?;
        Ok(Self { http, facts, max_answer: options.max_answer })
    }

    /// Sends a query and reads the answer, at most `max_answer` bytes of it. The caller sets the deadline.
    pub async fn query(&self, body: Vec<u8>) -> Result<Vec<u8>, GapReason> {
        let request = self
            .http
            .post(self.facts.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        let mut response = request.send().await.map_err(|error| reason(&error))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::TOO_MANY_REQUESTS => return Err(GapReason::QuotaExceeded),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(GapReason::NotAuthorised),
            StatusCode::GATEWAY_TIMEOUT => return Err(GapReason::Timeout),
            _ => return Err(GapReason::Unavailable),
        }
        let mut answer = Vec::with_capacity(2048);
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
            if answer.len() + chunk.len() > self.max_answer {
                return Err(GapReason::Malformed);
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

fn reason(error: &reqwest::Error) -> GapReason {
    if error.is_timeout() { GapReason::Timeout } else { GapReason::Unavailable }
}

//! HTTP to an adapter: mutual TLS, no redirects, no proxies, bounded answers.
//!
//! A hyper client with its own pool: this is the hot path, where the general-purpose client costs a
//! third more CPU for each department asked (`docs/decisions/0004`).

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::domain::outcome::GapReason;

/// Connections kept open to one adapter.
const KEPT_CONNECTIONS: usize = 64;
/// How long an unused connection is kept.
const KEPT_FOR: Duration = Duration::from_mins(1);

/// Why an adapter's address or certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not an https address.
    #[error("`{0}` is not an address of an adapter: https://host[:port]")]
    Endpoint(String),
    /// Certificates that cannot be read.
    #[error("the certificates for `{endpoint}` cannot be used: {problem}")]
    Certificates {
        /// The adapter's address.
        endpoint: String,
        /// Why.
        problem: String,
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
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    facts: Uri,
    max_answer: usize,
}

impl AdapterClient {
    /// A client that trusts only the given authority and presents the hub's certificate.
    pub fn new(options: &ClientOptions<'_>) -> Result<Self, ClientError> {
        let refused = || ClientError::Endpoint(options.endpoint.to_owned());
        let base: Uri = options.endpoint.parse().map_err(|_| refused())?;
        let authority = base.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(refused)?;
        if base.scheme_str() != Some("https") || !matches!(base.path(), "" | "/") || base.query().is_some() {
            return Err(refused());
        }
        let facts = format!("https://{authority}/v1/facts:query").parse().map_err(|_| refused())?;
        let tls = tls(options)
            .map_err(|problem| ClientError::Certificates { endpoint: options.endpoint.to_owned(), problem })?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(options.connect_timeout));
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().wrap_connector(tcp);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEPT_FOR)
            .pool_max_idle_per_host(KEPT_CONNECTIONS)
            // Head and body in one TLS record.
            .http1_writev(false)
            .build(connector);
        Ok(Self { http, facts, max_answer: options.max_answer })
    }

    /// Sends a query and reads the answer, at most `max_answer` bytes of it. The caller sets the deadline.
    pub async fn query(&self, body: Vec<u8>) -> Result<Vec<u8>, GapReason> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.facts.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let response = self.http.request(request).await.map_err(|_| GapReason::Unavailable)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::TOO_MANY_REQUESTS => return Err(GapReason::QuotaExceeded),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(GapReason::NotAuthorised),
            StatusCode::GATEWAY_TIMEOUT => return Err(GapReason::Timeout),
            _ => return Err(GapReason::Unavailable),
        }
        let mut body = response.into_body();
        let mut answer = Vec::with_capacity(2048);
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame.map_err(|_| GapReason::Unavailable)?.into_data() else { continue };
            if answer.len() + chunk.len() > self.max_answer {
                return Err(GapReason::Malformed);
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

/// TLS towards one adapter: its authority and no other, the hub's certificate.
fn tls(options: &ClientOptions<'_>) -> Result<rustls::ClientConfig, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(options.ca.as_bytes()) {
        roots.add(certificate.map_err(|error| told(&error))?).map_err(|error| told(&error))?;
    }
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(options.identity.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| told(&error))?;
    let key = PrivateKeyDer::from_pem_slice(options.identity.as_bytes()).map_err(|error| told(&error))?;
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| told(&error))?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|error| told(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_https_address_is_an_endpoint() {
        for bad in [
            "",
            "127.0.0.1:9101",
            "http://127.0.0.1:9101",
            "file:///etc/passwd",
            "https://user:secret@127.0.0.1",
            "https://127.0.0.1/path",
            "https://127.0.0.1/?query",
            "https://127.0.0.1\r\nx: y",
        ] {
            let options =
                ClientOptions { endpoint: bad, ca: "", identity: "", connect_timeout: KEPT_FOR, max_answer: 1 };
            assert!(matches!(AdapterClient::new(&options), Err(ClientError::Endpoint(_))), "{bad}");
        }
    }
}

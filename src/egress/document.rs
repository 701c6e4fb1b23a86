//! One document at an https address, read through the guard: bounded in size and time, no redirects, no proxies.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::client::tls;
use super::pin::KeyPin;
use super::{Egress, EgressError, Endpoint, Host};

/// How long reading a document may take, from name to last byte.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The guard.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The authority or the server's name.
    #[error("the server's certificate cannot be checked: {0}")]
    Tls(String),
    /// The exchange broke off.
    #[error("the document cannot be read: {0}")]
    Exchange(String),
    /// Not a success.
    #[error("the address answers {0}")]
    Status(u16),
    /// It took too long.
    #[error("the document did not arrive within {} s", PATIENCE.as_secs())]
    Late,
}

/// A document that is read again and again.
pub struct Document {
    egress: Egress,
    endpoint: Endpoint,
    path: String,
    server: ServerName<'static>,
    tls: TlsConnector,
    max: usize,
}

impl Document {
    /// The document at `https://host[:port]/path`, whose server's certificate is of the authority `ca` (PEM), and that
    /// has at most `max` bytes.
    pub fn new(egress: &Egress, url: &str, ca: &str, max: usize) -> Result<Self, DocumentError> {
        Self::mutual(egress, url, ca, None, &[], max)
    }

    /// The same of a server that asks who reads: with the hub's certificate chain and key, PEM. With pins, the server's key
    /// must be one of them.
    pub fn mutual(
        egress: &Egress,
        url: &str,
        ca: &str,
        identity: Option<&str>,
        pins: &[KeyPin],
        max: usize,
    ) -> Result<Self, DocumentError> {
        let start = url.strip_prefix("https://").map_or(0, |_| "https://".len());
        let rest = url.get(start..).unwrap_or_default();
        let split = rest.find('/').map_or(url.len(), |slash| start + slash);
        let (base, path) = url.split_at_checked(split).unwrap_or((url, ""));
        let endpoint = Endpoint::parse(base)?;
        egress.check_endpoint(&endpoint)?;
        let told = |error: &dyn std::fmt::Display| DocumentError::Tls(error.to_string());
        let tls = tls(ca, identity, pins).map_err(DocumentError::Tls)?;
        let server = match endpoint.host() {
            Host::Address(ip) => ServerName::from(*ip),
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| told(&error))?,
        };
        Ok(Self {
            egress: egress.clone(),
            server,
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            tls: TlsConnector::from(Arc::new(tls)),
            endpoint,
            max,
        })
    }

    /// Reads it.
    pub async fn read(&self) -> Result<Vec<u8>, DocumentError> {
        Ok(self.read_with_pin().await?.0)
    }

    /// Reads it, and says besides which key the server proved.
    pub async fn read_with_pin(&self) -> Result<(Vec<u8>, Option<KeyPin>), DocumentError> {
        tokio::time::timeout(PATIENCE, self.exchange()).await.map_err(|_| DocumentError::Late)?
    }

    async fn exchange(&self) -> Result<(Vec<u8>, Option<KeyPin>), DocumentError> {
        let told = |error: &dyn std::fmt::Display| DocumentError::Exchange(error.to_string());
        let tcp = self.egress.connect(&self.endpoint).await?;
        let tls =
            self.tls.connect(self.server.clone(), tcp).await.map_err(|error| DocumentError::Tls(error.to_string()))?;
        let pin = tls.get_ref().1.peer_certificates().and_then(<[_]>::first).and_then(KeyPin::of);
        let (mut sender, connection) = http1::handshake(TokioIo::new(tls)).await.map_err(|error| told(&error))?;
        let request = Request::get(&self.path)
            .header(HOST, self.endpoint.authority())
            .header(ACCEPT, "application/json")
            .body(Empty::<Bytes>::new())
            .map_err(|error| told(&error))?;
        let asked = async {
            let response = sender.send_request(request).await.map_err(|error| told(&error))?;
            if response.status() != StatusCode::OK {
                return Err(DocumentError::Status(response.status().as_u16()));
            }
            let body = Limited::new(response.into_body(), self.max).collect().await;
            Ok((body.map_err(|error| told(&error))?.to_bytes().to_vec(), pin))
        };
        let (mut asked, mut connection) = (pin!(asked), pin!(connection));
        tokio::select! {
            biased;
            answer = &mut asked => answer,
            // The other side has closed the connection; what it had sent is still to be read.
            _ = &mut connection => asked.await,
        }
    }
}

//! A load that comes whether or not anything comes back, over connections that are kept, as many caseworker systems hold
//! them. It costs less than a general-purpose client, so that one core can ask more than the hub on the other can answer.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

/// How often a request is sent over another connection because the one it went over was closed meanwhile.
const TRIES: usize = 3;

/// Connections to the hub.
pub(crate) struct Lines {
    address: (&'static str, u16),
    tls: TlsConnector,
    authorization: String,
    unused: Mutex<Vec<SendRequest<Full<Bytes>>>>,
    room: Semaphore,
}

impl Lines {
    /// At most so many connections to the hub on `port`, for the bearer of this token.
    pub(crate) fn to_hub(keys: &Path, port: u16, token: &str, most: usize) -> Arc<Self> {
        let mut roots = rustls::RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(keys.join("ca.pem")).expect("the authority");
        roots.add(ca).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(Self {
            address: ("127.0.0.1", port),
            tls: TlsConnector::from(Arc::new(config)),
            authorization: format!("Bearer {token}"),
            unused: Mutex::default(),
            room: Semaphore::new(most),
        })
    }

    /// Opens so many connections.
    pub(crate) async fn open(&self, count: usize) {
        for _ in 0..count {
            let line = self.connect().await.expect("a connection");
            self.unused.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }

    /// Posts a body and reads the answer: its status, or none where the connection failed.
    pub(crate) async fn post(&self, body: Bytes) -> Option<u16> {
        let _room = self.room.acquire().await.ok()?;
        for _ in 0..TRIES {
            let unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut line = match unused {
                Some(line) => line,
                None => self.connect().await?,
            };
            let request = hyper::Request::post("/v1/verifications")
                .header(HOST, self.address.0)
                .header(CONTENT_TYPE, "application/json")
                .header(AUTHORIZATION, &self.authorization)
                .body(Full::new(body.clone()))
                .expect("a request");
            if line.ready().await.is_err() {
                continue;
            }
            let response = line.send_request(request).await.ok()?;
            let status = response.status().as_u16();
            response.into_body().collect().await.ok()?;
            self.unused.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            return Some(status);
        }
        None
    }

    async fn connect(&self) -> Option<SendRequest<Full<Bytes>>> {
        let connected = async {
            let stream = TcpStream::connect(self.address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            let name = ServerName::try_from(self.address.0).ok()?;
            let stream = self.tls.connect(name, stream).await.ok()?;
            let (line, driver) = http1::handshake(TokioIo::new(stream)).await.ok()?;
            // It ends with an error where the hub closes the connection, which whoever asks over it next is told.
            tokio::spawn(async move { drop(driver.await) });
            Some(line)
        };
        tokio::time::timeout(Duration::from_secs(10), connected).await.ok()?
    }
}

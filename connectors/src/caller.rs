//! Asking an adapter as a hub does: over mutual TLS, one connection a question, with a limit on everything.
//!
//! For the verbs that look at an adapter from outside (`conform`, `status`). The hub has its own client, with
//! pools and hedges; this one is plain, because what it shows is the adapter.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

use crate::error::Text;
use crate::keys::sha256;
use crate::words;

/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// How long an adapter may take over everything, unless a question says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// Certificates and key of a caller, PEM.
#[derive(Clone)]
pub(crate) struct CallerPem {
    /// The caller's certificate and key; without them it shows none.
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The CA that the adapter's certificate is from.
    pub(crate) ca: Vec<u8>,
}

/// A caller of one adapter.
#[derive(Clone)]
pub(crate) struct Caller {
    address: String,
    host: String,
    port: u16,
    ca: Vec<u8>,
    tls: Arc<ClientConfig>,
    patience: Duration,
}

/// What an adapter answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Bytes,
    /// The version of TLS, such as `TLSv1_3`.
    pub(crate) tls: String,
    /// From connecting to the last byte.
    pub(crate) took: Duration,
}

/// Why there is no caller, or no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// A file cannot be read.
    #[error("`{}` cannot be read ({cause}): check the path and the permission to read it", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The address is not one of an adapter.
    #[error("the address is not of the form https://host:port")]
    Address,
    /// Certificates or key cannot be used.
    #[error(
        "the certificates cannot be used ({0}): give certificate, key and CA in PEM, key and certificate of one pair"
    )]
    Certificates(String),
    /// Nothing listens there.
    #[error("nothing answers there ({0}): check address, port and firewall, and that `hedui-adapter serve` runs")]
    Connect(std::io::Error),
    /// TLS was not agreed on.
    #[error(
        "no connection over TLS ({0}): check the CA, the name in the adapter's certificate, and the caller's certificate"
    )]
    Tls(std::io::Error),
    /// Not in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// The connection broke, or what came is not HTTP.
    #[error("no answer that is HTTP ({0})")]
    Http(String),
}

impl CallError {
    /// The error for people.
    pub(crate) fn text(&self) -> Text {
        let zh = match self {
            Self::Unreadable { path, cause } => {
                format!("`{}` 无法读取（{}）：核对路径和读取权限", path.display(), words::of_system(cause))
            }
            Self::Address => "地址不是 https://主机:端口 的形式".to_owned(),
            Self::Certificates(cause) => {
                format!("证书不可用（{cause}）：证书、私钥、CA 都要 PEM 格式，私钥与证书要成对")
            }
            Self::Connect(cause) => {
                let cause = words::of_system(cause);
                format!("那里没有应答（{cause}）：核对地址、端口和防火墙，并确认 hedui-adapter serve 在运行")
            }
            Self::Tls(cause) => format!("TLS 连接不成（{cause}）：核对 CA、适配器证书上的名字和调用方的证书"),
            Self::Late(limit) => format!("{} 毫秒内没有答复", limit.as_millis()),
            Self::Http(cause) => format!("没有合乎 HTTP 的答复（{cause}）"),
        };
        Text::new(zh, self.to_string())
    }

    /// Stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } | Self::Certificates(_) => "caller_certificates",
            Self::Address => "adapter_address",
            Self::Connect(_) | Self::Tls(_) => "adapter_unreachable",
            Self::Late(_) | Self::Http(_) => "adapter_no_answer",
        }
    }
}

impl Caller {
    /// A caller of the adapter at `url`.
    pub(crate) fn new(url: &str, pem: &CallerPem) -> Result<Self, CallError> {
        let url = Url::parse(url).map_err(|_| CallError::Address)?;
        let host = url.host_str().filter(|_| url.scheme() == "https").ok_or(CallError::Address)?;
        let address = url.origin().ascii_serialization();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port_or_known_default().ok_or(CallError::Address)?;
        Ok(Self { address, host, port, ca: pem.ca.clone(), tls: config(pem)?, patience: PATIENCE })
    }

    /// The same that shows another certificate, or none.
    pub(crate) fn showing(&self, identity: Option<(Vec<u8>, Vec<u8>)>) -> Result<Self, CallError> {
        let pem = CallerPem { identity, ca: self.ca.clone() };
        Ok(Self { tls: config(&pem)?, ..self.clone() })
    }

    /// The same, which waits this long for everything.
    pub(crate) fn waiting(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// A plain connection to where the adapter listens.
    #[expect(clippy::disallowed_methods, reason = "the department's operator looks at the department's own adapter")]
    pub(crate) async fn connect_plain(&self) -> Result<TcpStream, CallError> {
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        match tokio::time::timeout(self.patience, connecting).await {
            Ok(stream) => stream.map_err(CallError::Connect),
            Err(_) => Err(CallError::Late(self.patience)),
        }
    }

    /// A connection over TLS.
    pub(crate) async fn connect(&self) -> Result<TlsStream<TcpStream>, CallError> {
        let stream = self.connect_plain().await?;
        let name = ServerName::try_from(self.host.clone()).map_err(|_| CallError::Address)?;
        TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await.map_err(CallError::Tls)
    }

    /// Where it calls, `https://host[:port]` in the one plain spelling.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// SHA-256 of the public key (SPKI) of the certificate that is shown there, in small hexadecimal digits.
    pub(crate) async fn certificate_key(&self) -> Result<String, CallError> {
        let connected = tokio::time::timeout(self.patience, self.connect()).await;
        let stream = connected.unwrap_or(Err(CallError::Late(self.patience)))?;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let parsed = shown.and_then(|certificate| ParsedCertificate::try_from(certificate).ok());
        let parsed = parsed.ok_or_else(|| CallError::Certificates("X.509".to_owned()))?;
        let digest = sha256(&parsed.subject_public_key_info());
        Ok(digest.iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}")))
    }

    /// Reads a path.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, CallError> {
        self.send("GET", path, Vec::new()).await
    }

    /// Sends a body to a path.
    pub(crate) async fn post(&self, path: &str, body: Vec<u8>) -> Result<Answer, CallError> {
        self.send("POST", path, body).await
    }

    async fn send(&self, method: &str, path: &str, body: Vec<u8>) -> Result<Answer, CallError> {
        let answer = tokio::time::timeout(self.patience, self.ask(method, path, body)).await;
        answer.unwrap_or(Err(CallError::Late(self.patience)))
    }

    async fn ask(&self, method: &str, path: &str, body: Vec<u8>) -> Result<Answer, CallError> {
        let broken = |error: &dyn std::fmt::Display| CallError::Http(error.to_string());
        let began = Instant::now();
        let stream = self.connect().await?;
        let tls = stream.get_ref().1.protocol_version().map(|version| format!("{version:?}")).unwrap_or_default();
        let request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, format!("{}:{}", self.host, self.port))
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| broken(&error))?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        let answer = async {
            let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| broken(&error))?;
            Ok(Answer {
                status: head.status.as_u16(),
                headers: head.headers,
                body: body.to_bytes(),
                tls,
                took: began.elapsed(),
            })
        };
        let mut answer = pin!(answer);
        // The connection only moves while somebody waits for it; when it ends, what has come is still to be read.
        tokio::select! {
            biased;
            answer = &mut answer => answer,
            _ = connection => answer.await,
        }
    }
}

fn config(pem: &CallerPem) -> Result<Arc<ClientConfig>, CallError> {
    let unusable = |error: &dyn std::fmt::Display| CallError::Certificates(error.to_string());
    let certificates = |pem: &[u8]| {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|error| unusable(&error))?;
        if found.is_empty() { Err(CallError::Certificates("PEM: no certificate".to_owned())) } else { Ok(found) }
    };
    let mut roots = RootCertStore::empty();
    for root in certificates(&pem.ca)? {
        roots.add(root).map_err(|error| unusable(&error))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| unusable(&error))?
        .with_root_certificates(roots);
    let mut config = match &pem.identity {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| unusable(&error))?;
            builder.with_client_auth_cert(certificates(cert)?, key).map_err(|error| unusable(&error))?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

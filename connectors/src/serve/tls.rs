//! Mutual TLS: the adapter's own certificate, and the CA that callers must have one from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs};

use crate::error::Text;
use crate::words;

/// Certificates and key in files, PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The adapter's certificate, with its chain.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The CA that callers' certificates are from.
    pub client_ca: PathBuf,
}

/// Certificates and key in memory, PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsPem {
    /// The adapter's certificate, with its chain.
    pub cert: Vec<u8>,
    /// Its private key.
    pub key: Vec<u8>,
    /// The CA that callers' certificates are from.
    pub client_ca: Vec<u8>,
}

impl fmt::Debug for TlsPem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TlsPem(hidden)")
    }
}

/// Certificates and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// In files.
    Files(TlsFiles),
    /// In memory.
    Pem(TlsPem),
}

impl From<TlsFiles> for Tls {
    fn from(files: TlsFiles) -> Self {
        Self::Files(files)
    }
}

impl From<TlsPem> for Tls {
    fn from(pem: TlsPem) -> Self {
        Self::Pem(pem)
    }
}

/// Why certificates or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(
        "`{path}` cannot be read: {cause}; the hub's operator issues certificate and key, and --cert, --key and --client-ca say where they are",
        path = .path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// There is no certificate in it.
    #[error(
        "`{0}` holds no certificate in PEM: the hub's operator issues it, and it begins with `-----BEGIN CERTIFICATE-----`"
    )]
    NoCertificate(&'static str),
    /// There is no key in it.
    #[error(
        "`--key` holds no private key in PEM: it is the one that --cert was issued for, and its first line ends with `PRIVATE KEY-----`"
    )]
    NoKey,
    /// They do not go together, or are of a kind that is not supported.
    #[error(
        "the certificates cannot be used ({0}): --cert and --key must be one pair, and --client-ca the CA of the hub"
    )]
    Unusable(String),
}

impl TlsError {
    /// The error for people.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Unreadable { path, cause } => {
                let cause = words::of_system(cause);
                format!(
                    "`{}` 无法读取：{cause}；证书和私钥由平台运营方签发，路径写在 --cert、--key、--client-ca",
                    path.display()
                )
            }
            Self::NoCertificate(what) => {
                format!("`{what}` 里没有 PEM 证书：证书由平台运营方签发，以 -----BEGIN CERTIFICATE----- 开头")
            }
            Self::NoKey => {
                "`--key` 里没有 PEM 私钥：要用签发 --cert 时的那一把，首行以 PRIVATE KEY----- 结尾".to_owned()
            }
            Self::Unusable(cause) => {
                format!("证书不可用（{cause}）：--cert 与 --key 要成对，--client-ca 要是平台的 CA")
            }
        };
        Text::new(zh, self.to_string())
    }
}

impl Tls {
    pub(super) async fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        match self {
            Self::Pem(pem) => pem.server_config(),
            Self::Files(files) => {
                let (cert, key) = (read(&files.cert).await?, read(&files.key).await?);
                TlsPem { cert, key, client_ca: read(&files.client_ca).await? }.server_config()
            }
        }
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    tokio::fs::read(path).await.map_err(|cause| TlsError::Unreadable { path: path.to_owned(), cause })
}

impl TlsPem {
    fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let unusable = |error: &dyn fmt::Display| TlsError::Unusable(error.to_string());
        let chain = certificates(&self.cert, "--cert")?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| TlsError::NoKey)?;
        let mut roots = RootCertStore::empty();
        for root in certificates(&self.client_ca, "--client-ca")? {
            roots.add(root).map_err(|error| unusable(&error))?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| unusable(&error))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| unusable(&error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| unusable(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    certificates.ok().filter(|certificates| !certificates.is_empty()).ok_or(TlsError::NoCertificate(what))
}

//! The departments' own services over simulated stores: what stands between a department's records and whoever
//! asks, in the department's own manner. Three of the six are asked so: housing by the header-signed style of the
//! national sharing platform, health by its SOAP variant, medical insurance by its envelope.
//!
//! They check what they are asked with as such services do, so that an adapter that signs wrongly or late gets
//! nothing. Loopback and synthetic people only.

mod health;
mod housing;
mod medical_insurance;
mod signed;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use tokio::task::JoinSet;

use super::keys::{self, TrialKeys};
use super::native_store;
use crate::domain::clock::{Clock, Randomness};

/// The departments that are asked through a service of their own.
pub const SERVED: [&str; 3] = ["housing", "health", "medical_insurance"];

/// The name of the file that the key of a service is in, beside the connector file.
const KEY_FILE: &str = "service.key";
/// How long answers under way may take once a service is stopped.
const GRACE: Duration = Duration::from_secs(1);

/// Why a service cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A file cannot be read or written.
    #[error("{file} cannot be read or written: {source}", file = .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key cannot be written.
    #[error(transparent)]
    Keys(#[from] keys::KeysError),
    /// The certificates cannot be used.
    #[error("the certificates cannot be used: {0}")]
    Tls(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The store cannot be opened.
    #[error("the store cannot be opened: {0}")]
    Store(#[from] sqlx::Error),
}

/// The folder of a department's connector file with what it names, made by [`furnish`].
pub fn home(folder: &Path, department: &str) -> PathBuf {
    folder.join("connectors").join(department)
}

/// Writes a department's connector file with the secrets and certificates it names beside it, and says where.
pub fn furnish(
    folder: &Path,
    department: &str,
    connector: &str,
    keys: &TrialKeys,
    randomness: &dyn Randomness,
) -> Result<PathBuf, ServiceError> {
    let home = home(folder, department);
    let file = home.join("connector.toml");
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |source| ServiceError::File { file, source }
    };
    std::fs::create_dir_all(&home).map_err(failed(&home))?;
    std::fs::write(&file, connector).map_err(failed(&file))?;
    if SERVED.contains(&department) {
        let key = home.join(KEY_FILE);
        // A service that runs already goes by the key it was started with.
        if !key.exists() {
            let mut secret = [0_u8; 16];
            randomness.fill(&mut secret);
            keys::write_secret(&key, &format!("{:032x}", u128::from_be_bytes(secret)))?;
        }
        std::fs::copy(&keys.ca, home.join("service-ca.pem")).map_err(failed(&keys.ca))?;
    }
    Ok(file)
}

/// A service that runs. Dropped, it stops at once.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    server: JoinSet<std::io::Result<()>>,
    store: SqlitePool,
}

impl Service {
    /// Runs the service of a department over its store in `folder`; `None` for one that has none. The connector
    /// file must have been furnished, because its key is that of the service.
    pub async fn start(
        folder: &Path,
        department: &str,
        keys: &TrialKeys,
        clock: Arc<dyn Clock>,
        address: Option<SocketAddr>,
    ) -> Result<Option<Self>, ServiceError> {
        if !SERVED.contains(&department) {
            return Ok(None);
        }
        let file = home(folder, department).join(KEY_FILE);
        let key = std::fs::read_to_string(&file).map_err(|source| ServiceError::File { file, source })?;
        let options = SqliteConnectOptions::new().filename(native_store::path(folder, department)).read_only(true);
        let store = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        let (key, clock, store_of) = (key.trim().to_owned(), clock, store.clone());
        let router: Router = match department {
            "housing" => housing::router(store_of, key, clock),
            "health" => health::router(store_of, key, clock),
            _ => medical_insurance::router(store_of, key, clock),
        };
        let config = tls(keys)?;
        let address = address.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let bind = |source| ServiceError::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let handle = Handle::new();
        let config = RustlsConfig::from_config(Arc::new(config));
        let server = axum_server::from_tcp_rustls(listener, config).map_err(bind)?.handle(handle.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(server.serve(router.into_make_service()));
        Ok(Some(Self { address, handle, server: tasks, store }))
    }

    /// Its address, as a connector file names it.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Lets answers under way be finished, and stops.
    pub async fn stop(mut self) {
        self.handle.graceful_shutdown(Some(GRACE));
        while self.server.join_next().await.is_some() {}
        self.store.close().await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

/// What a service says when it fails inside. Why it did is in the log of the trial: no caller is told.
fn failed(department: &str, error: &dyn std::fmt::Display) -> &'static str {
    tracing::error!(department, %error, "the simulated service cannot read its store");
    "系统内部错误"
}

/// TLS by the server's certificate of a trial.
fn tls(keys: &TrialKeys) -> Result<ServerConfig, ServiceError> {
    let failed = |error: &dyn std::fmt::Display| ServiceError::Tls(error.to_string());
    let chain: Vec<_> = CertificateDer::pem_file_iter(&keys.server)
        .map_err(|error| failed(&error))?
        .collect::<Result<_, _>>()
        .map_err(|error| failed(&error))?;
    let key = PrivateKeyDer::from_pem_file(&keys.server_key).map_err(|error| failed(&error))?;
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| failed(&error))
}

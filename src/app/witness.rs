//! `WitnessServer`: a witness on its own machine, reached over TLS, or in clear behind the operator's own listener.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::{StartError, listener, secrets};
use crate::access_log::witness::{Witness, WitnessError};
use crate::config::{ConfigError, TlsVersion, WitnessConfig, read_setting_file};
use crate::domain::clock::SystemClock;
use crate::domain::problem::Text;
use crate::http::witness_router;
use crate::tlog::note::{NoteError, SignerKey, VerifierKey};

/// How long a handshake, a head and a body may each take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);
/// Connections at once; further ones are closed.
const CONNECTIONS: usize = 256;
/// How long running requests may take to end.
const DRAIN: Duration = Duration::from_secs(5);

/// Why a witness cannot start.
#[derive(Debug, thiserror::Error)]
pub enum WitnessStartError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The witness's private key.
    #[error("`key_file`: {0}")]
    Key(NoteError),
    /// A log's public key.
    #[error("`logs`: `{0}`: {1}")]
    Log(String, NoteError),
    /// The state.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The listener.
    #[error(transparent)]
    Listener(#[from] StartError),
}

impl WitnessStartError {
    /// The error in both languages.
    pub fn text(&self) -> Text {
        match self {
            Self::Listener(error) => error.text(),
            other => Text::new(format!("无法启动：{other}"), other.to_string()),
        }
    }
}

/// A running witness.
pub struct WitnessServer {
    /// Where it is reached.
    pub address: SocketAddr,
    /// Its public key.
    pub key: VerifierKey,
    tracker: TaskTracker,
    server: axum_server::Handle<SocketAddr>,
}

impl WitnessServer {
    /// Opens the state and starts listening.
    pub fn start(config: &WitnessConfig) -> Result<Self, WitnessStartError> {
        secrets::forbidding(secrets::of_witness(config), config.mode).map_err(StartError::Secrets)?;
        let key =
            SignerKey::parse(&read_setting_file("key_file", &config.key_file)?).map_err(WitnessStartError::Key)?;
        let log = |text: &String| VerifierKey::parse(text).map_err(|error| WitnessStartError::Log(text.clone(), error));
        let logs = config.logs.iter().map(log).collect::<Result<_, _>>()?;
        let witness = Arc::new(Witness::open(&config.state, key, logs, Arc::new(SystemClock))?);
        let key = witness.verifier().clone();
        let routes = witness_router(witness, &config.prefix);
        let tls = match (&config.certificate, &config.private_key) {
            (Some(certificate), Some(private_key)) => {
                let files = listener::TlsFiles {
                    certificate: ("certificate", certificate),
                    private_key: ("private_key", private_key),
                    client_ca: None,
                };
                Some(listener::tls(files, TlsVersion::Tls13)?)
            }
            _ => None,
        };
        let (socket, address) = listener::bind("address", config.address)?;
        let (tracker, server) = (TaskTracker::new(), axum_server::Handle::new());
        let limits = listener::Limits { arrival: ARRIVAL, connections: CONNECTIONS };
        match tls {
            Some(tls) => {
                tracker.spawn(listener::serve_callers(socket, tls, routes, limits, server.clone()));
            }
            None => {
                tracker.spawn(listener::serve_plain("the logs", socket, routes, limits, server.clone()));
            }
        }
        Ok(Self { address, key, tracker, server })
    }

    /// Stops: what is decided is kept, running requests may end.
    pub async fn stop(self) {
        self.server.graceful_shutdown(Some(DRAIN));
        self.tracker.close();
        self.tracker.wait().await;
    }
}

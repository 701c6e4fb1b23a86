//! How a client comes to a connection: through the guard, then TLS.
//!
//! A trait, because the simulation of federation (`src/federation/simulation.rs`) has a network that is not of this world. In
//! the hub there is one implementor, and a client can be made over another one in tests only: the guard stays the only way out.

use std::future::Future;
use std::pin::Pin;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::{Egress, Endpoint};

/// What a connection's bytes travel over.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection on its way; `None` when none comes about. Whoever waits sets the time.
pub(crate) type Opening<'a> = Pin<Box<dyn Future<Output = Option<Box<dyn Wire>>> + Send + 'a>>;

/// Opens connections to one place.
pub(crate) trait Connect: Send + Sync {
    /// Opens one.
    fn connect(&self) -> Opening<'_>;
}

/// Dials a checked address, and speaks TLS to one authority.
pub(super) struct Guarded {
    pub(super) egress: Egress,
    pub(super) endpoint: Endpoint,
    pub(super) server: ServerName<'static>,
    pub(super) tls: TlsConnector,
}

impl Connect for Guarded {
    fn connect(&self) -> Opening<'_> {
        Box::pin(async {
            let tcp = self.egress.connect(&self.endpoint).await.map_err(|error| {
                tracing::warn!(endpoint = self.endpoint.authority(), %error, "no connection");
            });
            let tcp = tcp.ok()?;
            tcp.set_nodelay(true).ok()?;
            let tls = self.tls.connect(self.server.clone(), tcp).await.ok()?;
            Some(Box::new(tls) as Box<dyn Wire>)
        })
    }
}

//! The egress guard: the only way out of the hub.
//!
//! An address somebody registers must never let anyone reach what they may not (OWASP API7:2023, ASVS 5.0
//! 13.2.4). So the operator names the networks and ports that may be reached, every address a name resolves
//! to is checked, and exactly a checked address is dialled: a name that resolves differently a moment later
//! changes nothing.

pub mod client;
pub(crate) mod connect;
mod document;
mod endpoint;
mod network;
mod pin;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use tokio::net::TcpStream;

pub use document::{Document, DocumentError};
pub use endpoint::{Endpoint, Host, is_plain_path};
pub use network::{Allowed, NetworkError};
pub use pin::{KeyPin, KeyPinError};

/// Why no connection is made.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// Not an address of a service: `https://host[:port]` in its plain spelling.
    #[error("`{}` is not an address to connect to: {why}", .text.escape_debug())]
    Endpoint {
        /// What was given, cut short.
        text: String,
        /// What is wrong with it, and how to write it.
        why: &'static str,
    },
    /// An address outside what the operator allows.
    #[error("{address} is not allowed: add {} to [egress] allow if the hub is to connect there", mend(*.address))]
    NotAllowed {
        /// The address.
        address: SocketAddr,
    },
    /// An address that no setting opens: unspecified, link-local, multicast or reserved.
    #[error("{address} is never connected to: it is unspecified, link-local, multicast or reserved")]
    Never {
        /// The address.
        address: SocketAddr,
    },
    /// One of the hub's own listeners.
    #[error("{address} is one of the hub's own listeners")]
    Own {
        /// The address.
        address: SocketAddr,
    },
    /// A name without address.
    #[error("`{name}` cannot be resolved: {source}")]
    Unresolved {
        /// The name.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// An allowed address that does not answer.
    #[error("{address} cannot be connected to: {source}")]
    Unreachable {
        /// The address tried last.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

impl EgressError {
    /// Whether the hub's own settings forbid it, rather than nobody answering.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Endpoint { .. } | Self::NotAllowed { .. } | Self::Never { .. } | Self::Own { .. })
    }
}

fn mend(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) => format!("\"{ip}/32:{}\"", address.port()),
        IpAddr::V6(ip) => format!("\"[{ip}/128]:{}\"", address.port()),
    }
}

type Resolved<'a> = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Turns names into addresses.
trait Resolve: Send + Sync {
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> Resolved<'a>;
}

/// The machine's own resolver.
struct System;

impl Resolve for System {
    #[expect(clippy::disallowed_methods, reason = "the guard is the one place that looks names up")]
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> Resolved<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, port)).await?.collect()) })
    }
}

/// What may be connected to. Cheap to clone.
#[derive(Clone)]
pub struct Egress(Arc<Rules>);

struct Rules {
    allowed: Vec<Allowed>,
    own: Vec<SocketAddr>,
    resolver: Box<dyn Resolve>,
}

impl Egress {
    /// A guard that allows these networks, and never the hub's `own` listeners.
    pub fn new(allowed: Vec<Allowed>, own: Vec<SocketAddr>) -> Self {
        Self(Arc::new(Rules { allowed, own, resolver: Box::new(System) }))
    }

    /// Whether this address may be dialled.
    pub fn check(&self, address: SocketAddr) -> Result<(), EgressError> {
        let ip = network::unwrapped(address.ip());
        if network::is_never(ip) {
            return Err(EgressError::Never { address });
        }
        let is_own = |own: &SocketAddr| {
            own.port() == address.port() && (own.ip() == ip || ip.is_loopback() && own.ip().is_unspecified())
        };
        if self.0.own.iter().any(is_own) {
            return Err(EgressError::Own { address });
        }
        let is_allowed = self.0.allowed.iter().any(|allowed| allowed.covers(ip, address.port()));
        if is_allowed { Ok(()) } else { Err(EgressError::NotAllowed { address }) }
    }

    /// Checks what can be known of an endpoint before it is dialled: an address at once, a name only when it is resolved.
    pub fn check_endpoint(&self, endpoint: &Endpoint) -> Result<(), EgressError> {
        match endpoint.host() {
            Host::Address(ip) => self.check(SocketAddr::new(*ip, endpoint.port())),
            Host::Name(_) => Ok(()),
        }
    }

    /// Connects to an endpoint. When one address of a name is not allowed, none is dialled: the name is not
    /// the one the operator knew.
    pub async fn connect(&self, endpoint: &Endpoint) -> Result<TcpStream, EgressError> {
        let addresses = match endpoint.host() {
            Host::Address(ip) => vec![SocketAddr::new(*ip, endpoint.port())],
            Host::Name(name) => {
                let unresolved = |source| EgressError::Unresolved { name: name.clone(), source };
                let found = self.0.resolver.resolve(name, endpoint.port()).await.map_err(unresolved)?;
                if found.is_empty() {
                    return Err(unresolved(std::io::ErrorKind::NotFound.into()));
                }
                found
            }
        };
        for address in &addresses {
            if let Err(error) = self.check(*address) {
                metrics::counter!("hedui_egress_refused_total").increment(1);
                return Err(error);
            }
        }
        dial(&addresses).await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the guard is the one place that connects, and the addresses are checked"
)]
async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, EgressError> {
    let mut failure = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(source) => failure = Some(EgressError::Unreachable { address: *address, source }),
        }
    }
    Err(failure.expect("at least one address was tried"))
}

#[cfg(test)]
mod tests;

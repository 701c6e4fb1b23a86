//! The way to a server, step by step: its name has an address, and something listens there.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

use super::trouble::{Rung, Trouble, Whereabouts};

/// How long one step may take. A name or a port that takes longer is not one to rely on.
const PATIENCE: Duration = Duration::from_secs(5);

/// The addresses of a host.
#[expect(clippy::disallowed_methods, reason = "the adapter stands beside the source and reaches it by itself")]
pub(crate) async fn resolve(place: &Whereabouts) -> Result<Vec<SocketAddr>, Trouble> {
    let found = timeout(PATIENCE, tokio::net::lookup_host((place.host.as_str(), place.port))).await;
    let error = match found {
        Ok(Ok(addresses)) => {
            let addresses: Vec<_> = addresses.collect();
            if !addresses.is_empty() {
                return Ok(addresses);
            }
            std::io::Error::other("failed to lookup address information: No address associated with hostname")
        }
        Ok(Err(error)) => error,
        Err(_) => std::io::Error::other("failed to lookup address information: Temporary failure in name resolution"),
    };
    Err(Trouble::of_io(&error, Rung::Dns, place))
}

/// The address at which something listens.
#[expect(clippy::disallowed_methods, reason = "the adapter stands beside the source and reaches it by itself")]
pub(crate) async fn connect(addresses: &[SocketAddr], place: &Whereabouts) -> Result<SocketAddr, Trouble> {
    let mut last = std::io::Error::from(std::io::ErrorKind::TimedOut);
    for address in addresses {
        match timeout(PATIENCE, tokio::net::TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(*address),
            Ok(Err(error)) => last = error,
            Err(_) => last = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(Trouble::of_io(&last, Rung::Tcp, place))
}

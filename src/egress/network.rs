//! Networks: what the operator allows, and what no setting opens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Deserialize;

/// An entry of `[egress] allow`: a network and the ports that may be reached in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Allowed {
    network: IpNet,
    ports: RangeInclusive<u16>,
}

/// An entry that is no network.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{}` is not a network to allow: write \"10.20.0.0/16\", \"10.20.0.0/16:443\", \"10.20.0.5:9000-9100\" or \"[fd00::/8]:443\"",
    .0.escape_debug()
)]
pub struct NetworkError(String);

/// Blocks that a wider entry does not open: only one that lies inside them does.
const SPECIAL_V4: [Ipv4Net; 4] = [
    Ipv4Net::new_assert(Ipv4Addr::LOCALHOST, 8),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 0, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
];
/// The same of version 6: loopback, unique local, and three ways to wrap an address of version 4.
const SPECIAL_V6: [Ipv6Net; 5] = [
    Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128),
    Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96),
    Ipv6Net::new_assert(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32),
];

impl Allowed {
    /// Whether this entry opens an address. Versions 4 in 6 are unwrapped before.
    pub(super) fn covers(&self, ip: IpAddr, port: u16) -> bool {
        self.network.contains(&ip) && self.ports.contains(&port) && self.opens_block_of(ip)
    }

    fn opens_block_of(&self, ip: IpAddr) -> bool {
        match (ip, &self.network) {
            (IpAddr::V4(ip), IpNet::V4(network)) => {
                SPECIAL_V4.iter().filter(|block| block.contains(&ip)).all(|block| block.contains(network))
            }
            (IpAddr::V6(ip), IpNet::V6(network)) => {
                SPECIAL_V6.iter().filter(|block| block.contains(&ip)).all(|block| block.contains(network))
            }
            _ => false,
        }
    }
}

impl FromStr for Allowed {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || NetworkError(text.to_owned());
        let plain = text.strip_prefix("https://").unwrap_or(text);
        let (network, ports) = match plain.strip_prefix('[') {
            Some(rest) => {
                let (network, ports) = rest.split_once(']').ok_or_else(refused)?;
                (network, if ports.is_empty() { None } else { Some(ports.strip_prefix(':').ok_or_else(refused)?) })
            }
            None => match plain.split_once(':') {
                Some((network, ports)) if !ports.contains(':') => (network, Some(ports)),
                _ => (plain, None),
            },
        };
        let network: IpNet = match network.parse() {
            Ok(network) => network,
            Err(_) => network.parse::<IpAddr>().map_err(|_| refused())?.into(),
        };
        let ports = match ports {
            None => 1..=u16::MAX,
            Some(ports) => {
                let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
                let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(refused);
                port(first)?..=port(last)?
            }
        };
        if ports.is_empty() || network.trunc() != network {
            return Err(refused());
        }
        Ok(Self { network, ports })
    }
}

impl TryFrom<String> for Allowed {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// An address of version 4 that is written as one of version 6 (`::ffff:0:0/96`) is the former.
pub(super) const fn unwrapped(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// What no setting opens: "this network", link-local (where clouds keep their secrets), multicast, reserved.
pub(super) fn is_never(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[0] == 0 || ip.is_link_local() || ip.octets()[0] >= 224,
        IpAddr::V6(ip) => ip.is_unspecified() || ip.is_unicast_link_local() || ip.is_multicast(),
    }
}

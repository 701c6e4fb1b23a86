//! Who is on the other side of a connection, for those who have not proved who they are: an IPv4 address, or an IPv6
//! network of 64 bits, inside which whoever has one address has them all.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Bits of an IPv6 address that tell one subscriber from another.
const SUBSCRIBER_BITS: u32 = 64;
/// Most addresses of a forwarding field that are looked at.
const MAX_HOPS: usize = 16;

/// The other side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// An IPv4 address, also one that came wrapped in an IPv6 address.
    V4(Ipv4Addr),
    /// The network of an IPv6 address.
    V6(Ipv6Addr),
}

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6((address.to_bits() & (u128::MAX << (128 - SUBSCRIBER_BITS))).into()),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(formatter),
            Self::V6(network) => write!(formatter, "{network}/{SUBSCRIBER_BITS}"),
        }
    }
}

/// The proxies in front of the hub whose word about the other side is believed.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Those in these networks; with none, nobody's word is believed.
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Who is on the other side of a connection from `address`. `forwarded` are the values of `X-Forwarded-For` in their
    /// order. Each proxy adds, on the right, whom it talks to: so the list is read from there, and only as long as those
    /// who wrote it are believed. What a caller wrote into it itself stands further left and is never reached.
    pub fn peer<'a>(&self, address: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> Peer {
        let mut nearest = address;
        let hops = forwarded.rev().flat_map(|value| value.rsplit(','));
        for hop in hops.take(MAX_HOPS) {
            if !self.is_believed(nearest) {
                break;
            }
            match hop.trim().parse() {
                Ok(before) => nearest = before,
                Err(_) => break,
            }
        }
        nearest.into()
    }

    fn is_believed(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(proxies: &[&str], address: &str, forwarded: &[&str]) -> String {
        let proxies = Proxies::new(proxies.iter().map(|network| network.parse().unwrap()).collect());
        proxies.peer(address.parse().unwrap(), forwarded.iter().copied()).to_string()
    }

    #[test]
    fn a37_one_subscriber_is_one_peer_however_many_addresses_it_has() {
        assert_eq!(peer(&[], "203.0.113.7", &[]), "203.0.113.7");
        assert_eq!(peer(&[], "::ffff:203.0.113.7", &[]), "203.0.113.7");
        assert_eq!(peer(&[], "2001:db8:1:2:3:4:5:6", &[]), "2001:db8:1:2::/64");
        assert_eq!(peer(&[], "2001:db8:1:2:ffff::1", &[]), "2001:db8:1:2::/64");
    }

    #[test]
    fn a37_a_forwarded_address_counts_only_where_a_proxy_that_is_believed_wrote_it() {
        let forged = ["198.51.100.1, 198.51.100.2"];
        assert_eq!(peer(&[], "203.0.113.7", &forged), "203.0.113.7", "nobody is believed");
        assert_eq!(peer(&["10.0.0.0/8"], "203.0.113.7", &forged), "203.0.113.7", "not this one");
        let proxies = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(peer(&proxies, "10.0.0.5", &["1.1.1.1, 203.0.113.7"]), "203.0.113.7", "what it wrote itself");
        assert_eq!(peer(&proxies, "fd00::5", &["1.1.1.1", "203.0.113.7, 10.0.0.9"]), "203.0.113.7", "two proxies");
        assert_eq!(peer(&proxies, "10.0.0.5", &["203.0.113.7, unknown"]), "10.0.0.5", "what is no address ends it");
        assert_eq!(peer(&proxies, "10.0.0.5", &[]), "10.0.0.5");
        let long = vec!["10.0.0.1"; 10_000].join(",");
        assert_eq!(peer(&proxies, "10.0.0.5", &[&long]), "10.0.0.1");
    }
}

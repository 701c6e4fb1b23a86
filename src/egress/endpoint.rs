//! Endpoints: where a service is reached, in the one plain spelling.

use std::net::IpAddr;

use url::Url;

use super::EgressError;

/// Longest address that is looked at, bytes.
const MAX_BYTES: usize = 512;

/// Where a service is reached: `https://host[:port]`, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    host: Host,
    port: u16,
    authority: String,
}

/// The host of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// An address.
    Address(IpAddr),
    /// A name, to be resolved whenever it is dialled.
    Name(String),
}

impl Endpoint {
    /// Reads an address. Only the plain spelling is taken: what one program reads as a name and another as
    /// `127.0.0.1` is refused, and so is anything beside host and port.
    pub fn parse(text: &str) -> Result<Self, EgressError> {
        let refused = |why| EgressError::Endpoint { text: text.chars().take(100).collect(), why };
        if text.len() > MAX_BYTES {
            return Err(refused("it is longer than 512 bytes"));
        }
        let url = Url::parse(text).map_err(|_| refused("write https://host or https://host:port"))?;
        if url.scheme() != "https" {
            return Err(refused("only https:// is connected to"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("leave out name and password before the host"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(refused("leave out path, query and fragment"));
        }
        // The parser mends what it can; a text that had to be mended is read otherwise by others.
        let plain = text.strip_suffix('/').unwrap_or(text);
        let plain = plain.strip_suffix(":443").unwrap_or(plain);
        if url.as_str().trim_end_matches('/') != plain {
            return Err(refused("write the host plainly: lower-case ASCII, addresses as 10.20.30.40 or [fd00::1]"));
        }
        let host = match url.host() {
            Some(url::Host::Ipv4(ip)) => Host::Address(ip.into()),
            Some(url::Host::Ipv6(ip)) => Host::Address(ip.into()),
            Some(url::Host::Domain(name)) if !name.is_empty() => Host::Name(name.to_owned()),
            _ => return Err(refused("write https://host or https://host:port")),
        };
        let port = url.port_or_known_default().filter(|port| *port > 0).ok_or_else(|| refused("port 0 is no port"))?;
        let authority = plain.trim_start_matches("https://").to_owned();
        Ok(Self { host, port, authority })
    }

    /// Reads an address with a path, `https://host[:port]/a/b`: the endpoint, and the path without its last
    /// slash, empty where there is none. Only plain segments are taken: letters, digits, `-`, `_` and `.`.
    pub fn parse_with_path(text: &str) -> Result<(Self, String), EgressError> {
        let after = text.strip_prefix("https://").unwrap_or_default();
        let path = after.find('/').map_or("", |slash| after.split_at(slash).1);
        let endpoint = Self::parse(text.strip_suffix(path).unwrap_or(text))?;
        let path = path.strip_suffix('/').unwrap_or(path);
        if !is_plain_path(path) {
            let why = "write the path plainly: /a/b, letters, digits, -, _ and . only";
            return Err(EgressError::Endpoint { text: text.chars().take(100).collect(), why });
        }
        Ok((endpoint, path.to_owned()))
    }

    /// The host.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port; 443 where none is written.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as the `Host` header tells them.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

/// Whether a path is empty or made of plain segments, `/a/b`: letters, digits, `-`, `_` and `.`, and neither `.`
/// nor `..` alone.
pub fn is_plain_path(path: &str) -> bool {
    let is_plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    path.is_empty() || path.strip_prefix('/').is_some_and(|path| path.split('/').all(is_plain))
}

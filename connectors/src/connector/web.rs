//! The keys of `[source]` that every kind reached over HTTP has: where the service is, how the way to it is
//! protected, what it may cost, and how one shows who asks.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::auth::{self, AuthInfo};
use super::checked::{At, Checker};
use super::source::{duration, secret_place};
use crate::error::Text;
use crate::secret::SecretPlace;

/// The keys of [`WebTable`], which are taken out of `[source]` before a kind reads its own.
const KEYS: [&str; 13] = [
    "url",
    "insecure_http",
    "tls",
    "tls_ca",
    "tls_cert",
    "tls_key",
    "tls_pin",
    "connect_timeout",
    "timeout",
    "question_timeout",
    "max_connections",
    "max_answer",
    "auth",
];

/// What mends a key of a service that is not of its form.
pub(super) const KEY: (&str, &str) =
    ("按 connectors/README.md 改正该键", "write the key as connectors/README.md has it");

/// The largest answer unless the file says otherwise, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// A service reached over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebInfo {
    /// Where it is.
    pub url: UrlPlace,
    /// HTTP without TLS is allowed towards this machine itself.
    pub plain_loopback: bool,
    /// How the way to it is protected.
    pub tls: WebTls,
    /// How long connecting may take, TLS included.
    pub connect_timeout: Duration,
    /// How long one call may take, from the moment it has a connection to itself.
    pub timeout: Duration,
    /// How long all the calls of one question may take, waiting for their turn included.
    pub question_timeout: Duration,
    /// How many calls may be under way at once.
    pub max_connections: u32,
    /// The largest answer, in bytes; a longer one is an error.
    pub max_answer: usize,
    /// How one shows who asks.
    pub auth: AuthInfo,
}

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlPlace {
    /// This address; no password is in it.
    Address(Url),
    /// An address that is kept outside the file.
    Kept(SecretPlace),
}

/// What a service must show, and what is shown to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebTls {
    /// Whatever name is on the certificate is taken: for services reached by address.
    pub any_name: bool,
    /// The only CA that is believed, PEM; without it the public ones are.
    pub ca: Option<PathBuf>,
    /// The SHA-256 digest of the only certificate that is believed.
    pub pin: Option<[u8; 32]>,
    /// Certificate and key that are shown to the service, PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// The keys as TOML.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebTable {
    pub(super) url: Option<toml::Value>,
    pub(super) insecure_http: Option<String>,
    pub(super) tls: Option<String>,
    pub(super) tls_ca: Option<PathBuf>,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) tls_pin: Option<String>,
    pub(super) connect_timeout: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) question_timeout: Option<String>,
    pub(super) max_connections: Option<u32>,
    pub(super) max_answer: Option<usize>,
    pub(super) auth: Option<toml::Table>,
}

/// Takes the keys of a service out of `[source]` and checks them; what is left is the kind's own.
pub(super) fn web(checker: &mut Checker<'_>, place: &At<'_>, source: &mut toml::Table) -> Option<WebInfo> {
    let keys: toml::Table = KEYS.iter().filter_map(|key| source.remove_entry(*key)).collect();
    let table: WebTable = checker.read(place, keys, KEY)?;
    let url = url(checker, place, &table);
    let tls = tls(checker, place, &table);
    let mut span = |key, given: &Option<String>, default, least, most| {
        limit(checker, place, key, given.as_deref(), default, least, most)
    };
    let connect_timeout = span("connect_timeout", &table.connect_timeout, 3_000, 10, 60_000);
    let timeout = span("timeout", &table.timeout, 5_000, 10, 120_000);
    let question_timeout = span("question_timeout", &table.question_timeout, 30_000, 10, 600_000);
    let max_connections = table.max_connections.unwrap_or(4);
    let max_answer = table.max_answer.unwrap_or(MAX_ANSWER);
    let bounded = (1..=64).contains(&max_connections) && (1024..=64 * 1024 * 1024).contains(&max_answer);
    if !bounded {
        checker.fault(
            "limit_out_of_range",
            place,
            Text::new("max_connections 或 max_answer 超出范围", "max_connections or max_answer is out of range"),
            Text::new(
                "max_connections 取 1 至 64，max_answer 取 1024 至 67108864（字节）",
                "max_connections is 1 to 64, max_answer 1024 to 67108864 (bytes)",
            ),
        );
    }
    let plain_loopback = match table.insecure_http.as_deref() {
        None => Some(false),
        Some("loopback") => Some(true),
        Some(_) => {
            checker.fault(
                "source_insecure",
                place,
                Text::new("insecure_http 只能写 \"loopback\"", "insecure_http can be \"loopback\" only"),
                Text::new("用 https；仅本机可以不加密", "use https; only this machine itself may be reached without"),
            );
            None
        }
    };
    let auth = auth::auth(checker, place, table.auth, tls.as_ref().is_some_and(|tls| tls.identity.is_some()));
    let info = WebInfo {
        url: url?,
        plain_loopback: plain_loopback?,
        tls: tls?,
        connect_timeout: connect_timeout?,
        timeout: timeout?,
        question_timeout: question_timeout?,
        max_connections,
        max_answer,
        auth: auth?,
    };
    bounded.then_some(info)
}

fn limit(
    checker: &mut Checker<'_>,
    place: &At<'_>,
    key: &str,
    given: Option<&str>,
    default: u64,
    least: u64,
    most: u64,
) -> Option<Duration> {
    let (least, most) = (Duration::from_millis(least), Duration::from_millis(most));
    let found = given.map_or(Some(Duration::from_millis(default)), duration).filter(|one| (least..=most).contains(one));
    if found.is_none() {
        let (least, most) = (least.as_millis(), most.as_secs());
        checker.fault(
            "limit_out_of_range",
            place,
            Text::new(format!("{key} 不可用"), format!("{key} cannot be used")),
            Text::new(
                format!("写 \"{least}ms\" 至 \"{most}s\" 之间的时长"),
                format!("write a duration from \"{least}ms\" to \"{most}s\", such as \"5s\""),
            ),
        );
    }
    found
}

fn url(checker: &mut Checker<'_>, place: &At<'_>, table: &WebTable) -> Option<UrlPlace> {
    match &table.url {
        Some(toml::Value::String(text)) => {
            let sound = service_url(text);
            if sound.is_none() {
                checker.fault(
                    "source_address",
                    place,
                    Text::new("url 不是服务的地址", "url is not the address of a service"),
                    Text::new(
                        "写 url = \"https://主机:端口/路径\"，里面没有账号、口令、? 和 #",
                        "write url = \"https://host:port/path\", without account, password, ? and #",
                    ),
                );
            }
            sound.map(UrlPlace::Address)
        }
        Some(value) => secret_place(checker, place, "url", value).map(UrlPlace::Kept),
        None => {
            checker.fault(
                "source_address",
                place,
                Text::new("没有写 url", "url is missing"),
                Text::new("写 url = \"https://主机:端口/路径\"", "write url = \"https://host:port/path\""),
            );
            None
        }
    }
}

/// An address of HTTP that names a host and carries nothing that is secret or of one call.
pub(crate) fn service_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let sound = matches!(url.scheme(), "http" | "https") && url.fragment().is_none() && plain;
    (sound && url.host_str().is_some_and(|host| !host.is_empty())).then_some(url)
}

fn tls(checker: &mut Checker<'_>, place: &At<'_>, table: &WebTable) -> Option<WebTls> {
    let mut sound = true;
    let mut fault = |what: Text, mend: Text| {
        sound = false;
        checker.fault("source_tls", place, what, mend);
    };
    let any_name = match table.tls.as_deref() {
        None | Some("verify-full") => false,
        Some("verify-ca") => true,
        Some(_) => {
            fault(
                Text::new("不认识这个 tls", "tls is not one of the modes"),
                Text::new(
                    "写 \"verify-full\"（默认）或 \"verify-ca\"（不核对主机名）；不加密只许连本机（insecure_http = \"loopback\"）",
                    "write \"verify-full\" (the default) or \"verify-ca\" (any host name); without encryption only this machine is reached (insecure_http = \"loopback\")",
                ),
            );
            false
        }
    };
    let identity = match (&table.tls_cert, &table.tls_key) {
        (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
        (None, None) => None,
        _ => {
            fault(
                Text::new("tls_cert 与 tls_key 只写了一个", "tls_cert and tls_key belong together"),
                Text::new("两个都写，或都不写", "write both, or neither"),
            );
            None
        }
    };
    let pin = table.tls_pin.as_deref().map(digest);
    if pin == Some(None) {
        fault(
            Text::new("tls_pin 不是证书的 SHA-256 摘要", "tls_pin is not the SHA-256 digest of a certificate"),
            Text::new(
                "写 64 位十六进制：openssl x509 -in 证书 -noout -fingerprint -sha256",
                "write 64 hexadecimal digits: openssl x509 -in CERTIFICATE -noout -fingerprint -sha256",
            ),
        );
    }
    sound.then(|| WebTls { any_name, ca: table.tls_ca.clone(), pin: pin.flatten(), identity })
}

/// A digest in hexadecimal, with or without colons.
fn digest(text: &str) -> Option<[u8; 32]> {
    let plain: String = text.chars().filter(|character| *character != ':').collect();
    let mut digest = [0; 32];
    for (place, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(plain.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    (plain.len() == 64).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_something_secret_or_of_one_call_is_refused() {
        assert!(service_url("https://share.example:8443/gateway").is_some());
        for text in [
            "https://user:hunter2@share.example/",
            "https://share.example/?key=hunter2",
            "https://share.example/#x",
            "ftp://share.example/",
            "file:///etc/passwd",
            "share.example",
            "https://",
        ] {
            assert!(service_url(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_pin_is_sixty_four_digits_with_or_without_colons() {
        let plain = "ab".repeat(32);
        assert_eq!(digest(&plain), Some([0xab; 32]));
        assert_eq!(digest(&["AB"; 32].join(":")), Some([0xab; 32]));
        for text in ["", "ab", &"zz".repeat(32), &"ab".repeat(33)] {
            assert_eq!(digest(text), None, "{text}");
        }
    }
}

//! `[source.auth]`: how one shows a service who asks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::checked::{At, Checker};
use super::condition::{Condition, ConditionTable, conditions};
use super::source::{duration, secret_place};
use super::web::service_url;
use crate::error::Text;
use crate::json_path::JsonPath;
use crate::secret::SecretPlace;
use crate::words;

/// The requester's headers of the national sharing platform.
const PLATFORM_HEADERS: [(Part, &str); 3] =
    [(Part::Requester, "gjgxjhpt_rid"), (Part::Service, "gjgxjhpt_sid"), (Part::Time, "gjgxjhpt_rtime")];
/// Its header of the signature.
const PLATFORM_SIGN: &str = "gjgxjhpt_sign";

/// How one shows who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthInfo {
    /// Not at all: the service goes by the address.
    None,
    /// By the certificate of `tls_cert`.
    Certificate,
    /// By an access token (RFC 6749, 4.4).
    Oauth2(Box<Oauth2Info>),
    /// By a signature in headers.
    Signed(Box<SignedInfo>),
}

/// OAuth 2.0 client credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oauth2Info {
    /// Where tokens are given out.
    pub token_url: ServicePath,
    /// Who asks.
    pub client_id: String,
    /// The proof of it.
    pub client_secret: SecretPlace,
    /// What is asked for.
    pub scope: Option<String>,
    /// The secret goes into the body; otherwise into the header of HTTP Basic.
    pub in_body: bool,
    /// What an answer says when a token is refused, besides HTTP 401.
    pub expired_when: Vec<Condition>,
}

/// A path of the service, or an address elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServicePath {
    /// Below the service's own address.
    Path(String),
    /// An address of its own.
    Address(Url),
}

/// A signature in headers: by default that of the national sharing platform (国家数据共享交换平台).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInfo {
    /// Who asks, `gjgxjhpt_rid`.
    pub requester: String,
    /// Which interface is asked, and the key to it; a dataset may name its own.
    pub service: ServiceKey,
    /// What is signed, in this order.
    pub message: Vec<Part>,
    /// The header of each part that is sent.
    pub headers: Vec<(Part, String)>,
    /// The header of the signature.
    pub sign_header: String,
    /// The keyed digest.
    pub algorithm: Algorithm,
    /// How the signature is written.
    pub encoding: Encoding,
    /// The time is in seconds since 1970, not in milliseconds.
    pub seconds: bool,
    /// The steps from the key of the file to the one that signs, in order; empty where it signs itself.
    pub stages: Vec<StageInfo>,
    /// What an answer says when the working secret has run out, besides HTTP 401.
    pub expired_when: Vec<Condition>,
}

/// An interface and the key to it. The platform gives out one for each interface and unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceKey {
    /// The id of the interface, `gjgxjhpt_sid`.
    pub id: String,
    /// The key.
    pub key: SecretPlace,
}

/// A call that gives out a further key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageInfo {
    /// What the file calls it, `day_key` or `secret`.
    pub name: &'static str,
    /// Its path.
    pub path: String,
    /// Where the key stands in the answer.
    pub at: JsonPath,
    /// How long the key is good for.
    pub life: Life,
}

/// How long a key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Until midnight in China.
    Day,
    /// For this long.
    For(Duration),
}

/// A part of what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Who asks.
    Requester,
    /// Which interface is asked.
    Service,
    /// When, since 1970.
    Time,
    /// The method.
    Method,
    /// The path, without the query.
    Path,
    /// The query, as it is sent.
    Query,
    /// The body, as it is sent.
    Body,
}

/// A keyed digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA256.
    HmacSha256,
    /// HMAC-SM3.
    HmacSm3,
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Base64 with padding.
    Base64,
    /// Hexadecimal in small letters.
    Hex,
}

impl Part {
    const ALL: [(&'static str, Self); 7] = [
        ("rid", Self::Requester),
        ("sid", Self::Service),
        ("time", Self::Time),
        ("method", Self::Method),
        ("path", Self::Path),
        ("query", Self::Query),
        ("body", Self::Body),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, part)| part)
    }
}

/// All keys an `[source.auth]` can have; which go together is checked by kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthTable {
    pub(super) kind: String,
    pub(super) token_url: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<toml::Value>,
    pub(super) scope: Option<String>,
    pub(super) client_auth: Option<String>,
    pub(super) rid: Option<String>,
    pub(super) sid: Option<String>,
    pub(super) key: Option<toml::Value>,
    pub(super) message: Option<Vec<String>>,
    pub(super) headers: Option<BTreeMap<String, String>>,
    pub(super) algorithm: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) time: Option<String>,
    pub(super) day_key: Option<StageTable>,
    pub(super) secret: Option<StageTable>,
    #[serde(default)]
    pub(super) expired_when: Vec<ConditionTable>,
}

/// `day_key` and `secret` of `[source.auth]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StageTable {
    pub(super) path: String,
    pub(super) at: String,
    pub(super) valid_for: Option<String>,
}

/// Checks `[source.auth]`.
pub(super) fn auth(
    checker: &mut Checker<'_>,
    place: &At<'_>,
    table: Option<toml::Table>,
    has_certificate: bool,
) -> Option<AuthInfo> {
    let here = At { place: "source.auth", span: place.span.clone() };
    let Some(table) = table else {
        checker.fault(
            "auth_missing",
            &here,
            Text::new("没有写 [source.auth]", "[source.auth] is missing"),
            Text::new(
                "写 [source.auth] kind = \"signed\"、\"hmac\"、\"oauth2\"、\"mtls\" 或 \"none\"",
                "write [source.auth] with kind = \"signed\", \"hmac\", \"oauth2\", \"mtls\" or \"none\"",
            ),
        );
        return None;
    };
    let table = match AuthTable::deserialize(table) {
        Ok(table) => table,
        Err(error) => {
            let form = words::of_form(&error);
            return unusable(checker, &here, &form.zh, &form.en);
        }
    };
    let expired_when = conditions(checker, &here, "expired_when", &table.expired_when);
    match table.kind.as_str() {
        "none" => Some(AuthInfo::None),
        "mtls" if has_certificate => Some(AuthInfo::Certificate),
        "mtls" => unusable(
            checker,
            &here,
            "kind = \"mtls\" 要有 tls_cert 和 tls_key",
            "kind = \"mtls\" needs tls_cert and tls_key in [source]",
        ),
        "oauth2" => oauth2(checker, &here, table, expired_when?),
        "signed" | "hmac" => signed(checker, &here, table, expired_when?),
        _ => unusable(
            checker,
            &here,
            "不认识这个 kind：有 signed、hmac、oauth2、mtls、none",
            "no such kind: there are signed, hmac, oauth2, mtls and none",
        ),
    }
}

fn unusable<T>(checker: &mut Checker<'_>, here: &At<'_>, zh: &str, en: &str) -> Option<T> {
    checker.fault(
        "auth_form",
        here,
        Text::new(zh, en),
        Text::new("按 connectors/README.md 的“网络服务”一节改正", "see \"Services\" in connectors/README.md"),
    );
    None
}

fn oauth2(
    checker: &mut Checker<'_>,
    here: &At<'_>,
    table: AuthTable,
    expired_when: Vec<Condition>,
) -> Option<AuthInfo> {
    let token_url = table.token_url.as_deref().and_then(service_path);
    let client_id = table.client_id.filter(|id| !id.trim().is_empty());
    let in_body = match table.client_auth.as_deref() {
        None | Some("basic") => Some(false),
        Some("body") => Some(true),
        Some(_) => None,
    };
    let secret = table.client_secret.as_ref().and_then(|value| secret_place(checker, here, "client_secret", value));
    if let (Some(token_url), Some(client_id), Some(in_body), true) =
        (token_url, client_id, in_body, table.client_secret.is_some())
    {
        let client_secret = secret?;
        let scope = table.scope;
        return Some(AuthInfo::Oauth2(Box::new(Oauth2Info {
            token_url,
            client_id,
            client_secret,
            scope,
            in_body,
            expired_when,
        })));
    }
    unusable(
        checker,
        here,
        "oauth2 要有 token_url（路径或 https 地址）、client_id、client_secret；client_auth 是 \"basic\" 或 \"body\"",
        "oauth2 needs token_url (a path, or an address of https), client_id and client_secret; client_auth is \"basic\" or \"body\"",
    )
}

fn service_path(text: &str) -> Option<ServicePath> {
    if text.starts_with('/') {
        Some(ServicePath::Path(text.to_owned()))
    } else {
        service_url(text).map(ServicePath::Address)
    }
}

fn signed(
    checker: &mut Checker<'_>,
    here: &At<'_>,
    table: AuthTable,
    expired_when: Vec<Condition>,
) -> Option<AuthInfo> {
    let platform = table.kind == "signed";
    let (Some(key), Some(rid)) = (&table.key, table.rid.clone().filter(|rid| is_header_value(rid))) else {
        return unusable(checker, here, "签名要有 rid 和 key", "a signature needs rid and key");
    };
    let key = secret_place(checker, here, "key", key);
    let sid = table.sid.clone().unwrap_or_default();
    let message: Option<Vec<Part>> = match &table.message {
        None => Some(vec![Part::Service, Part::Requester, Part::Time]),
        Some(names) => {
            names.iter().map(|name| Part::named(name)).collect::<Option<Vec<_>>>().filter(|parts| !parts.is_empty())
        }
    };
    let headers = headers(&table, platform);
    let algorithm = match table.algorithm.as_deref() {
        None | Some("hmac-sha256") => Some(Algorithm::HmacSha256),
        Some("hmac-sm3") => Some(Algorithm::HmacSm3),
        Some(_) => None,
    };
    let encoding = match table.encoding.as_deref() {
        None | Some("base64") => Some(Encoding::Base64),
        Some("hex") => Some(Encoding::Hex),
        Some(_) => None,
    };
    let seconds = match table.time.as_deref() {
        None | Some("milliseconds") => Some(false),
        Some("seconds") => Some(true),
        Some(_) => None,
    };
    let stages =
        [("day_key", &table.day_key, Life::Day), ("secret", &table.secret, Life::For(Duration::from_mins(30)))];
    let stages: Option<Vec<StageInfo>> = stages
        .into_iter()
        .filter_map(|(name, table, usual)| table.as_ref().map(|table| stage(name, table, usual)))
        .collect();
    let (Some(message), Some((headers, sign_header)), Some(algorithm), Some(encoding), Some(seconds), Some(stages)) =
        (message, headers, algorithm, encoding, seconds, stages)
    else {
        return unusable(
            checker,
            here,
            "签名的写法不可用：message 由 rid、sid、time、method、path、query、body 组成；headers 的键是 rid、sid、time、sign，值是标头名（hmac 必写 time 和 sign）；algorithm 是 hmac-sha256 或 hmac-sm3；encoding 是 base64 或 hex；time 是 milliseconds 或 seconds；day_key 和 secret 有 path（以 / 开头）、at（$ 开头的路径）和 valid_for",
            "the signature cannot be used: message is made of rid, sid, time, method, path, query and body; headers has rid, sid, time and sign with the names of headers (hmac needs time and sign); algorithm is hmac-sha256 or hmac-sm3; encoding is base64 or hex; time is milliseconds or seconds; day_key and secret have path (beginning with /), at (a path beginning with $) and valid_for",
        );
    };
    let service = ServiceKey { id: sid, key: key? };
    Some(AuthInfo::Signed(Box::new(SignedInfo {
        requester: rid,
        service,
        message,
        headers,
        sign_header,
        algorithm,
        encoding,
        seconds,
        stages,
        expired_when,
    })))
}

/// The headers of the parts, and that of the signature.
fn headers(table: &AuthTable, platform: bool) -> Option<(Vec<(Part, String)>, String)> {
    let mut named: BTreeMap<Part, String> =
        PLATFORM_HEADERS.iter().filter(|_| platform).map(|(part, name)| (*part, (*name).to_owned())).collect();
    let mut sign = platform.then(|| PLATFORM_SIGN.to_owned());
    for (key, name) in table.headers.iter().flatten() {
        if !is_header_name(name) {
            return None;
        }
        match key.as_str() {
            "sign" => sign = Some(name.clone()),
            "rid" | "sid" | "time" => {
                named.insert(Part::named(key)?, name.clone());
            }
            _ => return None,
        }
    }
    named.contains_key(&Part::Time).then_some(())?;
    Some((named.into_iter().collect(), sign?))
}

fn stage(name: &'static str, table: &StageTable, usual: Life) -> Option<StageInfo> {
    let life = match table.valid_for.as_deref() {
        None => usual,
        Some("day") => Life::Day,
        Some(text) => Life::For(duration(text).filter(|life| *life >= Duration::from_secs(1))?),
    };
    let at = JsonPath::parse(&table.at).filter(|path| !path.is_of_record() && !path.is_many())?;
    is_path(&table.path).then(|| StageInfo { name, path: table.path.clone(), at, life })
}

/// A path as it may stand in a request line.
pub(super) fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'"' | b'<' | b'>' | b'\\'))
}

fn is_header_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

pub(super) fn is_header_value(text: &str) -> bool {
    !text.trim().is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

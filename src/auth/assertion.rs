//! A client's proof of itself at the token endpoint: `private_key_jwt` (RFC 7523), in the strict form of FAPI 2.0 and
//! of the update to RFC 7523 that is under way: its own `typ`, the issuer as the only audience, a minute to live.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::clients::{Clients, RegisteredClient};
use super::jws::Jws;
use super::token::LEEWAY_SECONDS;

/// What `typ` of an assertion must be, so that no other token of the client can be taken for one.
pub const TYPE: &str = "client-authentication+jwt";
/// Longest life of an assertion, seconds.
pub const MAX_LIFETIME_SECONDS: i64 = 60;
/// Longest id of an assertion, bytes.
const MAX_ID: usize = 200;

/// Why an assertion is not accepted. Unknown clients, foreign keys and wrong signatures are one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// Not a JWS of the right type.
    #[error("the client assertion is not a compact JWS with `typ` `client-authentication+jwt`")]
    Form,
    /// Nobody who is registered signed it.
    #[error("the client is not registered, was revoked, or the assertion is not signed with a key it has in use")]
    Client,
    /// Claims that are missing or contradict each other.
    #[error("`iss` and `sub` must be the client id, `jti` 1 to 200 bytes, `iat` and `exp` whole seconds")]
    Claims,
    /// For somebody else.
    #[error("`aud` must be the issuer of this hub, as one string")]
    Audience,
    /// Expired, not valid yet, or living too long.
    #[error("the assertion has expired, is not valid yet, or lives longer than 60 seconds")]
    Lifetime,
}

/// The claims that are looked at.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nbf: Option<i64>,
    jti: String,
}

/// Who an assertion says made it; only chooses the keys that must prove it.
#[derive(Deserialize)]
struct Claimed {
    iss: String,
}

/// A client that proved itself, by an assertion that may not have been used before.
#[derive(Clone)]
pub struct Proven {
    /// The client.
    pub client: Arc<RegisteredClient>,
    /// The assertion's id. The caller must make sure that it is used once.
    pub jti: String,
    /// When the assertion expires, seconds since 1970.
    pub expires: i64,
}

/// The id an assertion claims to be of, when a client is registered under it: for the log, since nothing proves it.
pub fn claimed_client(assertion: &[u8], clients: &Clients) -> Option<String> {
    let claimed: Claimed = Jws::read(assertion).ok()?.claims().ok()?;
    clients.get(&claimed.iss).map(|_| claimed.iss)
}

/// Checks an assertion made for `issuer`.
pub fn check(assertion: &[u8], clients: &Clients, issuer: &str, now: Timestamp) -> Result<Proven, AssertionError> {
    check_of_type(assertion, TYPE, clients, issuer, now)
}

/// The same for what a client signs with another `typ`.
pub(super) fn check_of_type(
    assertion: &[u8],
    typ: &str,
    clients: &Clients,
    issuer: &str,
    now: Timestamp,
) -> Result<Proven, AssertionError> {
    let jws = Jws::read(assertion).map_err(|_| AssertionError::Form)?;
    if !jws.is_of_type(typ) {
        return Err(AssertionError::Form);
    }
    let claimed: Claimed = jws.claims().map_err(|_| AssertionError::Claims)?;
    let client = clients.get(&claimed.iss).filter(|client| client.is_active()).ok_or(AssertionError::Client)?;
    if !client.keys(jws.key_id(), now).any(|key| jws.verify(key).is_ok()) {
        return Err(AssertionError::Client);
    }
    let claims: Claims = jws.claims().map_err(|_| AssertionError::Claims)?;
    if claims.iss != claims.sub || !(1..=MAX_ID).contains(&claims.jti.len()) {
        return Err(AssertionError::Claims);
    }
    if claims.aud != *issuer {
        return Err(AssertionError::Audience);
    }
    let now = now.as_second();
    let lifetime = claims.exp.checked_sub(claims.iat).ok_or(AssertionError::Lifetime)?;
    let not_before = claims.nbf.unwrap_or(claims.iat).max(claims.iat);
    let is_now = now < claims.exp.saturating_add(LEEWAY_SECONDS) && not_before <= now + LEEWAY_SECONDS;
    if !(1..=MAX_LIFETIME_SECONDS).contains(&lifetime) || !is_now {
        return Err(AssertionError::Lifetime);
    }
    Ok(Proven { client: Arc::clone(client), jti: claims.jti, expires: claims.exp })
}

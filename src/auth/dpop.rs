//! Proofs of possession at the application level (`DPoP`, RFC 9449): a signed statement that whoever sends a request holds
//! the private key that its token is bound to. For callers who cannot speak mutual TLS.
//!
//! A proof is for one method at one address of this hub, for one token, for a minute, and for once. What makes it single
//! is the caller's matter: [`Proof::used`] says what has to be remembered.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::jws::{Jws, MAX_BYTES};
use super::key::PublicKey;
use super::token::LEEWAY_SECONDS;

/// What `typ` of a proof must be.
const TYPE: &str = "dpop+jwt";
/// How old a proof may be, seconds.
pub const MAX_AGE_SECONDS: i64 = 60;
/// Longest id of a proof, bytes.
const MAX_ID: usize = 200;

/// Why a proof is not accepted (`invalid_dpop_proof`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// No proof, although the token is bound to a key.
    #[error("the token is bound to a key, and the request has no DPoP header that proves it")]
    Missing,
    /// More than one.
    #[error("the request has more than one DPoP header")]
    Several,
    /// Not a JWS of the right type, or a header that is not accepted.
    #[error("the proof is not a compact JWS with `typ` `dpop+jwt` and a public `jwk`")]
    Form,
    /// Not a public key that is accepted here.
    #[error("the proof's `jwk` is not a public key on P-256 (ES256) or Ed25519 (EdDSA)")]
    Key,
    /// Signed otherwise.
    #[error("the proof is not signed with its own `jwk`")]
    Signature,
    /// Claims that are missing or of the wrong form.
    #[error("the proof needs `jti` of 1 to 200 bytes, `htm`, `htu` and `iat` in whole seconds")]
    Claims,
    /// For another method or address.
    #[error("the proof's `htm` or `htu` is not this request's method and address at this hub")]
    Request,
    /// Too old, or from the future.
    #[error("the proof was made more than 60 seconds ago, or is from the future; check the clock")]
    Lifetime,
    /// For another token, or with another key than the token's.
    #[error("the proof's `ath` is not this token's, or its key is not the one the token is bound to")]
    Token,
    /// Used before.
    #[error("the proof was used before; make one with a new `jti` for each request")]
    Replayed,
}

/// A proof that was accepted, unless it was used before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// SHA-256 thumbprint of its key, base64url (RFC 7638): what a token is bound to, in `cnf.jkt`.
    pub thumbprint: String,
    /// SHA-256 of what must not come a second time: key and `jti`.
    pub used: [u8; 32],
    /// Until when it could be used, seconds since 1970.
    pub usable_until: i64,
}

/// The addresses of this hub, as callers write them: scheme, host and port. Never taken from a request, since whoever was
/// shown a proof could ask under any name.
#[derive(Debug, Clone, Default)]
pub struct Addresses(Vec<Url>);

impl Addresses {
    /// Those of these texts that are https addresses.
    pub fn new<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Self {
        let parsed = addresses.into_iter().filter_map(|text| Url::parse(text).ok());
        Self(parsed.filter(|url| url.scheme() == "https" && url.has_host()).collect())
    }

    /// Whether an `htu` names this path here. Both are compared as RFC 3986 section 6.2 normalises them; query and fragment
    /// are passed over.
    fn is_here(&self, htu: &str, path: &str) -> bool {
        let Ok(told) = Url::parse(htu) else { return false };
        let is_plain = told.username().is_empty() && told.password().is_none();
        is_plain
            && self.0.iter().any(|own| {
                own.origin() == told.origin() && own.join(path).is_ok_and(|asked| asked.path() == told.path())
            })
    }
}

/// What a proof must be for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's path.
    pub path: &'a str,
    /// Where the hub is.
    pub addresses: &'a Addresses,
    /// SHA-256 of the token and the thumbprint it is bound to; none where a token is asked for.
    pub token: Option<([u8; 32], &'a str)>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    #[serde(default)]
    ath: Option<String>,
}

/// Checks a proof (RFC 9449 section 4.3). Whether it was used before is not known here.
pub fn check(proof: &[u8], expected: &Expected<'_>, now: Timestamp) -> Result<Proof, ProofError> {
    if proof.len() > MAX_BYTES {
        return Err(ProofError::Form);
    }
    let (jws, mut jwk) = Jws::read_with_key(proof).map_err(|_| ProofError::Form)?;
    if !jws.is_of_type(TYPE) {
        return Err(ProofError::Form);
    }
    // The thumbprint tells keys apart, whatever a key calls itself.
    if let Some(members) = jwk.as_object_mut() {
        members.remove("kid");
    }
    let key = PublicKey::from_jwk(&jwk).map_err(|_| ProofError::Key)?;
    jws.verify(&key).map_err(|_| ProofError::Signature)?;
    let claims: Claims = jws.claims().map_err(|_| ProofError::Claims)?;
    if !(1..=MAX_ID).contains(&claims.jti.len()) {
        return Err(ProofError::Claims);
    }
    if claims.htm != expected.method || !expected.addresses.is_here(&claims.htu, expected.path) {
        return Err(ProofError::Request);
    }
    let age = now.as_second().checked_sub(claims.iat).ok_or(ProofError::Lifetime)?;
    if !(-LEEWAY_SECONDS..=MAX_AGE_SECONDS).contains(&age) {
        return Err(ProofError::Lifetime);
    }
    let thumbprint = key.id().to_owned();
    if let Some((token, bound_to)) = &expected.token {
        let named = claims.ath.as_deref().and_then(|ath| URL_SAFE_NO_PAD.decode(ath).ok());
        if named.as_deref() != Some(token.as_slice()) || thumbprint != *bound_to {
            return Err(ProofError::Token);
        }
    }
    let mut used = digest::Context::new(&digest::SHA256);
    for part in [thumbprint.as_bytes(), &[0], claims.jti.as_bytes()] {
        used.update(part);
    }
    let used = used.finish().as_ref().try_into().map_err(|_| ProofError::Claims)?;
    Ok(Proof { thumbprint, used, usable_until: claims.iat.saturating_add(MAX_AGE_SECONDS + LEEWAY_SECONDS) })
}

#[cfg(test)]
mod tests;

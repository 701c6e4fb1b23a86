//! One compact JWS (RFC 7515), read as strictly as RFC 8725 asks: what a token says about itself never chooses
//! an algorithm, a key or an address.
//!
//! Three parts and no other form; header members are unique; members that carry or point to keys, or change how
//! the signature is made, are refused by name, whether or not the signature is good.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::key::PublicKey;
use crate::domain::unique::Unique;

/// Longest JWS that is looked at, bytes.
pub const MAX_BYTES: usize = 8 * 1024;
/// Longest key id, bytes.
const MAX_KEY_ID: usize = 128;
/// Header members by which a token would choose its own key (RFC 8725 section 3.10), hide what is signed, or ask
/// for something that is not done here. `jwk` is refused besides, except where the key is all that is proven.
const REFUSED_MEMBERS: [&str; 8] = ["jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk"];

/// Why something is not a JWS that is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Not three parts of base64url, or a header that is not accepted.
    #[error("not a compact JWS with a header that is accepted here")]
    Form,
    /// The signature was not made with the key and its algorithm.
    #[error("the signature is wrong, or made with another algorithm")]
    Signature,
    /// The payload is not a JSON object with unique members, or not of the form asked for.
    #[error("the payload does not have the form that is needed")]
    Payload,
}

/// What a header says. It is believed only as far as it agrees with what is configured.
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    kid: Option<String>,
}

/// A compact JWS whose signature is not checked yet.
#[derive(Debug)]
pub struct Jws<'a> {
    header: Header,
    signed: &'a [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Reads the form; believes nothing.
    pub fn read(text: &'a [u8]) -> Result<Self, JwsError> {
        Self::read_header(text).and_then(|(jws, key)| if key.is_none() { Ok(jws) } else { Err(JwsError::Form) })
    }

    /// The same of a statement that is signed with the key it carries, and that key: it proves only that its maker holds
    /// the private half (RFC 9449 section 4.2).
    pub fn read_with_key(text: &'a [u8]) -> Result<(Self, Value), JwsError> {
        let (jws, key) = Self::read_header(text)?;
        Ok((jws, key.ok_or(JwsError::Form)?))
    }

    fn read_header(text: &'a [u8]) -> Result<(Self, Option<Value>), JwsError> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= MAX_BYTES).ok_or(JwsError::Form)?;
        let (signed, signature) = text.rsplit_once('.').ok_or(JwsError::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Form)?;
        if payload.contains('.') || signature.is_empty() {
            return Err(JwsError::Form);
        }
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Form);
        let header = decode(header)?;
        let Unique(header) = serde_json::from_slice(&header).map_err(|_| JwsError::Form)?;
        if !header.is_object() || REFUSED_MEMBERS.iter().any(|refused| header.get(refused).is_some()) {
            return Err(JwsError::Form);
        }
        let key = header.get("jwk").cloned();
        let header: Header = serde_json::from_value(header).map_err(|_| JwsError::Form)?;
        if header.kid.as_deref().is_some_and(|kid| !is_key_id(kid)) {
            return Err(JwsError::Form);
        }
        let jws = Self { header, signed: signed.as_bytes(), payload: decode(payload)?, signature: decode(signature)? };
        Ok((jws, key))
    }

    /// Whether the header's `typ` is this one, with or without `application/` before it (RFC 7515 section 4.1.9).
    pub fn is_of_type(&self, typ: &str) -> bool {
        let given = self.header.typ.as_deref().unwrap_or_default();
        let prefix = "application/";
        let bare = match given.get(..prefix.len()) {
            Some(start) if start.eq_ignore_ascii_case(prefix) => given.get(prefix.len()..).unwrap_or_default(),
            _ => given,
        };
        bare.eq_ignore_ascii_case(typ)
    }

    /// The key the token says it was signed with; only chooses among configured keys.
    pub fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Whether this key made the signature, with the key's own algorithm.
    pub fn verify(&self, key: &PublicKey) -> Result<(), JwsError> {
        if self.header.alg != key.algorithm().as_str() {
            return Err(JwsError::Signature);
        }
        if key.verify(self.signed, &self.signature) { Ok(()) } else { Err(JwsError::Signature) }
    }

    /// The payload, each member of which stands once. Says nothing about the signature: call [`Jws::verify`] before
    /// anything in it is believed.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        let Unique(claims) = serde_json::from_slice(&self.payload).map_err(|_| JwsError::Payload)?;
        if !claims.is_object() {
            return Err(JwsError::Payload);
        }
        serde_json::from_value(claims).map_err(|_| JwsError::Payload)
    }
}

/// Whether a text can be a key id. Ids are compared with configured ones and used for nothing else; the form keeps
/// paths, addresses and statements out of the logs of whoever reads them later.
pub fn is_key_id(text: &str) -> bool {
    (1..=MAX_KEY_ID).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b':' | b'=' | b'+' | b'@')
        })
}

#[cfg(test)]
mod tests;

//! Documents that carry their own signature: a detached JWS (RFC 7515 appendix F, Ed25519) over the canonical JSON (RFC 8785)
//! of the document without it, with the key in the protected header. It proves that nothing was altered since whoever holds
//! that key signed it; whose key it is, the caller has to know.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::key::{KeyAlgorithm, PublicKey};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    jwk: Value,
    kid: String,
    typ: String,
}

/// The thumbprint (RFC 7638) of the key that signed a document of this type, where the signature in `member` holds.
pub fn signed_by(document: &Value, member: &str, typ: &str) -> Option<String> {
    let mut document = document.clone();
    let signature = document.as_object_mut()?.remove(member)?;
    let (encoded, signature) = signature.as_str()?.split_once("..")?;
    let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?;
    if header.alg != KeyAlgorithm::EdDsa.as_str() || header.typ != typ || header.jwk.get("kid").is_some() {
        return None;
    }
    let key = PublicKey::from_jwk(&header.jwk).ok().filter(|key| key.algorithm() == KeyAlgorithm::EdDsa)?;
    let payload = serde_json_canonicalizer::to_vec(&document).ok()?;
    let signed = format!("{encoded}.{}", URL_SAFE_NO_PAD.encode(payload));
    let holds = key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?);
    (header.kid == key.id() && holds).then_some(header.kid)
}

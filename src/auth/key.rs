//! Keys that prove tokens and assertions: PEM or JWK in, ES256 or `EdDSA` and nothing else.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, ThumbprintHash};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::jws::is_key_id;

/// The signature algorithms that are accepted. A key has one; a token cannot choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl KeyAlgorithm {
    /// Both, as metadata documents list them.
    pub const ALL: [Self; 2] = [Self::Es256, Self::EdDsa];

    /// Its name in `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// Why something is not a public key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A private key where a public one belongs.
    #[error(
        "this is a private key; give the public one (`openssl pkey -in KEY -pubout`) and keep this one with its owner"
    )]
    Private,
    /// Neither PEM nor a JWK, or damaged.
    #[error("not a public key in PEM (`BEGIN PUBLIC KEY`) or as a JWK: {0}")]
    Form(String),
    /// Another kind of key.
    #[error("only P-256 keys (ES256) and Ed25519 keys (EdDSA) are accepted")]
    Kind,
    /// The JWK says it is for something else, or its key id cannot be used.
    #[error("the JWK cannot be used: {0}")]
    Use(&'static str),
}

/// A public key with its one algorithm and its id.
#[derive(Clone)]
pub struct PublicKey {
    id: String,
    algorithm: KeyAlgorithm,
    key: Arc<ParsedPublicKey>,
    x: String,
    y: Option<String>,
}

impl PublicKey {
    /// A key from what an operator hands over: PEM, or a JWK in JSON.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.contains("PRIVATE KEY") {
            return Err(KeyError::Private);
        }
        if text.starts_with('{') {
            let jwk: Value = serde_json::from_str(text).map_err(|error| KeyError::Form(error.to_string()))?;
            return Self::from_jwk(&jwk);
        }
        Self::from_pem(text, KeyAlgorithm::EdDsa)
            .or_else(|_| Self::from_pem(text, KeyAlgorithm::Es256))
            .map_err(|_| KeyError::Form("neither an Ed25519 nor a P-256 key".to_owned()))
    }

    /// A key in PEM of this algorithm; its id is its thumbprint (RFC 7638).
    pub fn from_pem(text: &str, algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        let form = |error: jsonwebtoken::errors::Error| KeyError::Form(error.to_string());
        let key = match algorithm {
            KeyAlgorithm::EdDsa => DecodingKey::from_ed_pem(text.as_bytes()),
            KeyAlgorithm::Es256 => DecodingKey::from_ec_pem(text.as_bytes()),
        };
        Self::from_bytes(key.map_err(form)?.try_get_as_bytes().map_err(form)?, algorithm, None)
    }

    /// A key of a JWK. Members that say what the key is for must agree with proving signatures.
    pub fn from_jwk(value: &Value) -> Result<Self, KeyError> {
        let member = |name: &str| value.get(name).and_then(Value::as_str);
        if ["d", "k", "p", "q"].iter().any(|name| value.get(name).is_some()) {
            return Err(KeyError::Private);
        }
        let jwk: Jwk = serde_json::from_value(value.clone()).map_err(|error| KeyError::Form(error.to_string()))?;
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => KeyAlgorithm::Es256,
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => KeyAlgorithm::EdDsa,
            _ => return Err(KeyError::Kind),
        };
        if member("alg").is_some_and(|alg| alg != algorithm.as_str()) {
            return Err(KeyError::Use("`alg` does not belong to this kind of key"));
        }
        if member("use").is_some_and(|usage| usage != "sig") {
            return Err(KeyError::Use("`use` is not `sig`"));
        }
        let operations = value.get("key_ops").and_then(Value::as_array);
        if operations.is_some_and(|operations| !operations.iter().any(|operation| operation == "verify")) {
            return Err(KeyError::Use("`key_ops` lacks `verify`"));
        }
        let kid = match value.get("kid") {
            None => None,
            Some(Value::String(kid)) if is_key_id(kid) => Some(kid.clone()),
            Some(_) => return Err(KeyError::Use("`kid` is not 1 to 128 of A-Z a-z 0-9 - _ . ~ : = + @")),
        };
        let form = |error: jsonwebtoken::errors::Error| KeyError::Form(error.to_string());
        let key = DecodingKey::from_jwk(&jwk).map_err(form)?;
        Self::from_bytes(key.try_get_as_bytes().map_err(form)?, algorithm, kid)
    }

    /// An Ed25519 key from its 32 bytes.
    pub fn from_ed25519(public: &[u8]) -> Result<Self, KeyError> {
        Self::from_bytes(public, KeyAlgorithm::EdDsa, None)
    }

    /// INVARIANT: a key that cannot be a point of its curve does not get in.
    fn from_bytes(bytes: &[u8], algorithm: KeyAlgorithm, id: Option<String>) -> Result<Self, KeyError> {
        let (length, scheme): (usize, &'static dyn VerificationAlgorithm) = match algorithm {
            KeyAlgorithm::Es256 => (65, &ECDSA_P256_SHA256_FIXED),
            KeyAlgorithm::EdDsa => (32, &ED25519),
        };
        let key = if bytes.len() == length { ParsedPublicKey::new(scheme, bytes).ok() } else { None };
        let key = Arc::new(key.ok_or(KeyError::Kind)?);
        let encode = |part: Option<&[u8]>| part.map(|part| URL_SAFE_NO_PAD.encode(part));
        let (x, y) = match algorithm {
            KeyAlgorithm::Es256 => (encode(bytes.get(1..33)), encode(bytes.get(33..))),
            KeyAlgorithm::EdDsa => (encode(Some(bytes)), None),
        };
        let x = x.ok_or(KeyError::Kind)?;
        let mut made = Self { id: String::new(), algorithm, key, x, y };
        made.id = match id {
            Some(id) => id,
            None => serde_json::from_value::<Jwk>(made.to_jwk())
                .map_err(|error| KeyError::Form(error.to_string()))?
                .thumbprint(ThumbprintHash::SHA256)
                .map_err(|error| KeyError::Form(error.to_string()))?,
        };
        Ok(made)
    }

    /// Its id: the JWK's own, else its thumbprint.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The only algorithm it proves.
    pub const fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The key as a JWK (RFC 7517).
    pub fn to_jwk(&self) -> Value {
        let mut jwk = match self.algorithm {
            KeyAlgorithm::Es256 => json!({ "kty": "EC", "crv": "P-256", "x": self.x, "y": self.y }),
            KeyAlgorithm::EdDsa => json!({ "kty": "OKP", "crv": "Ed25519", "x": self.x }),
        };
        if let Some(members) = jwk.as_object_mut() {
            members.insert("use".to_owned(), "sig".into());
            members.insert("alg".to_owned(), self.algorithm.as_str().into());
            if !self.id.is_empty() {
                members.insert("kid".to_owned(), self.id.as_str().into());
            }
        }
        jwk
    }

    /// Whether this key made the signature of a message.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PublicKey({} {})", self.algorithm.as_str(), self.id)
    }
}

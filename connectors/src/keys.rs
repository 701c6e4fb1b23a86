//! Ed25519 keys that are pinned: those a hub signs its questions with, those an adapter signs its answers with.
//!
//! Public keys come as a JWK set (`/.well-known/jwks.json` of a hub), as one JWK, or in PEM; a private key in PEM
//! (PKCS #8, as `openssl genpkey -algorithm ED25519` writes it). A key's id is its thumbprint (RFC 7638), unless its
//! JWK names one.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use serde_json::{Value, json};

use crate::error::Text;
use crate::words;

/// Most keys of one file.
const MAX_KEYS: usize = 20;
/// Longest key id, bytes.
const MAX_ID: usize = 128;
/// What stands before the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410 section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why something is not a key that can be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("it cannot be read ({0}): check the path and the permission to read it")]
    Unreadable(std::io::Error),
    /// No Ed25519 key is in it.
    #[error("there is no Ed25519 public key in it, neither in PEM (`BEGIN PUBLIC KEY`) nor as a JWK or JWK set")]
    NoPublicKey,
    /// It is, or holds, a private key.
    #[error("it holds a private key; only the public half may leave its owner")]
    Private,
    /// No private key is in it.
    #[error("there is no Ed25519 private key in PEM (PKCS #8) in it; make one: openssl genpkey -algorithm ED25519")]
    NoPrivateKey,
    /// More keys than anybody needs, or two of one id.
    #[error("it holds more than {MAX_KEYS} keys, or two of one id")]
    TooMany,
}

impl KeyError {
    /// The error for people.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Unreadable(cause) => format!("无法读取（{}）：核对路径和读取权限", words::of_system(cause)),
            Self::NoPublicKey => "其中没有 Ed25519 公钥（PEM 的 BEGIN PUBLIC KEY、JWK 或 JWK 集）".to_owned(),
            Self::Private => "其中有私钥；只有公钥可以交给别人".to_owned(),
            Self::NoPrivateKey => {
                "其中没有 PEM（PKCS #8）格式的 Ed25519 私钥；生成：openssl genpkey -algorithm ED25519".to_owned()
            }
            Self::TooMany => format!("其中的密钥超过 {MAX_KEYS} 个，或有两个编号相同"),
        };
        Text::new(zh, self.to_string())
    }
}

/// A public key with its id.
#[derive(Clone)]
pub struct PublicKey {
    id: String,
    bytes: [u8; 32],
    parsed: Arc<ParsedPublicKey>,
}

impl PublicKey {
    /// The key of 32 bytes, under its thumbprint or the id it is given.
    fn of(bytes: &[u8], id: Option<&str>) -> Option<Self> {
        let bytes: [u8; 32] = bytes.try_into().ok()?;
        let parsed = Arc::new(ParsedPublicKey::new(&ED25519, bytes).ok()?);
        let id = id.map_or_else(|| thumbprint(&bytes), str::to_owned);
        Some(Self { id, bytes, parsed })
    }

    /// The keys of a text: a JWK set, one JWK, or PEM. Keys of other kinds in a set are passed over.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, KeyError> {
        if text.contains("PRIVATE KEY") {
            return Err(KeyError::Private);
        }
        let keys = if text.trim_start().starts_with('{') { from_json(text)? } else { from_pem(text) };
        let is_twice = |(place, key): (usize, &Self)| keys.iter().take(place).any(|other| other.id == key.id);
        if keys.len() > MAX_KEYS || keys.iter().enumerate().any(is_twice) {
            return Err(KeyError::TooMany);
        }
        if keys.is_empty() { Err(KeyError::NoPublicKey) } else { Ok(keys) }
    }

    /// The keys of a file.
    pub fn read_all(file: &Path) -> Result<Vec<Self>, KeyError> {
        Self::parse_all(&read(file)?)
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as a JWK (RFC 8037).
    pub fn to_jwk(&self) -> Value {
        json!({
            "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(self.bytes),
            "use": "sig", "alg": "EdDSA", "kid": self.id,
        })
    }

    /// Whether this key made the signature of a message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", self.id)
    }
}

/// A private key.
#[derive(Clone)]
pub struct PrivateKey {
    pair: Arc<Ed25519KeyPair>,
    public: PublicKey,
}

impl PrivateKey {
    /// The key of a text in PEM.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).map_err(|_| KeyError::NoPrivateKey)?;
        Self::of(Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).ok())
    }

    /// The key of a file in PEM.
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        Self::parse(&read(file)?)
    }

    /// The key of 32 random bytes.
    pub fn from_seed(seed: &[u8]) -> Result<Self, KeyError> {
        Self::of(Ed25519KeyPair::from_seed_unchecked(seed).ok())
    }

    fn of(pair: Option<Ed25519KeyPair>) -> Result<Self, KeyError> {
        let pair = pair.ok_or(KeyError::NoPrivateKey)?;
        let public = PublicKey::of(pair.public_key().as_ref(), None).ok_or(KeyError::NoPrivateKey)?;
        Ok(Self { pair: Arc::new(pair), public })
    }

    /// Its public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a message: 64 bytes.
    pub fn sign(&self, message: &[u8]) -> impl AsRef<[u8]> + use<> {
        self.pair.sign(message)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PrivateKey({}, hidden)", self.public.id)
    }
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn read(file: &Path) -> Result<String, KeyError> {
    std::fs::read_to_string(file).map_err(KeyError::Unreadable)
}

/// RFC 7638 section 3, RFC 8037 section 2.
fn thumbprint(bytes: &[u8; 32]) -> String {
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(bytes));
    URL_SAFE_NO_PAD.encode(sha256(jwk.as_bytes()))
}

fn from_pem(text: &str) -> Vec<PublicKey> {
    SubjectPublicKeyInfoDer::pem_slice_iter(text.as_bytes())
        .filter_map(|der| PublicKey::of(der.ok()?.strip_prefix(&SPKI_PREFIX)?, None))
        .collect()
}

fn from_json(text: &str) -> Result<Vec<PublicKey>, KeyError> {
    let document: Value = serde_json::from_str(text).map_err(|_| KeyError::NoPublicKey)?;
    let one = [document.clone()];
    let list = document.get("keys").and_then(Value::as_array).map_or(&one[..], Vec::as_slice);
    if list.iter().any(|jwk| ["d", "k"].iter().any(|name| jwk.get(name).is_some())) {
        return Err(KeyError::Private);
    }
    let key = |jwk: &Value| {
        let member = |name: &str| jwk.get(name).and_then(Value::as_str);
        let fits = member("crv") == Some("Ed25519")
            && member("use").is_none_or(|usage| usage == "sig")
            && member("alg").is_none_or(|alg| matches!(alg, "EdDSA" | "Ed25519"))
            && jwk.get("kid").is_none_or(|kid| kid.as_str().is_some_and(is_id));
        let bytes = URL_SAFE_NO_PAD.decode(member("x").filter(|_| fits)?).ok()?;
        PublicKey::of(&bytes, member("kid"))
    };
    Ok(list.iter().filter_map(key).collect())
}

/// Whether a text can be a key id: it stands in header fields and in logs.
pub(crate) fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:=+@".contains(&byte);
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

    #[test]
    fn the_thumbprint_and_signature_of_rfc_8037_come_out() {
        let key = PrivateKey::from_seed(&URL_SAFE_NO_PAD.decode(D).unwrap()).unwrap();
        assert_eq!(key.public().to_jwk()["x"], X);
        assert_eq!(key.public().id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = key.sign(message);
        assert_eq!(
            URL_SAFE_NO_PAD.encode(signature.as_ref()),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        assert!(key.public().verify(message, signature.as_ref()));
        assert!(!key.public().verify(b"another", signature.as_ref()));
    }

    #[test]
    fn keys_are_read_from_a_set_a_jwk_or_pem_and_private_ones_are_refused() {
        let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"}}"#);
        let ec = r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#;
        let set = format!(r#"{{"keys":[{ec},{jwk}]}}"#);
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            base64::engine::general_purpose::STANDARD
                .encode([&SPKI_PREFIX[..], &URL_SAFE_NO_PAD.decode(X).unwrap()].concat())
        );
        for text in [&jwk, &set, &pem] {
            let keys = PublicKey::parse_all(text).unwrap();
            assert_eq!((keys.len(), keys[0].id()), (1, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
        }
        let private = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}","d":"{D}"}}"#);
        assert!(matches!(PublicKey::parse_all(&private), Err(KeyError::Private)));
        assert!(matches!(PublicKey::parse_all(&format!("{pem}{pem}")), Err(KeyError::TooMany)));
        for text in ["", "{", "{}", "[]", ec, r#"{"keys":[]}"#, r#"{"keys":7}"#, "-----BEGIN PUBLIC KEY-----"] {
            assert!(matches!(PublicKey::parse_all(text), Err(KeyError::NoPublicKey)), "{text}");
        }
        assert!(matches!(PrivateKey::parse(&pem), Err(KeyError::NoPrivateKey)));
    }
}

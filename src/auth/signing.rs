//! The hub's own key for access tokens: Ed25519, with what signs and what is published.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::jwks::{IssuerKeys, KnownKey};
use super::key::{KeyError, PublicKey};
use super::token::Claims;

/// Length of a key's seed, bytes.
pub const SEED: usize = 32;

/// One key of the hub.
#[derive(Clone)]
pub struct SigningKey {
    /// Its number, from 1.
    pub number: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// Until when its tokens are believed, once another key has taken its place.
    pub retires_at: Option<Timestamp>,
    pair: Arc<Ed25519KeyPair>,
    public: PublicKey,
}

impl SigningKey {
    /// The key of a seed.
    pub fn from_seed(
        number: u32,
        seed: &[u8],
        made_at: Timestamp,
        retires_at: Option<Timestamp>,
    ) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Kind)?;
        let public = PublicKey::from_ed25519(pair.public_key().as_ref())?;
        Ok(Self { number, made_at, retires_at, pair: Arc::new(pair), public })
    }

    /// Its public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The same key, whose tokens are believed until then.
    #[must_use]
    pub fn retiring(&self, retires_at: Timestamp) -> Self {
        Self { retires_at: Some(retires_at), ..self.clone() }
    }

    /// Whether its tokens are believed at this instant.
    pub fn is_believed(&self, now: Timestamp) -> bool {
        self.retires_at.is_none_or(|retires_at| now < retires_at)
    }

    /// An access token (RFC 9068).
    pub fn sign(&self, claims: &Claims) -> String {
        let header = json!({ "alg": self.public.algorithm().as_str(), "kid": self.public.id(), "typ": "at+jwt" });
        let claims = serde_json::to_vec(claims).expect("claims hold only strings, whole numbers and lists");
        let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.pair.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        token
    }
}

/// The keys as the verifier needs them.
pub fn issuer_keys(keys: &[SigningKey]) -> IssuerKeys {
    let known =
        |key: &SigningKey| KnownKey { key: key.public.clone(), until: key.retires_at.map(Timestamp::as_second) };
    IssuerKeys::Set(keys.iter().map(known).collect())
}

/// The keys as they are published (RFC 7517): those whose tokens are believed now.
pub fn jwks(keys: &[SigningKey], now: Timestamp) -> Value {
    let published: Vec<Value> = keys.iter().filter(|key| key.is_believed(now)).map(|key| key.public.to_jwk()).collect();
    json!({ "keys": published })
}

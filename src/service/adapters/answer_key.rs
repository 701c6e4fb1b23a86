//! The key that signs an adapter's answers: read from its manifest when it registers, and pinned from then on.

use std::fmt;

use connectors::keys::PublicKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A pinned public key, kept as its JWK.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct AnswerKey(PublicKey);

/// What is no public key of Ed25519, or more than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an answer key is one Ed25519 public key as a JWK (RFC 8037)")]
pub struct AnswerKeyError;

impl AnswerKey {
    /// The key.
    pub const fn public(&self) -> &PublicKey {
        &self.0
    }
}

impl TryFrom<Value> for AnswerKey {
    type Error = AnswerKeyError;

    fn try_from(jwk: Value) -> Result<Self, AnswerKeyError> {
        let keys = PublicKey::parse_all(&jwk.to_string()).map_err(|_| AnswerKeyError)?;
        match <[PublicKey; 1]>::try_from(keys) {
            Ok([key]) => Ok(Self(key)),
            Err(_) => Err(AnswerKeyError),
        }
    }
}

impl From<AnswerKey> for Value {
    fn from(key: AnswerKey) -> Self {
        key.0.to_jwk()
    }
}

impl PartialEq for AnswerKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_jwk() == other.0.to_jwk()
    }
}

impl Eq for AnswerKey {}

impl fmt::Debug for AnswerKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use connectors::keys::PrivateKey;
    use serde_json::json;

    use super::*;

    #[test]
    fn one_public_key_is_kept_as_it_came_and_nothing_else_is_one() {
        let jwk = PrivateKey::from_seed(&[7; 32]).unwrap().public().to_jwk();
        let key: AnswerKey = serde_json::from_value(jwk.clone()).unwrap();
        assert_eq!(serde_json::to_value(&key).unwrap(), jwk);
        let other = PrivateKey::from_seed(&[8; 32]).unwrap().public().to_jwk();
        let mut private = jwk.clone();
        private["d"] = "AA".into();
        for wrong in
            [json!({ "keys": [jwk, other] }), private, json!({}), json!("-----BEGIN PUBLIC KEY-----"), json!(7)]
        {
            assert!(AnswerKey::try_from(wrong.clone()).is_err(), "{wrong}");
        }
    }
}

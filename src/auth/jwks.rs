//! The keys of an issuer: one in PEM, or a JWK set (RFC 7517) that changes over time.

use serde_json::Value;

use super::key::{KeyAlgorithm, KeyError, PublicKey};
use super::token::MAX_LIFETIME_SECONDS;

/// Most keys of one set.
const MAX_KEYS: usize = 100;

/// Why something is not a JWK set that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// Not JSON of the form `{\"keys\":[…]}`.
    #[error("not a JWK set (`{{\"keys\":[…]}}`)")]
    Form,
    /// More keys than anybody needs.
    #[error("more than {MAX_KEYS} keys")]
    TooMany,
    /// None of its keys has the configured algorithm.
    #[error("no key in it can prove {} signatures", .0.as_str())]
    None(KeyAlgorithm),
    /// Two keys of one id.
    #[error("two keys have the id `{0}`")]
    Twice(String),
    /// A private key in a public document.
    #[error("it holds a private key; whoever read it can make tokens: let the issuer replace that key")]
    Private,
}

/// A key and how long it is believed.
#[derive(Debug, Clone)]
pub struct KnownKey {
    /// The key.
    pub key: PublicKey,
    /// Until when, seconds since 1970; without end while the issuer publishes it.
    pub until: Option<i64>,
}

/// The keys of one issuer.
#[derive(Debug, Clone)]
pub enum IssuerKeys {
    /// One key that was configured: what a token says about its key id does not matter.
    One(KnownKey),
    /// A published set: a token names one of them, or the set has only one.
    Set(Vec<KnownKey>),
}

impl IssuerKeys {
    /// The one configured key.
    pub const fn one(key: PublicKey) -> Self {
        Self::One(KnownKey { key, until: None })
    }

    /// A published set: the keys in it that can prove this algorithm. Keys for other things are passed over.
    pub fn parse(document: &[u8], algorithm: KeyAlgorithm) -> Result<Self, JwksError> {
        let document: Value = serde_json::from_slice(document).map_err(|_| JwksError::Form)?;
        let list = document.get("keys").and_then(Value::as_array).ok_or(JwksError::Form)?;
        if list.len() > MAX_KEYS {
            return Err(JwksError::TooMany);
        }
        let mut keys: Vec<KnownKey> = Vec::new();
        for jwk in list {
            let key = match PublicKey::from_jwk(jwk) {
                Ok(key) if key.algorithm() == algorithm => key,
                Err(KeyError::Private) => return Err(JwksError::Private),
                Ok(_) | Err(_) => continue,
            };
            if keys.iter().any(|known| known.key.id() == key.id()) {
                return Err(JwksError::Twice(key.id().to_owned()));
            }
            keys.push(KnownKey { key, until: None });
        }
        if keys.is_empty() { Err(JwksError::None(algorithm)) } else { Ok(Self::Set(keys)) }
    }

    /// These keys, and those of `before` that are no longer published: tokens that were signed just before the
    /// change are good for as long as a token lives.
    #[must_use]
    pub fn after(self, before: &Self, now: i64) -> Self {
        let mut keys = self.into_known();
        for former in before.known() {
            let until = former.until.unwrap_or(now + MAX_LIFETIME_SECONDS);
            if until > now && !keys.iter().any(|known| known.key.id() == former.key.id()) {
                keys.push(KnownKey { key: former.key.clone(), until: Some(until) });
            }
        }
        Self::Set(keys)
    }

    /// Whether the keys published here are those that are published there.
    pub fn publishes_the_same(&self, there: &Self) -> bool {
        let published = |keys: &Self| {
            let mut jwks: Vec<String> = keys
                .known()
                .iter()
                .filter(|known| known.until.is_none())
                .map(|known| known.key.to_jwk().to_string())
                .collect();
            jwks.sort();
            jwks
        };
        published(self) == published(there)
    }

    /// The key that must have signed a token that names this key id, or none.
    pub fn find(&self, id: Option<&str>, now: i64) -> Option<&KnownKey> {
        match (self, id) {
            (Self::One(known), _) => Some(known),
            (Self::Set(keys), Some(id)) => keys.iter().find(|known| known.key.id() == id),
            (Self::Set(keys), None) => {
                let mut published = keys.iter().filter(|known| known.until.is_none());
                published.next().filter(|_| published.next().is_none())
            }
        }
        .filter(|known| known.until.is_none_or(|until| now < until))
    }

    fn known(&self) -> &[KnownKey] {
        match self {
            Self::One(known) => std::slice::from_ref(known),
            Self::Set(keys) => keys,
        }
    }

    fn into_known(self) -> Vec<KnownKey> {
        match self {
            Self::One(known) => vec![known],
            Self::Set(keys) => keys,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn jwk(id: &str) -> Value {
        let mut jwk = PublicKey::parse(&rcgen::KeyPair::generate().unwrap().public_key_pem()).unwrap().to_jwk();
        jwk["kid"] = json!(id);
        jwk
    }

    fn parse(keys: &[Value]) -> Result<IssuerKeys, JwksError> {
        IssuerKeys::parse(json!({ "keys": keys }).to_string().as_bytes(), KeyAlgorithm::Es256)
    }

    #[test]
    fn only_public_keys_for_signatures_of_the_configured_algorithm_are_taken() {
        let good = jwk("a");
        let mut encryption = jwk("b");
        encryption["use"] = json!("enc");
        let rsa = json!({ "kty": "RSA", "kid": "c", "n": "AQAB", "e": "AQAB", "alg": "RS256" });
        let keys = parse(&[rsa.clone(), encryption.clone(), good.clone(), json!({ "kty": "weird" })]).unwrap();
        assert!(keys.find(Some("a"), 0).is_some());
        assert!(keys.find(Some("b"), 0).is_none() && keys.find(Some("c"), 0).is_none());
        assert!(keys.find(None, 0).is_some(), "the set has one key");
        assert_eq!(parse(&[rsa, encryption]).err(), Some(JwksError::None(KeyAlgorithm::Es256)));
        assert_eq!(parse(&[good.clone(), good.clone()]).err(), Some(JwksError::Twice("a".to_owned())));
        let mut private = good;
        private["d"] = json!("AQAB");
        assert_eq!(parse(&[private]).err(), Some(JwksError::Private));
        for bad in ["", "{}", "[]", "{\"keys\":{}}", "nonsense"] {
            assert_eq!(IssuerKeys::parse(bad.as_bytes(), KeyAlgorithm::Es256).err(), Some(JwksError::Form), "{bad}");
        }
        assert_eq!(parse(&vec![json!({}); 101]).err(), Some(JwksError::TooMany));
    }

    #[test]
    fn a_key_that_is_no_longer_published_is_good_for_one_life_of_a_token() {
        let (first, second) = (jwk("a"), jwk("b"));
        let before = parse(std::slice::from_ref(&first)).unwrap();
        let after = parse(std::slice::from_ref(&second)).unwrap().after(&before, 1000);
        assert!(after.find(Some("a"), 1599).is_some() && after.find(Some("b"), 1599).is_some());
        assert!(after.find(Some("a"), 1600).is_none() && after.find(Some("b"), 1600).is_some());
        // Reading the same set again does not give it more time.
        let again = parse(std::slice::from_ref(&second)).unwrap().after(&after, 1500);
        assert!(again.find(Some("a"), 1600).is_none());
        assert!(again.publishes_the_same(&parse(&[second]).unwrap()));
        assert!(!again.publishes_the_same(&parse(&[first]).unwrap()));
    }
}

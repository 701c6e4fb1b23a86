//! The clients that are registered at this hub, with the public keys that prove them.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::key::{KeyError, PublicKey};
use crate::domain::actor::Client;

/// A client as it is registered, and as the store keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Who it is and what it may do; its tokens carry this.
    pub client: Client,
    /// Its public keys, the newest last.
    pub keys: Vec<RegisteredKey>,
    /// Since when.
    pub registered_at: Timestamp,
    /// Tokens issued before are dead: a key was withdrawn at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_from: Option<Timestamp>,
    /// Whether its tokens must be bound to a certificate or a key.
    #[serde(default)]
    pub sender_constrained: SenderConstrained,
    /// When it was revoked. A revoked client stays known, so that its id is not given to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// Whether a client's tokens must be bound to what only the client holds: a certificate (RFC 8705) or a key (RFC 9449).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SenderConstrained {
    /// A token is bound where the client proves a certificate or a key.
    #[default]
    Optional,
    /// Without either it gets no token.
    Required,
}

/// A public key of a client.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisteredKey {
    /// The key, a JWK with its `kid`.
    pub jwk: Value,
    /// Since when.
    pub added_at: Timestamp,
    /// Until when, once another key has taken its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retires_at: Option<Timestamp>,
}

impl RegisteredKey {
    /// Whether it proves the client at this instant.
    pub fn is_in_use(&self, now: Timestamp) -> bool {
        self.retires_at.is_none_or(|retires_at| now < retires_at)
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.jwk.get("kid").and_then(Value::as_str).unwrap_or_default()
    }
}

/// A registered client with its keys ready for use.
pub struct RegisteredClient {
    registration: Registration,
    client: Arc<Client>,
    keys: Vec<PublicKey>,
}

impl RegisteredClient {
    /// Reads the keys of a registration.
    pub fn new(registration: Registration) -> Result<Self, KeyError> {
        let keys = registration.keys.iter().map(|key| PublicKey::from_jwk(&key.jwk)).collect::<Result<_, _>>()?;
        let client = Arc::new(registration.client.clone());
        Ok(Self { registration, client, keys })
    }

    /// Who it is.
    pub const fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// What is registered.
    pub const fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Whether it was not revoked.
    pub const fn is_active(&self) -> bool {
        self.registration.revoked_at.is_none()
    }

    /// Whether a token of the hub issued at this second, since 1970, is still good.
    pub fn may_use_token_of(&self, issued: i64) -> bool {
        self.is_active() && self.registration.tokens_from.is_none_or(|from| issued > from.as_second())
    }

    /// The keys that prove the client now; with a key id, the one of that id.
    pub fn keys<'a>(&'a self, id: Option<&'a str>, now: Timestamp) -> impl Iterator<Item = &'a PublicKey> {
        let in_use =
            self.registration.keys.iter().zip(&self.keys).filter(move |(registered, _)| registered.is_in_use(now));
        in_use.map(|(_, key)| key).filter(move |key| id.is_none_or(|id| key.id() == id))
    }
}

/// All registered clients, by id.
#[derive(Default)]
pub struct Clients(HashMap<String, Arc<RegisteredClient>>);

impl Clients {
    /// The client of this id, revoked or not.
    pub fn get(&self, id: &str) -> Option<&Arc<RegisteredClient>> {
        self.0.get(id)
    }

    /// All of them, revoked or not, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<RegisteredClient>> {
        self.0.values()
    }

    /// The same clients, with this one as it is now.
    #[must_use]
    pub fn with(&self, client: RegisteredClient) -> Self {
        let mut clients = self.0.clone();
        clients.insert(client.client.id.clone(), Arc::new(client));
        Self(clients)
    }
}

impl FromIterator<RegisteredClient> for Clients {
    fn from_iter<I: IntoIterator<Item = RegisteredClient>>(clients: I) -> Self {
        Self(clients.into_iter().map(|client| (client.client.id.clone(), Arc::new(client))).collect())
    }
}

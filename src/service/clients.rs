//! The clients and keys of the hub's own tokens: registered, given another key, revoked, each with its log entry.
//!
//! What operators ask for comes in by `service/changes.rs`. The change and its entry become durable in one transaction,
//! and only then count.

mod change;

use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};

use crate::access_log::{AccessEvent, Action};
use crate::auth::clients::{Clients, RegisteredClient};
use crate::auth::key::KeyError;
use crate::auth::signing::{SEED, SigningKey, issuer_keys};
use crate::auth::token::{LEEWAY_SECONDS, MAX_LIFETIME_SECONDS, OwnIssuer, TokenVerifier};
use crate::domain::actor::Role;
use crate::domain::clock::{Clock, Randomness};
use crate::seal::{Field, SealError, Sealer};
use crate::service::changes::{Answer, Order};
use crate::service::ids::Ids;
use crate::store::{Changes, ClientRow, EventRow, SigningKeyRow, Store, StoreError};

pub use change::{Change, ChangeFault};

/// Why clients or keys cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sealed signing key does not open: another sealing key was configured.
    #[error("the hub's signing key cannot be opened: {0}")]
    Seal(#[from] SealError),
    /// A stored key is none.
    #[error("a stored key cannot be used: {0}")]
    Key(#[from] KeyError),
}

/// What the parts of the registry are made from.
pub struct Parts {
    /// Where clients and keys are kept.
    pub store: Store,
    /// Seals signing keys.
    pub sealer: Sealer,
    /// Told of every change.
    pub tokens: Arc<TokenVerifier>,
    /// What the hub's tokens carry in `iss`.
    pub issuer: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Seeds of keys.
    pub randomness: Arc<dyn Randomness>,
    /// Ids of events.
    pub ids: Ids,
}

/// The registered clients and the hub's signing keys.
pub struct ClientRegistry {
    parts: Parts,
    state: RwLock<State>,
}

#[derive(Clone)]
struct State {
    clients: Arc<Clients>,
    keys: Arc<Vec<SigningKey>>,
}

impl ClientRegistry {
    /// Reads clients and keys.
    pub async fn open(parts: Parts) -> Result<Self, ClientsError> {
        let mut clients = Vec::new();
        for row in parts.store.clients().await? {
            let registration = serde_json::from_str(&row.body).map_err(|_| StoreError::Corrupt("registered client"))?;
            clients.push(RegisteredClient::new(registration)?);
        }
        let mut keys = Vec::new();
        for row in parts.store.signing_keys().await? {
            keys.push(opened(&parts.sealer, &row)?);
        }
        let state = State { clients: Arc::new(clients.into_iter().collect()), keys: Arc::new(keys) };
        let registry = Self { parts, state: RwLock::new(state.clone()) };
        registry.replace(state);
        Ok(registry)
    }

    /// The registered clients.
    pub fn clients(&self) -> Arc<Clients> {
        self.state().clients
    }

    /// The hub's keys; the last one signs.
    pub fn signing_keys(&self) -> Arc<Vec<SigningKey>> {
        self.state().keys
    }

    /// What the hub's tokens carry in `iss`.
    pub fn issuer(&self) -> &str {
        &self.parts.issuer
    }

    /// Why a change could not be made now, where it could not.
    pub fn fault_of(&self, change: &Change) -> Option<ChangeFault> {
        if matches!(change, Change::NewSigningKey { .. }) {
            return None;
        }
        change.clone().apply(&self.clients(), self.parts.clock.now()).err()
    }

    /// Makes a change: durable with its log entry first, then in force. What was done, or why not.
    pub async fn change(
        &self,
        order: Order<'_>,
        change: Change,
        request: Option<i64>,
    ) -> Result<Result<String, ChangeFault>, ClientsError> {
        let now = self.parts.clock.now();
        let state = self.state();
        let (mut changes, mut objects, next) = if let Change::NewSigningKey { at_once } = change {
            let (changes, keys) = self.next_signing_key(&state.keys, now, at_once)?;
            (changes, Vec::new(), State { keys: Arc::new(keys), ..state })
        } else {
            let (registration, done) = match change.apply(&state.clients, now) {
                Ok(changed) => changed,
                Err(fault) => return Ok(Err(fault)),
            };
            let object = format!("client/{}/{done}", registration.client.id);
            let body = serde_json::to_string(&registration).map_err(|_| StoreError::Corrupt("registered client"))?;
            let row = ClientRow { id: registration.client.id.clone(), changed_at: now.as_microsecond(), body };
            let clients = Arc::new(state.clients.with(RegisteredClient::new(registration)?));
            let mut changes = Changes { clients: vec![row], ..Changes::default() };
            // The first client needs a key of the hub, which nobody needed before.
            let keys = if state.keys.is_empty() {
                let (made, keys) = self.next_signing_key(&state.keys, now, false)?;
                changes.signing_keys = made.signing_keys;
                Arc::new(keys)
            } else {
                state.keys
            };
            (changes, vec![object], State { clients, keys })
        };
        objects.extend(changes.signing_keys.iter().map(|key| format!("signing_key/{}/made", key.number)));
        let done = objects.first().cloned().unwrap_or_default();
        changes.answered = request.map(|number| (number, Answer::Done(done.clone()).to_json()));
        changes.approval = order.end(now);
        let events = objects.iter().map(|object| event(&self.parts.ids, order, object, now));
        self.parts.store.change(changes, events.collect::<Result<_, _>>()?).await?;
        self.replace(next);
        Ok(Ok(done))
    }

    /// The rows and keys when another key takes the last one's place. Tokens of the last one are believed for as long
    /// as they live, or not at all any more.
    fn next_signing_key(
        &self,
        before: &[SigningKey],
        now: Timestamp,
        at_once: bool,
    ) -> Result<(Changes, Vec<SigningKey>), ClientsError> {
        let grace = if at_once { 0 } else { MAX_LIFETIME_SECONDS + LEEWAY_SECONDS };
        let retires_at = now.saturating_add(SignedDuration::from_secs(grace)).unwrap_or(now);
        let mut seed = zeroize::Zeroizing::new([0_u8; SEED]);
        self.parts.randomness.fill(seed.as_mut());
        let number = before.last().map_or(1, |key| key.number + 1);
        let name = sealed_name(number);
        let (data_key, wrapped_key) = self.parts.sealer.new_data_key(&name)?;
        let secret = self.parts.sealer.seal(&data_key, &name, Field::Seed, seed.as_ref())?;
        let made_at = now.as_microsecond();
        let rows = vec![SigningKeyRow { number, made_at, retires_at: None, wrapped_key, secret }];
        let mut keys = Vec::with_capacity(before.len() + 1);
        let mut retired = Vec::with_capacity(before.len());
        for key in before {
            let ends_at = key.retires_at.map_or(retires_at, |at| at.min(retires_at));
            retired.push((key.number, ends_at.as_microsecond()));
            keys.push(key.retiring(ends_at));
        }
        keys.push(SigningKey::from_seed(number, seed.as_ref(), now, None)?);
        Ok((Changes { signing_keys: rows, retired_keys: retired, ..Changes::default() }, keys))
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts clients and keys in force, here and where tokens are checked.
    fn replace(&self, state: State) {
        self.parts.tokens.trust_own(OwnIssuer {
            name: self.parts.issuer.clone(),
            keys: issuer_keys(&state.keys),
            clients: Arc::clone(&state.clients),
        });
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// The event of a change of clients or keys.
fn event(ids: &Ids, order: Order<'_>, object: &str, now: Timestamp) -> Result<EventRow, StoreError> {
    let action = if object.starts_with("signing_key/") { Action::KeyChanged } else { Action::ClientChanged };
    let request_id = ids.next("rq");
    let mut event = AccessEvent::new(ids.next("ev"), now, action, None, &request_id);
    (event.actor, event.role, event.object) = (Some(order.by), Some(Role::Operator), Some(object));
    event.approvers = order.approvers();
    event.to_row()
}

/// What a sealed signing key is bound to.
fn sealed_name(number: u32) -> String {
    format!("signing_key/{number}")
}

fn opened(sealer: &Sealer, row: &SigningKeyRow) -> Result<SigningKey, ClientsError> {
    let name = sealed_name(row.number);
    let seed = zeroize::Zeroizing::new(sealer.open_data_key(&name, &row.wrapped_key)?.open(
        &name,
        Field::Seed,
        &row.secret,
    )?);
    let instant = |at| Timestamp::from_microsecond(at).map_err(|_| StoreError::Corrupt("signing key"));
    let retires_at = row.retires_at.map(instant).transpose()?;
    Ok(SigningKey::from_seed(row.number, &seed, instant(row.made_at)?, retires_at)?)
}

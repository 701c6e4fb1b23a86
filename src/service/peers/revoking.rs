//! A peer tells that an authorisation was revoked under which it asked: what is asked under it stops, and what departments
//! said is forgotten.
//!
//! A peer names its own authorisations only: whatever number it tells, it is one that it asked under itself, or none.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use connectors::context::{Case, Context};
use connectors::protocol::{AdapterProblem, MAX_SUBJECTS};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::question::{Heard, MAX_TEXT, is_id, is_plain};
use super::{Arrived, AtTheDoor, BELIEVED, KnownPeer, Peers, REMEMBERED, Refused, Signed};
use crate::access_log::{AccessEvent, Action};
use crate::domain::authorisation::canonical_number;
use crate::domain::division::DivisionCode;
use crate::federation::revocation::{Answer, Revocation, Told, is_signed_for};
use crate::store::{AskedUnder, Changes, EventRow, PeerChanges, StoreError, UnderRow};

/// Questions of peers that are under way, and the authorisations that were revoked just now.
pub(super) struct Revoking {
    under_way: Mutex<HashMap<String, (UnderRow, CancellationToken)>>,
    /// What is remembered of revocations of which nothing was asked here: a question may have been overtaken.
    recent: moka::sync::Cache<UnderRow, ()>,
    /// One telling at a time, so that the first revocation stands.
    one: tokio::sync::Mutex<()>,
}

/// A question under way; not any more once this is dropped.
pub(super) struct UnderWay<'a> {
    revoking: &'a Revoking,
    id: String,
    /// Says that the authorisation was revoked.
    pub(super) revoked: CancellationToken,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.revoking.table(|table| table.remove(&self.id));
    }
}

impl Default for Revoking {
    fn default() -> Self {
        let recent = moka::sync::Cache::builder().max_capacity(REMEMBERED).time_to_live(BELIEVED).build();
        Self { under_way: Mutex::default(), recent, one: tokio::sync::Mutex::default() }
    }
}

impl Revoking {
    fn table<T>(&self, with: impl FnOnce(&mut HashMap<String, (UnderRow, CancellationToken)>) -> T) -> T {
        with(&mut self.under_way.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Enters a question of this id among those under way.
    pub(super) fn enter(&self, id: &str, under: &UnderRow) -> UnderWay<'_> {
        let revoked = CancellationToken::new();
        self.table(|table| table.insert(id.to_owned(), (under.clone(), revoked.clone())));
        UnderWay { revoking: self, id: id.to_owned(), revoked }
    }

    /// Whether an authorisation was revoked that nothing had been asked under.
    pub(super) fn is_recent(&self, under: &UnderRow) -> bool {
        self.recent.contains_key(under)
    }

    /// Stops what is asked under an authorisation.
    fn stop(&self, under: &UnderRow) {
        self.table(|table| {
            let resting = table.values().filter(|(of, _)| of == under);
            resting.for_each(|(_, revoked)| revoked.cancel());
        });
    }
}

/// A telling that is proven to be this peer's, and sound.
struct Proven {
    context: Context,
    request_id: String,
    /// The number as it was told.
    number: String,
    under: UnderRow,
}

impl Peers {
    /// Takes the telling of a peer that was admitted. What it asks under the authorisation is stopped and what was said under
    /// it is forgotten before the answer leaves. Told again, the answer is the same.
    pub async fn revoke(&self, peer: &KnownPeer, arrived: Arrived) -> Result<Signed, AdapterProblem> {
        let door = AtTheDoor { certificate: None, address: arrived.address, request_id: &arrived.request_id };
        let Ok(_place) = peer.places.try_acquire() else {
            return Err(self.refuse(door, Some(peer), Refused::TooManyAtOnce).await);
        };
        let proven = match self.prove_context(peer, &arrived) {
            Ok(context) => {
                let heard = heard(&context);
                match proven(peer, context, &arrived.body) {
                    Ok(proven) => proven,
                    Err(refused) => return Err(self.refuse_question(door, Some(peer), refused, &heard).await),
                }
            }
            Err(refused) => return Err(self.refuse(door, Some(peer), refused).await),
        };
        let revoked = self.take_revocation(peer, &proven, &arrived.request_id).await.map_err(|error| {
            tracing::error!(%error, peer = peer.client.id, "a revocation told by a peer could not be recorded; it tells again");
            Refused::LogUnwritable.problem()
        })?;
        let answer = Answer {
            request_id: proven.request_id,
            state: if revoked.is_some() { Told::Revoked } else { Told::Unknown },
            revoked_at: revoked.and_then(|at| Timestamp::from_microsecond(at).ok()),
        };
        let body = serde_json::to_vec(&answer).expect("texts are JSON");
        Ok(self.signed(&proven.context, &arrived, body))
    }

    /// Makes a revocation durable, then has it reach what runs and what is remembered. Since when it is revoked; `None` where
    /// nothing was asked under it.
    async fn take_revocation(
        &self,
        peer: &KnownPeer,
        proven: &Proven,
        request_id: &str,
    ) -> Result<Option<i64>, StoreError> {
        let (under, store) = (&proven.under, self.parts.verifications.store());
        let _alone = self.revoking.one.lock().await;
        self.revoking.recent.insert(under.clone(), ());
        let most = u32::try_from(MAX_SUBJECTS).unwrap_or(u32::MAX);
        let known = store.asked_under(under, most).await?;
        let revoked_at = if let Some(before) = known.as_ref().and_then(|known| known.revoked_at) {
            Some(before)
        } else {
            let now = self.parts.clock.now();
            let at = known.is_some().then_some(now.as_microsecond());
            let event = self.revoked_event(peer, proven, (known.as_ref(), now), request_id)?;
            let peers = PeerChanges { revoked: at.map(|at| (under.clone(), at)), ..PeerChanges::default() };
            store.change(Changes { peers, ..Changes::default() }, vec![event]).await?;
            at
        };
        self.revoking.stop(under);
        let federation = self.parts.verifications.federation();
        federation.forget_under(federation.under(&under.hub, &under.organisation, &under.number));
        Ok(revoked_at)
    }

    fn revoked_event(
        &self,
        peer: &KnownPeer,
        proven: &Proven,
        (known, now): (Option<&AskedUnder>, Timestamp),
        request_id: &str,
    ) -> Result<EventRow, StoreError> {
        let id = self.parts.ids.next("ev");
        let mut event = AccessEvent::new(id, now, Action::PeerRevoked, Some(&peer.client), request_id);
        let object = format!("revocation/{}", proven.request_id);
        (event.organisation, event.authorisation) = (Some(&*proven.under.organisation), Some(&*proven.number));
        event.object = Some(&object);
        event.state = Some(if known.is_some() { Told::Revoked } else { Told::Unknown }.as_str());
        if let Some(AskedUnder { subjects, division, .. }) = known {
            let division = division.as_deref().and_then(|division| DivisionCode::parse(division).ok());
            (event.subjects, event.division) = (subjects, division.or(event.division));
        }
        event.to_row()
    }

    /// Whether the authorisation of a question was revoked by the peer that asks.
    pub(super) async fn is_revoked(&self, under: &UnderRow) -> Result<bool, StoreError> {
        Ok(self.revoking.is_recent(under) || self.parts.verifications.store().is_revoked_there(under).await?)
    }
}

/// What a telling says, for this hub's log.
fn heard(context: &Context) -> Heard {
    let id = &context.question.jti;
    let organisation = context.question.cases.first().map(|case| &case.organisation);
    Heard {
        object: is_id(id).then(|| format!("revocation/{id}")),
        organisation: organisation.filter(|name| is_plain(name, 4 * MAX_TEXT)).cloned(),
        ..Heard::default()
    }
}

/// What is told, where all of it is sound.
fn proven(peer: &KnownPeer, context: Context, body: &[u8]) -> Result<Proven, Refused> {
    let told: Revocation = serde_json::from_slice(body).map_err(|error| Refused::Form(error.line(), error.column()))?;
    let [Case { organisation, via, .. }] = context.question.cases.as_slice() else {
        return Err(Refused::Unsound("/cases", "须恰好为一份授权书", "must be of exactly one authorisation"));
    };
    if via.is_some() {
        return Err(Refused::Loop);
    }
    if !is_signed_for(&context, &told) {
        return Err(Refused::Context(connectors::context::ContextError::Body));
    }
    let number = told.authorisation.number;
    if !is_plain(&number, MAX_TEXT) || !is_plain(organisation, 4 * MAX_TEXT) {
        return Err(Refused::Unsound(
            "/authorisation/number",
            "授权书编号和单位应为可见字符，不得含身份号码",
            "number and organisation must be visible characters and hold no identity number",
        ));
    }
    if !is_id(&told.request_id) || told.request_id != context.question.jti {
        return Err(Refused::Unsound(
            "/request_id",
            "应与查询凭据的编号相同，为字母、数字、. - _",
            "must be the id of the signed context, of letters, digits, . - _",
        ));
    }
    let under = under(peer, organisation, &number);
    Ok(Proven { request_id: told.request_id, number, under, context })
}

/// An authorisation as this peer names it.
pub(super) fn under(peer: &KnownPeer, organisation: &str, number: &str) -> UnderRow {
    UnderRow { hub: peer.client.id.clone(), organisation: organisation.to_owned(), number: canonical_number(number) }
}

//! Refusals: each is accounted for in the access log before it is told (promise P1), and who is refused without end
//! cannot make the log grow without end.
//!
//! The first refusals of a window have entries of their own. Past that an entry makes room for a number of them, which are
//! then counted, and a last entry says how many there were, when and why (`auth/refusals.rs`). A hub that is killed leaves
//! an entry that made room and none that says how many: between none and that many, of this peer, in that window.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ids::Ids;
use crate::access_log::{AccessEvent, Action, RefusalCount};
use crate::auth::peer::Peer;
use crate::auth::refusals::{Allowance, Step, Table, Tally, Who};
use crate::domain::actor::{Client, Role};
use crate::domain::clock::Clock;
use crate::domain::id_number::Subject;
use crate::domain::purpose::Purpose;
use crate::store::{EventRow, Store, StoreError};

/// A refusal that is about to be told.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// The client, where it proved itself.
    pub client: Option<&'a Client>,
    /// Who is on the other side, as far as the connection says.
    pub peer: Option<Peer>,
    /// The code of the problem it is told with.
    pub problem: &'static str,
    /// The request's id.
    pub request_id: &'a str,
    /// The verification the request was about.
    pub verification: Option<&'a str>,
    /// What else it was about.
    pub object: Option<&'a str>,
    /// What was read of it before it was refused.
    pub said: Said<'a>,
}

/// What a refused request said, as far as it was read, is the client's own word and is fit to stand in the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said<'a> {
    /// Number of the household's authorisation.
    pub authorisation: Option<&'a str>,
    /// The organisation that it was asked for, where that is not the client's own.
    pub organisation: Option<&'a str>,
    /// The purpose.
    pub purpose: Option<Purpose>,
    /// The persons, as the log's pseudonyms.
    pub subjects: &'a [Subject],
}

/// How a refusal was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// By an entry of its own.
    Singly,
    /// As one of many, of somebody who is refused too often.
    Counted {
        /// Seconds until their refusals have entries of their own again.
        retry_after_seconds: u64,
    },
}

/// Records refusals.
pub struct Refusals {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Ids,
    table: Mutex<Table>,
    /// One entry that makes room at a time, so that a crowd makes it once.
    making_room: tokio::sync::Mutex<()>,
}

impl Refusals {
    /// Over this store, with this many entries of their own.
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Ids, allowance: Allowance) -> Self {
        Self { store, clock, ids, table: Mutex::new(Table::new(allowance)), making_room: tokio::sync::Mutex::default() }
    }

    /// Accounts for a refusal. It may be told once this returns.
    pub async fn record(&self, refusal: Refusal<'_>) -> Result<Recorded, StoreError> {
        let Some(who) = who(&refusal) else {
            return self.record_singly(refusal).await;
        };
        match self.count(&who, refusal.problem) {
            Step::Singly => self.record_singly(refusal).await,
            Step::Counted => Ok(self.counted()),
            Step::MakeRoom { .. } => {
                let _alone = self.making_room.lock().await;
                loop {
                    // Another one of the crowd may have made room, or the window ended.
                    match self.count(&who, refusal.problem) {
                        Step::Singly => return self.record_singly(refusal).await,
                        Step::Counted => return Ok(self.counted()),
                        Step::MakeRoom { who, room } => self.make_room(refusal.client, who, room).await?,
                    }
                }
            }
        }
    }

    /// Writes the last entries of windows that are over; of the open one too when `all` is said, for the end.
    pub async fn close(&self, all: bool) -> Result<(), StoreError> {
        let now = self.clock.now();
        let tallies = self.table().take_ended(now, all);
        if tallies.is_empty() {
            return Ok(());
        }
        let rows = tallies.iter().map(|(who, tally)| self.closing(who, tally)).collect::<Result<Vec<_>, _>>();
        let written = match rows {
            Ok(rows) => self.store.record_events(rows).await,
            Err(error) => Err(error),
        };
        if written.is_err() {
            self.table().give_back(tallies);
        }
        written
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, who: &Who, problem: &'static str) -> Step {
        self.table().count(who, problem, self.clock.now())
    }

    fn counted(&self) -> Recorded {
        Recorded::Counted { retry_after_seconds: self.table().seconds_left(self.clock.now()) }
    }

    async fn record_singly(&self, refusal: Refusal<'_>) -> Result<Recorded, StoreError> {
        let at = self.clock.now();
        // Of another hub it is told too: a key that was stolen is used from elsewhere.
        let is_told = refusal.client.is_none_or(|client| client.role == Role::Peer);
        let (id, peer) = (self.ids.next("ev"), refusal.peer.filter(|_| is_told));
        let peer = peer.map(|peer| peer.to_string());
        let mut event = AccessEvent::new(id, at, Action::Denied, refusal.client, refusal.request_id);
        (event.problem, event.verification) = (Some(refusal.problem), refusal.verification);
        (event.object, event.peer) = (refusal.object, peer.as_deref());
        let Said { authorisation, organisation, purpose, subjects } = refusal.said;
        (event.authorisation, event.purpose, event.subjects) = (authorisation, purpose, subjects);
        event.organisation = organisation.or(event.organisation);
        self.store.record_events(vec![event.to_row()?]).await?;
        Ok(Recorded::Singly)
    }

    async fn make_room(&self, client: Option<&Client>, who: Who, room: u64) -> Result<(), StoreError> {
        let request_id = self.ids.next("rq");
        let (id, peer) = (self.ids.next("ev"), told(&who));
        // Everybody together is no one client.
        let client = client.filter(|_| matches!(who, Who::Client(_)));
        let mut event = AccessEvent::new(id.clone(), self.clock.now(), Action::Denied, client, &request_id);
        (event.peer, event.refusals) = (peer.as_deref(), Some(RefusalCount::AtMost { at_most: room }));
        self.store.record_events(vec![event.to_row()?]).await?;
        tracing::warn!(peer, "somebody is refused too often; the refusals are counted now");
        metrics::counter!("hedui_refusal_tallies_total").increment(1);
        self.table().make_room(who, id, room);
        Ok(())
    }

    fn closing(&self, who: &Who, tally: &Tally) -> Result<EventRow, StoreError> {
        let (request_id, now) = (self.ids.next("rq"), self.clock.now());
        let peer = told(who);
        let (first_at, last_at) = tally.times.unwrap_or((now, now));
        let mut event = AccessEvent::new(self.ids.next("ev"), now, Action::Denied, None, &request_id);
        event.peer = peer.as_deref();
        if let Who::Client(id) = who {
            event.actor = Some(id);
        }
        event.refusals = Some(RefusalCount::Counted {
            count: tally.count,
            first_at,
            last_at,
            opened: &tally.opened,
            problems: &tally.problems,
        });
        event.to_row()
    }
}

/// Who is limited. A client that proved itself is, by its rate; only what it is refused past that is counted, or while the
/// hub has more to do than it can.
fn who(refusal: &Refusal<'_>) -> Option<Who> {
    match (refusal.client, refusal.peer) {
        (Some(client), _) => {
            matches!(refusal.problem, "rate_limited" | "overloaded").then(|| Who::Client(client.id.as_str().into()))
        }
        (None, peer) => Some(peer.map_or(Who::Others, Who::Peer)),
    }
}

/// The peer as an entry names it.
fn told(who: &Who) -> Option<String> {
    match who {
        Who::Peer(peer) => Some(peer.to_string()),
        Who::Others => Some("others".to_owned()),
        Who::Client(_) => None,
    }
}

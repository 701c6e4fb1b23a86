//! The registry of adapters: who may be asked for which department, and everything that is done with them. What changes is
//! durable with its log entry first, then in force, without a restart (`federation/registry.rs`).
//!
//! Adapters of the configuration file are live as long as no registered one of their department was. A registered one that
//! was live stands for its department until it is removed: while it is suspended callers are told its notice, and nobody
//! else is asked in its place.

mod answer_key;
mod change;
mod conformance;
mod connecting;
mod demoting;
mod own;
mod probing;
mod record;
pub mod registering;
pub mod shadowing;
mod sustained;
mod view;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;

use super::approvals::sha256;
use super::changes::{Answer, Order};
use super::ids::Ids;
use crate::access_log::{AccessEvent, Action};
use crate::domain::actor::Role;
use crate::domain::adapter::{AdapterState, IllegalMove, Move};
use crate::domain::agreement::Agreement;
use crate::domain::clock::Clock;
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::domain::period::date_in_china;
use crate::federation::counters::Count;
use crate::store::{AdapterChanges, Changes, CounterRow, EventRow, InvitationRow, Store, StoreError};

pub use change::{AdapterFault, Change};
pub use conformance::{Conformance, ReportFault};
pub use connecting::{Connecting, Network};
pub use demoting::{Demotion, DemotionRules};
pub use own::Beyond;
pub use probing::ProbeView;
pub use record::{AdapterRecord, AsEntered, ServedDataset, StepTaken};
pub use sustained::{SustainedView, sustained};
pub use view::{AdapterView, CatalogueView, ShadowView, shadow_view, used_view};

use registering::Guesses;

/// What the settings say of registration.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The level a conformance report must reach before anything real is asked.
    pub conformance_level: u8,
    /// How many of a thousand questions a shadow is asked too, and one that was demoted.
    pub shadow_share: u64,
    /// Over how many days a shadow must have held to reach level 5.
    pub sustained_days: u32,
    /// When the hub demotes an adapter by itself.
    pub demotion: DemotionRules,
    /// How long an invitation is good where nobody says.
    pub invitation_valid_for: Duration,
}

/// What [`Adapters`] is made from.
pub struct Parts {
    /// Where adapters are kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids of events.
    pub ids: Ids,
    /// What the departments provide.
    pub catalogue: Arc<Catalogue>,
    /// What the settings say; none where nobody may register.
    pub rules: Option<Rules>,
    /// The running hub's side; none beside it.
    pub connecting: Option<Connecting>,
}

/// The use cases of adapters.
pub struct Adapters {
    parts: Parts,
    records: RwLock<Arc<Vec<AdapterRecord>>>,
    /// One change at a time: what it is judged by is still so when it is durable.
    alone: tokio::sync::Mutex<()>,
    guesses: Guesses,
    watched: demoting::Watched,
}

impl Adapters {
    /// Reads what is registered and puts it in force.
    pub async fn open(parts: Parts) -> Result<Self, StoreError> {
        let rows = parts.store.adapters().await?;
        let records: Vec<AdapterRecord> = rows.iter().map(AdapterRecord::of).collect::<Result<_, _>>()?;
        if let Some(connecting) = &parts.connecting {
            let counts = parts.store.counters().await?.into_iter().map(|row| Count {
                owner: row.owner,
                name: row.name,
                starts_at: row.starts_at,
                value: u64::try_from(row.value).unwrap_or_default(),
            });
            connecting.registry().counters().load(counts);
        }
        let adapters = Self {
            parts,
            records: RwLock::new(Arc::new(records)),
            alone: tokio::sync::Mutex::default(),
            guesses: Guesses::default(),
            watched: demoting::Watched::default(),
        };
        adapters.put_in_force(&adapters.records());
        Ok(adapters)
    }

    /// The registered adapters.
    pub fn records(&self) -> Arc<Vec<AdapterRecord>> {
        Arc::clone(&self.records.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A change that waits for others, with what they are to agree to.
    pub fn told_in_full(&self, change: Change) -> Change {
        match change {
            Change::Move { id, by, notice, conformance, .. } => {
                let records = self.records();
                let record = records.iter().find(|record| record.id == id);
                let about = record.map(|record| Box::new(AsEntered::of(record)));
                Change::Move { id, by, notice, conformance, about }
            }
            change => change,
        }
    }

    /// Why a change could not be made now, where it could not.
    pub fn fault_of(&self, change: &Change) -> Option<AdapterFault> {
        if self.resumed_by_file(change).is_some() {
            return None;
        }
        let fault = self.not_to_be_asked_for(change);
        fault.or_else(|| self.judged(change, Order::default(), self.parts.clock.now()).err())
    }

    /// What the settings say of registration; none where nobody may.
    pub const fn rules(&self) -> Option<&Rules> {
        self.parts.rules.as_ref()
    }

    /// Makes a change: durable with its log entry first, then in force. What was done, or why not.
    pub async fn make(
        &self,
        order: Order<'_>,
        change: &Change,
        request: Option<i64>,
    ) -> Result<Result<String, AdapterFault>, StoreError> {
        if let Some(fault) = self.not_for_department(order, change, self.parts.clock.now()) {
            return Ok(Err(fault));
        }
        // A department brings back what it took off itself, and not what the hub did.
        if let Some(demoted) = self.resumed_by_file(change).filter(|_| order.department.is_none()) {
            return self.resume_by_file(order, demoted, request).await.map(Ok);
        }
        if let Some(fault) = self.not_to_be_asked_for(change) {
            return Ok(Err(fault));
        }
        let was_demoted = |id: &str| self.records().iter().any(|record| record.id == id && record.is_on_trial());
        let resumed = match change {
            Change::Move { id, by: Move::Resume, .. } if was_demoted(id) => Some(id),
            _ => None,
        };
        let made = self.make_in_turn(order, change, request).await?;
        if let (Ok(_), Some(id)) = (&made, resumed) {
            self.learn_anew(id);
        }
        Ok(made)
    }

    async fn make_in_turn(
        &self,
        order: Order<'_>,
        change: &Change,
        request: Option<i64>,
    ) -> Result<Result<String, AdapterFault>, StoreError> {
        let _alone = self.alone.lock().await;
        let now = self.parts.clock.now();
        let changed = match self.judged(change, order, now) {
            Ok(changed) => changed,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut adapters = AdapterChanges::default();
        let mut events = Vec::with_capacity(changed.len().max(1));
        let done = match change {
            Change::Invite { department, digest, expires_at } => {
                adapters.invitations.push(InvitationRow {
                    digest: digest.to_ascii_lowercase(),
                    department: department.to_string(),
                    invited_by: order.by.to_owned(),
                    expires_at: expires_at.as_microsecond(),
                    used: None,
                });
                let done = format!("adapter/{department}/invited");
                events.push(self.event(order, &done, None, None, now, false)?);
                done
            }
            Change::Move { id, by, notice, .. } => {
                let reason = notice.as_ref().map(|notice| notice.zh.as_str());
                self.describe(&changed, order, reason, now, by.is_own(), &mut events)?;
                let state = changed.first().map_or("", |record| record.state.as_str());
                format!("adapter/{id}/{state}")
            }
            Change::Demote { id, demotion } => {
                self.describe(&changed, order, Some(&demotion.notice().zh), now, true, &mut events)?;
                format!("adapter/{id}/suspended")
            }
            Change::Return { id } => {
                self.describe(&changed, order, None, now, true, &mut events)?;
                format!("adapter/{id}/live")
            }
            Change::Agree { id, agreement } => {
                // What was agreed to is told by its digest; the record keeps the terms, and those before.
                let of = |agreement: &Agreement| {
                    let text = serde_json_canonicalizer::to_string(agreement);
                    text.map(|text| sha256(&text)).map_err(|_| StoreError::Corrupt("agreement"))
                };
                let object = format!("adapter/{id}/agreement/{}", of(agreement)?);
                let replaced = changed.first().and_then(|record| record.steps.last()?.replaced.as_deref());
                let before = replaced.map(of).transpose()?.map(|digest| format!("adapter/{id}/agreement/{digest}"));
                events.push(self.event(order, &object, before.as_deref(), None, now, false)?);
                format!("adapter/{id}/agreement")
            }
        };
        adapters.adapters = changed.iter().map(AdapterRecord::to_row).collect::<Result<_, _>>()?;
        let answered = request.map(|number| (number, Answer::Done(done.clone()).to_json()));
        let durable = Changes { adapters, answered, approval: order.end(now), ..Changes::default() };
        self.parts.store.change(durable, events).await?;
        self.replace(changed);
        Ok(Ok(done))
    }

    /// What the hub does of itself: a draining adapter that has nothing under way is suspended, and what is counted is kept.
    pub async fn settle(&self) -> Result<(), StoreError> {
        if let Some(connecting) = &self.parts.connecting {
            let draining = |record: &&AdapterRecord| record.state == AdapterState::Draining;
            let records = self.records();
            for record in records.iter().filter(draining).filter(|record| connecting.is_idle(&record.id)) {
                let id = record.id.clone();
                let change = Change::Move { id, by: Move::Drained, notice: None, conformance: None, about: None };
                let order = Order { by: HUB, ..Order::default() };
                if let Err(fault) = self.make_in_turn(order, &change, None).await? {
                    tracing::debug!(adapter = record.id, %fault, "is not draining any more");
                }
            }
        }
        self.watch().await?;
        self.keep_counts().await
    }

    /// Makes what was counted durable.
    pub async fn keep_counts(&self) -> Result<(), StoreError> {
        let Some(connecting) = &self.parts.connecting else { return Ok(()) };
        let counts = connecting.registry().counters().unsaved();
        if counts.is_empty() {
            return Ok(());
        }
        let row = |count: &Count| CounterRow {
            owner: count.owner.clone(),
            name: count.name.clone(),
            starts_at: count.starts_at,
            value: i64::try_from(count.value).unwrap_or(i64::MAX),
        };
        let adapters = AdapterChanges { counters: counts.iter().map(row).collect(), ..AdapterChanges::default() };
        self.parts.store.change(Changes { adapters, ..Changes::default() }, Vec::new()).await?;
        connecting.registry().counters().saved(&counts);
        Ok(())
    }

    /// The records as they are after a change, or why it cannot be made.
    fn judged(&self, change: &Change, order: Order<'_>, now: Timestamp) -> Result<Vec<AdapterRecord>, AdapterFault> {
        // Asked again, now that nothing else changes: what others did meanwhile is not undone.
        self.not_for_department(order, change, now).map_or(Ok(()), Err)?;
        let rules = self.parts.rules.as_ref().ok_or(AdapterFault::Closed)?;
        if let Change::Invite { department, digest, expires_at } = change {
            if !self.knows(department) {
                return Err(AdapterFault::Department);
            }
            change::invitation_fault(digest, *expires_at, now).map_or(Ok(()), Err)?;
        }
        let step = |how, state| StepTaken {
            by: how,
            state,
            at: now,
            entered_by: order.by.to_owned(),
            by_department: order.department.is_some(),
            approvers: order.approvers().to_vec(),
            replaced: None,
        };
        let records = self.records();
        // What a report can reach; what is beyond it the hub sees by itself.
        let level = rules.conformance_level.min(MOST_REPORTED);
        let mut changed = change::applied(&records, change, level, step)?;
        if let (Change::Move { by: Move::GoLive, .. }, Some(record)) = (change, changed.first_mut())
            && let Some(connecting) = &self.parts.connecting
        {
            let counts = connecting.registry().counters().of(&record.id);
            let seen = sustained(&counts, date_in_china(now), rules.sustained_days);
            record.sustained_at = seen.reached.then_some(now);
            if rules.conformance_level > MOST_REPORTED && !seen.reached {
                return Err(AdapterFault::NotSustained(seen.told));
            }
        }
        Ok(changed)
    }

    /// Whether the catalogue has this department.
    pub(super) fn knows(&self, department: &DepartmentId) -> bool {
        self.parts.catalogue.department(department).is_some()
    }

    /// What is the hub's own to do.
    fn not_to_be_asked_for(&self, change: &Change) -> Option<AdapterFault> {
        if matches!(change, Change::Demote { .. } | Change::Return { .. }) {
            return Some(AdapterFault::Unknown);
        }
        let Change::Move { id, by, .. } = change else { return None };
        let from = self.state_of(id).filter(|_| by.is_own())?;
        Some(IllegalMove { from, by: *by }.into())
    }

    fn state_of(&self, id: &str) -> Option<AdapterState> {
        self.records().iter().find(|record| record.id == id).map(|record| record.state)
    }

    fn describe(
        &self,
        changed: &[AdapterRecord],
        order: Order<'_>,
        reason: Option<&str>,
        now: Timestamp,
        is_own: bool,
        events: &mut Vec<EventRow>,
    ) -> Result<(), StoreError> {
        for (place, record) in changed.iter().enumerate() {
            let before = self.state_of(&record.id).map(|state| format!("adapter/{}/{}", record.id, state.as_str()));
            let object = format!("adapter/{}/{}", record.id, record.state.as_str());
            // The notice is about the one that was asked for; what that drains has none.
            events.push(self.event(order, &object, before.as_deref(), reason.filter(|_| place == 0), now, is_own)?);
        }
        Ok(())
    }

    fn event(
        &self,
        order: Order<'_>,
        object: &str,
        before: Option<&str>,
        reason: Option<&str>,
        now: Timestamp,
        is_own: bool,
    ) -> Result<EventRow, StoreError> {
        let request_id = self.parts.ids.next("rq");
        let client = order.department.filter(|_| !is_own);
        let mut event = AccessEvent::new(self.parts.ids.next("ev"), now, Action::AdapterChanged, client, &request_id);
        if client.is_none() {
            event.actor = (!is_own).then_some(order.by);
            event.role = Some(if is_own { Role::System } else { Role::Operator });
        }
        (event.object, event.before, event.reason) = (Some(object), before, reason);
        event.approvers = order.approvers();
        event.to_row()
    }

    /// Puts changed records in the place of those before, and in force.
    fn replace(&self, changed: Vec<AdapterRecord>) {
        let mut records = self.records().as_ref().clone();
        for record in changed {
            match records.iter_mut().find(|known| known.id == record.id) {
                Some(known) => *known = record,
                None => records.push(record),
            }
        }
        self.put_in_force(&records);
        *self.records.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(records);
    }

    fn put_in_force(&self, records: &[AdapterRecord]) {
        let Some(connecting) = &self.parts.connecting else { return };
        let share = self.parts.rules.as_ref().map_or(0, |rules| rules.shadow_share);
        connecting.put_in_force(records, share);
    }
}

/// Who enters what nobody entered.
const HUB: &str = "hub";
/// The highest level that a conformance report can reach.
const MOST_REPORTED: u8 = 4;

//! The adapters that stand for departments now: which one is asked, on what terms, or what callers are told instead; and
//! which one is asked in its shadow. Replaced while the hub runs: questions under way end with the adapter they began with.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use connectors::keys::PublicKey;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::adapter::Adapter;
use super::counters::{Counters, Limit};
use super::shadow::Copied;
use crate::domain::agreement::Agreement;
use crate::domain::dataset::DepartmentId;
use crate::domain::outcome::{GapReason, Missed, Told};
use crate::domain::purpose::Purpose;

/// Shares are counted in thousandths.
pub const WHOLE: u64 = 1_000;

/// How a department is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How long one question may take.
    pub timeout: Duration,
    /// Questions a second, in the long run.
    pub per_second: NonZeroU32,
    /// Questions at once, after a pause.
    pub burst: NonZeroU32,
    /// Questions in flight at the same time, at most.
    pub in_flight: NonZeroU32,
    /// People in one query of several households, at most; 1: households never share a query.
    pub shared_subjects: usize,
    /// Whether a question may be asked a second time when the answer takes longer than most.
    pub may_hedge: bool,
}

impl Terms {
    /// Those of an agreement.
    pub const fn of(agreement: &Agreement) -> Self {
        Self {
            timeout: agreement.timeout(),
            per_second: agreement.per_second,
            burst: agreement.burst,
            in_flight: agreement.in_flight,
            shared_subjects: agreement.shared_subjects as usize,
            may_hedge: agreement.hedge,
        }
    }
}

/// An adapter that may be asked, and what its department agreed to.
#[derive(Clone)]
pub struct Way {
    /// The adapter.
    pub adapter: Arc<Adapter>,
    /// What its department agreed to.
    pub agreement: Arc<Agreement>,
    /// In whose name its quotas are counted: the department's for the one that is live, so that another version does not
    /// begin anew; its own for a shadow.
    pub owner: Arc<str>,
}

/// An adapter that is asked a share of what the live one is asked.
pub struct Shadow {
    /// How it is asked.
    pub way: Way,
    /// How many of its department's questions it is asked too.
    share: Share,
}

/// So many of a thousand questions, evenly.
struct Share {
    of_thousand: u64,
    seen: AtomicU64,
}

impl Shadow {
    /// A shadow that is asked `share` of a thousand questions.
    pub fn new(way: Way, share: u64) -> Self {
        Self { way, share: Share::new(share) }
    }

    /// Whether it is asked this question too.
    pub(super) fn is_next(&self) -> bool {
        self.share.is_next()
    }
}

impl Share {
    fn new(of_thousand: u64) -> Self {
        Self { of_thousand: of_thousand.min(WHOLE), seen: AtomicU64::new(0) }
    }

    /// Whether the next question is one of the share: every so-many-th.
    fn is_next(&self) -> bool {
        let before = self.seen.fetch_add(self.of_thousand, Ordering::Relaxed);
        (before / WHOLE) != (before + self.of_thousand) / WHOLE
    }
}

/// What stands for a department.
#[derive(Clone, Default)]
pub struct Desk {
    /// The live adapter.
    pub live: Option<Way>,
    /// What callers are told where there is none although there was one.
    pub paused: Option<Arc<Told>>,
    /// Who is asked beside it.
    pub shadow: Option<Arc<Shadow>>,
    /// Who was demoted and is asked to find out whether it is well again; its answers are not used either.
    pub on_trial: Option<Arc<Shadow>>,
}

/// A way that is being gone: as long as it is held, the adapter counts as having something under way.
pub struct Entered {
    /// The way.
    pub way: Way,
    /// Who is asked beside it: a shadow, and one that was demoted.
    pub beside: [Option<Arc<Shadow>>; 2],
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.way.adapter.leave();
    }
}

/// The desks by department, and what is counted of them.
#[derive(Default)]
pub struct Registry {
    desks: RwLock<HashMap<DepartmentId, Desk>>,
    answer_keys: RwLock<HashMap<DepartmentId, Arc<[PublicKey]>>>,
    counters: Counters,
    shadowed: OnceLock<mpsc::Sender<Copied>>,
}

impl Registry {
    /// A registry of these adapters, all of them live and without further terms.
    pub fn new(adapters: impl IntoIterator<Item = Adapter>) -> Self {
        let registry = Self::default();
        let desk = |adapter: Adapter| {
            let (department, owner) = (adapter.department.clone(), adapter.department.as_str().into());
            let way = Way { adapter: Arc::new(adapter), agreement: Arc::default(), owner };
            (department, Desk { live: Some(way), ..Desk::default() })
        };
        let desks: HashMap<DepartmentId, Desk> = adapters.into_iter().map(desk).collect();
        let live = desks.iter().filter_map(|(department, desk)| Some((department.clone(), desk.live.as_ref()?)));
        registry.prove_with(live.map(|(department, way)| (department, way.adapter.answer_keys().to_vec())).collect());
        registry.replace(desks);
        registry
    }

    /// Puts other desks in the place of all. Whoever has entered goes on as they began.
    pub fn replace(&self, desks: HashMap<DepartmentId, Desk>) {
        *self.desks.write().unwrap_or_else(PoisonError::into_inner) = desks;
    }

    /// The public keys that departments' answers are proven with from now on: those of all adapters that were ever asked,
    /// because what one said that is gone is still proven.
    pub fn prove_with(&self, keys: HashMap<DepartmentId, Vec<PublicKey>>) {
        let keys = keys.into_iter().map(|(department, keys)| (department, keys.into())).collect();
        *self.answer_keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The public keys that a department's answers are proven with.
    pub fn answer_keys(&self, department: &DepartmentId) -> Arc<[PublicKey]> {
        let keys = self.answer_keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(department).cloned().unwrap_or_default()
    }

    /// What stands for a department now.
    pub fn desk(&self, department: &DepartmentId) -> Desk {
        self.desks.read().unwrap_or_else(PoisonError::into_inner).get(department).cloned().unwrap_or_default()
    }

    /// Whether a department has a live adapter.
    pub fn is_connected(&self, department: &DepartmentId) -> bool {
        self.desk(department).live.is_some()
    }

    /// True when no department has anything.
    pub fn is_empty(&self) -> bool {
        self.desks.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// What is counted.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Where copies for shadows are taken from, at most `room` waiting; only the first who asks gets them.
    pub fn take_copies(&self, room: usize) -> Option<mpsc::Receiver<Copied>> {
        let (sender, receiver) = mpsc::channel(room);
        self.shadowed.set(sender).ok().map(|()| receiver)
    }

    /// The way to a department, where it may be asked now; entered, so that it counts as under way.
    pub(super) fn enter(&self, department: &DepartmentId, now: Timestamp) -> Result<Entered, Missed> {
        let entered = {
            let desks = self.desks.read().unwrap_or_else(PoisonError::into_inner);
            let desk = desks.get(department).ok_or(GapReason::NotConnected)?;
            let Some(way) = &desk.live else {
                let reason = if desk.paused.is_some() { GapReason::Unavailable } else { GapReason::NotConnected };
                return Err(Missed { reason, told: desk.paused.clone() });
            };
            // INVARIANT: counted while the desks cannot be replaced, so that a drained adapter has nobody on the way to it.
            way.adapter.enter();
            Entered { way: way.clone(), beside: [desk.shadow.clone(), desk.on_trial.clone()] }
        };
        match entered.way.agreement.shut(now) {
            None => Ok(entered),
            Some(told) => Err(Missed { reason: GapReason::Unavailable, told: Some(Arc::new(told)) }),
        }
    }

    /// The way to a demoted adapter of a department that nobody else stands for, where it is its turn to be tried.
    pub(super) fn enter_trial(&self, department: &DepartmentId) -> Option<(Entered, Arc<Shadow>)> {
        let desks = self.desks.read().unwrap_or_else(PoisonError::into_inner);
        let desk = desks.get(department).filter(|desk| desk.live.is_none())?;
        let on_trial = desk.on_trial.as_ref().filter(|on_trial| on_trial.is_next())?;
        on_trial.way.adapter.enter();
        Some((Entered { way: on_trial.way.clone(), beside: [None, None] }, Arc::clone(on_trial)))
    }

    /// Counts a question on every quota that is about it, or says which is used up.
    pub fn take(&self, way: &Way, caller: &str, purpose: Purpose, now: Timestamp) -> Result<(), Missed> {
        let quotas = &way.agreement.quotas;
        if quotas.is_empty() {
            return Ok(());
        }
        let (mut about, mut limits) = (Vec::with_capacity(quotas.len()), Vec::with_capacity(quotas.len()));
        for quota in quotas {
            if let Some((name, start)) = quota.counter(caller, purpose, now) {
                about.push(quota);
                limits.push(Limit { name, starts_at: start.as_second(), most: u64::from(quota.count) });
            }
        }
        self.counters.take(&way.owner, &limits).map_err(|full| Missed {
            reason: GapReason::QuotaExceeded,
            told: about.get(full).map(|quota| Arc::new(quota.told(now))),
        })
    }

    /// Hands a copy to whoever asks shadows. Never waits: one too many is dropped and counted.
    pub(super) fn copy(&self, copied: Copied) {
        let Some(shadowed) = self.shadowed.get() else { return };
        if shadowed.try_send(copied).is_err() {
            metrics::counter!("hedui_shadow_dropped_total").increment(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_taken_evenly() {
        for of_thousand in [0, 1, 50, 333, 1_000] {
            let share = Share::new(of_thousand);
            let mut last = None;
            let taken: Vec<u64> = (0..WHOLE).filter(|_| share.is_next()).collect();
            assert_eq!(taken.len() as u64, of_thousand, "{of_thousand} of a thousand");
            for place in taken {
                let gap = last.map_or(place + 1, |last| place - last);
                let even = WHOLE / of_thousand;
                assert!((even..=even + 1).contains(&gap), "{of_thousand} of a thousand: {gap} apart");
                last = Some(place);
            }
        }
        assert!(Share::new(WHOLE + 1).is_next(), "more than all is all");
    }
}

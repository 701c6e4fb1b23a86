//! Erasing verifications and authorisations by destroying their keys (crypto-shredding), one by an operator's order, and
//! all whose time is up by sweeps. The access log keeps its entries: they name people by pseudonym only.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::changes::Order;
use super::ids::Ids;
use crate::access_log::{AccessEvent, Action};
use crate::domain::actor::Role;
use crate::domain::clock::Clock;
use crate::domain::division::DivisionCode;
use crate::domain::id_number::{IdNumber, Subject, SubjectKey};
use crate::domain::period::date_in_china;
use crate::domain::problem::Text;
use crate::seal::{Field, Sealer};
use crate::store::{ApprovalChanges, Changes, Erasable, ErasureRow, EventRow, PeerChanges, Store, StoreError};

/// Longest reason, bytes.
const MAX_REASON: usize = 400;
/// How many objects one transaction of a sweep erases.
const BATCH: u32 = 200;

/// Why something is not erased.
#[derive(Debug, thiserror::Error)]
pub enum ErasureFault {
    /// Not the id of something that can be erased.
    #[error("what can be erased has an id that begins with vf_ (a verification) or au_ (a registered authorisation)")]
    Id,
    /// The reason is empty, too long, or says whom it is about.
    #[error(
        "a reason has 1 to {MAX_REASON} bytes, no control characters and no identity number: it stands in the log for ever"
    )]
    Reason,
    /// Nothing has the id.
    #[error("there is no such verification or authorisation")]
    Unknown,
    /// It is running, or was not finished before a crash.
    #[error("the verification has not ended; wait for its end, then erase it")]
    Running,
    /// Its household was looked up in an emergency and has not been told yet.
    #[error("the household was looked up in an emergency and has not been told yet; record the notice, then erase it")]
    NoticeOwed,
    /// It may still be used.
    #[error("the authorisation still holds; let it be revoked or expire, then erase it")]
    Holds,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ErasureFault {
    /// The fault in both languages.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Id => "可销毁的对象编号以 vf_（核对）或 au_（已登记的授权书）开头。".to_owned(),
            Self::Reason => {
                format!("事由应为 1 到 {MAX_REASON} 字节，不含控制字符和身份号码：它将永久留在访问日志中。")
            }
            Self::Unknown => "没有这项核对或授权书。".to_owned(),
            Self::Running => "核对还没有结束；请等其结束后再销毁。".to_owned(),
            Self::NoticeOwed => "该户在紧急情况下被查询，尚未补办告知；请登记告知后再销毁。".to_owned(),
            Self::Holds => "授权书仍然有效；请在撤销或到期之后再销毁。".to_owned(),
            Self::Store(_) => "数据库暂时不可用。".to_owned(),
        };
        Text::new(zh, self.to_string())
    }
}

/// How long what is kept. The access log is no class: nothing deletes from it.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// A verification, from its acceptance.
    pub verifications: Duration,
    /// An authorisation, from its end. Not shorter than `verifications`: what rests on it was accepted before it ended.
    pub authorisations: Duration,
    /// How far the clock may step ahead between two sweeps before it is not believed.
    pub max_clock_step: Duration,
}

/// What came of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// So much was erased.
    Erased(usize),
    /// Nothing was, because the clock is too far ahead of the time that was believed last.
    Held {
        /// That time.
        believed: Timestamp,
        /// What the clock says.
        now: Timestamp,
    },
}

/// What [`Erasure`] is made from.
pub struct Parts {
    /// Where it is erased.
    pub store: Store,
    /// Opens what says whom it is about, for the log.
    pub sealer: Sealer,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids of events.
    pub ids: Ids,
}

/// Erases.
pub struct Erasure {
    parts: Parts,
    log_key: SubjectKey,
    /// Erased bytes may still stand in the file of pending writes.
    is_uncleared: AtomicBool,
    /// The latest time believed; none before it was read.
    believed: Mutex<Option<Timestamp>>,
}

/// What of a sealed body is read before its key is destroyed: whom it is about.
#[derive(Deserialize)]
struct About {
    household: Household,
    #[serde(default)]
    valid_until: Option<Date>,
}

#[derive(Deserialize)]
struct Household {
    members: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    id_number: String,
}

#[derive(Deserialize)]
struct KeptRequest {
    request: About,
}

/// What is erased, as the log tells it.
struct Doomed {
    kind: Erasable,
    division: Option<DivisionCode>,
    number: Option<String>,
    about: Option<About>,
}

impl Erasure {
    /// Over these parts.
    pub fn new(parts: Parts) -> Self {
        let log_key = parts.sealer.subject_key("access-log");
        Self { parts, log_key, is_uncleared: AtomicBool::new(false), believed: Mutex::default() }
    }

    /// Destroys the key of a verification that ended, or of an authorisation that does not hold any more, with its entry
    /// in the log. What was done, as the log says it; the same for what was erased before.
    pub async fn erase(&self, order: Order<'_>, id: &str, reason: &str) -> Result<String, ErasureFault> {
        let reason = reason.trim();
        let done = format!("{id}/erased");
        let Some(doomed) = self.doomed(id, reason).await? else {
            let approval = order.end(self.parts.clock.now());
            self.parts.store.change(Changes { approval, ..Changes::default() }, Vec::new()).await?;
            self.clear().await?;
            return Ok(done);
        };
        let numbers = doomed.about.iter().flat_map(|about| &about.household.members);
        let subjects: Vec<Subject> = numbers
            .filter_map(|member| Some(IdNumber::parse(&member.id_number).ok()?.subject(&self.log_key)))
            .collect();
        let now = self.parts.clock.now();
        let request_id = self.parts.ids.next("rq");
        let mut event = AccessEvent::new(self.parts.ids.next("ev"), now, Action::Erased, None, &request_id);
        (event.actor, event.role, event.reason) = (Some(order.by), Some(Role::Operator), Some(reason));
        (event.division, event.subjects, event.approvers) = (doomed.division, &subjects, order.approvers());
        match doomed.kind {
            Erasable::Verification => event.verification = Some(id),
            Erasable::Authorisation => (event.object, event.authorisation) = (Some(id), doomed.number.as_deref()),
        }
        let row = ErasureRow { kind: doomed.kind, id: id.to_owned(), erased_at: now.as_microsecond() };
        self.destroy(vec![row], vec![event.to_row()?], order.end(now)).await?;
        self.clear().await?;
        Ok(done)
    }

    /// Reads which time was believed last; for the start, before anything is recorded by a clock that may be wrong.
    pub async fn load_believed_time(&self) -> Result<(), StoreError> {
        let kept = self.parts.store.believed_time().await?;
        let kept =
            kept.map(|at| Timestamp::from_microsecond(at).map_err(|_| StoreError::Corrupt("time"))).transpose()?;
        *self.believed.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Ok(())
    }

    /// Believes the clock from now on, after somebody looked at it. What was done, as the log says it.
    pub async fn confirm_clock(&self, order: Order<'_>) -> Result<String, StoreError> {
        let now = self.parts.clock.now();
        let request_id = self.parts.ids.next("rq");
        let mut event = AccessEvent::new(self.parts.ids.next("ev"), now, Action::ClockConfirmed, None, &request_id);
        (event.actor, event.role, event.approvers) = (Some(order.by), Some(Role::Operator), order.approvers());
        let believed_time = Some(now.as_microsecond());
        let changes = Changes { believed_time, approval: order.end(now), ..Changes::default() };
        self.parts.store.change(changes, vec![event.to_row()?]).await?;
        *self.believed.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(format!("clock/{now}/confirmed"))
    }

    /// The time, when it can be believed: not further ahead of the last believed one than it may step.
    fn believed_now(&self, max_step: Duration) -> Result<Timestamp, Swept> {
        let now = self.parts.clock.now();
        let mut believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = *believed
            && now.duration_since(before) > SignedDuration::try_from(max_step).unwrap_or(SignedDuration::MAX)
        {
            return Err(Swept::Held { believed: before, now });
        }
        // A clock that was set back erases nothing more, and does not make the next step ahead look small.
        *believed = Some(believed.map_or(now, |before| before.max(now)));
        Ok(now)
    }

    /// Erases everything whose time is up, a batch a transaction, with one entry for each division that names what it
    /// erased. Erases nothing by a clock that jumped too far ahead: what a wrong clock erases does not come back.
    pub async fn sweep(&self, retention: Retention) -> Result<Swept, StoreError> {
        let now = match self.believed_now(retention.max_clock_step) {
            Ok(now) => now,
            Err(held) => return Ok(held),
        };
        let mut erased = 0;
        // Ids begin with the time of acceptance.
        let bound = id_bound("vf", before(now, retention.verifications));
        loop {
            let found = self.parts.store.ended_verifications_before(&bound, BATCH).await?;
            if found.is_empty() {
                break;
            }
            erased += found.len();
            self.sweep_batch(Erasable::Verification, found, "retention/verifications").await?;
        }
        let end = before(now, retention.authorisations);
        let last_day = date_in_china(end).to_string();
        loop {
            let found = self.parts.store.ended_authorisations_before(&last_day, end.as_microsecond(), BATCH).await?;
            if found.is_empty() {
                break;
            }
            erased += found.len();
            self.sweep_batch(Erasable::Authorisation, found, "retention/authorisations").await?;
        }
        // No person is in them but by pseudonym, and no entry tells of them. Of hubs, as long as of authorisations.
        let believed = *self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = Changes {
            assertions_before: Some(now.as_second()),
            peers: PeerChanges { forgotten_before: Some(end.as_microsecond()), ..PeerChanges::default() },
            believed_time: believed.map(Timestamp::as_microsecond),
            ..Changes::default()
        };
        self.parts.store.change(changes, Vec::new()).await?;
        if self.is_uncleared.load(Ordering::Acquire) {
            self.clear().await?;
        }
        Ok(Swept::Erased(erased))
    }

    async fn sweep_batch(
        &self,
        kind: Erasable,
        found: Vec<(String, Option<String>)>,
        class: &str,
    ) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        let erased_at = now.as_microsecond();
        let mut by_division: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
        for (id, division) in found {
            by_division.entry(division).or_default().push(id);
        }
        let (mut rows, mut events) = (Vec::new(), Vec::new());
        for (division, ids) in by_division {
            let request_id = self.parts.ids.next("rq");
            let mut event = AccessEvent::new(self.parts.ids.next("ev"), now, Action::Erased, None, &request_id);
            (event.role, event.reason, event.objects) = (Some(Role::System), Some(class), &ids);
            event.division = division.as_deref().and_then(|division| DivisionCode::parse(division).ok());
            events.push(event.to_row()?);
            rows.extend(ids.into_iter().map(|id| ErasureRow { kind, id, erased_at }));
        }
        self.destroy(rows, events, ApprovalChanges::default()).await
    }

    async fn destroy(
        &self,
        erasures: Vec<ErasureRow>,
        events: Vec<EventRow>,
        approval: ApprovalChanges,
    ) -> Result<(), StoreError> {
        self.is_uncleared.store(true, Ordering::Release);
        self.parts.store.change(Changes { erasures, approval, ..Changes::default() }, events).await
    }

    /// Lets nothing of what was overwritten stay in the file of pending writes.
    async fn clear(&self) -> Result<(), StoreError> {
        if self.parts.store.clear_pending_writes().await? {
            self.is_uncleared.store(false, Ordering::Release);
        } else {
            self.is_uncleared.store(true, Ordering::Release);
            tracing::warn!("something is reading the database; what was erased leaves its -wal file at the next sweep");
        }
        Ok(())
    }

    /// Why this cannot be erased now for this reason, if it cannot.
    pub async fn fault_of(&self, id: &str, reason: &str) -> Option<ErasureFault> {
        self.doomed(id, reason.trim()).await.err()
    }

    /// What is to be erased; `None` where it is erased already.
    async fn doomed(&self, id: &str, reason: &str) -> Result<Option<Doomed>, ErasureFault> {
        check_reason(reason)?;
        match id.split_at_checked(3) {
            Some(("vf_", _)) => self.ended_verification(id).await,
            Some(("au_", _)) => self.ended_authorisation(id).await,
            _ => Err(ErasureFault::Id),
        }
    }

    /// A verification that may be erased; none where it was.
    async fn ended_verification(&self, id: &str) -> Result<Option<Doomed>, ErasureFault> {
        let row = self.parts.store.verification(id).await?.ok_or(ErasureFault::Unknown)?;
        if row.erased_at.is_some() {
            return Ok(None);
        }
        if row.outcome.is_none() {
            return Err(ErasureFault::Running);
        }
        if self.parts.store.household_notice(id).await?.is_some_and(|notice| notice.given.is_none()) {
            return Err(ErasureFault::NoticeOwed);
        }
        let about = self
            .opened::<KeptRequest>(&row.id, Field::Request, &row.wrapped_key, &row.request)
            .map(|kept| kept.request);
        Ok(Some(Doomed { kind: Erasable::Verification, division: row.division, number: None, about }))
    }

    /// An authorisation that may be erased; none where it was.
    async fn ended_authorisation(&self, id: &str) -> Result<Option<Doomed>, ErasureFault> {
        let row = self.parts.store.authorisation(id).await?.ok_or(ErasureFault::Unknown)?;
        if row.erased_at.is_some() {
            return Ok(None);
        }
        let about = self.opened::<About>(&row.id, Field::Authorisation, &row.wrapped_key, &row.body);
        let last_day = about.as_ref().and_then(|about| about.valid_until);
        let is_over = last_day.is_some_and(|day| day < date_in_china(self.parts.clock.now()));
        if row.revoked_at.is_none() && !is_over {
            return Err(ErasureFault::Holds);
        }
        let division = Some(row.division);
        Ok(Some(Doomed { kind: Erasable::Authorisation, division, number: Some(row.number), about }))
    }

    /// A sealed body; nothing where it does not open, which is no reason to keep it.
    fn opened<T: serde::de::DeserializeOwned>(
        &self,
        id: &str,
        field: Field,
        wrapped_key: &[u8],
        body: &[u8],
    ) -> Option<T> {
        let body = self.parts.sealer.open_data_key(id, wrapped_key).ok()?.open(id, field, body).ok()?;
        serde_json::from_slice(&body).ok()
    }
}

/// Whether a reason may be written down.
fn check_reason(reason: &str) -> Result<(), ErasureFault> {
    let reason = reason.trim();
    let is_said = (1..=MAX_REASON).contains(&reason.len())
        && !reason.chars().any(char::is_control)
        // It stands in the log (P7).
        && !holds_id_number(reason);
    if is_said { Ok(()) } else { Err(ErasureFault::Reason) }
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
    now.checked_sub(age).unwrap_or(Timestamp::UNIX_EPOCH).max(Timestamp::UNIX_EPOCH)
}

/// The id of this prefix that comes before all that are made from `at` on.
fn id_bound(prefix: &str, at: Timestamp) -> String {
    format!("{prefix}_{:012x}", at.as_millisecond())
}

/// Whether an identity number stands anywhere in a text.
fn holds_id_number(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    characters.windows(18).any(|window| IdNumber::parse(&window.iter().collect::<String>()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::{SystemRandomness, TestClock};

    #[test]
    fn ids_of_before_come_before_the_bound_and_later_ones_do_not() {
        let at = "2026-01-02T03:04:05Z".parse::<Timestamp>().unwrap();
        let clock = Arc::new(TestClock::new(at));
        let ids = Ids::new(clock.clone(), Arc::new(SystemRandomness));
        let now = ids.next("vf");
        clock.advance(SignedDuration::from_millis(-1));
        let earlier = ids.next("vf");
        let bound = id_bound("vf", at);
        assert!(earlier < bound && bound < now, "{earlier} {bound} {now}");
        assert!(id_bound("vf", before(at, Duration::MAX)) < earlier, "an endless retention erases nothing");
    }

    #[test]
    fn a_reason_that_says_whom_it_is_about_is_found() {
        assert!(holds_id_number("应当事人150000198605021015申请"));
        assert!(!holds_id_number("court order 2026-17, 1500001986"));
    }
}

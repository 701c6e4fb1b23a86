//! What departments owe: those whose silence leaves a verdict open are asked again, by the hub with growing pauses and by
//! the caller's wish. An answer makes a new version of the verification; the versions before it stay readable.
//!
//! What is owed is written with the outcome it follows, so a hub that is killed finds it again (promise P10). Who answered
//! is not asked again: the answers are kept sealed until nothing is owed any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::super::case::Case;
use super::super::disclosure::{Inquest, Minimal};
use super::super::error::ServiceError;
use super::super::kept::with_member;
use super::super::kept_answers::{KeptAnswers, answers_in};
use super::super::provenance::KeptProof;
use super::super::running::{Finished, Running, RunningTable};
use super::run::{Concluding, Conclusion};
use super::{Asker, Caller, Expand, Reply, Verifications, consent, questions};
use crate::access_log::Action;
use crate::auth::access::{self, Object, authorise};
use crate::domain::actor::{Client, Role};
use crate::domain::class::Class;
use crate::domain::clock::Randomness;
use crate::domain::dataset::DepartmentId;
use crate::domain::disclosure::Disclosure;
use crate::federation::ask::DepartmentOutcome;
use crate::federation::plan::{DepartmentPlan, Plan};
use crate::federation::tally::{DepartmentTally, Tally};
use crate::seal::{DataKey, Field};
use crate::store::{EventRow, FollowUpRow, Postponed, StoreError, Superseding, VerificationRow};

/// How many verifications one look takes up.
const MOST: u32 = 200;

/// When the hub asks again by itself.
#[derive(Debug, Clone, Copy)]
pub struct FollowUpTerms {
    /// After the first outcome.
    pub first_pause: Duration,
    /// Each pause is twice the one before, up to this.
    pub longest_pause: Duration,
    /// How often at most; 0: never.
    pub attempts: u32,
    /// About how many verifications at the same time.
    pub at_once: usize,
}

/// What is owed to a verification, as its caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FollowUp)]
pub struct FollowUpView {
    /// How often the hub has asked again by itself.
    pub attempts: u32,
    /// When it does so next, UTC; absent when it has given up: ask for a refresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
}

/// What asks again, and who waits for it.
#[derive(Default)]
pub(super) struct FollowUps {
    /// Verifications that are being asked about again.
    pub(super) again: RunningTable,
    /// Who waits for the next version of a verification.
    waiting: Mutex<HashMap<String, watch::Sender<()>>>,
}

/// What came of starting to ask again.
enum Again {
    /// It runs.
    Running(Arc<Running>),
    /// The household's authorisation was revoked or has ended: nobody is asked.
    NotCovered,
}

/// A verification that is about to be asked about again.
struct Owed {
    key: DataKey,
    version: u32,
    attempts: u32,
    owing: Vec<DepartmentId>,
    outcomes: Vec<DepartmentOutcome>,
    /// The newest answer so far.
    answer: Finished,
}

impl FollowUpTerms {
    /// When to ask again after so many attempts; `None` when often enough.
    pub(super) fn due_at(&self, attempts: u32, now: Timestamp, randomness: &dyn Randomness) -> Option<i64> {
        if attempts >= self.attempts {
            return None;
        }
        let pause = self.first_pause.saturating_mul(1 << attempts.min(30)).min(self.longest_pause);
        // Lengthened by a random part of a quarter, so that what failed together is not asked together.
        let mut drawn = [0_u8; 2];
        randomness.fill(&mut drawn);
        let pause = pause.saturating_add(pause / 4 * u32::from(u16::from_be_bytes(drawn)) / u32::from(u16::MAX));
        let pause = SignedDuration::try_from(pause).ok()?;
        Some(now.checked_add(pause).ok()?.as_microsecond())
    }
}

impl FollowUps {
    fn watch(&self, id: &str) -> watch::Receiver<()> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, news| news.receiver_count() > 0);
        waiting.entry(id.to_owned()).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    /// Wakes whoever waits for news of a verification.
    fn tell(&self, id: &str) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(news) = waiting.get(id)
            && news.send(()).is_err()
        {
            waiting.remove(id);
        }
    }
}

impl FollowUpView {
    pub(super) fn of(row: &FollowUpRow) -> Self {
        let next_at = row.due_at.and_then(|at| Timestamp::from_microsecond(at).ok());
        Self { attempts: row.attempts, next_at }
    }

    /// An answer with what is owed beside it.
    pub(super) fn beside(row: Option<&FollowUpRow>, answer: Vec<u8>) -> Vec<u8> {
        match row {
            Some(row) => with_member(answer, "follow_up", &super::super::judge::raw(&Self::of(row))),
            None => answer,
        }
    }
}

/// What of earlier outcomes stands while these departments are asked again: not what is missing, and nothing of a department
/// whose members lie in other regions now than they did then.
fn still_good(earlier: Vec<DepartmentOutcome>, plan: &Plan, again: &[DepartmentId]) -> Vec<DepartmentOutcome> {
    let is_as_planned = |id: &DepartmentId| {
        let mut own = earlier.iter().filter(|outcome| outcome.department == *id);
        own.all(|outcome| plan.departments.iter().any(|part| outcome.is_of(part)))
    };
    let moved: Vec<DepartmentId> = again.iter().filter(|id| !is_as_planned(id)).cloned().collect();
    let stands = |outcome: &DepartmentOutcome| {
        let is_of = |ids: &[DepartmentId]| ids.contains(&outcome.department);
        // What is asked of nobody any more stays as it was: missing is never nothing.
        let is_asked = plan.departments.iter().any(|part| part.department == outcome.department);
        !is_of(again) || !is_asked || outcome.result.is_ok() && !is_of(&moved)
    };
    earlier.into_iter().filter(stands).collect()
}

impl Verifications {
    /// What is owed after an outcome whose verdict is open, sealed.
    pub(super) fn owed(
        &self,
        concluding: Concluding<'_>,
        owing: &[DepartmentId],
        outcomes: &[DepartmentOutcome],
        proofs: &[KeptProof<'_>],
    ) -> Result<FollowUpRow, StoreError> {
        let Concluding { id, key, attempts, .. } = concluding;
        let kept = serde_json::to_vec(&KeptAnswers::of(owing, outcomes, proofs))
            .map_err(|_| StoreError::Corrupt("set of answers"))?;
        let body = self.parts.sealer.seal(key, id, Field::Answers, &kept);
        let may_pass = |outcome: &DepartmentOutcome| {
            owing.contains(&outcome.department) && outcome.result.as_ref().is_err_and(|reason| reason.may_pass())
        };
        let due_at = outcomes.iter().any(may_pass).then(|| self.due_at(attempts)).flatten();
        Ok(FollowUpRow {
            verification_id: id.to_owned(),
            attempts,
            due_at,
            body: body.map_err(|_| StoreError::Corrupt("set of answers"))?,
        })
    }

    fn due_at(&self, attempts: u32) -> Option<i64> {
        let now = self.parts.clock.now();
        self.parts.follow_ups.due_at(attempts, now, self.parts.randomness.as_ref())
    }

    /// Asks again, about every verification whose time has come, for what departments owe. Returns how many there were.
    pub async fn follow_up_due(self: &Arc<Self>) -> Result<usize, ServiceError> {
        let due = self.parts.store.due_follow_ups(self.parts.clock.now().as_microsecond(), MOST).await?;
        let found = due.len();
        stream::iter(due)
            .for_each_concurrent(self.parts.follow_ups.at_once, async |id| {
                if self.parts.stopping.is_cancelled() {
                    return;
                }
                if let Err(error) = self.follow_up_one(&id).await {
                    tracing::error!(verification = id, %error, "what departments owe cannot be asked for now");
                }
            })
            .await;
        Ok(found)
    }

    /// Shows how many verifications the hub asks about again by itself.
    pub async fn measure_follow_ups(&self) -> Result<(), StoreError> {
        let waiting = self.parts.store.count_follow_ups().await?;
        metrics::gauge!("hedui_follow_ups_waiting").set(u32::try_from(waiting).unwrap_or(u32::MAX));
        Ok(())
    }

    async fn follow_up_one(self: &Arc<Self>, id: &str) -> Result<(), ServiceError> {
        let Some(row) = self.parts.store.verification(id).await?.filter(|row| row.erased_at.is_none()) else {
            return Ok(());
        };
        let Some(owed) = self.parts.store.follow_up(id).await?.filter(|owed| owed.due_at.is_some()) else {
            return Ok(());
        };
        let tried = owed.attempts.saturating_add(1);
        let is_done = match self.start_again(row, owed, None).await {
            Ok(Again::NotCovered) => true,
            // Why it failed is told where it runs.
            Ok(Again::Running(running)) => {
                let mut end = running.end.subscribe();
                end.wait_for(Option::is_some).await.is_ok_and(|end| matches!(*end, Some(Ok(_))))
            }
            Err(error) => {
                tracing::error!(verification = id, %error, "what is owed to a verification cannot be read");
                false
            }
        };
        if !is_done {
            // INVARIANT: what fails is an attempt too. It neither stands first in the queue for ever nor has departments
            // asked at every look.
            self.postpone(id, tried, Vec::new()).await?;
            self.follow_ups.tell(id);
        }
        Ok(())
    }

    /// Asks again for what departments owe a verification of this client, and waits at most `wait` for what comes of it.
    /// Where nothing is owed, nobody is asked.
    pub async fn refresh(
        self: &Arc<Self>,
        caller: Caller<'_>,
        id: &str,
        wait: Duration,
    ) -> Result<Reply, ServiceError> {
        if self.parts.stopping.is_cancelled() {
            return Err(ServiceError::Stopping);
        }
        let row = self.own(caller.client, id).await?;
        if row.outcome.is_none() {
            return Err(ServiceError::NotEnded);
        }
        let (_, request) = self.kept(&row)?;
        let application = Object::Application { division: request.place.division_code, purpose: request.purpose };
        authorise(caller.client, access::Action::AskForVerification, &application).check()?;
        if let Some(owed) = self.parts.store.follow_up(id).await? {
            let asker = Asker { client: caller.client.clone(), request_id: caller.request_id.to_owned() };
            match self.start_again(row, owed, Some(asker)).await? {
                Again::NotCovered => return Err(consent::not_covered()),
                Again::Running(running) => {
                    let mut end = running.end.subscribe();
                    if tokio::time::timeout(wait, end.wait_for(Option::is_some)).await.is_err() {
                        let body = self.view(caller, id, Expand::default()).await?;
                        return Ok(Reply::Running { id: id.to_owned(), body });
                    }
                }
            }
        }
        // What is stored is told, and the look is durable before it is.
        let body = self.view(caller, id, Expand::default()).await?;
        Ok(Reply::Completed { id: id.to_owned(), body: body.into(), is_new: false })
    }

    /// Waits for a version of a verification after this one. `None` when none will come by itself any more.
    pub async fn next_version(
        self: &Arc<Self>,
        caller: Caller<'_>,
        id: &str,
        after: u32,
    ) -> Result<Option<(u32, Vec<u8>)>, ServiceError> {
        let mut news = self.follow_ups.watch(id);
        loop {
            news.borrow_and_update();
            let row = self.own(caller.client, id).await?;
            if row.version > after {
                let version = row.version;
                let body = self.view(caller, id, Expand { version: Some(version), ..Expand::default() }).await?;
                return Ok(Some((version, body)));
            }
            let owed = self.parts.store.follow_up(id).await?;
            if owed.is_none_or(|owed| owed.due_at.is_none()) && self.follow_ups.again.get(id).is_none() {
                return Ok(None);
            }
            let changed = self.parts.stopping.run_until_cancelled(news.changed()).await;
            if !matches!(changed, Some(Ok(()))) {
                return Ok(None);
            }
        }
    }

    /// Starts asking again, unless it is under way. Without an asker it is the hub itself, in passing.
    async fn start_again(
        self: &Arc<Self>,
        row: VerificationRow,
        owed: FollowUpRow,
        asker: Option<Asker>,
    ) -> Result<Again, ServiceError> {
        if let Some(running) = self.follow_ups.again.get(&row.id) {
            return Ok(Again::Running(running));
        }
        let (kept, request) = self.kept(&row)?;
        let number = request.authorisation.number.clone();
        let pack = self.pack(&request).ok();
        let case = Case::of(request, pack, self.today(), &self.log_key);
        if self.is_revoked(&row.client_id, &number) || !self.may_ask(&case) {
            self.parts.store.postpone_follow_up(never(&owed), Vec::new()).await?;
            self.follow_ups.tell(&row.id);
            return Ok(Again::NotCovered);
        }
        let key = self.parts.sealer.open_data_key(&row.id, &row.wrapped_key)?;
        let answers: KeptAnswers<'_> = serde_json::from_slice(&key.open(&row.id, Field::Answers, &owed.body)?)
            .map_err(|_| StoreError::Corrupt("set of answers"))?;
        let outcome = self.outcome(&row)?.ok_or(ServiceError::NotEnded)?;
        let class = if asker.is_some() { Class::Single } else { Class::Background };
        let fresh = Running {
            id: row.id.clone(),
            client_id: row.client_id.clone(),
            opened_at: Timestamp::from_microsecond(row.opened_at).map_err(|_| StoreError::Corrupt("time"))?,
            case,
            class,
            revoked: CancellationToken::new(),
            departments: watch::Sender::new(Vec::new()),
            end: watch::Sender::new(None),
        };
        let Some(running) = self.follow_ups.again.insert(fresh) else {
            return self.follow_ups.again.get(&row.id).map(Again::Running).ok_or(ServiceError::NotEnded);
        };
        if self.is_revoked(&row.client_id, &number) {
            running.revoked.cancel();
        }
        let asker = asker.unwrap_or(Asker { client: kept.client, request_id: kept.request_id });
        let owed = Owed {
            key,
            version: row.version,
            attempts: owed.attempts,
            owing: answers.owing.clone(),
            outcomes: answers.into_outcomes(),
            answer: outcome.answer.get().to_owned().into(),
        };
        let (service, task) = (Arc::clone(self), Arc::clone(&running));
        self.parts.tracker.spawn(async move {
            let end = service.ask_again(&task, &asker, owed).await;
            if let Err(error) = &end {
                tracing::error!(verification = task.id, %error, "what a department answered later could not be made durable");
            }
            service.follow_ups.again.remove(&task.id);
            service.follow_ups.tell(&task.id);
            task.end.send_replace(Some(end));
        });
        Ok(Again::Running(running))
    }

    /// Asks who owes an answer; a new one makes a new version, durable with the event that releases it.
    async fn ask_again(&self, running: &Running, asker: &Asker, owed: Owed) -> Result<Finished, StoreError> {
        let by_itself = running.class == Class::Background;
        let attempts = owed.attempts.saturating_add(u32::from(by_itself));
        let is_asked_again = |outcome: &&DepartmentOutcome| {
            owed.owing.contains(&outcome.department)
                && outcome.result.as_ref().is_err_and(|reason| reason.may_pass() || !by_itself)
        };
        let silent: Vec<&DepartmentOutcome> = owed.outcomes.iter().filter(is_asked_again).collect();
        let again: Vec<DepartmentId> = silent.iter().map(|outcome| outcome.department.clone()).collect();
        let would_ask = self.parts.federation.would_ask(silent.iter().map(|outcome| outcome.asked()));
        let count = |result: &'static str| {
            metrics::counter!("hedui_follow_ups_total", "result" => result).increment(1);
        };
        if again.is_empty() || by_itself && !would_ask {
            count("not_asked");
            self.postpone(&running.id, attempts, Vec::new()).await?;
            return Ok(owed.answer);
        }
        let attempt = self.log_asked_again(running, asker).await?;
        let tally = Tally::of_attempt(&attempt);
        let before = answers_in(&owed.outcomes);
        let inquest = self.ask_owed(running, &again, owed.outcomes, (&asker.client, &tally));
        let inquest =
            running.revoked.run_until_cancelled(inquest).await.transpose()?.filter(|_| !running.revoked.is_cancelled());
        let sent = tally.counted();
        let Some(inquest) = inquest.filter(|inquest| answers_in(&inquest.outcomes) > before) else {
            count(if running.revoked.is_cancelled() { "revoked" } else { "unchanged" });
            let event = self.asked_in_vain(running, asker, &attempt, &sent)?;
            self.postpone(&running.id, attempts, event.into_iter().collect()).await?;
            return Ok(owed.answer);
        };
        let version = owed.version + 1;
        let concluding = Concluding {
            id: &running.id,
            case: &running.case,
            opened_at: running.opened_at,
            key: &owed.key,
            version,
            attempts,
            class: running.class,
            asked: &sent,
            attempt: Some(&attempt),
        };
        let caller = Caller { client: &asker.client, request_id: &asker.request_id, class: running.class };
        let Conclusion { answer, outcome, released, .. } = self.conclude(concluding, inquest, caller)?;
        self.keep_pack(&running.case).await?;
        if !self.parts.store.supersede_outcome(Superseding { outcome, version }, vec![released]).await? {
            // Erased meanwhile, or another process was first: what was asked counts for nothing.
            return Ok(owed.answer);
        }
        count("answered");
        Ok(answer)
    }

    /// Asks who owes an answer what it owes; the outcomes of all, those of before among them.
    async fn ask_owed(
        &self,
        running: &Running,
        again: &[DepartmentId],
        earlier: Vec<DepartmentOutcome>,
        asking: (&Client, &Tally),
    ) -> Result<Inquest, StoreError> {
        let (federation, case) = (&self.parts.federation, &running.case);
        let mut plan = federation.plan(&case.question());
        let people = federation.people(&plan, &case.request.household);
        let inquiry = self.inquiry(running, &people, asking);
        if let (Disclosure::Minimal, Some(matter)) = (case.request.disclosure, self.matter(case)) {
            for department in &mut plan.departments {
                let mut own = earlier.iter().filter(|outcome| outcome.is_of(department));
                let gap = own.find_map(|outcome| outcome.result.as_ref().err().copied());
                // Whose gap does not pass is not asked, whatever is still open.
                department.gap =
                    department.gap.or(gap.filter(|gap| !gap.may_pass() && !again.contains(&department.department)));
            }
            let mut minimal = Minimal::new(matter, plan);
            minimal.found(earlier.into_iter().filter(|outcome| outcome.result.is_ok()).collect());
            let at_hand = federation.at_hand(&minimal.readable(), &people);
            minimal.found(at_hand);
            return self.ask_minimally(running, minimal, &inquiry).await;
        }
        let earlier = still_good(earlier, &plan, again);
        let is_wanting = |department: &DepartmentPlan| {
            again.contains(&department.department) && !earlier.iter().any(|outcome| outcome.is_of(department))
        };
        plan.departments.retain(is_wanting);
        let later = self.gather(&plan, &inquiry, |_| {}).await?;
        let mut outcomes: Vec<DepartmentOutcome> = earlier.into_iter().chain(later).collect();
        let catalogue = federation.catalogue().departments();
        outcomes.sort_by_key(|outcome| catalogue.iter().position(|department| department.id == outcome.department));
        Ok(Inquest { outcomes, ..Inquest::default() })
    }

    /// Who is asked about again, durable before anybody is. The entry's id names the attempt.
    async fn log_asked_again(&self, running: &Running, asker: &Asker) -> Result<String, StoreError> {
        let (id, at) = (self.parts.ids.next("ev"), self.parts.clock.now());
        let (client, request_id) = (&asker.client, &asker.request_id);
        let mut event = running.case.event(id.clone(), at, Action::AskedAgain, client, request_id, &running.id);
        if running.class == Class::Background {
            event.role = Some(Role::System);
        }
        self.parts.store.record_events(vec![event.to_row()?]).await?;
        Ok(id)
    }

    /// What was asked in an attempt that brought nothing: departments are told of every question. `None` where none was.
    fn asked_in_vain(
        &self,
        running: &Running,
        asker: &Asker,
        attempt: &str,
        sent: &[DepartmentTally],
    ) -> Result<Option<EventRow>, StoreError> {
        let questions = questions::logged(&[], sent, Some(attempt));
        if questions.is_empty() {
            return Ok(None);
        }
        let (id, at) = (self.parts.ids.next("ev"), self.parts.clock.now());
        let (client, request_id) = (&asker.client, &asker.request_id);
        let mut event = running.case.event(id, at, Action::AskedInVain, client, request_id, &running.id);
        if running.class == Class::Background {
            event.role = Some(Role::System);
        }
        event.questions = &questions;
        event.to_row().map(Some)
    }

    async fn postpone(&self, id: &str, attempts: u32, events: Vec<EventRow>) -> Result<(), StoreError> {
        let row = Postponed { verification_id: id.to_owned(), attempts, due_at: self.due_at(attempts) };
        self.parts.store.postpone_follow_up(row, events).await
    }
}

fn never(owed: &FollowUpRow) -> Postponed {
    Postponed { verification_id: owed.verification_id.clone(), attempts: owed.attempts, due_at: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::SystemRandomness;

    #[test]
    fn pauses_grow_to_the_longest_and_end() {
        let terms = FollowUpTerms {
            first_pause: Duration::from_secs(30),
            longest_pause: Duration::from_hours(1),
            attempts: 24,
            at_once: 4,
        };
        let now = Timestamp::from_second(1_760_000_000).unwrap();
        let mut least = Duration::from_secs(30);
        for attempts in 0..24 {
            let due = terms.due_at(attempts, now, &SystemRandomness).unwrap();
            let pause = Duration::from_micros(u64::try_from(due - now.as_microsecond()).unwrap());
            assert!(pause >= least && pause <= least + least / 4, "{attempts}: {pause:?}");
            least = (least * 2).min(Duration::from_hours(1));
        }
        assert_eq!(terms.due_at(24, now, &SystemRandomness), None);
        assert_eq!(terms.due_at(u32::MAX, now, &SystemRandomness), None);
        let never = FollowUpTerms { attempts: 0, ..terms };
        assert_eq!(never.due_at(0, now, &SystemRandomness), None);
    }
}

//! One department's adapter, and what stands between the hub's questions and it: quota, places, breaker, a second
//! try within a budget.
//!
//! The order of one question: is the breaker open → quota → place → breaker → send; a second request when the first is
//! slower than most or was lost on the way. All of it ends by the deadline. Questions change nothing at the department,
//! so a second one is safe; it is asked of the department's quota like any other.

use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use connectors::keys::PublicKey;
use futures_util::future::{Either, select};
use tokio::time::{Instant, sleep, timeout_at};
use tower::retry::budget::{Budget, TpsBudget};

use super::batch::Batcher;
use super::breaker::{Breaker, Pass, Turn};
use super::client::{AdapterClient, Arrived};
use super::delays::Delays;
use super::failure::{Failure, Sign};
use super::health::{Ailment, Health, HealthView, Standing, Step};
use super::meters::AdapterMeters;
use super::places::{Place, Places};
use super::proving::AnswerKeys;
use super::queue::Queue;
use super::quota::Quota;
use super::registry::Terms;
use super::round::Outgoing;
use super::turnover::Turnover;
use crate::domain::class::Class;
use crate::domain::clock::Randomness;
use crate::domain::dataset::{DatasetId, DepartmentId};
use crate::domain::outcome::GapReason;
use crate::egress::client::Times;

/// Second requests: a fifth of the first ones of the last ten seconds, and ten a second besides.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);
const BUDGET_PER_SECOND: u32 = 10;
const BUDGET_SHARE: f32 = 0.2;
/// What the hub asks again by itself takes at most this part of the quota.
const BACKGROUND_SHARE: u32 = 5;
/// A lost question is asked again after a random part of this.
const LONGEST_BACKOFF: Duration = Duration::from_millis(50);
/// Whether a late question was overtaken is looked at again after this at least.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// Whether a query carries one household or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// One.
    Alone,
    /// Several, so that how long it takes says nothing of one.
    Shared,
}

/// A department's adapter as the hub knows it.
pub struct Adapter {
    /// The department.
    pub department: DepartmentId,
    /// How long one question may take.
    pub timeout: Duration,
    /// What its answers must prove.
    pub(super) answer_keys: AnswerKeys,
    may_hedge: bool,
    client: AdapterClient,
    quota: Quota,
    background: Quota,
    places: Places,
    queue: Queue,
    breaker: Breaker,
    budget: TpsBudget,
    delays: Delays,
    turnover: Turnover,
    /// How many wait for the quota.
    wanting_quota: AtomicUsize,
    pub(super) health: Health,
    pub(super) batcher: Batcher,
    pub(super) meters: AdapterMeters,
    randomness: Arc<dyn Randomness>,
    under_way: AtomicUsize,
}

impl Adapter {
    /// An adapter on these terms.
    pub fn new(
        department: DepartmentId,
        (client, answer_keys): (AdapterClient, AnswerKeys),
        terms: Terms,
        randomness: Arc<dyn Randomness>,
    ) -> Self {
        let spare = NonZeroU32::new(terms.per_second.get() / BACKGROUND_SHARE).unwrap_or(NonZeroU32::MIN);
        let meters = AdapterMeters::of(&department);
        Self {
            timeout: terms.timeout,
            may_hedge: terms.may_hedge,
            answer_keys,
            client,
            quota: Quota::new(terms.per_second, terms.burst),
            background: Quota::new(spare, spare),
            places: Places::new(usize::try_from(terms.in_flight.get()).unwrap_or(usize::MAX)),
            queue: Queue::default(),
            breaker: Breaker::new(Instant::now()),
            budget: TpsBudget::new(BUDGET_WINDOW, BUDGET_PER_SECOND, BUDGET_SHARE),
            delays: Delays::default(),
            turnover: Turnover::default(),
            wanting_quota: AtomicUsize::new(0),
            health: Health::default(),
            batcher: Batcher::new(terms.shared_subjects),
            meters,
            randomness,
            under_way: AtomicUsize::new(0),
            department,
        }
    }

    /// Ends an interval of this length: how long somebody who comes now would wait for a place.
    pub(super) fn queue(&self, interval: Duration) -> Duration {
        self.queue.turn(interval)
    }

    /// How many are on their way to it: they hold it until they are answered or give up.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Acquire)
    }

    /// Whether it is left alone for a while because it does not answer.
    pub fn is_left_alone(&self) -> bool {
        self.breaker.is_open(Instant::now())
    }

    /// How long most answers take, and half of them, where enough have come.
    pub fn delays(&self) -> Option<(Duration, Duration)> {
        self.delays.half().zip(self.delays.most())
    }

    pub(super) fn enter(&self) {
        self.under_way.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn leave(&self) {
        self.under_way.fetch_sub(1, Ordering::AcqRel);
    }

    /// The public keys of its answers.
    pub fn answer_keys(&self) -> &[PublicKey] {
        &self.answer_keys.keys
    }

    /// Whether a question gains by sharing a query with others: because it would have to wait anyway, or because it is
    /// one of many and the department is busy.
    pub(super) fn gains_by_sharing(&self, class: Class) -> bool {
        let waits = || self.wanting_quota.load(Ordering::Acquire) > 0 || self.places.are_full();
        let gains = match class {
            Class::Single => waits(),
            Class::Batch => waits() || self.places.are_used(),
            Class::Background => false,
        };
        gains && self.batcher.is_on(Instant::now())
    }

    /// Asks, and reads the answer with `read`; gives up at the deadline. A failure says what it tells of the department.
    ///
    /// The question is made when it may leave. `sent` is told of every request that goes out. `read` says of an answer
    /// that is no use what that tells of the department.
    pub(super) async fn call<T>(
        &self,
        (class, sharing): (Class, Sharing),
        question: impl FnOnce() -> Outgoing,
        deadline: Instant,
        sent: impl Fn(),
        read: impl Fn(Arrived) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.breaker.is_open(Instant::now()) {
            self.meters.left_alone.increment(1);
            return Err(Failure::untold(GapReason::Unavailable));
        }
        if class == Class::Background {
            return self.call_in_passing(question, deadline, (sharing, &sent, &read)).await;
        }
        let place = self.wait(deadline).await?;
        // What cannot come in time any more is work for nobody.
        if sharing == Sharing::Alone && !self.may_come_in_time(deadline) {
            return Err(Failure::untold(GapReason::Timeout));
        }
        let Some(pass) = self.breaker.admit(Instant::now()) else {
            self.meters.left_alone.increment(1);
            return Err(Failure::untold(GapReason::Unavailable));
        };
        self.budget.deposit();
        self.meters.first.increment(1);
        let (question, way) = (question(), (sharing, &sent, &read));
        let (asked_at, under_way) = (Instant::now(), self.turnover.enter());
        let first = self.attempt(&question, None, (place, pass), deadline, way);
        let hedge_at = self.hedge_at(asked_at).filter(|at| *at < deadline && sharing == Sharing::Alone);
        let result = match hedge_at {
            None => first.await,
            Some(mut at) => {
                let mut first = pin!(first);
                loop {
                    match timeout_at(at, first.as_mut()).await {
                        Ok(result) => break result,
                        Err(_) if !under_way.is_overtaken() => at += (at - asked_at).max(BETWEEN_LOOKS),
                        Err(_) => match self.second() {
                            None => break first.await,
                            Some(leave) => {
                                self.meters.hedges.increment(1);
                                let second = pin!(self.attempt(&question, Some(asked_at), leave, deadline, way));
                                return sooner(first, second).await;
                            }
                        },
                    }
                }
            }
        };
        match result {
            Err(Failure { sign: Sign::Lost, .. }) if self.is_time_left(deadline) => {
                sleep(self.part_of(LONGEST_BACKOFF)).await;
                let Some(leave) = self.second() else { return Err(Failure::LOST) };
                self.meters.retries.increment(1);
                self.attempt(&question, Some(asked_at), leave, deadline, way).await
            }
            result => result,
        }
    }

    /// Waits for the quota, then for a place.
    async fn wait(&self, deadline: Instant) -> Result<Place<'_>, Failure> {
        if !self.quota.take_now() {
            let (_waiting, since) = (WantingQuota::among(&self.wanting_quota), Instant::now());
            timeout_at(deadline, self.quota.take()).await.map_err(|_| Failure::untold(GapReason::QuotaExceeded))?;
            self.health.took(Step::Quota, since.elapsed());
        }
        if let Some(place) = self.places.take_now() {
            self.queue.serve();
            return Ok(place);
        }
        let (queued, since) = (self.queue.join(), Instant::now());
        let place = timeout_at(deadline, self.places.take()).await.map_err(|_| Failure::untold(GapReason::Timeout))?;
        drop(queued);
        self.queue.serve();
        self.health.took(Step::Place, since.elapsed());
        Ok(place)
    }

    /// Asks once, if nobody else needs the department now: no waiting, no second request.
    async fn call_in_passing<T>(
        &self,
        question: impl FnOnce() -> Outgoing,
        deadline: Instant,
        way: (Sharing, &impl Fn(), &impl Fn(Arrived) -> Result<T, Failure>),
    ) -> Result<T, Failure> {
        let place = self.places.take_spare().ok_or(Failure::untold(GapReason::QuotaExceeded))?;
        if !self.background.take_now() || !self.quota.take_now() {
            return Err(Failure::untold(GapReason::QuotaExceeded));
        }
        let pass = self.breaker.admit(Instant::now()).ok_or(Failure::untold(GapReason::Unavailable))?;
        self.meters.background.increment(1);
        self.attempt(&question(), None, (place, pass), deadline, way).await
    }

    /// Sends the question once, and learns from what becomes of it. `first_at` is absent when it is sent for the first time.
    async fn attempt<T>(
        &self,
        question: &Outgoing,
        first_at: Option<Instant>,
        (place, pass): (Place<'_>, Pass<'_>),
        deadline: Instant,
        (sharing, sent, read): (Sharing, &impl Fn(), &impl Fn(Arrived) -> Result<T, Failure>),
    ) -> Result<T, Failure> {
        let _place = place;
        sent();
        let sent_at = Instant::now();
        let result = match timeout_at(deadline, self.client.query(question, first_at)).await {
            Ok(answer) => answer.and_then(|arrived| {
                self.took(arrived.times);
                read(arrived)
            }),
            // Who was given little time says nothing of the department by not waiting.
            Err(_) if sent_at.elapsed() < self.timeout / 2 => {
                return Err(Failure::untold(GapReason::Timeout));
            }
            Err(_) => Err(Failure::TIMEOUT),
        };
        let now = Instant::now();
        let sign = result.as_ref().map_or_else(|failure| failure.sign, |_| Sign::Well);
        self.stands(self.health.asked(result.as_ref().map(|_| ()).map_err(|failure| failure.reason)));
        match sign {
            Sign::Well if result.is_ok() => {
                // How long a household takes is told by those asked about alone.
                if sharing == Sharing::Alone {
                    self.delays.record(now - sent_at);
                }
                self.places.grow();
            }
            sign if sign.is_too_much() => self.places.shrink(now),
            _ => {}
        }
        self.turned(pass.report(sign.is_good(), now, |pause| self.part_of(pause / 4)));
        self.meters.places.set(u32::try_from(self.places.count()).unwrap_or(u32::MAX));
        result
    }

    /// When a second request may be worth sending: when the first has taken longer than nineteen of twenty, and far longer
    /// than most. Only if it was overtaken then.
    fn hedge_at(&self, asked_at: Instant) -> Option<Instant> {
        if self.may_hedge { self.delays.most().map(|most| asked_at + most) } else { None }
    }

    /// Leave for a second request, where budget, quota, places and breaker allow one at once.
    fn second(&self) -> Option<(Place<'_>, Pass<'_>)> {
        let place = self.places.take_now()?;
        let pass = self.breaker.admit(Instant::now())?;
        (self.budget.withdraw() && self.quota.take_now()).then_some((place, pass))
    }

    /// True when an answer may still come in time.
    fn is_time_left(&self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        left > self.delays.half().unwrap_or_default() + LONGEST_BACKOFF
    }

    /// False when less time is left than half the answers take even half of.
    fn may_come_in_time(&self, deadline: Instant) -> bool {
        deadline.saturating_duration_since(Instant::now()) > self.delays.half().unwrap_or_default() / 2
    }

    /// A random part of a time.
    fn part_of(&self, most: Duration) -> Duration {
        let mut drawn = [0_u8; 2];
        self.randomness.fill(&mut drawn);
        most * u32::from(u16::from_be_bytes(drawn)) / u32::from(u16::MAX)
    }

    /// Whether it ails, and with what.
    pub fn ailments(&self) -> Vec<Ailment> {
        self.health.ailments()
    }

    /// How many of a hundred answers of each dataset are usually "no record".
    pub fn usual(&self) -> Vec<(DatasetId, u32)> {
        self.health.usual()
    }

    /// Takes what it answers from now on as usual.
    pub fn learn_anew(&self) {
        self.health.learn_anew();
    }

    /// Holds its answers against what was usual before the hub started, and before these ailments.
    pub fn expect(&self, usual: &[(DatasetId, u32)], ailments: &[Ailment]) {
        self.health.expect(usual, ailments);
    }

    /// How many questions it was asked, and the fewest answers that one of these datasets had, since the hub started.
    pub fn heard_of<'a>(&self, datasets: impl Iterator<Item = &'a DatasetId>) -> (u64, u64) {
        self.health.heard_of(datasets)
    }

    /// How it does.
    pub fn health(&self) -> HealthView {
        let is_left_alone = self.breaker.is_open(Instant::now());
        self.health.view(&self.department, &self.delays, is_left_alone, self.places.count())
    }

    fn took(&self, times: Times) {
        if let Some(connect) = times.connect {
            self.health.took(Step::Connect, connect);
        }
        self.health.took(Step::FirstByte, times.first_byte);
        self.health.took(Step::Read, times.read);
    }

    fn stands(&self, standing: Standing) {
        match standing {
            Standing::Same => {}
            Standing::Ails => {
                tracing::warn!(department = %self.department, "answers badly, or what it answers has changed");
            }
            Standing::Well => {
                tracing::info!(department = %self.department, "answers as it used to");
            }
        }
    }

    fn turned(&self, turn: Turn) {
        match turn {
            Turn::None => {}
            Turn::Opened => {
                self.meters.open.set(1);
                tracing::warn!(department = %self.department, "does not answer; it is left alone for a while");
            }
            Turn::Closed => {
                self.meters.open.set(0);
                tracing::info!(department = %self.department, "answers again");
            }
        }
    }
}

/// Somebody who waits for the quota, counted as long as this lives.
struct WantingQuota<'a>(&'a AtomicUsize);

impl<'a> WantingQuota<'a> {
    fn among(wanting: &'a AtomicUsize) -> Self {
        wanting.fetch_add(1, Ordering::AcqRel);
        Self(wanting)
    }
}

impl Drop for WantingQuota<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The answer that comes first; a failure only when both fail.
async fn sooner<T>(
    one: impl Future<Output = Result<T, Failure>> + Unpin,
    other: impl Future<Output = Result<T, Failure>> + Unpin,
) -> Result<T, Failure> {
    match select(one, other).await {
        Either::Left((Ok(answer), _)) | Either::Right((Ok(answer), _)) => Ok(answer),
        Either::Left((Err(_), other)) => other.await,
        Either::Right((Err(_), one)) => one.await,
    }
}

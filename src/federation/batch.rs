//! Micro-batching: households that would have to wait for a department go to it together, in one query of at most 500
//! people.
//!
//! A question that can leave at once leaves alone. One that has to wait for a place or for the quota anyway waits in a
//! batch that others join until it leaves; a question of the batch class lingers a moment for others, where the
//! department is busy. What an answer says of a person goes to whoever asked about that person and to nobody else.
//!
//! INVARIANT: a seat belongs to one asker, and an asker reads its own seats only. Who gives up before the batch leaves is
//! not asked about; who gives up later takes nothing along and keeps nobody from going on.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use jiff::civil::Date;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::adapter::{Adapter, Sharing};
use super::decode::{Asked, Rejected, decode_each};
use super::failure::{Failure, Sign};
use super::health::Health;
use super::question::{AuthorisationBody, CaseBody, PersonBody, query_body};
use crate::domain::class::Class;
use crate::domain::clock::Clock;
use crate::domain::dataset::{Catalogue, Dataset, DepartmentId};
use crate::domain::id_number::IdNumber;
use crate::domain::outcome::{Answer, GapReason};
use crate::domain::period::Period;
use crate::domain::purpose::Purpose;

/// How long a question of the batch class waits for others at most.
const LINGER: Duration = Duration::from_millis(5);
/// After a query of several households brought nothing that is an answer, each asks alone for so long.
const REST: Duration = Duration::from_mins(1);

/// What came of the people of a batch, seat by seat; `None` for a seat that was left before the batch did.
type Arrivals = Arc<Vec<Option<Result<Vec<Arc<Answer>>, GapReason>>>>;
/// What was said of the people of one party, in their order.
type OfParty = Vec<Result<Vec<Arc<Answer>>, GapReason>>;
type Flight = Shared<BoxFuture<'static, Result<Arrivals, Failure>>>;

/// What may share a query: the purpose and the window stand once in it. Authorisations stand with each person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct BatchKey {
    pub(super) purpose: Purpose,
    pub(super) period: Period,
}

/// One household's question, as it joins a batch.
pub(super) struct Party {
    /// The verification.
    pub(super) request_id: String,
    /// Number of its authorisation, and the last day of it.
    pub(super) authorisation: (String, Date),
    /// Its people.
    pub(super) people: Vec<PartyMember>,
}

/// A person of a household that joins a batch.
pub(super) struct PartyMember {
    pub(super) id_number: IdNumber,
    pub(super) name: String,
    /// The datasets, by their positions in the catalogue.
    pub(super) datasets: Vec<usize>,
}

/// Why a batch brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotCarried {
    /// A gap, as it would have been alone.
    Gap(GapReason),
    /// What came was no answer to a query of several households: ask alone.
    AskAlone,
}

/// The batches of one department that have not left yet.
pub(super) struct Batcher {
    /// Most people in a query; 1: no batches.
    most: usize,
    open: Mutex<HashMap<BatchKey, Open>>,
    resting_until: Mutex<Option<Instant>>,
}

/// A batch that takes more people.
struct Open {
    seats: Weak<Seats>,
    flight: WeakShared<BoxFuture<'static, Result<Arrivals, Failure>>>,
}

/// Who is in a batch.
#[derive(Default)]
struct Seats {
    taken: Mutex<Taken>,
    full: Notify,
}

#[derive(Default)]
struct Taken {
    parties: Vec<SeatedParty>,
    people: usize,
    has_left: bool,
    /// What the query calls itself: the verification of the first household it asks about.
    request_id: String,
}

struct SeatedParty {
    party: Party,
    has_given_up: bool,
    was_asked_about: bool,
}

impl SeatedParty {
    const fn new(party: Party) -> Self {
        Self { party, has_given_up: false, was_asked_about: false }
    }
}

/// An asker's place in a batch. Dropped before the batch leaves, its people are not asked about.
struct Ticket {
    seats: Arc<Seats>,
    party: usize,
    people: Range<usize>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(seated) = self.seats.taken().parties.get_mut(self.party) {
            seated.has_given_up = true;
        }
    }
}

impl Seats {
    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many households the batch asks about.
    fn households(&self) -> usize {
        self.taken().parties.iter().filter(|seated| seated.was_asked_about).count()
    }

    /// Seats a party, if the batch is still here and has room for all of it.
    fn seat(self: &Arc<Self>, party: Party, most: usize) -> Result<Ticket, Party> {
        let mut taken = self.taken();
        let wanted = party.people.len();
        if taken.has_left || taken.people + wanted > most && taken.people > 0 {
            return Err(party);
        }
        let people = taken.people..taken.people + wanted;
        taken.people += wanted;
        taken.parties.push(SeatedParty::new(party));
        if taken.people >= most {
            self.full.notify_one();
        }
        Ok(Ticket { seats: Arc::clone(self), party: taken.parties.len() - 1, people })
    }
}

impl Batcher {
    /// Batches of at most so many people.
    pub(super) fn new(most: usize) -> Self {
        Self { most, open: Mutex::default(), resting_until: Mutex::default() }
    }

    /// Whether households may share a query now.
    pub(super) fn is_on(&self, now: Instant) -> bool {
        self.most > 1 && self.resting_until.lock().unwrap_or_else(PoisonError::into_inner).is_none_or(|at| now >= at)
    }

    fn rest(&self, now: Instant) {
        *self.resting_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(now + REST);
    }

    /// Goes with the batch of this key, or opens one; what came of the party's own people, in their order.
    async fn ride(
        &self,
        key: BatchKey,
        party: Party,
        fly: impl FnOnce(Arc<Seats>) -> BoxFuture<'static, Result<Arrivals, Failure>>,
    ) -> Result<OfParty, NotCarried> {
        let (ticket, flight) = self.board(key, party, fly);
        let arrivals = match flight.await {
            Ok(arrivals) => arrivals,
            // Alone it was asked already.
            Err(Failure { sign: Sign::Broken, .. }) if ticket.seats.households() > 1 => {
                self.rest(Instant::now());
                return Err(NotCarried::AskAlone);
            }
            Err(failure) => return Err(NotCarried::Gap(failure.reason)),
        };
        let own = arrivals.get(ticket.people.clone()).into_iter().flatten();
        own.map(|arrival| arrival.clone().ok_or(NotCarried::AskAlone)).collect()
    }

    /// Joins the batch of this key, or opens one; `fly` makes the flight of a new one.
    fn board(
        &self,
        key: BatchKey,
        mut party: Party,
        fly: impl FnOnce(Arc<Seats>) -> BoxFuture<'static, Result<Arrivals, Failure>>,
    ) -> (Ticket, Flight) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(batch) = open.get(&key)
            && let (Some(flight), Some(seats)) = (batch.flight.upgrade(), batch.seats.upgrade())
        {
            match seats.seat(party, self.most) {
                Ok(ticket) => return (ticket, flight),
                Err(back) => party = back,
            }
        }
        let seats = Arc::new(Seats::default());
        let ticket = Ticket { seats: Arc::clone(&seats), party: 0, people: 0..party.people.len() };
        {
            let mut taken = seats.taken();
            taken.people = party.people.len();
            taken.parties.push(SeatedParty::new(party));
        }
        let flight = fly(Arc::clone(&seats)).shared();
        // What has landed is forgotten with whoever asked.
        open.retain(|_, batch| batch.seats.strong_count() > 0);
        if let Some(weak) = flight.downgrade() {
            open.insert(key, Open { seats: Arc::downgrade(&seats), flight: weak });
        }
        (ticket, flight)
    }
}

/// How the people of a batch are written into a query, and how its answer is read.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) department: DepartmentId,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) health: Arc<Health>,
}

/// Where batches of one department leave from.
#[derive(Clone)]
pub(super) struct Terminal {
    pub(super) adapter: Arc<Adapter>,
    pub(super) form: Form,
}

impl Terminal {
    /// Asks about a household together with others, and gives what was said of its own people, in their order.
    pub(super) async fn ask(&self, class: Class, key: BatchKey, party: Party) -> Result<OfParty, NotCarried> {
        let linger = if class == Class::Batch { LINGER } else { Duration::ZERO };
        let fly = |seats| {
            self.adapter.meters.batches.increment(1);
            self.clone().fly(class, key, seats, linger).boxed()
        };
        self.adapter.meters.batched.increment(1);
        self.adapter.batcher.ride(key, party, fly).await
    }

    /// Waits for others a moment, then for the department's leave, and takes along whoever is seated by then.
    async fn fly(self, class: Class, key: BatchKey, seats: Arc<Seats>, linger: Duration) -> Result<Arrivals, Failure> {
        if !linger.is_zero() {
            drop(timeout(linger, seats.full.notified()).await);
        }
        let deadline = Instant::now() + self.adapter.timeout;
        let body = || self.form.body(key, &seats);
        self.adapter.send((class, Sharing::Shared), body, deadline, |answer| self.form.read(&seats, answer)).await
    }
}

impl Form {
    /// The body of a batch that leaves: from now on nobody joins it.
    fn body(&self, key: BatchKey, seats: &Seats) -> Vec<u8> {
        let mut taken = seats.taken();
        taken.has_left = true;
        taken.parties.iter_mut().for_each(|seated| seated.was_asked_about = !seated.has_given_up);
        // One household after all is a query like any other.
        let is_shared = taken.parties.iter().filter(|seated| seated.was_asked_about).count() > 1;
        let references = references(taken.people);
        let datasets: Vec<Vec<&Dataset>> = seated(&taken).map(|(_, member)| self.datasets(member)).collect();
        let people =
            seated(&taken).zip(references.iter().zip(&datasets)).filter(|((party, _), _)| party.was_asked_about);
        let people = people.map(|((seated, member), (reference, datasets))| PersonBody {
            reference,
            id_number: member.id_number.reveal(),
            name: &member.name,
            datasets,
            case: is_shared.then(|| seated.party.case()),
        });
        let first = taken.parties.iter().find(|seated| seated.was_asked_about).or(taken.parties.first());
        let Some(first) = first else { return Vec::new() };
        let body = query_body(first.party.case(), key.purpose, key.period, people);
        let request_id = first.party.request_id.clone();
        taken.request_id = request_id;
        body
    }

    /// What an answer says of each seat.
    fn read(&self, seats: &Seats, answer: &[u8]) -> Result<Arrivals, Failure> {
        let taken = seats.taken();
        let references = references(taken.people);
        let were_asked: Vec<bool> = seated(&taken).map(|(party, _)| party.was_asked_about).collect();
        let members = || seated(&taken).zip(&references).filter(|((party, _), _)| party.was_asked_about);
        let datasets: Vec<Vec<&Dataset>> = members().map(|((_, member), _)| self.datasets(member)).collect();
        let asked: Vec<Asked<'_>> = members()
            .zip(&datasets)
            .map(|(((_, member), reference), datasets)| Asked { reference, id_number: &member.id_number, datasets })
            .collect();
        let department = &self.department;
        let refused = |rejected: &Rejected| {
            tracing::warn!(%department, reason = %rejected.reason, detail = rejected.detail, "answer of a department was refused");
        };
        let each = decode_each(department.as_str(), &taken.request_id, &asked, answer, self.clock.now()).map_err(
            |rejected| {
                refused(&rejected);
                Failure { reason: rejected.reason, sign: Sign::Broken }
            },
        )?;
        self.health.heard(&each);
        each.iter().filter_map(|each| each.as_ref().err()).for_each(refused);
        let mut each = each.into_iter().map(|each| each.map_err(|rejected| rejected.reason));
        Ok(Arc::new(were_asked.into_iter().map(|was_asked| if was_asked { each.next() } else { None }).collect()))
    }

    fn datasets(&self, member: &PartyMember) -> Vec<&Dataset> {
        member.datasets.iter().filter_map(|index| self.catalogue.datasets().get(*index)).collect()
    }
}

/// How a query names the people of a batch: by their seats.
fn references(people: usize) -> Vec<String> {
    (0..people).map(|seat| seat.to_string()).collect()
}

/// The people of a batch, seat by seat, each with its party.
fn seated(taken: &Taken) -> impl Iterator<Item = (&SeatedParty, &PartyMember)> + Clone {
    taken.parties.iter().flat_map(|seated| seated.party.people.iter().map(move |member| (seated, member)))
}

impl Party {
    fn case(&self) -> CaseBody<'_> {
        let (number, valid_until) = &self.authorisation;
        CaseBody {
            request_id: &self.request_id,
            authorisation: AuthorisationBody { number, valid_until: *valid_until },
        }
    }
}

#[cfg(test)]
mod tests;

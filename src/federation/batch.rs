//! Micro-batching: households that would have to wait for a department go to it together, in one query of at most 500
//! people.
//!
//! A question that can leave at once leaves alone. One that has to wait for a place or for the quota anyway waits in a
//! batch that others join until it leaves; a question of the batch class lingers a moment for others, where the
//! department is busy. What an answer says of a person goes to whoever asked about that person and to nobody else.
//!
//! One signed context names every household's case. In the hub's account and in the department's ledger each household
//! has a question of its own, whatever it shared. Signatures of answers are verified at once; their bytes are about
//! several households and are kept with none.
//!
//! INVARIANT: a seat belongs to one asker, and an asker reads its own seats only. Who gives up before the batch leaves is
//! not asked about; who gives up later takes nothing along and keeps nobody from going on.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use connectors::context::{Case, MAX_CASES_BYTES};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use jiff::civil::Date;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::adapter::{Adapter, Sharing};
use super::client::Arrived;
use super::decode::{Asked, Rejected, decode_each};
use super::failure::{Failure, Sign};
use super::health::Health;
use super::proving::{AnswerKeys, Evidence, SignatureState};
use super::question::{AuthorisationBody, CaseBody, PersonBody, query_body};
use super::round::{Outgoing, Signing};
use super::tally::Tally;
use crate::domain::class::Class;
use crate::domain::dataset::{Catalogue, Dataset, DepartmentId};
use crate::domain::id_number::IdNumber;
use crate::domain::outcome::{Answer, GapReason};
use crate::domain::period::Period;
use crate::domain::proof::{AnswerProof, Signed};
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
    /// For which verification of whom it is asked, and its id.
    pub(super) case: Case,
    /// Number of its authorisation, and the last day of it.
    pub(super) authorisation: (String, Date),
    /// Its people.
    pub(super) people: Vec<PartyMember>,
    /// Where it is counted, and under which number.
    pub(super) tally: Tally,
    pub(super) number: usize,
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
    /// How long what is told of the cases is, as JSON.
    told_bytes: usize,
    has_left: bool,
    left_as: LeftAs,
}

/// What a batch calls itself once it has left.
#[derive(Default)]
struct LeftAs {
    /// The verification of the first household it asks about; an answer must repeat it.
    request_id: String,
    /// The id of the question, which the signature of an answer must name.
    question: String,
    /// `Content-Digest` of the question.
    digest: String,
    is_shared: bool,
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
        asked_about(&self.taken()).count()
    }

    /// Seats a party, if the batch is still here and has room for all of it.
    fn seat(self: &Arc<Self>, party: Party, most: usize) -> Result<Ticket, Party> {
        let mut taken = self.taken();
        let wanted = party.people.len();
        let told = taken.told_bytes + told_bytes(&party.case);
        if taken.has_left || (taken.people + wanted > most || told > MAX_CASES_BYTES) && taken.people > 0 {
            return Err(party);
        }
        let people = taken.people..taken.people + wanted;
        (taken.people, taken.told_bytes) = (taken.people + wanted, told);
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
            // Who does not know shared queries refuses them, or answers with what is none. Alone it was asked already.
            Err(Failure { sign, reason })
                if (sign == Sign::Broken || reason == GapReason::NotAuthorised) && ticket.seats.households() > 1 =>
            {
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
            (taken.people, taken.told_bytes) = (party.people.len(), told_bytes(&party.case));
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
    pub(super) signing: Arc<Signing>,
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
        let question = || self.form.question(key, &seats);
        let sent = || self.form.sent(&seats);
        let heard_by = (&self.adapter.answer_keys, &self.adapter.health);
        let read = |arrived| self.form.read(heard_by, &seats, arrived);
        self.adapter.call((class, Sharing::Shared), question, deadline, sent, read).await
    }
}

impl Form {
    /// The question of a batch that leaves: from now on nobody joins it.
    fn question(&self, key: BatchKey, seats: &Seats) -> Outgoing {
        let mut taken = seats.taken();
        taken.has_left = true;
        taken.parties.iter_mut().for_each(|seated| seated.was_asked_about = !seated.has_given_up);
        let mut cases: Vec<Case> = asked_about(&taken).map(|seated| seated.party.case.clone()).collect();
        // One household after all is a query like any other.
        let is_shared = cases.len() > 1;
        let question = match &mut cases[..] {
            [case] => case.question.take().unwrap_or_default(),
            _ => self.shared_id(),
        };
        let references = references(taken.people);
        let datasets: Vec<Vec<&Dataset>> = seated(&taken).map(|(_, member)| self.datasets(member)).collect();
        let people =
            seated(&taken).zip(references.iter().zip(&datasets)).filter(|((party, _), _)| party.was_asked_about);
        let people = people.map(|((seated, member), (reference, datasets))| PersonBody {
            reference,
            id_number: member.id_number.reveal(),
            name: &member.name,
            datasets,
            case: is_shared.then(|| seated.party.case_body()),
            division: None,
        });
        let first = asked_about(&taken).next().or(taken.parties.first()).expect("a batch is opened with a party in it");
        let request_id = first.party.case.verification.clone();
        let body = Bytes::from(query_body((first.party.case_body(), None), key.purpose, key.period, people));
        let to = (self.department.to_string(), question.clone());
        let (outgoing, digest) = self.signing.alone(key.purpose, to, cases, &body);
        taken.left_as = LeftAs { request_id, question, digest, is_shared };
        outgoing
    }

    /// An id that says nothing of the households: each is told it with the signature of its answer.
    fn shared_id(&self) -> String {
        let mut drawn = [0_u8; 16];
        self.signing.randomness.fill(&mut drawn);
        format!("shared.{}.{:032x}", self.department, u128::from_be_bytes(drawn))
    }

    /// Counts that the query went out, for each household that is in it.
    fn sent(&self, seats: &Seats) {
        for SeatedParty { party, .. } in asked_about(&seats.taken()) {
            party.tally.sent(&self.department, party.number, party.people.len());
        }
    }

    /// What an answer says of each seat.
    fn read(
        &self,
        (answer_keys, health): (&AnswerKeys, &Health),
        seats: &Seats,
        arrived: Arrived,
    ) -> Result<Arrivals, Failure> {
        let taken = seats.taken();
        let broken = |reason, detail: &str| {
            tracing::warn!(department = %self.department, %reason, detail, "answer of a department was refused");
            Failure { reason, sign: Sign::Broken }
        };
        let LeftAs { request_id, question, digest, is_shared } = &taken.left_as;
        let signed =
            answer_keys.signed(question, digest, &arrived).map_err(|detail| broken(GapReason::Malformed, detail))?;
        // Once for all of them, and at once: nothing can be looked at later that is not kept.
        let is_valid = |signed: &Signed| Evidence::from(signed).verify(&answer_keys.keys).1 == SignatureState::Valid;
        if !signed.as_ref().is_none_or(is_valid) {
            return Err(broken(GapReason::Malformed, "the signature is wrong"));
        }
        let now = self.signing.clock.now();
        let proof = signed.map(|signed| {
            let department = self.department.clone();
            Arc::new(if *is_shared {
                AnswerProof::of_several(department, signed, now)
            } else {
                AnswerProof::new(department, request_id.clone(), signed, now)
            })
        });
        let references = references(taken.people);
        let were_asked: Vec<bool> = seated(&taken).map(|(party, _)| party.was_asked_about).collect();
        let members = || seated(&taken).zip(&references).filter(|((party, _), _)| party.was_asked_about);
        let datasets: Vec<Vec<&Dataset>> = members().map(|((_, member), _)| self.datasets(member)).collect();
        let asked: Vec<Asked<'_>> = members()
            .zip(&datasets)
            .map(|(((_, member), reference), datasets)| Asked { reference, id_number: &member.id_number, datasets })
            .collect();
        let each = decode_each(self.department.as_str(), request_id, &asked, &arrived.body, (now, proof.as_ref()))
            .map_err(|rejected| broken(rejected.reason, &rejected.detail))?;
        health.heard(&each);
        for Rejected { reason, detail, .. } in each.iter().filter_map(|each| each.as_ref().err()) {
            tracing::warn!(department = %self.department, %reason, detail, "a record of a department was refused");
        }
        if let Some(proof) = proof.filter(|_| !is_shared) {
            proof.hold_body(arrived.body);
        }
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

/// The parties that a query that has left asks about.
fn asked_about(taken: &Taken) -> impl Iterator<Item = &SeatedParty> {
    taken.parties.iter().filter(|seated| seated.was_asked_about)
}

/// How long what is told of a case is, as JSON in bytes, and a little more.
fn told_bytes(case: &Case) -> usize {
    let Case { verification, authorisation, organisation, division, via, question } = case;
    let optional = |text: &Option<String>| text.as_deref().map_or(0, str::len);
    let texts = [verification, authorisation, organisation, division].iter().map(|text| text.len()).sum::<usize>();
    texts + optional(question) + optional(via) + 100
}

impl Party {
    fn case_body(&self) -> CaseBody<'_> {
        let (number, valid_until) = &self.authorisation;
        CaseBody {
            request_id: &self.case.verification,
            authorisation: AuthorisationBody { number, valid_until: *valid_until },
        }
    }
}

#[cfg(test)]
mod tests;

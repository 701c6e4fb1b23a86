//! Hubs of other regions (跨省核对): what one of them may ask, and what this one answers for its own departments.
//!
//! Known by its certificate → within its quota → the signed context proven → the question sound, about people of this
//! hub's own divisions, and not itself a peer's, its authorisation not revoked → the event that it was asked, durable →
//! this hub's departments, as for a verification → the event of what leaves, durable → the answer, signed. Every refusal is
//! in the log before it is told.
//!
//! INVARIANT: what a peer asks is put to this hub's own departments and to no other hub.

mod answering;
mod question;
mod refused;
mod revoking;
mod view;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use connectors::context::{Context, LIFETIME};
use connectors::keys::{PrivateKey, PublicKey};
use connectors::protocol::{AdapterProblem, Query, Response};
use connectors::signature;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::question::{Heard, RegionQuestion};
use self::revoking::Revoking;
use super::answer::DepartmentRow;
use super::ids::Ids;
use super::refusals::{Recorded, Refusal, Refusals, Said};
use super::verify::{Verifications, questions};
use crate::access_log::{AccessEvent, Action, DepartmentOutcome as LoggedOutcome};
use crate::auth::access::{self, Denial, Object, authorise};
use crate::auth::peer::Peer as Address;
use crate::auth::rate_limit::ClientLimit;
use crate::domain::actor::Client;
use crate::domain::class::Class;
use crate::domain::clock::Clock;
use crate::domain::dataset::{DatasetId, DepartmentId};
use crate::domain::division::DivisionCode;
use crate::domain::household::Member;
use crate::domain::id_number::SubjectKey;
use crate::egress::KeyPin;
use crate::federation::ask::{DepartmentOutcome, Inquiry};
use crate::federation::tally::Tally;
use crate::store::{AskingHub, Changes, EventRow, PeerChanges, StoreError, UnderRow};
pub use refused::Refused;
pub use view::HubView;

/// One question is answered so many times: asked once, and once more because the answer was slow or lost.
const TIMES: u32 = 2;
/// Questions of which it is remembered how often they were answered.
const REMEMBERED: u64 = 100_000;
/// A context is believed so long after it was signed, its lifetime and the difference of two clocks.
const BELIEVED: Duration = Duration::from_secs(LIFETIME.unsigned_abs() + 120);
/// Of the time that the other hub waits, this hub's departments have nine parts of ten.
const PARTS: u32 = 10;

/// A hub of another region, as this one knows it.
pub struct KnownPeer {
    /// What it may do at all: its name, its purposes, the first of this hub's divisions.
    pub client: Client,
    /// The keys its certificate may have.
    pub certificate_keys: Vec<KeyPin>,
    /// The keys of its signed contexts.
    pub context_keys: Vec<PublicKey>,
    /// The divisions of this hub whose people it may ask about.
    pub divisions: Vec<DivisionCode>,
    /// The datasets it may ask for; all where none are named.
    pub datasets: Option<Vec<DatasetId>>,
    /// Questions a second, and at once.
    pub quota: (std::num::NonZeroU32, std::num::NonZeroU32),
    /// How often it may ask.
    pub limit: ClientLimit,
    /// Its questions under way.
    pub places: Semaphore,
}

/// What [`Peers`] is made from.
pub struct Parts {
    /// This hub's name among hubs.
    pub name: DepartmentId,
    /// The key of its answers.
    pub answer_key: PrivateKey,
    /// The hubs it answers.
    pub known: Vec<KnownPeer>,
    /// Asks the departments.
    pub verifications: Arc<Verifications>,
    /// Records refusals.
    pub refusals: Arc<Refusals>,
    /// Makes the log's pseudonyms.
    pub log_key: SubjectKey,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Ids,
    /// How long departments are waited for at most.
    pub deadline: Duration,
}

/// The hubs of other regions and what they may ask.
pub struct Peers {
    parts: Parts,
    answered: moka::sync::Cache<String, Arc<AtomicU32>>,
    revoking: Revoking,
}

/// Who stands at the door.
#[derive(Clone, Copy)]
pub struct AtTheDoor<'a> {
    /// The certificate it proved, DER.
    pub certificate: Option<&'a [u8]>,
    /// Where it comes from.
    pub address: Option<Address>,
    /// The request's id.
    pub request_id: &'a str,
}

/// A question as it arrived.
pub struct Arrived {
    /// Its signed context.
    pub context: Option<String>,
    /// `Content-Digest`.
    pub content_digest: Option<String>,
    /// Its body.
    pub body: bytes::Bytes,
    /// Where it comes from.
    pub address: Option<Address>,
    /// The request's id.
    pub request_id: String,
}

/// An answer with what proves it.
pub struct Signed {
    /// The body, JSON.
    pub body: Vec<u8>,
    /// `Content-Digest`, `Signature-Input`, `Signature`.
    pub fields: [(&'static str, String); 3],
}

/// What the log is told of a question besides what stands in it.
struct Recording<'a> {
    peer: &'a KnownPeer,
    asked: &'a RegionQuestion,
    heard: &'a Heard,
    request_id: &'a str,
    /// This hub's own id of the question.
    id: &'a str,
}

impl Peers {
    /// Over these parts.
    pub fn new(parts: Parts) -> Arc<Self> {
        let answered = moka::sync::Cache::builder().max_capacity(REMEMBERED).time_to_live(BELIEVED).build();
        Arc::new(Self { parts, answered, revoking: Revoking::default() })
    }

    /// This hub's name among hubs.
    pub const fn name(&self) -> &DepartmentId {
        &self.parts.name
    }

    /// Who stands at the door, where that is a hub that is known, may do this, and comes no oftener than was agreed. A refusal
    /// is durable.
    pub async fn admit(&self, door: AtTheDoor<'_>, action: access::Action) -> Result<&KnownPeer, AdapterProblem> {
        let pin = door.certificate.and_then(|der| KeyPin::of(&der.into()));
        let known = pin.and_then(|pin| self.parts.known.iter().find(|peer| peer.certificate_keys.contains(&pin)));
        let Some(peer) = known else { return Err(self.refuse(door, None, Refused::UnknownPeer).await) };
        if !authorise(&peer.client, action, &Object::AtTheDoor).is_permit() {
            return Err(self.refuse(door, Some(peer), Refused::UnknownPeer).await);
        }
        match peer.limit.check(&peer.client.id) {
            Ok(_) => Ok(peer),
            Err(over) => {
                let problem = self.refuse(door, Some(peer), Refused::TooOften).await;
                Err(AdapterProblem { retry_after: Some(over.retry_after_seconds), ..problem })
            }
        }
    }

    /// What is told of a refusal of which nothing was read, once it is durable.
    pub async fn refuse(&self, door: AtTheDoor<'_>, peer: Option<&KnownPeer>, refused: Refused) -> AdapterProblem {
        self.refuse_question(door, peer, refused, &Heard::default()).await
    }

    /// What is told of a refusal, once it is durable together with what was asked.
    async fn refuse_question(
        &self,
        door: AtTheDoor<'_>,
        peer: Option<&KnownPeer>,
        refused: Refused,
        heard: &Heard,
    ) -> AdapterProblem {
        let refusal = Refusal {
            client: peer.map(|peer| &peer.client),
            peer: door.address,
            problem: refused.code(),
            request_id: door.request_id,
            verification: None,
            object: heard.object.as_deref(),
            said: Said {
                authorisation: heard.authorisation.as_deref(),
                organisation: heard.organisation.as_deref(),
                purpose: heard.purpose,
                subjects: &heard.subjects,
            },
        };
        match self.parts.refusals.record(refusal).await {
            Ok(Recorded::Singly) => refused.problem(),
            Ok(Recorded::Counted { retry_after_seconds }) => {
                AdapterProblem { retry_after: Some(retry_after_seconds), ..refused.problem() }
            }
            Err(error) => {
                tracing::error!(%error, "the refusal of a peer could not be recorded");
                Refused::LogUnwritable.problem()
            }
        }
    }

    /// Answers the question of a peer that was admitted.
    pub async fn answer(&self, peer: &KnownPeer, arrived: Arrived) -> Result<Signed, AdapterProblem> {
        let door = AtTheDoor { certificate: None, address: arrived.address, request_id: &arrived.request_id };
        let Ok(_place) = peer.places.try_acquire() else {
            return Err(self.refuse(door, Some(peer), Refused::TooManyAtOnce).await);
        };
        let (context, query) = match self.prove(peer, &arrived) {
            Ok(proven) => proven,
            Err(refused) => return Err(self.refuse(door, Some(peer), refused).await),
        };
        let heard = Heard::of(&query, &context, &self.parts.log_key);
        let asked = match self.grant(peer, query, &context) {
            Ok(asked) => asked,
            Err(refused) => return Err(self.refuse_question(door, Some(peer), refused, &heard).await),
        };
        let id = self.parts.ids.next("pq");
        let recording = Recording { peer, asked: &asked, heard: &heard, request_id: &arrived.request_id, id: &id };
        let unwritable = |error: StoreError| {
            tracing::error!(%error, peer = peer.client.id, "the question of a peer could not be recorded; it is not answered");
            Refused::LogUnwritable.problem()
        };
        self.parts.verifications.store().check_accepting().map_err(unwritable)?;
        let under = revoking::under(peer, &asked.organisation, &asked.authorisation.number);
        // INVARIANT: under way before it is looked whether it was revoked, so that a revocation finds it or is found.
        let under_way = self.revoking.enter(&id, &under);
        if self.is_revoked(&under).await.map_err(unwritable)? {
            return Err(self.refuse_question(door, Some(peer), Refused::Revoked, &heard).await);
        }
        self.record_asked(&recording, &under).await.map_err(unwritable)?;
        let tally = Tally::default();
        let asking = self.ask(peer, &asked, (&id, &under), &tally);
        let outcomes = under_way.revoked.run_until_cancelled(asking).await;
        let Some(outcomes) = outcomes.filter(|_| !under_way.revoked.is_cancelled()) else {
            // What departments were asked by then stands in their ledgers, so it stands here.
            self.record(&recording, Action::AskedInVain, &[], &tally).await.map_err(unwritable)?;
            return Err(Refused::Revoked.problem());
        };
        let response = Response {
            request_id: asked.request_id.clone(),
            adapter: self.version(),
            results: answering::results(&asked, &outcomes, self.parts.verifications.federation().catalogue()),
        };
        let body = serde_json::to_vec(&response).expect("answers have text keys only, so they are JSON");
        // INVARIANT: what leaves is durable in this hub's own log before it does (P1).
        self.record(&recording, Action::PeerAnswered, &outcomes, &tally).await.map_err(unwritable)?;
        Ok(self.signed(&context, &arrived, body))
    }

    /// Proves that a question is this peer's word, to this hub and just now, and reads it.
    fn prove(&self, peer: &KnownPeer, arrived: &Arrived) -> Result<(Context, Query), Refused> {
        let context = self.prove_context(peer, arrived)?;
        let query =
            serde_json::from_slice(&arrived.body).map_err(|error| Refused::Form(error.line(), error.column()))?;
        Ok((context, query))
    }

    /// Proves that a body is this peer's word, to this hub and just now.
    fn prove_context(&self, peer: &KnownPeer, arrived: &Arrived) -> Result<Context, Refused> {
        let body = &arrived.body[..];
        if arrived.content_digest.as_deref().is_some_and(|told| !signature::is_digest_of(told, body)) {
            return Err(Refused::Digest);
        }
        let (keys, name, now) = (&peer.context_keys, self.parts.name.as_str(), self.parts.clock.now());
        Ok(Context::admit(arrived.context.as_deref(), keys, name, body, now.as_second())?)
    }

    /// The question, where all of it is sound and this peer's to ask.
    fn grant(&self, peer: &KnownPeer, query: Query, context: &Context) -> Result<RegionQuestion, Refused> {
        if context.question.cases.iter().any(|case| case.via.is_some()) {
            return Err(Refused::Loop);
        }
        if !context.is_of(&query) {
            return Err(Refused::Context(connectors::context::ContextError::Body));
        }
        let catalogue = self.parts.verifications.federation().catalogue();
        let asked = RegionQuestion::of(query, context, catalogue, self.parts.clock.now())?;
        let object = Object::RegionQuestion {
            divisions: &asked.divisions(),
            granted_divisions: &peer.divisions,
            purpose: asked.plan.purpose,
            datasets: &asked.datasets,
            granted_datasets: peer.datasets.as_deref(),
        };
        authorise(&peer.client, access::Action::AskForRegion, &object).check().map_err(|denial| match denial {
            Denial::Division => Refused::OutsideDivisions,
            Denial::Purpose => Refused::Purpose,
            Denial::Role | Denial::Beyond | Denial::Absent => Refused::Dataset,
        })?;
        let count = self.answered.get_with(format!("{}/{}", peer.client.id, context.question.jti), Arc::default);
        if count.fetch_add(1, Ordering::Relaxed) >= TIMES {
            return Err(Refused::UsedUp);
        }
        Ok(asked)
    }

    /// Asks this hub's own departments, within what the other hub still waits.
    async fn ask(
        &self,
        peer: &KnownPeer,
        asked: &RegionQuestion,
        (id, under): (&str, &UnderRow),
        tally: &Tally,
    ) -> Vec<DepartmentOutcome> {
        let federation = self.parts.verifications.federation();
        let patience = asked.within.map_or(self.parts.deadline, |within| within / PARTS * (PARTS - 1));
        let people = federation.people(&asked.plan, &asked.household);
        people.note_under(federation.under(&under.hub, &under.organisation, &under.number));
        let via = DepartmentId::parse(&peer.client.id).ok();
        let inquiry = Inquiry {
            household: &asked.household,
            people: &people,
            authorisation: &asked.authorisation,
            verification: id,
            caller: &peer.client.id,
            organisation: &asked.organisation,
            division: asked.asking_division,
            via: via.as_ref(),
            tally,
            class: Class::Single,
            deadline: Instant::now() + patience.min(self.parts.deadline),
        };
        federation.gather(&asked.plan, &inquiry, |_| {}).await
    }

    /// Records that departments are asked for a peer now, and under what.
    async fn record_asked(&self, recording: &Recording<'_>, under: &UnderRow) -> Result<(), StoreError> {
        let asked_at = self.parts.clock.now().as_microsecond();
        let household = &recording.asked.household;
        let person = |(member, person): (usize, &Member)| AskingHub {
            under: under.clone(),
            subject: person.id_number.subject(&self.parts.log_key),
            division: household.division_of(member).to_string(),
            asked_at,
        };
        let asking = household.members.iter().enumerate().map(person).collect();
        let peers = PeerChanges { asking, ..PeerChanges::default() };
        let event = self.event(recording, Action::PeerAsked, &[], &Tally::default())?;
        self.parts.verifications.store().change(Changes { peers, ..Changes::default() }, vec![event]).await
    }

    async fn record(
        &self,
        recording: &Recording<'_>,
        action: Action,
        outcomes: &[DepartmentOutcome],
        tally: &Tally,
    ) -> Result<(), StoreError> {
        let row = self.event(recording, action, outcomes, tally)?;
        self.parts.verifications.store().record_events(vec![row]).await
    }

    fn event(
        &self,
        recording: &Recording<'_>,
        action: Action,
        outcomes: &[DepartmentOutcome],
        tally: &Tally,
    ) -> Result<EventRow, StoreError> {
        let Recording { peer, asked, heard, request_id, id } = *recording;
        let (now, catalogue) = (self.parts.clock.now(), self.parts.verifications.federation().catalogue());
        let rows: Vec<DepartmentRow> =
            outcomes.iter().map(|outcome| DepartmentRow::of(outcome, catalogue, now)).collect();
        let departments: Vec<LoggedOutcome<'_>> = rows
            .iter()
            .map(|row| LoggedOutcome { department: row.department.as_str(), hub: None, outcome: row.status })
            .collect();
        let counted = tally.counted();
        let mut event = AccessEvent::new(self.parts.ids.next("ev"), now, action, Some(&peer.client), request_id);
        event.division = Some(asked.household.division_of(0));
        (event.organisation, event.purpose) = (Some(asked.organisation.as_str()), Some(asked.plan.purpose));
        (event.authorisation, event.object) = (Some(asked.authorisation.number.as_str()), heard.object.as_deref());
        (event.verification, event.subjects) = (Some(id), &heard.subjects);
        event.departments = &departments;
        event.problem = (action == Action::AskedInVain).then_some(Refused::Revoked.code());
        let questions = questions::logged(&rows, &counted, None);
        event.questions = &questions;
        event.to_row()
    }

    fn signed(&self, context: &Context, arrived: &Arrived, body: Vec<u8>) -> Signed {
        let (digest, question) = (signature::content_digest(&body), signature::content_digest(&arrived.body));
        let covered = signature::Covered { status: 200, digest: &digest, question: &question };
        let now = self.parts.clock.now().as_second();
        let fields = signature::sign(&self.parts.answer_key, covered, &context.question.jti, now);
        let fields = [
            (signature::CONTENT_DIGEST, digest),
            (signature::SIGNATURE_INPUT, fields.input),
            (signature::SIGNATURE, fields.signature),
        ];
        Signed { body, fields }
    }
}

//! Verifying a household: the story of the whole system.
//!
//! Who asks and may they → the request, sealed, and the event that grants it, durable → plan → ask the
//! departments side by side → assemble the facts → evaluate → the outcome, sealed, and the event that
//! releases it, durable → answer.

pub mod case_event;
mod consent;
mod follow_up;
mod inquest;
pub mod look;
mod notice;
mod provenance;
pub(in crate::service) mod questions;
mod recover;
mod run;
mod telling;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::case::Case;
use super::disclosure::Foreseen;
use super::error::ServiceError;
use super::ids::Ids;
use super::kept::{Outcome, kept_request};
use super::planned::PlanView;
use super::request::VerificationRequest;
use super::request::document::RequestDocument;
use super::running::{Finished, Running, RunningTable};
use crate::access_log::{AccessEvent, Action};
use crate::auth::access::{self, Object, authorise};
use crate::domain::actor::Client;
use crate::domain::authorisation::Authorisation;
use crate::domain::class::Class;
use crate::domain::clock::{Clock, Randomness};
use crate::domain::disclosure::Disclosure;
use crate::domain::hex::hex;
use crate::domain::id_number::SubjectKey;
use crate::domain::period::date_in_china;
use crate::domain::problem::{Finding, Text};
use crate::federation::ask::Federation;
use crate::policy::{Packs, Parameters, Unavailable};
use crate::seal::{DataKey, Field, Sealer};
use crate::store::{NewVerification, NoticeRow, Opened, Store, StoreError, VerificationRow};
use consent::Consents;
pub use consent::{AuthorisationStatus, AuthorisationView};
use follow_up::FollowUps;
pub use follow_up::{FollowUpTerms, FollowUpView};
use inquest::Planned;
pub use notice::{HouseholdNotice, NoticeChannel, NoticeDocument, OwedNotices};
use run::{Concluding, Conclusion, answer_so_far, count};

/// Who asks, in which request.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The client, as its token proves.
    pub client: &'a Client,
    /// The request's id.
    pub request_id: &'a str,
    /// How urgent it is.
    pub class: Class,
}

/// The same, for a task of its own.
struct Asker {
    client: Client,
    request_id: String,
}

/// What a caller gets for a request: the end, or what there is so far.
pub enum Reply {
    /// The verification has come to its end.
    Completed {
        /// Its id.
        id: String,
        /// The answer, JSON.
        body: Finished,
        /// The request was accepted just now, not repeated.
        is_new: bool,
    },
    /// Departments are still being asked.
    Running {
        /// Its id.
        id: String,
        /// The answer so far, JSON.
        body: Vec<u8>,
    },
}

/// What to show beside the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expand {
    /// The source of every figure.
    pub evidence: bool,
    /// The tree of reasons.
    pub trace: bool,
    /// The verdict told to the caseworker.
    pub report: bool,
    /// The declaration against what was found.
    pub comparison: bool,
    /// This version of the outcome, and not the newest.
    pub version: Option<u32>,
}

/// A verification to follow: as it runs, or as it ended.
pub enum Follow {
    /// It is running in this process.
    Running(Arc<Running>),
    /// It has come to its end.
    Ended {
        /// The newest version.
        version: u32,
        /// The answer, JSON.
        body: Vec<u8>,
    },
}

/// What [`Verifications`] is made from.
pub struct Parts {
    /// Where verifications and events are kept.
    pub store: Store,
    /// Seals what is kept.
    pub sealer: Sealer,
    /// Asks the departments.
    pub federation: Federation,
    /// The rules in force.
    pub packs: Arc<Packs>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Ids,
    /// Owns every task; waited for at shutdown.
    pub tracker: TaskTracker,
    /// Says that the hub is stopping.
    pub stopping: CancellationToken,
    /// How long a verification waits for departments.
    pub deadline: Duration,
    /// Within what time a household is to be told that it was looked up in an emergency.
    pub notice_within: Duration,
    /// When departments are asked again for what they owe.
    pub follow_ups: FollowUpTerms,
    /// For pauses that are not in step.
    pub randomness: Arc<dyn Randomness>,
}

/// The use cases of verifications.
pub struct Verifications {
    parts: Parts,
    log_key: SubjectKey,
    running: RunningTable,
    /// Verifications whose end could not be made durable here; tried again until it is.
    not_durable: Mutex<Vec<String>>,
    /// Digests of the packs that are kept for replay.
    kept_packs: Mutex<HashSet<String>>,
    consents: Consents,
    follow_ups: FollowUps,
}

impl Verifications {
    /// The use cases over these parts.
    pub fn new(parts: Parts) -> Arc<Self> {
        let log_key = parts.sealer.subject_key("access-log");
        let consent_key = parts.sealer.subject_key("authorisation");
        Arc::new(Self {
            parts,
            log_key,
            running: RunningTable::default(),
            not_durable: Mutex::default(),
            kept_packs: Mutex::default(),
            consents: Consents::new(consent_key),
            follow_ups: FollowUps::default(),
        })
    }

    /// The federation behind the use cases.
    pub const fn federation(&self) -> &Federation {
        &self.parts.federation
    }

    /// How many verifications are under way.
    pub fn under_way(&self) -> usize {
        self.running.count()
    }

    /// The store behind the use cases.
    pub const fn store(&self) -> &Store {
        &self.parts.store
    }

    /// Accepts a request, waits at most `wait` for its end, and says what there is.
    ///
    /// The same request under the same idempotency key is one verification, however often it is sent.
    pub async fn open(
        self: &Arc<Self>,
        caller: Caller<'_>,
        idempotency_key: Option<String>,
        body: &[u8],
        wait: Duration,
    ) -> Result<Reply, ServiceError> {
        if self.parts.stopping.is_cancelled() {
            return Err(ServiceError::Stopping);
        }
        let (document, registered) = self.read(caller.client, body).await?;
        let kept = kept_request(caller.client, caller.request_id, registered.as_ref(), body);
        let case = self.admit(caller.client, document, registered)?;
        let now = self.parts.clock.now();
        let id = self.parts.ids.next("vf");
        let (key, wrapped_key) = self.parts.sealer.new_data_key(&id)?;
        let digest = hex(digest(&SHA256, body).as_ref());
        let row = NewVerification {
            id: id.clone(),
            client_id: caller.client.id.clone(),
            division: Some(case.request.place.division_code),
            idempotency_key,
            request_digest: digest.clone(),
            opened_at: now.as_microsecond(),
            wrapped_key,
            request: self.parts.sealer.seal(&key, &id, Field::Request, &kept)?,
            notice: case.exemption().map(|_| NoticeRow {
                verification_id: id.clone(),
                client_id: caller.client.id.clone(),
                division: case.request.place.division_code,
                opened_at: now.as_microsecond(),
                due_at: self.notice_due_at(now).as_microsecond(),
                given: None,
            }),
        };
        let granted = self.parts.ids.next("ev");
        let granted = case.event(granted, now, Action::Granted, caller.client, caller.request_id, &id).to_row()?;
        let inquest = match self.known_inquest(&case) {
            Ok(inquest) => inquest,
            Err(planned) => {
                return match self.parts.store.open_verification(row, vec![granted]).await? {
                    Opened::New => {
                        let asker = Asker { client: caller.client.clone(), request_id: caller.request_id.to_owned() };
                        let running = self.start(id, (asker, caller.class), now, case, key, planned);
                        wait_for(&running, wait, true).await
                    }
                    Opened::Existing { id, request_digest } => {
                        self.repeat(caller, &id, &request_digest, &digest, wait).await
                    }
                };
            }
        };
        // Nobody is asked, so nothing has to be durable before the end is: one write instead of two.
        let class = caller.class;
        let concluding = Concluding {
            id: &id,
            case: &case,
            opened_at: now,
            key: &key,
            version: 1,
            attempts: 0,
            class,
            asked: &[],
            attempt: None,
        };
        let Conclusion { answer, outcome, released, status, .. } = self.conclude(concluding, inquest, caller)?;
        self.keep_pack(&case).await?;
        match self.parts.store.open_and_complete(row, outcome, vec![granted, released]).await? {
            Opened::New => {
                count(status);
                Ok(Reply::Completed { id, body: answer, is_new: true })
            }
            Opened::Existing { id, request_digest } => self.repeat(caller, &id, &request_digest, &digest, wait).await,
        }
    }

    /// Reads a request's document, and the registered authorisation that it names.
    async fn read(
        &self,
        client: &Client,
        body: &[u8],
    ) -> Result<(RequestDocument, Option<Authorisation>), ServiceError> {
        let document = VerificationRequest::read(body).map_err(ServiceError::Invalid)?;
        let registered = match &document.authorisation_id {
            None => None,
            Some(id) => Some(self.registered(client, id, &document).await?),
        };
        Ok((document, registered))
    }

    /// Checks a request and says whether this client may make it. Nobody is asked and nothing is kept.
    fn admit(
        &self,
        client: &Client,
        document: RequestDocument,
        registered: Option<Authorisation>,
    ) -> Result<Case, ServiceError> {
        let request = self.parse(document, registered).map_err(ServiceError::Invalid)?;
        let application = Object::Application { division: request.place.division_code, purpose: request.purpose };
        authorise(client, access::Action::AskForVerification, &application).check()?;
        if self.is_revoked(&client.id, &request.authorisation.number) {
            let by_id = request.authorisation_id.is_some();
            return Err(consent::revoked(if by_id { "/authorisation_id" } else { "/authorisation/number" }));
        }
        let pack = match self.pack(&request) {
            Err(Unavailable::UnknownPack { known, .. }) => {
                return Err(ServiceError::Invalid(vec![Finding {
                    pointer: "/pack".to_owned(),
                    code: "unknown_pack",
                    detail: Text::new(
                        format!(
                            "该地区在评估日期没有这个名称的政策包；有效的是 {}，不填则使用默认的。",
                            known.join("、")
                        ),
                        format!(
                            "no pack of this name is in force for the place and date; those in force are {}; leave it out to use the default one.",
                            known.join(", ")
                        ),
                    ),
                }]));
            }
            pack => pack.ok(),
        };
        Ok(Case::of(request, pack, self.today(), &self.log_key))
    }

    fn parse(
        &self,
        document: RequestDocument,
        registered: Option<Authorisation>,
    ) -> Result<VerificationRequest, Vec<Finding>> {
        VerificationRequest::of(document, registered, self.today(), self.parts.federation.catalogue())
    }

    fn today(&self) -> Date {
        date_in_china(self.parts.clock.now())
    }

    fn pack(&self, request: &VerificationRequest) -> Result<Arc<Parameters>, Unavailable> {
        self.parts.packs.effective(request.place, request.assessed_on, request.pack.as_deref())
    }

    /// Who would be asked what, and why not more. Nobody is asked.
    pub async fn plan(&self, caller: Caller<'_>, body: &[u8]) -> Result<PlanView, ServiceError> {
        let (document, registered) = self.read(caller.client, body).await?;
        let case = self.admit(caller.client, document, registered)?;
        self.log_plan(caller, &case).await?;
        let refused = self.gate(&case).map(|gate| gate.status().as_str());
        let federation = &self.parts.federation;
        let question = case.question();
        let is_minimal = case.request.disclosure == Disclosure::Minimal && refused.is_none();
        let matter = self.matter(&case).filter(|_| is_minimal);
        let foreseen = matter.map(|matter| Foreseen::on_the_declaration(matter, federation.plan(&question)));
        Ok(PlanView::of(&question, federation, refused, foreseen.as_ref()))
    }

    /// A plan says what would be asked about named people, and what is at hand of them: a look that is an entry.
    async fn log_plan(&self, caller: Caller<'_>, case: &Case) -> Result<(), StoreError> {
        let (id, at) = (self.parts.ids.next("ev"), self.parts.clock.now());
        let mut event = AccessEvent::new(id, at, Action::Planned, Some(caller.client), caller.request_id);
        case.describe(&mut event);
        self.parts.store.record_events(vec![event.to_row()?]).await
    }

    /// The stored answer to a repeated request, or the running one. Under one idempotency key there is one request.
    async fn repeat(
        self: &Arc<Self>,
        caller: Caller<'_>,
        id: &str,
        request_digest: &str,
        repeated: &str,
        wait: Duration,
    ) -> Result<Reply, ServiceError> {
        if request_digest != repeated {
            // What was erased has no digest any more that could be told apart.
            return match self.own(caller.client, id).await {
                Err(ServiceError::Erased) => Err(ServiceError::Erased),
                _ => Err(ServiceError::IdempotencyKeyReused),
            };
        }
        if let Some(running) = self.running.get(id) {
            return wait_for(&running, wait, false).await;
        }
        let row = self.own(caller.client, id).await?;
        match self.outcome(&row)? {
            Some(outcome) => {
                self.log_view(caller, id).await?;
                let body = self.expanded(&row, &outcome, Expand::default()).await?.into();
                Ok(Reply::Completed { id: id.to_owned(), body, is_new: false })
            }
            // Accepted by a process that died before its end: taken up again here.
            None => wait_for(&*self.take_up(&row)?, wait, false).await,
        }
    }

    /// A verification of this client; foreign and absent are the same, erased or not.
    async fn own(&self, client: &Client, id: &str) -> Result<VerificationRow, ServiceError> {
        let row = self.parts.store.verification(id).await?.ok_or(ServiceError::NotFound)?;
        let object = Object::Verification { client: &row.client_id, division: row.division };
        authorise(client, access::Action::LookAtVerification, &object).check()?;
        if row.erased_at.is_some() { Err(ServiceError::Erased) } else { Ok(row) }
    }

    fn outcome(&self, row: &VerificationRow) -> Result<Option<Outcome>, ServiceError> {
        let Some(sealed) = &row.outcome else { return Ok(None) };
        let key = self.parts.sealer.open_data_key(&row.id, &row.wrapped_key)?;
        let body = key.open(&sealed_as(&row.id, row.version), Field::Outcome, sealed)?;
        serde_json::from_slice(&body).map(Some).map_err(|_| StoreError::Corrupt("outcome").into())
    }

    async fn log_view(&self, caller: Caller<'_>, id: &str) -> Result<(), StoreError> {
        let at = self.parts.clock.now();
        let mut event =
            AccessEvent::new(self.parts.ids.next("ev"), at, Action::Viewed, Some(caller.client), caller.request_id);
        event.verification = Some(id);
        self.parts.store.record_events(vec![event.to_row()?]).await
    }

    /// The answer to a verification of this client, with what is asked for beside it.
    pub async fn view(self: &Arc<Self>, caller: Caller<'_>, id: &str, expand: Expand) -> Result<Vec<u8>, ServiceError> {
        let unfinished = |running: &Arc<Running>| is_own(caller.client, running) && running.end.borrow().is_none();
        if let Some(running) = self.running.get(id).filter(unfinished) {
            self.log_view(caller, id).await?;
            return Ok(answer_so_far(&running));
        }
        let row = self.own_version(caller.client, id, expand.version).await?;
        self.log_view(caller, id).await?;
        if let Some(outcome) = self.outcome(&row)? {
            self.expanded(&row, &outcome, expand).await
        } else {
            let running = self.take_up(&row)?;
            Ok(answer_so_far(&running))
        }
    }

    /// A verification of this client, to be followed to its end.
    pub async fn follow(self: &Arc<Self>, caller: Caller<'_>, id: &str) -> Result<Follow, ServiceError> {
        if let Some(running) = self.running.get(id).filter(|running| is_own(caller.client, running)) {
            self.log_view(caller, id).await?;
            return Ok(Follow::Running(running));
        }
        let version = self.own(caller.client, id).await?.version;
        let body = self.view(caller, id, Expand::default()).await?;
        Ok(Follow::Ended { version, body })
    }

    /// Starts the verification on a task of its own: it comes to its end whether or not anybody waits.
    fn start(
        self: &Arc<Self>,
        id: String,
        (asker, class): (Asker, Class),
        opened_at: Timestamp,
        case: Case,
        key: DataKey,
        planned: Option<Planned>,
    ) -> Arc<Running> {
        let Asker { client, request_id } = asker;
        let fresh = Running {
            id: id.clone(),
            client_id: client.id.clone(),
            opened_at,
            case,
            class,
            revoked: CancellationToken::new(),
            departments: watch::Sender::new(Vec::new()),
            end: watch::Sender::new(None),
        };
        let Some(running) = self.running.insert(fresh) else {
            return self.running.get(&id).expect("just found to be running");
        };
        // Revoked between the look at the request and now, or while a crashed hub was away.
        if self.is_revoked(&client.id, &running.case.request.authorisation.number) {
            running.revoked.cancel();
        }
        let (service, task) = (Arc::clone(self), Arc::clone(&running));
        self.parts.tracker.spawn(async move {
            let end = service.run(&task, &client, &request_id, &key, planned).await;
            if let Err(error) = &end {
                tracing::error!(verification = task.id, %error, "a verification could not be made durable; it will be taken up again");
            }
            let is_durable = end.is_ok();
            task.end.send_replace(Some(end));
            service.running.remove(&task.id);
            if !is_durable {
                service.not_durable.lock().unwrap_or_else(PoisonError::into_inner).push(task.id.clone());
            }
        });
        running
    }
}

/// Under what an outcome is sealed: a version cannot be put in the place of another.
fn sealed_as(id: &str, version: u32) -> std::borrow::Cow<'_, str> {
    if version == 1 { id.into() } else { format!("{id}/{version}").into() }
}

/// Whether this client may look at a running verification.
fn is_own(client: &Client, running: &Running) -> bool {
    let division = Some(running.case.request.place.division_code);
    let object = Object::Verification { client: &running.client_id, division };
    authorise(client, access::Action::LookAtVerification, &object).is_permit()
}

/// Waits until the verification ends or the time is up.
async fn wait_for(running: &Running, wait: Duration, is_new: bool) -> Result<Reply, ServiceError> {
    let mut end = running.end.subscribe();
    match tokio::time::timeout(wait, end.wait_for(Option::is_some)).await {
        Err(_) => Ok(Reply::Running { id: running.id.clone(), body: answer_so_far(running) }),
        Ok(Err(_)) => Err(ServiceError::Stopping),
        Ok(Ok(end)) => match end.as_ref() {
            Some(Ok(body)) => Ok(Reply::Completed { id: running.id.clone(), body: body.clone(), is_new }),
            Some(Err(error)) => Err(error.clone().into()),
            None => Err(ServiceError::Stopping),
        },
    }
}

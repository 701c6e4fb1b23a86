//! Asking one department about one household, in order: cache, single flight, quota, place, request, door.

use std::sync::Arc;

use aws_lc_rs::digest;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

use super::cache::{AnswerCache, Person};
use super::decode::{Asked, decode};
use super::gather::People;
use super::meters::Meters;
use super::plan::{DepartmentPlan, Plan, SubjectPlan};
use super::registry::{Adapter, Registry};
use super::single_flight::{FlightKey, Flights, Landing};
use crate::domain::authorisation::Authorisation;
use crate::domain::clock::Clock;
use crate::domain::dataset::{Catalogue, Dataset, DepartmentId};
use crate::domain::household::{Household, Member};
use crate::domain::id_number::{Subject, SubjectKey};
use crate::domain::outcome::{Answer, Freshness, GapReason};
use crate::domain::period::Period;

/// What came of asking one department.
#[derive(Debug, Clone)]
pub struct DepartmentOutcome {
    /// The department.
    pub department: DepartmentId,
    /// The answers by member, or why there are none.
    pub result: Result<Vec<MemberAnswers>, GapReason>,
    /// How long it took.
    pub elapsed: std::time::Duration,
}

/// What one department said about one member.
#[derive(Debug, Clone)]
pub struct MemberAnswers {
    /// Position of the member in the household.
    pub member: usize,
    /// One answer for each dataset asked, with its freshness.
    pub answers: Vec<(Arc<Answer>, Freshness)>,
}

/// The household a plan is about, and when its answer is wanted.
pub struct Inquiry<'a> {
    /// The household.
    pub household: &'a Household,
    /// Its people as the cache knows them, for this plan.
    pub people: &'a People,
    /// Its authorisation.
    pub authorisation: &'a Authorisation,
    /// The id of the verification, told to departments.
    pub verification: &'a str,
    /// The instant after which nobody waits any more.
    pub deadline: Instant,
}

/// Everything asking needs; one for the life of the hub.
pub struct Federation {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) registry: Registry,
    pub(super) meters: Meters,
    pub(super) cache: AnswerCache,
    pub(super) subject_key: SubjectKey,
    pub(super) clock: Arc<dyn Clock>,
    flights: Flights<Result<Arc<Landed>, GapReason>>,
    tracker: TaskTracker,
}

/// What a flight brought, by person.
type Landed = Vec<(Subject, Vec<Arc<Answer>>)>;

/// What is known of a department's part of a plan before it is asked.
pub(super) enum Recalled<'a> {
    /// Nothing need be asked.
    Settled(Result<Vec<MemberAnswers>, GapReason>),
    /// Some are known, the others must be asked about.
    Wanting { found: Vec<MemberAnswers>, wanted: Vec<Wanted<'a>> },
}

/// A person in a question about to be asked.
pub(super) struct Wanted<'a> {
    plan: &'a SubjectPlan,
    person: &'a Arc<Person>,
}

impl Federation {
    /// A federation over these adapters. `cached_people` of 0 turns the cache off.
    pub fn new(
        catalogue: Arc<Catalogue>,
        registry: Registry,
        cached_people: u64,
        subject_key: SubjectKey,
        clock: Arc<dyn Clock>,
        tracker: TaskTracker,
    ) -> Self {
        let keep =
            catalogue.datasets().iter().map(|dataset| dataset.fresh.saturating_add(dataset.stale_while_error)).max();
        let cache = AnswerCache::new(cached_people, keep.unwrap_or_default());
        let meters = Meters::of(&catalogue);
        Self { catalogue, registry, meters, cache, subject_key, clock, flights: Flights::default(), tracker }
    }

    /// The catalogue questions are planned from.
    pub const fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The registered adapters.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What the cache knows of a department's part of a plan.
    pub(super) fn recalled<'a>(
        &self,
        department: &'a DepartmentPlan,
        people: &'a People,
        now: Timestamp,
    ) -> Recalled<'a> {
        if let Some(reason) = department.gap {
            return Recalled::Settled(Err(reason));
        }
        let mut found = Vec::with_capacity(department.subjects.len());
        let mut wanted = Vec::new();
        for plan in &department.subjects {
            let Some(person) = people.get(plan.member) else { continue };
            let want = Wanted { plan, person };
            match self.cached(department, &want, now, false) {
                Some(answers) => found.push(answers),
                None => wanted.push(want),
            }
        }
        if wanted.is_empty() { Recalled::Settled(Ok(found)) } else { Recalled::Wanting { found, wanted } }
    }

    /// Asks one department what the plan wants to know. Always answers by the deadline.
    pub(super) async fn ask(
        &self,
        plan: &Plan,
        department: &DepartmentPlan,
        inquiry: &Inquiry<'_>,
    ) -> Result<Vec<MemberAnswers>, GapReason> {
        let now = self.clock.now();
        let (mut found, wanted) = match self.recalled(department, inquiry.people, now) {
            Recalled::Settled(result) => return result,
            Recalled::Wanting { found, wanted } => (found, wanted),
        };
        let adapter = self.registry.get(&department.department).ok_or(GapReason::NotConnected)?;
        match self.fly(plan, department, adapter, inquiry, &wanted).await {
            Ok(landed) => {
                for want in wanted {
                    let (_, answers) = landed
                        .iter()
                        .find(|(subject, _)| *subject == want.person.subject())
                        .ok_or(GapReason::Mismatch)?;
                    let answers = answers.iter().map(|answer| (Arc::clone(answer), Freshness::Live)).collect();
                    found.push(MemberAnswers { member: want.plan.member, answers });
                }
            }
            Err(reason) => {
                for want in wanted {
                    found.push(self.cached(department, &want, now, true).ok_or(reason)?);
                }
            }
        }
        found.sort_unstable_by_key(|answers| answers.member);
        Ok(found)
    }

    fn datasets<'a>(&'a self, plan: &'a SubjectPlan) -> impl Iterator<Item = &'a Dataset> {
        plan.datasets.iter().filter_map(|index| self.catalogue.datasets().get(*index))
    }

    fn cached(
        &self,
        department: &DepartmentPlan,
        want: &Wanted<'_>,
        now: Timestamp,
        stale: bool,
    ) -> Option<MemberAnswers> {
        let answers = want.person.answers(&department.department, self.datasets(want.plan), now, stale)?;
        Some(MemberAnswers { member: want.plan.member, answers })
    }

    /// One call for all who ask the same now: the first leads, the others join.
    async fn fly(
        &self,
        plan: &Plan,
        department: &DepartmentPlan,
        adapter: &Arc<Adapter>,
        inquiry: &Inquiry<'_>,
        wanted: &[Wanted<'_>],
    ) -> Result<Arc<Landed>, GapReason> {
        let people = self.asked_people(inquiry.household, wanted)?;
        let key = flight_key(plan, department, inquiry.authorisation, &people);
        let (seat, landing) = self.flights.board(key);
        if let Some(landing) = landing {
            let call = Call {
                body: query_body(plan, inquiry, &people),
                deadline: inquiry.deadline.min(Instant::now() + adapter.timeout),
                department: department.department.clone(),
                adapter: Arc::clone(adapter),
                catalogue: Arc::clone(&self.catalogue),
                clock: Arc::clone(&self.clock),
                people: wanted.iter().zip(&people).map(|(want, asked)| Subjected::of(want, asked.member)).collect(),
            };
            self.tracker.spawn(call.lead(landing));
        }
        timeout_at(inquiry.deadline, seat.landed())
            .await
            .map_err(|_| GapReason::Timeout)?
            .ok_or(GapReason::Unavailable)?
    }

    fn asked_people<'a>(
        &'a self,
        household: &'a Household,
        wanted: &'a [Wanted<'a>],
    ) -> Result<Vec<AskedPerson<'a>>, GapReason> {
        let asked = |want: &'a Wanted<'a>| {
            let member = household.members.get(want.plan.member)?;
            Some(AskedPerson { member, subject: want.person.subject(), datasets: self.datasets(want.plan).collect() })
        };
        // A plan is made from the household it is run for; a member it does not have was not answered for.
        wanted.iter().map(asked).collect::<Option<_>>().ok_or(GapReason::Mismatch)
    }
}

/// A person in a question, with what the question says of them.
struct AskedPerson<'a> {
    member: &'a Member,
    subject: Subject,
    datasets: Vec<&'a Dataset>,
}

/// The person in a call that outlives the verification that led it.
struct Subjected {
    member: Member,
    person: Arc<Person>,
    datasets: Vec<usize>,
}

impl Subjected {
    fn of(want: &Wanted<'_>, member: &Member) -> Self {
        Self { member: member.clone(), person: Arc::clone(want.person), datasets: want.plan.datasets.clone() }
    }
}

/// One call to one department: everything it needs, so that it lands whether or not anybody still waits.
struct Call {
    body: Vec<u8>,
    deadline: Instant,
    department: DepartmentId,
    adapter: Arc<Adapter>,
    catalogue: Arc<Catalogue>,
    clock: Arc<dyn Clock>,
    people: Vec<Subjected>,
}

impl Call {
    async fn lead(mut self, landing: Landing<Result<Arc<Landed>, GapReason>>) {
        let result = self.make().await.map(Arc::new);
        landing.land(result);
    }

    /// Asks, checks at the door, and keeps what was answered.
    async fn make(&mut self) -> Result<Landed, GapReason> {
        let body = self.adapter.call(std::mem::take(&mut self.body), self.deadline).await?;
        let asked: Vec<Asked<'_>> = self
            .people
            .iter()
            .map(|subjected| Asked {
                reference: subjected.member.reference.as_str(),
                id_number: &subjected.member.id_number,
                datasets: subjected.datasets.iter().filter_map(|index| self.catalogue.datasets().get(*index)).collect(),
            })
            .collect();
        let answers = decode(self.department.as_str(), &asked, &body, self.clock.now()).map_err(|rejected| {
            tracing::warn!(department = %self.department, reason = %rejected.reason, detail = rejected.detail,
                "answer of a department was refused");
            rejected.reason
        })?;
        let landed = self.people.iter().zip(answers).map(|(subjected, answers)| {
            subjected.person.keep(&self.department, &answers);
            (subjected.person.subject(), answers)
        });
        Ok(landed.collect())
    }
}

/// Equal only for the same department, purpose, window, authorisation, persons, names and datasets.
fn flight_key(
    plan: &Plan,
    department: &DepartmentPlan,
    authorisation: &Authorisation,
    people: &[AskedPerson<'_>],
) -> FlightKey {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut part = |bytes: &[u8]| {
        context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(bytes);
    };
    part(department.department.as_str().as_bytes());
    part(plan.purpose.as_str().as_bytes());
    for day in [plan.period.from, plan.period.to] {
        part(&day.year().to_be_bytes());
        part(&[day.month().unsigned_abs(), day.day().unsigned_abs()]);
    }
    part(authorisation.number.as_bytes());
    for person in people {
        part(person.member.reference.as_str().as_bytes());
        part(person.subject.bytes());
        for dataset in &person.datasets {
            part(dataset.id.as_str().as_bytes());
        }
        part(b"");
    }
    let mut key = [0_u8; 32];
    for (to, from) in key.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    key
}

/// The body of a query, as [`connectors::protocol::Query`] reads it.
fn query_body(plan: &Plan, inquiry: &Inquiry<'_>, people: &[AskedPerson<'_>]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        request_id: &'a str,
        purpose: &'a str,
        authorisation: BodyAuthorisation<'a>,
        period: Period,
        datasets: Vec<&'a str>,
        subjects: Vec<BodySubject<'a>>,
    }
    #[derive(Serialize)]
    struct BodyAuthorisation<'a> {
        number: &'a str,
        valid_until: jiff::civil::Date,
    }
    #[derive(Serialize)]
    struct BodySubject<'a> {
        #[serde(rename = "ref")]
        reference: &'a str,
        id_number: &'a str,
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        datasets: Option<Vec<&'a str>>,
    }
    let mut datasets: Vec<&str> = Vec::new();
    for dataset in people.iter().flat_map(|person| &person.datasets) {
        if !datasets.contains(&dataset.id.as_str()) {
            datasets.push(dataset.id.as_str());
        }
    }
    let subjects = people
        .iter()
        .map(|person| BodySubject {
            reference: person.member.reference.as_str(),
            id_number: person.member.id_number.reveal(),
            name: &person.member.name,
            datasets: (person.datasets.len() < datasets.len())
                .then(|| person.datasets.iter().map(|dataset| dataset.id.as_str()).collect()),
        })
        .collect();
    let body = Body {
        request_id: inquiry.verification,
        purpose: plan.purpose.as_str(),
        authorisation: BodyAuthorisation {
            number: &inquiry.authorisation.number,
            valid_until: inquiry.authorisation.valid_until,
        },
        period: plan.period,
        datasets,
        subjects,
    };
    serde_json::to_vec(&body).expect("a query holds only strings and lists")
}

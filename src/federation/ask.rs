//! Asking one department about one household, in order: cache, single flight, quota, request, door.

use std::sync::Arc;

use aws_lc_rs::digest;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

use super::cache::{AnswerCache, CacheKey};
use super::decode::{Asked, decode};
use super::meters::Meters;
use super::plan::{DepartmentPlan, Plan};
use super::registry::{Adapter, Registry};
use crate::domain::authorisation::Authorisation;
use crate::domain::clock::Clock;
use crate::domain::dataset::{Catalogue, Dataset, DepartmentId};
use crate::domain::household::{Household, Member};
use crate::domain::id_number::{Subject, SubjectKey};
use crate::domain::outcome::{Answer, Freshness, GapReason};
use crate::domain::period::Period;

/// How many identical questions may be in flight at once.
const MAX_FLIGHTS: u64 = 100_000;

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
    cache: Option<AnswerCache>,
    flights: moka::future::Cache<[u8; 32], Arc<Landed>>,
    subject_key: SubjectKey,
    clock: Arc<dyn Clock>,
    tracker: TaskTracker,
}

/// What a flight brought, by person.
type Landed = Vec<(Subject, Vec<Arc<Answer>>)>;

/// A person in a question about to be asked.
struct Wanted<'a> {
    member: usize,
    person: &'a Member,
    subject: Subject,
    datasets: Vec<&'a Dataset>,
}

impl Federation {
    /// A federation over these adapters. `cache_entries` of 0 turns the cache off.
    pub fn new(
        catalogue: Arc<Catalogue>,
        registry: Registry,
        cache_entries: u64,
        subject_key: SubjectKey,
        clock: Arc<dyn Clock>,
        tracker: TaskTracker,
    ) -> Self {
        let keep =
            catalogue.datasets().iter().map(|dataset| dataset.fresh.saturating_add(dataset.stale_while_error)).max();
        let cache = (cache_entries > 0).then(|| AnswerCache::new(cache_entries, keep.unwrap_or_default()));
        let flights = moka::future::Cache::builder().max_capacity(MAX_FLIGHTS).build();
        let meters = Meters::of(&catalogue);
        Self { catalogue, registry, meters, cache, flights, subject_key, clock, tracker }
    }

    /// The catalogue questions are planned from.
    pub const fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The registered adapters.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Asks one department what the plan wants to know. Always answers by the deadline.
    pub async fn ask(&self, plan: &Plan, department: &DepartmentPlan, inquiry: &Inquiry<'_>) -> DepartmentOutcome {
        let started = Instant::now();
        let result = self.ask_inner(plan, department, inquiry).await;
        DepartmentOutcome { department: department.department.clone(), result, elapsed: started.elapsed() }
    }

    async fn ask_inner(
        &self,
        plan: &Plan,
        department: &DepartmentPlan,
        inquiry: &Inquiry<'_>,
    ) -> Result<Vec<MemberAnswers>, GapReason> {
        if let Some(reason) = department.gap {
            return Err(reason);
        }
        let mut found = Vec::with_capacity(department.subjects.len());
        let mut wanted = Vec::new();
        let now = self.clock.now();
        for subject_plan in &department.subjects {
            let Some(person) = inquiry.household.members.get(subject_plan.member) else { continue };
            let datasets: Vec<&Dataset> =
                subject_plan.datasets.iter().filter_map(|index| self.catalogue.datasets().get(*index)).collect();
            let subject = person.id_number.subject_named(&self.subject_key, &person.name);
            let want = Wanted { member: subject_plan.member, person, subject, datasets };
            match self.cached(plan, department, &want, now, false) {
                Some(answers) => found.push(MemberAnswers { member: want.member, answers }),
                None => wanted.push(want),
            }
        }
        if wanted.is_empty() {
            return Ok(found);
        }
        let adapter = self.registry.get(&department.department).ok_or(GapReason::NotConnected)?;
        match self.fly(plan, department, adapter, inquiry, &wanted).await {
            Ok(landed) => {
                for want in wanted {
                    let (_, answers) =
                        landed.iter().find(|(subject, _)| *subject == want.subject).ok_or(GapReason::Mismatch)?;
                    let answers = answers.iter().map(|answer| (Arc::clone(answer), Freshness::Live)).collect();
                    found.push(MemberAnswers { member: want.member, answers });
                }
                found.sort_by_key(|answers| answers.member);
                Ok(found)
            }
            Err(reason) => {
                for want in wanted {
                    let answers = self.cached(plan, department, &want, now, true).ok_or(reason)?;
                    found.push(MemberAnswers { member: want.member, answers });
                }
                found.sort_by_key(|answers| answers.member);
                Ok(found)
            }
        }
    }

    fn cached(
        &self,
        plan: &Plan,
        department: &DepartmentPlan,
        want: &Wanted<'_>,
        now: Timestamp,
        stale: bool,
    ) -> Option<Vec<(Arc<Answer>, Freshness)>> {
        self.cache.as_ref()?.get(&cache_key(plan, department, want.subject), &want.datasets, now, stale)
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
        let key = flight_key(plan, department, inquiry.authorisation, wanted);
        let leader = async {
            let deadline = inquiry.deadline.min(Instant::now() + adapter.timeout);
            let body = query_body(plan, inquiry, wanted);
            let adapter = Arc::clone(adapter);
            // On a task of its own, so that a caller who goes away does not waste the department's answer.
            let call = self.tracker.spawn(async move { call(&adapter, body, deadline).await });
            let body = call.await.map_err(|_| GapReason::Unavailable)??;
            let now = self.clock.now();
            let asked: Vec<Asked<'_>> = wanted
                .iter()
                .map(|want| Asked {
                    reference: want.person.reference.as_str(),
                    id_number: &want.person.id_number,
                    datasets: want.datasets.clone(),
                })
                .collect();
            let answers = decode(department.department.as_str(), &asked, &body, now).map_err(|rejected| {
                tracing::warn!(department = %department.department, reason = %rejected.reason, detail = rejected.detail,
                    "answer of a department was refused");
                rejected.reason
            })?;
            let landed: Landed = wanted.iter().map(|want| want.subject).zip(answers).collect();
            if let Some(cache) = &self.cache {
                for (subject, answers) in &landed {
                    cache.put(cache_key(plan, department, *subject), answers);
                }
            }
            Ok(Arc::new(landed))
        };
        let flight = timeout_at(inquiry.deadline, self.flights.try_get_with(key, leader)).await;
        match flight {
            Err(_) => Err(GapReason::Timeout),
            Ok(Err(reason)) => Err(*reason),
            Ok(Ok(landed)) => {
                // What landed lives on in the answer cache, under its own freshness; the flight is over.
                self.flights.invalidate(&key).await;
                Ok(landed)
            }
        }
    }
}

/// Waits for quota, asks, and gives up at the deadline.
async fn call(adapter: &Adapter, body: Vec<u8>, deadline: Instant) -> Result<Vec<u8>, GapReason> {
    if adapter.quota.check().is_err() {
        timeout_at(deadline, adapter.quota.until_ready()).await.map_err(|_| GapReason::QuotaExceeded)?;
    }
    timeout_at(deadline, adapter.client.query(body)).await.map_err(|_| GapReason::Timeout)?
}

fn cache_key(plan: &Plan, department: &DepartmentPlan, subject: Subject) -> CacheKey {
    CacheKey { department: department.department.clone(), subject, purpose: plan.purpose, period: plan.period }
}

/// Equal only for the same department, purpose, window, authorisation, persons, names and datasets.
fn flight_key(
    plan: &Plan,
    department: &DepartmentPlan,
    authorisation: &Authorisation,
    wanted: &[Wanted<'_>],
) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut part = |bytes: &[u8]| {
        context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(bytes);
    };
    part(department.department.as_str().as_bytes());
    part(plan.purpose.as_str().as_bytes());
    part(plan.period.from.to_string().as_bytes());
    part(plan.period.to.to_string().as_bytes());
    part(authorisation.number.as_bytes());
    for want in wanted {
        part(want.person.reference.as_str().as_bytes());
        part(want.subject.bytes());
        for dataset in &want.datasets {
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
fn query_body(plan: &Plan, inquiry: &Inquiry<'_>, wanted: &[Wanted<'_>]) -> Vec<u8> {
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
    for dataset in wanted.iter().flat_map(|want| &want.datasets) {
        if !datasets.contains(&dataset.id.as_str()) {
            datasets.push(dataset.id.as_str());
        }
    }
    let subjects = wanted
        .iter()
        .map(|want| BodySubject {
            reference: want.person.reference.as_str(),
            id_number: want.person.id_number.reveal(),
            name: &want.person.name,
            datasets: (want.datasets.len() < datasets.len())
                .then(|| want.datasets.iter().map(|dataset| dataset.id.as_str()).collect()),
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

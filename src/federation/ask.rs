//! Asking one department about one household, in order: cache, single flight, quota, place, request, door.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::adapter::Adapter;
use super::batch::{BatchKey, Form, NotCarried, Party, PartyMember, Terminal};
use super::cache::{AnswerCache, Person};
use super::decode::{Asked, Rejected, decode_each};
use super::failure::{Failure, Sign};
use super::gather::People;
use super::health::HealthView;
use super::meters::{self, Meters};
use super::plan::{DepartmentPlan, Plan, SubjectPlan};
use super::question::{AuthorisationBody, CaseBody, PersonBody, query_body};
use super::registry::Registry;
use super::single_flight::{Boarded, FlightKey, Flights};
use crate::domain::authorisation::Authorisation;
use crate::domain::class::Class;
use crate::domain::clock::Clock;
use crate::domain::dataset::{Catalogue, Dataset, DepartmentId};
use crate::domain::household::{Household, Member};
use crate::domain::id_number::{Subject, SubjectKey};
use crate::domain::outcome::{Answer, Freshness, GapReason};

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
    /// How urgent it is.
    pub class: Class,
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
    flights: Flights<Result<Arc<Landed>, Missed>>,
}

/// Why a flight brought nothing.
#[derive(Clone, Copy)]
struct Missed {
    reason: GapReason,
    /// Whoever led it had less time than the department may take: who has more may ask again.
    was_hurried: bool,
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
    ) -> Self {
        let keep =
            catalogue.datasets().iter().map(|dataset| dataset.fresh.saturating_add(dataset.stale_while_error)).max();
        let cache = AnswerCache::new(cached_people, keep.unwrap_or_default());
        let meters = Meters::of(&catalogue);
        Self { catalogue, registry, meters, cache, subject_key, clock, flights: Flights::default() }
    }

    /// The catalogue questions are planned from.
    pub const fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Whether one of these departments would be sent a question now.
    pub fn would_ask<'a>(&self, mut departments: impl Iterator<Item = &'a DepartmentId>) -> bool {
        departments.any(|department| self.registry.get(department).is_some_and(|adapter| adapter.takes_questions()))
    }

    /// How each department does that has an adapter, in the order of the catalogue; shown as metrics besides.
    pub fn health(&self) -> Vec<HealthView> {
        let departments = self.catalogue.departments().iter();
        let health: Vec<HealthView> =
            departments.filter_map(|department| Some(self.registry.get(&department.id)?.health())).collect();
        health.iter().for_each(meters::show);
        health
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
    ///
    /// Who leads makes the call itself: a verification runs to its end whether or not its caller still waits.
    async fn fly(
        &self,
        plan: &Plan,
        department: &DepartmentPlan,
        adapter: &Arc<Adapter>,
        inquiry: &Inquiry<'_>,
        wanted: &[Wanted<'_>],
    ) -> Result<Arc<Landed>, GapReason> {
        let people = self.asked_people(inquiry.household, wanted)?;
        let key = flight_key(plan, department, inquiry, &people);
        loop {
            let missed = match self.flights.board(key.clone()) {
                Boarded::Leading(landing) => {
                    // Somebody may have landed between the look into the cache and now.
                    if let Some(landed) = self.landed_meanwhile(department, wanted) {
                        landing.land(Ok(Arc::clone(&landed)));
                        return Ok(landed);
                    }
                    let patience = Instant::now() + adapter.timeout;
                    let deadline = inquiry.deadline.min(patience);
                    let result = self.lead(plan, department, adapter, inquiry, (deadline, &people)).await;
                    let was_hurried = inquiry.deadline < patience;
                    landing.land(result.clone().map_err(|reason| Missed { reason, was_hurried }));
                    return result;
                }
                Boarded::Joined(seat) => match timeout_at(inquiry.deadline, seat.landed()).await {
                    Err(_) => return Err(GapReason::Timeout),
                    Ok(None) => return Err(GapReason::Unavailable),
                    Ok(Some(Ok(landed))) => return Ok(landed),
                    Ok(Some(Err(missed))) => missed,
                },
            };
            let is_of_time = matches!(missed.reason, GapReason::Timeout | GapReason::QuotaExceeded);
            if !(missed.was_hurried && is_of_time) || Instant::now() >= inquiry.deadline {
                return Err(missed.reason);
            }
        }
    }

    /// Asks about a household: together with others that have to wait as well, or alone.
    async fn lead(
        &self,
        plan: &Plan,
        department: &DepartmentPlan,
        adapter: &Arc<Adapter>,
        inquiry: &Inquiry<'_>,
        (deadline, people): (Instant, &[AskedPerson<'_>]),
    ) -> Result<Arc<Landed>, GapReason> {
        if adapter.gains_by_sharing(inquiry.class) {
            let form = Form {
                department: department.department.clone(),
                catalogue: Arc::clone(&self.catalogue),
                clock: Arc::clone(&self.clock),
                health: Arc::clone(&adapter.health),
            };
            let terminal = Terminal { adapter: Arc::clone(adapter), form };
            let key = BatchKey { purpose: plan.purpose, period: plan.period };
            match timeout_at(deadline, terminal.ask(inquiry.class, key, party(inquiry, people))).await {
                Err(_) => return Err(GapReason::Timeout),
                Ok(Err(NotCarried::Gap(reason))) => return Err(reason),
                Ok(Err(NotCarried::AskAlone)) => {}
                Ok(Ok(answers)) => {
                    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
                    return Ok(Self::keep(department, people, answers));
                }
            }
        }
        let case = case_body(inquiry);
        let body = query_body(case, plan.purpose, plan.period, people.iter().map(AskedPerson::body));
        let read = |answer: &[u8]| self.admit(department, adapter, inquiry.verification, people, answer);
        adapter.call(inquiry.class, body, deadline, read).await
    }

    /// What a flight that has just ended brought, where it brought all that is wanted.
    fn landed_meanwhile(&self, department: &DepartmentPlan, wanted: &[Wanted<'_>]) -> Option<Arc<Landed>> {
        let now = self.clock.now();
        let of_person = |want: &Wanted<'_>| {
            let known = self.cached(department, want, now, false)?;
            Some((want.person.subject(), known.answers.into_iter().map(|(answer, _)| answer).collect()))
        };
        wanted.iter().map(of_person).collect::<Option<Landed>>().map(Arc::new)
    }

    /// Checks an answer at the door, and keeps it.
    fn admit(
        &self,
        department: &DepartmentPlan,
        adapter: &Adapter,
        request_id: &str,
        people: &[AskedPerson<'_>],
        answer: &[u8],
    ) -> Result<Arc<Landed>, Failure> {
        let asked: Vec<Asked<'_>> = people
            .iter()
            .map(|asked| Asked {
                reference: asked.member.reference.as_str(),
                id_number: &asked.member.id_number,
                datasets: &asked.datasets,
            })
            .collect();
        let refused = |rejected: Rejected| {
            tracing::warn!(department = %department.department, reason = %rejected.reason, detail = rejected.detail,
                    "answer of a department was refused");
            // A record about one person that is no use says nothing of the department: who asks about that person again
            // and again must not be able to shut it to everybody.
            Failure { reason: rejected.reason, sign: if rejected.is_whole { Sign::Broken } else { Sign::Well } }
        };
        let (from, now) = (department.department.as_str(), self.clock.now());
        let each = decode_each(from, request_id, &asked, answer, now).map_err(refused)?;
        adapter.health.heard(&each);
        let answers = each.into_iter().collect::<Result<Vec<_>, _>>().map_err(refused)?;
        Ok(Self::keep(department, people, answers))
    }

    /// Keeps what was said of these people, in their order.
    fn keep(department: &DepartmentPlan, people: &[AskedPerson<'_>], answers: Vec<Vec<Arc<Answer>>>) -> Arc<Landed> {
        let landed = people.iter().zip(answers).map(|(asked, answers)| {
            asked.person.keep(&department.department, &answers);
            (asked.person.subject(), answers)
        });
        Arc::new(landed.collect())
    }

    fn asked_people<'a>(
        &'a self,
        household: &'a Household,
        wanted: &'a [Wanted<'a>],
    ) -> Result<Vec<AskedPerson<'a>>, GapReason> {
        let asked = |want: &'a Wanted<'a>| {
            let member = household.members.get(want.plan.member)?;
            let datasets = self.datasets(want.plan).collect();
            Some(AskedPerson { member, person: want.person, datasets, places: &want.plan.datasets })
        };
        // A plan is made from the household it is run for; a member it does not have was not answered for.
        wanted.iter().map(asked).collect::<Option<_>>().ok_or(GapReason::Mismatch)
    }
}

/// A person in a question, with what the question says of them.
struct AskedPerson<'a> {
    member: &'a Member,
    person: &'a Person,
    datasets: Vec<&'a Dataset>,
    /// The same by their positions in the catalogue.
    places: &'a [usize],
}

impl AskedPerson<'_> {
    fn body(&self) -> PersonBody<'_> {
        PersonBody {
            reference: self.member.reference.as_str(),
            id_number: self.member.id_number.reveal(),
            name: &self.member.name,
            datasets: &self.datasets,
            case: None,
        }
    }
}

fn case_body<'a>(inquiry: &Inquiry<'a>) -> CaseBody<'a> {
    let Authorisation { number, valid_until, .. } = inquiry.authorisation;
    CaseBody {
        request_id: inquiry.verification,
        authorisation: AuthorisationBody { number, valid_until: *valid_until },
    }
}

/// A household that shares a query.
fn party(inquiry: &Inquiry<'_>, people: &[AskedPerson<'_>]) -> Party {
    let member = |asked: &AskedPerson<'_>| PartyMember {
        id_number: asked.member.id_number.clone(),
        name: asked.member.name.clone(),
        datasets: asked.places.to_vec(),
    };
    Party {
        request_id: inquiry.verification.to_owned(),
        authorisation: (inquiry.authorisation.number.clone(), inquiry.authorisation.valid_until),
        people: people.iter().map(member).collect(),
    }
}

/// Equal only for the same department, purpose, window, authorisation, persons, names and datasets. Persons
/// are in it as keyed hashes; what has no fixed length is preceded by it.
fn flight_key(
    plan: &Plan,
    department: &DepartmentPlan,
    inquiry: &Inquiry<'_>,
    people: &[AskedPerson<'_>],
) -> FlightKey {
    let mut key = Vec::with_capacity(160);
    let text = |key: &mut Vec<u8>, text: &str| {
        key.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        key.extend_from_slice(text.as_bytes());
    };
    text(&mut key, department.department.as_str());
    text(&mut key, plan.purpose.as_str());
    for day in [plan.period.from, plan.period.to] {
        key.extend_from_slice(&day.year().to_be_bytes());
        key.extend_from_slice(&[day.month().unsigned_abs(), day.day().unsigned_abs()]);
    }
    text(&mut key, &inquiry.authorisation.number);
    // Who has somebody waiting does not wait for what is asked in passing.
    key.push(u8::from(inquiry.class == Class::Background));
    for person in people {
        text(&mut key, person.member.reference.as_str());
        key.extend_from_slice(person.person.subject().bytes());
        key.extend_from_slice(&person.datasets.len().to_be_bytes());
        for dataset in &person.datasets {
            text(&mut key, dataset.id.as_str());
        }
    }
    key.into_boxed_slice()
}

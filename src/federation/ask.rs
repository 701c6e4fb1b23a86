//! Asking one department about one household, in order: cache, single flight, quota, place, request, door.

use std::cell::LazyCell;
use std::sync::Arc;
use std::time::Duration;

use connectors::context::Case;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::cache::{AnswerCache, Person};
use super::gather::People;
use super::health::HealthView;
use super::meters::{self, Meters};
use super::plan::{DepartmentPlan, Plan, Question as PlanQuestion, SubjectPlan};
use super::proving::Proving;
use super::queue;
use super::region::{Region, Regions};
use super::registry::{Registry, Way};
use super::revocation::HubLine;
use super::round::{AskedPerson, Known, Question, Round, Signing, case, flight_key};
use super::shadow::Copied;
use super::single_flight::{Boarded, Flights};
use super::tally::Tally;
use crate::domain::authorisation::Authorisation;
use crate::domain::class::Class;
use crate::domain::clock::Clock;
use crate::domain::dataset::{Catalogue, Dataset, DepartmentId};
use crate::domain::division::DivisionCode;
use crate::domain::household::Household;
use crate::domain::id_number::{Subject, SubjectKey};
use crate::domain::outcome::{Answer, Freshness, GapReason, Missed, Told};

/// What came of asking one department.
#[derive(Debug, Clone)]
pub struct DepartmentOutcome {
    /// The department.
    pub department: DepartmentId,
    /// The region of the members that it was asked about, where they are not all of this hub's own.
    pub region: Option<Arc<Region>>,
    /// The answers by member, or why there are none.
    pub result: Result<Vec<MemberAnswers>, GapReason>,
    /// What callers are told of it besides.
    pub told: Option<Arc<Told>>,
    /// How long it took.
    pub elapsed: Duration,
}

impl DepartmentOutcome {
    /// Whose adapter was asked: the department's, or that of the hub in its place.
    pub fn asked(&self) -> &DepartmentId {
        self.region.as_deref().and_then(Region::hub).unwrap_or(&self.department)
    }

    /// Whether it is of this part of a plan: the same department, and the members of the same region.
    pub fn is_of(&self, part: &DepartmentPlan) -> bool {
        self.department == part.department && self.region == part.region
    }
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
    /// The client that asks.
    pub caller: &'a str,
    /// The organisation of whoever asked the hub, told to departments.
    pub organisation: &'a str,
    /// Its division, told to departments.
    pub division: DivisionCode,
    /// The hub of another region that asks this one, told to departments.
    pub via: Option<&'a DepartmentId>,
    /// What is asked is counted here.
    pub tally: &'a Tally,
    /// How urgent it is.
    pub class: Class,
    /// The instant after which nobody waits any more.
    pub deadline: Instant,
}

/// Everything asking needs; one for the life of the hub.
pub struct Federation {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) registry: Arc<Registry>,
    pub(super) meters: Meters,
    pub(super) cache: AnswerCache,
    pub(super) subject_key: SubjectKey,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) signing: Arc<Signing>,
    pub(super) proving: Proving,
    regions: Regions,
    pub(super) lines: Vec<HubLine>,
    flights: Flights<Result<Arc<Landed>, Unlanded>>,
}

/// Why a flight brought nothing.
#[derive(Clone)]
struct Unlanded {
    missed: Missed,
    /// Whoever led it had less time than the department may take: who has more may ask again.
    was_hurried: bool,
}

/// What a flight brought, by person.
pub(super) type Landed = Vec<(Subject, Vec<Arc<Answer>>)>;

/// What is known of a department's part of a plan before it is asked.
pub(super) enum Recalled<'a> {
    /// Nothing need be asked.
    Settled(Result<Vec<MemberAnswers>, GapReason>),
    /// Some are known, the others must be asked about.
    Wanting { found: Vec<MemberAnswers>, wanted: Vec<Wanted<'a>> },
}

/// A person in a question about to be asked.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    plan: &'a SubjectPlan,
    person: &'a Arc<Person>,
}

/// A department's part of a round.
pub(super) enum Part<'a> {
    /// Nothing need be asked.
    Settled(&'a DepartmentPlan, Result<Vec<MemberAnswers>, Missed>),
    /// A question is to be asked.
    Asking(Box<Question<'a>>),
}

impl Federation {
    /// A federation over these adapters. `cached_people` of 0 turns the cache off.
    pub fn new(
        catalogue: Arc<Catalogue>,
        registry: Arc<Registry>,
        cached_people: u64,
        subject_key: SubjectKey,
        signing: Signing,
        proving: Proving,
    ) -> Self {
        let signing = Arc::new(signing);
        let keep =
            catalogue.datasets().iter().map(|dataset| dataset.fresh.saturating_add(dataset.stale_while_error)).max();
        let cache = AnswerCache::new(cached_people, keep.unwrap_or_default());
        let meters = Meters::of(&catalogue);
        let clock = Arc::clone(&signing.clock);
        let (regions, lines, flights) = (Regions::default(), Vec::new(), Flights::default());
        Self { catalogue, registry, meters, cache, subject_key, clock, signing, proving, regions, lines, flights }
    }

    /// The same, in which hubs of other regions answer for their divisions, and are told of revocations over these lines.
    pub fn among(self, regions: Regions, lines: Vec<HubLine>) -> Self {
        Self { regions, lines, ..self }
    }

    /// Who answers for which division.
    pub const fn regions(&self) -> &Regions {
        &self.regions
    }

    /// The plan of a question: who is asked what, each part by the region of its members.
    pub fn plan(&self, question: &PlanQuestion<'_>) -> Plan {
        self.regions.split(question.plan(&self.catalogue), question.household)
    }

    /// The catalogue questions are planned from.
    pub const fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The registered adapters.
    pub const fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Whether one of these departments would be sent a question now, as far as one can tell beforehand.
    pub fn would_ask<'a>(&self, mut departments: impl Iterator<Item = &'a DepartmentId>) -> bool {
        let now = self.clock.now();
        departments.any(|department| {
            let live = self.registry.desk(department).live;
            live.is_some_and(|way| !way.adapter.is_left_alone() && way.agreement.shut(now).is_none())
        })
    }

    /// Ends an interval of this length: how long somebody who comes now would wait for a place at most departments.
    pub fn queue(&self, interval: Duration) -> Duration {
        queue::at_most(self.live().map(|way| way.adapter.queue(interval)).collect())
    }

    /// How long the slowest department takes for half of its questions, as far as that is known.
    pub fn half(&self) -> Duration {
        self.live().filter_map(|way| Some(way.adapter.delays()?.0)).max().unwrap_or_default()
    }

    fn live(&self) -> impl Iterator<Item = Way> {
        self.catalogue.departments().iter().filter_map(|department| self.registry.desk(&department.id).live)
    }

    /// How each department does that has an adapter, in the order of the catalogue; shown as metrics besides.
    pub fn health(&self) -> Vec<HealthView> {
        let health: Vec<HealthView> = self.live().map(|way| way.adapter.health()).collect();
        health.iter().for_each(meters::show);
        health
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

    /// What is to be done about each department of a plan. Whoever is to be asked has been entered.
    pub(super) fn parts<'a>(&'a self, plan: &'a Plan, inquiry: &Inquiry<'a>) -> Vec<Part<'a>> {
        let now = self.clock.now();
        let mut salts = vec![[0_u8; 16]; plan.departments.len()];
        self.signing.randomness.fill(salts.as_flattened_mut());
        let case = LazyCell::new(|| case(inquiry));
        let part = |(department, salt): (&'a DepartmentPlan, [u8; 16])| {
            let (found, wanted) = match self.recalled(department, inquiry.people, now) {
                Recalled::Settled(result) => return Part::Settled(department, result.map_err(Missed::from)),
                Recalled::Wanting { found, wanted } => (found, wanted),
            };
            let entered = match self.registry.enter(department.asked(), now) {
                Ok(entered) => entered,
                Err(missed) => {
                    self.try_out(plan, department, inquiry, &wanted, (&case, salt));
                    return Part::Settled(department, self.standing_in(department, found, &wanted, missed));
                }
            };
            match self.asked_people(inquiry.household, &wanted) {
                Ok(people) => {
                    let known = Known { found, wanted, people };
                    Part::Asking(Box::new(Question::new(plan, department, inquiry, (entered, known), (&case, salt))))
                }
                Err(reason) => Part::Settled(department, Err(reason.into())),
            }
        };
        plan.departments.iter().zip(salts).map(part).collect()
    }

    /// Asks one department the question of a round. Always answers by the deadline.
    pub(super) async fn ask(
        &self,
        plan: &Plan,
        inquiry: &Inquiry<'_>,
        round: &Round,
        question: Question<'_>,
    ) -> Result<Vec<MemberAnswers>, Missed> {
        let landed = self.fly(plan, inquiry, round, &question).await;
        let Question { department, known, .. } = question;
        let Known { mut found, wanted, .. } = known;
        let landed = match landed {
            Ok(landed) => landed,
            Err(missed) => return self.standing_in(department, found, &wanted, missed),
        };
        for want in &wanted {
            let (_, answers) =
                landed.iter().find(|(subject, _)| *subject == want.person.subject()).ok_or(GapReason::Mismatch)?;
            let answers = answers.iter().map(|answer| (Arc::clone(answer), answer.freshness_on_arrival())).collect();
            found.push(MemberAnswers { member: want.plan.member, answers });
        }
        found.sort_unstable_by_key(|answers| answers.member);
        Ok(found)
    }

    /// Where a demoted adapter is all that a department has, and it is its turn: the question is put to it as to a shadow,
    /// to find out whether it is well again. Nobody waits for it, and its answer is not used.
    fn try_out(
        &self,
        plan: &Plan,
        department: &DepartmentPlan,
        inquiry: &Inquiry<'_>,
        wanted: &[Wanted<'_>],
        asking: (&Case, [u8; 16]),
    ) {
        let Some((entered, on_trial)) = self.registry.enter_trial(department.asked()) else { return };
        let Ok(people) = self.asked_people(inquiry.household, wanted) else { return };
        let known = Known { found: Vec::new(), wanted: wanted.to_vec(), people };
        let question = Question::new(plan, department, inquiry, (entered, known), asking);
        let nothing = std::iter::repeat_with(Vec::new);
        self.registry.copy(Copied::of(&on_trial, plan, inquiry, &question, nothing));
    }

    /// Old answers in the place of those that did not come, where all that are wanted are at hand.
    fn standing_in(
        &self,
        department: &DepartmentPlan,
        mut found: Vec<MemberAnswers>,
        wanted: &[Wanted<'_>],
        missed: Missed,
    ) -> Result<Vec<MemberAnswers>, Missed> {
        // What an adapter said that was taken off stands in for nothing, nor does what one said that is not there.
        if missed.is_taken_off() {
            return Err(missed);
        }
        let now = self.clock.now();
        for want in wanted {
            found.push(self.cached(department, want, now, true).ok_or_else(|| missed.clone())?);
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
        let answers = want.person.answers(department.asked(), self.datasets(want.plan), now, stale)?;
        Some(MemberAnswers { member: want.plan.member, answers })
    }

    /// One call for all who ask the same now: the first leads, the others join.
    ///
    /// Who leads makes the call itself: a verification runs to its end whether or not its caller still waits.
    async fn fly(
        &self,
        plan: &Plan,
        inquiry: &Inquiry<'_>,
        round: &Round,
        question: &Question<'_>,
    ) -> Result<Arc<Landed>, Missed> {
        let (department, tally) = (question.department, inquiry.tally);
        let id = department.asked();
        let key = flight_key(plan, id, inquiry, &question.known.people);
        loop {
            let Unlanded { missed, was_hurried } = match self.flights.board(key.clone()) {
                Boarded::Leading(landing) => {
                    // Somebody may have landed between the look into the cache and now.
                    if let Some(landed) = self.landed_meanwhile(department, &question.known.wanted) {
                        landing.land(Ok(Arc::clone(&landed)));
                        tally.joined(id);
                        return Ok(landed);
                    }
                    let patience = Instant::now() + question.entered.way.adapter.timeout;
                    let result = self.lead(plan, inquiry, round, question, inquiry.deadline.min(patience)).await;
                    let was_hurried = inquiry.deadline < patience;
                    landing.land(result.clone().map_err(|missed| Unlanded { missed, was_hurried }));
                    return result;
                }
                Boarded::Joined(seat) => match timeout_at(inquiry.deadline, seat.landed()).await {
                    Err(_) => return Err(GapReason::Timeout.into()),
                    Ok(None) => return Err(GapReason::Unavailable.into()),
                    Ok(Some(Ok(landed))) => {
                        tally.joined(id);
                        return Ok(landed);
                    }
                    Ok(Some(Err(unlanded))) => unlanded,
                },
            };
            // A quota that callers are told of is the leader's own: who joined may have one that is not used up.
            let is_the_leaders = missed.told.is_some();
            let is_of_time = matches!(missed.reason, GapReason::Timeout | GapReason::QuotaExceeded);
            if !(is_the_leaders || was_hurried && is_of_time) || Instant::now() >= inquiry.deadline {
                tally.joined(id);
                return Err(missed);
            }
        }
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

    fn asked_people<'a>(
        &'a self,
        household: &'a Household,
        wanted: &[Wanted<'a>],
    ) -> Result<Vec<AskedPerson<'a>>, GapReason> {
        let asked = |want: &Wanted<'a>| {
            let member = household.members.get(want.plan.member)?;
            let datasets = self.datasets(want.plan).collect();
            Some(AskedPerson { member, person: want.person, datasets, places: &want.plan.datasets })
        };
        // A plan is made from the household it is run for; a member it does not have was not answered for.
        wanted.iter().map(asked).collect::<Option<_>>().ok_or(GapReason::Mismatch)
    }
}

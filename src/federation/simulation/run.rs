//! One run: the hub's federation, as it is, before simulated departments on a simulated network.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use connectors::context::ContextSigner;
use connectors::keys::PrivateKey;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep_until};
use turmoil::net::TcpStream;

use super::department::{PORT, Role, serve};
use super::dice::Seeded;
use super::invariants;
use super::record::{Ended, Record};
use super::scenario::{ASSESSED_ON, Asked, Behaviour, Scenario, Trouble, nothing_declared};
use crate::domain::clock::Clock;
use crate::domain::dataset::Catalogue;
use crate::domain::division::DivisionCode;
use crate::domain::id_number::SubjectKey;
use crate::domain::outcome::{Answer, Freshness};
use crate::domain::suite::SuiteId;
use crate::egress::connect::{Connect, Opening, Wire};
use crate::federation::adapter::Adapter;
use crate::federation::ask::{Federation, Inquiry, MemberAnswers};
use crate::federation::client::AdapterClient;
use crate::federation::plan::{DepartmentPlan, Plan, Question};
use crate::federation::proving::{AnswerKeys, Proving};
use crate::federation::registry::Registry;
use crate::federation::round::Signing;
use crate::federation::tally::Tally;

/// How finely time passes between machines.
pub(super) const TICK: Duration = Duration::from_millis(5);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(400);

/// What is made wrong on purpose, to see that somebody notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutation {
    /// Nothing.
    None,
    /// A department files one person's facts under another's number.
    Liar,
    /// A department that nothing befalls hangs.
    SilentlyHung,
    /// The hub takes a gap for "no record".
    GapAsNoRecord,
    /// The hub asks for every dataset of a department, planned or not.
    WiderPlan,
    /// The hub waits longer than it was given.
    LaterDeadline,
    /// The hub tells another reason.
    OtherReason,
}

/// What came of a run.
pub(super) struct Report {
    /// Everything that happened.
    pub(super) trace: String,
    /// What should never have happened.
    pub(super) violations: Vec<String>,
    /// Outcomes that were answers, and outcomes that were gaps.
    pub(super) outcomes: (usize, usize),
}

/// The network of the simulation, towards one department.
struct Dial(String);

impl Connect for Dial {
    fn connect(&self) -> Opening<'_> {
        Box::pin(async {
            let stream = TcpStream::connect((self.0.as_str(), PORT)).await.ok()?;
            Some(Box::new(stream) as Box<dyn Wire>)
        })
    }
}

/// The hub's clock, on the simulation's time.
struct Simulated;

impl Clock for Simulated {
    fn now(&self) -> Timestamp {
        let elapsed = turmoil::sim_elapsed().unwrap_or_default();
        Timestamp::from_second(1_790_000_000).unwrap() + SignedDuration::try_from(elapsed).unwrap()
    }
}

/// Runs the scenario of a seed.
pub(super) fn run(seed: u64, mutation: Mutation) -> Report {
    let mut scenario = Scenario::of(seed, &Catalogue::shipped());
    for department in scenario.departments.iter_mut().filter(|department| department.is_sound) {
        match mutation {
            Mutation::Liar => department.behaviours = vec![(Duration::ZERO, Behaviour::Liar)],
            Mutation::SilentlyHung => department.behaviours = vec![(Duration::ZERO, Behaviour::Hang)],
            _ => {}
        }
    }
    let scenario = Rc::new(scenario);
    let (record, ending) = play(seed, &scenario, mutation);
    let results = || record.ended.iter().flat_map(|ended| &ended.outcomes).map(|outcome| &outcome.result);
    let answers = results().filter(|result| result.is_ok()).count();
    let outcomes = (answers, results().count() - answers);
    let mut violations = invariants::violations(&scenario, &record);
    violations.extend(ending.map(|error| format!("ends: {error}")));
    Report { trace: record.trace, violations, outcomes }
}

/// Plays a scenario to its end; says besides why it did not come to one.
pub(super) fn play(seed: u64, scenario: &Rc<Scenario>, mutation: Mutation) -> (Record, Option<String>) {
    let catalogue = Arc::new(Catalogue::shipped());
    let record = Rc::new(RefCell::new(Record::default()));
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .tick_duration(TICK)
        .simulation_duration(Duration::from_secs(20))
        .min_message_latency(scenario.latency.0)
        .max_message_latency(scenario.latency.1)
        .repair_rate(0.2)
        .enable_random_order()
        .build();
    for (place, department) in scenario.departments.iter().enumerate() {
        let role = Rc::new(Role {
            place,
            name: department.id.to_string(),
            catalogue: Arc::clone(&catalogue),
            behaviours: department.behaviours.clone(),
            record: Rc::clone(&record),
            answered: RefCell::default(),
        });
        sim.host(department.id.as_str(), move || serve(Rc::clone(&role)));
    }
    sim.client("hub", hub(seed, mutation, Rc::clone(scenario), catalogue, Rc::clone(&record)));
    let mut troubles: Vec<_> = scenario
        .departments
        .iter()
        .flat_map(|department| department.troubles.iter().map(|(at, trouble)| (*at, department.id.as_str(), *trouble)))
        .collect();
    troubles.sort_by_key(|(at, ..)| *at);
    let mut troubles = troubles.into_iter().peekable();
    let ending = loop {
        while let Some((at, department, trouble)) = troubles.next_if(|(at, ..)| *at <= sim.elapsed()) {
            record.borrow_mut().tell(at, &format!("{department}: {trouble:?}"));
            match trouble {
                Trouble::Crash => sim.crash(department),
                Trouble::Start => sim.bounce(department),
                Trouble::Partition => sim.partition("hub", department),
                Trouble::Repair => sim.repair("hub", department),
                Trouble::Hold => sim.hold("hub", department),
                Trouble::Release => sim.release("hub", department),
                Trouble::Loss(of_thousand) => {
                    sim.set_link_fail_rate("hub", department, f64::from(of_thousand) / 1_000.0);
                }
            }
        }
        match sim.step() {
            Ok(true) => break None,
            Ok(false) => {}
            Err(error) => break Some(error.to_string()),
        }
    };
    drop(sim);
    (record.take(), ending)
}

/// The hub: all inquiries of the scenario, side by side.
async fn hub(
    seed: u64,
    mutation: Mutation,
    scenario: Rc<Scenario>,
    catalogue: Arc<Catalogue>,
    record: Rc<RefCell<Record>>,
) -> turmoil::Result {
    let randomness = Arc::new(Seeded::new(seed));
    let connected = scenario.departments.iter().filter(|department| department.is_connected);
    let adapters = connected.map(|department| {
        let client = AdapterClient::simulated(Box::new(Dial(department.id.to_string())), CONNECT_TIMEOUT);
        Adapter::new(
            department.id.clone(),
            (client, AnswerKeys::default()),
            department.terms,
            Arc::clone(&randomness) as _,
        )
    });
    let federation = Federation::new(
        Arc::clone(&catalogue),
        Arc::new(Registry::new(adapters)),
        scenario.cached_people,
        SubjectKey::new(SuiteId::Intl, b"simulation"),
        Signing {
            signer: ContextSigner::new(PrivateKey::from_seed(&[1; 32]).unwrap(), "https://hub.hedui.invalid"),
            clock: Arc::new(Simulated),
            randomness: Arc::clone(&randomness) as _,
        },
        Proving::default(),
    );
    let begun = Instant::now();
    let mut inquiries: FuturesUnordered<_> = scenario
        .inquiries
        .iter()
        .enumerate()
        .map(|(index, asked)| {
            let (federation, scenario, record) = (&federation, &scenario, &record);
            async move {
                sleep_until(begun + asked.at).await;
                let ended = inquire(federation, scenario, (index, asked), mutation).await;
                let told: Vec<String> = ended.outcomes.iter().map(invariants::told).collect();
                let line = format!("i{index} about household {} ends: {}", asked.household, told.join("; "));
                record.borrow_mut().tell(begun.elapsed(), &line);
                record.borrow_mut().ended.push(ended);
            }
        })
        .collect();
    while inquiries.next().await.is_some() {}
    Ok(())
}

async fn inquire(
    federation: &Federation,
    scenario: &Scenario,
    (index, asked): (usize, &Asked),
    mutation: Mutation,
) -> Ended {
    let household = &scenario.households[asked.household];
    let plan = Question {
        household,
        declaration: &nothing_declared(),
        authorisation: &asked.authorisation,
        purpose: asked.purpose,
        assessed_on: ASSESSED_ON,
        window_months: 12,
    }
    .plan(federation.catalogue());
    let used = if mutation == Mutation::WiderPlan { wider(&plan, federation.catalogue()) } else { plan.clone() };
    let late = if mutation == Mutation::LaterDeadline { Duration::from_millis(300) } else { Duration::ZERO };
    let begun = Instant::now();
    let people = federation.people(&used, household);
    let inquiry = Inquiry {
        household,
        people: &people,
        authorisation: &asked.authorisation,
        verification: &format!("i{index}"),
        class: crate::domain::class::Class::Single,
        caller: "caller",
        organisation: "模拟民政局",
        division: DivisionCode::NATION,
        via: None,
        tally: &Tally::default(),
        deadline: begun + asked.patience + late,
    };
    let mut outcomes = federation.gather(&used, &inquiry, |_| {}).await;
    for (outcome, department) in outcomes.iter_mut().zip(&plan.departments) {
        match (mutation, outcome.result.as_ref().err()) {
            (Mutation::GapAsNoRecord, Some(_)) => outcome.result = Ok(nothing(department, federation.catalogue())),
            (Mutation::OtherReason, Some(_)) => {
                outcome.result = Err(crate::domain::outcome::GapReason::QuotaExceeded);
            }
            _ => {}
        }
    }
    Ended { inquiry: index, plan, took: begun.elapsed(), outcomes }
}

/// A plan that asks each department about everything it has.
fn wider(plan: &Plan, catalogue: &Catalogue) -> Plan {
    let mut plan = plan.clone();
    for department in &mut plan.departments {
        let own = |index: &usize| catalogue.datasets()[*index].department == department.department;
        let all: Vec<usize> = (0..catalogue.datasets().len()).filter(own).collect();
        department.subjects.iter_mut().for_each(|subject| subject.datasets.clone_from(&all));
    }
    plan
}

/// "No record" to everything a department is asked.
fn nothing(department: &DepartmentPlan, catalogue: &Catalogue) -> Vec<MemberAnswers> {
    let of = |index: &usize| {
        let answer = Answer {
            dataset: catalogue.datasets()[*index].id.clone(),
            as_of: None,
            adapter_version: "1".into(),
            received_at: Simulated.now(),
            facts: Arc::new([]),
            proof: None,
            via: None,
        };
        (Arc::new(answer), Freshness::Live)
    };
    let subjects = department.subjects.iter();
    subjects
        .map(|subject| MemberAnswers { member: subject.member, answers: subject.datasets.iter().map(of).collect() })
        .collect()
}

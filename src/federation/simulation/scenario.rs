//! What happens in one simulated run: households, departments, questions and troubles, all from a seed.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::civil::{Date, date};

use super::dice::Dice;
use crate::domain::authorisation::Authorisation;
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::domain::declaration::Declaration;
use crate::domain::division::DivisionCode;
use crate::domain::household::{Household, Member, MemberRef, RelationCode, Stability};
use crate::domain::id_number::IdNumber;
use crate::domain::purpose::Purpose;
use crate::federation::registry::Terms;

/// The day every question is about.
pub(super) const ASSESSED_ON: Date = date(2026, 11, 1);

/// A whole run.
pub(super) struct Scenario {
    /// The departments, in catalogue order.
    pub(super) departments: Vec<Department>,
    /// The households that are asked about.
    pub(super) households: Vec<Household>,
    /// The questions, in no order.
    pub(super) inquiries: Vec<Asked>,
    /// How many people are remembered; 0 turns the cache off.
    pub(super) cached_people: u64,
    /// Shortest and longest time of a message on its way.
    pub(super) latency: (Duration, Duration),
}

/// One department: its terms, and what befalls it.
pub(super) struct Department {
    pub(super) id: DepartmentId,
    pub(super) terms: Terms,
    pub(super) is_connected: bool,
    /// Nothing befalls it, and it agreed to answer whatever is asked: there is no reason for a gap.
    pub(super) is_sound: bool,
    /// How it behaves, from these times on.
    pub(super) behaviours: Vec<(Duration, Behaviour)>,
    /// What befalls its machine and its network, at these times.
    pub(super) troubles: Vec<(Duration, Trouble)>,
}

/// One inquiry about one household.
pub(super) struct Asked {
    pub(super) household: usize,
    pub(super) purpose: Purpose,
    pub(super) authorisation: Authorisation,
    pub(super) at: Duration,
    pub(super) patience: Duration,
}

/// What a department does with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Answers truly, after this long.
    Well(Duration),
    /// Answers truly, byte by byte.
    Drip,
    /// Never answers.
    Hang,
    /// Closes the connection after reading the question.
    Close,
    /// Closes it in the midst of the answer.
    CloseMidway,
    /// This status.
    Status(u16),
    /// Something else than an answer.
    Garbage,
    /// An answer without its last result.
    Missing,
    /// Every result twice.
    Twice,
    /// Records of another person, under that person's number.
    WrongSubject,
    /// What it answered to somebody else before.
    OtherQuestion,
    /// The answer of another department.
    OtherDepartment,
    /// Knows everybody under another name.
    NameMismatch,
    /// Answers truly but for every third question, which is lost on the way. No scenario of a seed has it.
    ThirdLost,
    /// Another person's facts under the number that was asked about: nobody could find out. No scenario has it.
    Liar,
}

/// What befalls a department's machine or network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The machine dies.
    Crash,
    /// It starts again.
    Start,
    /// What is sent is lost, both ways.
    Partition,
    /// Nothing that is sent from now on is lost.
    Repair,
    /// What is sent is held back.
    Hold,
    /// It arrives.
    Release,
    /// So many of a thousand messages part hub and department for a while.
    Loss(u32),
}

const fn number(of: u32) -> NonZeroU32 {
    NonZeroU32::new(of).unwrap()
}

impl Scenario {
    /// The scenario of a seed.
    pub(super) fn of(seed: u64, catalogue: &Catalogue) -> Self {
        let mut dice = Dice::new(seed);
        let departments =
            catalogue.departments().iter().map(|department| Department::of(&department.id, &mut dice)).collect();
        let count = dice.between(2, 4);
        let households: Vec<_> = (0..count).map(|index| household(index, &mut dice)).collect();
        let inquiries = (0..dice.between(4, 12)).map(|_| asked(&households, catalogue, &mut dice)).collect();
        let least = dice.millis(1, 5);
        Self {
            departments,
            households,
            inquiries,
            cached_people: dice.of(&[0, 1000]),
            latency: (least, least + dice.millis(0, 20)),
        }
    }
}

impl Scenario {
    /// `hrss` alone, of which every third question is lost, asked so often that not every loss can be made good within the
    /// budget for second requests.
    pub(super) fn of_losses(catalogue: &Catalogue) -> Self {
        const HOUSEHOLDS: usize = 100;
        let mut dice = Dice::new(0);
        let mut scenario = Self::of(0, catalogue);
        scenario.cached_people = 0;
        for department in &mut scenario.departments {
            department.is_connected = department.id.as_str() == "hrss";
            department.is_sound = false;
            department.behaviours = vec![(Duration::ZERO, Behaviour::ThirdLost)];
            department.troubles.clear();
            department.terms = ample(false);
        }
        scenario.households = (0..HOUSEHOLDS as u64).map(|index| household(index, &mut dice)).collect();
        // Twelve times about everybody, never twice at a time.
        let inquiries = (0..12 * HOUSEHOLDS).map(|index| {
            let mut asked = asked(&scenario.households, catalogue, &mut dice);
            asked.household = index % HOUSEHOLDS;
            asked.authorisation.departments = None;
            asked.at = Duration::from_millis(5) * u32::try_from(index).unwrap();
            asked.patience = Duration::from_millis(400);
            asked
        });
        scenario.inquiries = inquiries.collect();
        scenario
    }
}

/// Terms on which whatever is asked is answered.
const fn ample(may_hedge: bool) -> Terms {
    Terms {
        timeout: Duration::from_secs(2),
        per_second: number(1_000),
        burst: number(1_000),
        in_flight: number(64),
        shared_subjects: 1,
        may_hedge,
    }
}

impl Department {
    fn of(id: &DepartmentId, dice: &mut Dice) -> Self {
        let is_sound = dice.percent(40);
        let ample = ample(dice.percent(50));
        let quick = Behaviour::Well(dice.millis(0, 120));
        if is_sound {
            return Self {
                id: id.clone(),
                terms: ample,
                is_connected: true,
                is_sound,
                behaviours: vec![(Duration::ZERO, quick)],
                troubles: Vec::new(),
            };
        }
        let scarce = dice.percent(20);
        let terms = Terms {
            timeout: dice.millis(80, 900),
            per_second: number(if scarce { 1 } else { 1_000 }),
            burst: number(if scarce { 2 } else { 1_000 }),
            in_flight: number(u32::try_from(dice.between(1, 16)).unwrap()),
            shared_subjects: 1,
            may_hedge: dice.percent(70),
        };
        let mut behaviours = vec![(Duration::ZERO, quick)];
        for _ in 0..dice.between(0, 5) {
            let behaviour = match dice.between(0, 14) {
                0..=2 => Behaviour::Well(dice.millis(0, 400)),
                3 => Behaviour::Drip,
                4 => Behaviour::Hang,
                5 => Behaviour::Close,
                6 => Behaviour::CloseMidway,
                7 => Behaviour::Status(dice.of(&[500, 502, 503, 504, 429, 403, 404])),
                8 => Behaviour::Garbage,
                9 => Behaviour::Missing,
                10 => Behaviour::Twice,
                11 => Behaviour::WrongSubject,
                12 => Behaviour::OtherQuestion,
                13 => Behaviour::OtherDepartment,
                _ => Behaviour::NameMismatch,
            };
            behaviours.push((dice.millis(0, 1_800), behaviour));
        }
        behaviours.sort_by_key(|(at, _)| *at);
        let mut troubles = Vec::new();
        for _ in 0..dice.between(0, 3) {
            let (begins, lasts) = (dice.millis(0, 1_500), dice.millis(20, 900));
            let (trouble, end) = match dice.between(0, 3) {
                0 => (Trouble::Crash, Trouble::Start),
                1 => (Trouble::Partition, Trouble::Repair),
                2 => (Trouble::Hold, Trouble::Release),
                _ => (Trouble::Loss(u32::try_from(dice.between(5, 100)).unwrap()), Trouble::Loss(0)),
            };
            troubles.extend([(begins, trouble), (begins + lasts, end)]);
        }
        troubles.sort_by_key(|(at, _)| *at);
        Self { id: id.clone(), terms, is_connected: dice.percent(92), is_sound, behaviours, troubles }
    }
}

/// A household of one to four; nobody is in two of them.
fn household(index: u64, dice: &mut Dice) -> Household {
    let members = (0..dice.between(1, 4)).map(|place| {
        let year = i16::try_from(dice.between(1945, 2022)).unwrap();
        let sequence = u16::try_from(index * 10 + place + 1).unwrap();
        Member {
            reference: MemberRef::parse(&format!("m{}", place + 1)).unwrap(),
            id_number: IdNumber::compose("150000", date(year, 3, 7), sequence).unwrap(),
            name: "测试".to_owned(),
            relation: RelationCode::parse("02").unwrap(),
            division: None,
        }
    });
    let members = members.collect();
    Household { hukou_region: DivisionCode::parse("152201").unwrap(), members }
}

fn asked(households: &[Household], catalogue: &Catalogue, dice: &mut Dice) -> Asked {
    let household = usize::try_from(dice.between(0, households.len() as u64 - 1)).unwrap();
    let departments = dice.percent(25).then(|| {
        let all = catalogue.departments().iter().map(|department| department.id.clone());
        all.filter(|_| dice.percent(70)).collect()
    });
    let authorisation = Authorisation {
        number: format!("a{}", dice.between(1, 2)),
        signed_on: date(2026, 10, 1),
        valid_until: date(2027, 10, 1),
        departments,
        evidence_digest: String::new(),
        signatures: Vec::new(),
    };
    Asked {
        household,
        purpose: dice.of(&[Purpose::Dibao, Purpose::Dibao, Purpose::Tekun]),
        authorisation,
        // Often at the same moment as somebody else.
        at: Duration::from_millis(dice.between(0, 20) * 70),
        patience: dice.millis(60, 1_000),
    }
}

/// A household that declares nothing.
pub(super) const fn nothing_declared() -> Declaration {
    Declaration {
        income_stability: Stability::Stable,
        members: Vec::new(),
        incomes: Vec::new(),
        assets: Vec::new(),
        expenditures: Vec::new(),
        obligors: Vec::new(),
        events: Vec::new(),
    }
}

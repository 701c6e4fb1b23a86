//! A month of work in twenty regions, made from a seed: 200 caseworkers, 50,000 accesses, with the irregularities that
//! honest work has.

use std::collections::BTreeSet;

use hedui::domain::context::{LoggedContext, address_cell, kin};
use hedui::domain::division::DivisionCode;
use hedui::domain::id_number::{IdNumber, Subject, SubjectKey};
use hedui::review::entry::{Asked, Entry, Event, Kind};
use hedui::review::people::{People, STAFF_COLUMNS};
use hedui::review::rules::RuleId;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

/// Regions, caseworkers of each, workdays of the month.
pub(super) const REGIONS: u64 = 20;
const DESKS: u64 = 10;
const CELLS: u64 = 60;
const HOUSEHOLDS: u64 = 900;
/// Surnames that are common there, in a thousand; the rest is spread over the others.
const SURNAMES: [(&str, u64); 12] = [
    ("王", 75),
    ("李", 72),
    ("张", 68),
    ("刘", 54),
    ("陈", 45),
    ("杨", 31),
    ("赵", 22),
    ("黄", 22),
    ("周", 20),
    ("吴", 20),
    ("白", 40),
    ("包", 40),
];
const OTHERS: &str = "孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤";

/// Numbers from a seed (splitmix64).
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// True so many times in ten thousand.
    fn ten_thousandth(&mut self, times: u64) -> bool {
        self.below(10_000) < times
    }
}

/// Somebody who lives somewhere.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) number: IdNumber,
    pub(super) name: String,
}

#[derive(Clone)]
pub(super) struct Household {
    pub(super) members: Vec<Person>,
    pub(super) address: String,
    pub(super) region: u64,
}

#[derive(Clone)]
pub(super) struct Caseworker {
    pub(super) region: u64,
    pub(super) operator: String,
    pub(super) person: Person,
    pub(super) address: String,
    pub(super) relative: Person,
    /// Accesses on a usual day.
    pub(super) pace: u64,
}

/// An access about to be written.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) by: Caseworker,
    pub(super) household: Household,
    pub(super) division: DivisionCode,
    pub(super) at: Timestamp,
    pub(super) case: Option<(String, Timestamp, String)>,
    pub(super) workstation: String,
    pub(super) is_emergency: bool,
    pub(super) acted_after_hours: Option<i64>,
}

/// The log, and what was planted in it.
pub(super) struct World {
    pub(super) log: Vec<(Entry, bool)>,
    pub(super) benign: Vec<String>,
    pub(super) incidents: Vec<(RuleId, BTreeSet<String>)>,
    pub(super) chance: Chance,
    pub(super) households: Vec<Household>,
    pub(super) caseworkers: Vec<Caseworker>,
    pub(super) watched: Vec<Household>,
    pub(super) events: Vec<(Event, bool, u64)>,
    key: SubjectKey,
    made: u64,
}

pub(super) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The workdays of the month, from Monday 2026-11-02.
pub(super) fn workdays() -> Vec<Date> {
    let first = jiff::civil::date(2026, 11, 2);
    (0..30)
        .map(|day| first.checked_add(day.days()).unwrap())
        .filter(|day| day.weekday().to_monday_zero_offset() < 5)
        .collect()
}

/// An instant of a day in China.
pub(super) fn moment(day: Date, minutes: u64) -> Timestamp {
    let midnight = instant(&format!("{day}T00:00:00+08:00"));
    midnight.checked_add(i64::try_from(minutes).unwrap().minutes()).unwrap()
}

impl World {
    /// Benign work, and ten incidents of each rule.
    pub(super) fn with_plants(seed: u64) -> Self {
        let mut world = Self::inhabited(seed);
        world.work(50_000);
        world.plant();
        world.finish()
    }

    /// Benign work alone.
    pub(super) fn benign(seed: u64) -> Self {
        let mut world = Self::inhabited(seed);
        world.work(50_000);
        world.finish()
    }

    /// One caller who looks up three of ten persons a day and names no case.
    pub(super) fn low_and_slow(days: i64) -> Self {
        let mut world = Self::inhabited(3);
        let snoop = world.caseworkers[0].clone();
        for day in 0..days {
            for turn in 0..3 {
                let household = world.households[usize::try_from((day * 3 + turn) % 10).unwrap()].clone();
                let midnight = instant("2026-09-07T00:00:00+08:00").checked_add((day * 24).hours()).unwrap();
                let at = midnight.checked_add((9 * 60 + turn * 90).minutes()).unwrap();
                let mut access = world.access(&snoop, &household, at);
                access.case = None;
                world.write(&access);
            }
        }
        world.finish()
    }

    fn inhabited(seed: u64) -> Self {
        let mut world = Self {
            log: Vec::new(),
            benign: Vec::new(),
            incidents: Vec::new(),
            chance: Chance(seed),
            households: Vec::new(),
            caseworkers: Vec::new(),
            watched: Vec::new(),
            events: Vec::new(),
            key: SubjectKey::new(hedui::domain::suite::SuiteId::Intl, &[9; 32]),
            made: 0,
        };
        for region in 0..REGIONS {
            for _ in 0..HOUSEHOLDS {
                let household = world.household(region);
                world.households.push(household);
            }
            for desk in 0..DESKS {
                let caseworker = Caseworker {
                    region,
                    operator: format!("op-{region}-{desk}"),
                    person: world.person(None),
                    address: world.address(region),
                    relative: world.person(None),
                    pace: 6 + world.chance.below(14),
                };
                world.caseworkers.push(caseworker);
            }
        }
        for region in 0..REGIONS {
            let household = world.household(region);
            world.watched.push(household);
        }
        world
    }

    fn person(&mut self, surname: Option<&str>) -> Person {
        let mut pick = self.chance.below(1_000);
        let drawn = SURNAMES.iter().find(|(_, weight)| {
            let is_it = pick < *weight;
            pick = pick.saturating_sub(*weight);
            is_it
        });
        let other: String =
            OTHERS.chars().nth(usize::try_from(pick).unwrap() % OTHERS.chars().count()).into_iter().collect();
        let surname = surname.or(drawn.map(|(surname, _)| *surname)).unwrap_or(&other);
        let (year, month, day) = (1940 + self.chance.below(75), 1 + self.chance.below(12), 1 + self.chance.below(28));
        let born = Date::new(i16::try_from(year).unwrap(), i8::try_from(month).unwrap(), i8::try_from(day).unwrap());
        let sequence = u16::try_from(self.chance.below(1_000)).unwrap();
        Person { number: IdNumber::compose("150000", born.unwrap(), sequence).unwrap(), name: format!("{surname}某") }
    }

    fn address(&mut self, region: u64) -> String {
        let (cell, flat) = (self.chance.below(CELLS), self.chance.below(90));
        format!("第{region}旗幸福社区{cell}栋{flat}室")
    }

    fn household(&mut self, region: u64) -> Household {
        let head = self.person(None);
        let surname: String = head.name.chars().take(1).collect();
        let others = self.chance.below(4);
        let mut members = vec![head];
        for _ in 0..others {
            let is_born_in = self.chance.below(2) == 0;
            members.push(self.person(is_born_in.then_some(surname.as_str())));
        }
        Household { members, address: self.address(region), region }
    }

    /// Staff and watched persons, as the officer's files give them.
    pub(super) fn people(&self) -> People {
        let mut staff = STAFF_COLUMNS.join(",") + "\n";
        for one in &self.caseworkers {
            let line = [
                &format!("system-{}", one.region),
                &one.operator,
                one.person.number.reveal(),
                &one.person.name,
                &one.address,
                one.relative.number.reveal(),
            ];
            staff += &(line.join(",") + "\n");
        }
        let watched = self.watched.iter().map(|household| household.members[0].number.reveal());
        let watched: Vec<&str> = watched.collect();
        let people = People::default().with_staff(&staff, &self.key).unwrap();
        people.with_watch_list(&watched.join("\n"), &self.key).unwrap()
    }

    /// A usual access of a caseworker: a case that was opened before, at the own desk, with something done afterwards.
    pub(super) fn access(&mut self, by: &Caseworker, household: &Household, at: Timestamp) -> Access {
        self.made += 1;
        let opened = at.checked_sub(i64::try_from(10 + self.chance.below(5 * 24 * 60)).unwrap().minutes()).unwrap();
        let clerk = if self.chance.below(3) == 0 { by.operator.clone() } else { format!("window-{}", by.region) };
        Access {
            by: by.clone(),
            household: household.clone(),
            division: DivisionCode::parse(&format!("1522{:02}", household.region + 1)).unwrap(),
            at,
            case: Some((format!("DB-2026-{:06}", self.made), opened, clerk)),
            workstation: format!("pc-{}", by.operator),
            is_emergency: false,
            acted_after_hours: Some(2 + i64::try_from(self.chance.below(100)).unwrap()),
        }
    }

    /// Somebody, somewhere in a region.
    pub(super) fn any_household(&mut self, region: u64) -> Household {
        self.households[usize::try_from(region * HOUSEHOLDS + self.chance.below(HOUSEHOLDS)).unwrap()].clone()
    }

    /// Honest work, with what makes it irregular.
    fn work(&mut self, wanted: usize) {
        let days = workdays();
        let mut planned: Vec<(usize, Timestamp)> = Vec::new();
        while planned.len() < wanted {
            for day in &days {
                for at in 0..self.caseworkers.len() {
                    // Mondays are busy, and nobody works the same every day.
                    let pace =
                        self.caseworkers[at].pace * if day.weekday().to_monday_zero_offset() == 0 { 13 } else { 10 };
                    let count = (pace * (50 + self.chance.below(100)) / 1_000).max(1);
                    for _ in 0..count {
                        let minutes = if self.chance.ten_thousandth(6) {
                            19 * 60 + 35 + self.chance.below(120)
                        } else if self.chance.ten_thousandth(200) {
                            17 * 60 + 30 + self.chance.below(110)
                        } else if self.chance.below(2) == 0 {
                            8 * 60 + 15 + self.chance.below(220)
                        } else {
                            14 * 60 + self.chance.below(215)
                        };
                        planned.push((at, moment(*day, minutes)));
                    }
                }
            }
        }
        // As many as wanted, taken evenly out of the month.
        while planned.len() > wanted {
            let at = usize::try_from(self.chance.below(u64::try_from(planned.len()).unwrap())).unwrap();
            planned.swap_remove(at);
        }
        for (at, moment) in planned {
            self.one_of_work(at, moment);
        }
    }

    fn one_of_work(&mut self, at: usize, moment: Timestamp) {
        let by = self.caseworkers[at].clone();
        let region = if self.chance.ten_thousandth(2) { (by.region + 1) % REGIONS } else { by.region };
        let household = self.any_household(region);
        let mut access = self.access(&by, &household, moment);
        let is_forgotten = self.chance.ten_thousandth(5);
        if is_forgotten {
            access.case = None;
        } else if self.chance.ten_thousandth(5) {
            let opened = moment.checked_sub(70.seconds()).unwrap();
            access.case = access.case.map(|(number, _, _)| (number, opened, by.operator.clone()));
        }
        access.is_emergency = self.chance.ten_thousandth(5);
        if self.chance.ten_thousandth(3) {
            access.acted_after_hours = None;
        }
        let id = self.write(&access);
        self.benign.push(id);
        // A typing error in an id now and then.
        if self.chance.ten_thousandth(60) {
            self.denied(&by, "not_found", moment);
        }
    }

    /// Writes an access: it is granted, answered, and something is done in the case. The id of its first entry.
    pub(super) fn write(&mut self, access: &Access) -> String {
        self.made += 1;
        let (verification, id) = (format!("vf_{:032x}", self.made), format!("ev_{:032x}", self.made));
        let subjects: Vec<Subject> = access.household.members.iter().map(|one| one.number.subject(&self.key)).collect();
        let mut event = Self::event(Kind::Granted, &id, &access.by, access.at);
        event.verification = Some(verification.clone());
        event.division = Some(access.division);
        event.exemption = access.is_emergency.then(|| "emergency".to_owned());
        event.subjects = subjects;
        let case = access.case.clone();
        event.context = LoggedContext {
            address: Some(address_cell(&access.household.address, &self.key)),
            case: case.as_ref().map(|case| case.0.clone()),
            case_opened_at: case.as_ref().map(|case| case.1),
            case_opened_by: case.map(|case| case.2),
            cohorts: access.household.members.iter().map(|one| one.number.cohort(&self.key)).collect(),
            kin: access
                .household
                .members
                .iter()
                .map(|one| kin(&one.name, &access.household.address, &self.key))
                .collect(),
            operator: Some(access.by.operator.clone()),
            workstation: Some(self.key.tag("workstation", &[&access.workstation])),
            ..LoggedContext::default()
        };
        self.events.push((event, false, 0));
        let mut released =
            Self::event(Kind::Released, &format!("{id}a"), &access.by, access.at.checked_add(2.seconds()).unwrap());
        released.verification = Some(verification.clone());
        released.departments =
            vec![Asked { outcome: "answered".to_owned() }, Asked { outcome: "no_record".to_owned() }];
        self.events.push((released, false, 0));
        if let Some(hours) = access.acted_after_hours {
            let at = access.at.checked_add(hours.hours()).unwrap();
            let mut acted = Self::event(Kind::CaseActed, &format!("{id}b"), &access.by, at);
            acted.verification = Some(verification);
            acted.state = Some("decided".to_owned());
            self.events.push((acted, false, 0));
        }
        id
    }

    /// Writes a refusal. Its id.
    pub(super) fn denied(&mut self, by: &Caseworker, problem: &str, at: Timestamp) -> String {
        self.made += 1;
        let id = format!("ev_{:032x}", self.made);
        let mut event = Self::event(Kind::Denied, &id, by, at);
        event.problem = Some(problem.to_owned());
        self.events.push((event, false, 0));
        id
    }

    /// An event of a caseworker's system.
    pub(super) fn event(action: Kind, id: &str, by: &Caseworker, at: Timestamp) -> Event {
        Event {
            action,
            actor: Some(format!("system-{}", by.region)),
            at,
            context: LoggedContext::default(),
            departments: Vec::new(),
            division: Some(DivisionCode::parse(&format!("1522{:02}", by.region + 1)).unwrap()),
            exemption: None,
            id: id.into(),
            object: None,
            objects: Vec::new(),
            organisation: Some(format!("第{}旗民政局", by.region)),
            problem: None,
            role: None,
            rule: None,
            sample: None,
            state: None,
            subjects: Vec::new(),
            verification: None,
        }
    }

    /// Gives every event its index, in the order of time.
    fn finish(mut self) -> Self {
        self.events.sort_by(|(left, ..), (right, ..)| (left.at, &left.id).cmp(&(right.at, &right.id)));
        let mut index = 0;
        for (event, is_altered, missing_before) in std::mem::take(&mut self.events) {
            index += missing_before;
            self.log.push((Entry { index, event }, is_altered));
            index += 1;
        }
        self
    }
}

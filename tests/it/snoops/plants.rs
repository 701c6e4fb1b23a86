//! Ten incidents for each rule. Snoops mind their manners: unless the rule is about that, they name a case that looks
//! like any other, ask at working hours from their own desk, and close the case afterwards.

use std::collections::BTreeSet;

use hedui::domain::division::DivisionCode;
use hedui::domain::id_number::IdNumber;
use hedui::review::entry::Kind;
use hedui::review::rules::RuleId;
use jiff::ToSpan;

use super::world::{Caseworker, Household, Person, REGIONS, World, moment, workdays};

impl World {
    pub(super) fn plant(&mut self) {
        for number in 0..10 {
            for (turn, rule) in RuleId::ALL.into_iter().enumerate() {
                let turn = u64::try_from(turn).unwrap();
                // Each incident has a snoop of its own, in the second half of the month.
                let snoop =
                    self.caseworkers[usize::try_from((turn * 13 + number * 19 + number) % 200).unwrap()].clone();
                let day = 12 + (turn + number) % 6;
                let entries = match rule {
                    RuleId::R1 => self.alone(&snoop, day, |access| access.case = None),
                    RuleId::R2 => self.self_or_colleague(&snoop, day, number),
                    RuleId::R3 => self.family(&snoop, day, number),
                    RuleId::R4 => self.neighbour(&snoop, day),
                    RuleId::R5 => self.watched(&snoop, day),
                    RuleId::R6 => self.alone(&snoop, day, |access| access.is_emergency = true),
                    RuleId::R7 => self.burst(&snoop, day),
                    RuleId::R8 => self.off_hours(&snoop, day, number),
                    RuleId::R9 => self.far_away(&snoop, day),
                    RuleId::R10 => self.again_and_again(&snoop, number),
                    RuleId::R11 => self.enumeration(&snoop, day, number),
                    RuleId::R12 => self.session(&snoop, day, number),
                    RuleId::R13 => self.alone(&snoop, day, |access| access.acted_after_hours = None),
                    RuleId::R14 => self.everything(&snoop, day),
                    RuleId::R15 => self.log_health(&snoop, day, number),
                    RuleId::R16 => self.drift(number),
                };
                self.incidents.push((rule, entries));
            }
        }
    }

    fn alone(&mut self, snoop: &Caseworker, day: u64, spoil: impl Fn(&mut super::world::Access)) -> BTreeSet<String> {
        let household = self.any_household(snoop.region);
        self.about(snoop, &household, day, spoil)
    }

    fn about(
        &mut self,
        snoop: &Caseworker,
        household: &Household,
        day: u64,
        spoil: impl Fn(&mut super::world::Access),
    ) -> BTreeSet<String> {
        let at = moment(workdays()[usize::try_from(day).unwrap()], 9 * 60 + self.chance.below(400));
        let mut access = self.access(snoop, household, at);
        spoil(&mut access);
        BTreeSet::from([self.write(&access)])
    }

    fn with(&mut self, snoop: &Caseworker, person: &Person) -> Household {
        let mut household = self.any_household(snoop.region);
        household.members.push(person.clone());
        household
    }

    fn self_or_colleague(&mut self, snoop: &Caseworker, day: u64, number: u64) -> BTreeSet<String> {
        let colleagues: Vec<Caseworker> = self
            .caseworkers
            .iter()
            .filter(|one| one.region == snoop.region && one.operator != snoop.operator)
            .cloned()
            .collect();
        let person = if number < 3 {
            snoop.person.clone()
        } else {
            colleagues[usize::try_from(number % 9).unwrap()].person.clone()
        };
        let household = self.with(snoop, &person);
        self.about(snoop, &household, day, |_| {})
    }

    fn family(&mut self, snoop: &Caseworker, day: u64, number: u64) -> BTreeSet<String> {
        let mut household = if number < 5 {
            self.with(snoop, &snoop.relative.clone())
        } else {
            let mut household = self.any_household(snoop.region);
            household.address.clone_from(&snoop.address);
            let surname: String = snoop.person.name.chars().take(1).collect();
            household.members[0].name = format!("{surname}家人");
            household
        };
        household.region = snoop.region;
        self.about(snoop, &household, day, |_| {})
    }

    fn neighbour(&mut self, snoop: &Caseworker, day: u64) -> BTreeSet<String> {
        let mut household = self.any_household(snoop.region);
        household.address.clone_from(&snoop.address);
        for member in &mut household.members {
            "邻某".clone_into(&mut member.name);
        }
        self.about(snoop, &household, day, |access| access.case = None)
    }

    fn watched(&mut self, snoop: &Caseworker, day: u64) -> BTreeSet<String> {
        let household = self.watched[usize::try_from(snoop.region).unwrap()].clone();
        self.about(snoop, &household, day, |_| {})
    }

    /// Forty households within fifty minutes, each with its case.
    fn burst(&mut self, snoop: &Caseworker, day: u64) -> BTreeSet<String> {
        let begin = moment(workdays()[usize::try_from(day).unwrap()], 12 * 60 + 5);
        (0..40)
            .map(|turn: i64| {
                let household = self.any_household(snoop.region);
                let access = self.access(snoop, &household, begin.checked_add((turn * 75).seconds()).unwrap());
                self.write(&access)
            })
            .collect()
    }

    fn off_hours(&mut self, snoop: &Caseworker, day: u64, number: u64) -> BTreeSet<String> {
        let minutes = [2 * 60 + 10, 21 * 60 + 40, 5 * 60][usize::try_from(number % 3).unwrap()];
        let at = moment(workdays()[usize::try_from(day).unwrap()], minutes);
        self.about(snoop, &self.households[7].clone(), day, |access| {
            access.at = at;
            access.division = DivisionCode::parse(&format!("1522{:02}", snoop.region + 1)).unwrap();
            let opened = at.checked_sub(48.hours()).unwrap();
            access.case = access.case.clone().map(|(number, _, clerk)| (number, opened, clerk));
        })
    }

    fn far_away(&mut self, snoop: &Caseworker, day: u64) -> BTreeSet<String> {
        let household = self.any_household((snoop.region + 7) % REGIONS);
        self.about(snoop, &household, day, |_| {})
    }

    /// The same person again and again: with one case that never moves, or with none.
    fn again_and_again(&mut self, snoop: &Caseworker, number: u64) -> BTreeSet<String> {
        let household = self.any_household(snoop.region);
        let days = workdays();
        let first = self.access(snoop, &household, moment(days[2], 9 * 60)).case;
        let entries = [3, 8, 12, 16, 19].into_iter().map(|day| {
            let mut access = self.access(snoop, &household, moment(days[day], 10 * 60 + 7));
            access.case = if number < 5 { first.clone() } else { None };
            self.write(&access)
        });
        entries.collect()
    }

    fn enumeration(&mut self, snoop: &Caseworker, day: u64, number: u64) -> BTreeSet<String> {
        let begin = moment(workdays()[usize::try_from(day).unwrap()], 15 * 60);
        let at = |turn: u64| begin.checked_add(i64::try_from(turn * 40).unwrap().seconds()).unwrap();
        if number < 5 {
            return (0..12).map(|turn| self.denied(snoop, "not_found", at(turn))).collect();
        }
        // One birthday, numbers counted through.
        (0..8)
            .map(|turn| {
                let born = jiff::civil::date(1986, 5, 2);
                let sequence = u16::try_from(number * 50 + turn).unwrap();
                let number = IdNumber::compose("150000", born, sequence).unwrap();
                let mut household = self.any_household(snoop.region);
                household.members = vec![Person { number, name: "某某".to_owned() }];
                let access = self.access(snoop, &household, at(turn));
                self.write(&access)
            })
            .collect()
    }

    fn session(&mut self, snoop: &Caseworker, day: u64, number: u64) -> BTreeSet<String> {
        let at = moment(workdays()[usize::try_from(day).unwrap()], 16 * 60 + 20);
        if number < 3 {
            return BTreeSet::from([self.denied(snoop, "assertion_replayed", at)]);
        }
        let mut entries = BTreeSet::new();
        for (turn, workstation) in ["own", "other"].into_iter().enumerate() {
            let household = self.any_household(snoop.region);
            let later = at.checked_add(i64::try_from(turn * 3).unwrap().minutes()).unwrap();
            let mut access = self.access(snoop, &household, later);
            access.workstation = format!("{workstation}-{}", snoop.operator);
            entries.insert(self.write(&access));
        }
        entries
    }

    /// A colleague's household at night without a case.
    fn everything(&mut self, snoop: &Caseworker, day: u64) -> BTreeSet<String> {
        let colleague =
            self.caseworkers.iter().find(|one| one.region == snoop.region && one.operator != snoop.operator);
        let person = colleague.unwrap().person.clone();
        let household = self.with(snoop, &person);
        let at = moment(workdays()[usize::try_from(day).unwrap()], 23 * 60);
        self.about(snoop, &household, day, |access| (access.at, access.case) = (at, None))
    }

    fn log_health(&mut self, snoop: &Caseworker, day: u64, number: u64) -> BTreeSet<String> {
        let entries = self.alone(snoop, day, |_| {});
        let at = self.events.iter().rposition(|(event, ..)| entries.contains(&*event.id)).unwrap();
        if number < 5 {
            self.events[at].1 = true;
        } else {
            self.events[at].2 = 1 + number;
        }
        entries
    }

    /// A reviewer who dismisses everything, or closes without reading.
    fn drift(&mut self, number: u64) -> BTreeSet<String> {
        let mut entries = BTreeSet::new();
        let officer = Caseworker { region: 100 + number, ..self.caseworkers[0].clone() };
        let honest = Caseworker { region: 200 + number, ..self.caseworkers[0].clone() };
        for (reviewer, is_honest) in [(officer, false), (honest, true)] {
            for turn in 0..30_u64 {
                let day = workdays()[usize::try_from(10 + turn % 10).unwrap()];
                let looked_at = moment(day, 9 * 60 + turn * 7 + number);
                let alert = Some(format!("alerts/al_{:032x}", turn + number * 100));
                let id = format!("ev_r{:02}{}{turn:02}", number, u8::from(is_honest));
                let mut look = Self::event(Kind::Viewed, &format!("{id}a"), &self.caseworkers[0].clone(), looked_at);
                let name = Some(format!("officer-{}", reviewer.region));
                (look.actor, look.object) = (name.clone(), alert.clone());
                self.events.push((look, false, 0));
                let is_fast = !is_honest && number >= 5;
                let closed_at = looked_at.checked_add(if is_fast { 4.seconds() } else { 5.minutes() }).unwrap();
                let mut closing = Self::event(Kind::AlertChanged, &id, &self.caseworkers[0].clone(), closed_at);
                let state = if is_honest || is_fast {
                    ["justified", "dismissed"][usize::try_from(turn % 2).unwrap()]
                } else {
                    "dismissed"
                };
                (closing.actor, closing.object, closing.state) = (name, alert, Some(state.to_owned()));
                self.events.push((closing, false, 0));
                if !is_honest {
                    entries.insert(id);
                }
            }
        }
        entries
    }
}

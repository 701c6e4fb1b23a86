//! R7, R8, R9, R12, R14: one actor against their own past, and against their unit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan, ZonedDateTime};

use super::super::entry::{Entry, EntryRef, Who};
use super::super::gathering::MOST_ENTRIES;
use super::super::rules::{RuleId, Rules};
use super::probing::Asked;
use super::unit::{Unit, Usual, percentile_of};
use super::{Hit, forget};
use crate::domain::division::DivisionCode;
use crate::domain::id_number::Subject;
use crate::domain::problem::Text;

/// Most workstations of one operator that are remembered.
const MOST_WORKSTATIONS: usize = 100;

/// What is remembered of one actor.
pub(super) struct Actor {
    seen_at: Timestamp,
    accesses: u64,
    /// Accesses of each active day, and of each active hour, the newest last.
    days: VecDeque<(Date, u64)>,
    hours: VecDeque<(Date, i8, u64)>,
    /// Accesses of today, each with its hour; the first of them.
    today: Vec<(i8, EntryRef)>,
    divisions: BTreeMap<DivisionCode, Timestamp>,
    foreign: VecDeque<(Timestamp, EntryRef)>,
    workstations: Vec<(Subject, Timestamp, EntryRef)>,
    pub(super) misses: VecDeque<(Timestamp, EntryRef)>,
    pub(super) asked: Asked,
    found: VecDeque<(Timestamp, (RuleId, EntryRef))>,
}

impl Actor {
    /// Nobody that was seen before.
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            seen_at: at,
            accesses: 0,
            days: VecDeque::new(),
            hours: VecDeque::new(),
            today: Vec::new(),
            divisions: BTreeMap::new(),
            foreign: VecDeque::new(),
            workstations: Vec::new(),
            misses: VecDeque::new(),
            asked: Asked::default(),
            found: VecDeque::new(),
        }
    }

    /// When they were seen last.
    pub(super) const fn seen_at(&self) -> Timestamp {
        self.seen_at
    }

    /// An access of theirs.
    pub(super) fn access(
        &mut self,
        entry: &Entry,
        who: &Who,
        local: &ZonedDateTime,
        unit: &mut Unit,
        rules: &Rules,
        is_explained: bool,
    ) -> Vec<Hit> {
        let unusual = self.unusual_hour(local, rules).filter(|_| !is_explained);
        let mut hits: Vec<Hit> = off_hours(entry, who, local, rules, unusual).into_iter().collect();
        self.count(entry, local, unit, rules);
        hits.extend(self.volume(entry, who, local.date(), unit, rules));
        hits.extend(self.region(entry, who, rules));
        hits.extend(self.session(entry, who, local.date(), rules));
        self.seen_at = self.seen_at.max(entry.event.at);
        self.accesses += 1;
        hits
    }

    /// Counts the access; a day or an hour that is over becomes part of what is usual in the unit.
    fn count(&mut self, entry: &Entry, local: &ZonedDateTime, unit: &mut Unit, rules: &Rules) {
        let (day, hour) = (local.date(), local.hour());
        if let Some((last_day, last_hour, accesses)) = self.hours.back()
            && (*last_day, *last_hour) != (day, hour)
        {
            unit.hour_ended(*last_day, *accesses);
        }
        match self.days.back_mut() {
            Some((last, accesses)) if *last == day => *accesses += 1,
            last => {
                if let Some((last, accesses)) = last {
                    unit.day_ended(*last, *accesses);
                }
                self.days.push_back((day, 1));
                self.today.clear();
            }
        }
        match self.hours.back_mut() {
            Some((last, last_hour, accesses)) if (*last, *last_hour) == (day, hour) => *accesses += 1,
            _ => self.hours.push_back((day, hour, 1)),
        }
        if self.today.len() < MOST_ENTRIES {
            self.today.push((hour, entry.reference()));
        }
        let oldest = oldest(day, rules.duration(RuleId::R7, "history").max(rules.duration(RuleId::R8, "history")));
        while self.days.front().is_some_and(|(day, _)| *day < oldest) {
            self.days.pop_front();
        }
        while self.hours.front().is_some_and(|(day, ..)| *day < oldest) {
            self.hours.pop_front();
        }
    }

    /// R7: more in a day or an hour than this actor and the unit ever need.
    fn volume(&self, entry: &Entry, who: &Who, today: Date, unit: &mut Unit, rules: &Rules) -> Option<Hit> {
        let count = |name| rules.count(RuleId::R7, name);
        let in_day = self.days.back().map_or(0, |(_, accesses)| *accesses);
        let in_hour = self.hours.back().map_or(0, |(.., accesses)| *accesses);
        // Most accesses are far from unusual: nothing is sorted for them.
        if in_day <= count("least_in_a_day") && in_hour <= count("least_in_an_hour") {
            return None;
        }
        let oldest = oldest(today, rules.duration(RuleId::R7, "history"));
        let usual = unit.usual(today, oldest, count("unit_percentile"));
        let past = self.days.iter().filter(|(day, _)| oldest <= *day && *day < today);
        let past: Vec<u64> = past.map(|(_, accesses)| *accesses).collect();
        let hours =
            self.hours.iter().filter(|(day, ..)| oldest <= *day && *day < today).map(|(.., accesses)| *accesses);
        let own_days = u64::try_from(past.len()).unwrap_or(u64::MAX);
        let knows_own = own_days >= count("least_own_days");
        let knows_unit = usual.person_days >= count("least_unit_days");
        let own = |counts: Vec<u64>| knows_own.then(|| percentile_of(counts, count("own_percentile")));
        let of_unit = |count: fn(&Usual) -> u64| knows_unit.then(|| count(&usual));
        let day = (own(past), of_unit(|usual| usual.in_a_day));
        let hour = (own(hours.collect()), of_unit(|usual| usual.in_an_hour));
        let most = count("most_in_a_day");
        let limit = |(own, unit): (Option<u64>, Option<u64>), least: u64| {
            // Who has no history yet is held against the unit alone, and a hundredth of its days lies above its percentile.
            let limit = match (own, unit) {
                (Some(own), unit) => Some((own * count("own_factor")).max(unit.unwrap_or(0))),
                (None, unit) => unit.map(|unit| unit * count("newcomer_factor")),
            };
            limit.map(|limit| limit.max(least))
        };
        let (day_limit, hour_limit) = (limit(day, count("least_in_a_day")), limit(hour, count("least_in_an_hour")));
        // The hour first: it names fewer accesses as evidence.
        let (observed, threshold, (zh, en), (own, of_unit), only) = if in_day > most {
            (in_day, most, ("一天", "a day"), (None, None), None)
        } else if hour_limit.is_some_and(|limit| in_hour > limit) {
            (in_hour, hour_limit?, ("一小时", "an hour"), hour, self.hours.back().map(|(_, hour, _)| *hour))
        } else if day_limit.is_some_and(|limit| in_day > limit) {
            (in_day, day_limit?, ("一天", "a day"), day, None)
        } else {
            return None;
        };
        let words = Text::new(
            format!("{zh}内查询 {observed} 户，超过 {threshold}。"),
            format!("{observed} households were asked about in {en}, more than {threshold}."),
        );
        let basis = basis_of_volume(own, of_unit, own_days, usual.person_days, threshold, rules);
        let mut hit = Hit::on(RuleId::R7, entry, who, today.to_string(), (observed, threshold), words, basis);
        let same = self
            .today
            .iter()
            .filter(|(hour, known)| known.index != entry.index && only.is_none_or(|only| only == *hour));
        hit.entries.splice(..0, same.map(|(_, known)| known.clone()));
        Some(hit)
    }

    /// An hour of the day in which this actor was never seen, nor in the hours beside it.
    fn unusual_hour(&self, local: &ZonedDateTime, rules: &Rules) -> Option<u64> {
        let seen: u64 = self.hours.iter().map(|(.., accesses)| accesses).sum();
        let is_near = |hour: i8| (hour - local.hour()).rem_euclid(24).min((local.hour() - hour).rem_euclid(24)) <= 1;
        let near = self.hours.iter().any(|(_, hour, _)| is_near(*hour));
        (seen >= rules.count(RuleId::R8, "least_history") && !near).then_some(seen)
    }

    /// R9: a division that this actor was never seen in.
    fn region(&mut self, entry: &Entry, who: &Who, rules: &Rules) -> Option<Hit> {
        let division = entry.event.division?;
        let history = rules.duration(RuleId::R9, "history");
        self.divisions.retain(|_, seen| entry.event.at.duration_since(*seen) <= history);
        let is_known = self.divisions.insert(division, entry.event.at).is_some();
        if is_known || self.accesses < rules.count(RuleId::R9, "least_history") {
            return None;
        }
        let days = history.as_hours() / 24;
        let known: Vec<&str> =
            self.divisions.keys().filter(|known| **known != division).map(DivisionCode::as_str).take(5).collect();
        let words = Text::new(
            format!("首次查询 {division} 的家庭：近 {days} 天只查询过 {}。", known.join("、")),
            format!(
                "A household of {division} for the first time: in {days} days only {} were asked about.",
                known.join(", ")
            ),
        );
        let basis = Text::new(
            format!("近 {days} 天在该地区的查询数为 0；此前共 {} 次。", self.accesses),
            format!("accesses in this division in {days} days: none; {} before in all.", self.accesses),
        );
        Some(Hit::on(RuleId::R9, entry, who, division.to_string(), (1, 1), words, basis))
    }

    /// R9, A14: requests outside the own division, which were refused.
    pub(super) fn foreign(&mut self, entry: &Entry, who: &Who, day: &str, rules: &Rules) -> Option<Hit> {
        let at = entry.event.at;
        forget(&mut self.foreign, at, SignedDuration::from_hours(24));
        if self.foreign.len() < MOST_ENTRIES {
            self.foreign.push_back((at, entry.reference()));
        }
        let observed = u64::try_from(self.foreign.len()).unwrap_or(u64::MAX);
        let threshold = rules.count(RuleId::R9, "refused_foreign");
        if observed < threshold {
            return None;
        }
        let words = Text::new(
            format!("24 小时内 {observed} 次申请查询本辖区以外的家庭，均已拒绝。"),
            format!("{observed} requests about households outside the own division in 24 hours; all were refused."),
        );
        let basis = Text::new("被拒绝的异地申请数。", "refused requests outside the own division.");
        let mut hit = Hit::on(RuleId::R9, entry, who, format!("foreign {day}"), (observed, threshold), words, basis);
        hit.entries = self.foreign.iter().map(|(_, reference)| reference.clone()).collect();
        Some(hit)
    }

    /// R12: two workstations at once, or break-glass from one that is new. The latter also raises R6.
    fn session(&mut self, entry: &Entry, who: &Who, today: Date, rules: &Rules) -> Option<Hit> {
        let (at, workstation) = (entry.event.at, entry.event.context.workstation?);
        let history = rules.duration(RuleId::R12, "history");
        self.workstations.retain(|(_, seen, _)| at.duration_since(*seen) <= history);
        let had_others = !self.workstations.is_empty();
        let known = self.workstations.iter().position(|(known, ..)| *known == workstation);
        let at_once = rules.duration(RuleId::R12, "at_once");
        let other = self
            .workstations
            .iter()
            .rev()
            .find(|(known, seen, _)| *known != workstation && at.duration_since(*seen) <= at_once);
        let other = other.map(|(_, seen, reference)| (at.duration_since(*seen), reference.clone()));
        if let Some(known) = known {
            self.workstations.remove(known);
        }
        if self.workstations.len() >= MOST_WORKSTATIONS {
            self.workstations.remove(0);
        }
        self.workstations.push((workstation, at, entry.reference()));
        let day = today.to_string();
        if let Some((apart, reference)) = other {
            let apart = super::told(apart);
            let words = Text::new(
                format!("同一操作员在 {} 内使用两台终端。", apart.zh),
                format!("One operator used two workstations within {}.", apart.en),
            );
            let within = super::told(at_once);
            let basis = Text::new(
                format!("{} 内使用的终端数；两台即告警。", within.zh),
                format!("workstations used within {}; two are an alert.", within.en),
            );
            let mut hit = Hit::on(RuleId::R12, entry, who, day, (2, 2), words, basis);
            hit.entries.insert(0, reference);
            return Some(hit);
        }
        if entry.event.exemption.is_some() && known.is_none() && had_others {
            let words =
                Text::new("从未用过的终端发起先行查询。", "Break-glass from a workstation the operator never used.");
            let basis = Text::new("该终端此前的使用次数为 0。", "earlier uses of this workstation: none.");
            let mut hit = Hit::on(RuleId::R12, entry, who, day, (1, 1), words, basis);
            hit.raise = rules.count(RuleId::R6, "new_workstation_score");
            return Some(hit);
        }
        None
    }

    /// R14: so many different rules within the window.
    pub(super) fn many_rules(
        &mut self,
        entry: &Entry,
        who: &Who,
        found: &[RuleId],
        day: &str,
        rules: &Rules,
    ) -> Option<Hit> {
        let at = entry.event.at;
        forget(&mut self.found, at, rules.duration(RuleId::R14, "window"));
        for rule in found {
            if self.found.len() < MOST_ENTRIES {
                self.found.push_back((at, (*rule, entry.reference())));
            }
        }
        let different: BTreeSet<RuleId> = self.found.iter().map(|(_, (rule, _))| *rule).collect();
        let observed = u64::try_from(different.len()).unwrap_or(u64::MAX);
        let threshold = rules.count(RuleId::R14, "rules");
        if observed < threshold {
            return None;
        }
        let names: Vec<&str> = different.iter().map(|rule| rule.as_str()).collect();
        let within = super::told(rules.duration(RuleId::R14, "window"));
        let words = Text::new(
            format!("同一人在 {} 内触发 {observed} 条不同规则：{}。", within.zh, names.join("、")),
            format!("One person hit {observed} different rules within {}: {}.", within.en, names.join(", ")),
        );
        let basis = Text::new("不同规则的数目；R4、R15、R16 不计。", "different rules; R4, R15 and R16 do not count.");
        let mut hit = Hit::on(RuleId::R14, entry, who, day.to_owned(), (observed, threshold), words, basis);
        let mut entries: Vec<EntryRef> = self.found.iter().map(|(_, (_, reference))| reference.clone()).collect();
        entries.dedup();
        hit.entries = entries;
        Some(hit)
    }
}

/// R8: outside the calendar of the unit, or at an hour that is unusual for the actor.
fn off_hours(entry: &Entry, who: &Who, local: &ZonedDateTime, rules: &Rules, unusual: Option<u64>) -> Option<Hit> {
    let division = entry.event.division.unwrap_or(DivisionCode::NATION);
    let calendar = rules.calendars.of(division)?;
    let clock = format!("{:02}:{:02}", local.hour(), local.minute());
    let (words, basis) = if calendar.is_working_time(local) {
        let seen = unusual?;
        (
            Text::new(
                format!("{clock} 查询：此人从未在这个钟点前后查询，且没有在办案件。"),
                format!("Asked at {clock}: never before around this hour, and no open case explains it."),
            ),
            Text::new(
                format!("此前 {seen} 次查询中该钟点前后为 0 次。"),
                format!("of {seen} accesses before, none around this hour."),
            ),
        )
    } else {
        (
            Text::new(
                format!("{} {clock} 查询，不在工作时间内。", local.date()),
                format!("Asked on {} at {clock}, outside working time.", local.date()),
            ),
            Text::new(
                format!(
                    "{} 的工作时间为工作日 {} 至 {}。",
                    calendar.division,
                    clock_of(calendar.from),
                    clock_of(calendar.to)
                ),
                format!(
                    "working time of {}: workdays from {} to {}.",
                    calendar.division,
                    clock_of(calendar.from),
                    clock_of(calendar.to)
                ),
            ),
        )
    };
    Some(Hit::on(RuleId::R8, entry, who, local.date().to_string(), (1, 1), words, basis))
}

fn clock_of(time: jiff::civil::Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

fn oldest(today: Date, history: SignedDuration) -> Date {
    today.checked_sub((history.as_hours() / 24).days()).unwrap_or(Date::MIN)
}

/// How the threshold of R7 came about.
fn basis_of_volume(
    own: Option<u64>,
    unit: Option<u64>,
    own_days: u64,
    person_days: u64,
    threshold: u64,
    rules: &Rules,
) -> Text {
    let count = |name| rules.count(RuleId::R7, name);
    if own.is_none() && unit.is_none() {
        return Text::new(
            format!("任何人一天至多 {threshold} 户。"),
            format!("nobody needs more than {threshold} a day."),
        );
    }
    let (mut zh, mut en) = (Vec::new(), Vec::new());
    if let Some(own) = own {
        let (percent, factor) = (count("own_percentile"), count("own_factor"));
        zh.push(format!("本人 {own_days} 个工作日的第 {percent} 百分位为 {own}，乘 {factor} 得 {}", own * factor));
        en.push(format!(
            "percentile {percent} of {own_days} own active days is {own}, times {factor} is {}",
            own * factor
        ));
    }
    if let Some(unit) = unit {
        let percent = count("unit_percentile");
        zh.push(format!("本单位 {person_days} 人日的第 {percent} 百分位为 {unit}"));
        en.push(format!("percentile {percent} of {person_days} person-days of the unit is {unit}"));
        if own.is_none() {
            let factor = count("newcomer_factor");
            zh.push(format!("本人尚无足够历史，乘 {factor}"));
            en.push(format!("the asker has too little history, so times {factor}"));
        }
    }
    Text::new(
        format!("{}；取大者，且不低于规则下限，得 {threshold}。", zh.join("；")),
        format!("{}; the larger, and not less than the rule's least: {threshold}.", en.join("; ")),
    )
}

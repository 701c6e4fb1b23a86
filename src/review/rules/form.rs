//! What a file of rules must look like: one table of parameters, which the reader and the guide share.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::SignedDuration;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{Offset, TimeZone};
use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Budget, RuleId, Rules, Severity};
use crate::domain::dataset::duration_text;
use crate::domain::division::DivisionCode;
use crate::domain::problem::Text;
use crate::review::calendar::{Calendar, Calendars};

/// The version of this form.
const VERSION: i64 = 1;
/// Longest a rule may look back: the memory of the evaluator is bounded by it.
const LONGEST: i64 = 92 * 86_400;

/// What a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `true` or `false`.
    Flag,
    /// `"low"`, `"medium"`, `"high"` or `"critical"`.
    Severity,
    /// A whole number from the first to the second.
    Count(u64, u64),
    /// A duration with its unit, `"10m"`, up to 92 days.
    Duration,
    /// A list of texts.
    Texts,
}

/// A parameter of a rule.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its key.
    pub name: &'static str,
    /// What it is.
    pub shape: Shape,
}

const fn count(name: &'static str, least: u64, most: u64) -> Parameter {
    Parameter { name, shape: Shape::Count(least, most) }
}

const fn duration(name: &'static str) -> Parameter {
    Parameter { name, shape: Shape::Duration }
}

/// What every rule has.
const OF_ALL: &[Parameter] = &[
    Parameter { name: "on", shape: Shape::Flag },
    Parameter { name: "severity", shape: Shape::Severity },
    count("score", 1, 100),
];

/// What a rule has besides.
const OWN: &[(RuleId, &[Parameter])] = &[
    (RuleId::R1, &[duration("least_case_age"), Parameter { name: "except_clients", shape: Shape::Texts }]),
    (RuleId::R6, &[duration("review_within"), count("new_workstation_score", 0, 100)]),
    (
        RuleId::R7,
        &[
            duration("history"),
            count("own_percentile", 1, 100),
            count("own_factor", 1, 100),
            count("newcomer_factor", 1, 100),
            count("unit_percentile", 1, 100),
            count("least_own_days", 1, 92),
            count("least_unit_days", 1, 100_000),
            count("least_in_a_day", 1, 1_000_000),
            count("least_in_an_hour", 1, 1_000_000),
            count("most_in_a_day", 1, 1_000_000),
        ],
    ),
    (RuleId::R8, &[duration("history"), count("least_history", 1, 1_000_000)]),
    (RuleId::R9, &[duration("history"), count("least_history", 1, 1_000_000), count("refused_foreign", 1, 1_000)]),
    (RuleId::R10, &[duration("window"), count("lookups", 2, 100), count("askers", 2, 100)]),
    (RuleId::R11, &[duration("window"), count("misses", 1, 1_000), count("same_cohort", 2, 100)]),
    (RuleId::R12, &[duration("at_once"), duration("history")]),
    (RuleId::R13, &[duration("within")]),
    (RuleId::R14, &[duration("window"), count("rules", 2, 13)]),
    (RuleId::R15, &[duration("witness_silent")]),
    (
        RuleId::R16,
        &[
            duration("window"),
            count("least_closings", 1, 10_000),
            count("dismissed_percent", 1, 99),
            duration("median_look"),
        ],
    ),
];

/// The parameters of a rule, in the order of the file.
pub fn parameters(rule: RuleId) -> impl Iterator<Item = Parameter> {
    let own = OWN.iter().filter(move |(of, _)| *of == rule).flat_map(|(_, parameters)| *parameters);
    OF_ALL.iter().chain(own).copied()
}

/// A parameter that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Setting {
    Flag(bool),
    Severity(Severity),
    Count(u64),
    Duration(SignedDuration),
    Texts(Vec<String>),
}

/// What is wrong with a file of rules, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// The key, with the tables it stands in.
    pub key: String,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong and how to mend it.
    pub detail: Text,
}

/// A file being read, and the faults found so far.
struct Reader<'t> {
    text: &'t str,
    faults: Vec<Fault>,
}

type Table<'t> = DeTable<'t>;
type Value<'t> = Spanned<DeValue<'t>>;

/// Reads a file of rules.
pub(super) fn read(text: &str) -> Result<Rules, Vec<Fault>> {
    let mut reader = Reader { text, faults: Vec::new() };
    let root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(error) => {
            let at = error.span().unwrap_or(0..0);
            let message = error.message().to_owned();
            reader.fault("", &at, "not_toml", format!("不是合法的 TOML：{message}"), format!("is not TOML: {message}"));
            return Err(reader.faults);
        }
    };
    let whole = 0..0;
    let root = root.get_ref();
    reader.known("", root, &["version", "time", "calendar", "budget", "rules"]);
    if let Some(value) = reader.member("", root, "version", &whole) {
        match integer(value) {
            Some(VERSION) => {}
            _ => reader.range("version", &value.span(), "1", "1"),
        }
    }
    let zone = reader.zone(root);
    let units = reader.calendars(root);
    let budget = reader.budget(root);
    let settings = reader.settings(root);
    reader.faults.sort_by_key(|fault| fault.line);
    match (zone, budget, reader.faults.is_empty()) {
        (Some(zone), Some(budget), true) => Ok(Rules { calendars: Calendars { zone, units }, budget, settings }),
        _ => Err(reader.faults),
    }
}

impl<'t> Reader<'t> {
    fn fault(&mut self, key: &str, at: &Range<usize>, code: &'static str, zh: String, en: String) {
        let before = self.text.get(..at.start).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        self.faults.push(Fault { line, key: key.to_owned(), code, detail: Text::new(zh, en) });
    }

    fn wrong(&mut self, key: &str, at: &Range<usize>, zh: &str, en: &str) {
        self.fault(key, at, "wrong_type", format!("应为{zh}。"), format!("must be {en}."));
    }

    fn range(&mut self, key: &str, at: &Range<usize>, least: &str, most: &str) {
        self.fault(
            key,
            at,
            "out_of_range",
            format!("应在 {least} 到 {most} 之间。"),
            format!("must lie from {least} to {most}."),
        );
    }

    fn known(&mut self, under: &str, table: &Table<'t>, names: &[&str]) {
        let unknown: Vec<(String, Range<usize>)> = table
            .iter()
            .filter(|(key, _)| !names.contains(&key.get_ref().as_ref()))
            .map(|(key, _)| (shown(key.get_ref()), key.span()))
            .collect();
        for (name, at) in unknown {
            self.fault(
                &joined(under, &name),
                &at,
                "unknown_key",
                format!("没有这一项。可用：{}。", names.join("、")),
                format!("there is no such key. Known: {}.", names.join(", ")),
            );
        }
    }

    /// A member that must be there; `at` is where it is missed.
    fn member<'v>(
        &mut self,
        under: &str,
        table: &'v Table<'t>,
        name: &str,
        at: &Range<usize>,
    ) -> Option<&'v Value<'t>> {
        let found = table.iter().find(|(key, _)| key.get_ref().as_ref() == name).map(|(_, value)| value);
        if found.is_none() {
            let (zh, en) = ("缺少这一项；没有缺省值。", "is missing; nothing has a default.");
            self.fault(&joined(under, name), at, "missing_key", zh.to_owned(), en.to_owned());
        }
        found
    }

    fn table<'v>(
        &mut self,
        under: &str,
        table: &'v Table<'t>,
        name: &str,
        at: &Range<usize>,
    ) -> Option<(&'v Table<'t>, Range<usize>)> {
        let value = self.member(under, table, name, at)?;
        let inner = value.get_ref().as_table();
        if inner.is_none() {
            self.wrong(&joined(under, name), &value.span(), "一个表", "a table");
        }
        inner.map(|inner| (inner, heading(table, name).unwrap_or_else(|| value.span())))
    }

    fn zone(&mut self, root: &Table<'t>) -> Option<TimeZone> {
        let (table, at) = self.table("", root, "time", &(0..0))?;
        self.known("time", table, &["utc_offset"]);
        let value = self.member("time", table, "utc_offset", &at)?;
        let zone = value.get_ref().as_str().and_then(offset);
        if zone.is_none() {
            self.wrong(
                "time.utc_offset",
                &value.span(),
                "与 UTC 的时差，如 \"+08:00\"",
                "an offset from UTC such as \"+08:00\"",
            );
        }
        zone
    }

    fn calendars(&mut self, root: &Table<'t>) -> Vec<Calendar> {
        let Some(value) = self.member("", root, "calendar", &(0..0)) else { return Vec::new() };
        let items: Vec<_> = value.get_ref().as_array().into_iter().flatten().collect();
        let mut units = Vec::new();
        for item in &items {
            match item.get_ref().as_table() {
                Some(table) => units.extend(self.calendar(table, &item.span())),
                None => self.wrong("calendar", &item.span(), "一个表", "a table"),
            }
        }
        if units.last().is_none_or(|last| last.division != DivisionCode::NATION) && self.faults.is_empty() {
            self.wrong(
                "calendar",
                &value.span(),
                "若干个 [[calendar]]，最后一个的 division 为 \"000000\"",
                "[[calendar]] tables, the last one of division \"000000\"",
            );
        }
        units
    }

    fn calendar(&mut self, table: &Table<'t>, at: &Range<usize>) -> Option<Calendar> {
        self.known("calendar", table, &["division", "workdays", "from", "to", "holidays", "extra_workdays"]);
        let division =
            self.parsed(table, "division", at, "六位行政区划代码", "a division code of six digits", |value| {
                DivisionCode::parse(value.as_str()?).ok()
            });
        let workdays = self.parsed(
            table,
            "workdays",
            at,
            "星期列表，如 [\"mon\"]",
            "a list of days such as [\"mon\"]",
            |value| value.as_array()?.iter().map(|item| weekday(item.get_ref().as_str()?)).collect::<Option<Vec<_>>>(),
        );
        let clock = |value: &DeValue<'_>| Time::strptime("%H:%M", value.as_str()?).ok();
        let from = self.parsed(table, "from", at, "时刻，如 \"08:30\"", "a time such as \"08:30\"", clock);
        let to = self.parsed(table, "to", at, "时刻，如 \"18:00\"", "a time such as \"18:00\"", clock);
        let days = |value: &DeValue<'_>| {
            value
                .as_array()?
                .iter()
                .map(|item| item.get_ref().as_str()?.parse::<Date>().ok())
                .collect::<Option<Vec<_>>>()
        };
        let (zh, en) = ("日期列表，如 [\"2026-10-01\"]", "a list of days such as [\"2026-10-01\"]");
        let holidays = self.parsed(table, "holidays", at, zh, en, days);
        let extra_workdays = self.parsed(table, "extra_workdays", at, zh, en, days);
        let calendar = Calendar {
            division: division?,
            workdays: workdays?,
            from: from?,
            to: to?,
            holidays: holidays?,
            extra_workdays: extra_workdays?,
        };
        if calendar.to <= calendar.from {
            let at = table
                .iter()
                .find(|(key, _)| key.get_ref().as_ref() == "to")
                .map_or(at.clone(), |(_, value)| value.span());
            self.range("calendar.to", &at, "from", "23:59");
        }
        Some(calendar)
    }

    fn parsed<T>(
        &mut self,
        table: &Table<'t>,
        name: &str,
        at: &Range<usize>,
        zh: &str,
        en: &str,
        parse: impl Fn(&DeValue<'_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.member("calendar", table, name, at)?;
        let parsed = parse(value.get_ref());
        if parsed.is_none() {
            self.wrong(&joined("calendar", name), &value.span(), zh, en);
        }
        parsed
    }

    fn budget(&mut self, root: &Table<'t>) -> Option<Budget> {
        let (table, at) = self.table("", root, "budget", &(0..0))?;
        self.known("budget", table, &["reviewers", "alerts_per_reviewer_and_day"]);
        let mut number = |name: &str| {
            let value = self.member("budget", table, name, &at)?;
            self.count(&joined("budget", name), value, 1, 100_000)
        };
        let (reviewers, alerts) = (number("reviewers"), number("alerts_per_reviewer_and_day"));
        Some(Budget { reviewers: reviewers?, alerts_per_reviewer_and_day: alerts? })
    }

    fn count(&mut self, key: &str, value: &Value<'t>, least: u64, most: u64) -> Option<u64> {
        let number = integer(value).and_then(|number| u64::try_from(number).ok());
        match number {
            Some(number) if (least..=most).contains(&number) => Some(number),
            None if integer(value).is_none() => {
                self.wrong(key, &value.span(), "整数，不加引号", "a whole number, without quotes");
                None
            }
            _ => {
                self.range(key, &value.span(), &least.to_string(), &most.to_string());
                None
            }
        }
    }

    fn settings(&mut self, root: &Table<'t>) -> BTreeMap<(RuleId, &'static str), Setting> {
        let mut settings = BTreeMap::new();
        let Some((rules, at)) = self.table("", root, "rules", &(0..0)) else { return settings };
        self.known("rules", rules, &RuleId::ALL.map(RuleId::as_str));
        for rule in RuleId::ALL {
            let Some((table, at)) = self.table("rules", rules, rule.as_str(), &at) else { continue };
            let under = format!("rules.{}", rule.as_str());
            let names: Vec<&str> = parameters(rule).map(|parameter| parameter.name).collect();
            self.known(&under, table, &names);
            for parameter in parameters(rule) {
                let Some(value) = self.member(&under, table, parameter.name, &at) else { continue };
                if let Some(setting) = self.setting(&joined(&under, parameter.name), value, parameter.shape) {
                    settings.insert((rule, parameter.name), setting);
                }
            }
        }
        settings
    }

    fn setting(&mut self, key: &str, value: &Value<'t>, shape: Shape) -> Option<Setting> {
        let inner = value.get_ref();
        let (setting, zh, en) = match shape {
            Shape::Count(least, most) => return self.count(key, value, least, most).map(Setting::Count),
            Shape::Flag => (inner.as_bool().map(Setting::Flag), "true 或 false", "true or false"),
            Shape::Severity => {
                let severity = inner.as_str().and_then(Severity::parse).map(Setting::Severity);
                (severity, "low、medium、high 或 critical", "low, medium, high or critical")
            }
            Shape::Texts => {
                let texts = inner.as_array().and_then(|items| {
                    items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
                });
                (texts.map(Setting::Texts), "字符串列表", "a list of texts")
            }
            Shape::Duration => {
                let parsed = inner.as_str().and_then(duration_text::parse);
                let parsed = parsed.and_then(|duration| SignedDuration::try_from(duration).ok());
                if parsed.is_some_and(|duration| duration.is_zero() || duration.as_secs() > LONGEST) {
                    self.range(key, &value.span(), "1s", "92d");
                    return None;
                }
                (
                    parsed.map(Setting::Duration),
                    "带单位的时长，如 \"10m\"、\"28d\"",
                    "a duration with its unit, such as \"10m\" or \"28d\"",
                )
            }
        };
        if setting.is_none() {
            self.wrong(key, &value.span(), zh, en);
        }
        setting
    }
}

fn joined(under: &str, name: &str) -> String {
    if under.is_empty() { name.to_owned() } else { format!("{under}.{name}") }
}

/// A key as far as it is one: a file may be anything.
fn shown(name: &str) -> String {
    name.chars().take(40).map(|character| if character.is_control() { '?' } else { character }).collect()
}

/// Where the heading of a table stands.
fn heading(table: &Table<'_>, name: &str) -> Option<Range<usize>> {
    table.iter().find(|(key, _)| key.get_ref().as_ref() == name).map(|(key, _)| key.span())
}

fn integer(value: &Value<'_>) -> Option<i64> {
    let integer = value.get_ref().as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A zone of a fixed offset: China has one, the year round, and needs no database of zones.
fn offset(text: &str) -> Option<TimeZone> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let time = Time::strptime("%H:%M", rest).ok()?;
    let seconds = i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60;
    Offset::from_seconds(sign * seconds).ok().map(TimeZone::fixed)
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        _ => return None,
    })
}

//! What a department agreed to answer: how fast, how much, in which hours, and when it is shut. Pure.
//!
//! The department sets it; the hub holds itself to it before it asks. Hours and days are those of China.

mod looser;

use std::num::NonZeroU32;
use std::time::Duration;

use connectors::protocol::MAX_SUBJECTS;
use jiff::civil::{DateTime, Time};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id_number::IdNumber;
use super::outcome::Told;
use super::period::china;
use super::problem::Text;
use super::purpose::Purpose;

pub use looser::Looser;

/// Most quotas, hours or maintenance windows of one agreement.
const MOST: usize = 50;
/// Longest notice in one language, bytes.
const MAX_NOTICE: usize = 600;
/// Longest wait for one answer.
const MAX_TIMEOUT_MS: u32 = 60_000;

/// What a department agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Agreement {
    /// How long one question may take, milliseconds; at most a minute.
    #[schema(maximum = 60_000)]
    pub timeout_ms: u32,
    /// Nineteen of twenty answers take at most this long, as the department promises, milliseconds; the timeout where it
    /// promises nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 60_000)]
    pub promised_ms: Option<u32>,
    /// Questions a second, in the long run.
    #[schema(value_type = u32, minimum = 1)]
    pub per_second: NonZeroU32,
    /// Questions at once, after a pause.
    #[schema(value_type = u32, minimum = 1)]
    pub burst: NonZeroU32,
    /// Questions under way at the same time, at most.
    #[schema(value_type = u32, minimum = 1)]
    pub in_flight: NonZeroU32,
    /// Whether a question may be asked a second time when the answer takes longer than most.
    pub hedge: bool,
    /// People in one query of several households, at most; 1: households never share a query.
    #[schema(minimum = 1, maximum = 500)]
    #[serde(skip_serializing_if = "is_one")]
    pub shared_subjects: u32,
    /// Further limits: a question is asked where every one that is about it leaves room.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<Quota>,
    /// When it may be asked; always when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<Hours>,
    /// When it is shut for maintenance.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintenance: Vec<Maintenance>,
}

/// A limit on questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Whose questions it counts.
    #[serde(default)]
    pub of: Whose,
    /// Questions for this purpose alone; for all together when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// In what time.
    pub per: Span,
    /// How many.
    pub count: u32,
    /// It holds in these hours alone; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<Hours>,
}

/// Whose questions a quota counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// Everybody's together.
    #[default]
    All,
    /// Each caller's on its own.
    EachCaller,
    /// Those of this caller.
    Caller(String),
}

/// The time a quota is for: a calendar second, hour or day of China.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// A second.
    Second,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

/// Hours of the day, from the first moment of `from` to before `until`; past midnight when `until` is not later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// From when on, `HH:MM`.
    #[schema(value_type = String, example = "08:00")]
    pub from: Time,
    /// Until when, `HH:MM`; `00:00` is the end of the day.
    #[schema(value_type = String, example = "20:00")]
    pub until: Time,
}

/// A time in which a department is shut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// When it begins.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// What callers are told.
    pub notice: Text,
}

/// Why an agreement cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgreementFault {
    /// The timeout.
    #[error("`timeout_ms` is 1 to {MAX_TIMEOUT_MS}")]
    Timeout,
    /// The promise.
    #[error("`promised_ms` is 1 to `timeout_ms`")]
    Promise,
    /// People in a shared query.
    #[error("`shared_subjects` is 1 to {MAX_SUBJECTS}")]
    Shared,
    /// Too long a list.
    #[error("an agreement has at most {MOST} quotas, hours or maintenance windows")]
    TooMany,
    /// A window that ends before it begins.
    #[error("a maintenance window ends after it begins")]
    Window,
    /// A notice that says nothing, too much, or cannot be shown.
    #[error(
        "a notice has 1 to {MAX_NOTICE} bytes in Chinese and in English, without control characters and without an identity number"
    )]
    Notice,
    /// A caller that is none.
    #[error("a quota of one caller names its client id, 1 to 64 characters")]
    Caller,
}

impl AgreementFault {
    /// The fault in both languages.
    pub fn text(self) -> Text {
        let zh = match self {
            Self::Timeout => format!("timeout_ms 应为 1 到 {MAX_TIMEOUT_MS}。"),
            Self::Promise => "promised_ms 应为 1 到 timeout_ms。".to_owned(),
            Self::Shared => format!("shared_subjects 应为 1 到 {MAX_SUBJECTS}。"),
            Self::TooMany => format!("额度、时段、维护窗口各至多 {MOST} 项。"),
            Self::Window => "维护窗口的结束时间应晚于开始时间。".to_owned(),
            Self::Notice => format!("告知应有中英文，各 1 到 {MAX_NOTICE} 字节，不含控制字符和身份号码。"),
            Self::Caller => "单一调用方的额度应写明其客户端编号（1 到 64 个字符）。".to_owned(),
        };
        Text::new(zh, self.to_string())
    }
}

impl Default for Agreement {
    fn default() -> Self {
        let of = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        Self {
            timeout_ms: 5_000,
            promised_ms: None,
            per_second: of(200),
            burst: of(400),
            in_flight: of(64),
            hedge: true,
            shared_subjects: 1,
            quotas: Vec::new(),
            hours: Vec::new(),
            maintenance: Vec::new(),
        }
    }
}

impl Agreement {
    /// How long one question may take.
    pub const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms as u64)
    }

    /// How long nineteen of twenty answers take at most.
    pub fn promise(&self) -> Duration {
        Duration::from_millis(u64::from(self.promised_ms.unwrap_or(self.timeout_ms)))
    }

    /// What is wrong with it.
    pub fn check(&self) -> Result<(), AgreementFault> {
        if !(1..=MAX_TIMEOUT_MS).contains(&self.timeout_ms) {
            return Err(AgreementFault::Timeout);
        }
        if self.promised_ms.is_some_and(|promised| !(1..=self.timeout_ms).contains(&promised)) {
            return Err(AgreementFault::Promise);
        }
        if !(1..=MAX_SUBJECTS).contains(&(self.shared_subjects as usize)) {
            return Err(AgreementFault::Shared);
        }
        if [self.quotas.len(), self.hours.len(), self.maintenance.len()].into_iter().any(|length| length > MOST) {
            return Err(AgreementFault::TooMany);
        }
        if self.maintenance.iter().any(|window| window.until <= window.from) {
            return Err(AgreementFault::Window);
        }
        // It is shown to every caller, and kept in clear (P7).
        let is_clean = |notice: &Text| !IdNumber::is_in(&notice.zh) && !IdNumber::is_in(&notice.en);
        if !self.maintenance.iter().all(|window| is_notice(&window.notice) && is_clean(&window.notice)) {
            return Err(AgreementFault::Notice);
        }
        let is_caller =
            |quota: &Quota| !matches!(&quota.of, Whose::Caller(id) if id.is_empty() || id.chars().count() > 64);
        if self.quotas.iter().all(is_caller) { Ok(()) } else { Err(AgreementFault::Caller) }
    }

    /// Whether the department's hours have this time of the day.
    fn is_open_at(&self, time: Time) -> bool {
        self.hours.is_empty() || self.hours.iter().any(|hours| hours.contain(time))
    }

    /// Why the department may not be asked at all now, and until when.
    pub fn shut(&self, now: Timestamp) -> Option<Told> {
        if let Some(window) = self.maintenance.iter().find(|window| window.from <= now && now < window.until) {
            return Some(Told { code: "maintenance", text: window.notice.clone(), until: Some(window.until) });
        }
        let local = now.to_zoned_datetime(china()).datetime();
        if self.is_open_at(local.time()) {
            return None;
        }
        let until = self.hours.iter().filter_map(|hours| hours.next_opening(local)).min();
        let text = Text::new(
            "该部门约定的服务时段之外，暂不查询。",
            "The department answers in agreed hours only, and this is not one of them.",
        );
        Some(Told { code: "outside_hours", text, until })
    }
}

impl Quota {
    /// The counter of this quota for a question: its name, and when its time began. `None` where it is not about it.
    pub fn counter(&self, caller: &str, purpose: Purpose, now: Timestamp) -> Option<(String, Timestamp)> {
        let local = now.to_zoned_datetime(china()).datetime();
        let is_about = self.purpose.is_none_or(|own| own == purpose)
            && self.between.is_none_or(|hours| hours.contain(local.time()))
            && !matches!(&self.of, Whose::Caller(id) if id != caller);
        if !is_about {
            return None;
        }
        let whose = match &self.of {
            Whose::All => "all".to_owned(),
            Whose::EachCaller => format!("each/{caller}"),
            Whose::Caller(id) => format!("caller/{id}"),
        };
        let purpose = self.purpose.map_or("any", Purpose::as_str);
        let between = self.between.map_or_else(String::new, |hours| format!("/{}-{}", hours.from, hours.until));
        Some((format!("quota/{}/{whose}/{purpose}{between}", self.per.as_str()), self.per.start(now)))
    }

    /// What a caller is told who came when it was used up.
    pub fn told(&self, now: Timestamp) -> Told {
        let count = self.count;
        let (span_zh, span_en) = match self.per {
            Span::Second => ("每秒", "a second"),
            Span::Hour => ("每小时", "an hour"),
            Span::Day => ("每日", "a day"),
        };
        let (whose_zh, whose_en) = match &self.of {
            Whose::All => ("全部调用方", "all callers"),
            Whose::EachCaller => ("每一调用方", "each caller"),
            Whose::Caller(_) => ("本调用方", "this caller"),
        };
        let purpose_zh = self.purpose.map_or_else(String::new, |purpose| format!("、目的 {}", purpose.as_str()));
        let purpose_en = self.purpose.map_or_else(String::new, |purpose| format!(" for {}", purpose.as_str()));
        let text = Text::new(
            format!("该部门约定{span_zh}至多 {count} 次（{whose_zh}{purpose_zh}），已用完。"),
            format!(
                "The department agreed to {count} questions {span_en} of {whose_en}{purpose_en}; they are used up."
            ),
        );
        Told { code: self.per.code(), text, until: self.per.end(now) }
    }
}

impl Span {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Second => "quota_per_second",
            Self::Hour => "quota_per_hour",
            Self::Day => "quota_per_day",
        }
    }

    const fn seconds(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// When the span that holds `now` began. China has one offset the year round, so spans are of equal length.
    fn start(self, now: Timestamp) -> Timestamp {
        const OFFSET: i64 = 8 * 3_600;
        let second = now.as_second() + OFFSET;
        Timestamp::from_second(second - second.rem_euclid(self.seconds()) - OFFSET).unwrap_or(now)
    }

    fn end(self, now: Timestamp) -> Option<Timestamp> {
        self.start(now).checked_add(SignedDuration::from_secs(self.seconds())).ok()
    }
}

impl Hours {
    fn contain(self, time: Time) -> bool {
        if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            time >= self.from || time < self.until
        }
    }

    /// When they begin next.
    fn next_opening(self, local: DateTime) -> Option<Timestamp> {
        let today = local.date().to_datetime(self.from);
        let next = if today > local { today } else { local.date().tomorrow().ok()?.to_datetime(self.from) };
        china().to_zoned_datetime(next).ok().map(|zoned| zoned.timestamp())
    }
}

/// Whether a notice may be shown to callers.
pub fn is_notice(notice: &Text) -> bool {
    [&notice.zh, &notice.en]
        .into_iter()
        .all(|text| !text.trim().is_empty() && text.len() <= MAX_NOTICE && !text.chars().any(char::is_control))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_one(count: &u32) -> bool {
    *count == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn agreement(toml: &str) -> Agreement {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn a_department_that_is_shut_says_until_when() {
        let agreed = agreement(
            "hours = [{ from = '08:00', until = '20:00' }]\n\
             [[maintenance]]\nfrom = '2026-11-26T04:00:00Z'\nuntil = '2026-11-26T05:00:00Z'\nnotice = { zh = '升级', en = 'upgrade' }",
        );
        assert_eq!(agreed.check(), Ok(()));
        assert_eq!(agreed.shut(at("2026-11-26T03:59:59Z")), None, "noon in China");
        let shut = agreed.shut(at("2026-11-26T04:30:00Z")).unwrap();
        assert_eq!((shut.code, shut.until), ("maintenance", Some(at("2026-11-26T05:00:00Z"))));
        let night = agreed.shut(at("2026-11-26T12:00:00Z")).unwrap();
        assert_eq!((night.code, night.until), ("outside_hours", Some(at("2026-11-27T00:00:00Z"))));
        let early = agreed.shut(at("2026-11-26T23:00:00Z")).unwrap();
        assert_eq!(early.until, Some(at("2026-11-27T00:00:00Z")));
        let by_night = agreement("hours = [{ from = '22:00', until = '06:00' }]");
        assert_eq!(by_night.shut(at("2026-11-26T15:00:00Z")), None);
        assert!(by_night.shut(at("2026-11-26T04:00:00Z")).is_some());
    }

    #[test]
    fn a_quota_counts_whom_what_and_when_it_says() {
        let agreed = agreement(
            "quotas = [{ per = 'day', count = 3 }, { of = 'each_caller', per = 'hour', count = 1 },\n\
             { of = { caller = 'a' }, purpose = 'dibao', per = 'second', count = 1, between = { from = '08:00', until = '09:00' } }]",
        );
        let [day, each, one] = &agreed.quotas[..] else { panic!() };
        let now = at("2026-11-26T00:30:00Z");
        let (name, began) = day.counter("a", Purpose::Tekun, now).unwrap();
        assert_eq!((name.as_str(), began), ("quota/day/all/any", at("2026-11-25T16:00:00Z")), "midnight in China");
        assert_eq!(day.told(now).until, Some(at("2026-11-26T16:00:00Z")));
        assert_ne!(
            each.counter("a", Purpose::Dibao, now).unwrap().0,
            each.counter("b", Purpose::Dibao, now).unwrap().0
        );
        assert!(one.counter("a", Purpose::Dibao, now).is_some());
        assert!(one.counter("b", Purpose::Dibao, now).is_none() && one.counter("a", Purpose::Tekun, now).is_none());
        assert!(one.counter("a", Purpose::Dibao, at("2026-11-26T01:00:00Z")).is_none());
    }

    #[test]
    fn what_cannot_be_agreed_to_is_refused() {
        for (toml, fault) in [
            ("timeout_ms = 0", AgreementFault::Timeout),
            ("quotas = [{ of = { caller = '' }, per = 'day', count = 3 }]", AgreementFault::Caller),
            (
                "maintenance = [{ from = '2026-11-26T04:00:00Z', until = '2026-11-26T04:00:00Z', notice = { zh = 'a', en = 'b' } }]",
                AgreementFault::Window,
            ),
            (
                "maintenance = [{ from = '2026-11-26T04:00:00Z', until = '2026-11-26T05:00:00Z', notice = { zh = '150000198605021015', en = 'b' } }]",
                AgreementFault::Notice,
            ),
            (
                "maintenance = [{ from = '2026-11-26T04:00:00Z', until = '2026-11-26T05:00:00Z', notice = { zh = '', en = 'b' } }]",
                AgreementFault::Notice,
            ),
        ] {
            assert_eq!(agreement(toml).check(), Err(fault), "{toml}");
        }
        for bad in ["per_second = 0", "quotas = [{ per = 'week', count = 1 }]", "anything = 1"] {
            assert!(toml::from_str::<Agreement>(bad).is_err(), "{bad}");
        }
    }
}

//! R1 to R6: how the asker stands to the case and to the person.

use super::super::entry::{Entry, Who};
use super::super::people::People;
use super::super::rules::{RuleId, Rules};
use super::{Hit, seconds, told};
use crate::domain::problem::Text;
use jiff::{SignedDuration, Timestamp};

/// Whether a case explains an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// A case that was open before the asker came.
    Open,
    /// No case is named, and no registered authorisation.
    Missing,
    /// The case was closed when it was asked.
    Closed(SignedDuration),
    /// The asker opened the case just before.
    Fresh(SignedDuration),
}

impl Standing {
    /// Explains accesses by the open case first: most of them are.
    pub(super) fn of(entry: &Entry, who: &Who, rules: &Rules) -> Self {
        let (event, context) = (&entry.event, &entry.event.context);
        let opened = match (&context.case, context.case_opened_at) {
            (Some(_), Some(opened_at)) => Some((opened_at, context.case_opened_by.as_ref())),
            // A registered authorisation is a document of a case too, and its id tells when it was registered.
            _ => event.object.as_deref().and_then(registered_at).map(|registered_at| (registered_at, None)),
        };
        let Some((opened_at, opened_by)) = opened else { return Self::Missing };
        if let Some(closed_at) = context.case_closed_at
            && closed_at <= event.at
        {
            return Self::Closed(event.at.duration_since(closed_at));
        }
        let age = event.at.duration_since(opened_at);
        let is_own = opened_by.is_none_or(|opened_by| Some(opened_by) == who.operator.as_ref());
        if is_own && age < rules.duration(RuleId::R1, "least_case_age") { Self::Fresh(age) } else { Self::Open }
    }

    /// R1.
    pub(super) fn hit(self, entry: &Entry, who: &Who, day: &str, rules: &Rules) -> Option<Hit> {
        if rules.texts(RuleId::R1, "except_clients").contains(&who.actor) {
            return None;
        }
        let least = rules.duration(RuleId::R1, "least_case_age");
        let (words, observed, threshold) = match self {
            Self::Open => return None,
            Self::Missing => (
                Text::new(
                    "查询没有注明在办案件，也没有引用已登记的授权书。",
                    "The request names no open case and no registered authorisation.",
                ),
                1,
                1,
            ),
            Self::Closed(since) => (
                Text::new(
                    format!("所注案件在查询前 {} 已办结。", told(since).zh),
                    format!("The case had been closed for {} when it was asked.", told(since).en),
                ),
                seconds(since),
                0,
            ),
            Self::Fresh(age) => (
                Text::new(
                    format!("案件由查询人本人在查询前 {} 才立案。", told(age).zh),
                    format!("The asker opened the case {} before asking.", told(age).en),
                ),
                seconds(age),
                seconds(least),
            ),
        };
        let basis = Text::new(
            format!("应有查询前已在办、且非本人在 {} 内新立的案件；同一人一天合并为一条。", told(least).zh),
            format!(
                "a case must be open before, and not by the asker within {}; one alert a person and day.",
                told(least).en
            ),
        );
        Some(Hit::on(RuleId::R1, entry, who, day.to_owned(), (observed, threshold), words, basis))
    }
}

/// When an authorisation was registered: its id is a UUID of version 7.
fn registered_at(id: &str) -> Option<Timestamp> {
    let digits = id.strip_prefix("au_")?.get(..12)?;
    Timestamp::from_millisecond(i64::from_str_radix(digits, 16).ok()?).ok()
}

/// R2 to R6.
pub(super) fn hits(entry: &Entry, who: &Who, day: &str, people: &People, is_explained: bool) -> Vec<Hit> {
    let event = &entry.event;
    let mut hits = Vec::new();
    let staff = who.operator.as_ref().and_then(|operator| people.staff(&who.actor, operator));
    let mut hit = |rule, count: usize, words: Text, basis: Text| {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        hits.push(Hit::on(rule, entry, who, day.to_owned(), (count, 1), words, basis));
    };
    let is_self = staff.is_some_and(|staff| event.subjects.contains(&staff.subject));
    let colleagues = event.subjects.iter().filter(|subject| people.is_colleague(**subject)).count();
    if colleagues > 0 {
        let words = if is_self {
            Text::new("被查询人中有查询人本人。", "The asker is among the persons asked about.")
        } else {
            Text::new("被查询人中有本系统工作人员。", "A member of staff is among the persons asked about.")
        };
        let basis = Text::new(
            "被查询人中的在册工作人员数；有一人即告警。",
            "persons asked about who stand in the staff list; one is an alert.",
        );
        hit(RuleId::R2, colleagues, words, basis);
    }
    if let Some(staff) = staff {
        let declared = event.subjects.iter().filter(|subject| staff.relatives.contains(subject)).count();
        let kin = event.context.kin.iter().filter(|kin| staff.kin == Some(**kin)).count();
        if declared + kin > 0 && !is_self {
            let words = if declared > 0 {
                Text::new("被查询人是查询人申报的亲属。", "A relative whom the asker declared is asked about.")
            } else {
                Text::new(
                    "被查询人与查询人同姓且住址相同（楼栋、村组）。",
                    "A person asked about has the asker's surname and address cell.",
                )
            };
            let basis = Text::new(
                "申报的亲属，或姓氏与住址单元同时相同的人数；仅同姓不计。",
                "declared relatives, and persons with both the surname and the address cell; the surname alone does not count.",
            );
            hit(RuleId::R3, declared + kin, words, basis);
        }
        if staff.address.is_some() && staff.address == event.context.address && !is_explained && !is_self {
            let words = Text::new(
                "被查询家庭与查询人住在同一楼栋或村组，且没有在办案件。",
                "The household lives in the asker's address cell, and no open case explains it.",
            );
            let basis = Text::new(
                "住址单元相同；只抬高其他预警，从不单独成立。",
                "the same address cell; it raises other alerts and is never one alone.",
            );
            hit(RuleId::R4, 1, words, basis);
        }
    }
    let watched = event.subjects.iter().filter(|subject| people.is_watched(**subject)).count();
    if watched > 0 {
        let words = Text::new("被查询人在重点关注名单中。", "A person asked about stands on the watch list.");
        let basis = Text::new(
            "被查询人中在名单上的人数；有一人即告警。",
            "persons asked about who stand on the list; one is an alert.",
        );
        hit(RuleId::R5, watched, words, basis);
    }
    if event.exemption.is_some() {
        let words = Text::new(
            "急难先行查询：未经全部成员授权即查询部门。",
            "Break-glass: departments are asked without every member's authorisation.",
        );
        let basis = Text::new("每一次先行查询都须复核。", "every use is reviewed.");
        // Each one by itself, however many there are in a day.
        let window = event.verification.clone().unwrap_or_else(|| event.id.to_string());
        hits.push(Hit::on(RuleId::R6, entry, who, window, (1, 1), words, basis));
    }
    hits
}

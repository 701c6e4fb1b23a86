//! Level 5, which no report can reach: the hub itself has seen an adapter hold on real questions, in shadow, for days.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::problem::Text;

/// Of a thousand questions so many must be answered.
const ANSWERED: u64 = 995;

/// How far an adapter has held in shadow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AdapterSustained)]
pub struct SustainedView {
    /// Whether it has reached level 5.
    pub reached: bool,
    /// Whole days in a row, up to yesterday, on which it was asked; those that count, at most.
    pub days: u32,
    /// How many days are asked for.
    pub of_days: u32,
    /// Questions put to it on these days and today.
    pub asked: u64,
    /// Thousandths of them that it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_permille: Option<u64>,
    /// Thousandths of the answers that took longer than its department promised; at most 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_permille: Option<u64>,
    /// Answers that came while what it says had changed its form.
    pub drifted: u64,
    /// The same in a sentence.
    pub told: Text,
}

/// The name of a day's counter: `asked`, `answered`, `late` or `drifted`.
pub(super) fn counter(day: Date, what: &str) -> String {
    format!("shadow/day/{day}/{what}")
}

/// How far an adapter has held, told from what was counted of it (by the name of the counter), on this day of China.
pub fn sustained(counts: &BTreeMap<String, u64>, today: Date, of_days: u32) -> SustainedView {
    let count = |day: Date, what: &str| counts.get(&counter(day, what)).copied().unwrap_or_default();
    let mut window = vec![today];
    let mut day = today;
    while window.len() <= of_days as usize {
        let Ok(before) = day.yesterday() else { break };
        if count(before, "asked") == 0 {
            break;
        }
        window.push(before);
        day = before;
    }
    let days = u32::try_from(window.len() - 1).unwrap_or(u32::MAX);
    let sum = |what: &str| window.iter().map(|day| count(*day, what)).sum::<u64>();
    let (asked, answered, late, drifted) = (sum("asked"), sum("answered"), sum("late"), sum("drifted"));
    let (answers_well, is_quick) = (asked > 0 && answered * 1_000 >= asked * ANSWERED, late * 20 <= answered);
    let reached = days >= of_days && answers_well && is_quick && drifted == 0;
    let answered_permille = (answered * 1_000).checked_div(asked);
    let late_permille = (late * 1_000).checked_div(answered);
    let tenths =
        |permille: Option<u64>| permille.map_or_else(|| "–".to_owned(), |of| format!("{}.{}", of / 10, of % 10));
    let (of_answered, of_late) = (tenths(answered_permille), tenths(late_permille));
    let (verdict_zh, verdict_en) =
        if reached { ("已达到 L5", "Level 5 is reached") } else { ("未达到 L5", "Level 5 is not reached") };
    let mut short = Vec::new();
    if days < of_days {
        short.push(("运行天数不足", "too few days"));
    }
    if !answers_well {
        short.push(("答复率不足", "too few answers"));
    }
    if !is_quick {
        short.push(("答复偏慢", "too slow"));
    }
    if drifted > 0 {
        short.push(("答复格式或内容有变动", "its answers changed their form"));
    }
    let join = |words: Vec<&str>, by: &str, open: &str, close: &str| {
        if words.is_empty() { String::new() } else { format!("{open}{}{close}", words.join(by)) }
    };
    let why_zh = join(short.iter().map(|(zh, _)| *zh).collect(), "、", "（", "）");
    let why_en = join(short.iter().map(|(_, en)| *en).collect(), ", ", " (", ")");
    let told = Text::new(
        format!(
            "{verdict_zh}{why_zh}：影子运行连续 {days} 天（要求 {of_days} 天），查询 {asked} 次，答复 {of_answered}%（要求 99.5%），超过承诺时限的 {of_late}%（至多 5%），异常变动 {drifted} 次。"
        ),
        format!(
            "{verdict_en}{why_en}: {days} days in a row in shadow (of {of_days}), asked {asked} times, answered {of_answered} % (of 99.5), later than promised {of_late} % (at most 5), changed in form {drifted} times."
        ),
    );
    SustainedView { reached, days, of_days, asked, answered_permille, late_permille, drifted, told }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2026, 11, 26);

    /// So many whole days of a thousand questions each; `change` is applied to the counts of the first of them.
    fn counts(days: i32, change: &[(&str, u64)]) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for back in 1..=days {
            let day = TODAY - jiff::Span::new().days(back);
            for (what, count) in [("asked", 1_000), ("answered", 1_000), ("late", 40), ("drifted", 0)] {
                counts.insert(counter(day, what), count);
            }
        }
        for (what, count) in change {
            counts.insert(counter(TODAY.yesterday().unwrap(), what), *count);
        }
        counts
    }

    #[test]
    fn seven_whole_days_of_answers_in_time_reach_it_and_nothing_less_does() {
        let reached = |counts: &BTreeMap<String, u64>| sustained(counts, TODAY, 7).reached;
        assert!(reached(&counts(7, &[])));
        assert!(!reached(&counts(6, &[])), "a day is missing");
        assert!(reached(&counts(7, &[("answered", 970)])), "35 of 7,000 may be missed");
        assert!(!reached(&counts(7, &[("answered", 960)])));
        assert!(reached(&counts(7, &[("late", 110)])), "a twentieth is late");
        assert!(!reached(&counts(7, &[("late", 111)])), "more than a twentieth");
        assert!(!reached(&counts(7, &[("drifted", 1)])));
        assert!(sustained(&counts(3, &[]), TODAY, 3).reached, "how many days is a setting");
        assert!(!reached(&BTreeMap::new()), "who was never asked has shown nothing");
    }

    #[test]
    fn a_day_without_questions_begins_anew_and_today_counts_against_it() {
        let mut gap = counts(9, &[]);
        gap.insert(counter(TODAY - jiff::Span::new().days(4), "asked"), 0);
        assert_eq!(sustained(&gap, TODAY, 7).days, 3);
        let mut bad_today = counts(7, &[]);
        bad_today.insert(counter(TODAY, "asked"), 100);
        assert!(!sustained(&bad_today, TODAY, 7).reached, "a hundred questions today, and no answer");
    }

    #[test]
    fn it_is_told_in_a_sentence_that_says_what_is_missing() {
        let told = sustained(&counts(7, &[]), TODAY, 7).told;
        assert!(told.zh.starts_with("已达到 L5：影子运行连续 7 天"), "{}", told.zh);
        assert!(told.en.starts_with("Level 5 is reached: 7 days in a row"), "{}", told.en);
        let told = sustained(&counts(2, &[("answered", 0)]), TODAY, 7).told;
        assert!(
            told.zh.contains("运行天数不足、答复率不足") && told.en.contains("too few days, too few answers"),
            "{told:?}"
        );
    }
}

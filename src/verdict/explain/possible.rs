//! What silent departments would have to show for each possible circle to come about, as the verdict's
//! possibilities have it: the least amounts, all conditions of a way together.

use super::changes::{a_head, capital, effect, is_deducted};
use super::{Story, departments, join, line, words, yuan};
use crate::domain::dataset::{DepartmentId, MissingEffect};
use crate::domain::money::Money;
use crate::domain::problem::Text;
use crate::verdict::circle::Circle;
use crate::verdict::tipping::{Condition, More, Possibility};

/// The circle by what is known, as if the silent departments had nothing to add.
pub(super) fn circle_as_known(story: &Story<'_>) -> Option<Circle> {
    let ways = story.verdict().possibilities.as_deref().unwrap_or_default();
    ways.iter().find(|way| way.conditions.is_empty()).map(|way| way.circle)
}

/// The ways to other circles than the known one, the simplest first, then by the amounts they take.
fn ways<'a>(story: &Story<'a>) -> Vec<&'a Possibility> {
    let mut ways: Vec<&Possibility> = story.matter.verdict.possibilities.iter().flatten().collect();
    ways.retain(|way| !way.conditions.is_empty());
    let amounts =
        |way: &Possibility| -> Vec<Money> { way.conditions.iter().filter_map(more).map(|more| more.change).collect() };
    ways.sort_by_cached_key(|way| (way.conditions.len(), amounts(way)));
    ways
}

const fn more(condition: &Condition) -> Option<&More> {
    match condition {
        Condition::Income(more) | Condition::Expenditure(more) | Condition::IllnessCosts(more) => Some(more),
        Condition::PropertyFails { .. } | Condition::DwellingsExempt { .. } => None,
    }
}

/// The ways in a sentence: every one that takes a single condition, and the first of any circle that takes several.
pub(super) fn in_a_sentence(story: &Story<'_>) -> Text {
    let mut told: Vec<Circle> = Vec::new();
    let mut texts = Vec::new();
    for way in ways(story) {
        if way.conditions.len() == 1 || !told.contains(&way.circle) {
            told.push(way.circle);
            texts.push(tell(story, way));
        }
    }
    line(join(&texts, |text| &text.zh, "；"), join(&texts, |text| &text.en, "; "))
}

/// Every possible circle with each way to it, one a line.
pub(super) fn lines(story: &Story<'_>) -> Vec<Text> {
    let known = circle_as_known(story).map(|circle| {
        let then = words::circle_then(circle);
        line(
            format!("若尚未答复的部门没有更多记录，{}。", then.zh),
            format!("If the departments that are silent have nothing to add, {}.", then.en),
        )
    });
    let others = ways(story).into_iter().map(|way| tell(story, way));
    known
        .into_iter()
        .chain(others.map(|text| line(format!("{}。", text.zh), capital(&format!("{}.", text.en)))))
        .collect()
}

/// `若人力资源和社会保障再查到19844.00元（人均每月551.22元）以上的收入，则为低收入家庭`.
fn tell(story: &Story<'_>, way: &Possibility) -> Text {
    let has_income = way.conditions.iter().any(|condition| matches!(condition, Condition::Income(_)));
    let conditions: Vec<Text> =
        way.conditions.iter().map(|condition| self::condition(story, condition, has_income)).collect();
    let then = words::circle_then(way.circle);
    line(
        format!("若{}，{}", join(&conditions, |text| &text.zh, "，并且"), then.zh),
        format!("if {}, {}", join(&conditions, |text| &text.en, ", and "), then.en),
    )
}

fn condition(story: &Story<'_>, condition: &Condition, has_income: bool) -> Text {
    match condition {
        Condition::Income(more) => {
            let (by, amount, head) = parts(story, more);
            line(
                format!("{}再查到{}{}以上的收入", by.zh, amount.zh, head.zh),
                format!("{} shows {}{} or more of further income", by.en, amount.en, head.en),
            )
        }
        Condition::Expenditure(more) | Condition::IllnessCosts(more) => {
            let (by, amount, head) = parts(story, more);
            let (kind_zh, kind_en) = match condition {
                Condition::IllnessCosts(_) => ("因病因残的刚性支出", "rigid expenditure by illness or disability"),
                _ => spending(story),
            };
            // The more income there is, the more it takes.
            if has_income {
                line(
                    format!("{}再查到足够的{kind_zh}（至少{}）", by.zh, amount.zh),
                    format!("{} shows enough further {kind_en} (at least {})", by.en, amount.en),
                )
            } else {
                line(
                    format!("{}再查到{}{}以上的{kind_zh}", by.zh, amount.zh, head.zh),
                    format!("{} shows {}{} or more of further {kind_en}", by.en, amount.en, head.en),
                )
            }
        }
        Condition::PropertyFails { departments } => shown(story, departments, MissingEffect::PropertyMayFail),
        Condition::DwellingsExempt { departments } => shown(story, departments, MissingEffect::DwellingMayPass),
    }
}

fn parts(story: &Story<'_>, more: &More) -> (Text, Text, Text) {
    (departments(story.catalogue(), &more.departments), yuan(more.change), a_head(more.per_head_month))
}

/// The amount is the least when all of it is medical, where medical expenditure has a share of its own.
fn spending(story: &Story<'_>) -> (&'static str, &'static str) {
    if is_deducted(story) {
        return ("因灾因意外的刚性支出", "rigid expenditure by disaster or accident");
    }
    let is_ratio = story.matter.parameters.is_some_and(|own| own.rules().expenditure_rule.is_ratio());
    if is_ratio { ("医疗刚性支出", "rigid medical expenditure") } else { ("刚性支出", "rigid expenditure") }
}

/// What each of these departments would show of property, in the words of its own registers.
fn shown(story: &Story<'_>, by: &[DepartmentId], which: MissingEffect) -> Text {
    let facts = story.matter.facts;
    let each: Vec<Text> = by
        .iter()
        .filter_map(|department| facts.gaps.iter().find(|gap| gap.department == *department))
        .map(|gap| {
            let (name, shown) =
                (departments(story.catalogue(), [&gap.department]), effect(story.catalogue(), gap, which));
            line(format!("{}{}", name.zh, shown.zh), format!("{} {}", name.en, shown.en))
        })
        .collect();
    line(join(&each, |text| &text.zh, "，或者"), join(&each, |text| &text.en, ", or "))
}

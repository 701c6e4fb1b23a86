//! What would change a verdict: the nearest circle missed and by how much, the amounts at which the circle turns,
//! and what a silent department could still show. The words follow the effect: nobody is said to be able to show
//! what its registers do not hold.

use super::deciding::over_limits;
use super::{Section, Story, departments, line, list, section, size_of, words, yuan};
use crate::domain::dataset::{Authority, Catalogue, DepartmentId, MissingEffect};
use crate::domain::fact::FactKind;
use crate::domain::money::Money;
use crate::domain::problem::Text;
use crate::verdict::circle::Circle;
use crate::verdict::facts::FactGap;
use crate::verdict::property::is_financial;
use crate::verdict::tipping::{Quantity, TippingPoint};
use crate::verdict::{Status, evaluate};

/// The circle by what is known, if the household owned nothing. Nothing can be said where income or spending was not
/// asked about, because property settled it.
pub(super) fn circle_without_property(story: &Story<'_>) -> Option<Circle> {
    if story.matter.facts.spares(FactKind::Income) || story.matter.facts.spares(FactKind::Expenditure) {
        return None;
    }
    let mut facts = story.matter.facts.clone();
    facts.gaps.clear();
    facts.assets.clear();
    evaluate(&facts, story.matter.parameters?).ok()?.circle()
}

/// The section of a report.
pub(super) fn changes(story: &Story<'_>) -> Section {
    let verdict = story.verdict();
    let mut lines = Vec::new();
    match verdict.status {
        Status::Determined => {
            let nearest = nearest(story);
            let told = match &nearest {
                Some((_, Way::Amount(point))) => Some(*point),
                _ => None,
            };
            let others = verdict.tipping_points.iter().filter(|point| told != Some(*point));
            lines.extend(nearest.map(nearest_missed));
            lines.extend(others.map(|point| change(story, point)));
        }
        Status::PendingData => {
            lines.extend(super::possible::lines(story));
            // What no silent department could show, the household or an officer may still learn.
            let others = verdict.tipping_points.iter().filter(|point| point.departments.is_empty());
            lines.extend(others.map(|point| change(story, point)));
        }
        Status::Blocked | Status::ManualReview | Status::PendingParameter => {}
    }
    section("changes", "什么会改变结果", "What would change it", lines)
}

/// What is in the way of a circle.
pub(super) enum Way<'a> {
    /// Property above the limits, each item in words.
    Property(Vec<Text>),
    /// An amount.
    Amount(&'a TippingPoint),
}

/// The nearest circle that the household misses, and what is in the way.
pub(super) fn nearest<'a>(story: &'a Story<'_>) -> Option<(Circle, Way<'a>)> {
    let verdict = story.verdict();
    if matches!(verdict.circle()?, Circle::Dibao | Circle::Tekun) {
        return None;
    }
    let over = over_limits(story);
    if !over.is_empty() {
        let then = circle_without_property(story).filter(|then| *then != Circle::None)?;
        return Some((then, Way::Property(over)));
    }
    let gains = verdict.tipping_points.iter().filter(|point| {
        let speaks_for = match point.quantity {
            Quantity::Income => point.change < Money::ZERO,
            Quantity::Expenditure | Quantity::IllnessCosts => point.change > Money::ZERO,
            Quantity::FinancialAssets => false,
        };
        speaks_for && point.circle != Circle::None
    });
    let point = gains.min_by_key(|point| size_of(point.change))?;
    Some((point.circle, Way::Amount(point)))
}

fn nearest_missed((then, way): (Circle, Way<'_>)) -> Text {
    let then = words::circle(then);
    match way {
        Way::Property(over) => {
            let over = list(&over);
            line(
                format!("最近未达到的圈层：{}。差在财产：{}。", then.zh, over.zh),
                format!("Nearest circle missed: {}. What is in the way is property: {}.", then.en, over.en),
            )
        }
        Way::Amount(point) => {
            let (amount, head) = (yuan(size_of(point.change)), a_head(point.per_head_month));
            let (zh, en) = match point.quantity {
                Quantity::Expenditure => ("刚性支出少", "rigid expenditure is short by"),
                Quantity::IllnessCosts => ("因病因残的刚性支出少", "costs of illness and disability are short by"),
                Quantity::Income | Quantity::FinancialAssets => ("计入收入多", "countable income is too high by"),
            };
            line(
                format!("最近未达到的圈层：{}，{zh}{}{}。", then.zh, amount.zh, head.zh),
                format!("Nearest circle missed: {}; {en} {}{}.", then.en, amount.en, head.en),
            )
        }
    }
}

/// `（人均每月329.00元）`; nothing where that rounds to nothing.
pub(super) fn a_head(amount: Money) -> Text {
    if amount == Money::ZERO {
        return line("", "");
    }
    let head = yuan(size_of(amount));
    line(format!("（人均每月{}）", head.zh), format!(" ({} a head and month)", head.en))
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The dibao test takes off what illness and disability cost, so that other expenditure is told apart.
pub(super) fn is_deducted(story: &Story<'_>) -> bool {
    story.matter.parameters.is_some_and(|own| own.rules().deduct_rigid_in_dibao_test)
}

fn change(story: &Story<'_>, point: &TippingPoint) -> Text {
    let amount = yuan(size_of(point.change));
    let (way_zh, way_en) = if point.change > Money::ZERO { ("增加", "higher") } else { ("减少", "lower") };
    let (what_zh, what_en) = match point.quantity {
        Quantity::Income => ("计入收入", "countable income is"),
        Quantity::Expenditure if is_deducted(story) => {
            ("因灾因意外的刚性支出", "rigid expenditure by disaster or accident is")
        }
        Quantity::Expenditure => ("医疗刚性支出", "rigid medical expenditure is"),
        Quantity::IllnessCosts => ("因病因残的刚性支出", "rigid expenditure by illness or disability is"),
        Quantity::FinancialAssets => ("金融资产", "financial assets are"),
    };
    let head = match point.quantity {
        Quantity::FinancialAssets => line("", ""),
        Quantity::Income | Quantity::Expenditure | Quantity::IllnessCosts => a_head(point.per_head_month),
    };
    let (then, by) = (words::circle_then(point.circle), who_could_show(story, point));
    line(
        format!("{what_zh}{way_zh}{}{}起，{}{}。", amount.zh, head.zh, then.zh, by.zh),
        format!("Once {what_en} {way_en} by {}{}, {}{}.", amount.en, head.en, then.en, by.en),
    )
}

/// Who could show it: silent departments, or nobody.
fn who_could_show(story: &Story<'_>, point: &TippingPoint) -> Text {
    if point.quantity == Quantity::FinancialAssets {
        let catalogue = story.catalogue();
        let is_held = catalogue.datasets().iter().any(|set| set.holds.iter().any(|kind| is_financial(kind.as_str())));
        return if is_held {
            line("", "")
        } else {
            line(
                "（金融资产只有申报，没有已接入的部门能查到）",
                " (financial assets are only declared; no connected department can see them)",
            )
        };
    }
    if point.departments.is_empty() {
        return line("", "");
    }
    let by = departments(story.catalogue(), &point.departments);
    line(format!("（{}尚未答复，可能如此）", by.zh), format!(" ({} has not answered and might show it)", by.en))
}

/// What a silent department could still show.
pub(super) fn effect(catalogue: &Catalogue, gap: &FactGap, effect: MissingEffect) -> Text {
    match effect {
        MissingEffect::IncomeUp => line("显示还有收入", "shows further income"),
        MissingEffect::ExpenditureUp => line("显示还有刚性支出", "shows further rigid expenditure"),
        MissingEffect::PropertyMayFail => {
            let held = held_property(catalogue, &gap.department);
            line(format!("查到超过规定的{}", held.zh), format!("shows {} above the limits", held.en))
        }
        MissingEffect::DwellingMayPass => {
            line("证明有住房因灾损毁、不计套数", "shows that a dwelling is a ruin and does not count")
        }
        MissingEffect::MemberIllnessUnknown => {
            line("登记有成员患重病", "has a member in its register of severe illness")
        }
    }
}

/// The kinds of property that a department's conclusive registers hold.
fn held_property(catalogue: &Catalogue, department: &DepartmentId) -> Text {
    let mut kinds: Vec<Text> = Vec::new();
    let registers = catalogue.datasets().iter().filter(|dataset| {
        dataset.department == *department
            && dataset.fact == FactKind::Asset
            && dataset.authority == Authority::Conclusive
    });
    for kind in registers.flat_map(|dataset| &dataset.holds) {
        let text = words::kind(kind.as_str());
        if !kinds.contains(&text) {
            kinds.push(text);
        }
    }
    if kinds.is_empty() {
        return line("财产", "property");
    }
    let zh = super::join(&kinds, |kind| &kind.zh, "或者");
    line(zh, super::join(&kinds, |kind| &kind.en, " or "))
}

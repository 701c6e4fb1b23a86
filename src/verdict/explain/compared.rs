//! Declared against found in words: each row, and what to ask the household.

use super::persons::Persons;
use super::{Section, Story, department, departments, line, section, size_of, words, yuan};
use crate::domain::dataset::{Authority, Catalogue};
use crate::domain::fact::ExpenditureKind;
use crate::domain::money::Money;
use crate::domain::problem::Text;
use crate::verdict::Status;
use crate::verdict::comparison::{Comparison, FollowUp, Item, Outcome, Row, Said, Unchecked};

/// The section of a report; none where nobody may be asked.
pub(super) fn section_of(story: &Story<'_>) -> Option<Section> {
    if story.verdict().status == Status::Blocked {
        return None;
    }
    let comparison = story.matter.comparison.filter(|comparison| !comparison.rows.is_empty())?;
    let mut lines = vec![period(comparison)];
    for row in &comparison.rows {
        lines.push(row_line(story, row));
        lines.extend(follow_up(story, row));
    }
    Some(section("comparison", "申报与核对对照", "Declared against found", lines))
}

fn period(comparison: &Comparison) -> Text {
    let (from, to, on) = (comparison.from, comparison.to, comparison.property_on);
    let allowed = match comparison.tolerance {
        None => line(
            "当地未规定申报误差，金额不同的只列差额、不作判断",
            "the place sets no tolerance, so amounts that differ are shown and not judged",
        ),
        Some(tolerance) => {
            let mut zh = Vec::new();
            let mut en = Vec::new();
            if let Some(percent) = tolerance.percent {
                zh.push(format!("申报金额的{percent}%"));
                en.push(format!("{percent} % of the declared amount"));
            }
            if let Some(amount) = tolerance.amount.map(yuan) {
                zh.push(amount.zh);
                en.push(amount.en);
            }
            line(format!("申报误差：{}以内", zh.join("或")), format!("tolerance: {}", en.join(" or ")))
        }
    };
    line(
        format!("收入和支出：{from}至{to}；财产：{on}；{}。", allowed.zh),
        format!("Income and expenditure from {from} to {to}, property on {on}; {}.", allowed.en),
    )
}

/// What a row is about, without whose it is.
fn what(item: &Item) -> Text {
    match item {
        Item::Income { kind, .. } | Item::Asset { kind, exempt: false } => words::kind(kind.as_str()),
        Item::Asset { kind, exempt: true } => {
            let kind = words::kind(kind.as_str());
            line(format!("{}（有豁免情形）", kind.zh), format!("{} (with a ground of exemption)", kind.en))
        }
        Item::Expenditure { kind, .. } => words::kind(match kind {
            ExpenditureKind::Medical => "MEDICAL",
            ExpenditureKind::DisabilityRehab => "DISABILITY_REHAB",
            ExpenditureKind::Education => "EDUCATION",
            ExpenditureKind::Accident => "ACCIDENT",
        }),
        Item::Education { .. } => line("在读学段", "stage of education"),
        Item::Employment { .. } => line("就业", "employment"),
        Item::Death { .. } => line("去世日期", "day of death"),
        Item::Disability { .. } => line("残疾证", "disability certificate"),
        Item::SevereIllness { .. } => line("重病", "severe illness"),
    }
}

/// What a row is about: `m1 户主（38岁） 工资`.
fn subject(story: &Story<'_>, item: &Item) -> Text {
    let what = what(item);
    match item.member() {
        None => line(format!("家庭 {}", what.zh), format!("Household, {}", what.en)),
        Some(member) => {
            let who = story.persons.named(member.as_str());
            line(format!("{} {}", who.zh, what.zh), format!("{}, {}", who.en, what.en))
        }
    }
}

fn said(item: &Item, said: &Said) -> Text {
    match said {
        Said::Amount(amount) => yuan(*amount),
        Said::Count(count) => {
            let unit = words::unit(item);
            line(format!("{count}{}", unit.zh), format!("{count}"))
        }
        Said::On(day) => line(day.to_string(), day.to_string()),
        Said::Stage(stage) => {
            let code = serde_json::to_value(stage).ok();
            words::stage(code.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default())
        }
        Said::Certificate(own) => {
            let kind = words::disability(own.category);
            line(format!("{}{}级", kind.zh, own.grade), format!("{}, grade {}", kind.en, own.grade))
        }
        Said::Holds(_) => match item {
            Item::Employment { .. } => line("在业", "in work"),
            _ => line("是", "yes"),
        },
    }
}

fn difference(row: &Row) -> Option<Text> {
    if let Some(apart) = row.difference.filter(|apart| *apart != Money::ZERO) {
        let sign = if apart > Money::ZERO { "+" } else { "-" };
        let size = yuan(size_of(apart));
        return Some(line(format!("差额{sign}{}", size.zh), format!("difference {sign}{}", size.en)));
    }
    let apart = row.difference_count.filter(|apart| *apart != 0)?;
    let unit = words::unit(&row.item);
    Some(line(format!("差额{apart:+}{}", unit.zh), format!("difference {apart:+}")))
}

fn row_line(story: &Story<'_>, row: &Row) -> Text {
    let about = subject(story, &row.item);
    let mut zh = Vec::new();
    let mut en = Vec::new();
    let mut add = |text: Text| {
        zh.push(text.zh);
        en.push(text.en);
    };
    if let Some(own) = &row.declared {
        let own = said(&row.item, &own.said);
        add(line(format!("申报{}", own.zh), format!("declared {}", own.en)));
    }
    if let Some(found) = &row.found {
        let (found, by) = (said(&row.item, &found.said), departments(story.catalogue(), &row.departments));
        let weight = match row.weight {
            Some(Authority::Hint) => line("线索", "a hint"),
            _ => line("确定记录", "conclusive"),
        };
        add(line(
            format!("核对{}（{}，{}）", found.zh, by.zh, weight.zh),
            format!("found {} ({}, {})", found.en, by.en, weight.en),
        ));
    }
    if let Some(difference) = difference(row) {
        add(difference);
    }
    add(result(story, row));
    line(format!("{}：{}。", about.zh, zh.join("，")), format!("{}: {}.", about.en, en.join(", ")))
}

fn result(story: &Story<'_>, row: &Row) -> Text {
    match row.result {
        Outcome::Agrees => line("一致", "agrees"),
        Outcome::WithinTolerance => line("在误差以内", "within tolerance"),
        Outcome::MoreFound => line("核对多于申报", "more found than declared"),
        Outcome::LessFound => line("核对少于申报", "less found than declared"),
        Outcome::Differs => line("不一致", "differs"),
        Outcome::Unjudged => line("未作判断", "not judged"),
        Outcome::NotDeclared => line("未申报", "not declared"),
        Outcome::NotFound => {
            let by = departments(story.catalogue(), &row.departments);
            line(format!("{}没有记录", by.zh), format!("{} has no record", by.en))
        }
        Outcome::NotChecked => match row.unchecked {
            Some(Unchecked::Silent) => {
                let by = departments(story.catalogue(), &row.departments);
                line(format!("未经核对（{}尚未答复）", by.zh), format!("not checked ({} has not answered)", by.en))
            }
            Some(Unchecked::NotAsked) => line("未经核对（没有向部门查询）", "not checked (nobody was asked)"),
            Some(Unchecked::NobodyHolds) | None => {
                line("未经核对（没有已接入的部门掌握）", "not checked (no connected department holds it)")
            }
        },
    }
}

fn follow_up(story: &Story<'_>, row: &Row) -> Option<Text> {
    match row.follow_up {
        FollowUp::None => None,
        FollowUp::Judge => {
            Some(line("  → 由经办人员判断差异是否重大。", "  → An officer judges whether the difference matters."))
        }
        FollowUp::Explain => {
            let by = departments(story.catalogue(), &row.departments);
            Some(line(
                format!("  → 以该记录为准。请家庭说明差异；认为记录有误的，由{}核实更正。", by.zh),
                format!(
                    "  → The record stands. Let the household explain the difference; if the record is wrong, {} corrects it.",
                    by.en
                ),
            ))
        }
        FollowUp::Verify => {
            let ask = ask(story.catalogue(), &story.persons, row);
            Some(line(format!("  → 待核实：{}", ask.zh), format!("  → To verify: {}", ask.en)))
        }
    }
}

/// What to ask the household about a row.
pub(super) fn ask(catalogue: &Catalogue, persons: &Persons, row: &Row) -> Text {
    let (papers_zh, papers_en) = match &row.item {
        Item::Income { .. } | Item::Employment { .. } => {
            ("劳动合同、工资流水或者单位证明", "a contract, pay slips or a statement of the employer")
        }
        Item::Asset { .. } => ("权属证明、账户余额证明或者已处置的凭证", "title, balance or proof of disposal"),
        Item::Expenditure { .. } => ("票据和报销结算单", "receipts and settlements"),
        Item::Education { .. } => ("学籍证明", "a certificate of enrolment"),
        Item::Death { .. } => ("死亡证明或者本人到场", "a certificate of death, or the person"),
        Item::Disability { .. } => ("残疾人证", "the disability certificate"),
        Item::SevereIllness { .. } => ("诊断证明", "a diagnosis"),
    };
    let what = what(&row.item);
    let who = row.item.member().map_or_else(|| line("家庭", "the household"), |member| persons.plain(member.as_str()));
    match (&row.found, row.weight) {
        (Some(found), Some(Authority::Hint)) => {
            let found = said(&row.item, &found.said);
            let by = row
                .departments
                .first()
                .map_or_else(|| line("部门", "a department"), |id| department(catalogue, id.as_str()));
            line(
                format!(
                    "{}的线索显示{}的{}为“{}”，不能单独作为依据。请询问实际情况并查看{papers_zh}。",
                    by.zh, who.zh, what.zh, found.zh
                ),
                format!(
                    "a hint of {} shows {} of {}: {}; nothing may rest on it alone. Ask how it is, and see {papers_en}.",
                    by.en, what.en, who.en, found.en
                ),
            )
        }
        _ => line(
            format!("{}申报的{}没有足够的部门记录。请查看{papers_zh}。", who.zh, what.zh),
            format!("departments have no sufficient record of {} of {}. See {papers_en}.", what.en, who.en),
        ),
    }
}

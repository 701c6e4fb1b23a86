//! A verdict in words, in Chinese and English, made by templates from verdict and trace.
//!
//! No sentence is free-hand: each comes from a code, a sum or a gap, so that the words cannot say more
//! than the verdict does. Every report ends with the sentence that a person decides (promise P8).

mod sections;
mod words;

use std::sync::LazyLock;

use serde::Serialize;

use super::facts::Facts;
use super::trace::trace;
use super::{HouseholdCircle, Status, Verdict};
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::domain::exact::Overflow;
use crate::domain::money::Money;
use crate::domain::problem::Text;
use crate::policy::Parameters;

/// A report for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The verdict in one sentence.
    pub headline: Text,
    /// What it rests on.
    pub sections: Vec<Section>,
    /// That a person decides.
    pub closing: Text,
}

/// A titled list of sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Stable id: `sums`, `reasons`, `outcomes`, `missing`, `changes`, `sources`.
    pub id: &'static str,
    /// Its title.
    pub title: Text,
    /// Its sentences.
    pub lines: Vec<Text>,
}

/// The report of a verdict, with the department names of the shipped catalogue.
pub fn report(facts: &Facts, parameters: &Parameters, verdict: &Verdict) -> Result<Report, Overflow> {
    static SHIPPED: LazyLock<Catalogue> = LazyLock::new(Catalogue::shipped);
    report_with(&SHIPPED, facts, parameters, verdict)
}

/// The report of a verdict, with the department names of this catalogue.
pub fn report_with(
    catalogue: &Catalogue,
    facts: &Facts,
    parameters: &Parameters,
    verdict: &Verdict,
) -> Result<Report, Overflow> {
    let root = trace(facts, parameters, verdict)?.root;
    let sections = [
        sections::sums(parameters, &root),
        sections::outcomes(verdict),
        sections::reasons(verdict),
        sections::missing(catalogue, verdict),
        sections::changes(catalogue, verdict),
        sections::sources(&root),
    ];
    Ok(assemble(catalogue, verdict, sections))
}

/// The report of a verdict that rests on no pack: `PENDING_PARAMETER`, or a gate before it.
pub fn report_without_pack(catalogue: &Catalogue, verdict: &Verdict) -> Report {
    assemble(
        catalogue,
        verdict,
        [sections::outcomes(verdict), sections::reasons(verdict), sections::missing(catalogue, verdict)],
    )
}

fn assemble(catalogue: &Catalogue, verdict: &Verdict, sections: impl IntoIterator<Item = Section>) -> Report {
    Report {
        headline: headline(catalogue, verdict),
        sections: sections.into_iter().filter(|section| !section.lines.is_empty()).collect(),
        closing: closing(),
    }
}

/// The sentence that a person decides.
pub fn closing() -> Text {
    Text::new(
        "本报告是核对结果和建议，不是救助决定；是否给予救助由经办人员审核确认。对结果有异议的，可以申请复核，也可以要求人工办理。",
        "This report is the result of a check and a suggestion, not a decision; a caseworker reviews it and decides. \
         Whoever disagrees may ask for a recheck, or for the matter to be handled by hand.",
    )
}

fn headline(catalogue: &Catalogue, verdict: &Verdict) -> Text {
    match (verdict.status, verdict.household_circle) {
        (Status::Determined, HouseholdCircle::Is(circle)) => {
            let name = words::circle(circle);
            Text::new(format!("核对结果：{}。", name.zh), format!("Result of the check: {}.", name.en))
        }
        (Status::Determined | Status::PendingData, _) => {
            let possible = verdict.possible_circles.as_deref().unwrap_or_default();
            let names: Vec<Text> = possible.iter().map(|circle| words::circle(*circle)).collect();
            let blocking = verdict.blocking_departments.as_deref().unwrap_or_default();
            let waiting = departments(catalogue, blocking);
            let (wait_zh, wait_en) = if blocking.is_empty() {
                (String::new(), String::new())
            } else {
                (format!("；须等待{}答复", waiting.zh), format!("; waiting for {}", waiting.en))
            };
            Text::new(
                format!("尚不能确定，可能是：{}{wait_zh}。", join(&names, |name| &name.zh, "、")),
                format!("Not settled yet; possible are: {}{wait_en}.", join(&names, |name| &name.en, "; ")),
            )
        }
        (Status::Blocked, _) => Text::new(
            "缺少家庭成员的授权，不能核对。",
            "A member's authorisation is missing: the household cannot be checked.",
        ),
        (Status::ManualReview, _) => Text::new(
            "须先由经办人员处理：有成员已在其他救助家庭中。",
            "An officer must act first: a member is already in another assisted household.",
        ),
        (Status::PendingParameter, _) => Text::new(
            "没有当地在该日期的标准，不能作出结果；不使用任何默认标准。",
            "No standard is known for this place and day, so there is no result; no default is ever used.",
        ),
    }
}

/// An amount with its unit.
fn yuan(amount: Money) -> Text {
    Text::new(format!("{}元", amount.yuan()), format!("{} yuan", amount.yuan()))
}

/// Names of departments; the id where the catalogue does not know it.
fn departments(catalogue: &Catalogue, ids: &[DepartmentId]) -> Text {
    let names: Vec<Text> = ids
        .iter()
        .map(|id| {
            catalogue.department(id).map_or_else(
                || Text::new(id.as_str(), id.as_str()),
                |department| Text::new(department.name.zh.clone(), department.name.en.clone()),
            )
        })
        .collect();
    Text::new(join(&names, |name| &name.zh, "、"), join(&names, |name| &name.en, ", "))
}

fn join(texts: &[Text], side: fn(&Text) -> &str, separator: &str) -> String {
    texts.iter().map(side).collect::<Vec<_>>().join(separator)
}

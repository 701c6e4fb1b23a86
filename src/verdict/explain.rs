//! A verdict in words, in Chinese and English, made by templates from verdict and trace: three views of one tree.
//!
//! The caseworker gets the deciding comparison in one or two sentences and the sums behind it; the resident a
//! notice in plain words that says what the household may know and do; the auditor the whole tree. No sentence is
//! free-hand: each comes from a code, a sum or a gap, so that the words cannot say more than the verdict does.
//! Every text ends with the sentence that a person decides (promise P8).

mod auditor;
mod caseworker;
mod changes;
mod compared;
mod deciding;
mod persons;
mod possible;
mod resident;
mod spared;
mod words;

use serde::Serialize;

use self::persons::Persons;
use super::Verdict;
use super::comparison::Comparison;
use super::facts::{Facts, Source};
use super::property::is_financial;
use super::trace::{Node, Outcome, Trace, Value, trace};
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::domain::exact::Overflow;
use crate::domain::id_number::IdNumber;
use crate::domain::money::Money;
use crate::domain::problem::Text;
use crate::policy::Parameters;

/// For whom a verdict is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// The caseworker: what decided, the sums, what is missing, what to verify.
    Caseworker,
    /// The household: plain words, nothing of others, no codes, its rights.
    Resident,
    /// The auditor: every node of the tree.
    Auditor,
}

impl View {
    /// Every view.
    pub const ALL: [Self; 3] = [Self::Caseworker, Self::Resident, Self::Auditor];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caseworker => "caseworker",
            Self::Resident => "resident",
            Self::Auditor => "auditor",
        }
    }

    /// The view of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.as_str() == name)
    }
}

/// Everything a text is made from.
#[derive(Debug, Clone, Copy)]
pub struct Matter<'a> {
    /// The names of departments.
    pub catalogue: &'a Catalogue,
    /// The facts of the verdict.
    pub facts: &'a Facts,
    /// The parameters of the verdict; `None` when there was no pack.
    pub parameters: Option<&'a Parameters>,
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The declaration against what was found, where it is known.
    pub comparison: Option<&'a Comparison>,
}

/// A text for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// For whom.
    pub view: View,
    /// What it is.
    pub title: Text,
    /// The verdict in one sentence.
    pub headline: Text,
    /// The comparison that decided, with its figures; for the caseworker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentence: Option<Text>,
    /// What it rests on.
    pub sections: Vec<Section>,
    /// That a person decides.
    pub closing: Text,
}

/// A titled list of sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Stable id. Caseworker: `sums`, `outcomes`, `comparison`, `reasons`, `missing`, `not_asked`, `changes`, `clauses`,
    /// `sources`; resident: `members`, `result`, `sums`, `property`, `outcomes`, `missing`, `not_asked`, `changes`, `rights`;
    /// auditor: `identity`, `comparison`, `tree`, `clauses`.
    pub id: &'static str,
    /// Its title.
    pub title: Text,
    /// Its sentences. A line that begins with spaces belongs under the one before it.
    pub lines: Vec<Text>,
}

/// The matter with its tree.
struct Story<'a> {
    matter: &'a Matter<'a>,
    /// The tree; none where no pack was applied.
    trace: Option<Trace<'a>>,
    persons: Persons,
}

/// Tells a verdict.
pub fn tell(view: View, matter: &Matter<'_>) -> Result<Report, Overflow> {
    let trace = match matter.parameters {
        Some(parameters) => Some(trace(matter.facts, parameters, matter.verdict)?),
        None => None,
    };
    let story = Story { matter, trace, persons: Persons::of(matter.facts) };
    let report = match view {
        View::Caseworker => caseworker::report(&story),
        View::Resident => resident::notice(&story)?,
        View::Auditor => auditor::report(&story),
    };
    Ok(report.without_identity_numbers())
}

impl Report {
    /// Facts carry no identity numbers, but a household names its obligors and a worked case its kinds as it likes:
    /// whatever is one in a text is not printed (promise P7).
    fn without_identity_numbers(mut self) -> Self {
        let lines = self.sections.iter_mut().flat_map(|section| &mut section.lines);
        for text in lines.chain([&mut self.headline]).chain(self.sentence.as_mut()) {
            for side in [&mut text.zh, &mut text.en] {
                hide_identity_numbers(side);
            }
        }
        self
    }
}

fn hide_identity_numbers(text: &mut String) {
    // They are ASCII, so positions in bytes are good as long as the whole window is.
    let window = |start: usize| text.get(start..start + 18).filter(|part| IdNumber::parse(part).is_ok());
    let found: Vec<usize> = (0..text.len().saturating_sub(17)).filter(|start| window(*start).is_some()).collect();
    for start in found.into_iter().rev() {
        if text.get(start..start + 18).is_some() {
            text.replace_range(start..start + 18, "******");
        }
    }
}

/// Tells a verdict whose amounts are too large to compute with: what stands without a single sum.
pub fn tell_without_sums(view: View, matter: &Matter<'_>) -> Report {
    let matter = Matter { parameters: None, ..*matter };
    tell(view, &matter).unwrap_or_else(|_| Report {
        view,
        title: title(view),
        headline: deciding::headline(&matter),
        sentence: None,
        sections: Vec::new(),
        closing: closing(),
    })
}

/// What to ask the household, one question an item that is to be verified.
pub fn questions(catalogue: &Catalogue, facts: &Facts, comparison: &Comparison) -> Vec<Text> {
    let mut rows = comparison.to_verify().peekable();
    if rows.peek().is_none() {
        return Vec::new();
    }
    let persons = Persons::of(facts);
    rows.map(|row| compared::ask(catalogue, &persons, row)).collect()
}

/// The name of a parameter of a pack, in words.
pub fn parameter(field: &str) -> Text {
    words::parameter(field)
}

fn title(view: View) -> Text {
    match view {
        View::Caseworker => Text::new("核对报告", "Report of the check"),
        View::Resident => Text::new("家庭经济状况核对告知书", "Notice of the check of your household"),
        View::Auditor => Text::new("核对结论的完整推理", "The whole reasoning of the verdict"),
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

fn section(id: &'static str, zh: &str, en: &str, lines: Vec<Text>) -> Section {
    Section { id, title: Text::new(zh, en), lines }
}

fn line(zh: impl Into<String>, en: impl Into<String>) -> Text {
    Text::new(zh, en)
}

/// An amount with its unit.
fn yuan(amount: Money) -> Text {
    Text::new(format!("{}元", amount.yuan()), format!("{} yuan", amount.yuan()))
}

/// An amount without its sign.
const fn size_of(amount: Money) -> Money {
    Money::from_fen(amount.fen().saturating_abs())
}

/// The name of a department; the id where the catalogue does not know it.
fn department(catalogue: &Catalogue, id: &str) -> Text {
    let known = catalogue.departments().iter().find(|department| department.id.as_str() == id);
    known.map_or_else(|| Text::new(id, id), |department| Text::clone(&department.name))
}

/// Names of departments.
fn departments<'a>(catalogue: &Catalogue, ids: impl IntoIterator<Item = &'a DepartmentId>) -> Text {
    let names: Vec<Text> = ids.into_iter().map(|id| department(catalogue, id.as_str())).collect();
    list(&names)
}

/// A list in a sentence.
fn list(texts: &[Text]) -> Text {
    Text::new(join(texts, |text| &text.zh, "、"), join(texts, |text| &text.en, ", "))
}

fn join(texts: &[Text], side: fn(&Text) -> &str, separator: &str) -> String {
    texts.iter().map(side).collect::<Vec<_>>().join(separator)
}

/// Who says so: a department by its name, or the household.
fn source(catalogue: &Catalogue, source: Option<&Source>) -> Text {
    match source {
        Some(Source::Department(id)) => {
            let name = department(catalogue, id.as_str());
            line(format!("{}记录", name.zh), format!("record of {}", name.en))
        }
        Some(Source::Declared) | None => line("申报", "declared"),
    }
}

impl<'t> Node<'t> {
    /// The value of an input.
    fn value(self, name: &str) -> Option<&'t Value<'t>> {
        self.inputs().iter().find(|input| input.name == name).map(|input| &input.value)
    }

    fn input_is(self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// A value as it is printed; empty when there is none.
    fn text(self, name: &str) -> String {
        self.value(name).map_or_else(String::new, printed)
    }

    fn money(self, name: &str) -> Money {
        match self.value(name) {
            Some(Value::Money(money)) => *money,
            _ => Money::ZERO,
        }
    }

    /// What came out, when it is an amount.
    fn amount(self) -> Money {
        match self.result {
            Outcome::Amount(amount) => amount,
            _ => Money::ZERO,
        }
    }

    fn holds(self) -> bool {
        matches!(self.result, Outcome::Holds(true))
    }

    fn source(self) -> Option<&'t Source> {
        self.inputs().iter().find_map(|input| input.source)
    }
}

/// For a property test that nothing fails: whether anybody but the household says so (promise P5), and who was
/// asked and has not answered, which is not the same as no record (promise P2).
fn basis(story: &Story<'_>, node: Node<'_>) -> Option<Text> {
    if !node.rule.starts_with("property.") || !node.holds() {
        return None;
    }
    let silent = silent_holders(story, node.rule);
    if !silent.zh.is_empty() {
        let (zh, en) = if node.inputs().is_empty() {
            ("没有申报，", "not declared, ")
        } else if is_declared(node) {
            ("仅为申报，", "only declared, ")
        } else {
            ("按已知记录，", "by the records known, ")
        };
        return Some(line(format!("{zh}{}未答复", silent.zh), format!("{en}{} has not answered", silent.en)));
    }
    if node.inputs().is_empty() {
        return Some(line("没有申报，也没有部门记录", "neither declared nor recorded"));
    }
    is_declared(node).then(|| line("仅为申报，未经核对", "only declared, not checked"))
}

fn is_declared(node: Node<'_>) -> bool {
    node.inputs().iter().all(|input| matches!(input.source, Some(Source::Declared)))
}

/// The silent departments whose registers hold what a test of property is about.
fn silent_holders(story: &Story<'_>, rule: &str) -> Text {
    let is_about = |kind: &str| match rule {
        "property.financial" => is_financial(kind),
        "property.dwellings" => kind == "DWELLING",
        "property.non_residential" => kind == "NON_RESIDENTIAL",
        "property.vehicle" => kind == "VEHICLE",
        "property.business_capital" => kind == "BUSINESS_ENTITY",
        _ => false,
    };
    let catalogue = story.catalogue();
    let holds = |department: &DepartmentId| {
        let registers = catalogue.datasets().iter().filter(|dataset| dataset.department == *department);
        registers.flat_map(|dataset| &dataset.holds).any(|kind| is_about(kind.as_str()))
    };
    let silent = story.matter.facts.gaps.iter().map(|gap| &gap.department).filter(|department| holds(department));
    departments(catalogue, silent)
}

/// A value without its unit.
fn printed(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => (*text).to_owned(),
        Value::Factor(factor) => factor.to_string(),
        Value::Instant(at) => at.to_string(),
        Value::Date(date) => date.to_string(),
        Value::Count(count) => count.to_string(),
        Value::Money(money) => money.yuan(),
        Value::Flag(flag) => flag.to_string(),
    }
}

impl Story<'_> {
    const fn verdict(&self) -> &Verdict {
        self.matter.verdict
    }

    const fn catalogue(&self) -> &Catalogue {
        self.matter.catalogue
    }

    /// Every node of the tree, top down.
    fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.trace.iter().flat_map(|trace| trace.root().walk())
    }

    /// The nodes of one rule.
    fn each<'a>(&'a self, rule: &'a str) -> impl Iterator<Item = Node<'a>> {
        self.nodes().filter(move |node| node.rule == rule)
    }

    fn node(&self, rule: &str) -> Option<Node<'_>> {
        self.nodes().find(|node| node.rule == rule)
    }
}

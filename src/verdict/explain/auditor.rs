//! The auditor's view: every node of the tree with its clauses, evidence, parameters, comparison and margin, the
//! identity of what was judged, and the words of each clause.

use super::deciding::headline;
use super::{
    Report, Section, Story, View, basis, closing, compared, line, printed, section, source, title, words, yuan,
};
use crate::domain::problem::Text;
use crate::policy::Figure;
use crate::verdict::ENGINE_VERSION;
use crate::verdict::clauses::Clauses;
use crate::verdict::trace::{Input, Node, Outcome, Value};

pub(super) fn report(story: &Story<'_>) -> Report {
    let sections = [Some(identity(story)), compared::section_of(story), Some(tree(story)), Some(clauses(story))];
    Report {
        view: View::Auditor,
        title: title(View::Auditor),
        headline: headline(story.matter),
        sentence: None,
        sections: sections.into_iter().flatten().filter(|section| !section.lines.is_empty()).collect(),
        closing: closing(),
    }
}

/// What the verdict's id is made of.
fn identity(story: &Story<'_>) -> Section {
    let (verdict, facts) = (story.verdict(), story.matter.facts);
    let mut lines = vec![
        line(format!("结论编号：{}。", verdict.id), format!("Verdict: {}.", verdict.id)),
        line(format!("评估日期：{}。", facts.assessed_on), format!("Assessed on {}.", facts.assessed_on)),
        line(format!("规则引擎版本：{ENGINE_VERSION}。"), format!("Engine version: {ENGINE_VERSION}.")),
    ];
    if let (Some(pack), Some(parameters)) = (&verdict.pack, story.matter.parameters) {
        lines.push(line(
            format!("政策包：{}（{}），摘要 {}。", pack.name, parameters.title(), pack.digest),
            format!("Pack: {} ({}), digest {}.", pack.name, parameters.title(), pack.digest),
        ));
    }
    section("identity", "结论的身份", "Identity", lines)
}

fn tree(story: &Story<'_>) -> Section {
    let mut lines = Vec::new();
    if let Some(trace) = &story.trace {
        node(story, trace.root(), 0, &mut lines);
    }
    section("tree", "推理", "Reasoning", lines)
}

fn node(story: &Story<'_>, node: Node<'_>, depth: usize, lines: &mut Vec<Text>) {
    let pad = "  ".repeat(depth);
    let name = words::rule(node.rule);
    let about = subject(story, node);
    let came = outcome(story, node);
    let id = node.rule;
    lines.push(line(
        format!("{pad}{}{}：{} [{id}]", name.zh, about.zh, came.zh),
        format!("{pad}{}{}: {} [{id}]", name.en, about.en, came.en),
    ));
    let mut detail = |zh: String, en: String| lines.push(line(format!("{pad}  · {zh}"), format!("{pad}  · {en}")));
    if let Some(comparison) = node.comparison() {
        let (left, right) = (amount(&comparison.left), amount(&comparison.right));
        let sign = words::sign(comparison.sign);
        let (margin_zh, margin_en) = node.margin().map_or((String::new(), String::new()), |margin| {
            let margin = yuan(margin);
            (format!("，余量{}", margin.zh), format!(", margin {}", margin.en))
        });
        detail(
            format!("比较：{} {sign} {}{margin_zh}", left.zh, right.zh),
            format!("compared: {} {sign} {}{margin_en}", left.en, right.en),
        );
    }
    for input in node.inputs() {
        let text = input_text(story, input);
        detail(text.zh, text.en);
    }
    for used in node.parameters() {
        let text = parameter(used);
        detail(text.zh, text.en);
    }
    if !node.clauses().is_empty() {
        let cited = node.clauses().join("、");
        detail(format!("依据：{cited}"), format!("clauses: {}", node.clauses().join(", ")));
    }
    for child in node.children() {
        self::node(story, child, depth + 1, lines);
    }
}

fn subject(story: &Story<'_>, node: Node<'_>) -> Text {
    let Some(subject) = node.subject else { return line("", "") };
    let text = match node.rule {
        "gap" | "spared" => super::department(story.catalogue(), subject),
        _ => story.persons.named(subject),
    };
    line(format!(" {}", text.zh), format!(" {}", text.en))
}

fn outcome(story: &Story<'_>, node: Node<'_>) -> Text {
    match &node.result {
        Outcome::Holds(true) => match basis(story, node) {
            Some(basis) => line(format!("是，{}", basis.zh), format!("yes, {}", basis.en)),
            None => line("是", "yes"),
        },
        Outcome::Holds(false) => line("否", "no"),
        Outcome::Unknown => line("未知", "unknown"),
        Outcome::Amount(amount) => yuan(*amount),
        Outcome::Count(count) => line(count.to_string(), count.to_string()),
        Outcome::Is(code) => coded(story, code),
    }
}

/// A code in words, with the code itself: the auditor compares it with the document.
fn coded(story: &Story<'_>, code: &str) -> Text {
    let words = words::code(code).unwrap_or_else(|| match code.strip_prefix("EXCLUDED_").unwrap_or(code) {
        ground @ ("DECEASED" | "POSTGRADUATE") => words::not_counted(ground),
        ground if code.starts_with("EXCLUDED") => words::not_counted(ground),
        _ => words::reason(story.catalogue(), code),
    });
    if words.zh == code { words } else { line(format!("{}（{code}）", words.zh), format!("{} ({code})", words.en)) }
}

fn amount(value: &Value<'_>) -> Text {
    match value {
        Value::Money(money) => yuan(*money),
        other => line(printed(other), printed(other)),
    }
}

fn input_text(story: &Story<'_>, input: &Input<'_>) -> Text {
    let name = words::input(input.name);
    let value = match (&input.value, input.name) {
        (Value::Flag(true), _) => line("是", "yes"),
        (Value::Flag(false), _) => line("否", "no"),
        (Value::Text(code), "kind") => words::kind(code),
        (Value::Text(code), "relation_code") => {
            let relation = words::relation(code);
            line(format!("{}（{code}）", relation.zh), format!("{} ({code})", relation.en))
        }
        (Value::Text(code), "education_stage") => words::stage(code),
        (Value::Text(code), "ground") => words::ground(code),
        (Value::Text("PROPERTY"), "category") => line("财产净收入", "property"),
        (Value::Text(id), "department") => super::department(story.catalogue(), id),
        (Value::Text(code), _) => words::code(code).unwrap_or_else(|| line(*code, *code)),
        (value, _) => amount(value),
    };
    let (by_zh, by_en) = match (&input.source, input.evidence) {
        (None, None) => (String::new(), String::new()),
        (by, evidence) => {
            let by = source(story.catalogue(), *by);
            let id = evidence.map_or_else(String::new, |id| format!("，e{}", id.0));
            (format!("（{}{id}）", by.zh), format!(" ({}{})", by.en, id.replace('，', ", ")))
        }
    };
    line(format!("{}：{}{by_zh}", name.zh, value.zh), format!("{}: {}{by_en}", name.en, value.en))
}

fn parameter(used: &Figure) -> Text {
    let (name, status) = (words::parameter(used.field), words::status(&used.provenance.status));
    let value = &used.value;
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut zh = format!("参数 {}（{}）= {value}；{}", name.zh, used.field, status.zh);
    let mut en = format!("parameter {} ({}) = {value}; {}", name.en, used.field, status.en);
    let from = &used.provenance;
    if let Some(source) = &from.source {
        zh = format!("{zh}；来源：{source}");
        en = format!("{en}; source: {source}");
    }
    if let Some(year) = from.year {
        zh = format!("{zh}；{year}年");
        en = format!("{en}; of {year}");
    }
    match (from.effective_from, from.effective_to) {
        (Some(first), Some(last)) => {
            zh = format!("{zh}；{first}至{last}有效");
            en = format!("{en}; in force {first} to {last}");
        }
        (Some(first), None) => {
            zh = format!("{zh}；{first}起有效");
            en = format!("{en}; in force from {first}");
        }
        _ => {}
    }
    if let Some(division) = from.division {
        zh = format!("{zh}；区划 {division}");
        en = format!("{en}; division {division}");
    }
    line(zh, en)
}

/// Each clause that the tree cites: where it stands and what it says.
fn clauses(story: &Story<'_>) -> Section {
    let mut lines = Vec::new();
    let cited = story.trace.as_ref().map_or_else(Vec::new, |trace| Clauses::shipped().cited_by(trace.root()));
    for clause in cited {
        let (cited, sure) = (clause.citation(), clause.strength.text());
        let document = &clause.document;
        let about = clause.about();
        lines.push(line(
            format!("{}：{}{}（{}）", clause.id, cited.zh, about.zh, sure.zh),
            format!("{}: {}{} ({})", clause.id, cited.en, about.en, sure.en),
        ));
        if let Some(quote) = &clause.quote {
            lines.push(line(format!("  “{quote}”"), format!("  \"{quote}\"")));
        }
        if let Some(summary) = &clause.summary {
            lines.push(line(format!("  {}", summary.zh), format!("  {}", summary.en)));
        }
        let place = document.place();
        lines.push(line(
            format!("  {}，{}；{}", document.issuer.zh, document.number, place.zh),
            format!("  {}, {}; {}", document.issuer.en, document.number, place.en),
        ));
    }
    section("clauses", "条款", "Clauses", lines)
}

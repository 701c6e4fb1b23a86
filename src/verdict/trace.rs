//! The trace of a verdict: a tree of rules with inputs, evidence, parameters and margins, made on demand.
//!
//! The tree is computed from the same facts and parameters again, by the same functions, so it cannot
//! tell another story than the verdict.

use jiff::civil::Date;
use serde::Serialize;

use super::assess::Assessment;
use super::facts::{EvidenceId, Facts, Source};
use super::reasons::Clause;
use super::{HouseholdCircle, Status, Verdict};
use crate::domain::dataset::DepartmentId;
use crate::domain::exact::Overflow;
use crate::domain::money::Money;
use crate::policy::{Parameters, Provenance};

mod circles;
mod sums;

/// The trace of one verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The verdict it explains.
    pub verdict: String,
    /// The day of the assessment.
    pub assessed_on: Date,
    /// The pack.
    pub pack: String,
    /// The rules, from the verdict down to the single item.
    pub root: Node,
}

/// One rule as applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Stable id of the rule, dotted: `income.item`.
    pub rule: &'static str,
    /// What it is about: a member, an item's kind, a department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The clauses it rests on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clauses: Vec<Clause>,
    /// What went in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// The parameters used, with their sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ParameterUse>,
    /// The comparison made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// What came out.
    pub result: Outcome,
    /// How far the comparison was from turning out the other way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<Money>,
    /// The rules below.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Node>,
}

/// Something that went into a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: Value,
    /// The evidence, where it is a fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceId>,
    /// Who says so: `declared` is never "passed" (promise P5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// A value in a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Yuan, as a decimal string.
    Money(Money),
    /// A number of things, years or months.
    Count(i64),
    /// A day.
    Date(Date),
    /// A code or a published factor.
    Text(String),
    /// Yes or no.
    Flag(bool),
}

/// A parameter as used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParameterUse {
    /// Its name.
    pub field: &'static str,
    /// Its value in the published form.
    pub value: serde_json::Value,
    /// Status, source and dates.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Left side.
    pub left: Value,
    /// `<`, `<=`, `>`, `>=`.
    pub sign: &'static str,
    /// Right side.
    pub right: Value,
}

/// What came out of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Holds or does not.
    Holds(bool),
    /// Not known while answers are missing.
    Unknown,
    /// An amount in yuan.
    Amount(Money),
    /// A number of persons or months.
    Count(i64),
    /// A code: a circle, a treatment, a status.
    Is(String),
}

impl Node {
    fn new(rule: &'static str, clauses: &[Clause], result: Outcome) -> Self {
        Self {
            rule,
            subject: None,
            clauses: clauses.to_vec(),
            inputs: Vec::new(),
            parameters: Vec::new(),
            comparison: None,
            result,
            margin: None,
            children: Vec::new(),
        }
    }

    fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    fn input(mut self, name: &'static str, value: Value) -> Self {
        self.inputs.push(Input { name, value, evidence: None, source: None });
        self
    }

    fn fact(mut self, name: &'static str, value: Value, evidence: EvidenceId, source: &Source) -> Self {
        self.inputs.push(Input { name, value, evidence: Some(evidence), source: Some(source.clone()) });
        self
    }

    fn parameter(mut self, parameters: &Parameters, field: &'static str) -> Self {
        if let Some(value) = parameters.published(field).cloned() {
            let provenance = parameters.provenance(field).cloned().unwrap_or_default();
            self.parameters.push(ParameterUse { field, value, provenance });
        }
        self
    }

    fn compared(mut self, left: Value, sign: &'static str, right: Value) -> Self {
        self.comparison = Some(Comparison { left, sign, right });
        self
    }

    fn margin(mut self, margin: Money) -> Self {
        self.margin = Some(margin);
        self
    }

    fn with(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// This node and all below it, top down.
    pub fn walk(&self) -> Vec<&Self> {
        let mut nodes = vec![self];
        for child in &self.children {
            nodes.extend(child.walk());
        }
        nodes
    }

    /// The first node of a rule at or below this one.
    pub fn find(&self, rule: &str) -> Option<&Self> {
        self.walk().into_iter().find(|node| node.rule == rule)
    }
}

/// The trace of a verdict over the facts and parameters it was made from.
pub fn trace(facts: &Facts, parameters: &Parameters, verdict: &Verdict) -> Result<Trace, Overflow> {
    let result = match verdict.household_circle {
        HouseholdCircle::Is(circle) => Outcome::Is(circle.as_str().to_owned()),
        HouseholdCircle::Open => Outcome::Unknown,
        HouseholdCircle::NotAsked => Outcome::Is(verdict.status.as_str().to_owned()),
    };
    let mut root = Node::new("verdict", &verdict.deciding_clauses, result);
    root.children.extend(gates(facts, verdict));
    root.children.extend(circles::emergency(facts, parameters));
    if matches!(verdict.status, Status::Determined | Status::PendingData) {
        let assessment = Assessment::of(facts, parameters.rules())?;
        root.children.push(sums::members(facts, &assessment));
        root.children.push(sums::income(facts, parameters, &assessment)?);
        root.children.push(circles::tekun(facts, parameters, &assessment)?);
        if !assessment.all_are_tekun() {
            let known = assessment.known(facts, parameters.rules());
            root.children.push(sums::property(facts, parameters, &assessment)?);
            root.children.push(sums::expenditure(facts, parameters, &assessment)?);
            root.children.push(circles::circle(facts, parameters, &known, verdict)?);
            root.children.extend(circles::outcomes(parameters, verdict));
        }
        root.children.extend(gaps(verdict));
    }
    Ok(Trace { verdict: verdict.id.clone(), assessed_on: facts.assessed_on, pack: parameters.name().to_owned(), root })
}

fn gates(facts: &Facts, verdict: &Verdict) -> [Node; 2] {
    use super::reasons::clause;
    let elsewhere = facts.prior.member_in_other_household.as_ref();
    let mut register = Node::new("gate.one_household", &[clause::MEMBERS], Outcome::Holds(elsewhere.is_none()));
    register.subject = elsewhere.map(ToString::to_string);
    let clauses = [clause::AUTHORISATION, clause::MANDATE, clause::CONSENT];
    let mut authorised = Node::new("gate.authorised", &clauses, Outcome::Holds(verdict.status != Status::Blocked));
    if facts.emergency_only {
        authorised = authorised.input("emergency_only", Value::Flag(true));
    }
    let unsigned = facts.members.iter().filter(|member| !member.authorised);
    let unsigned: Vec<Input> = unsigned
        .map(|member| Input {
            name: "not_signed",
            value: Value::Text(member.reference.to_string()),
            evidence: None,
            source: None,
        })
        .collect();
    authorised.inputs.extend(unsigned);
    [register, authorised]
}

fn gaps(verdict: &Verdict) -> Vec<Node> {
    use super::reasons::clause;
    let department = |id: &DepartmentId| Value::Text(id.to_string());
    let gap = |gap: &super::unknowns::GapFinding| {
        Node::new("gap", &[clause::MONOTONE], Outcome::Holds(gap.could_change))
            .about(gap.department.as_str())
            .input("department", department(&gap.department))
            .input("reason", Value::Text(gap.reason.to_string()))
            .input("could_change_members", Value::Flag(gap.could_change_members))
    };
    verdict.gaps.iter().map(gap).collect()
}

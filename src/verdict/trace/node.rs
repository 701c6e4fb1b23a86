//! The tree of a trace: kept flat, top down, each step followed by all that lies below it.

use std::borrow::Cow;
use std::ops::{Deref, Range};

use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};
use smallvec::SmallVec;

use super::{Clause, Comparison, EvidenceId, Figure, Input, Money, Outcome, Parameters, Source, Value};
use crate::policy::values::Field;

/// One rule as applied.
#[derive(Debug, Clone)]
pub struct Step<'a> {
    /// Stable id of the rule, dotted: `income.item`.
    pub rule: &'static str,
    /// What it is about: a member, an item's kind, a department.
    pub subject: Option<&'a str>,
    /// The clauses it rests on.
    pub clauses: Cow<'static, [Clause]>,
    /// The comparison made.
    pub comparison: Option<Comparison<'a>>,
    /// What came out.
    pub result: Outcome<'a>,
    /// How far the comparison was from turning out the other way.
    pub margin: Option<Money>,
    inputs: Range<usize>,
    figures: Range<usize>,
    /// One past the last step below this one.
    end: usize,
}

/// The steps of a trace with what went into them. The first step is the root.
#[derive(Debug, Clone)]
pub(super) struct Tree<'a> {
    steps: Vec<Step<'a>>,
    inputs: Vec<Input<'a>>,
    figures: Vec<&'a Figure>,
    /// Positions of the steps that are still open, the innermost last.
    open: SmallVec<[usize; 6]>,
}

impl<'a> Tree<'a> {
    /// A tree whose root is open.
    pub(super) fn rooted(rule: &'static str, clauses: &[Clause], result: Outcome<'a>) -> Self {
        let mut tree = Self {
            // Room for a household of three with a few items.
            steps: Vec::with_capacity(40),
            inputs: Vec::with_capacity(48),
            figures: Vec::with_capacity(32),
            open: SmallVec::new(),
        };
        tree.start(rule, Cow::Owned(clauses.to_vec()), result);
        tree
    }

    pub(super) fn root(&self) -> Node<'_> {
        Node { tree: self, at: 0 }
    }

    /// Begins a step below the innermost one that is open.
    #[inline]
    pub(super) fn open(&mut self, rule: &'static str, clauses: &'static [Clause], result: Outcome<'a>) {
        self.start(rule, Cow::Borrowed(clauses), result);
    }

    #[inline]
    fn start(&mut self, rule: &'static str, clauses: Cow<'static, [Clause]>, result: Outcome<'a>) {
        self.open.push(self.steps.len());
        let (inputs, figures) = (self.inputs.len(), self.figures.len());
        self.steps.push(Step {
            rule,
            subject: None,
            clauses,
            comparison: None,
            result,
            margin: None,
            inputs: inputs..inputs,
            figures: figures..figures,
            end: 0,
        });
    }

    /// Ends the innermost step.
    pub(super) fn close(&mut self) {
        let end = self.steps.len();
        if let Some(step) = self.open.pop().and_then(|at| self.steps.get_mut(at)) {
            step.end = end;
        }
    }

    /// Compares what is known and decides nothing below the last step of this rule: property settled the matter, and
    /// the rest was not asked.
    pub(super) fn leave_open_below(&mut self, rule: &str) {
        let Some((at, end)) =
            self.steps.iter().enumerate().rev().find_map(|(at, step)| (step.rule == rule).then_some((at, step.end)))
        else {
            return;
        };
        for step in self.steps.get_mut(at + 1..end).into_iter().flatten() {
            if matches!(step.result, Outcome::Holds(_)) {
                step.result = Outcome::Unknown;
            }
        }
    }

    /// The step begun last. What is said of a step is said before any step below it begins.
    #[inline]
    fn last(&mut self) -> &mut Step<'a> {
        debug_assert_eq!(
            self.open.last().map(|at| at + 1),
            Some(self.steps.len()),
            "said of a step that has others below"
        );
        self.steps.last_mut().expect("the root is there from the beginning")
    }

    pub(super) fn about(&mut self, subject: &'a str) {
        self.last().subject = Some(subject);
    }

    #[inline]
    pub(super) fn input(&mut self, name: &'static str, value: Value<'a>) {
        self.add(Input { name, value, evidence: None, source: None });
    }

    #[inline]
    pub(super) fn fact(&mut self, name: &'static str, value: Value<'a>, evidence: EvidenceId, source: &'a Source) {
        self.add(Input { name, value, evidence: Some(evidence), source: Some(source) });
    }

    #[inline]
    fn add(&mut self, input: Input<'a>) {
        self.inputs.push(input);
        self.last().inputs.end = self.inputs.len();
    }

    pub(super) fn parameter(&mut self, parameters: &'a Parameters, field: Field) {
        self.figures.extend(parameters.figure(field));
        self.last().figures.end = self.figures.len();
    }

    #[inline]
    pub(super) fn compared(&mut self, left: Value<'a>, sign: &'static str, right: Value<'a>) {
        self.last().comparison = Some(Comparison { left, sign, right });
    }

    pub(super) fn margin(&mut self, margin: Money) {
        self.last().margin = Some(margin);
    }
}

/// A step in its tree: reads as the [`Step`] it is, and knows what went in and what lies below.
#[derive(Debug, Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree<'t>,
    at: usize,
}

impl<'t> Node<'t> {
    fn step(self) -> &'t Step<'t> {
        self.tree.steps.get(self.at).expect("a node is only made for a step that is there")
    }

    /// What went in.
    pub fn inputs(self) -> &'t [Input<'t>] {
        self.tree.inputs.get(self.step().inputs.clone()).unwrap_or_default()
    }

    /// The parameters used, with their sources.
    pub fn parameters(self) -> &'t [&'t Figure] {
        self.tree.figures.get(self.step().figures.clone()).unwrap_or_default()
    }

    /// The rules directly below.
    pub fn children(self) -> impl Iterator<Item = Self> {
        let end = self.step().end;
        let below = move |at: usize| (at < end).then_some(Self { tree: self.tree, at });
        std::iter::successors(below(self.at + 1), move |child| below(child.step().end))
    }

    /// This node and all below it, top down.
    pub fn walk(self) -> impl Iterator<Item = Self> {
        (self.at..self.step().end).map(move |at| Self { tree: self.tree, at })
    }

    /// The first node of a rule at or below this one.
    pub fn find(self, rule: &str) -> Option<Self> {
        self.walk().find(|node| node.rule == rule)
    }
}

impl<'t> Deref for Node<'t> {
    type Target = Step<'t>;

    fn deref(&self) -> &Step<'t> {
        self.step()
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let step = self.step();
        let mut node = serializer.serialize_struct("Node", 9)?;
        node.serialize_field("rule", step.rule)?;
        if let Some(subject) = step.subject {
            node.serialize_field("subject", subject)?;
        }
        if !step.clauses.is_empty() {
            node.serialize_field("clauses", &step.clauses)?;
        }
        if !self.inputs().is_empty() {
            node.serialize_field("inputs", self.inputs())?;
        }
        if !self.parameters().is_empty() {
            node.serialize_field("parameters", self.parameters())?;
        }
        if let Some(comparison) = &step.comparison {
            node.serialize_field("comparison", comparison)?;
        }
        node.serialize_field("result", &step.result)?;
        if let Some(margin) = step.margin {
            node.serialize_field("margin", &margin)?;
        }
        if self.children().next().is_some() {
            node.serialize_field("children", &Children(*self))?;
        }
        node.end()
    }
}

/// The rules below a node, as a list.
struct Children<'t>(Node<'t>);

impl Serialize for Children<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for child in self.0.children() {
            list.serialize_element(&child)?;
        }
        list.end()
    }
}

//! The tree of a trace: kept flat, top down, each step followed by all that lies below it. What only some steps have
//! lies beside them, so that a step is small: dozens of them are written for each trace.

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
    /// What came out.
    pub result: Outcome<'a>,
    clauses: &'static [Clause],
    /// Where its inputs, figures and comparison begin in their lists; they end where those of the next step begin.
    from: Marks,
    /// One past the last step below this one.
    end: u32,
}

/// Positions in the lists of a tree.
#[derive(Debug, Clone, Copy)]
struct Marks {
    inputs: u32,
    figures: u32,
    compared: u32,
}

/// A comparison, and how far it was from turning out the other way.
#[derive(Debug, Clone)]
struct Compared<'a> {
    comparison: Comparison<'a>,
    margin: Option<Money>,
}

/// A position as a step keeps it. A tree has some hundred steps; the number of a list that would not fit is cut off,
/// and what lies beyond it is not shown.
fn mark(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

fn between(from: u32, to: u32) -> Range<usize> {
    let at = |mark: u32| usize::try_from(mark).unwrap_or(usize::MAX);
    at(from)..at(to)
}

/// The steps of a trace with what went into them. The first step is the root.
#[derive(Debug, Clone)]
pub(super) struct Tree<'a> {
    steps: Vec<Step<'a>>,
    inputs: Vec<Input<'a>>,
    figures: Vec<&'a Figure>,
    compared: Vec<Compared<'a>>,
    /// The clauses of the root, which are those of the verdict.
    clauses: Vec<Clause>,
    /// Positions of the steps that are still open, the innermost last.
    open: SmallVec<[usize; 6]>,
}

impl<'a> Tree<'a> {
    /// A tree whose root is open, with room for so many members, items and gaps.
    pub(super) fn rooted(rule: &'static str, clauses: &[Clause], result: Outcome<'a>, items: usize) -> Self {
        let mut tree = Self {
            // What every trace has, and what comes with each thing in it: members are shown twice.
            steps: Vec::with_capacity(32 + items),
            inputs: Vec::with_capacity(24 + 4 * items),
            figures: Vec::with_capacity(32 + items),
            compared: Vec::with_capacity(16),
            clauses: clauses.to_vec(),
            open: SmallVec::new(),
        };
        tree.open(rule, &[], result);
        tree
    }

    pub(super) fn root(&self) -> Node<'_> {
        Node { tree: self, at: 0 }
    }

    /// Begins a step below the innermost one that is open.
    #[inline]
    pub(super) fn open(&mut self, rule: &'static str, clauses: &'static [Clause], result: Outcome<'a>) {
        self.open.push(self.steps.len());
        let from = self.reached();
        self.steps.push(Step { rule, subject: None, result, clauses, from, end: 0 });
    }

    /// How far the lists have come.
    #[inline]
    fn reached(&self) -> Marks {
        Marks {
            inputs: mark(self.inputs.len()),
            figures: mark(self.figures.len()),
            compared: mark(self.compared.len()),
        }
    }

    /// Ends the innermost step.
    pub(super) fn close(&mut self) {
        let end = mark(self.steps.len());
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
        for step in self.steps.get_mut(between(mark(at + 1), end)).into_iter().flatten() {
            if matches!(step.result, Outcome::Holds(_)) {
                step.result = Outcome::Unknown;
            }
        }
    }

    /// What is said of a step is said before any step below it begins: so it is of the step begun last.
    #[inline]
    fn speaks_of_the_last(&self) {
        debug_assert_eq!(
            self.open.last().map(|at| at + 1),
            Some(self.steps.len()),
            "said of a step that has others below"
        );
    }

    #[inline]
    pub(super) fn about(&mut self, subject: &'a str) {
        self.speaks_of_the_last();
        if let Some(step) = self.steps.last_mut() {
            step.subject = Some(subject);
        }
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
        self.speaks_of_the_last();
        self.inputs.push(input);
    }

    pub(super) fn parameter(&mut self, parameters: &'a Parameters, field: Field) {
        self.speaks_of_the_last();
        self.figures.extend(parameters.figure(field));
    }

    #[inline]
    pub(super) fn compared(&mut self, left: Value<'a>, sign: &'static str, right: Value<'a>) {
        self.speaks_of_the_last();
        self.compared.push(Compared { comparison: Comparison { left, sign, right }, margin: None });
    }

    /// How far the comparison just made was from turning out the other way.
    #[inline]
    pub(super) fn margin(&mut self, margin: Money) {
        if let Some(compared) = self.compared.last_mut() {
            compared.margin = Some(margin);
        }
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

    /// Where what belongs to the next step begins in the lists.
    fn to(self) -> Marks {
        self.tree.steps.get(self.at + 1).map_or_else(|| self.tree.reached(), |next| next.from)
    }

    /// What went in.
    pub fn inputs(self) -> &'t [Input<'t>] {
        self.tree.inputs.get(between(self.step().from.inputs, self.to().inputs)).unwrap_or_default()
    }

    /// The parameters used, with their sources.
    pub fn parameters(self) -> &'t [&'t Figure] {
        self.tree.figures.get(between(self.step().from.figures, self.to().figures)).unwrap_or_default()
    }

    /// The clauses it rests on.
    pub fn clauses(self) -> &'t [Clause] {
        if self.at == 0 { &self.tree.clauses } else { self.step().clauses }
    }

    fn compared(self) -> Option<&'t Compared<'t>> {
        self.tree.compared.get(between(self.step().from.compared, self.to().compared))?.first()
    }

    /// The comparison made.
    pub fn comparison(self) -> Option<&'t Comparison<'t>> {
        self.compared().map(|compared| &compared.comparison)
    }

    /// How far the comparison was from turning out the other way.
    pub fn margin(self) -> Option<Money> {
        self.compared()?.margin
    }

    /// One past the last step below.
    fn end(self) -> usize {
        between(0, self.step().end).end
    }

    /// The rules directly below.
    pub fn children(self) -> impl Iterator<Item = Self> {
        let end = self.end();
        let below = move |at: usize| (at < end).then_some(Self { tree: self.tree, at });
        std::iter::successors(below(self.at + 1), move |child| below(child.end()))
    }

    /// This node and all below it, top down.
    pub fn walk(self) -> impl Iterator<Item = Self> {
        (self.at..self.end()).map(move |at| Self { tree: self.tree, at })
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
        if !self.clauses().is_empty() {
            node.serialize_field("clauses", self.clauses())?;
        }
        if !self.inputs().is_empty() {
            node.serialize_field("inputs", self.inputs())?;
        }
        if !self.parameters().is_empty() {
            node.serialize_field("parameters", self.parameters())?;
        }
        if let Some(comparison) = self.comparison() {
            node.serialize_field("comparison", comparison)?;
        }
        node.serialize_field("result", &step.result)?;
        if let Some(margin) = self.margin() {
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

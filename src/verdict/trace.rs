//! The trace of a verdict: a tree of rules with inputs, evidence, parameters and margins, made on demand.
//!
//! The tree is read off the decision that the verdict tells, so it cannot tell another story. It borrows
//! from facts and parameters and lies flat in three lists, top down, so that the whole of it takes a handful
//! of allocations; [`Node`] walks it as the tree it is.

mod circles;
mod node;
mod sums;

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Serialize, Serializer};

use super::decision::{Decision, decide};
use super::facts::{EvidenceId, Facts, Source, SparedQuestion};
use super::gate::Gate;
use super::identity::VerdictId;
use super::reasons::{Clause, clause};
use super::sparing::SettledBy;
use super::{HouseholdCircle, Verdict};
use crate::domain::exact::Overflow;
use crate::domain::fact::FactKind;
use crate::domain::money::Money;
use crate::policy::decimal::Decimal;
use crate::policy::{Figure, Parameters};
use node::Tree;
pub use node::{Node, Step};

/// The trace of one verdict.
#[derive(Debug, Clone)]
pub struct Trace<'a> {
    /// The verdict it explains.
    pub verdict: VerdictId,
    /// The day of the assessment.
    pub assessed_on: Date,
    /// The pack.
    pub pack: &'a str,
    tree: Tree<'a>,
}

impl Trace<'_> {
    /// The verdict, with the rules below it down to the single item.
    pub fn root(&self) -> Node<'_> {
        self.tree.root()
    }
}

impl Serialize for Trace<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Told<'t> {
            verdict: VerdictId,
            assessed_on: Date,
            pack: &'t str,
            root: Node<'t>,
        }
        let Self { verdict, assessed_on, pack, .. } = *self;
        Told { verdict, assessed_on, pack, root: self.root() }.serialize(serializer)
    }
}

/// Something that went into a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Input<'a> {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: Value<'a>,
    /// The evidence, where it is a fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceId>,
    /// Who says so: `declared` is never "passed" (promise P5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a Source>,
}

/// A value in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value<'a> {
    /// Yuan, as a decimal string.
    Money(Money),
    /// A number of things, years or months.
    Count(i64),
    /// A day.
    Date(Date),
    /// An instant.
    Instant(Timestamp),
    /// A published factor.
    Factor(Decimal),
    /// A code.
    Text(&'a str),
    /// Yes or no.
    Flag(bool),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Comparison<'a> {
    /// Left side.
    pub left: Value<'a>,
    /// `<`, `<=`, `>`, `>=`.
    pub sign: &'static str,
    /// Right side.
    pub right: Value<'a>,
}

/// What came out of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<'a> {
    /// Holds or does not.
    Holds(bool),
    /// Not known while answers are missing.
    Unknown,
    /// An amount in yuan.
    Amount(Money),
    /// A number of persons or months.
    Count(i64),
    /// A code: a circle, a treatment, a status.
    Is(Cow<'a, str>),
}

impl Outcome<'_> {
    const fn is(code: &'static str) -> Self {
        Self::Is(Cow::Borrowed(code))
    }
}

/// The trace of a verdict over the facts and parameters it was made from.
pub fn trace<'a>(facts: &'a Facts, parameters: &'a Parameters, verdict: &Verdict) -> Result<Trace<'a>, Overflow> {
    decide(facts, parameters)?.trace(verdict)
}

impl<'a> Decision<'a> {
    /// Why it was decided so. `verdict` is this decision as told.
    pub fn trace(&self, verdict: &Verdict) -> Result<Trace<'a>, Overflow> {
        let (facts, parameters) = (self.facts(), self.parameters());
        let result = match self.household_circle() {
            HouseholdCircle::Is(circle) => Outcome::is(circle.as_str()),
            HouseholdCircle::Open => Outcome::Unknown,
            HouseholdCircle::NotAsked => Outcome::is(self.status().as_str()),
        };
        let items = 2 * facts.members.len() + facts.incomes.len() + facts.expenditures.len() + facts.gaps.len();
        let mut tree = Tree::rooted("verdict", &verdict.deciding_clauses, result, items + facts.obligors.len());
        self.show_gates(&mut tree);
        circles::emergency(&mut tree, facts, parameters);
        if let Some(assessment) = self.assessment() {
            circles::acceptance(&mut tree, facts, parameters);
            sums::members(&mut tree, facts, assessment);
            sums::incomes(&mut tree, facts, parameters, assessment)?;
            circles::tekun(&mut tree, facts, parameters, assessment)?;
            if let Some(household) = self.household() {
                sums::property(&mut tree, facts, parameters, assessment)?;
                sums::expenditures(&mut tree, facts, parameters, assessment)?;
                circles::circle(&mut tree, self, &assessment.known)?;
                let spares_sums = facts.spares(FactKind::Income) || facts.spares(FactKind::Expenditure);
                if !assessment.known.at.property_passes && spares_sums {
                    tree.leave_open_below("circle");
                }
                if let Some(settled) = &household.settled {
                    circles::outcomes(&mut tree, facts, parameters, settled)?;
                }
            }
            circles::referrals(&mut tree, self);
            self.show_gaps(&mut tree, verdict);
        }
        self.show_spared(&mut tree, verdict);
        tree.close();
        Ok(Trace { verdict: verdict.id, assessed_on: facts.assessed_on, pack: parameters.name(), tree })
    }

    fn show_gates(&self, tree: &mut Tree<'a>) {
        let facts = self.facts();
        let elsewhere = facts.prior.member_in_other_household.as_ref();
        tree.open("gate.one_household", &[clause::MEMBERS], Outcome::Holds(elsewhere.is_none()));
        if let Some(reference) = elsewhere {
            tree.about(reference.as_str());
        }
        tree.close();
        let holds = self.status() != Gate::AuthorisationMissing.status();
        let clauses = &[clause::AUTHORISATION, clause::MANDATE, clause::CONSENT];
        tree.open("gate.authorised", clauses, Outcome::Holds(holds));
        if facts.emergency_only {
            tree.input("emergency_only", Value::Flag(true));
        }
        for member in facts.members.iter().filter(|member| !member.authorised) {
            tree.input("not_signed", Value::Text(member.reference.as_str()));
        }
        tree.close();
    }

    fn show_gaps(&self, tree: &mut Tree<'a>, verdict: &Verdict) {
        for (gap, finding) in self.facts().gaps.iter().zip(&verdict.gaps) {
            tree.open("gap", &[clause::MONOTONE], Outcome::Holds(finding.could_change));
            tree.about(gap.department.as_str());
            tree.input("department", Value::Text(gap.department.as_str()));
            tree.input("reason", Value::Text(gap.reason.as_str()));
            tree.input("could_change_members", Value::Flag(finding.could_change_members));
            tree.close();
        }
    }

    fn show_spared(&self, tree: &mut Tree<'a>, verdict: &Verdict) {
        for finding in &verdict.spared {
            let is_read = finding.settled_by != SettledBy::NoRule;
            let is_own =
                |question: &&SparedQuestion| question.department == finding.department && question.is_read == is_read;
            let mut own = self.facts().spared.iter().filter(is_own).peekable();
            tree.open("spared", &[clause::MONOTONE], Outcome::is(finding.settled_by.as_str()));
            if let Some(first) = own.peek() {
                tree.about(first.department.as_str());
            }
            for question in own {
                tree.input("dataset", Value::Text(question.dataset.as_str()));
            }
            tree.close();
        }
    }
}

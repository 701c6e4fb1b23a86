//! The frame of a sample: the accesses of its period, as the log tells them, and the steps of samples in the log.

use std::collections::HashMap;

use super::super::entry::{Entry, Kind};
use super::super::rules::RuleId;
use super::{Dice, Plan};

/// An access that can be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its index.
    pub index: u64,
    /// The event's id.
    pub id: String,
    /// Its leaf hash, hexadecimal.
    pub leaf: String,
    /// The division; empty where there is none.
    pub unit: String,
    /// The rule of the first alert that names it as evidence.
    pub rule: Option<RuleId>,
    /// Who acted.
    pub actor: Option<String>,
    /// The person at it.
    pub operator: Option<String>,
    /// The actor's organisation.
    pub organisation: Option<String>,
}

/// All accesses that can be drawn, in the order of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// The accesses.
    pub candidates: Vec<Candidate>,
}

/// What the log says of one sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The plan, and at which index it was frozen.
    pub plan: Option<(u64, Plan)>,
    /// The dice, each with its index.
    pub dice: Vec<(u64, Dice)>,
    /// The digest of the manifest, and at which index it was logged.
    pub drawn: Option<(u64, String)>,
}

/// Builds a frame from the entries of a log, from its first one on.
#[derive(Debug)]
pub struct Framing {
    sample: String,
    plan: Plan,
    candidates: Vec<Candidate>,
    rules: HashMap<String, RuleId>,
    found: Found,
}

impl Framing {
    /// A frame of a sample.
    pub fn new(sample: &str, plan: Plan) -> Self {
        Self { sample: sample.to_owned(), plan, candidates: Vec::new(), rules: HashMap::new(), found: Found::default() }
    }

    /// Takes the next entry in.
    pub fn see(&mut self, entry: &Entry, leaf: &str) {
        self.step(entry);
        let event = &entry.event;
        // Only what the root of the seed covers: nothing can be added to it afterwards.
        if entry.index >= self.plan.tree_size {
            return;
        }
        if event.action == Kind::AlertRaised
            && let Some(rule) = event.rule.as_deref().and_then(RuleId::parse)
        {
            for id in &event.objects {
                self.rules.entry(id.clone()).or_insert(rule);
            }
        }
        let is_inside = self.plan.from <= event.at && event.at < self.plan.to;
        if is_inside && entry.is_access() {
            self.candidates.push(Candidate {
                index: entry.index,
                id: event.id.to_string(),
                leaf: leaf.to_owned(),
                unit: event.division.map(|division| division.to_string()).unwrap_or_default(),
                rule: None,
                actor: event.actor.clone(),
                operator: event.context.operator.clone(),
                organisation: event.organisation.clone(),
            });
        }
    }

    fn step(&mut self, entry: &Entry) {
        let (event, prefix) = (&entry.event, "samples/");
        let Some(step) = &event.sample else { return };
        if event.object.as_deref().and_then(|object| object.strip_prefix(prefix)) != Some(&self.sample) {
            return;
        }
        if let Some(plan) = &step.plan {
            self.found.plan.get_or_insert((entry.index, plan.clone()));
        }
        if let (Some(digits), Some(by)) = (&step.dice, &event.actor) {
            self.found.dice.push((entry.index, Dice { by: by.clone(), digits: digits.clone() }));
        }
        if let Some(manifest) = &step.manifest {
            self.found.drawn.get_or_insert((entry.index, manifest.clone()));
        }
    }

    /// The frame, and what the log says of the sample.
    pub fn finish(mut self) -> (Frame, Found) {
        for candidate in &mut self.candidates {
            candidate.rule = self.rules.get(&candidate.id).copied();
        }
        (Frame { candidates: self.candidates }, self.found)
    }
}

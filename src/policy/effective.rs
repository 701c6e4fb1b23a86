//! What packs say, for looking at: of a place on a day, complete or not, and of each file at a glance.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::dictionary;
use super::parameters::{Parameters, Provenance, RulesError};
use super::values::Values;
use crate::domain::division::DivisionCode;
use crate::domain::household::Place;

/// What the packs say of a place on a day: every parameter that has a value, whether or not a verdict is possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The name of the pack.
    pub name: String,
    /// The place in words.
    pub title: String,
    /// The place.
    pub place: Place,
    /// The day.
    pub on: Date,
    /// The values in their published form.
    pub values: Values,
    /// Where each comes from.
    pub provenance: BTreeMap<&'static str, Provenance>,
}

impl Effective {
    /// The parameters that a verdict needs and nobody gives; empty when a verdict is possible.
    pub fn missing(&self) -> Vec<&'static str> {
        dictionary::missing(&self.values)
    }

    /// One value as published.
    pub fn value(&self, field: &str) -> Option<serde_json::Value> {
        let mut all = serde_json::to_value(&self.values).expect("strings, numbers and lists always serialise");
        all.get_mut(field).map(serde_json::Value::take)
    }

    /// The complete parameters, or what is missing.
    pub fn parameters(&self) -> Result<Parameters, RulesError> {
        let (values, provenance) = (self.values.clone(), self.provenance.clone());
        Parameters::new(self.name.clone(), self.title.clone(), self.place, values, provenance)
    }
}

/// One pack file, at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSummary<'p> {
    /// Its path below the folder of packs.
    pub file: &'p str,
    /// Its division.
    pub division: DivisionCode,
    /// The place in words.
    pub place_zh: &'p str,
    /// Its first day.
    pub effective_from: Date,
    /// Its last day.
    pub effective_to: Option<Date>,
    /// The variant it belongs to.
    pub variant: Option<&'p str>,
    /// The names it gives.
    pub names: Vec<&'p str>,
    /// Figures that verdicts use.
    pub figures: usize,
    /// Of those, verified ones.
    pub verified: usize,
}

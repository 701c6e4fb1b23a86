//! Looking at packs as a whole: rows that contradict each other, gaps in time and place, rules that end,
//! figures that are old, and the care floor of S15.
//!
//! What is wrong inside one file is found while it is read (`pack.rs`).

mod care;
mod expiry;
mod rows;
mod standards;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::fault::{Fault, in_reading_order};
use super::pack::{Figure, Pack, STATUSES};
use super::packs::{Packs, Reading};
use crate::domain::division::DivisionCode;
use crate::domain::household::{Place, UrbanRural};

pub(super) use rows::between as rows_between;

/// Days before the end of a rule in which it is told that it ends.
pub const NOTICE_DAYS: i32 = 90;

/// What a check found, and how much it looked at.
#[derive(Debug)]
pub struct Checked {
    /// The packs, as far as they are sound.
    pub packs: Packs,
    /// Everything found, by file and line.
    pub faults: Vec<Fault>,
    /// Files read.
    pub files: usize,
    /// Figures that verdicts use, by the first word of their status.
    pub figures: BTreeMap<&'static str, usize>,
    /// Published figures that no verdict uses.
    pub references: usize,
}

/// Looks at packs as of a day.
pub fn check(reading: Reading, on: Date) -> Checked {
    let Reading { packs, mut faults, files } = reading;
    standards::check(&packs, on, &mut faults);
    expiry::check(&packs, on, &mut faults);
    care::check(&packs, on, &mut faults);
    in_reading_order(&mut faults);
    let mut figures = BTreeMap::new();
    for figure in packs.packs.iter().flat_map(|pack| &pack.figures) {
        if let Some(word) = STATUSES.iter().find(|word| figure.provenance.status.starts_with(**word)) {
            *figures.entry(*word).or_default() += 1;
        }
    }
    let references = packs.packs.iter().map(|pack| pack.references.len()).sum();
    Checked { packs, faults, files, figures, references }
}

const SIDES: [UrbanRural; 2] = [UrbanRural::Urban, UrbanRural::Rural];

const fn side_words(side: UrbanRural) -> (&'static str, &'static str) {
    match side {
        UrbanRural::Urban => ("城镇", "urban"),
        UrbanRural::Rural => ("农村", "rural"),
    }
}

/// Every place that a row of `field` in the default rules speaks of by name.
fn places_of(packs: &Packs, field: &str) -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    for (pack, figure) in figures_of(packs, field) {
        let divisions: Vec<DivisionCode> =
            if figure.divisions.is_empty() { vec![pack.header.division] } else { figure.divisions.clone() };
        for division_code in divisions {
            for urban_rural in SIDES.into_iter().filter(|side| figure.urban_rural.is_none_or(|own| own == *side)) {
                places.insert(Place { division_code, urban_rural });
            }
        }
    }
    places
}

/// The rows of a parameter in the default rules.
fn figures_of<'p>(packs: &'p Packs, field: &str) -> impl Iterator<Item = (&'p Pack, &'p Figure)> {
    packs
        .packs
        .iter()
        .filter(|pack| pack.header.variant.is_none())
        .flat_map(|pack| pack.figures.iter().map(move |figure| (pack, figure)))
        .filter(move |(_, figure)| figure.field == field)
}

#[cfg(test)]
mod tests;

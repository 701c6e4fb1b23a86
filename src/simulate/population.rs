//! A population drawn from a seed, whose verdicts are known by construction.
//!
//! Each household is drawn from an archetype that chooses its amounts relative to the published
//! standards of a real place, and says what the verdict must be by arithmetic of its own. Nothing of
//! the verdict engine or its policy packs is used here: otherwise the truth would check itself.

pub mod archetype;
pub mod draft;
pub mod person;
pub mod place;
pub mod stream;
pub mod truth;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::json;

use self::archetype::ARCHETYPES;
use self::draft::Draft;
use self::person::Persons;
use self::place::Places;
use super::SimulateError;
use super::case::{Case, CaseFile, Other};
use super::filing::Extra;
use super::random::Random;

/// Largest population.
const MOST: usize = 200_000;

/// Draws `households` from `seed`, assessed on `on`: every archetype once, then by weight.
pub fn draw(households: usize, seed: u64, on: Date) -> Result<(CaseFile, BTreeMap<String, Vec<Extra>>), SimulateError> {
    if !(1..=MOST).contains(&households) {
        return Err(SimulateError::Households(households));
    }
    let places = Places::embedded().map_err(SimulateError::Places)?;
    let mut random = Random::new(seed);
    let mut persons = Persons::default();
    let mut cases = Vec::with_capacity(households);
    let mut all_extras = BTreeMap::new();
    let total: i64 = ARCHETYPES.iter().map(|archetype| archetype.weight).sum();
    for index in 0..households {
        let archetype = ARCHETYPES.get(index).unwrap_or_else(|| by_weight(random.between(1, total)));
        let place = places.draw(archetype.places, &mut random);
        let mut draft = Draft::new(&places, place, on, &mut random, &mut persons);
        let truth = (archetype.draw)(&mut draft);
        let expected = truth::expected(&draft, &truth);
        let Draft { household, prior, extras, .. } = draft;
        let id = format!("H{:06}", index + 1);
        if !extras.is_empty() {
            all_extras.insert(id.clone(), extras);
        }
        cases.push(Case {
            id,
            title_en: archetype.title_en.to_owned(),
            title_zh: archetype.title_zh.to_owned(),
            parameter_set: place.name.clone(),
            assessment_date: on,
            department_status: BTreeMap::new(),
            emergency_only: false,
            household,
            prior,
            expected,
            other: Other::from([("note".to_owned(), json!(archetype.name))]),
        });
    }
    let file = CaseFile {
        parameter_sets: places.parameter_sets(),
        cases,
        other: Other::from([
            ("schema_version".to_owned(), json!("1.0")),
            ("currency".to_owned(), json!("CNY")),
            ("money".to_owned(), json!("decimal string in yuan, two places")),
            ("synthetic_identity".to_owned(), json!("every id_number begins with 150000, which is never issued")),
            (
                "generated_from".to_owned(),
                json!(format!("hedui simulate --households {households} --seed {seed} --on {on}")),
            ),
        ]),
    };
    Ok((file, all_extras))
}

fn by_weight(mut ticket: i64) -> &'static archetype::Archetype {
    for archetype in &ARCHETYPES {
        ticket -= archetype.weight;
        if ticket <= 0 {
            return archetype;
        }
    }
    ARCHETYPES.last().expect("there are archetypes")
}

#[cfg(test)]
mod tests;

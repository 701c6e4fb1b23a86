//! The truth of a population is consistent with the lines it was drawn against.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::domain::money::Money;
use crate::simulate::DEFAULT_DATE;

fn fen(value: &Value) -> i64 {
    Money::parse(value.as_str().unwrap()).unwrap().fen()
}

#[test]
fn every_archetype_comes_once_before_any_comes_twice() {
    let (file, _) = draw(ARCHETYPES.len(), 11, DEFAULT_DATE).unwrap();
    let drawn: BTreeSet<_> = file.cases.iter().map(|case| case.title_en.as_str()).collect();
    assert_eq!(drawn.len(), ARCHETYPES.len());
    let statuses: BTreeSet<_> = file.cases.iter().map(|case| case.expected["status"].as_str().unwrap()).collect();
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), ["BLOCKED", "DETERMINED", "MANUAL_REVIEW"]);
    let circles: BTreeSet<_> =
        file.cases.iter().filter_map(|case| case.expected["household_circle"].as_str()).collect();
    assert_eq!(circles.into_iter().collect::<Vec<_>>(), ["DIBAO", "EXPENDITURE", "LOW_INCOME", "NONE", "TEKUN"]);
}

#[test]
fn the_stated_circle_is_that_of_the_stated_figures() {
    for (seed, on) in [(1, DEFAULT_DATE), (2, Date::constant(2025, 3, 15)), (3, Date::constant(2024, 2, 29))] {
        let (file, _) = draw(1500, seed, on).unwrap();
        for case in &file.cases {
            let (expected, computed) = (&case.expected, &case.expected["computed"]);
            let Some(circle) = expected["household_circle"].as_str().filter(|circle| *circle != "TEKUN") else {
                continue;
            };
            let (income, rigid) = (fen(&computed["countable_income_12m"]), fen(&computed["rigid_expenditure_12m"]));
            let (line, upper) = (fen(&computed["dibao_line_12m"]), fen(&computed["low_income_line_12m"]));
            let is_poor_enough = match circle {
                "DIBAO" => income < line || expected["benefit_hint"]["mode"] == "KEEP_PRIOR",
                "LOW_INCOME" => (line..upper).contains(&income),
                "EXPENDITURE" => income >= line && rigid > 0,
                _ => true,
            };
            let flags = expected["flags"].to_string();
            let owns_too_much = fen(&computed["financial_assets"]) > fen(&computed["financial_asset_limit"])
                || flags.contains("PROPERTY_");
            let fits = match circle {
                "NONE" => owns_too_much || income >= upper,
                _ => is_poor_enough && !owns_too_much,
            };
            assert!(fits, "{} {}: {expected}", case.id, case.title_en);
        }
    }
}

#[test]
fn everybody_is_synthetic_and_of_the_age_their_household_says() {
    let (file, _) = draw(300, 5, DEFAULT_DATE).unwrap();
    let mut seen = BTreeSet::new();
    for member in file.cases.iter().flat_map(|case| &case.household.members) {
        let id = member.valid_id_number().expect("number and birth date fit");
        assert!(id.is_synthetic() && seen.insert(id));
    }
}

#[test]
fn too_many_households_and_none_are_refused() {
    assert!(matches!(draw(0, 1, DEFAULT_DATE), Err(SimulateError::Households(0))));
    assert!(matches!(draw(MOST + 1, 1, DEFAULT_DATE), Err(SimulateError::Households(_))));
}

#[test]
fn the_truth_is_worked_out_without_the_engine_it_tests() {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/simulate/population")];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for engine in ["verdict::", "policy::"] {
                    assert!(!text.contains(engine), "{} uses {engine}", path.display());
                }
                read += 1;
            }
        }
    }
    assert!(read > 10);
}

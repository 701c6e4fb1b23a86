//! `docs/rules.md` says of every rule where it is applied or why it is not: held to the code, so that it cannot rot.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hedui::policy::values::FIELDS;
use hedui::verdict::reasons::clause;

const PAGE: &str = include_str!("../../docs/rules.md");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

struct Row<'a> {
    rule: &'a str,
    state: &'a str,
    place: &'a str,
    proof: &'a str,
}

fn rows() -> Vec<Row<'static>> {
    let is_rule = |rule: &str| rule.starts_with(['S', '2', '7']) && rule.ends_with(|last: char| last.is_ascii_digit());
    PAGE.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
            let [rule, _, state, place, proof] = cells[..] else { return None };
            is_rule(rule).then_some(Row { rule, state, place, proof })
        })
        .collect()
}

/// What stands in backticks.
fn named(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Every Rust source of the product and of its tests, as one text.
fn sources() -> String {
    fn gather(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                gather(&entry, into);
            } else if entry.extension().is_some_and(|kind| kind == "rs") {
                into.push(entry);
            }
        }
    }
    let mut files = Vec::new();
    for folder in ["src", "tests/it"] {
        gather(&Path::new(ROOT).join(folder), &mut files);
    }
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn every_rule_stands_in_the_table_once_with_its_place_and_proof_or_its_because() {
    let rows = rows();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        *times.entry(row.rule).or_default() += 1;
    }
    let seed = (1..=40).map(|number| format!("S{number:02}"));
    let national = (1..=14).map(|number| format!("2.{number}"));
    for rule in seed.chain((1..=10).map(|number| format!("7.{number}"))) {
        assert_eq!(times.get(rule.as_str()), Some(&1), "{rule} stands once");
    }
    for rule in national {
        assert!(times.contains_key(rule.as_str()), "{rule} is missing");
    }
    for row in &rows {
        let is_empty = row.place.is_empty();
        match row.state {
            "not computed" => assert!(is_empty && row.proof.starts_with("because "), "{}: {}", row.rule, row.proof),
            "computed" | "pack" | "hub" => {
                assert!(!is_empty && row.proof.starts_with('`'), "{} names no place or no test", row.rule);
            }
            other => panic!("{}: `{other}` is no state", row.rule),
        }
    }
}

#[test]
fn what_the_table_names_is_there() {
    let sources = sources();
    for row in rows() {
        for name in named(row.place) {
            let is_there = if name.contains('/') {
                Path::new(ROOT).join(name).is_file()
            } else if name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_') {
                FIELDS.contains(&name)
            } else {
                clause::ALL.contains(&name)
            };
            assert!(is_there, "{}: there is no file, parameter or clause `{name}`", row.rule);
        }
        for name in named(row.proof).filter(|name| !name.contains(' ')) {
            assert!(sources.contains(&format!("fn {name}()")), "{}: there is no test `{name}`", row.rule);
        }
    }
}

#[test]
fn every_clause_that_is_cited_and_every_parameter_stands_in_the_table() {
    let rows = rows();
    for id in clause::ALL {
        let cites = |row: &&Row<'_>| named(row.place).any(|name| name == *id);
        assert!(rows.iter().any(|row| cites(&row)), "{id} is cited by a rule that the table does not have");
        if let Some(number) = id.strip_prefix("SEED-") {
            let own = rows.iter().find(|row| row.rule == number).unwrap();
            assert!(cites(&own), "{id} does not stand in the row of {number}");
        }
    }
    let apart = ["circle_precedence", "benefit_rounding", "declaration_tolerance"];
    for field in FIELDS.iter().filter(|field| !apart.contains(field)) {
        assert!(rows.iter().any(|row| named(row.place).any(|name| name == *field)), "{field} belongs to no rule");
    }
}

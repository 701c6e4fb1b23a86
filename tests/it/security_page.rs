//! `docs/security.md` and its checklist say nothing of tests and files that are not there.

use std::collections::BTreeSet;

use super::hub::root;

/// Whether a place is there: a path, or `path::test`.
fn is_there(place: &str) -> bool {
    let (path, named) = place.split_once("::").map_or((place, None), |(path, named)| (path, Some(named)));
    let Ok(text) = std::fs::read_to_string(root().join(path)) else { return false };
    named.is_none_or(|named| text.contains(&format!("fn {named}(")))
}

#[test]
fn every_line_of_the_checklist_has_a_state_a_place_and_a_reason() {
    let text = std::fs::read_to_string(root().join("docs/asvs-5.0-level-2.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,level,state,where,why"));
    let mut ids = BTreeSet::new();
    let mut levels = [0; 4];
    for line in lines {
        let [id, level, state, places, why] = line.splitn(5, ',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert!(ids.insert(id), "{id} stands twice");
        levels[level.parse::<usize>().unwrap()] += 1;
        assert!(["met", "partly", "open", "does not apply"].contains(&state), "{id}: {state}");
        assert!(!why.trim_matches('"').is_empty(), "{id} has no reason");
        for place in places.split("; ") {
            assert!(is_there(place), "{id}: {place} is not there");
        }
    }
    assert_eq!(levels, [0, 70, 183, 19], "all of levels 1 and 2, and those of level 3 that are taken on");
}

#[test]
fn every_abuse_case_stands_once_on_the_page_with_tests_that_exist() {
    let page = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    for number in 1..=70 {
        let row = format!("| A{number} |");
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with(&row)).collect();
        assert_eq!(rows.len(), 1, "A{number}");
        let cells: Vec<_> = rows[0].split('|').map(str::trim).collect();
        assert!(["covered", "partly", "not yet", "absent"].contains(&cells[3]), "A{number}: {}", cells[3]);
        assert!(cells[3] != "covered" || cells[4].contains("::"), "A{number} names no test");
        for place in cells[4].split('`').skip(1).step_by(2).filter(|quoted| quoted.contains("::")) {
            assert!(is_there(place), "A{number}: {place} is not there");
        }
    }
}

//! The figures of an impact do not depend on threads or on the form of the file, and name nobody.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::cli::Lang;

fn args(to: &str) -> Args {
    Args {
        from: "150200@2022-12-31".parse().unwrap(),
        to: to.parse().unwrap(),
        population: None,
        households: 700,
        seed: 7,
        on: None,
        side: Side { urban: false, rural: false },
        packs: None,
        threads: None,
    }
}

fn weighed(args: &Args) -> (Value, ExitCode) {
    let mut out = Vec::new();
    let code = run(args, &Global { json: true, lang: Some(Lang::En) }, &mut out).unwrap();
    let mut report: Value = serde_json::from_slice(&out).unwrap();
    report.as_object_mut().unwrap().remove("run");
    (report, code)
}

#[test]
fn drawn_households_give_the_same_figures_on_any_number_of_threads() {
    let (one, code) = weighed(&Args { threads: Some(1), ..args("150200@2023-01-01") });
    let (three, _) = weighed(&Args { threads: Some(3), ..args("150200@2023-01-01") });
    assert_eq!(one, three);
    assert_eq!(code, ExitCode::SUCCESS);
    assert_eq!(one["total"]["households"], 700);
    assert!(one["moved"]["households"].as_u64().unwrap() > 0);
    assert!(one["total"]["monthly_change"].as_str().unwrap().starts_with('+'));
    let (other, _) = weighed(&Args { seed: 8, ..args("150200@2023-01-01") });
    assert_ne!(one["total"], other["total"]);
    let (rural, _) = weighed(&Args { side: Side { urban: false, rural: true }, ..args("150200@2023-01-01") });
    assert!(rural["moves"].as_array().unwrap().iter().all(|entry| entry["urban_rural"] == "RURAL"));
    let (same, _) = weighed(&args("150200@2022-12-31"));
    assert_eq!((&same["moved"]["households"], &same["total"]["monthly_change"]), (&0.into(), &"0.00".into()));
}

/// The listed cases as a file of cases, or one a line, with what `change` does to them.
fn file(is_lines: bool, change: impl FnOnce(&mut Value)) -> (tempfile::TempDir, PathBuf) {
    let mut file: Value = serde_json::from_str(include_str!("../../../../tests/cases/listed.json")).unwrap();
    change(&mut file);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("population.json");
    let text = if is_lines {
        let lines = file["cases"].as_array().unwrap().iter().map(ToString::to_string);
        lines.collect::<Vec<_>>().join("\n")
    } else {
        file.to_string()
    };
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn recorded(path: &Path) -> Args {
    Args {
        from: "152201@2024-12-31".parse().unwrap(),
        to: "152201@2025-03-15#IM_2024".parse().unwrap(),
        population: Some(path.to_owned()),
        ..args("152201@2025-03-15")
    }
}

#[test]
fn a_file_of_cases_and_one_case_a_line_give_the_same_figures() {
    let (_dir, cases) = file(false, |_| {});
    let (_other, lines) = file(true, |_| {});
    let ((by_file, _), (by_line, _)) = (weighed(&recorded(&cases)), weighed(&recorded(&lines)));
    let figures = |report: &Value| (report["total"].clone(), report["moves"].clone());
    assert_eq!(figures(&by_file), figures(&by_line));
    // The 2024 rule is a pack of the same place and side; Nanning, Jinghe and Baotou are elsewhere.
    assert_eq!(by_file["population"]["elsewhere"], 3);
    assert_eq!(by_file["total"]["households"].as_u64().unwrap() + 3, 47);
    let moves = by_file["moves"].as_array().unwrap();
    let left = moves.iter().find(|entry| entry["from"] == "EXPENDITURE" && entry["to"] == "LOW_INCOME");
    assert_eq!(left.unwrap()["households"], 1, "C58 is low-income first under the rule of 2024: {moves:#?}");
}

#[test]
fn records_that_cannot_be_judged_are_counted_and_told_by_place_only() {
    let (_dir, path) = file(true, |file| {
        file["cases"][1]["household"]["members"][0]["id_number"] = "150000198605021016".into();
        file["cases"][4]["household"]["incomes"][0]["amount_12m"] = 1.into();
        file["cases"][6]["household"]["150000198605021015"] = 1.into();
    });
    let (report, code) = weighed(&recorded(&path));
    assert_eq!(code, ExitCode::from(1));
    assert_eq!(report["population"]["unusable"], 3);
    let told: Vec<(u64, &str)> = report["population"]["first_unusable"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["record"].as_u64().unwrap(), entry["pointer"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [(2, "/household/members/0/id_number"), (5, "/household/incomes/0/amount_12m"), (7, "/household")]
    );
}

#[test]
fn nothing_that_is_told_names_a_household() {
    let (_dir, path) = file(false, |_| {});
    for (args, few) in [(recorded(&path), true), (args("150200@2023-01-01"), false)] {
        for json in [true, false] {
            for lang in [Lang::Zh, Lang::En] {
                let mut out = Vec::new();
                run(&args, &Global { json, lang: Some(lang) }, &mut out).unwrap();
                let text = String::from_utf8(out).unwrap();
                assert!(!text.contains("150000"), "an identity number leaks: {text}");
                assert!(!text.contains("C01") && !text.contains("m1"), "a case or member is named: {text}");
            }
        }
        let (report, _) = weighed(&args);
        for entry in report["moves"].as_array().unwrap() {
            let is_hidden = few && entry["households"].as_u64().unwrap() < 5;
            assert_eq!(entry["examples"].as_array().unwrap().is_empty(), is_hidden, "{entry}");
        }
    }
}

#[test]
fn a_file_that_is_no_population_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for text in ["", "{", "[]", "{\"cases\": 3}", "{}", "household", "{\"cases\": [1,"] {
        let path = dir.path().join("x.json");
        std::fs::write(&path, text).unwrap();
        let result = run(&recorded(&path), &Global { json: true, lang: None }, &mut Vec::new());
        assert!(result.is_err(), "{text}");
    }
    let missing = run(&recorded(Path::new("/nowhere.json")), &Global { json: true, lang: None }, &mut Vec::new());
    assert_eq!(crate::cli::exit_code_of(&missing.unwrap_err()), ExitCode::from(3));
}

#[test]
fn packs_of_two_places_cannot_be_weighed_and_a_place_without_rules_is_told() {
    let global = Global { json: false, lang: Some(Lang::En) };
    let other = run(&args("152201@2025-03-15"), &global, &mut Vec::new()).unwrap_err();
    assert!(other.to_string().contains("one place"), "{other}");
    let none = Args { from: "152202@2025-01-01".parse().unwrap(), ..args("152202@2025-03-15") };
    let none = run(&none, &global, &mut Vec::new()).unwrap_err();
    assert!(none.to_string().contains("dibao_standard"), "{none}");
}

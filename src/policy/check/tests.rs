//! What is told of packs as a whole, each on packs made for it.

use std::fmt::Write as _;

use jiff::civil::date;

use super::*;
use crate::policy::fault::Code;

const DAY: Date = date(2025, 3, 15);

/// The rows of one file: what stands below each `[[parameter]]` besides status and source.
fn file(division: &str, from: &str, rows: &[&str]) -> (String, String) {
    let mut text = format!("[pack]\ndivision = \"{division}\"\neffective_from = \"{from}\"\nplace_zh = \"某地\"\n");
    for row in rows {
        let table = if row.starts_with("kind") { "reference" } else { "parameter" };
        writeln!(text, "[[{table}]]\n{row}\nstatus = \"verified\"\nsource = \"a notice\"").unwrap();
    }
    (format!("{division}/{from}.toml"), text)
}

fn standard(side: &str, amount: &str, period: &str, more: &str) -> String {
    format!(
        "field = \"dibao_standard\"\nurban_rural = \"{side}\"\nvalue = {{ amount = \"{amount}\", period = \"{period}\" }}\n{more}"
    )
}

/// The faults of some files as of a day.
fn faults(files: &[(String, String)], on: Date) -> Vec<Fault> {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    check(Packs::read(Some(dir.path()), None), on).faults
}

fn codes(files: &[(String, String)], on: Date) -> Vec<Code> {
    // What a verdict lacks beside the standard is not what these packs are about.
    let about = |code: &Code| !matches!(code, Code::ParameterMissing | Code::SideMissing | Code::PlacesMissing);
    faults(files, on).into_iter().map(|fault| fault.code).filter(about).collect()
}

#[test]
fn the_same_row_twice_is_an_error_also_across_files() {
    let row = standard("URBAN", "829.00", "MONTH", "");
    let twice = [file("152202", "2025-01-01", &[&row, &row])];
    assert_eq!(codes(&twice, DAY), [Code::RowDuplicate]);
    let (_, text) = file("152202", "2025-01-01", &[&row]);
    let across = [("152202/2025-01-01.toml".to_owned(), text.clone()), ("152202/2025-01-01.b.toml".to_owned(), text)];
    let found = faults(&across, DAY);
    let duplicate = found.iter().find(|fault| fault.code == Code::RowDuplicate).unwrap();
    assert!(duplicate.detail.en.contains("152202/2025-01-01.b.toml:8"), "{duplicate:?}");
    let some = |divisions: &str| standard("URBAN", "829.00", "MONTH", &format!("divisions = [{divisions}]"));
    let (one, two) = (some("\"152201\", \"152202\""), some("\"152202\", \"152221\""));
    assert_eq!(codes(&[file("152200", "2025-01-01", &[&one, &two])], DAY), [Code::RowDuplicate], "152202 is in both");
    let apart = some("\"152221\"");
    assert_eq!(codes(&[file("152200", "2025-01-01", &[&some("\"152201\""), &apart])], DAY), []);
}

#[test]
fn overlapping_periods_and_an_older_figure_that_comes_back_are_told() {
    let row = |amount: &str, from: &str, to: &str| {
        let to = if to.is_empty() { String::new() } else { format!("\nto = \"{to}\"") };
        standard("URBAN", amount, "MONTH", &format!("from = \"{from}\"{to}"))
    };
    let of = |rows: &[String]| {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        codes(&[file("152202", "2020-01-01", &rows)], DAY)
    };
    let open = row("700.00", "2020-01-01", "");
    assert_eq!(of(&[open.clone(), row("750.00", "2022-01-01", "")]), [], "a newer row replaces an open one");
    assert_eq!(
        of(&[row("700.00", "2020-01-01", "2022-06-30"), row("750.00", "2022-01-01", "")]),
        [Code::PeriodOverlap]
    );
    let returns =
        of(&[open.clone(), row("750.00", "2022-01-01", "2022-12-31"), row("760.00", "2023-01-01", "2023-12-31")]);
    assert_eq!(returns, [Code::OlderReturns], "700 would count again from 2024");
    let follows = of(&[open, row("750.00", "2022-01-01", "2022-12-31"), row("760.00", "2023-01-01", "")]);
    assert_eq!(follows, []);
}

#[test]
fn days_without_a_standard_are_told_as_gap_or_as_end() {
    let of = |rows: &[&str]| codes(&[file("152202", "2022-01-01", rows)], DAY);
    let early = standard("URBAN", "700.00", "MONTH", "to = \"2022-12-31\"");
    let late = standard("URBAN", "760.00", "MONTH", "from = \"2023-07-01\"");
    assert_eq!(of(&[&early, &late]), [Code::StandardGap]);
    assert_eq!(of(&[&early]), [Code::StandardExpired]);
    let found = faults(&[file("152202", "2022-01-01", &[&early, &late])], DAY);
    let gap = found.iter().find(|fault| fault.code == Code::StandardGap).unwrap();
    assert!(gap.detail.en.contains("from 2023-01-01 to 2023-06-30"), "{gap:?}");
    assert!(gap.detail.zh.contains("阿尔山市"), "{gap:?}");
}

#[test]
fn odd_changes_of_a_standard_are_told() {
    let pair = |old: (&str, &str), new: (&str, &str)| {
        let old = standard("URBAN", old.0, old.1, "to = \"2022-12-31\"");
        let new = standard("URBAN", new.0, new.1, "from = \"2023-01-01\"");
        codes(&[file("152202", "2022-01-01", &[&old, &new])], DAY)
    };
    assert_eq!(pair(("700.00", "MONTH"), ("750.00", "MONTH")), []);
    assert_eq!(pair(("7544.00", "YEAR"), ("661.00", "MONTH")), [], "compared over a year");
    assert_eq!(pair(("700.00", "MONTH"), ("699.99", "MONTH")), [Code::StandardFalls]);
    assert_eq!(pair(("700.00", "MONTH"), ("1050.01", "MONTH")), [Code::StandardJump]);
    let urban = standard("URBAN", "700.00", "MONTH", "");
    let rural = standard("RURAL", "8401.00", "YEAR", "");
    assert_eq!(codes(&[file("152202", "2022-01-01", &[&urban, &rural])], DAY), [Code::RuralAboveUrban]);
}

#[test]
fn an_older_row_that_hides_a_newer_one_is_told() {
    let county = file("152202", "2018-01-01", &[&standard("URBAN", "600.00", "MONTH", "")]);
    let region = file("150000", "2023-01-01", &[&standard("URBAN", "700.00", "MONTH", "")]);
    assert_eq!(codes(&[county, region], DAY), [Code::OlderShadows]);
    let general = "field = \"dwelling_max\"\nvalue = 2\nfrom = \"2023-01-01\"";
    let special = "field = \"dwelling_max\"\nurban_rural = \"URBAN\"\nvalue = 1";
    let urban = standard("URBAN", "600.00", "MONTH", "");
    let same_file = file("152202", "2018-01-01", &[&urban, special, general]);
    assert_eq!(codes(&[same_file], DAY), [Code::OlderShadows], "the urban row of 2018 hides the general one of 2023");
}

#[test]
fn rules_are_told_ninety_days_before_they_end_and_after() {
    let pension = "field = \"basic_pension_exempt_until\"\nvalue = \"2025-12-31\"";
    let files = [file("000000", "2021-07-01", &[pension])];
    assert_eq!(codes(&files, date(2025, 10, 1)), [], "91 days before");
    assert_eq!(codes(&files, date(2025, 10, 2)), [Code::RuleExpiring], "90 days before");
    assert_eq!(codes(&files, date(2025, 12, 31)), [Code::RuleExpiring], "on the last day");
    assert_eq!(codes(&files, date(2026, 1, 1)), [Code::RuleExpired]);
    let ends = "field = \"dwelling_max\"\nvalue = 1\nto = \"2025-05-31\"";
    let follows = "field = \"dwelling_max\"\nvalue = 2\nfrom = \"2025-06-01\"";
    assert_eq!(codes(&[file("152202", "2025-01-01", &[ends])], DAY), [Code::RuleExpiring]);
    assert_eq!(codes(&[file("152202", "2025-01-01", &[ends, follows])], DAY), []);
    assert_eq!(codes(&[file("152202", "2025-01-01", &[ends])], date(2025, 6, 1)), [Code::RuleExpired]);
    let old = "field = \"per_capita_disposable_income_prev_year\"\nvalue = \"46295.00\"\nyear = 2022";
    assert_eq!(codes(&[file("152202", "2023-01-01", &[old])], date(2024, 12, 31)), []);
    assert_eq!(codes(&[file("152202", "2023-01-01", &[old])], date(2025, 1, 1)), [Code::FigureStale]);
}

#[test]
fn the_care_floor_is_a_warning_with_its_arithmetic() {
    let tekun = "field = \"tekun\"\nvalue = { minor_age_limit = 18, continue_stages = [\"PRIMARY\"], full_care_floor_ratio = \"0.70\" }";
    let wage = "field = \"minimum_wage_monthly\"\nvalue = \"2140.00\"";
    let care = |amount: &str| {
        format!("kind = \"tekun_care_full\"\namounts = [\"{amount}\"]\nunit = \"MONTH\"\nfrom = \"2025-02\"")
    };
    let of = |amount: &str, wage: &str| {
        faults(&[file("150822", "2025-01-01", &[tekun, wage, &care(amount)])], date(2025, 2, 1))
    };
    let found = of("1244.00", wage);
    let [fault] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(fault.code, Code::CareFloor);
    assert!(!fault.is_error());
    assert!(fault.detail.en.contains("0.70 × 2140.00 = 1498.00"), "{fault:?}");
    assert!(fault.detail.en.contains("short by 254.00"), "{fault:?}");
    assert!(fault.detail.zh.contains("1244.00"), "{fault:?}");
    assert!(of("1498.00", wage).is_empty(), "exactly the floor is enough");
    assert_eq!(of("1497.99", wage).len(), 1);
    let tiers =
        "kind = \"minimum_wage\"\namounts = [\"2270.00\", \"2140.00\"]\nunit = \"MONTH\"\nfrom = \"2024-12-01\"";
    assert_eq!(of("1497.99", tiers).len(), 1, "below the floor of the lowest tier");
    assert!(of("1498.00", tiers).is_empty());
}

#[test]
fn places_without_a_standard_or_with_half_of_one_are_told() {
    let urban = standard("URBAN", "829.00", "MONTH", "");
    let found = faults(&[file("152200", "2025-01-01", &[]), file("152201", "2025-01-01", &[&urban])], DAY);
    let of = |code: Code| found.iter().find(|fault| fault.code == code).unwrap();
    let missing = of(Code::PlacesMissing);
    assert_eq!(missing.places.len(), 5, "the league has six places: {missing:?}");
    assert!(missing.detail.en.contains("5 of 6 places"), "{missing:?}");
    assert!(of(Code::SideMissing).detail.en.contains("not the rural side"));
    assert!(of(Code::ParameterMissing).detail.en.contains("financial_asset_limit, dwelling_max"));
}

#[test]
fn one_name_means_one_place() {
    let named = |division: &str| {
        let (path, text) = file(division, "2025-01-01", &[]);
        (path, text.replace("place_zh", "names = { URBAN = \"SAME\" }\nplace_zh"))
    };
    assert_eq!(codes(&[named("152201"), named("152202")], DAY), [Code::NameTaken]);
}

#[test]
fn the_shipped_packs_have_no_error_and_their_known_warnings() {
    let checked = check(Packs::read(None, None), DAY);
    assert!(checked.faults.iter().all(|fault| !fault.is_error()), "{:#?}", checked.faults);
    let has = |code: Code, file: &str| checked.faults.iter().any(|fault| fault.code == code && &*fault.file == file);
    assert!(has(Code::CareFloor, "150822/2025-02-01.toml"));
    assert!(has(Code::CareFloor, "150000/2021-07-01.toml"), "1266 is below 0.70 × 1850 = 1295");
    assert!(has(Code::PlacesMissing, "150000/2021-07-01.toml"));
    assert!(has(Code::StandardExpired, "152900/2012-01-01.toml"));
    assert!(checked.figures["verified"] > 60 && checked.references > 60, "{:?}", checked.figures);
    let later = check(Packs::read(None, None), date(2026, 1, 1));
    let pension =
        later.faults.iter().find(|fault| fault.code == Code::RuleExpired && &*fault.file == "000000/2021-07-01.toml");
    assert!(pension.is_some(), "{:#?}", later.faults);
}

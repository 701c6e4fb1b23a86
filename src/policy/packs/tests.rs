//! What holds where and when, and what a wrong pack is told.

use std::path::Path;

use jiff::civil::date;

use super::*;
use crate::domain::money::Money;
use crate::policy::values::{ExpenditureRule, TestedCircle};

fn at(code: &str, urban_rural: UrbanRural) -> Place {
    Place { division_code: DivisionCode::parse(code).unwrap(), urban_rural }
}

fn urban(code: &str) -> Place {
    at(code, UrbanRural::Urban)
}

const DAY: Date = Date::constant(2025, 3, 15);

#[test]
fn a_standard_keeps_its_unit_and_its_days() {
    let packs = Packs::shipped();
    let line = |place, on| packs.effective(place, on, None).map(|found| found.rules().line_of_one.yuan());
    assert_eq!(line(urban("152201"), DAY).unwrap(), "9948.00");
    assert_eq!(line(at("152201", UrbanRural::Rural), DAY).unwrap(), "7500.00");
    assert_eq!(line(at("450100", UrbanRural::Rural), DAY).unwrap(), "6800.00");
    // Both ends are included: the last day of one standard and the first of the next.
    assert_eq!(line(urban("150200"), date(2022, 12, 31)).unwrap(), "10080.00");
    assert_eq!(line(urban("150200"), date(2023, 1, 1)).unwrap(), "10584.00");
}

#[test]
fn a_place_inherits_and_the_nearest_row_wins() {
    let packs = Packs::shipped();
    let district = packs.effective(urban("150203"), DAY, None).unwrap();
    assert_eq!(district.rules().line_of_one, Money::from_fen(1_058_400), "the city's standard");
    assert_eq!(district.rules().tekun.minor_age_limit, 18, "the region's rule before the nation's");
    assert_eq!(district.rules().minimum_wage_monthly, Some(Money::from_fen(227_000)), "the tier of the district");
    assert_eq!(district.name(), "150203_URBAN");
    let county = packs.effective(urban("150221"), DAY, None).unwrap();
    assert_eq!(county.rules().minimum_wage_monthly, Some(Money::from_fen(220_000)));
    let counties = packs.effective(urban("450123"), date(2021, 12, 1), None).unwrap();
    assert_eq!(counties.rules().line_of_one, Money::from_fen(948_000), "a newer row of the city covers its counties");
}

#[test]
fn without_a_standard_there_is_none_and_never_a_default() {
    let packs = Packs::shipped();
    for (code, on) in [
        ("152202", DAY),
        ("150822", DAY),
        ("150000", DAY),
        ("152900", DAY),
        ("110101", DAY),
        ("152201", date(2023, 12, 31)),
    ] {
        let missing = packs.effective(urban(code), on, None).unwrap_err();
        assert!(matches!(missing, Unavailable::NoParameter { .. }), "{code} {on}: {missing}");
    }
    let region = DivisionCode::parse("150000").unwrap();
    assert!(packs.references(region).any(|row| row.kind == "dibao"), "averages are kept, as references");
    assert!(!packs.references(region).any(|row| row.status.contains("do not use")));
}

#[test]
fn a_variant_is_chosen_by_name_and_the_default_needs_none() {
    let packs = Packs::shipped();
    let place = urban("152201");
    assert_eq!(packs.choices(place, DAY), ["IM_WLHT_URBAN", "IM_WLHT_URBAN_2024RULE"]);
    let default = packs.effective(place, DAY, None).unwrap();
    assert_eq!(default.rules().expenditure_rule, ExpenditureRule::Seed2021);
    assert_eq!(packs.effective(place, DAY, Some("IM_WLHT_URBAN")).unwrap().digest(), default.digest());
    for name in ["IM_2024", "IM_WLHT_URBAN_2024RULE"] {
        let variant = packs.effective(place, DAY, Some(name)).unwrap();
        assert_eq!(variant.name(), "IM_WLHT_URBAN_2024RULE");
        assert_eq!(variant.rules().expenditure_rule, ExpenditureRule::Im2024);
        assert_eq!(variant.rules().circle_precedence[1], TestedCircle::LowIncome);
        assert_ne!(variant.digest(), default.digest());
    }
    let unknown = packs.effective(place, DAY, Some("IM_WLHT_RURAL")).unwrap_err();
    assert!(matches!(&unknown, Unavailable::UnknownPack { known, .. } if known.len() == 2), "{unknown}");
    let early = packs.effective(place, date(2024, 7, 11), Some("IM_2024")).unwrap_err();
    assert!(matches!(early, Unavailable::UnknownPack { .. }), "the rule was not in force");
}

#[test]
fn the_packs_of_the_worked_cases_hold_the_values_of_their_sets() {
    let file: serde_json::Value = serde_json::from_str(include_str!("../../../tests/cases/listed.json")).unwrap();
    let packs = Packs::shipped();
    for (name, set) in file["parameter_sets"].as_object().unwrap() {
        let set: ParameterSet = serde_json::from_value(set.clone()).unwrap();
        let mut inline = set.parameters(name).unwrap().rules().clone();
        let shipped = packs.named(name, DAY).unwrap();
        // The minimum wage enters no verdict; the shipped one is of the day, that of the sets is not always.
        inline.minimum_wage_monthly = shipped.rules().minimum_wage_monthly;
        // What a circle opens besides money is not in the sets.
        inline.referrals_by_circle.clone_from(&shipped.rules().referrals_by_circle);
        if !inline.expenditure_rule.is_ratio() {
            inline.disposable_income_per_head = shipped.rules().disposable_income_per_head;
        }
        assert_eq!(inline, *shipped.rules(), "{name}");
    }
}

#[test]
fn every_figure_has_a_status_and_borrowed_ones_say_so() {
    let packs = Packs::shipped();
    let parameters = packs.effective(urban("152201"), DAY, None).unwrap();
    for field in parameters.values().held() {
        assert!(!parameters.provenance(field).unwrap().status.is_empty(), "{field}");
    }
    let status = |field| parameters.provenance(field).unwrap().status.clone();
    assert!(status("dwelling_max").starts_with("borrowed: from Shenzhen"));
    assert!(status("topup_percent").starts_with("assumed: split"));
    assert_eq!(parameters.provenance("dibao_standard").unwrap().division, Some(urban("152201").division_code));
}

#[test]
fn the_same_arc_is_handed_out_again_within_an_era() {
    let packs = Packs::shipped();
    let first = packs.effective(urban("152201"), DAY, None).unwrap();
    assert!(Arc::ptr_eq(&first, &packs.effective(urban("152201"), date(2025, 3, 16), None).unwrap()));
    assert!(!Arc::ptr_eq(&first, &packs.effective(urban("152201"), date(2024, 2, 1), None).unwrap()));
}

#[test]
fn inline_sets_become_packs_with_the_same_digests() {
    let file: crate::verdict::cases::CaseFile =
        serde_json::from_str(include_str!("../../../tests/cases/listed.json")).unwrap();
    let sets = || file.parameter_sets.iter().map(|(name, set)| (name.as_str(), set));
    let packs = Packs::from_parameter_sets(sets()).unwrap();
    for (name, set) in sets() {
        let inline = set.parameters(name).unwrap();
        assert_eq!(packs.named(name, DAY).unwrap().digest(), inline.digest(), "{name}");
        assert_eq!(packs.effective(inline.place(), DAY, Some(name)).unwrap().digest(), inline.digest(), "{name}");
    }
    assert_eq!(
        packs.effective(urban("152201"), DAY, None).unwrap().name(),
        "IM_WLHT_URBAN",
        "the first is the default"
    );

    let dir = tempfile::tempdir().unwrap();
    for (path, text) in Packs::files_of_parameter_sets(sets()).unwrap() {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let loaded = Packs::load(dir.path()).unwrap();
    assert_eq!(loaded.names(DAY), packs.names(DAY));
}

#[test]
fn the_tree_of_packs_loads_as_shipped() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/policies");
    let loaded = Packs::load(&root).unwrap().effective(urban("152201"), DAY, None).unwrap();
    assert_eq!(loaded.digest(), Packs::shipped().effective(urban("152201"), DAY, None).unwrap().digest());
}

/// The levels of 152201, widest first.
const LINEAGE: [&str; 4] = ["000000", "150000", "152200", "152201"];

/// A row of `dwelling_max` somewhere along the lineage of 152201; its value is its position in the list of rows.
#[derive(Debug, Clone)]
struct TestRow {
    depth: usize,
    side: Option<UrbanRural>,
    /// Whether the row names divisions, and whether 152201 is among them.
    named: Option<bool>,
    from: i32,
    to: Option<i32>,
}

fn rows() -> impl proptest::strategy::Strategy<Value = Vec<TestRow>> {
    use proptest::prelude::*;
    let side = prop_oneof![Just(None), Just(Some(UrbanRural::Urban)), Just(Some(UrbanRural::Rural))];
    // A row for named divisions stands at a level that has divisions inside.
    let row = (0..4_usize, side, proptest::option::of(any::<bool>()), 0..30_i32, proptest::option::of(0..40_i32));
    proptest::collection::vec(row, 0..12).prop_map(|rows| {
        rows.into_iter()
            .enumerate()
            .map(|(index, (depth, side, named, from, length))| TestRow {
                depth,
                side,
                named: named.filter(|_| depth < 3),
                // Distinct first days: two rows that say the same of the same day are refused, not chosen between.
                from: from * 12 + i32::try_from(index).unwrap(),
                to: length.map(|length| from * 12 + i32::try_from(index).unwrap() + length * 5),
            })
            .collect()
    })
}

fn day(number: i32) -> Date {
    date(2020, 1, 1).checked_add(jiff::Span::new().days(number)).unwrap()
}

fn packs_of(rows: &[TestRow]) -> Packs {
    use std::fmt::Write as _;
    let mut files = Vec::new();
    for (depth, division) in LINEAGE.iter().enumerate() {
        let mut text =
            format!("[pack]\ndivision = \"{division}\"\neffective_from = \"2020-01-01\"\nplace_zh = \"某地\"\n");
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.depth == depth) {
            write!(
                text,
                "[[parameter]]\nfield = \"graduation_months\"\nvalue = {index}\nfrom = \"{}\"\n",
                day(row.from)
            )
            .unwrap();
            if let Some(side) = row.side {
                let side = if side == UrbanRural::Urban { "URBAN" } else { "RURAL" };
                writeln!(text, "urban_rural = \"{side}\"").unwrap();
            }
            if let Some(ours) = row.named {
                writeln!(text, "divisions = [\"{}\"]", if ours { "152201" } else { "152202" }).unwrap();
            }
            if let Some(to) = row.to {
                writeln!(text, "to = \"{}\"", day(to)).unwrap();
            }
            text.push_str("status = \"verified\"\nsource = \"a notice\"\n");
        }
        files.push(PackFile { file: format!("{division}/2020-01-01.toml").into(), bytes: text.into_bytes() });
    }
    // A row may name 152202 at a level that does not contain it: such files are no test of inheritance.
    Packs::of_files(&files, Vec::new()).packs
}

proptest::proptest! {
    /// Written a second time, as a caseworker would say it: the nearest level that says anything; there, rows that name
    /// the place before those that do not, rows for its side before those for both; of these the latest.
    #[test]
    fn the_nearest_most_specific_latest_row_in_force_counts(rows in rows(), on in 0..420_i32, rural in proptest::bool::ANY) {
        let side = if rural { UrbanRural::Rural } else { UrbanRural::Urban };
        let packs = packs_of(&rows);
        let in_force: Vec<(usize, &TestRow)> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.from <= on && row.to.is_none_or(|last| on <= last))
            .filter(|(_, row)| row.side.is_none_or(|own| own == side) && row.named != Some(false))
            .collect();
        let nearest = in_force.iter().map(|(_, row)| row.depth).max();
        let mut left: Vec<_> = in_force.into_iter().filter(|(_, row)| Some(row.depth) == nearest).collect();
        if left.iter().any(|(_, row)| row.named.is_some()) {
            left.retain(|(_, row)| row.named.is_some());
        }
        if left.iter().any(|(_, row)| row.side.is_some()) {
            left.retain(|(_, row)| row.side.is_some());
        }
        let expected = left.iter().max_by_key(|(_, row)| row.from).map(|(index, _)| serde_json::json!(index));
        let place = at("152201", side);
        let effective = packs.effective_figures(place, day(on), None).unwrap();
        proptest::prop_assert_eq!(effective.value("graduation_months"), expected.clone());
        proptest::prop_assert_eq!(effective.missing().contains(&"graduation_months"), expected.is_none());
        // Without a standard there is no verdict, whatever else is there.
        let missing = packs.effective(place, day(on), None).unwrap_err();
        let is_told = matches!(missing, Unavailable::NoParameter { field: "dibao_standard", .. });
        proptest::prop_assert!(is_told, "{}", missing);
    }
}

#[test]
fn a_name_made_of_code_and_side_means_the_place() {
    let packs = Packs::shipped();
    assert_eq!(packs.named("152201_RURAL", DAY).unwrap().name(), "IM_WLHT_RURAL");
    assert_eq!(packs.named("150203_URBAN", DAY).unwrap().rules().line_of_one, Money::from_fen(1_058_400));
    let variant = packs.named("152201_URBAN_IM_2024", DAY).unwrap();
    assert_eq!(variant.name(), "IM_WLHT_URBAN_2024RULE");
    for unknown in ["152201", "152201_TOWN", "X_URBAN", ""] {
        assert!(matches!(packs.named(unknown, DAY), Err(Unavailable::UnknownPack { .. })), "{unknown}");
    }
}

#[test]
fn a_file_laid_over_the_packs_counts_as_if_it_stood_among_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("152201/2025-02-01.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = "[pack]\ndivision = \"152201\"\neffective_from = \"2025-02-01\"\nplace_zh = \"乌兰浩特市\"\n\n[[parameter]]\n\
                field = \"dibao_standard\"\nurban_rural = \"URBAN\"\nvalue = { amount = \"860.00\", period = \"MONTH\" }\n\
                status = \"verified\"\nsource = \"a notice\"\n";
    std::fs::write(&path, text).unwrap();
    let (packs, overlay) = Packs::load_over(None, &path).unwrap();
    assert_eq!((&*overlay.file, overlay.effective_from), ("152201/2025-02-01.toml", date(2025, 2, 1)));
    let line = |on| packs.effective(urban("152201"), on, None).unwrap().rules().line_of_one;
    assert_eq!(
        (line(date(2025, 1, 31)), line(date(2025, 2, 1))),
        (Money::from_fen(994_800), Money::from_fen(1_032_000))
    );
    std::fs::write(&path, text.replace("\"860.00\"", "860")).unwrap();
    let error = Packs::load_over(None, &path).unwrap_err();
    assert_eq!(error.faults.len(), 1, "{error}");
}

#[test]
fn every_mistake_of_a_folder_is_told_in_one_run() {
    let dir = tempfile::tempdir().unwrap();
    let put = |path: &str, bytes: &[u8]| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    put("152201/2025-01-01.toml", b"[pack]\ndivision = \"152201\"\n");
    put("152202/2025-01-01.toml", b"a = \xff\n");
    put("152221/2025-01-01.toml", b"[pack\n");
    put("152222/2025-01-01.toml", &vec![b'#'; 10 * 1024 * 1024]);
    put("Wulanhaote/2025-01-01.toml", b"");
    put("2025-01-01.toml", b"");
    put("152201/old/2024-01-01.toml", b"");
    put("152201/.2025-01-01.toml.swp", b"\xff");
    put("README.md", b"");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("loop", dir.path().join("loop")).unwrap();
        std::os::unix::fs::symlink("..", dir.path().join("152201/up")).unwrap();
        std::os::unix::fs::symlink("self.toml", dir.path().join("152201/self.toml")).unwrap();
    }
    let error = Packs::load(dir.path()).unwrap_err();
    let told: Vec<(&str, &str)> = error.faults.iter().map(|fault| (&*fault.file, fault.code.as_str())).collect();
    for expected in [
        ("152201/2025-01-01.toml", "key_missing"),
        ("152202/2025-01-01.toml", "file_not_utf8"),
        ("152221/2025-01-01.toml", "syntax"),
        ("152222/2025-01-01.toml", "file_too_large"),
        ("Wulanhaote", "folder_name"),
    ] {
        assert!(told.contains(&expected), "{expected:?}: {told:?}");
    }
    #[cfg(unix)]
    assert!(told.contains(&("loop", "file_unreadable")) && told.contains(&("152201/self.toml", "file_unreadable")));
    assert!(!told.iter().any(|(file, _)| file.contains("swp") || file.contains("README")), "{told:?}");
    let reading = Packs::read(Some(dir.path()), None);
    let ignored: Vec<&str> =
        reading.faults.iter().filter(|fault| fault.code == Code::FileIgnored).map(|fault| &*fault.file).collect();
    assert!(ignored.contains(&"2025-01-01.toml") && ignored.contains(&"152201/old"), "{ignored:?}");
    assert_eq!(error.text().zh.lines().count(), error.faults.len() + 1);
}

#[test]
fn a_folder_that_is_not_there_or_holds_nothing_is_told() {
    let missing = Packs::load(Path::new("/nowhere")).unwrap_err();
    assert_eq!(missing.faults[0].code, Code::FileUnreadable);
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(Packs::load(empty.path()).unwrap_err().faults[0].code, Code::FolderEmpty);
}

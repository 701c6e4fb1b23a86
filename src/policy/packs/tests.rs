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

const GOOD: &str = r#"
[pack]
division = "152201"
effective_from = "2024-01-01"
place_zh = "乌兰浩特市"
[[parameter]]
field = "dwelling_max"
value = 1
status = "verified"
source = "a notice"
"#;

#[test]
fn a_wrong_pack_is_told_file_field_and_remedy() {
    let path = Path::new("152201/2024-01-01.toml");
    assert!(Pack::parse(path, GOOD).is_ok());
    let row = GOOD.split("[[parameter]]").nth(1).unwrap();
    for (wrong, says) in [
        (GOOD.replace("\"152201\"", "\"152202\""), "pack.division"),
        (GOOD.replace("2024-01-01", "2024-01-02"), "pack.effective_from"),
        (GOOD.replace("place_zh", "variant = \"X\"\nplace_zh"), "pack.variant"),
        (GOOD.replace("dwelling_max", "dwellings"), "is not a parameter"),
        (GOOD.replace("value = 1", "value = \"one\""), "`dwelling_max`: value"),
        (GOOD.replace("source = \"a notice\"", ""), "names no source"),
        (GOOD.replace("status = \"verified\"", "status = \"conflict: do not use\""), "[[reference]]"),
        (GOOD.replace("value = 1", "value = 1\nto = \"2023-01-01\""), "`to` is before `from`"),
        (GOOD.replace("value = 1", "value = 1\ndivisions = [\"150200\"]"), "not inside 152201"),
        (format!("{GOOD}[[parameter]]{row}"), "stands twice"),
        (GOOD.replace("place_zh", "colour = 1\nplace_zh"), "colour"),
    ] {
        let error = Pack::parse(path, &wrong).unwrap_err();
        assert!(error.to_string().contains("152201/2024-01-01.toml"), "{error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
        assert!(error.text().zh.contains("政策包"));
    }
    assert!(matches!(Packs::load(Path::new("/nowhere")), Err(PolicyError::Read { .. })));
}

#[test]
fn every_shipped_pack_fits_the_published_schema() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../../schemas/policy.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (path, text) in SHIPPED {
        let document = serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap()).unwrap();
        let faults: Vec<String> = validator.iter_errors(&document).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{path}: {faults:?}");
    }
    for wrong in [GOOD.replace("value = 1", "value = \"one\""), GOOD.replace("source = \"a notice\"", "")] {
        let document = serde_json::to_value(toml::from_str::<toml::Value>(&wrong).unwrap()).unwrap();
        assert!(!validator.is_valid(&document), "{wrong}");
    }
    let listed = schema["properties"]["parameter"]["items"]["properties"]["field"]["enum"].clone();
    assert_eq!(listed, serde_json::json!(crate::policy::values::FIELDS), "schema and program list the same parameters");
}

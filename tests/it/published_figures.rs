//! Every published figure that may be used is in a pack with its source; what is left out is left out for a reason.

use std::collections::BTreeMap;

use serde_json::Value;

use super::hub::root;

/// Rows of the published figures that their status does not allow, and why. Everything else is in a pack.
const EXCLUDED: [(usize, &str); 2] = [
    (10, "conflict: do not use — 807 a month is lower than the 840 of the year before, and the page has no address"),
    (11, "conflict: do not use — 588 a month is lower than the 670 of the year before, and the page has no address"),
];

/// Rows that are published figures and still no parameters: what verdicts would rest on is not on their page.
const REFERENCE_ONLY: [(usize, &str); 2] = [
    (89, "Qingdao: the year is not on the page, so the figure cannot be dated"),
    (91, "Jinan: five districts that the page does not name have another rural standard"),
];

type Packs = BTreeMap<String, Vec<toml::Table>>;

/// The pack files of the tree, as TOML and nothing more, by division.
fn packs() -> Packs {
    let mut packs = Packs::new();
    for folder in std::fs::read_dir(root().join("config/policies")).unwrap().flatten() {
        let division = folder.file_name().into_string().unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
            let text = std::fs::read_to_string(file.path()).unwrap();
            packs.entry(division.clone()).or_default().push(toml::from_str(&text).unwrap());
        }
    }
    packs
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// The rows of one part of a division's files, as JSON, with the first day of the file where they name none.
fn rows(packs: &Packs, division: &str, part: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    for pack in packs.get(division).into_iter().flatten() {
        for row in pack.get(part).and_then(toml::Value::as_array).into_iter().flatten() {
            let mut row = serde_json::to_value(row).unwrap();
            if row["from"].is_null() {
                row["from"] = Value::String(pack["pack"]["effective_from"].as_str().unwrap().to_owned());
            }
            rows.push(row);
        }
    }
    rows
}

/// The side as a pack names it: nothing where the figure is for both.
fn side(published: &Value) -> &str {
    match text(published, "urban_rural") {
        "ALL" => "",
        side => side,
    }
}

/// A parameter `dibao_standard` with the amount, unit, side, year and source of a published row.
fn is_standard(packs: &Packs, published: &Value) -> bool {
    let from = text(published, "effective_from");
    rows(packs, text(published, "region_code"), "parameter").iter().any(|row| {
        row["field"] == "dibao_standard"
            && row["value"]["amount"] == published["amount"]
            && row["value"]["period"] == published["unit"]
            && row["source"] == published["source"]
            && text(row, "urban_rural") == side(published)
            && text(row, "from").starts_with(from)
            && text(row, "status").starts_with("verified")
    })
}

/// A reference with the same figure and source.
fn is_reference(packs: &Packs, published: &Value, amounts: &[Value], unit: &str) -> bool {
    rows(packs, text(published, "region_code"), "reference").iter().any(|row| {
        row["kind"] == published["kind"]
            && row["source"] == published["source"]
            && row["from"] == published["effective_from"]
            && row["urban_rural"] == published["urban_rural"]
            && (text(row, "unit") == unit && row["amounts"].as_array().is_some_and(|own| own == amounts)
                || !published["rule"].is_null() && row["rule"] == published["rule"])
    })
}

fn is_minimum_wage(packs: &Packs, published: &Value) -> bool {
    let tiers = |name: &str| {
        let all = published[name].as_array().cloned().unwrap_or_default();
        // Only the first tier of a row whose others are a draft.
        if text(published, "status") == "tier 1 verified, tiers 2-3 draft" { all[..1].to_vec() } else { all }
    };
    let (monthly, hourly) = (tiers("tiers_month"), tiers("tiers_hour"));
    let day = text(published, "effective_from").trim_start_matches("as of ");
    let is_parameter = rows(packs, text(published, "region_code"), "parameter").iter().any(|row| {
        row["field"] == "minimum_wage_monthly"
            && monthly == [row["value"].clone()]
            && row["source"] == published["source"]
            && row["from"] == day
    });
    (is_parameter || is_reference(packs, published, &monthly, "MONTH"))
        && (hourly.is_empty() || is_reference(packs, published, &hourly, "HOUR"))
}

#[test]
fn every_published_figure_that_may_be_used_is_in_a_pack_with_its_source() {
    let published: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("tests/fixtures/standards.json")).unwrap()).unwrap();
    let packs = packs();
    let mut counts = BTreeMap::new();
    let published = published["rows"].as_array().unwrap();
    for (index, row) in published.iter().enumerate() {
        let is_average = text(row, "note") == "regional average";
        let amount = [row["amount"].clone()];
        let as_standard = row["kind"] == "dibao" && is_standard(&packs, row);
        let as_reference = is_reference(&packs, row, &amount, text(row, "unit"));
        if let Some((_, why)) = EXCLUDED.iter().find(|(excluded, _)| *excluded == index) {
            assert!(text(row, "status").contains("do not use"), "row {index} is left out ({why}): {row}");
            assert!(!as_standard && !as_reference, "row {index} must not be used: {row}");
            *counts.entry("left out").or_insert(0) += 1;
            continue;
        }
        let reference_only = REFERENCE_ONLY.iter().any(|(only, _)| *only == index);
        let found = match text(row, "kind") {
            // Averages of a region are nobody's standard; neither is what cannot be placed or dated.
            "dibao" if is_average || reference_only => as_reference && !as_standard,
            "dibao" => as_standard,
            "minimum_wage" => is_minimum_wage(&packs, row),
            _ => as_reference,
        };
        assert!(found, "row {index} is in no pack as it should be: {row}");
        *counts.entry(if as_standard { "standard" } else { "reference" }).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from([("left out", 2), ("reference", 70), ("standard", 45)]), "{}", published.len());
}

#[test]
fn tiers_of_benefits_and_of_minimum_wages_are_those_published() {
    let published: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("tests/fixtures/standards.json")).unwrap()).unwrap();
    let packs = packs();
    for row in published["rows"].as_array().unwrap() {
        let tiers = if row["tiers"].is_null() { &row["tiers_month"] } else { &row["tiers"] };
        let Some(tiers) = tiers.as_object().filter(|_| row["region_code"] == "652722") else { continue };
        let expected: Vec<Value> = tiers
            .iter()
            .map(|(tier, amount)| serde_json::json!({"tier": tier, "per_person_monthly": amount}))
            .collect();
        let held = rows(&packs, "652722", "parameter");
        assert!(
            held.iter().any(|own| own["field"] == "tiers"
                && text(own, "urban_rural") == side(row)
                && own["value"].as_array() == Some(&expected)),
            "{row}"
        );
    }
    let wages = &published["minimum_wage_tiers_inner_mongolia"]["tiers"];
    for (tier, amount) in [("1", "2270.00"), ("2", "2200.00")] {
        let held = rows(&packs, "150000", "parameter");
        let row = held.iter().find(|row| row["field"] == "minimum_wage_monthly" && row["value"] == amount).unwrap();
        assert_eq!(row["divisions"], wages[tier], "the banners of tier {tier}");
    }
}

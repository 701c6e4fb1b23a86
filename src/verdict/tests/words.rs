//! Trace and report: every sum can be followed, every code has words, and a person decides.

use proptest::prelude::*;

use super::*;
use crate::verdict::explain::report;
use crate::verdict::trace::{Outcome, trace};

#[test]
fn the_trace_leads_from_the_circle_to_evidence_and_source() {
    let (facts, parameters) = (household("18000.00"), urban());
    let verdict = evaluate(&facts, &parameters).unwrap();
    let trace = trace(&facts, &parameters, &verdict).unwrap();
    let dibao = trace.root.find("circle.dibao").unwrap();
    assert_eq!(dibao.result, Outcome::Holds(true));
    assert_eq!(dibao.margin, Some(yuan("11844.00")));
    assert_eq!(dibao.parameters[0].provenance.status, "verified");
    assert!(dibao.parameters[0].provenance.source.as_ref().unwrap().contains("内政字〔2024〕131号"));
    let item = trace.root.find("income.item").unwrap();
    assert_eq!(item.inputs[0].evidence, Some(EvidenceId(1)));
    assert_eq!(serde_json::to_value(&item.inputs[0]).unwrap()["source"], "declared");
    let financial = trace.root.find("property.financial").unwrap();
    assert!(financial.parameters[0].provenance.status.starts_with("borrowed"));
}

#[test]
fn a_report_says_result_sums_gaps_changes_and_that_a_person_decides() {
    let mut facts = household("36000.00");
    facts.gaps.push(silent("hrss"));
    let parameters = urban();
    let verdict = evaluate(&facts, &parameters).unwrap();
    let report = report(&facts, &parameters, &verdict).unwrap();
    assert_eq!(
        report.headline.en,
        "Not settled yet; possible are: low-income household; no assistance circle; waiting for Human resources and social security."
    );
    assert!(report.headline.zh.contains("须等待人力资源和社会保障答复"), "{}", report.headline.zh);
    let section = |id: &str| report.sections.iter().find(|section| section.id == id).unwrap().lines.clone();
    assert!(
        section("sums").iter().any(|line| line.zh.contains("36000.00元 < 29844.00元，不成立")),
        "{:?}",
        section("sums")
    );
    assert!(section("missing")[0].en.ends_with("did not answer in time; this could change the result."));
    assert!(
        section("changes")[0].en.contains("8766.00 yuan (243.50 yuan a head and month) or more"),
        "{:?}",
        section("changes")
    );
    assert!(report.closing.en.contains("a caseworker reviews it and decides"));
    assert!(report.closing.zh.contains("经办人员"));
}

#[test]
fn a_gate_is_explained_without_any_sum() {
    let mut facts = household("36000.00");
    facts.members[0].authorised = false;
    let parameters = urban();
    let verdict = evaluate(&facts, &parameters).unwrap();
    let report = report(&facts, &parameters, &verdict).unwrap();
    assert!(report.headline.en.contains("authorisation is missing"));
    assert!(!report.sections.iter().any(|section| section.id == "changes" || section.id == "missing"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_code_has_words_and_every_sentence_two_languages(facts in super::properties::any_facts(), ratio: bool) {
        let parameters = if ratio { parameters_with("IM_WLHT_URBAN_2024RULE", |_| {}) } else { urban() };
        let verdict = evaluate(&facts, &parameters).unwrap();
        let report = report(&facts, &parameters, &verdict).unwrap();
        for section in &report.sections {
            for line in &section.lines {
                prop_assert!(!line.zh.is_empty() && !line.en.is_empty());
            }
        }
        for code in &verdict.reason_codes {
            let bare = format!("{code}（{code}）");
            let lines = report.sections.iter().flat_map(|section| &section.lines);
            prop_assert!(lines.clone().all(|line| line.zh != bare), "{code} has no words");
        }
    }
}

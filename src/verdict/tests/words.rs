//! Trace and texts: every sum can be followed, every code has words, nobody is told too much, a person decides.

use proptest::prelude::*;

use super::*;
use crate::domain::id_number::IdNumber;
use crate::domain::period::Period;
use crate::policy::Parameters;
use crate::verdict::Verdict;
use crate::verdict::comparison::{Comparison, compare, of_facts};
use crate::verdict::explain::{Matter, Report, View, tell};
use crate::verdict::trace::{Outcome, trace};

pub(super) fn catalogue() -> &'static Catalogue {
    static SHIPPED: LazyLock<Catalogue> = LazyLock::new(Catalogue::shipped);
    &SHIPPED
}

fn compared(facts: &Facts, parameters: &Parameters) -> Comparison {
    let window = Period::months_before(facts.assessed_on, 12);
    compare(&of_facts(facts, catalogue(), window, &parameters.rules().income_authority), None)
}

fn told(view: View, facts: &Facts, parameters: &Parameters) -> Report {
    told_of(view, facts, parameters, &evaluate(facts, parameters).unwrap())
}

pub(super) fn told_of(view: View, facts: &Facts, parameters: &Parameters, verdict: &Verdict) -> Report {
    let comparison = compared(facts, parameters);
    let matter =
        Matter { catalogue: catalogue(), facts, parameters: Some(parameters), verdict, comparison: Some(&comparison) };
    tell(view, &matter).unwrap()
}

pub(super) fn lines(report: &Report, id: &str) -> Vec<crate::domain::problem::Text> {
    report.sections.iter().find(|section| section.id == id).map_or_else(Vec::new, |section| section.lines.clone())
}

/// Everything a report says, in both languages.
fn whole(report: &Report) -> String {
    serde_json::to_string(report).unwrap()
}

#[test]
fn the_trace_leads_from_the_circle_to_evidence_and_source() {
    let (facts, parameters) = (household("18000.00"), urban());
    let verdict = evaluate(&facts, &parameters).unwrap();
    let trace = trace(&facts, &parameters, &verdict).unwrap();
    let dibao = trace.root().find("circle.dibao").unwrap();
    assert_eq!(dibao.result, Outcome::Holds(true));
    assert_eq!(dibao.margin(), Some(yuan("11844.00")));
    assert_eq!(dibao.parameters()[0].provenance.status, "verified");
    assert!(dibao.parameters()[0].provenance.source.as_ref().unwrap().contains("内政字〔2024〕131号"));
    let item = trace.root().find("income.item").unwrap();
    assert_eq!(item.inputs()[0].evidence, Some(EvidenceId(1)));
    assert_eq!(serde_json::to_value(item.inputs()[0]).unwrap()["source"], "declared");
    let financial = trace.root().find("property.financial").unwrap();
    assert!(financial.parameters()[0].provenance.status.starts_with("borrowed"));
}

fn count(node: crate::verdict::trace::Node<'_>) -> usize {
    1 + node.children().map(count).sum::<usize>()
}

#[test]
fn a_trace_reads_as_the_tree_it_is() {
    let mut facts = household("36000.00");
    facts.gaps.push(silent("health"));
    let parameters = urban();
    let verdict = evaluate(&facts, &parameters).unwrap();
    let trace = trace(&facts, &parameters, &verdict).unwrap();
    let root = trace.root();
    assert_eq!(count(root), root.walk().count());
    let below = |rule: &str| root.find(rule).unwrap().children().map(|node| node.rule).collect::<Vec<_>>();
    assert_eq!(below("circle"), ["circle.dibao", "circle.low_income", "circle.expenditure"]);
    assert_eq!(below("circle.low_income"), ["circle.low_income.from", "circle.low_income.to"]);
    assert!(below("gap").is_empty() && root.find("nothing").is_none());
    let json = serde_json::to_value(&trace).unwrap();
    assert_eq!(json["root"]["children"].as_array().unwrap().len(), root.children().count());
}

#[test]
fn a_report_says_result_sums_gaps_changes_and_that_a_person_decides() {
    let mut facts = household("36000.00");
    facts.gaps.push(silent("hrss"));
    let report = told(View::Caseworker, &facts, &urban());
    assert_eq!(
        report.headline.en,
        "Not settled yet; possible are: low-income household; no assistance circle; waiting for Human resources and social security."
    );
    assert!(report.headline.zh.contains("须等待人力资源和社会保障答复"), "{}", report.headline.zh);
    let sums = lines(&report, "sums");
    assert!(sums.iter().any(|line| line.zh.contains("36000.00元 < 29844.00元，不成立")), "{sums:?}");
    assert_eq!(lines(&report, "missing")[0].zh, "人力资源和社会保障：超时未答复；若显示还有收入，可能改变结果。");
    assert_eq!(
        lines(&report, "changes")[1].en,
        "If Human resources and social security shows 8766.00 yuan (243.50 yuan a head and month) or more of further income, no circle is met."
    );
    assert!(report.closing.en.contains("a caseworker reviews it and decides"));
    assert!(report.closing.zh.contains("经办人员"));
}

#[test]
fn a_gate_is_explained_without_any_sum() {
    let mut facts = household("36000.00");
    facts.members[0].authorised = false;
    let report = told(View::Caseworker, &facts, &urban());
    assert_eq!(report.sentence.as_ref().unwrap().zh, "缺少授权，不能核对：m1 户主（38岁）尚未签署授权。");
    assert!(lines(&report, "changes").is_empty() && lines(&report, "missing").is_empty());
    let notice = told(View::Resident, &facts, &urban());
    assert_eq!(lines(&notice, "result")[0].zh, "还没有签署授权书的是：户主（38岁）。签署后就可以核对。");
}

#[test]
fn a_silent_department_is_said_to_show_only_what_its_registers_hold() {
    let mut facts = household("18000.00");
    facts.gaps.push(silent("housing"));
    let report = told(View::Caseworker, &facts, &urban());
    let turning = lines(&report, "changes");
    let financial = turning.iter().find(|line| line.zh.contains("金融资产增加")).unwrap();
    assert!(financial.zh.contains("没有已接入的部门能查到") && !financial.zh.contains("住房"), "{}", financial.zh);
    assert!(
        turning.iter().any(|line| line.zh == "若住房和城乡建设查到超过规定的住房或者非居住用房，则不符合任何圈层。"),
        "{turning:?}"
    );
    let verdict = evaluate(&facts, &urban()).unwrap();
    let wire = wire(&verdict);
    for point in wire["tipping_points"].as_array().unwrap() {
        if point["quantity"] == "financial_assets" {
            assert_eq!(point["departments"], serde_json::json!([]), "nobody silent can show them");
        }
    }
}

#[test]
fn the_nearest_circle_missed_is_named_with_what_is_in_the_way() {
    let mut facts = household("18000.00");
    facts.assets = vec![asset("DEPOSIT", "59688.01"), asset("DWELLING", "0.00")];
    let report = told(View::Caseworker, &facts, &urban());
    assert_eq!(
        lines(&report, "changes")[0].zh,
        "最近未达到的圈层：最低生活保障家庭（低保）。差在财产：金融资产59688.01元，限额59688.00元，超出0.01元。"
    );
    let report = told(View::Caseworker, &household("45000.00"), &urban());
    assert_eq!(
        lines(&report, "changes")[0].zh,
        "最近未达到的圈层：低收入家庭（低保边缘），计入收入多234.01元（人均每月6.50元）。"
    );
}

#[test]
fn a_verdict_that_rests_on_no_pack_is_told_to_everybody() {
    let facts = household("18000.00");
    let place = urban().place();
    let verdict = Verdict::pending_parameter(&facts, place);
    for view in View::ALL {
        let matter =
            Matter { catalogue: catalogue(), facts: &facts, parameters: None, verdict: &verdict, comparison: None };
        let report = tell(view, &matter).unwrap();
        assert!(!report.headline.zh.is_empty() && !report.closing.en.is_empty(), "{view:?}");
    }
}

/// An identity number anywhere in a text.
fn holds_identity_number(text: &str) -> bool {
    let number = |start: usize| text.get(start..start + 18).is_some_and(|part| IdNumber::parse(part).is_ok());
    (0..text.len().saturating_sub(17)).any(number)
}

/// Words of this system that no resident should meet.
fn is_internal(text: &str) -> bool {
    let mut word = String::new();
    for letter in text.chars().chain([' ']) {
        if letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_' {
            word.push(letter);
            continue;
        }
        if word.contains('_') || word.len() > 4 && word.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return true;
        }
        word.clear();
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_code_has_words_and_every_sentence_two_languages(facts in super::properties::any_facts(), ratio: bool) {
        let parameters = if ratio { parameters_with("IM_WLHT_URBAN_2024RULE", |_| {}) } else { urban() };
        for view in View::ALL {
            let report = told(view, &facts, &parameters);
            for line in report.sections.iter().flat_map(|section| &section.lines) {
                prop_assert!(!line.zh.is_empty() && !line.en.is_empty());
                prop_assert!(!line.zh.contains("，，") && !line.zh.contains("。。") && !line.en.contains("  ("), "{line:?}");
            }
            // What the caseworker reads is words: codes are for the auditor.
            if view == View::Caseworker {
                for line in lines(&report, "reasons") {
                    prop_assert!(!is_internal(&line.zh) && !is_internal(&line.en), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn no_view_of_any_household_holds_an_identity_number(mut facts in super::properties::any_facts()) {
        // What a household may write as it likes.
        for (index, obligor) in facts.obligors.iter_mut().enumerate() {
            obligor.obligor_id = ["150000198605021015", "儿子15000019700101109X，在外地"][index % 2].to_owned();
        }
        for income in &mut facts.incomes {
            income.dedupe_key = Some("PENSION:150000198808191022@2024-03".to_owned());
        }
        for view in View::ALL {
            let report = told(view, &facts, &urban());
            prop_assert!(!holds_identity_number(&whole(&report)), "{view:?}");
        }
    }

    #[test]
    fn the_resident_meets_no_codes_no_suspicion_and_nothing_of_others(facts in super::properties::any_facts(), ratio: bool) {
        let parameters = if ratio { parameters_with("IM_WLHT_URBAN_2024RULE", |_| {}) } else { urban() };
        let verdict = evaluate(&facts, &parameters).unwrap();
        let notice = told_of(View::Resident, &facts, &parameters, &verdict);
        let text = whole(&notice);
        for line in notice.sections.iter().flat_map(|section| &section.lines).chain([&notice.headline, &notice.closing]) {
            prop_assert!(!is_internal(&line.zh) && !is_internal(&line.en), "{line:?}");
        }
        for flag in &verdict.flags {
            prop_assert!(!text.contains(flag.as_ref()), "{flag}");
        }
        for obligor in &facts.obligors {
            let named = [format!("\"{}", obligor.obligor_id), format!(" {}", obligor.obligor_id)];
            prop_assert!(named.iter().all(|name| !text.contains(name)), "an obligor is named");
        }
        // Neither who answers nor why not: only that an answer is missing.
        for inside in ["hrss", "medical_insurance", "timeout", "超时", "格式", "配额", "sha256", "vd_", "去世后仍有发放", "went on after death"] {
            prop_assert!(!text.contains(inside), "{inside}");
        }
        prop_assert!(!text.contains("核对通过") && !text.contains("财产合格") && !text.contains("passed"));
        prop_assert!(text.contains("第二十四条") && text.contains("复核"), "the rights stand in every notice");
        if facts.assets.iter().any(|asset| asset.source == Source::Declared && asset.count > 0) && !lines(&notice, "property").is_empty() {
            prop_assert!(text.contains("没有经过部门核实"));
        }
    }
}

//! A replay is the same to the byte, or says in what it is not.

use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::domain::dataset::Catalogue;
use crate::policy::Packs;
use crate::verdict::cases::CaseFile;

struct Case {
    catalogue: Catalogue,
    facts: Facts,
    packs: Packs,
    verdict: Box<RawValue>,
    parameters: std::sync::Arc<Parameters>,
}

fn plain() -> Case {
    let file: CaseFile = serde_json::from_str(include_str!("../../../tests/cases/listed.json")).unwrap();
    let catalogue = Catalogue::shipped();
    let facts = file.cases[0].facts(&catalogue).unwrap();
    let packs = Packs::shipped();
    let parameters = packs.named(&file.cases[0].parameter_set, facts.assessed_on).unwrap();
    let verdict = crate::verdict::evaluate(&facts, &parameters).unwrap();
    Case { catalogue, facts, packs, verdict: serde_json::value::to_raw_value(&verdict).unwrap(), parameters }
}

impl Case {
    fn kept(&self) -> Kept<'_> {
        Kept {
            verification: "vf_1",
            catalogue: &self.catalogue,
            facts: &self.facts,
            place: self.parameters.place(),
            verdict: &self.verdict,
            engine: Some(ENGINE_VERSION),
            pack_digest: Some(self.parameters.digest()),
            pack: Some(&self.parameters),
            in_force: Some(&self.parameters),
            then: None,
        }
    }
}

#[test]
fn the_same_facts_and_pack_give_the_same_bytes() {
    let case = plain();
    let replay = replay(&case.kept());
    assert!(replay.same && replay.changed.is_empty() && replay.pack_since.is_empty());
    assert_eq!(replay.kept.sha256, replay.replayed.sha256);
    assert_eq!(replay.kept.verdict_id, replay.replayed.verdict_id);
}

#[test]
fn another_engine_version_is_named_with_what_it_judges_otherwise() {
    let case = plain();
    // An older engine whose ids were other ones, and that computed another benefit.
    let mut old: Value = serde_json::from_str(case.verdict.get()).unwrap();
    old["id"] = json!("vd_old");
    let same_but_id = serde_json::value::to_raw_value(&old).unwrap();
    let told = replay(&Kept { engine: Some("0"), verdict: &same_but_id, ..case.kept() });
    assert!(!told.same);
    assert_eq!(told.changed.len(), 1, "{:?}", told.changed);
    assert_eq!((told.changed[0].what, &told.changed[0].before), ("engine", &json!("0")));
    assert!(told.statement.en.contains("only its id differs"));
    old["benefit_hint"]["monthly_total"] = json!("1.00");
    let other = serde_json::value::to_raw_value(&old).unwrap();
    let told = replay(&Kept { engine: None, verdict: &other, ..case.kept() });
    let fields: Vec<_> = told.changed.iter().map(|change| (change.what, change.field.as_deref())).collect();
    assert_eq!(fields, [("engine", None), ("verdict", Some("benefit_hint.monthly_total"))]);
    assert!(told.changed[0].text.en.contains("a version that was not recorded"));
}

#[test]
fn a_counterfactual_never_touches_the_replay() {
    let case = plain();
    let rural = case.packs.named("IM_WLHT_RURAL", date(2025, 3, 15)).unwrap();
    let told = replay(&Kept { then: Some((date(2025, 3, 15), Some(&rural))), ..case.kept() });
    assert!(told.same);
    assert_eq!(told.headline.zh, "核对结果：最低生活保障家庭（低保）。");
    let other = told.counterfactual.unwrap();
    assert!(other.parameters.iter().any(|change| change.field.as_deref() == Some("dibao_standard")));
    assert!(other.differences.iter().any(|change| change.field.as_deref() == Some("computed.dibao_line_12m")));
    assert!(other.notice.en.starts_with("A counterfactual, not a verdict"));
}

//! 500 households through the wire, 32 callers at once: the hub agrees with the simulator's own truth.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hedui::domain::dataset::Catalogue;
use hedui::policy::Packs;
use hedui::simulate::{DEFAULT_DATE, Simulation};
use hedui::verdict;
use hedui::verdict::cases::CaseFile;
use serde_json::Value;
use tempfile::TempDir;

use super::hub::{DEPARTMENTS, Setup, System, requests};

const CALLERS: usize = 32;

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_households_get_their_true_verdict_from_32_callers_at_once() {
    let system = System::start(
        Setup { on_servers: true, ask_timeout: Some("30s"), deadline: Some("60s"), ..Setup::default() },
        Simulation::population(500, 7, DEFAULT_DATE).unwrap(),
    )
    .await;
    let truth: Value =
        serde_json::from_slice(&std::fs::read(system.folder.path().join("truth.json")).unwrap()).unwrap();
    let documents = requests(system.folder.path());
    let cases: Arc<Vec<(Value, Value)>> = Arc::new(
        truth["cases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|case| (case.clone(), documents[case["id"].as_str().unwrap()].clone()))
            .collect(),
    );
    assert_eq!(cases.len(), 500);
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (cases, next, caller) = (Arc::clone(&cases), Arc::clone(&next), system.caller.clone());
        callers.spawn(async move {
            let mut failures = Vec::new();
            while let Some((case, document)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                let reply = caller.verify(document).await;
                let verdict = &reply.body["verdict"];
                let expected = case["expected"].as_object().unwrap();
                for (field, wanted) in expected
                    .iter()
                    .filter(|(field, _)| !matches!(field.as_str(), "note" | "reason_codes" | "deciding_clauses"))
                {
                    if verdict.get(field).unwrap_or(&Value::Null) != wanted {
                        let rows = reply.body["departments"].as_array().into_iter().flatten();
                        let silent: Vec<String> = rows
                            .filter(|row| row["status"] == "unavailable" || row["reason"].is_string())
                            .map(|row| format!("{} {}", row["department"], row["reason"]))
                            .collect();
                        failures.push(format!(
                            "{}: {field}: true {wanted}, got {} ({})",
                            case["id"],
                            verdict.get(field).unwrap_or(&Value::Null),
                            silent.join(", ")
                        ));
                    }
                }
            }
            failures
        });
    }
    let failures: Vec<String> = callers.join_all().await.into_iter().flatten().collect();
    assert!(failures.is_empty(), "{} differences\n{}", failures.len(), failures.join("\n"));
    system.stop().await;
}

/// What a department may do instead of answering.
const FAILURES: [&str; 4] = ["TIMEOUT", "ERROR", "QUOTA", "NOT_AUTHORISED"];

/// A household's departments fail in a way that follows from its number: none, one, two, …
fn failing(index: usize) -> Value {
    let mut statuses = serde_json::Map::new();
    for (place, department) in DEPARTMENTS.iter().enumerate() {
        let draw = (index * 7919 + place * 104_729) % 97;
        let status = if draw < 24 { FAILURES[draw % 4] } else { "OK" };
        statuses.insert((*department).to_owned(), status.into());
    }
    Value::Object(statuses)
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_with_departments_failing_the_wire_says_what_the_rules_say_of_the_same_gaps() {
    let draft = TempDir::new().unwrap();
    Simulation::population(90, 11, DEFAULT_DATE).unwrap().write(&draft.path().join("drawn")).await.unwrap();
    let mut drawn: Value =
        serde_json::from_slice(&std::fs::read(draft.path().join("drawn/truth.json")).unwrap()).unwrap();
    for (index, case) in drawn["cases"].as_array_mut().unwrap().iter_mut().enumerate() {
        case["department_status"] = failing(index);
    }
    let file = draft.path().join("failing.json");
    std::fs::write(&file, drawn.to_string()).unwrap();
    let rules: CaseFile = serde_json::from_value(drawn).unwrap();
    let sets = rules.parameter_sets.iter().map(|(name, set)| (name.as_str(), set));
    let packs = Packs::from_parameter_sets(sets).unwrap();
    let setup = Setup { own_packs: true, ask_timeout: Some("3s"), ..Setup::default() };
    let system = System::start(setup, Simulation::from_cases(&file).unwrap()).await;
    let documents = requests(system.folder.path());
    let mut callers = tokio::task::JoinSet::new();
    // Few at a time, so that only who is to be silent is.
    let turns = Arc::new(tokio::sync::Semaphore::new(12));
    for case in rules.cases {
        // One payment told by two departments of which one is silent: the other's word weighs differently then.
        let Ok(facts) = case.facts(&Catalogue::shipped()) else { continue };
        let keyed = facts.incomes.iter().filter(|income| income.dedupe_key.is_some()).count();
        if keyed > 1 {
            continue;
        }
        let parameters = packs.named(&case.parameter_set, case.assessment_date).unwrap();
        let expected = serde_json::to_value(verdict::evaluate(&facts, &parameters).unwrap()).unwrap();
        let (caller, document, turns) = (system.caller.clone(), documents[&case.id].clone(), Arc::clone(&turns));
        callers.spawn(async move {
            let turn = turns.acquire_owned().await.unwrap();
            let reply = caller.verify(&document).await;
            drop(turn);
            let fields = [
                "status",
                "household_circle",
                "also_meets",
                "member_outcomes",
                "emergency_overlay",
                "possible_circles",
                "blocking_departments",
                "computed",
                "benefit_hint",
                "review_cycle_months",
                "flags",
            ];
            let told = &reply.body["verdict"];
            let differs = |field: &&&str| told[**field] != expected[**field];
            let differences: Vec<_> = fields
                .iter()
                .filter(differs)
                .map(|field| format!("{}: {field}: rules {}, wire {}", case.id, expected[*field], told[*field]))
                .collect();
            (expected["status"] == "PENDING_DATA", differences)
        });
    }
    let told = callers.join_all().await;
    let differences: Vec<&String> = told.iter().flat_map(|(_, differences)| differences).collect();
    assert!(differences.is_empty(), "{differences:#?}");
    let pending = told.iter().filter(|(pending, _)| *pending).count();
    assert!(pending > 10 && pending < told.len() - 10, "both settled and open: {pending} of {}", told.len());
    system.stop().await;
}

//! 500 households through the wire, 32 callers at once: the hub agrees with the simulator's own truth.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hedui::simulate::{DEFAULT_DATE, Simulation};
use serde_json::Value;

use super::hub::{Setup, System, requests};

const CALLERS: usize = 32;

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_households_get_their_true_verdict_from_32_callers_at_once() {
    let system = System::start(
        Setup { ask_timeout: Some("30s"), ..Setup::default() },
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
                        failures.push(format!(
                            "{}: {field}: true {wanted}, got {}",
                            case["id"],
                            verdict.get(field).unwrap_or(&Value::Null)
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

//! How a department does is told by what it is asked and answers.

use std::time::Duration;

use hedui::federation::health::{HealthView, Step, Symptom};
use serde_json::Value;

use super::faults::stub_keys;
use super::hub::{Setup, System, listed, requests};
use super::stub::{Behaviour, Stub};

/// The last line of the federation's settings in the simulator's configuration.
const KEY: &str = "private_key = \"keys/hub.key\"";

fn of_housing(system: &System) -> HealthView {
    let health = system.app.verifications().federation().health();
    health.into_iter().find(|health| health.department.as_str() == "housing").unwrap()
}

async fn verify(system: &System, document: &Value, times: usize) {
    for _ in 0..times {
        system.caller.verify(document).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_are_timed_and_records_that_change_their_form_are_noticed() {
    let keys = stub_keys();
    let housing = Stub::start("housing", Behaviour::NoRecord(Duration::from_millis(2)), keys.path());
    let setup = Setup {
        elsewhere: [("housing", housing.address)].into(),
        own_packs: true,
        settings: vec![(KEY, format!("{KEY}\ncached_people = 0"))],
        authority: Some(keys),
        ..Setup::default()
    };
    let system = System::start(setup, listed()).await;
    let document = requests(system.folder.path())["C01"].clone();
    assert_eq!((of_housing(&system).questions, of_housing(&system).well_percent), (0, 100));
    verify(&system, &document, 100).await;
    let well = of_housing(&system);
    assert!(well.questions >= 100 && well.well_percent == 100 && !well.is_ailing && !well.is_left_alone, "{well:?}");
    let times = |step: Step| well.steps.iter().find(|times| times.step == step);
    let first_byte = times(Step::FirstByte).unwrap();
    assert!(first_byte.p50_us >= 2_000 && first_byte.p50_us <= first_byte.p99_us, "{first_byte:?}");
    assert!(times(Step::Read).is_some() && times(Step::Whole).is_some() && times(Step::Quota).is_none());

    housing.behave(Behaviour::Misfit);
    verify(&system, &document, 60).await;
    let ill = of_housing(&system);
    assert!(ill.is_ailing && !ill.is_left_alone, "it is asked as before: {ill:?}");
    assert_eq!(ill.symptoms, [Symptom::FailsOften]);
    let drifted = ill.datasets.iter().find(|dataset| dataset.symptoms.contains(&Symptom::Malformed)).unwrap();
    assert!(drifted.malformed_at.is_some(), "{drifted:?}");
    let metrics = system.monitor("/metrics").await.1;
    for line in
        ["hedui_department_ailing{department=\"housing\"}", "hedui_department_step_seconds{department=\"housing\""]
    {
        assert!(metrics.contains(line), "{line}");
    }
    system.stop().await;
}

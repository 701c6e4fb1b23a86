//! Verdicts per second and core, without and with the full trace, over the listed cases (F7).

#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a bench prints its figures")]

use std::time::{Duration, Instant};

use hedui::domain::dataset::Catalogue;
use hedui::policy::Packs;
use hedui::verdict::cases::CaseFile;
use hedui::verdict::{self, trace};

fn main() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/listed.json"))
        .expect("the listed cases");
    let file = serde_json::from_str::<CaseFile>(&text).expect("the listed cases parse");
    let packs =
        Packs::from_parameter_sets(file.parameter_sets.iter().map(|(name, set)| (name.as_str(), set))).expect("packs");
    let catalogue = Catalogue::shipped();
    let work: Vec<_> = file
        .cases
        .iter()
        .filter_map(|case| {
            Some((case.facts(&catalogue).ok()?, packs.named(&case.parameter_set, case.assessment_date).ok()?))
        })
        .collect();
    for traced in [false, true] {
        let started = Instant::now();
        let mut verdicts = 0_u64;
        while started.elapsed() < Duration::from_secs(3) {
            for (facts, parameters) in &work {
                let verdict = verdict::evaluate(facts, parameters).expect("amounts are small");
                if traced {
                    std::hint::black_box(trace::trace(facts, parameters, &verdict));
                }
                std::hint::black_box(verdict);
                verdicts += 1;
            }
        }
        let rate = verdicts as f64 / started.elapsed().as_secs_f64();
        println!(
            "{}: {rate:.0} verdicts a second on one core",
            if traced { "with full trace" } else { "without trace" }
        );
    }
}

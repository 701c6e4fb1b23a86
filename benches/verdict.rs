//! The cost of a verdict on one core (F7): decided, told, and told with its full trace; memory asked for; and how
//! long a single verdict takes while departments are silent.
//!
//! Three sets of households: the listed cases, a simulated population as it is, and the same population with one to
//! four departments silent in each household. `--json` prints the figures for a machine.

#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a bench prints its figures")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use densa_alloc::{CountingAllocator, measure};
use hedui::domain::dataset::Catalogue;
use hedui::policy::{Packs, Parameters};
use hedui::simulate::{DEFAULT_DATE, Simulation};
use hedui::verdict::cases::CaseFile;
use hedui::verdict::decide;
use hedui::verdict::facts::Facts;

/// The executable's allocator, counting.
#[global_allocator]
static ALLOCATOR: CountingAllocator<mimalloc::MiMalloc> = CountingAllocator::new(mimalloc::MiMalloc);

const HOUSEHOLDS: usize = 2_000;
const SEED: u64 = 11;
/// Rounds of each measurement, of which the median counts.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(400);

/// What is done to a household: to its decision, to the verdict as told, to the trace of it.
#[derive(Clone, Copy)]
enum Depth {
    Decided,
    Told,
    Traced,
}

const DEPTHS: [(Depth, &str); 3] = [(Depth::Decided, "decided"), (Depth::Told, "told"), (Depth::Traced, "traced")];

fn run((facts, parameters): &(Facts, Arc<Parameters>), depth: Depth) {
    let decision = decide(black_box(facts), parameters).expect("amounts are small");
    match depth {
        Depth::Decided => {
            black_box(&decision);
        }
        Depth::Told => {
            black_box(decision.verdict().expect("amounts are small"));
        }
        Depth::Traced => {
            let verdict = decision.verdict().expect("amounts are small");
            black_box(decision.trace(&verdict).expect("amounts are small"));
            black_box(verdict);
        }
    }
}

type Work = Vec<(Facts, Arc<Parameters>)>;

fn work(text: &str) -> Work {
    let file = serde_json::from_str::<CaseFile>(text).expect("cases parse");
    let sets = file.parameter_sets.iter().map(|(name, set)| (name.as_str(), set));
    let packs = Packs::from_parameter_sets(sets).expect("parameter sets are packs");
    let catalogue = Catalogue::shipped();
    let facts_and_pack = |case: &hedui::verdict::cases::Case| {
        // A case with a wrong identity number has no facts.
        let facts = case.facts(&catalogue).ok()?;
        Some((facts, packs.named(&case.parameter_set, case.assessment_date).expect("the set is in the file")))
    };
    file.cases.iter().filter_map(facts_and_pack).collect()
}

/// The same households with one to four departments silent, which ones follows from the household's place.
fn with_silence(text: &str) -> String {
    let mut file: serde_json::Value = serde_json::from_str(text).expect("cases are JSON");
    let departments: Vec<String> =
        Catalogue::shipped().departments().iter().map(|department| department.id.to_string()).collect();
    let cases = file.get_mut("cases").and_then(|cases| cases.as_array_mut()).expect("a list of cases");
    for (index, case) in cases.iter_mut().enumerate() {
        let silent = departments.iter().cycle().skip(index * 7).step_by(1 + index % 5).take(1 + index % 4);
        let statuses: serde_json::Map<String, serde_json::Value> =
            silent.map(|department| (department.clone(), "TIMEOUT".into())).collect();
        case["department_status"] = statuses.into();
    }
    file.to_string()
}

/// Verdicts a second: the median of several rounds over all households.
fn rate(work: &Work, depth: Depth) -> f64 {
    let rates = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            let mut verdicts = 0_usize;
            while started.elapsed() < ROUND {
                for household in work {
                    run(household, depth);
                }
                verdicts += work.len();
            }
            verdicts as f64 / started.elapsed().as_secs_f64()
        })
        .collect();
    let [median] = share_of(rates, [50]);
    median
}

/// The values below which these percentages of all lie; the largest for 100.
fn share_of<const N: usize>(mut values: Vec<f64>, percentages: [usize; N]) -> [f64; N] {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    percentages.map(|percent| values.get(last * percent / 100).copied().unwrap_or_default())
}

/// Times memory is asked for, a verdict: the mean, and the most for one household.
fn allocations(work: &Work, depth: Depth) -> (f64, u64) {
    let counts: Vec<u64> = work
        .iter()
        .map(|household| {
            let ((), asked) = measure(|| run(household, depth));
            asked.allocs + asked.reallocs
        })
        .collect();
    (counts.iter().sum::<u64>() as f64 / counts.len() as f64, counts.into_iter().max().unwrap_or_default())
}

/// Microseconds of one verdict, told: p50 and p99 over the households, and the slowest. Each household is timed alone,
/// as the mean of a batch that is long against the clock's own cost.
fn latencies(work: &Work) -> [f64; 3] {
    const BATCH: u32 = 32;
    let micros = work
        .iter()
        .map(|household| {
            let started = Instant::now();
            for _ in 0..BATCH {
                run(household, Depth::Told);
            }
            started.elapsed().as_secs_f64() * 1e6 / f64::from(BATCH)
        })
        .collect();
    share_of(micros, [50, 99, 100])
}

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let listed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/listed.json"))
        .expect("the listed cases");
    let drawn = Simulation::population(HOUSEHOLDS, SEED, DEFAULT_DATE).and_then(|simulation| simulation.prepare());
    let population = drawn.expect("a population").truth;
    let sets = [
        ("listed cases", work(&listed)),
        ("population, all known", work(&population)),
        ("population, departments silent", work(&with_silence(&population))),
    ];
    let mut figures = serde_json::Map::new();
    for (name, work) in &sets {
        let mut of_set = serde_json::Map::new();
        of_set.insert("households".to_owned(), work.len().into());
        for (depth, word) in DEPTHS {
            let (per_second, (mean, most)) = (rate(work, depth), allocations(work, depth));
            of_set.insert(
                word.to_owned(),
                serde_json::json!({"per_second": per_second.round(), "allocations_mean": mean, "allocations_most": most}),
            );
            if !json {
                println!("{name:32} {word:8} {per_second:>10.0} a second {mean:>6.2} allocations, at most {most}");
            }
        }
        let [median, p99, slowest] = latencies(work);
        of_set.insert("told_micros".to_owned(), serde_json::json!({"p50": median, "p99": p99, "slowest": slowest}));
        if !json {
            println!("{name:32} one, told: p50 {median:.2} µs, p99 {p99:.2} µs, slowest {slowest:.2} µs");
        }
        figures.insert((*name).to_owned(), of_set.into());
    }
    if json {
        println!("{}", serde_json::Value::Object(figures));
    }
}

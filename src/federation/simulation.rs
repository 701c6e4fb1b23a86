//! Federation in a world of its own: a simulated network, simulated departments, simulated time (turmoil).
//!
//! What runs is the hub's federation as it is, down to HTTP; only what lies below [`crate::egress::connect::Connect`] is
//! simulated: there is no TLS and no guard, which tests of the whole system have. Everything that happens follows from a
//! seed, and happens again for the same seed:
//!
//! ```sh
//! HEDUI_SEED=42 cargo test --locked -p hedui --lib simulation -- --nocapture      # that run, with its trace
//! HEDUI_SEEDS=20000 cargo test --locked -p hedui --lib simulation                 # more of them
//! ```

mod department;
mod dice;
mod invariants;
mod record;
mod run;
mod scenario;

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use self::run::{Mutation, play, run};
use self::scenario::Scenario;
use crate::domain::dataset::Catalogue;

/// Seeds of every test run.
const SEEDS: u64 = 600;

#[expect(clippy::disallowed_methods, reason = "what is tested is said where the test is started")]
fn wanted(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn p2_p6_p9_whatever_befalls_departments_is_their_own_gap_and_nobody_elses() {
    if let Some(seed) = wanted("HEDUI_SEED") {
        let report = run(seed, Mutation::None);
        assert!(report.violations.is_empty(), "seed {seed}\n{}\n{}", report.trace, report.violations.join("\n"));
        eprintln!("seed {seed}\n{}", report.trace);
        return;
    }
    let (count, next) = (wanted("HEDUI_SEEDS").unwrap_or(SEEDS), AtomicU64::new(0));
    let outcomes = Mutex::new((0, 0));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count {
                return;
            }
            let report = run(seed, Mutation::None);
            let faults = report.violations.join("\n");
            assert!(faults.is_empty(), "HEDUI_SEED={seed} shows it:\n{faults}\n{}", report.trace);
            let mut outcomes = outcomes.lock().unwrap();
            *outcomes = (outcomes.0 + report.outcomes.0, outcomes.1 + report.outcomes.1);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let (answers, gaps) = outcomes.into_inner().unwrap();
    assert!(answers > gaps && gaps * 5 > answers, "the runs see enough of both: {answers} answers, {gaps} gaps");
}

#[test]
fn a_seed_gives_the_same_run_to_the_byte() {
    for seed in 0..20 {
        let (one, other) = (run(seed, Mutation::None).trace, run(seed, Mutation::None).trace);
        assert!(one.lines().count() > 10, "something happens: {one}");
        assert_eq!(one, other, "seed {seed}");
    }
    assert_ne!(run(1, Mutation::None).trace, run(2, Mutation::None).trace);
}

/// A fifth of the first requests and ten a second over ten seconds, however many are lost.
#[test]
fn second_requests_stay_within_their_budget() {
    let scenario = Rc::new(Scenario::of_losses(&Catalogue::shipped()));
    let (record, ending) = play(0, &scenario, Mutation::None);
    assert_eq!(ending, None);
    let asked: BTreeSet<_> = record.questions.iter().map(|question| question.query.request_id.as_str()).collect();
    let (first, second) = (asked.len(), record.questions.len() - asked.len());
    let (lost, budget) = (first / 3, first / 5 + 100);
    assert!(lost > budget, "not every loss can be made good: {lost} of {first} lost, budget {budget}");
    assert!(second <= budget, "{second} second requests to {first}, budget {budget}");
    assert!(second > budget / 2, "losses are made good as far as the budget goes: {second} of {budget}");
}

/// The invariants notice what they are for: each of these is made wrong on purpose, and is found within a few seeds.
#[test]
fn whatever_is_made_wrong_on_purpose_is_noticed() {
    for (mutation, invariant) in [
        (Mutation::Liar, "A1: "),
        (Mutation::SilentlyHung, "P9: "),
        (Mutation::GapAsNoRecord, "P2: "),
        (Mutation::WiderPlan, "P6: "),
        (Mutation::LaterDeadline, "ends: "),
        (Mutation::OtherReason, "P2: "),
    ] {
        let notices = |seed| run(seed, mutation).violations.iter().any(|fault| fault.starts_with(invariant));
        assert!((0..20).any(notices), "{mutation:?} is not noticed");
    }
}

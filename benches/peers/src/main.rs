//! Verdicts a second beside other rule engines, all in one interleaved run over the same random households
//! (`tests/oracle/generate.py`): `make bench-peers`.
//!
//! Time is CPU time of the thread (ours, zen-engine) or of the process (OpenFisca), so that a busy machine
//! does not decide who is faster. The table goes between the markers of `docs/performance.md`.

mod household;
mod openfisca;
mod report;
mod zen;

use std::hint::black_box;
use std::path::{Path, PathBuf};

use hedui::verdict::decide;

use household::Household;
use report::Sample;

/// The allocator of the executable, for every contender of this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One contender in one round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Contender {
    HeduiDecided,
    Hedui,
    HeduiAgain,
    HeduiTraced,
    Zen,
    OpenFisca,
    OpenFiscaAnswers,
}

impl Contender {
    pub(crate) const ALL: [Self; 7] = [
        Self::HeduiDecided,
        Self::Hedui,
        Self::HeduiAgain,
        Self::HeduiTraced,
        Self::Zen,
        Self::OpenFisca,
        Self::OpenFiscaAnswers,
    ];
}

const ROUNDS: usize = 5;
const HOUSEHOLDS: usize = 20_000;

/// CPU time of this thread so far, nanoseconds.
fn cpu_nanoseconds() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells the time of a thread");
    text.split_whitespace().next().and_then(|field| field.parse().ok()).expect("a number")
}

/// What `work` costs this thread, seconds.
fn measured(work: impl FnOnce()) -> f64 {
    let before = cpu_nanoseconds();
    work();
    (cpu_nanoseconds() - before) as f64 / 1e9
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let python = PathBuf::from(arguments.next().expect("the Python of the oracle's environment"));
    let count = arguments.next().map_or(HOUSEHOLDS, |text| text.parse().expect("a number of households"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the repository");
    let file = std::env::temp_dir().join(format!("hedui-peers-{}.json", std::process::id()));
    openfisca::generate(&python, root, &file, count);
    let households = household::read(&file);
    let mut openfisca = openfisca::Worker::start(&python, root, &file);
    std::fs::remove_file(&file).expect("the file of households is removed");
    let zen = zen::IncomeTest::new();
    let tested = households.iter().filter(|household| household.income_test.is_some()).count();
    zen.check(&households);

    let mut samples = Vec::new();
    for round in 0..=ROUNDS {
        let mut order = Contender::ALL;
        // A new order every round, from the round's number.
        order.rotate_left(round * 5 % Contender::ALL.len());
        if round % 2 == 1 {
            order.reverse();
        }
        for contender in order {
            let (seconds, verdicts) = match contender {
                Contender::HeduiDecided => (measured(|| decided(&households)), households.len()),
                Contender::Hedui | Contender::HeduiAgain => (measured(|| told(&households)), households.len()),
                Contender::HeduiTraced => (measured(|| traced(&households)), households.len()),
                Contender::Zen => (measured(|| zen.decide(&households)), tested),
                Contender::OpenFisca => (openfisca.round("vectors"), count),
                Contender::OpenFiscaAnswers => (openfisca.round("answers"), count),
            };
            // The first round warms everybody up.
            if round > 0 {
                samples.push(Sample { contender, microseconds: seconds * 1e6 / verdicts as f64 });
            }
        }
    }
    let report = report::table(&samples, ROUNDS, households.len());
    println!("{report}");
    report::write_down(root, &report);
}

/// Decisions, of which nobody asks to be told anything; each dropped at once.
fn decided(households: &[Household]) {
    for Household { facts, parameters, .. } in households {
        black_box(decide(black_box(facts), parameters).expect("the amounts are small"));
    }
}

/// Whole verdicts.
fn told(households: &[Household]) {
    for Household { facts, parameters, .. } in households {
        let decision = decide(black_box(facts), parameters).expect("the amounts are small");
        black_box(decision.verdict().expect("the amounts are small"));
    }
}

/// Whole verdicts with their full trace.
fn traced(households: &[Household]) {
    for Household { facts, parameters, .. } in households {
        let decision = decide(black_box(facts), parameters).expect("the amounts are small");
        let verdict = decision.verdict().expect("the amounts are small");
        black_box(decision.trace(&verdict).expect("the amounts are small"));
        black_box(verdict);
    }
}

//! The table, and where it is written down.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::Contender;

/// What one contender took for one household in one round, CPU microseconds.
pub(crate) struct Sample {
    pub(crate) contender: Contender,
    pub(crate) microseconds: f64,
}

impl Contender {
    /// Who it is, and what it does and does not do.
    const fn what(self) -> (&'static str, &'static str) {
        match self {
            Self::HeduiDecided => {
                ("Hedui, decided", "every rule, unknowns by bounds, exact sums, benefit; told and shown when somebody asks")
            }
            Self::Hedui => ("Hedui, told", "the same and the whole verdict: reasons, clauses, margins, tipping points, id"),
            Self::HeduiAgain => ("the same again (A/A)", "the same"),
            Self::HeduiTraced => ("Hedui, told and traced", "the same and the whole tree of its reasoning"),
            Self::Zen => (
                "zen-engine decision table",
                "income test only: a given income against two given lines; no rule before or after, no unknowns",
            ),
            Self::OpenFisca => (
                "OpenFisca oracle, vectorised",
                "whole verdict as vectors over all households at once; no reasons, clauses, margins, trace or id",
            ),
            Self::OpenFiscaAnswers => {
                ("OpenFisca oracle with answers", "the same, and a verdict made of the vectors for every household")
            }
        }
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The table in Markdown.
pub(crate) fn table(samples: &[Sample], rounds: usize, households: usize) -> String {
    let of = |wanted: Contender| {
        samples.iter().filter(move |sample| sample.contender == wanted).map(|sample| sample.microseconds)
    };
    let mut text = String::from(
        "| contender | what it does | CPU µs a household, median | households/s on one core | times the cost of Hedui, told: median (min–max) |\n|---|---|---|---|---|\n",
    );
    for contender in Contender::ALL {
        let own = sorted(of(contender));
        let ratios = sorted(of(contender).zip(of(Contender::Hedui)).map(|(own, hedui)| own / hedui));
        let (median, ratio) = (own[own.len() / 2], ratios[ratios.len() / 2]);
        let (name, what) = contender.what();
        writeln!(
            text,
            "| {name} | {what} | {median:.2} | {:.0} | {ratio:.2} ({:.2}–{:.2}) |",
            1e6 / median,
            ratios[0],
            ratios[ratios.len() - 1],
        )
        .expect("text");
    }
    write!(
        text,
        "\n{rounds} interleaved rounds over {households} random households (`tests/oracle/generate.py`), facts read \
         beforehand, order changed every round. OpenFisca decides all households of one date in one simulation."
    )
    .expect("text");
    text
}

/// Puts the table between the markers of `docs/performance.md`.
pub(crate) fn write_down(root: &Path, report: &str) {
    let file = root.join("docs/performance.md");
    let text = std::fs::read_to_string(&file).expect("docs/performance.md");
    let (begin, end) = ("<!-- peers:begin -->", "<!-- peers:end -->");
    let (head, rest) = text.split_once(begin).expect("the marker before the table");
    let (_, tail) = rest.split_once(end).expect("the marker after the table");
    let commit = Command::new("git").arg("-C").arg(root).args(["rev-parse", "--short", "HEAD"]).output();
    let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let stamp = format!("Commit {commit}, machine with {cores} cores.");
    std::fs::write(&file, format!("{head}{begin}\n\n{report}\n\n{stamp}\n\n{end}{tail}"))
        .expect("docs/performance.md is written");
}

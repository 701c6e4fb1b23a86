//! `hedui policy`: check, show, compare and weigh policy packs.

pub mod cases;
pub mod check;
pub mod diff;
pub mod impact;
pub mod selector;
pub mod show;

use std::io::Write as _;
use std::process::ExitCode;

use jiff::civil::Date;

use super::Global;
use crate::domain::clock::{Clock as _, SystemClock};
use crate::domain::household::UrbanRural;
use crate::domain::period::date_in_china;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Name every mistake in packs, and what somebody should look at.
    Check(check::Args),
    /// Show what holds at a place on a day, and where each figure comes from.
    Show(show::Args),
    /// Compare two packs, parameter by parameter.
    Diff(diff::Args),
    /// Say who of a population would move circle and money under other rules.
    Impact(impact::Args),
}

/// Runs the command. What it has to say is complete before the first line is printed.
pub fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    let mut out = Vec::new();
    let code = match command {
        Command::Check(args) => check::run(&args, global, &mut out),
        Command::Show(args) => show::run(&args, global, &mut out),
        Command::Diff(args) => diff::run(&args, global, &mut out),
        Command::Impact(args) => impact::run(&args, global, &mut out),
    }?;
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(&out).and_then(|()| stdout.flush()) {
        // A reader that has seen enough, such as `head`, is not a failure.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(code),
    }
}

/// The date in China.
fn today() -> Date {
    date_in_china(SystemClock.now())
}

/// Town or country, chosen on the command line.
#[derive(Debug, Clone, Copy, clap::Args)]
#[group(multiple = false)]
pub struct Side {
    /// The urban side.
    #[arg(long)]
    urban: bool,
    /// The rural side.
    #[arg(long)]
    rural: bool,
}

impl Side {
    /// The side chosen, if any.
    pub const fn chosen(self) -> Option<UrbanRural> {
        match (self.urban, self.rural) {
            (true, _) => Some(UrbanRural::Urban),
            (_, true) => Some(UrbanRural::Rural),
            _ => None,
        }
    }

    /// The sides to look at: the one chosen, else both.
    pub fn all(self) -> Vec<UrbanRural> {
        self.chosen().map_or_else(|| vec![UrbanRural::Urban, UrbanRural::Rural], |side| vec![side])
    }
}

/// A side in words.
const fn side_words(side: UrbanRural) -> (&'static str, &'static str) {
    match side {
        UrbanRural::Urban => ("城镇", "urban"),
        UrbanRural::Rural => ("农村", "rural"),
    }
}

/// Where a figure comes from, for one line of text: level, file and line.
fn origin(provenance: &crate::policy::Provenance, is_zh: bool) -> String {
    let level = provenance.division.map_or("", |division| {
        let (zh, en) = crate::policy::divisions::Level::of(division).words();
        if is_zh { zh } else { en }
    });
    match (&provenance.file, provenance.line) {
        (Some(file), Some(line)) => format!("{level} {file}:{line}"),
        _ => level.to_owned(),
    }
}

/// Reads packs, and prints every error where they cannot be used.
fn usable<T>(result: Result<T, crate::policy::PolicyError>, global: &Global) -> Result<T, anyhow::Error> {
    result.map_err(|error| {
        let text = error.text();
        anyhow::anyhow!(global.lang().pick(&text.zh, &text.en).to_owned())
    })
}

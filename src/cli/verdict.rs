//! `hedui verdict`: verdicts judged, explained and made again.

pub mod compare;
pub mod evaluate;
pub mod explain;
mod faults;
mod reading;
pub mod replay;

use std::process::ExitCode;

use super::Global;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Compute the verdict of every case of a file, and compare it with the one expected.
    Evaluate(evaluate::Args),
    /// Tell a verdict to a caseworker, a resident or an auditor: of a case in a file, or of a verification of a hub.
    Explain(explain::Args),
    /// Judge a verification of a hub again, by its own pack and by that of another day.
    Replay(replay::Args),
}

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    match command {
        Command::Evaluate(args) => evaluate::run(args, global),
        Command::Explain(args) => explain::run(args, global).await,
        Command::Replay(args) => replay::run(args, global).await,
    }
}

//! `hedui verdict`: verdicts without a hub.

pub mod compare;
pub mod evaluate;

use std::process::ExitCode;

use super::Global;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Compute the verdict of every case of a file, and compare it with the one expected.
    Evaluate(evaluate::Args),
}

/// Runs the command.
pub fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    match command {
        Command::Evaluate(args) => evaluate::run(args, global),
    }
}

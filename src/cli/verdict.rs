//! `hedui verdict`.

use std::process::ExitCode;

use super::Global;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {}

/// Runs the command.
pub fn run(command: Command, _global: &Global) -> anyhow::Result<ExitCode> {
    match command {}
}

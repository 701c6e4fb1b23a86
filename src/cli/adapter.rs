//! `hedui adapter`.

use std::process::ExitCode;

use super::Global;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {}

/// Runs the command.
pub async fn run(command: Command, _global: &Global) -> anyhow::Result<ExitCode> {
    match command {}
}

//! `hedui case`: what the hub keeps of a case. Erases it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{Global, change};
use crate::config::Config;
use crate::service::changes::Change;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Destroy the key of a verification, or of an authorisation that ended. Nothing brings it back.
    Erase(EraseArgs),
    /// Say that the clock is right, after a jump stopped the erasing of what was kept long enough.
    ConfirmClock(ConfirmClockArgs),
}

/// Arguments of `hedui case confirm-clock`.
#[derive(Debug, clap::Args)]
pub struct ConfirmClockArgs {
    /// The hub's configuration file.
    #[arg(long, default_value = "config/hedui.toml", value_name = "FILE")]
    config: PathBuf,
}

/// Arguments of `hedui case erase`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui case erase vf_0199d0c2a1b27f3e8d4c5b6a79881122 --reason \"destruction order 2026-17\"\n\nThe access log keeps who asked for it, and that it was erased. Backups made before hold it still."
)]
pub struct EraseArgs {
    /// The id, `vf_…` of a verification or `au_…` of an authorisation.
    id: String,
    /// Why. It stands in the access log for ever: no names, no identity numbers.
    #[arg(long)]
    reason: String,
    /// The hub's configuration file.
    #[arg(long, default_value = "config/hedui.toml", value_name = "FILE")]
    config: PathBuf,
}

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    let (config, change) = match command {
        Command::Erase(EraseArgs { id, reason, config }) => (config, Change::Erase { id, reason }),
        Command::ConfirmClock(ConfirmClockArgs { config }) => (config, Change::ConfirmClock),
    };
    let answer = change::ask(&Config::load(&config)?, change).await?;
    change::tell("case", &answer, global)
}

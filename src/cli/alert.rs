//! `hedui alert`: the rules by which the access log is watched, checked and tried over history.

mod dry_run;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{Global, Lang, obstacle};
use crate::review::rules::{Fault, Rules};

/// What to do with alerts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check and try the rules.
    #[command(subcommand)]
    Rules(RulesCommand),
}

/// What to do with the rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Check a file of rules; every fault is named with its key and line.
    Check(CheckArgs),
    /// Say which alerts rules would have raised over a log, against what reviewers can carry.
    DryRun(dry_run::Args),
}

/// Arguments of `hedui alert rules check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui alert rules check config/alert-rules.toml\n\nExit codes: 0 no fault, 1 faults, 3 the file cannot be read."
)]
pub struct CheckArgs {
    /// The file; the shipped rules when absent.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    let Command::Rules(command) = command;
    match command {
        RulesCommand::Check(args) => check(&args, global),
        RulesCommand::DryRun(args) => dry_run::run(args, global).await,
    }
}

/// The rules of a file, or the shipped ones; its faults where it has any.
fn read(file: Option<&PathBuf>) -> anyhow::Result<Result<Rules, Vec<Fault>>> {
    let Some(file) = file else { return Ok(Ok(Rules::shipped())) };
    Ok(Rules::parse(&obstacle::read_text(file, ("规则文件", "rules"))?))
}

fn check(args: &CheckArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let faults = read(args.file.as_ref())?.err().unwrap_or_default();
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{}", serde_json::json!({ "faults": faults }))?;
    } else {
        tell(&mut out, &faults, args.file.as_ref(), global.lang())?;
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn tell(out: &mut impl Write, faults: &[Fault], file: Option<&PathBuf>, lang: Lang) -> std::io::Result<()> {
    let name =
        file.map_or_else(|| lang.pick("内置规则", "shipped rules").to_owned(), |file| file.display().to_string());
    for fault in faults {
        let detail = if lang == Lang::Zh { &fault.detail.zh } else { &fault.detail.en };
        writeln!(out, "{name}:{}: {} [{}] {detail}", fault.line, fault.key, fault.code)?;
    }
    match (faults.len(), lang) {
        (0, _) => writeln!(out, "✓ {name}{}", lang.pick("：没有错误", ": no faults")),
        (count, Lang::Zh) => writeln!(out, "✗ {count} 处错误"),
        (count, Lang::En) => writeln!(out, "✗ {count} faults"),
    }
}

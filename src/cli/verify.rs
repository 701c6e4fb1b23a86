//! `hedui verify`: ask a running hub to verify a household, and print the verdict.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::caller::{Said, Step};
use super::reach::HubArgs;
use super::{Global, told};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hedui verify --request request.json --ca ca.pem --token-file token\n  hedui verify --request trial/requests/C01.json --ca trial/keys/ca.pem --key trial/keys/issuer.key\n\nExit codes: 0 a verdict came, 1 the hub refused the request, 2 the command is wrong, 3 the hub cannot be reached."
)]
pub struct Args {
    /// The request document, JSON.
    #[arg(long)]
    request: PathBuf,
    /// The hub.
    #[command(flatten)]
    hub: HubArgs,
}

/// Runs the command.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let lang = global.lang();
    let body = std::fs::read(&args.request)
        .with_context(|| format!("the request {} cannot be read", args.request.display()))?;
    let hub = args.hub.client().await?;
    let bar = if global.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    bar.set_style(ProgressStyle::with_template("  {wide_msg}")?);
    let mut line = String::new();
    let said = hub
        .verify(body, |Step::Department(row)| {
            line.push_str(&told::department_mark(row, lang));
            line.push(' ');
            bar.set_message(line.clone());
        })
        .await;
    bar.finish_and_clear();
    let mut out = std::io::stdout().lock();
    match said {
        Ok(Said::Verification(answer)) => {
            if global.json {
                writeln!(out, "{answer}")?;
            } else {
                told::verification(&mut out, &answer, lang)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Ok(Said::Problem(problem)) => {
            if global.json {
                writeln!(out, "{problem}")?;
            } else {
                told::problem(&mut std::io::stderr().lock(), &problem, lang)?;
            }
            Ok(ExitCode::from(1))
        }
        Err(error) => {
            writeln!(std::io::stderr().lock(), "hedui verify: {error:#}")?;
            Ok(ExitCode::from(3))
        }
    }
}

//! `hedui verify`: ask a running hub to verify a household, and print the verdict.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::caller::{HubClient, Said, Step};
use super::token::{self, mint};
use super::{Global, told};
use crate::domain::actor::Role;
use crate::domain::division::DivisionCode;
use crate::domain::purpose::Purpose;
use crate::simulate::keys::{TRIAL_AUDIENCE, TRIAL_ISSUER};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hedui verify --request request.json --ca ca.pem --token-file token\n  hedui verify --request trial/requests/C01.json --ca trial/keys/ca.pem --key trial/keys/issuer.key\n\nExit codes: 0 a verdict came, 1 the hub refused the request, 2 the command is wrong, 3 the hub cannot be reached."
)]
pub struct Args {
    /// The request document, JSON.
    #[arg(long)]
    request: PathBuf,
    /// The hub's address.
    #[arg(long, default_value = "https://127.0.0.1:8443")]
    hub: String,
    /// The authority of the hub's certificate, PEM; the machine's own authorities when absent.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// A file that holds the access token.
    #[arg(long, conflicts_with = "key")]
    token_file: Option<PathBuf>,
    /// Mint a token with this issuer's key instead, for trials.
    #[arg(long)]
    key: Option<PathBuf>,
}

/// Runs the command.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let lang = global.lang();
    let body = std::fs::read(&args.request)
        .with_context(|| format!("the request {} cannot be read", args.request.display()))?;
    let hub = HubClient::new(&args.hub, args.ca.as_deref(), access_token(&args)?)?;
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

fn access_token(args: &Args) -> anyhow::Result<String> {
    match (&args.token_file, &args.key) {
        (Some(file), _) => {
            let token = std::fs::read_to_string(file)
                .with_context(|| format!("the token file {} cannot be read", file.display()))?;
            Ok(token.trim().to_owned())
        }
        (None, Some(key)) => {
            let key =
                std::fs::read(key).with_context(|| format!("the issuer's key {} cannot be read", key.display()))?;
            let subject = token::Subject {
                client: "trial-caseworker",
                organisation: "试用民政局",
                division: DivisionCode::NATION,
                purposes: Purpose::ALL.to_vec(),
                role: Role::Caseworker,
                lifetime: 600,
            };
            mint(&key, TRIAL_ISSUER, TRIAL_AUDIENCE, &subject)
        }
        (None, None) => bail!("give an access token: --token-file FILE, or --key ISSUER_KEY for a trial"),
    }
}

//! `hedui demo`: everything on this machine with synthetic people, from empty folder to verdict.
//!
//! Six adapters run as processes of their own, as they would beside six databases, so that killing one
//! shows what the hub makes of it.

pub(super) mod departments;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::caller::{HubClient, Said, Step};
use super::serve::until_stopped;
use super::token::{self, mint};
use super::{Global, Lang, told};
use crate::app::{App, install_metrics};
use crate::config::Config;
use crate::domain::actor::Role;
use crate::domain::clock::{Randomness, SystemRandomness};
use crate::domain::division::DivisionCode;
use crate::domain::purpose::Purpose;
use crate::simulate::keys::{TRIAL_AUDIENCE, TRIAL_ISSUER};
use crate::simulate::trial::{Trial, TrialFiles};
use crate::simulate::{DEFAULT_DATE, Simulation, Summary};
use departments::Departments;

/// How many verifications the demo asks.
const ASKED: usize = 6;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hedui demo\n  hedui demo --once --lang zh\n  hedui demo --cases tests/cases/listed.json"
)]
pub struct Args {
    /// End after the verdict instead of staying up until Ctrl-C.
    #[arg(long)]
    once: bool,
    /// How many synthetic households.
    #[arg(long, default_value_t = 500)]
    households: usize,
    /// Seed of the population: the same seed gives the same people.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Worked cases instead of a population.
    #[arg(long)]
    cases: Option<PathBuf>,
    /// Keep everything in this folder instead of a temporary one.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// A folder that goes away with the demo, unless the user named it.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed from the temporary folder is the machine's to tidy.
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}

/// Runs the command.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let lang = global.lang();
    let folder = folder(&args)?;
    let say = |zh: String, en: String| -> std::io::Result<()> {
        if global.json { Ok(()) } else { writeln!(std::io::stdout().lock(), "{}", lang.pick(&zh, &en)) }
    };
    say(
        format!("核对 hedui {} 演示：合成人员，仅本机，结束即删除", env!("CARGO_PKG_VERSION")),
        format!("hedui {} demo: synthetic people, this machine only, gone when it ends", env!("CARGO_PKG_VERSION")),
    )?;
    let summary = simulate(&args, &folder.path).await?;
    say(
        format!("  ✓ {} 户合成家庭已写入六个部门各自的数据库", summary.households),
        format!("  ✓ {} synthetic households in the six departments' own databases", summary.households),
    )?;
    let departments = Departments::reserve()?;
    let trial = trial(&args, &folder.path, &departments)?;
    let mut departments = departments.start(&folder.path, &trial.keys).await?;
    let config = Config::load(&trial.config)?;
    let app = App::start(&config, install_metrics().context("metrics")?).await?;
    let base = format!("https://{}", app.address);
    let token = trial_token(&trial)?;
    departments.until_healthy(&trial.keys).await?;
    say(
        format!("  ✓ 六个部门适配器，双向 TLS：{}", departments.list(lang)),
        format!("  ✓ six department adapters over mutual TLS: {}", departments.list(lang)),
    )?;
    let hub = HubClient::new(&base, Some(&trial.keys.ca), token.clone())?;
    let answers = ask(&hub, &folder.path, lang, global.json).await?;
    let mut out = std::io::stdout().lock();
    match answers.first() {
        Some(answer) if global.json => writeln!(out, "{answer}")?,
        Some(answer) => told::verification(&mut out, answer, lang)?,
        None => anyhow::bail!("no verification came to its end; see the messages above"),
    }
    if !global.json {
        addresses(&mut out, &hub, &app, &base, lang).await?;
        if !args.once {
            next_steps(&mut out, &trial, &folder.path, &base, lang)?;
        }
    }
    out.flush()?;
    drop(out);
    if !args.once {
        until_stopped().await?;
    }
    app.stop().await;
    departments.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn folder(args: &Args) -> anyhow::Result<Folder> {
    let (path, temporary) = if let Some(path) = &args.folder {
        (path.clone(), false)
    } else {
        let mut random = [0_u8; 8];
        SystemRandomness.fill(&mut random);
        (std::env::temp_dir().join(format!("hedui-demo-{:016x}", u64::from_be_bytes(random))), true)
    };
    std::fs::create_dir_all(&path).with_context(|| format!("the folder {} cannot be made", path.display()))?;
    Ok(Folder { path: std::fs::canonicalize(path)?, temporary })
}

async fn simulate(args: &Args, folder: &Path) -> anyhow::Result<Summary> {
    let simulation = match &args.cases {
        Some(file) => Simulation::from_cases(file)?,
        None => Simulation::population(args.households, args.seed, DEFAULT_DATE)?,
    };
    Ok(simulation.write(folder).await?)
}

fn trial(args: &Args, folder: &Path, departments: &departments::Reserved) -> anyhow::Result<TrialFiles> {
    let policies = folder.join("policies");
    let trial = Trial {
        hub: "127.0.0.1:0".parse()?,
        monitor: "127.0.0.1:0".parse()?,
        adapters: &departments.addresses(),
        policies: args.cases.is_some().then_some(policies.as_path()),
        catalogue: None,
        signed_answers: true,
        ask_timeout: "1500ms",
        per_second: 1000,
    };
    Ok(trial.write(folder, &SystemRandomness)?)
}

fn trial_token(trial: &TrialFiles) -> anyhow::Result<String> {
    let subject = token::Subject {
        client: "demo-caseworker",
        organisation: "演示民政局",
        division: DivisionCode::NATION,
        purposes: Purpose::ALL.to_vec(),
        role: Role::Caseworker,
        department: None,
        lifetime: 600,
    };
    mint(&std::fs::read(&trial.keys.issuer_key)?, TRIAL_ISSUER, TRIAL_AUDIENCE, &subject)
}

/// Asks some requests of the folder, showing the departments as they answer.
async fn ask(hub: &HubClient, folder: &Path, lang: Lang, quiet: bool) -> anyhow::Result<Vec<Value>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder.join("requests"))?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut answers = Vec::new();
    // Spread over the folder, so that different circles are seen.
    let step = (files.len() / ASKED).max(1);
    for file in files.iter().step_by(step).take(ASKED) {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(6) };
        bar.set_style(ProgressStyle::with_template("  {prefix:14} {pos}/{len} {wide_msg}")?);
        bar.set_prefix(name.clone());
        let mut line = String::new();
        let said = hub
            .verify(std::fs::read(file)?, |Step::Department(row)| {
                line.push_str(&told::department_mark(row, lang));
                line.push(' ');
                bar.set_message(line.clone());
                bar.inc(1);
            })
            .await?;
        bar.finish_and_clear();
        let verdict = match said {
            Said::Verification(answer) => {
                let headline = told::headline(&answer, lang);
                answers.push(answer);
                headline
            }
            Said::Problem(problem) => told::problem_line(&problem, lang),
        };
        if !quiet {
            writeln!(std::io::stdout().lock(), "  {name:14} {line} → {verdict}")?;
        }
    }
    Ok(answers)
}

/// The addresses, each fetched before it is shown.
async fn addresses(out: &mut impl Write, hub: &HubClient, app: &App, base: &str, lang: Lang) -> anyhow::Result<()> {
    writeln!(out, "\n{}", lang.pick("地址（均已自检）：", "Addresses (each fetched just now):"))?;
    let openapi = hub.status_of("/openapi.json").await;
    writeln!(out, "  {} {base}/openapi.json", tick(openapi.is_ok_and(|status| status.is_success())))?;
    for path in ["/readyz", "/metrics"] {
        let reached = super::caller::plain_get(app.monitor_address, path).await;
        writeln!(out, "  {} http://{}{path}", tick(reached), app.monitor_address)?;
    }
    Ok(())
}

const fn tick(good: bool) -> &'static str {
    if good { "✓" } else { "✗" }
}

fn next_steps(out: &mut impl Write, trial: &TrialFiles, folder: &Path, base: &str, lang: Lang) -> anyhow::Result<()> {
    let program = std::env::current_exe()?.display().to_string();
    let request = folder.join("requests");
    let (ca, key) = (trial.keys.ca.display(), trial.keys.issuer_key.display());
    writeln!(out, "\n{}", lang.pick("试一下（复制即可）：", "Try it (ready to paste):"))?;
    writeln!(
        out,
        "  curl -s --cacert {ca} -H \"Authorization: Bearer $({program} token --key {key})\" -H 'Content-Type: application/json' \\\n       --data @{}/$(ls {} | head -1) {base}/v1/verifications",
        request.display(),
        request.display()
    )?;
    writeln!(
        out,
        "  {program} verify --hub {base} --ca {ca} --key {key} --request {}/$(ls {} | tail -1)",
        request.display(),
        request.display()
    )?;
    writeln!(out, "\n{}", lang.pick("停止：Ctrl-C", "Stop: Ctrl-C"))?;
    Ok(())
}

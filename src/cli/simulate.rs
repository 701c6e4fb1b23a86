//! `hedui simulate`: the departments' native stores, from a case file or from a seed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::civil::Date;

use super::{Global, Lang};
use crate::simulate::{self, DEFAULT_DATE, SimulateError, Simulation, Summary};

const EXAMPLES: &str = "\
Examples:
  hedui simulate --out trial
  hedui simulate --households 2000 --seed 7 --on 2026-11-01 --out trial
  hedui simulate --cases tests/cases/cases.json --out trial

What DIR holds afterwards:
  <department>.sqlite            the six departments' native stores
  rehearsals/<department>.json   failures that the department's adapter rehearses
  requests/<case>.json           one request document a household
  policies/                      the households' parameter sets as policy packs
  truth.json                     the households with what their verdicts should say

Everybody is synthetic: identity numbers begin with 150000, which is never issued.";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The households of this case file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["households", "seed", "on"])]
    cases: Option<PathBuf>,
    /// How many households to draw.
    #[arg(long, value_name = "N", default_value_t = 500)]
    households: usize,
    /// The seed they are drawn from: the same seed draws the same people, to the byte.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The day of the assessment.
    #[arg(long, value_name = "DATE", default_value_t = DEFAULT_DATE)]
    on: Date,
    /// Directory to write into.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace an earlier simulation in that directory.
    #[arg(long)]
    replace: bool,
    /// Leave the policy pack out of the requests, so that the place's default applies.
    #[arg(long)]
    default_packs: bool,
}

/// Runs the command.
#[expect(clippy::unused_async, reason = "commands are called alike")]
pub async fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    match simulate(&args) {
        Ok(summary) => {
            print(&summary, global)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let text = error.text();
            writeln!(std::io::stderr(), "hedui simulate: {}", global.lang().pick(&text.zh, &text.en))?;
            Ok(ExitCode::from(if error.is_input() { 2 } else { 3 }))
        }
    }
}

fn simulate(args: &Args) -> Result<Summary, SimulateError> {
    let simulation = match &args.cases {
        Some(path) => Simulation::from_cases(path)?,
        None => Simulation::population(args.households, args.seed, args.on)?,
    }
    .naming_packs(!args.default_packs);
    if args.replace {
        simulate::remove(&args.out)?;
    }
    simulation.write(&args.out)
}

fn print(summary: &Summary, global: &Global) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if global.json {
        serde_json::to_writer_pretty(&mut out, summary)?;
        writeln!(out)?;
        return Ok(());
    }
    let lang = global.lang();
    let (households, persons) = (summary.households, summary.persons);
    match lang {
        Lang::Zh => writeln!(out, "已写入 {}：{households} 户，{persons} 人", summary.directory.display())?,
        Lang::En => writeln!(out, "{}: {households} households, {persons} persons", summary.directory.display())?,
    }
    for (department, rows) in &summary.rows {
        let rehearsed = summary.rehearsed.get(department).copied().unwrap_or(0);
        let row = lang.pick("行", "rows");
        write!(out, "  {department:<18} {rows:>8} {row}")?;
        match rehearsed {
            0 => writeln!(out)?,
            _ => writeln!(out, "   {}", pick_count(lang, rehearsed))?,
        }
    }
    if !summary.notices.is_empty() {
        writeln!(out, "\n{}", lang.pick("提示：", "Notices:"))?;
        for notice in &summary.notices {
            let detail = lang.pick(&notice.detail.zh, &notice.detail.en);
            writeln!(out, "  {} {}  {detail}", notice.case, notice.pointer)?;
        }
    }
    writeln!(out, "\n{}", lang.pick("接下来：", "Next:"))?;
    next_commands(&mut out, &summary.directory)?;
    Ok(())
}

fn pick_count(lang: Lang, rehearsed: usize) -> String {
    match lang {
        Lang::Zh => format!("演练失败：{rehearsed} 人"),
        Lang::En => format!("rehearses failure for {rehearsed} persons"),
    }
}

/// The commands that show what was written at work.
fn next_commands(out: &mut impl std::io::Write, directory: &Path) -> std::io::Result<()> {
    let absolute = std::path::absolute(directory)?;
    let shown = directory.display();
    writeln!(out, "  hedui verdict evaluate {shown}/truth.json --summary")?;
    writeln!(
        out,
        "  HEDUI_HRSS_DATABASE=sqlite://{}/hrss.sqlite \\\n    hedui adapter serve connectors/hrss/connector.toml --rehearse {shown}/rehearsals/hrss.json",
        absolute.display()
    )
}

//! `hedui simulate`: the departments' native stores, from a case file or from a seed.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use jiff::civil::Date;

use super::demo::departments::CONNECTORS;
use super::serve::until_stopped;
use super::{Global, Lang};
use crate::domain::clock::{SystemClock, SystemRandomness};
use crate::simulate::department::DEPARTMENTS;
use crate::simulate::dump::{self, Dialect, SERVERS};
use crate::simulate::keys::TrialKeys;
use crate::simulate::native_store;
use crate::simulate::service::{self, SERVED, Service};
use crate::simulate::trial::Trial;
use crate::simulate::{self, SimulateError, Simulation, Summary};

const EXAMPLES: &str = "\
Examples:
  hedui simulate --out trial
  hedui simulate --households 2000 --seed 7 --on 2026-11-01 --out trial
  hedui simulate --cases tests/cases/listed.json --out trial
  hedui simulate --trial --dump --out trial && psql hrss -f trial/hrss.postgres.sql

What DIR holds afterwards:
  <department>.sqlite, emergency/ the six departments' native stores, one of them files it delivers
  hrss.postgres.sql, education.mariadb.sql  with --dump: the same records for servers to load
  connectors/<department>/       with --trial: connector files of departments that are asked through a service
  rehearsals/<department>.json   failures that the department's adapter rehearses
  requests/<case>.json           one request document a household
  policies/                      the cases' parameter sets as policy packs
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
    #[arg(long, value_name = "DATE", default_value_t = simulate::DEFAULT_DATE)]
    on: Date,
    /// Directory to write into.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace an earlier simulation in that directory.
    #[arg(long)]
    replace: bool,
    /// Also make throw-away keys and a hub configuration, to run adapters and hub by hand.
    #[arg(long)]
    trial: bool,
    /// Also write what a `PostgreSQL` and a `MariaDB` server load to hold the records of two departments.
    #[arg(long)]
    dump: bool,
    /// Run the departments' own services over an earlier `--trial` in that directory, until stopped. Writes nothing.
    #[arg(long, conflicts_with_all = ["cases", "households", "seed", "on", "replace", "trial", "dump"])]
    serve: bool,
}

/// Where the parts of a trial listen.
const HUB: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
const MONITOR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);
const FIRST_ADAPTER_PORT: u16 = 9101;
const FIRST_SERVICE_PORT: u16 = 9201;

/// Runs the command.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    if args.serve {
        return serve(&args.out, global.lang()).await;
    }
    match simulate(&args).await {
        Ok(summary) => {
            if args.trial {
                trial(&args)?;
            }
            print(&summary, &args, global)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let text = error.text();
            writeln!(std::io::stderr(), "hedui simulate: {}", global.lang().pick(&text.zh, &text.en))?;
            Ok(ExitCode::from(if error.is_input() { 2 } else { 3 }))
        }
    }
}

async fn simulate(args: &Args) -> Result<Summary, SimulateError> {
    let simulation = match &args.cases {
        Some(path) => Simulation::from_cases(path)?,
        None => Simulation::population(args.households, args.seed, args.on)?,
    };
    if args.replace {
        simulate::remove(&args.out)?;
    }
    let summary = simulation.write(&args.out).await?;
    if args.dump {
        simulation.dump(&args.out)?;
    }
    Ok(summary)
}

fn print(summary: &Summary, args: &Args, global: &Global) -> anyhow::Result<()> {
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
    if args.dump {
        loading(&mut out, &summary.directory, lang)?;
    }
    next_commands(&mut out, &summary.directory, args.trial)?;
    Ok(())
}

fn pick_count(lang: Lang, rehearsed: usize) -> String {
    match lang {
        Lang::Zh => format!("演练失败：{rehearsed} 人"),
        Lang::En => format!("rehearses failure for {rehearsed} persons"),
    }
}

/// Runs the departments' own services over an earlier trial, until stopped.
async fn serve(directory: &Path, lang: Lang) -> anyhow::Result<ExitCode> {
    let keys = TrialKeys::of(&directory.join("keys"));
    let mut services = Vec::new();
    for (department, address) in service_addresses() {
        let service = Service::start(directory, department, &keys, Arc::new(SystemClock), Some(address)).await?;
        let url = service.as_ref().map(Service::url).unwrap_or_default();
        writeln!(std::io::stdout().lock(), "{department}: {url}")?;
        services.extend(service);
    }
    writeln!(std::io::stdout().lock(), "{}", lang.pick("停止：Ctrl-C", "Stop: Ctrl-C"))?;
    until_stopped().await?;
    for service in services {
        service.stop().await;
    }
    Ok(ExitCode::SUCCESS)
}

fn service_addresses() -> impl Iterator<Item = (&'static str, SocketAddr)> {
    SERVED.into_iter().zip(FIRST_SERVICE_PORT..).map(|(department, port)| (department, SocketAddr::new(HUB.ip(), port)))
}

/// Keys and a configuration of a hub before six adapters on this machine.
fn trial(args: &Args) -> anyhow::Result<()> {
    let policies = std::path::absolute(args.out.join("policies"))?;
    let adapters: Vec<(&str, SocketAddr)> = adapter_addresses().collect();
    let trial = Trial {
        hub: HUB,
        monitor: MONITOR,
        adapters: &adapters,
        policies: args.cases.is_some().then_some(policies.as_path()),
        catalogue: None,
        signed_answers: true,
        ask_timeout: "3s",
        per_second: 1000,
    };
    let files = trial.write(&args.out, &SystemRandomness)?;
    for (department, connector) in CONNECTORS.into_iter().filter(|(id, _)| SERVED.contains(id)) {
        service::furnish(&args.out, department, connector, &files.keys, &SystemRandomness)?;
    }
    Ok(())
}

fn adapter_addresses() -> impl Iterator<Item = (&'static str, SocketAddr)> {
    DEPARTMENTS
        .into_iter()
        .zip(FIRST_ADAPTER_PORT..)
        .map(|(department, port)| (department, SocketAddr::new(HUB.ip(), port)))
}

/// The commands that have servers load the dumps, and how an adapter is told of them.
fn loading(out: &mut impl std::io::Write, directory: &Path, lang: Lang) -> std::io::Result<()> {
    for (department, dialect, _) in SERVERS {
        let file = directory.join(dump::file_name(department, dialect));
        let file = file.display();
        let (load, scheme) = match dialect {
            Dialect::Postgres => (format!("psql {department} -v ON_ERROR_STOP=1 -f {file}"), "postgres"),
            Dialect::Mariadb => (format!("mariadb {department} < {file}"), "mariadb"),
        };
        writeln!(out, "  {load}")?;
        let then = lang.pick("# 然后适配器用", "# and its adapter by");
        writeln!(out, "    {then} --source-url {scheme}://{department}_reader:…@HOST/{department}")?;
    }
    Ok(())
}

/// The commands that show what was written at work.
fn next_commands(out: &mut impl std::io::Write, directory: &Path, is_trial: bool) -> std::io::Result<()> {
    let absolute = std::path::absolute(directory)?;
    let shown = directory.display();
    writeln!(out, "  hedui verdict evaluate {shown}/truth.json --summary")?;
    if !is_trial {
        return Ok(());
    }
    writeln!(out, "  hedui simulate --out {shown} --serve &")?;
    for (department, address) in adapter_addresses() {
        let served = service_addresses().find(|(served, _)| *served == department);
        let (connector, url) = match served {
            Some((_, service)) => (
                format!("{shown}/connectors/{department}/connector.toml"),
                format!("https://localhost:{}", service.port()),
            ),
            None => (format!("connectors/{department}/connector.toml"), native_store::url(&absolute, department)),
        };
        writeln!(
            out,
            "  hedui adapter serve {connector} --listen {address} \\\n    --cert {shown}/keys/server.pem --key {shown}/keys/server.key --client-ca {shown}/keys/ca.pem \\\n    --hub-keys {shown}/keys/hub-keys.json --answer-key {shown}/keys/answers/{department}.key \\\n    --source-url {url} --rehearse {shown}/rehearsals/{department}.json &"
        )?;
    }
    writeln!(out, "  hedui serve --config {shown}/hedui.toml &")?;
    writeln!(
        out,
        "  hedui verify --hub https://{HUB} --ca {shown}/keys/ca.pem --key {shown}/keys/issuer.key --request {shown}/requests/…"
    )
}

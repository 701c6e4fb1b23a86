//! The verbs of an adapter, for `hedui-adapter` and for `hedui adapter`.
//!
//! Exit codes are those of `hedui`: 0 done, 1 done but the answer is no (a failed test, a fault in the
//! file), 2 the command or its input is wrong, 3 something outside failed (database, network, files).

mod beginning;
mod conform;
mod explore;
mod keeper;
mod print;
mod proof;
pub mod reconcile;
mod recorded;
mod serve;
mod service;
mod status;
pub mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use crate::adapter::{Adapter, Overrides};
use crate::check;
use crate::connector::Connector;
use crate::error::{Lang, Text};
use crate::golden;
use crate::ledger::Ledger;
use crate::nearest::nearest;
use crate::protocol::{Query, QueryPeriod, ResultStatus};
use crate::secret::Secret;
use crate::trial::Untried;
use crate::{synthetic, trial};
pub use conform::{CallerArgs, ConformArgs};
pub use explore::{DiffArgs, DiscoverArgs, DriverArg, NewArgs};
pub use print::Style;
pub use proof::ProofArgs;
pub use serve::ServeArgs;
pub use status::StatusArgs;

/// Done, but the answer is no.
const NO: u8 = 1;
/// The command or its input is wrong.
const WRONG: u8 = 2;
/// Something outside failed.
const OUTSIDE: u8 = 3;

/// What to do with a connector file.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer the hub's questions over mutual TLS.
    ///
    /// Example: hedui-adapter serve hrss/connector.toml --listen 0.0.0.0:9101 --cert hrss.pem --key hrss.key --client-ca hub-ca.pem --hub-keys hub-keys.json --answer-key answers.key --ledger hrss.jsonl
    Serve(ServeArgs),
    /// Climb the ladder from the file to an answer, and say what mends the first broken rung.
    ///
    /// Example: hedui-adapter check hrss/connector.toml
    Check(CheckArgs),
    /// Run the golden tests of the file. The last line is `N passed, N failed`.
    ///
    /// Example: hedui-adapter test hrss/connector.toml
    Test(TestArgs),
    /// Ask one dataset about one person, and print each native value beside what it becomes. Exits with 1 when the name
    /// differs or a record cannot be read.
    ///
    /// Example: hedui-adapter try hrss/connector.toml --dataset hrss.pension --id-number - --from 2024-03-01 --to 2025-02-28
    Try(TryArgs),
    /// Write the beginning of a connector file, asking what is not given.
    ///
    /// Example: hedui-adapter new housing.toml --driver postgres --id housing --host 10.2.3.4 --database house --user reader
    New(NewArgs),
    /// List tables, views and columns with types and how often they are empty, never values, and propose datasets.
    /// Exits with 1 when no dataset could be proposed.
    ///
    /// Example: hedui-adapter discover housing.toml --table owner --append
    Discover(DiscoverArgs),
    /// Try what an adapter must be like, level by level, and write a signed report. Exits with 1 when the level is not reached.
    ///
    /// Example: hedui-adapter conform housing.toml --level 2 --out reports
    Conform(ConformArgs),
    /// How a running adapter does: its source, what came of its questions and how fast, how fresh its records are, its
    /// last golden tests. Exits with 1 when something is wrong with it.
    ///
    /// Example: hedui-adapter status <https://10.2.3.4:9101> --cert ops.pem --cert-key ops.key --ca ca.pem --watch 5
    Status(StatusArgs),
    /// Say what a new version of a file changes for callers. Exits with 2 when it breaks them, with 3 when a file is not sound.
    ///
    /// Example: hedui-adapter diff housing.toml housing.new.toml
    Diff(DiffArgs),
}

/// The connector file and where its records are.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// The connector file.
    pub file: PathBuf,
    /// URL of the source, instead of the variable or file that the connector names.
    #[arg(long, value_name = "URL")]
    pub source_url: Option<String>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The connector file and its source.
    #[command(flatten)]
    pub connector: FileArgs,
}

/// Arguments of `test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The connector file.
    pub file: PathBuf,
}

/// Arguments of `try`.
#[derive(Debug, Args)]
pub struct TryArgs {
    /// The connector file and its source.
    #[command(flatten)]
    pub connector: FileArgs,
    /// The dataset.
    #[arg(long)]
    pub dataset: String,
    /// The identity number; `-` reads it from standard input, so that it stays out of the shell's history.
    #[arg(long, value_name = "NUMBER")]
    pub id_number: String,
    /// The name, where the connector compares names; without it they are not compared.
    #[arg(long, default_value = "")]
    pub name: String,
    /// First day of the period.
    #[arg(long)]
    pub from: Date,
    /// Last day of the period.
    #[arg(long)]
    pub to: Date,
    /// Write the rows as the source gave them into this JSON file, as the fixture of a golden test. Synthetic persons only.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// With --record: append a golden test of this name to the connector file, which expects what was answered now.
    #[arg(long, value_name = "NAME", requires = "record")]
    pub golden: Option<String>,
}

/// Runs a command.
pub async fn run(command: Command, style: Style) -> ExitCode {
    let code = match command {
        Command::Serve(args) => Box::pin(serve::serve(args, style)).await,
        Command::Check(args) => climb(args, style).await,
        Command::Test(args) => test(args, style).await,
        Command::Try(args) => ask(args, style).await,
        Command::New(args) => explore::begin(args, style),
        Command::Discover(args) => Box::pin(explore::discover(args, style)).await,
        Command::Status(args) => status::status(args, style).await,
        Command::Conform(args) => Box::pin(conform::conform(args, style)).await,
        Command::Diff(args) => explore::diff(args, style),
    };
    ExitCode::from(code)
}

impl FileArgs {
    fn overrides(&self) -> Overrides {
        Overrides { source_url: self.source_url.as_ref().map(Secret::new), ..Overrides::default() }
    }
}

fn load(args: &FileArgs, overrides: Overrides, style: Style) -> Result<Adapter, u8> {
    Adapter::load(&args.file, overrides).map_err(|error| style.unloaded(&error))
}

async fn climb(args: CheckArgs, style: Style) -> u8 {
    // What is found is told rung by rung; the record of use is the server's.
    let overrides = Overrides { ledger: Ledger::Silent, ..args.connector.overrides() };
    let steps = check::climb(&args.connector.file, overrides).await;
    style.ladder(&args.connector.file, &steps);
    match steps.iter().find(|step| !step.holds()) {
        None => 0,
        Some(step) if step.outside => OUTSIDE,
        Some(_) => NO,
    }
}

async fn test(args: TestArgs, style: Style) -> u8 {
    let connector = match Connector::read(&args.file) {
        Ok(connector) => connector,
        Err(faults) => {
            style.faults(&faults);
            return WRONG;
        }
    };
    let results = golden::run(&connector).await;
    style.golden(&results);
    if results.iter().all(golden::GoldenResult::passed) { 0 } else { NO }
}

/// An identity number as it was given; `-` reads it from standard input.
fn number(given: &str) -> String {
    let mut line = given.to_owned();
    if given == "-" {
        line.clear();
        if std::io::stdin().read_line(&mut line).is_err() {
            line.clear();
        }
    }
    line.trim().to_ascii_uppercase()
}

/// That the file has no such dataset, which it has, and which was probably meant.
fn unknown_dataset(connector: &Connector, asked: &str) -> Text {
    let all: Vec<&str> = connector.datasets.iter().map(|dataset| dataset.id.as_str()).collect();
    let listed = all.join(", ");
    let text = Text::new(
        format!("{} 里没有数据集 `{asked}`，有 {listed}", connector.file.display()),
        format!("{} has no dataset `{asked}`; there is {listed}", connector.file.display()),
    );
    match nearest(asked, all) {
        None => text,
        Some(meant) => {
            Text::new(format!("{}；是不是 `{meant}`？", text.zh), format!("{}; did you mean `{meant}`?", text.en))
        }
    }
}

async fn ask(args: TryArgs, style: Style) -> u8 {
    let mut overrides = args.connector.overrides();
    overrides.ledger = Ledger::Stderr;
    let id_number = number(&args.id_number);
    let adapter = match load(&args.connector, overrides, style) {
        Ok(adapter) => adapter,
        Err(code) => return code,
    };
    let period = QueryPeriod { from: args.from, to: args.to };
    let query = Query::of_own("try", &[&args.dataset], [(id_number.as_str(), args.name.as_str())], period);
    if !adapter.connector().datasets.iter().any(|dataset| dataset.id == args.dataset) {
        style.failed("unknown_dataset", &unknown_dataset(adapter.connector(), &args.dataset));
        return WRONG;
    }
    if args.record.is_some() && !query.subjects.iter().all(|subject| synthetic::is_synthetic(&subject.id_number)) {
        style.failed(
            "record_of_a_person",
            &Text::new(
                "只能记录合成人员（号码以 150000 开头）的数据：真人的记录不进文件",
                "only rows about synthetic persons (numbers beginning with 150000) are recorded: no person's record goes into a file",
            ),
        );
        return WRONG;
    }
    let tried = trial::run(&adapter, &query).await;
    adapter.close().await;
    match tried {
        Ok(trial) => {
            style.tried(&trial);
            if let Some(file) = &args.record
                && let Err(cause) = std::fs::write(file, format!("{:#}\n", trial.native.to_json()))
            {
                explore::cannot_write(file, &cause, style);
                return OUTSIDE;
            }
            if let (Some(name), Some(fixture)) = (&args.golden, &args.record) {
                if trial.name == trial::NameCheck::NotGiven {
                    style.failed("name_needed", &recorded::name_needed());
                    return WRONG;
                }
                let file = &args.connector.file;
                let test = recorded::golden_test(name, &recorded::beside(fixture, file), &query, &trial);
                if let Err(cause) = recorded::append(file, &test) {
                    explore::cannot_write(file, &cause, style);
                    return OUTSIDE;
                }
                // What was answered may be a mismatch or an error on purpose: the test expects it.
                return 0;
            }
            let mismatch =
                trial.answered.response.results.iter().any(|result| result.status == ResultStatus::NameMismatch);
            if mismatch || !trial.answered.failures.is_empty() { NO } else { 0 }
        }
        Err(Untried::Refused(problem)) => {
            style.failed(&problem.code, &Text::new(problem.title_zh, problem.title));
            if problem.status < 500 { WRONG } else { OUTSIDE }
        }
        Err(Untried::Unanswered(error)) => {
            style.refused(&error);
            OUTSIDE
        }
    }
}

//! What a hub tells of a department's use, and whether the department's own ledger says the same.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use connectors::cli::Style;
use connectors::cli::reconcile::LedgerArgs;
use connectors::reconcile::{Account, AccountedQuestion};
use jiff::civil::Date;
use serde_json::Value;

use crate::cli::caller::Said;
use crate::cli::obstacle::Obstacle;
use crate::cli::reach::HubArgs;
use crate::cli::{Global, token, told};
use crate::domain::actor::Role;

/// Which questions.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Days {
    /// First day, of China.
    #[arg(long)]
    pub(super) from: Date,
    /// Last day.
    #[arg(long)]
    pub(super) to: Date,
}

/// Arguments of `hedui adapter account`.
#[derive(Debug, clap::Args)]
pub struct AccountArgs {
    /// The department.
    department: String,
    /// The days.
    #[command(flatten)]
    days: Days,
    /// The hub.
    #[command(flatten)]
    hub: HubArgs,
}

/// Arguments of `hedui adapter reconcile`.
#[derive(Debug, clap::Args)]
pub struct ReconcileArgs {
    /// The ledger.
    #[command(flatten)]
    ledger: LedgerArgs,
    /// The hub's account in a file; when absent the hub is asked.
    #[arg(long, value_name = "FILE")]
    account: Option<PathBuf>,
    /// The department.
    #[arg(long, required_unless_present = "account")]
    department: Option<String>,
    /// First day, of China.
    #[arg(long, required_unless_present = "account")]
    from: Option<Date>,
    /// Last day.
    #[arg(long, required_unless_present = "account")]
    to: Option<Date>,
    /// The hub.
    #[command(flatten)]
    hub: HubArgs,
}

/// Writes the hub's account down.
pub(super) async fn write(args: &AccountArgs, global: &Global) -> anyhow::Result<ExitCode> {
    match account(&args.hub, &args.department, &args.days).await? {
        Ok(account) => {
            writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(&account)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(problem) => refused(&problem, global),
    }
}

/// Holds a ledger against an account: of a file, or of the hub.
pub(super) async fn reconcile(args: ReconcileArgs, global: &Global, style: Style) -> anyhow::Result<ExitCode> {
    if let Some(account) = args.account {
        let args = connectors::cli::reconcile::ReconcileArgs { ledger: args.ledger, account };
        return Ok(connectors::cli::reconcile::run(&args, style));
    }
    let missing = || {
        Obstacle::new(
            "请给出 --account 文件，或 --department、--from 和 --to",
            "give --account FILE, or --department, --from and --to",
        )
    };
    let days = Days { from: args.from.with_context(missing)?, to: args.to.with_context(missing)? };
    match account(&args.hub, &args.department.with_context(missing)?, &days).await? {
        Ok(account) => Ok(ExitCode::from(args.ledger.hold_against(&account, style))),
        Err(problem) => refused(&problem, global),
    }
}

/// Tells why the hub refuses.
pub(super) fn refused(problem: &Value, global: &Global) -> anyhow::Result<ExitCode> {
    if global.json {
        writeln!(std::io::stdout().lock(), "{problem}")?;
    } else {
        told::problem(&mut std::io::stderr().lock(), problem, global.lang())?;
    }
    Ok(ExitCode::from(1))
}

/// The hub's account, page by page; the problem where it refuses.
async fn account(hub: &HubArgs, department: &str, days: &Days) -> anyhow::Result<Result<Account, Value>> {
    let department = token::department(department)?;
    let client = hub.client_as(Role::Operator).await?;
    let base = format!("/v1/adapters/{department}/usage/questions?from={}&to={}", days.from, days.to);
    let (mut questions, mut after): (Vec<AccountedQuestion>, _) = (Vec::new(), String::new());
    loop {
        let page = match client.get(&format!("{base}{after}")).await? {
            Said::Verification(page) => page,
            Said::Problem(problem) => return Ok(Err(problem)),
        };
        let next = page.get("next").and_then(Value::as_u64);
        let mut account: Account = serde_json::from_value(page).context("the hub's answer is no account")?;
        questions.append(&mut account.questions);
        match next {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(Ok(Account { questions, ..account })),
        }
    }
}

//! `hedui adapter`: the verbs of `hedui-adapter`, so that an operator of the hub has them too, and what a hub tells of a
//! department's use.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use connectors::cli::Style;
use connectors::cli::reconcile::LedgerArgs;
use connectors::reconcile::{Account, AccountedQuestion};
use jiff::civil::Date;
use serde_json::Value;

use super::caller::Said;
use super::reach::HubArgs;
use super::{Global, Lang, told};
use crate::domain::actor::Role;

/// What to do with an adapter.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// The verbs beside a department's database.
    #[command(flatten)]
    Department(connectors::cli::Command),
    /// Write down the hub's account of the questions to a department, for it to hold against its ledger.
    ///
    /// Example: hedui adapter account hrss --from 2026-11-01 --to 2026-11-30 --token-file token > account.json
    Account(AccountArgs),
    /// Hold a department's ledger against the hub's account. Exits with 2 when they differ.
    ///
    /// Examples: `hedui adapter reconcile --ledger hrss.jsonl --hub-keys hub-keys.json --account account.json`;
    /// `hedui adapter reconcile --ledger hrss.jsonl --hub-keys hub-keys.json --department hrss --from 2026-11-01 --to 2026-11-30 --hub URL --token-file token`
    Reconcile(ReconcileArgs),
}

/// Which questions.
#[derive(Debug, Clone, clap::Args)]
struct Days {
    /// First day, of China.
    #[arg(long)]
    from: Date,
    /// Last day.
    #[arg(long)]
    to: Date,
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

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    let lang = match global.lang() {
        Lang::Zh => connectors::error::Lang::Zh,
        Lang::En => connectors::error::Lang::En,
    };
    let style = Style { lang, json: global.json };
    let (hub, department, days) = match command {
        Command::Department(command) => return Ok(connectors::cli::run(command, style).await),
        Command::Account(args) => match account(&args.hub, &args.department, &args.days).await? {
            Ok(account) => {
                writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(&account)?)?;
                return Ok(ExitCode::SUCCESS);
            }
            Err(problem) => return refused(&problem, global),
        },
        Command::Reconcile(ReconcileArgs { ledger, account: Some(account), .. }) => {
            let args = connectors::cli::reconcile::ReconcileArgs { ledger, account };
            return Ok(connectors::cli::reconcile::run(&args, style));
        }
        Command::Reconcile(args) => {
            let missing = "give --account FILE, or --department, --from and --to";
            let days = Days { from: args.from.context(missing)?, to: args.to.context(missing)? };
            ((args.hub, args.ledger), args.department.context(missing)?, days)
        }
    };
    let (hub, ledger) = hub;
    match account(&hub, &department, &days).await? {
        Ok(account) => Ok(ExitCode::from(ledger.hold_against(&account, style))),
        Err(problem) => refused(&problem, global),
    }
}

fn refused(problem: &Value, global: &Global) -> anyhow::Result<ExitCode> {
    told::problem(&mut std::io::stderr().lock(), problem, global.lang())?;
    Ok(ExitCode::from(1))
}

/// The hub's account, page by page; the problem where it refuses.
async fn account(hub: &HubArgs, department: &str, days: &Days) -> anyhow::Result<Result<Account, Value>> {
    let client = hub.client_as(Role::Operator)?;
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

#[cfg(test)]
mod tests {
    use connectors::facts::{FACT_TYPES, FactType, Form, Target};
    use serde_json::{Map, Value, json};

    use crate::domain::dataset::Catalogue;
    use crate::domain::fact::{Fact, FactKind};

    /// Every value of a form that is worth trying.
    fn samples(form: Form) -> Vec<Value> {
        match form {
            Form::Money => vec![json!("1234.50")],
            Form::Date => vec![json!("2024-02-29")],
            Form::Text => vec![json!("库伦旗")],
            Form::Boolean => vec![json!(true), json!(false)],
            Form::Count => vec![json!(0), json!(u32::MAX)],
            Form::Decimal => vec![json!("89.50")],
            Form::Kind => vec![json!("PENSION_RESIDENT")],
            Form::OneOf(list) => list.iter().map(|text| json!(text)).collect(),
        }
    }

    fn decodes(kind: FactKind, fact: &Map<String, Value>) -> bool {
        Fact::decode(kind, &json!([fact]).to_string()).is_ok()
    }

    fn fact_with<'a>(targets: impl Iterator<Item = &'a Target>) -> Map<String, Value> {
        targets.map(|target| (target.name.to_owned(), samples(target.form)[0].clone())).collect()
    }

    fn kind_of(fact: &FactType) -> FactKind {
        FactKind::ALL.into_iter().find(|kind| kind.as_str() == fact.name).expect("the same names on both sides")
    }

    #[test]
    fn connectors_and_hub_mean_the_same_by_every_fact_type() {
        assert_eq!(FACT_TYPES.map(|fact| fact.name), FactKind::ALL.map(FactKind::as_str));
        for fact in &FACT_TYPES {
            let kind = kind_of(fact);
            let whole = fact_with(fact.targets.iter());
            assert!(decodes(kind, &whole), "{} with every target", fact.name);
            for target in fact.targets {
                let mut without = whole.clone();
                without.remove(target.name);
                assert_eq!(decodes(kind, &without), !target.required, "{} without {}", fact.name, target.name);
                for sample in samples(target.form) {
                    let mut other = whole.clone();
                    other.insert(target.name.to_owned(), sample.clone());
                    assert!(decodes(kind, &other), "{}: {} = {sample}", fact.name, target.name);
                }
                let mut wrong = whole.clone();
                wrong.insert(target.name.to_owned(), json!({}));
                assert!(!decodes(kind, &wrong), "{}: {}", fact.name, target.name);
            }
            let mut more = whole.clone();
            more.insert("anything_else".to_owned(), json!(1));
            assert!(!decodes(kind, &more), "{} with an unknown member", fact.name);
        }
    }

    #[test]
    fn the_seventh_source_joins_with_files_only() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/seventh_source");
        let catalogue = std::fs::read_to_string(folder.join("catalogue.toml")).unwrap();
        let catalogue = Catalogue::parse(&catalogue).unwrap();
        let connector = connectors::connector::Connector::read(&folder.join("connector.toml")).unwrap();
        for dataset in &connector.datasets {
            let entry = catalogue.datasets().iter().find(|entry| entry.id.as_str() == dataset.id).unwrap();
            assert_eq!((entry.fact.as_str(), entry.department.as_str()), (dataset.fact.as_str(), "disabled_persons"));
        }
        assert_eq!(connector.datasets.len(), catalogue.datasets().len());
    }
}

//! `hedui adapter`: the verbs of `hedui-adapter`, so that an operator of the hub has them too; what a hub tells of a
//! department's use; and the verbs of the registry: inviting departments, registering, bringing adapters on, draining and
//! suspending them, on the hub's machine or from a department's.

mod account;
mod list;
mod registry;
mod remote;
mod usage;

use std::process::ExitCode;

use connectors::cli::Style;

use super::{Global, Lang};

/// What to do with an adapter.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// The verbs beside a department's database.
    #[command(flatten)]
    Department(connectors::cli::Command),
    /// With the registry of a hub.
    #[command(flatten)]
    Registry(registry::Command),
    /// Show what a department was asked, by whom and for what, and what it was spared.
    Usage(usage::UsageArgs),
    /// Write down the hub's account of the questions to a department, for it to hold against its ledger.
    ///
    /// Example: hedui adapter account hrss --from 2026-11-01 --to 2026-11-30 --token-file token > account.json
    Account(account::AccountArgs),
    /// Hold a department's ledger against the hub's account. Exits with 2 when they differ.
    ///
    /// Examples: `hedui adapter reconcile --ledger hrss.jsonl --hub-keys hub-keys.json --account account.json`;
    /// `hedui adapter reconcile --ledger hrss.jsonl --hub-keys hub-keys.json --department hrss --from 2026-11-01 --to 2026-11-30 --hub URL --token-file token`
    Reconcile(account::ReconcileArgs),
}

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    let lang = match global.lang() {
        Lang::Zh => connectors::error::Lang::Zh,
        Lang::En => connectors::error::Lang::En,
    };
    let style = Style { lang, json: global.json };
    match command {
        Command::Department(command) => Ok(connectors::cli::run(command, style).await),
        Command::Registry(command) => registry::run(command, global).await,
        Command::Usage(args) => usage::show(&args, global).await,
        Command::Account(args) => account::write(&args, global).await,
        Command::Reconcile(args) => account::reconcile(args, global, style).await,
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

//! `hedui-adapter`: runs and checks a department's adapter, beside its database.

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use connectors::cli::{self, Style, reconcile, usage};
use connectors::error::Lang;

/// The adapter of a department: answers Hedui's questions from the department's own database.
#[derive(Debug, Parser)]
#[command(name = "hedui-adapter", version, propagate_version = true)]
struct Cli {
    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true)]
    json: bool,
    /// Language of the text; by default that of the locale.
    #[arg(long, global = true, value_enum, env = "HEDUI_LANG")]
    lang: Option<LangArg>,
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// The verbs of an adapter, and those that look at what it kept.
#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Adapter(Box<cli::Command>),
    /// Hold the ledger against the hub's account. Exits with 2 when they differ.
    ///
    /// Example: hedui-adapter reconcile --ledger hrss.jsonl --hub-keys hub-keys.json --account account.json
    Reconcile(reconcile::ReconcileArgs),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LangArg {
    Zh,
    En,
}

fn main() -> std::io::Result<ExitCode> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let arguments: Vec<String> =
                std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
            let lang = usage::language(&arguments, environment("HEDUI_LANG").as_deref(), locale());
            return Ok(usage::refused(&error, lang));
        }
    };
    let lang = match cli.lang {
        Some(LangArg::Zh) => Lang::Zh,
        Some(LangArg::En) => Lang::En,
        None => locale(),
    };
    let style = Style { lang, json: cli.json };
    match cli.command {
        Command::Reconcile(args) => Ok(reconcile::run(&args, style)),
        Command::Adapter(command) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            Ok(runtime.block_on(cli::run(*command, style)))
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the language is the terminal's, not a setting")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn locale() -> Lang {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(environment);
    match locale.into_iter().find(|value| !value.is_empty()) {
        Some(value) if value.starts_with("zh") => Lang::Zh,
        _ => Lang::En,
    }
}

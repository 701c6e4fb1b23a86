//! `hedui-adapter`: runs and checks a department's adapter, beside its database.

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use connectors::cli::{Command, Style, run};
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

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LangArg {
    Zh,
    En,
}

fn main() -> std::io::Result<ExitCode> {
    let cli = Cli::parse();
    let lang = match cli.lang {
        Some(LangArg::Zh) => Lang::Zh,
        Some(LangArg::En) => Lang::En,
        None => locale(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(run(cli.command, Style { lang, json: cli.json })))
}

#[expect(clippy::disallowed_methods, reason = "the locale is the terminal's, not a setting")]
fn locale() -> Lang {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
    match locale.into_iter().find(|value| !value.is_empty()) {
        Some(value) if value.starts_with("zh") => Lang::Zh,
        _ => Lang::En,
    }
}

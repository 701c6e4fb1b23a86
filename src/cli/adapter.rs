//! `hedui adapter`: the verbs of `hedui-adapter`, so that an operator of the hub has them too.

use std::process::ExitCode;

use connectors::cli::Style;

use super::{Global, Lang};

pub use connectors::cli::Command;

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    let lang = match global.lang() {
        Lang::Zh => connectors::error::Lang::Zh,
        Lang::En => connectors::error::Lang::En,
    };
    Ok(connectors::cli::run(command, Style { lang, json: global.json }).await)
}

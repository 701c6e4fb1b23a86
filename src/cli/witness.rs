//! `hedui witness`: cosign the heads of access logs, on another machine than theirs.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::serve::{log_to_stderr, until_stopped};
use super::{Global, Lang, log};
use crate::app::witness::WitnessServer;
use crate::config::WitnessConfig;
use crate::tlog::note::KeyKind;

/// What to do as a witness.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a witness.
    Serve(ServeArgs),
    /// Make the key pair of a witness.
    Keygen(KeygenArgs),
}

/// Arguments of `hedui witness serve`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui witness serve --config config/witness.toml\n\nEvery setting can be overridden: HEDUI_WITNESS__ADDRESS=0.0.0.0:8444 hedui witness serve\nconfig/witness.example.toml lists every setting."
)]
pub struct ServeArgs {
    /// The configuration file.
    #[arg(long, default_value = "config/witness.toml")]
    config: PathBuf,
}

/// Arguments of `hedui witness keygen`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui witness keygen --name witness.example.gov.cn/w1 --out keys/witness.key\n\nThe public key is printed and written beside it as keys/witness.key.pub; give it to the hub, in [[access_log.witness]] key, and to whoever verifies."
)]
pub struct KeygenArgs {
    /// The witness's name in its cosignatures: an address without scheme, such as `witness.example.gov.cn/w1`.
    #[arg(long)]
    name: String,
    /// Where the private key goes; an existing file is not touched.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve(args, global).await,
        Command::Keygen(args) => log::make_key(&args.name, &args.out, KeyKind::Witness, global),
    }
}

async fn serve(args: ServeArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let tell = |message: String, code: u8| -> anyhow::Result<ExitCode> {
        writeln!(std::io::stderr().lock(), "hedui witness serve: {message}")?;
        Ok(ExitCode::from(code))
    };
    let config = match WitnessConfig::load(&args.config) {
        Ok(config) => config,
        Err(error) => return tell(format!("{error}\nconfig/witness.example.toml lists every setting."), 2),
    };
    log_to_stderr();
    let server = match WitnessServer::start(&config) {
        Ok(server) => server,
        Err(error) => {
            let text = error.text();
            return tell(global.lang().pick(&text.zh, &text.en).to_owned(), 3);
        }
    };
    let scheme = if config.certificate.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}{}", server.address, config.prefix);
    let mut out = std::io::stdout().lock();
    match (global.json, global.lang()) {
        (true, _) => writeln!(out, "{}", serde_json::json!({ "url": url, "vkey": server.key.to_string() }))?,
        (false, Lang::Zh) => writeln!(out, "见证服务在 {url}\n公钥 {}", server.key)?,
        (false, Lang::En) => writeln!(out, "witness on {url}\nkey {}", server.key)?,
    }
    out.flush()?;
    drop(out);
    until_stopped().await?;
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

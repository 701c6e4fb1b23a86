//! `hedui log`: check, prove and take out the access log. Works on the database file or a cold copy of it;
//! no hub and no secret is needed.

mod export;
mod keygen;
mod proof;
mod verify;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Subcommand;

pub(super) use keygen::make_key;

use super::Global;
use crate::app::{former_log_keys, log_key, sealing_keys};
use crate::config::Config;
use crate::domain::clock::SystemRandomness;
use crate::seal::Sealer;
use crate::service::sealing::{opened_root, unnoted_root};
use crate::store::{EntryRow, LogReader, StoreError};
use crate::tlog::note::VerifierKey;

/// What to do with the log.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check every entry, tile, root, signature and anchor of a stored log.
    Verify(verify::Args),
    /// Take out the proof of one entry, as a `.tlog-proof` file.
    Proof(proof::Args),
    /// Take the whole log out as a folder of tiles, with a page that verifies it.
    Export(export::Args),
    /// Print the newest signed checkpoint.
    Checkpoint(CheckpointArgs),
    /// Make the key pair of a log.
    Keygen(keygen::Args),
}

/// Which log, and which public key it is checked with.
#[derive(Debug, clap::Args)]
pub struct Source {
    /// The database file, or a cold copy of it (with its -wal file, when there is one).
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// The log's public key, or a file that holds it; without it the key that the log itself names is used.
    #[arg(long, value_name = "KEY|FILE")]
    vkey: Option<String>,
    /// A public key that the log had before, or a file that holds it; may be given more than once.
    #[arg(long, value_name = "KEY|FILE")]
    former_vkey: Vec<String>,
    /// Take database, public key, anchor and witnesses from this configuration of a hub.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Arguments of `hedui log checkpoint`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  hedui log checkpoint --config config/hedui.toml > checkpoint")]
pub struct CheckpointArgs {
    #[command(flatten)]
    source: Source,
}

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    match command {
        Command::Verify(args) => verify::run(args, global).await,
        Command::Proof(args) => proof::run(args, global).await,
        Command::Export(args) => export::run(args, global).await,
        Command::Checkpoint(args) => checkpoint(args, global).await,
        Command::Keygen(args) => keygen::run(args, global),
    }
}

/// A log that was opened for reading.
pub(super) struct Opened {
    pub(super) log: LogReader,
    key: Option<VerifierKey>,
    /// The keys that the log had before.
    former: Vec<VerifierKey>,
    anchor: Option<PathBuf>,
    /// The public keys of the hub's witnesses.
    witnesses: Vec<String>,
}

impl Source {
    /// The configuration it names.
    pub(super) fn config(&self) -> anyhow::Result<Option<Config>> {
        Ok(self.config.as_deref().map(Config::load).transpose()?)
    }

    /// Opens the log. A file that is not there is an error of the world outside; what is in it is not looked at yet.
    pub(super) async fn open(&self) -> anyhow::Result<Opened> {
        let config = self.config()?;
        let file = match (&self.store, &config) {
            (Some(file), _) => file.clone(),
            (None, Some(config)) => config.store.path.clone(),
            (None, None) => bail!("say which log: --store FILE, or --config FILE of the hub"),
        };
        std::fs::File::open(&file).with_context(|| format!("the database {} cannot be read", file.display()))?;
        let key = match (&self.vkey, &config) {
            (Some(text), _) => Some(verifier_key(text)?),
            _ => None,
        };
        let log = LogReader::open(&file).await.map_err(|error| Unreadable(file.display().to_string(), error))?;
        let key = match (key, &config) {
            (None, Some(config)) => Some(configured_key(config, &log).await?),
            (key, _) => key,
        };
        let mut former = self.former_vkey.iter().map(|text| verifier_key(text)).collect::<anyhow::Result<Vec<_>>>()?;
        if let (true, Some(config)) = (former.is_empty(), &config) {
            former = former_log_keys(config)?;
        }
        let access_log = config.map(|config| config.access_log).unwrap_or_default();
        let witnesses = access_log.witnesses.into_iter().map(|witness| witness.key).collect();
        Ok(Opened { log, key, former, anchor: access_log.anchor, witnesses })
    }
}

/// The database is there and cannot be read as a log.
#[derive(Debug, thiserror::Error)]
#[error("{0} cannot be read as an access log: {1}")]
struct Unreadable(String, StoreError);

impl Opened {
    /// The given key, else the one that the log names.
    async fn key(&self) -> anyhow::Result<VerifierKey> {
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        let head = self
            .log
            .head()
            .await?
            .context("the log has no signed head yet, so it names no key; give one with --vkey")?;
        Ok(VerifierKey::parse(&head.key)?)
    }

    /// The entry at an index, or of a receipt.
    async fn entry(&self, which: &str) -> anyhow::Result<Option<EntryRow>> {
        Ok(match which.parse() {
            Ok(index) => self.log.entry(index).await?,
            Err(_) => self.log.entry_of(which).await?,
        })
    }
}

/// A public key from the text itself or from the file it names.
fn verifier_key(text: &str) -> anyhow::Result<VerifierKey> {
    if let Ok(key) = VerifierKey::parse(text) {
        return Ok(key);
    }
    let written = std::fs::read_to_string(text)
        .with_context(|| format!("`{text}` is neither a public log key nor a file that can be read"))?;
    VerifierKey::parse(&written).with_context(|| format!("the file {text}"))
}

/// The public key of the hub's log. Where it has no key of its own, it is derived from the root in its database.
async fn configured_key(config: &Config, log: &LogReader) -> anyhow::Result<VerifierKey> {
    let sealer = configured_sealer(config, log).await?;
    Ok(log_key(config, &sealer)?.verifier().clone())
}

/// The sealer of a configuration and of the root of pseudonyms that stands in its database.
pub(super) async fn configured_sealer(config: &Config, log: &LogReader) -> anyhow::Result<Sealer> {
    let keys = sealing_keys(config)?;
    let root = match log.pseudonym_root().await.map_err(|error| Unreadable("the database".to_owned(), error))? {
        Some(wrapped) => opened_root(&keys, &wrapped)?,
        None => unnoted_root(&keys)?,
    };
    Ok(Sealer::new(Arc::new(keys), &root, Arc::new(SystemRandomness)))
}

async fn checkpoint(args: CheckpointArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let opened = args.source.open().await?;
    let key = opened.key().await?;
    let head = crate::access_log::export::signed_head(&opened.log, &key).await?;
    let mut out = std::io::stdout().lock();
    if global.json {
        let checkpoint = head.checkpoint();
        writeln!(
            out,
            "{}",
            serde_json::json!({
                "origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root,
                "checkpoint": head.to_string(), "vkey": key.to_string()
            })
        )?;
    } else {
        write!(out, "{head}")?;
    }
    Ok(ExitCode::SUCCESS)
}

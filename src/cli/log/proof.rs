//! `hedui log proof`: take out the proof of one entry.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::Source;
use crate::access_log::export::{prove, signed_head};
use crate::cli::Global;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hedui log proof 7 --store hedui.sqlite --out 7.tlog-proof --entry 7.json\n  hedui log proof ev_0198c1… --config config/hedui.toml\n\nExit codes: 0 done, 1 there is no such entry or it is not signed yet, 2 the command is wrong, 3 a file cannot be read or written."
)]
pub struct Args {
    /// The entry's index, or the receipt of an answer.
    #[arg(value_name = "INDEX|RECEIPT")]
    which: String,
    #[command(flatten)]
    source: Source,
    /// Where the proof goes; standard output when absent.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Where the entry itself goes, byte for byte as it was logged.
    #[arg(long, value_name = "FILE")]
    entry: Option<PathBuf>,
}

/// Runs the command.
pub(super) async fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let opened = args.source.open().await?;
    let key = opened.key().await?;
    let lang = global.lang();
    let no = |why: String| -> anyhow::Result<ExitCode> {
        writeln!(std::io::stderr().lock(), "hedui log proof: {why}")?;
        Ok(ExitCode::from(1))
    };
    let Some(entry) = opened.entry(&args.which).await? else {
        return no(format!("{}: {}", lang.pick("日志中没有这一条", "there is no such entry"), args.which));
    };
    let head = signed_head(&opened.log, &key).await?;
    let proof = match prove(&opened.log, &head, &entry).await {
        Ok(proof) => proof,
        Err(error) => return no(error.to_string()),
    };
    let write = |file: &PathBuf, bytes: &[u8]| {
        std::fs::write(file, bytes).with_context(|| format!("{} cannot be written", file.display()))
    };
    if let Some(file) = &args.entry {
        write(file, entry.body.as_bytes())?;
    }
    let mut out = std::io::stdout().lock();
    match &args.out {
        Some(file) => write(file, proof.to_string().as_bytes())?,
        None if !global.json => write!(out, "{proof}")?,
        None => {}
    }
    if global.json {
        let told = serde_json::json!({ "index": entry.index, "receipt": entry.id, "entry": entry.body, "proof": proof.to_string(), "vkey": key.to_string() });
        writeln!(out, "{told}")?;
    }
    Ok(ExitCode::SUCCESS)
}

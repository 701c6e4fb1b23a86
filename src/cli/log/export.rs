//! `hedui log export`: take the whole log out as a folder.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::Source;
use crate::access_log::export::{ExportError, export};
use crate::cli::{Global, Lang};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui log export --config config/hedui.toml --out access-log --proof ev_0198c1…\n\nThe folder holds checkpoint, vkey, tile/ (C2SP tlog-tiles), proofs/, SHA256SUMS, and verify.html, which needs no network.\nExit codes: 0 done, 1 the log is not as it was signed, or an entry is not there, 2 the command is wrong, 3 a file cannot be read or written."
)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// The folder; made when absent, and empty otherwise.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Also the proof of this entry, by index or receipt; may be given more than once.
    #[arg(long, value_name = "INDEX|RECEIPT")]
    proof: Vec<String>,
}

/// Runs the command.
pub(super) async fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let opened = args.source.open().await?;
    let key = opened.key().await?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("the folder {} cannot be made", args.out.display()))?;
    if std::fs::read_dir(&args.out)?.next().is_some() {
        bail!("the folder {} is not empty; give another one with --out", args.out.display());
    }
    let lang = global.lang();
    let no = |why: String| -> anyhow::Result<ExitCode> {
        writeln!(std::io::stderr().lock(), "hedui log export: {why}")?;
        Ok(ExitCode::from(1))
    };
    let mut entries = Vec::with_capacity(args.proof.len());
    for which in &args.proof {
        match opened.entry(which).await? {
            Some(entry) => entries.push(entry),
            None => return no(format!("{}: {which}", lang.pick("日志中没有这一条", "there is no such entry"))),
        }
    }
    let exported = match export(&opened.log, &key, &entries, &args.out).await {
        Ok(exported) => exported,
        Err(error @ ExportError::File { .. }) => return Err(error.into()),
        Err(error) => return no(error.to_string()),
    };
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{}", serde_json::to_string(&exported)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (count, files, folder) = (exported.entries, exported.files, args.out.display());
    match lang {
        Lang::Zh => writeln!(
            out,
            "✓ 已导出 {} 的 {count} 条，{files} 个文件，在 {folder}；用浏览器打开 verify.html 核验",
            exported.origin
        )?,
        Lang::En => writeln!(
            out,
            "✓ {count} entries of {} in {files} files in {folder}; open verify.html in a browser to verify",
            exported.origin
        )?,
    }
    Ok(ExitCode::SUCCESS)
}

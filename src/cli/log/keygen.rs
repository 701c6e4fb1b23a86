//! `hedui log keygen`: make the key pair of a log; and what makes one of a witness.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::cli::{Global, Lang};
use crate::domain::clock::SystemRandomness;
use crate::tlog::note::{KeyKind, SignerKey};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui log keygen --name hub.example.gov.cn/access-log --out keys/access-log.key\n\nThe public key is printed and written beside it as keys/access-log.key.pub; give it to whoever verifies."
)]
pub struct Args {
    /// The log's name in its checkpoints: an address without scheme, such as `hub.example.gov.cn/access-log`.
    #[arg(long)]
    name: String,
    /// Where the private key goes; an existing file is not touched.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    make_key(&args.name, &args.out, KeyKind::Log, global)
}

/// Makes a key pair: the private key in `out`, the public one beside it and on standard output.
pub(in crate::cli) fn make_key(name: &str, out: &Path, kind: KeyKind, global: &Global) -> anyhow::Result<ExitCode> {
    let key = SignerKey::generate(name, kind, &SystemRandomness)?;
    let public = format!("{}.pub", out.display());
    let mut file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)
        .with_context(|| format!("the private key cannot be written to {}", out.display()))?;
    writeln!(file, "{}", *key.reveal())?;
    file.sync_all()?;
    std::fs::write(&public, format!("{}\n", key.verifier()))
        .with_context(|| format!("the public key cannot be written to {public}"))?;
    let mut told = std::io::stdout().lock();
    if global.json {
        let made = serde_json::json!({ "key_file": out, "vkey_file": public, "vkey": key.verifier().to_string() });
        writeln!(told, "{made}")?;
    } else {
        writeln!(told, "{}", key.verifier())?;
        let note = match global.lang() {
            Lang::Zh => format!("私钥在 {}，只有属主可读；公钥在 {public}。", out.display()),
            Lang::En => {
                format!("private key in {}, readable by its owner only; public key in {public}", out.display())
            }
        };
        writeln!(std::io::stderr().lock(), "{note}")?;
    }
    Ok(ExitCode::SUCCESS)
}

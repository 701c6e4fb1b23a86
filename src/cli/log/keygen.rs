//! `hedui log keygen`: make the key pair of a log, or of a witness.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
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
    /// A key of a witness, who cosigns.
    #[arg(long)]
    witness: bool,
}

/// Runs the command.
pub(super) fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let kind = if args.witness { KeyKind::Witness } else { KeyKind::Log };
    let key = SignerKey::generate(&args.name, kind, &SystemRandomness)?;
    let public = format!("{}.pub", args.out.display());
    let mut file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&args.out)
        .with_context(|| format!("the private key cannot be written to {}", args.out.display()))?;
    writeln!(file, "{}", *key.reveal())?;
    file.sync_all()?;
    std::fs::write(&public, format!("{}\n", key.verifier()))
        .with_context(|| format!("the public key cannot be written to {public}"))?;
    let mut out = std::io::stdout().lock();
    if global.json {
        let made = serde_json::json!({ "key_file": args.out, "vkey_file": public, "vkey": key.verifier().to_string() });
        writeln!(out, "{made}")?;
    } else {
        writeln!(out, "{}", key.verifier())?;
        let told = match global.lang() {
            Lang::Zh => format!("私钥在 {}，只有属主可读；公钥在 {public}。", args.out.display()),
            Lang::En => {
                format!("private key in {}, readable by its owner only; public key in {public}", args.out.display())
            }
        };
        writeln!(std::io::stderr().lock(), "{told}")?;
    }
    Ok(ExitCode::SUCCESS)
}

//! The proofs of use of `serve`: whose questions are answered, what answers are signed with, where the ledger is.

use std::path::PathBuf;

use clap::Args;

use super::print::Style;
use super::{OUTSIDE, WRONG};
use crate::adapter::Overrides;
use crate::connector::Connector;
use crate::context::Asker;
use crate::error::Text;
use crate::keys::{KeyError, PrivateKey, PublicKey};
use crate::ledger::{Ledger, LedgerFile, MAX_LEDGER_FILE, OpenLedgerError};

/// Whose questions are answered, and what is kept of them; each instead of what `[hub]` of the connector file says.
#[derive(Debug, Args)]
pub struct ProofArgs {
    /// Public keys of the hub: its `/.well-known/jwks.json`, or PEM. Questions it did not sign are refused.
    #[arg(long, value_name = "FILE")]
    pub hub_keys: Option<PathBuf>,
    /// Answer whoever has a certificate of the client CA, signed question or not: for trials.
    #[arg(long, conflicts_with = "hub_keys")]
    pub accept_unsigned: bool,
    /// Private key (Ed25519, PEM) that answers are signed with.
    #[arg(long, value_name = "PEM")]
    pub answer_key: Option<PathBuf>,
    /// File of the department's own record of use; standard error when absent.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Size at which a file of the ledger is put aside and the next is begun, bytes: 65536 at least.
    #[arg(long, value_name = "BYTES", default_value_t = MAX_LEDGER_FILE, value_parser = clap::value_parser!(u64).range(65_536..))]
    pub ledger_size: u64,
}

impl ProofArgs {
    /// Reads the keys and opens the ledger; an exit code when that cannot be.
    pub(super) fn apply(&self, connector: &Connector, overrides: &mut Overrides, style: Style) -> Result<(), u8> {
        let in_file = |path: &Option<PathBuf>| path.as_ref().map(|path| connector.folder().join(path));
        let given = |flag: &Option<PathBuf>, path| flag.clone().or_else(|| in_file(path));
        let unusable = |what: &str, error: &KeyError| {
            style.failed("key_unusable", &error.text().about(what));
            if matches!(error, KeyError::Unreadable(_)) { OUTSIDE } else { WRONG }
        };
        overrides.asker = match given(&self.hub_keys, &connector.hub.keys) {
            _ if self.accept_unsigned => Asker::Anybody,
            Some(file) => {
                Asker::Hub(PublicKey::read_all(&file).map_err(|error| unusable(&file.display().to_string(), &error))?)
            }
            None => {
                style.failed(
                    "hub_keys_missing",
                    &Text::new(
                        "没有平台公钥，无法核验是谁在查询：用 --hub-keys 或连接器文件的 [hub] keys 指定（向平台运维索取 /.well-known/jwks.json），试用时可用 --accept-unsigned",
                        "without the hub's public keys nobody can tell who asks: name them with --hub-keys or `[hub] keys` of the connector file (ask the hub's operator for /.well-known/jwks.json), or use --accept-unsigned for a trial",
                    ),
                );
                return Err(WRONG);
            }
        };
        if let Some(file) = given(&self.answer_key, &connector.hub.answer_key) {
            let key = PrivateKey::read(&file).map_err(|error| unusable(&file.display().to_string(), &error))?;
            overrides.answer_key = Some(key);
        }
        if let Some(file) = given(&self.ledger, &connector.hub.ledger) {
            let opened = LedgerFile::open(&file, self.ledger_size).map_err(|error| {
                style.failed("ledger_unusable", &error.text());
                if matches!(error, OpenLedgerError::LastLine(_)) { WRONG } else { OUTSIDE }
            })?;
            overrides.ledger = Ledger::File(opened);
        }
        Ok(())
    }
}

//! A trial: keys and a hub configuration beside simulated stores, for loopback only.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::keys::{KeysError, TRIAL_AUDIENCE, TRIAL_ISSUER, TrialKeys};
use crate::domain::clock::Randomness;

/// Where the parts of a trial listen, and what they rest on.
#[derive(Debug, Clone)]
pub struct Trial<'a> {
    /// Where callers reach the hub.
    pub hub: SocketAddr,
    /// Where the hub is watched from.
    pub monitor: SocketAddr,
    /// The departments and their adapters.
    pub adapters: &'a [(&'a str, SocketAddr)],
    /// Folder of policy packs; the shipped ones when absent.
    pub policies: Option<&'a Path>,
    /// Catalogue file; the shipped one when absent.
    pub catalogue: Option<&'a Path>,
    /// Whether the adapters sign their answers with the keys of the trial.
    pub signed_answers: bool,
    /// How long one question to a department may take.
    pub ask_timeout: &'a str,
    /// Requests a second for a client, and questions a second for a department.
    pub per_second: u32,
}

/// The files of a trial.
#[derive(Debug, Clone)]
pub struct TrialFiles {
    /// The keys.
    pub keys: TrialKeys,
    /// The hub's configuration.
    pub config: PathBuf,
}

impl Trial<'_> {
    /// Writes `keys/` and `hedui.toml` into `folder`.
    pub fn write(&self, folder: &Path, randomness: &dyn Randomness) -> Result<TrialFiles, KeysError> {
        let keys = TrialKeys::write(&folder.join("keys"), randomness)?;
        let config = folder.join("hedui.toml");
        std::fs::write(&config, self.config()).map_err(|source| KeysError::File { file: config.clone(), source })?;
        Ok(TrialFiles { keys, config })
    }

    /// The hub's configuration, TOML; paths relative to its folder.
    fn config(&self) -> String {
        let quota = self.per_second;
        let mut text = format!(
            r#"# Made for a trial with synthetic people. config/hedui.example.toml explains every setting.
[listen]
address = "{hub}"
certificate = "keys/server.pem"
private_key = "keys/server.key"

[monitor]
address = "{monitor}"

[store]
path = "hedui.sqlite"

[seal]
key_file = "keys/seal.key"

[access_log]
origin = "hub.hedui.invalid/trial"
anchor = "anchor/access-log.checkpoint"

[auth]
audience = "{TRIAL_AUDIENCE}"

[[auth.issuer]]
name = "{TRIAL_ISSUER}"
public_key = "keys/issuer.pem"
algorithm = "ES256"

[token_endpoint]
issuer = "{TRIAL_AUDIENCE}"

[rate_limit]
per_second = {quota}
burst = {quota}

[load]
longest_delay = "10s"

[egress]
allow = ["127.0.0.0/8"]

[federation]
certificate = "keys/hub.pem"
private_key = "keys/hub.key"
context_key = "keys/context.key"
"#,
            hub = self.hub,
            monitor = self.monitor,
        );
        if self.policies.is_some() || self.catalogue.is_some() {
            text.push_str("\n[verification]\n");
        }
        for (setting, path) in [("policies", self.policies), ("catalogue", self.catalogue)] {
            if let Some(path) = path {
                writeln!(text, "{setting} = {:?}", path.display().to_string())
                    .expect("writing to a string cannot fail");
            }
        }
        for (department, address) in self.adapters {
            let key = format!("answer_key = \"keys/answers/{department}.pem\"\n");
            let key = if self.signed_answers { key.as_str() } else { "" };
            write!(
                text,
                "\n[[adapter]]\ndepartment = \"{department}\"\nendpoint = \"https://{address}\"\nca = \"keys/ca.pem\"\n{key}timeout = \"{}\"\nquota_per_second = {quota}\nquota_burst = {quota}\n",
                self.ask_timeout
            )
            .expect("writing to a string cannot fail");
        }
        text
    }
}

//! The settings of witnessing: whom a hub's log is offered to, and what a witness itself runs with.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, Mode, parse};
use crate::egress::is_plain_path;

/// Who cosigns the head of the access log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// Its public key, as `hedui witness keygen` prints it.
    pub key: String,
    /// Where it is: `https://host:port` or `https://host:port/prefix`.
    pub url: String,
    /// The authority of its certificate, PEM.
    pub ca: PathBuf,
}

/// What `hedui witness serve` runs with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// How strict the witness is with the secrets it is given.
    #[serde(default)]
    pub mode: Mode,
    /// Address and port.
    pub address: SocketAddr,
    /// Certificate chain, PEM. Without one the witness speaks plain http, on loopback only.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    #[serde(default)]
    pub private_key: Option<PathBuf>,
    /// What stands before `/add-checkpoint` in the address: empty, or `/a/b`.
    #[serde(default)]
    pub prefix: String,
    /// The witness's private key, as `hedui witness keygen` makes it.
    pub key_file: PathBuf,
    /// The folder of the newest cosigned heads. Never restore it from a copy.
    pub state: PathBuf,
    /// The public keys of the logs that are witnessed.
    pub logs: Vec<String>,
}

impl WitnessConfig {
    /// Reads the file, lets `HEDUI_WITNESS__SETTING` variables override it, and resolves paths.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let invalid = |problem: String| ConfigError::Invalid { file: file.to_owned(), problem };
        let text = std::fs::read_to_string(file).map_err(|error| invalid(error.to_string()))?;
        let mut config: Self = parse(&text, "HEDUI_WITNESS").map_err(invalid)?;
        if !is_plain_path(&config.prefix) {
            return Err(invalid("`prefix` is empty or like \"/a/b\": letters, digits, -, _ and . only".to_owned()));
        }
        if config.certificate.is_some() != config.private_key.is_some() {
            return Err(invalid("give both `certificate` and `private_key`, or none of them".to_owned()));
        }
        if config.certificate.is_none() && !config.address.ip().is_loopback() {
            let problem = "without `certificate` the witness speaks plain http, so `address` must be loopback: give a certificate, or put a listener with TLS before it";
            return Err(invalid(problem.to_owned()));
        }
        let base = file.parent().unwrap_or_else(|| Path::new(""));
        let optional = [&mut config.certificate, &mut config.private_key].into_iter().flatten();
        for path in [&mut config.key_file, &mut config.state].into_iter().chain(optional) {
            *path = base.join(&path);
        }
        Ok(config)
    }
}

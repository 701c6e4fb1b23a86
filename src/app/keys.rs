//! The keys that settings name, read at start.

use super::StartError;
use crate::config::{Config, read_setting_file};
use crate::seal::Sealer;
use crate::seal::wrap::SealingKeys;
use crate::tlog::note::{KeyKind, NoteError, SignerKey, VerifierKey};

/// The sealing keys: the one that wraps from now on, and those of before.
pub fn sealing_keys(config: &Config) -> Result<SealingKeys, StartError> {
    let current = read_setting_file("seal.key_file", &config.seal.key_file)?;
    let former = config.seal.former_key_files.iter();
    let former = former.map(|file| read_setting_file("seal.former_key_files", file)).collect::<Result<Vec<_>, _>>()?;
    Ok(SealingKeys::from_hex(&current, &former, config.seal.suite)?)
}

/// The log's private key: the configured one, else one that is derived from the root of pseudonyms.
pub fn log_key(config: &Config, sealer: &Sealer) -> Result<SignerKey, StartError> {
    let Some(file) = &config.access_log.key_file else {
        return Ok(SignerKey::from_seed(&config.access_log.origin, KeyKind::Log, &sealer.log_seed())?);
    };
    let key = SignerKey::parse(&read_setting_file("access_log.key_file", file)?)?;
    if key.verifier().kind() == KeyKind::Log { Ok(key) } else { Err(NoteError::SignerKey.into()) }
}

/// The public keys that the log had before, the newest first.
pub fn former_log_keys(config: &Config) -> Result<Vec<VerifierKey>, StartError> {
    let parsed = |text: &String| {
        let key = VerifierKey::parse(text).ok().filter(|key| key.kind() == KeyKind::Log);
        key.ok_or_else(|| StartError::FormerLogKey(text.clone(), NoteError::VerifierKey))
    };
    config.access_log.former_keys.iter().map(parsed).collect()
}

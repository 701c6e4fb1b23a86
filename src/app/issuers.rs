//! The keys of token issuers: read at start, and again when it is due, from where the settings say and nowhere else.
//!
//! A set that cannot be read leaves the former keys in force for as long as the settings allow; then the issuer's
//! tokens are believed no more.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::StartError;
use crate::auth::jwks::IssuerKeys;
use crate::auth::key::{KeyAlgorithm, PublicKey};
use crate::auth::token::TokenVerifier;
use crate::config::{Config, Issuer, IssuerKeySource, TokenAlgorithm, read_setting_file};
use crate::domain::clock::Clock;
use crate::egress::{Document, Egress};

/// Largest JWK set, bytes.
const MAX_DOCUMENT: usize = 256 * 1024;
/// How soon a set that could not be read is tried again, at the latest.
const RETRY: Duration = Duration::from_secs(15);

/// A set of keys that is read again.
pub(super) struct Refreshed {
    name: String,
    algorithm: KeyAlgorithm,
    source: Source,
    every: Duration,
    keep: Duration,
    keys: Option<IssuerKeys>,
    read_at: i64,
}

enum Source {
    File(std::path::PathBuf),
    Url(Box<Document>),
}

/// Makes the verifier believe the configured issuers. Those whose keys change over time are handed back.
pub(super) async fn start(
    config: &Config,
    egress: &Egress,
    tokens: &TokenVerifier,
    clock: &dyn Clock,
) -> Result<Vec<Refreshed>, StartError> {
    let mut refreshed = Vec::new();
    for issuer in &config.auth.issuers {
        let failed = |why: String| StartError::Issuer(issuer.name.clone(), why);
        let algorithm = match issuer.algorithm {
            TokenAlgorithm::Es256 => KeyAlgorithm::Es256,
            TokenAlgorithm::EdDsa => KeyAlgorithm::EdDsa,
        };
        let source = match issuer.keys() {
            Some(IssuerKeySource::PublicKey(file)) => {
                let pem = read_setting_file("auth.issuer.public_key", file)?;
                let key = PublicKey::from_pem(&pem, algorithm).map_err(|error| failed(error.to_string()))?;
                tokens.trust_issuer(&issuer.name, IssuerKeys::one(key));
                continue;
            }
            Some(IssuerKeySource::File(file)) => Source::File(file.clone()),
            Some(IssuerKeySource::Url(url)) => Source::Url(Box::new(document(issuer, url, egress)?)),
            None => return Err(failed("give exactly one of public_key, jwks_file and jwks_url".to_owned())),
        };
        let mut set = Refreshed {
            name: issuer.name.clone(),
            algorithm,
            source,
            every: issuer.refresh_every,
            keep: issuer.keep_keys,
            keys: None,
            read_at: clock.now().as_second(),
        };
        match (set.read().await, &set.source) {
            (Ok(keys), _) => set.put_in_force(keys, tokens, clock),
            // A file is the operator's to mend; another server may only be down just now.
            (Err(why), Source::File(_)) => return Err(failed(why)),
            (Err(why), Source::Url(_)) => {
                tracing::warn!(issuer = %set.name, why, "the issuer's keys cannot be read yet; its tokens are refused");
            }
        }
        refreshed.push(set);
    }
    Ok(refreshed)
}

/// Reads a set again whenever it is due.
pub(super) async fn refresh(
    mut set: Refreshed,
    tokens: Arc<TokenVerifier>,
    clock: Arc<dyn Clock>,
    stopping: CancellationToken,
) {
    let mut is_late = set.keys.is_none();
    loop {
        let wait = if is_late { set.every.min(RETRY) } else { set.every };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        match set.read().await {
            Ok(keys) => {
                set.put_in_force(keys, &tokens, clock.as_ref());
                is_late = false;
            }
            Err(why) => {
                is_late = true;
                tracing::warn!(issuer = %set.name, why, "the issuer's keys cannot be read again");
                let age = clock.now().as_second().saturating_sub(set.read_at);
                if set.keys.is_some() && age > i64::try_from(set.keep.as_secs()).unwrap_or(i64::MAX) {
                    tracing::error!(issuer = %set.name, "the issuer's keys are too old; its tokens are refused");
                    set.keys = None;
                    tokens.trust_issuer(&set.name, IssuerKeys::Set(Vec::new()));
                }
            }
        }
    }
}

impl Refreshed {
    async fn read(&self) -> Result<IssuerKeys, String> {
        let document = match &self.source {
            Source::File(file) => {
                let read = tokio::fs::read(file).await;
                read.map_err(|error| format!("{} cannot be read: {error}", file.display()))?
            }
            Source::Url(document) => document.read().await.map_err(|error| error.to_string())?,
        };
        if document.len() > MAX_DOCUMENT {
            return Err(format!("the JWK set has more than {MAX_DOCUMENT} bytes"));
        }
        IssuerKeys::parse(&document, self.algorithm).map_err(|error| error.to_string())
    }

    /// Remembered tokens are checked again only where the keys are not those of before.
    fn put_in_force(&mut self, keys: IssuerKeys, tokens: &TokenVerifier, clock: &dyn Clock) {
        let now = clock.now().as_second();
        self.read_at = now;
        let next = match &self.keys {
            Some(before) if before.publishes_the_same(&keys) => return,
            Some(before) => keys.after(before, now),
            None => keys,
        };
        tracing::info!(issuer = %self.name, keys = ?next, "the issuer's keys are in force");
        tokens.trust_issuer(&self.name, next.clone());
        self.keys = Some(next);
    }
}

fn document(issuer: &Issuer, url: &str, egress: &Egress) -> Result<Document, StartError> {
    let ca = match &issuer.jwks_ca {
        Some(file) => read_setting_file("auth.issuer.jwks_ca", file)?,
        None => String::new(),
    };
    Document::new(egress, url, &ca, MAX_DOCUMENT)
        .map_err(|error| StartError::Issuer(issuer.name.clone(), format!("jwks_url: {error}")))
}

//! Settings of tokens: whose are believed, and the hub's own endpoint.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::domain::dataset::duration_text;

/// Whose tokens are believed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// What tokens for this hub carry in `aud`.
    pub audience: String,
    /// The issuers besides the hub itself.
    #[serde(rename = "issuer", default)]
    pub issuers: Vec<Issuer>,
}

/// An issuer of access tokens. Its keys come from exactly one of `public_key`, `jwks_file` and `jwks_url`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// What its tokens carry in `iss`.
    pub name: String,
    /// Its public key, PEM.
    #[serde(default)]
    pub public_key: Option<PathBuf>,
    /// Its JWK set in a file that is read again.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// The https address of its JWK set. Nothing a token says is ever fetched; this is, at start and when it is due.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// The authority of that address's certificate, PEM; belongs to `jwks_url`.
    #[serde(default)]
    pub jwks_ca: Option<PathBuf>,
    /// How often the JWK set is read again.
    #[serde(default = "every", with = "duration_text")]
    pub refresh_every: Duration,
    /// How long the keys are believed when the set cannot be read again.
    #[serde(default = "keep", with = "duration_text")]
    pub keep_keys: Duration,
    /// The only algorithm its tokens may be signed with.
    pub algorithm: TokenAlgorithm,
}

const fn every() -> Duration {
    Duration::from_mins(5)
}

const fn keep() -> Duration {
    Duration::from_hours(24)
}

/// Where an issuer's keys come from.
#[derive(Debug, Clone, Copy)]
pub enum IssuerKeySource<'a> {
    /// One public key, PEM.
    PublicKey(&'a PathBuf),
    /// A JWK set in a file.
    File(&'a PathBuf),
    /// A JWK set at an https address.
    Url(&'a str),
}

impl Issuer {
    /// Where its keys come from; none when that is not said exactly once.
    pub fn keys(&self) -> Option<IssuerKeySource<'_>> {
        match (&self.public_key, &self.jwks_file, &self.jwks_url) {
            (Some(file), None, None) => Some(IssuerKeySource::PublicKey(file)),
            (None, Some(file), None) => Some(IssuerKeySource::File(file)),
            (None, None, Some(url)) => Some(IssuerKeySource::Url(url)),
            _ => None,
        }
    }

    /// The files its settings name.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.public_key, &mut self.jwks_file, &mut self.jwks_ca].into_iter().flatten()
    }
}

impl Auth {
    pub(super) fn check(&self) -> Result<(), String> {
        for (index, issuer) in self.issuers.iter().enumerate() {
            let name = &issuer.name;
            if self.issuers.iter().take(index).any(|before| before.name == *name) {
                return Err(format!("auth.issuer: `{name}` stands twice; an issuer has one entry"));
            }
            match issuer.keys() {
                None => {
                    return Err(format!(
                        "auth.issuer `{name}`: give exactly one of `public_key`, `jwks_file` and `jwks_url`"
                    ));
                }
                Some(IssuerKeySource::Url(url)) if !url.starts_with("https://") => {
                    return Err(format!("auth.issuer `{name}`: `jwks_url` must begin with https://"));
                }
                Some(_) => {}
            }
            if issuer.jwks_ca.is_some() != issuer.jwks_url.is_some() {
                return Err(format!("auth.issuer `{name}`: `jwks_url` and `jwks_ca` belong together"));
            }
            if issuer.refresh_every < Duration::from_secs(1) {
                return Err(format!("auth.issuer `{name}`: `refresh_every` is at least 1s"));
            }
        }
        Ok(())
    }
}

/// The hub as an issuer of tokens to clients that are registered here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEndpoint {
    /// What its tokens carry in `iss`, and client assertions in `aud`: the hub's address as callers write it.
    pub issuer: String,
    /// How long its tokens live.
    #[serde(default = "lifetime", with = "duration_text")]
    pub lifetime: Duration,
}

const fn lifetime() -> Duration {
    Duration::from_mins(5)
}

impl TokenEndpoint {
    pub(super) fn check(&self, auth: &Auth) -> Result<(), String> {
        let host = self.issuer.strip_prefix("https://").unwrap_or_default();
        // RFC 8414 section 3: the documents stand below the issuer, and the hub serves its root only.
        if host.is_empty() || host.contains(['/', '?', '#', '@', ' ', '"', '\\']) {
            return Err(
                "token_endpoint: `issuer` is https://host[:port], without a path or a slash at its end".to_owned()
            );
        }
        if auth.issuers.iter().any(|issuer| issuer.name == self.issuer) {
            return Err(format!(
                "token_endpoint: the issuer `{}` stands in auth.issuer too; whose keys should prove its tokens?",
                self.issuer
            ));
        }
        if !(Duration::from_secs(30)..=Duration::from_mins(10)).contains(&self.lifetime) {
            return Err("token_endpoint: `lifetime` is 30s to 10m".to_owned());
        }
        Ok(())
    }
}

/// Signature algorithms of access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TokenAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

//! Who a command is at a hub: whoever a token is of, or a registered client that proves itself with its own private key
//! (`private_key_jwt`, RFC 7523) and gets its token by itself. The key stays on this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::caller::HubClient;
use super::obstacle::{self, Obstacle};
use crate::auth::assertion::{MAX_LIFETIME_SECONDS, TYPE};
use crate::domain::clock::{Clock, SystemClock, SystemRandomness};
use crate::service::ids::Ids;

/// Who a command is at a hub.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ClientArgs {
    /// A file that holds the access token.
    #[arg(long, value_name = "FILE", conflicts_with = "client")]
    token_file: Option<PathBuf>,
    /// The client's id, as it is registered at the hub: a token is got with its key.
    #[arg(long = "client", value_name = "ID", requires = "client_key")]
    client: Option<String>,
    /// The client's private key, P-256 or Ed25519 in PEM.
    #[arg(long, value_name = "FILE", requires = "client")]
    client_key: Option<PathBuf>,
}

impl ClientArgs {
    /// Whether somebody is named.
    pub(super) const fn is_given(&self) -> bool {
        self.client.is_some() || self.token_file.is_some()
    }

    /// The hub with a token of who is named; `None` where nobody is.
    pub(super) async fn connect(&self, hub: &str, ca: Option<&Path>) -> anyhow::Result<Option<HubClient>> {
        if let Some(file) = &self.token_file {
            let token = obstacle::read_text(file, ("令牌文件", "token file"))?;
            return HubClient::new(hub, ca, token.trim().to_owned()).map(Some);
        }
        let (Some(client), Some(file)) = (&self.client, &self.client_key) else { return Ok(None) };
        let key = obstacle::read(file, ("私钥", "private key"))?;
        HubClient::proven(hub, ca, |issuer| assertion(&key, client, issuer)).await.map(Some)
    }
}

/// A client's assertion for an issuer, good once and for a minute.
fn assertion(key: &[u8], client: &str, issuer: &str) -> anyhow::Result<String> {
    let now = SystemClock.now().as_second();
    let claims = json!({
        "iss": client, "sub": client, "aud": issuer, "iat": now, "exp": now + MAX_LIFETIME_SECONDS, "jti": fresh("ca"),
    });
    sign(key, TYPE, &claims)
}

/// An id that nothing had before.
pub(super) fn fresh(kind: &'static str) -> String {
    Ids::new(Arc::new(SystemClock), Arc::new(SystemRandomness)).next(kind)
}

/// Claims as a compact JWS of this type, signed with a private key in PEM.
pub(super) fn sign(key: &[u8], typ: &str, claims: &Value) -> anyhow::Result<String> {
    let (algorithm, key) = match EncodingKey::from_ec_pem(key) {
        Ok(key) => (Algorithm::ES256, key),
        Err(_) => (
            Algorithm::EdDSA,
            EncodingKey::from_ed_pem(key).with_context(|| {
                Obstacle::new(
                    "私钥不是 PEM（PKCS#8）格式的 P-256 或 Ed25519 密钥",
                    "the private key is neither P-256 nor Ed25519 in PEM (PKCS#8)",
                )
            })?,
        ),
    };
    let header = Header { typ: Some(typ.to_owned()), ..Header::new(algorithm) };
    Ok(jsonwebtoken::encode(&header, claims, &key)?)
}

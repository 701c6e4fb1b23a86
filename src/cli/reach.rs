//! How a command reaches a hub: its address, the authority of its certificate, and the token.

use std::path::PathBuf;

use anyhow::{Context, bail};

use super::caller::HubClient;
use super::token::{self, mint};
use crate::domain::actor::Role;
use crate::domain::division::DivisionCode;
use crate::domain::purpose::Purpose;
use crate::simulate::keys::{TRIAL_AUDIENCE, TRIAL_ISSUER};

/// The hub to ask, and with which token.
#[derive(Debug, Clone, clap::Args)]
pub struct HubArgs {
    /// The hub's address.
    #[arg(long, default_value = "https://127.0.0.1:8443")]
    hub: String,
    /// The authority of the hub's certificate, PEM; the machine's own authorities when absent.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// A file that holds the access token.
    #[arg(long, conflicts_with = "key")]
    token_file: Option<PathBuf>,
    /// Mint a token with this issuer's key instead, for trials.
    #[arg(long)]
    key: Option<PathBuf>,
}

impl HubArgs {
    /// A client of the hub.
    pub(super) fn client(&self) -> anyhow::Result<HubClient> {
        self.client_as(Role::Caseworker)
    }

    /// The same; a token that is minted for a trial is of this role.
    pub(super) fn client_as(&self, role: Role) -> anyhow::Result<HubClient> {
        HubClient::new(&self.hub, self.ca.as_deref(), self.access_token(role)?)
    }

    fn access_token(&self, role: Role) -> anyhow::Result<String> {
        match (&self.token_file, &self.key) {
            (Some(file), _) => {
                let token = std::fs::read_to_string(file)
                    .with_context(|| format!("the token file {} cannot be read", file.display()))?;
                Ok(token.trim().to_owned())
            }
            (None, Some(key)) => {
                let key =
                    std::fs::read(key).with_context(|| format!("the issuer's key {} cannot be read", key.display()))?;
                let client = format!("trial-{}", role.as_str());
                let subject = token::Subject {
                    client: &client,
                    organisation: "试用民政局",
                    division: DivisionCode::NATION,
                    purposes: Purpose::ALL.to_vec(),
                    role,
                    department: None,
                    lifetime: 600,
                };
                mint(&key, TRIAL_ISSUER, TRIAL_AUDIENCE, &subject)
            }
            (None, None) => bail!("give an access token: --token-file FILE, or --key ISSUER_KEY for a trial"),
        }
    }
}

//! How a command reaches a hub: its address, the authority of its certificate, and the token.

use std::path::PathBuf;

use anyhow::bail;

use super::caller::HubClient;
use super::credentials::ClientArgs;
use super::obstacle::{self, Obstacle};
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
    #[command(flatten)]
    client: ClientArgs,
    /// Mint a token with this issuer's key instead, for trials.
    #[arg(long, conflicts_with_all = ["client", "token_file"])]
    key: Option<PathBuf>,
}

impl HubArgs {
    /// A client of the hub.
    pub(super) async fn client(&self) -> anyhow::Result<HubClient> {
        self.client_as(Role::Caseworker).await
    }

    /// The same; a token that is minted for a trial is of this role.
    pub(super) async fn client_as(&self, role: Role) -> anyhow::Result<HubClient> {
        if let Some(client) = self.client.connect(&self.hub, self.ca.as_deref()).await? {
            return Ok(client);
        }
        let Some(key) = &self.key else {
            bail!(Obstacle::new(
                "请给出访问令牌：--token-file 文件，或 --client 编号 --client-key 私钥；试用可用 --key 签发者私钥",
                "give an access token: --token-file FILE, or --client ID --client-key FILE; for a trial --key ISSUER_KEY",
            ))
        };
        let key = obstacle::read(key, ("签发者私钥", "issuer's key"))?;
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
        HubClient::new(&self.hub, self.ca.as_deref(), mint(&key, TRIAL_ISSUER, TRIAL_AUDIENCE, &subject)?)
    }
}

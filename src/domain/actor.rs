//! Who acts, as the access token says: a client system that asks, or an officer who looks at the log.

use serde::{Deserialize, Serialize};

use super::division::DivisionCode;
use super::purpose::Purpose;

/// What an actor may do at all. Nobody is two of these at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Asks for verifications (经办人员 through a 经办系统).
    #[default]
    Caseworker,
    /// Looks at the access log (安全审计员).
    Officer,
    /// Runs the hub: registers clients and keys (运维人员).
    Operator,
    /// The hub itself.
    System,
}

/// A caseworker system (经办系统), or an officer, as the access token presents it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The registered client id.
    pub id: String,
    /// The organisation the client acts for.
    pub organisation: String,
    /// The division inside which it may ask.
    pub division: DivisionCode,
    /// The purposes for which it may ask.
    pub purposes: Vec<Purpose>,
    /// What it may do at all.
    #[serde(default)]
    pub role: Role,
}

//! Who acts, as the access token says: a client system that asks, an officer who looks at the log, who runs the hub, a
//! department that keeps its own adapter in hand.

use serde::{Deserialize, Serialize};

use super::dataset::DepartmentId;
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
    /// Runs the hub and its adapters (运维人员).
    Operator,
    /// Gives and takes rights, and does nothing else (安全管理员).
    Administrator,
    /// Looks after its own department's adapter, and nothing else (部门).
    Department,
    /// A hub of another region, known by its certificate: asks about people of this one's divisions (跨省核对).
    Peer,
    /// The hub itself.
    System,
}

impl Role {
    /// The roles of those who hold tokens.
    pub const OF_CLIENTS: [Self; 5] =
        [Self::Caseworker, Self::Officer, Self::Operator, Self::Administrator, Self::Department];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caseworker => "caseworker",
            Self::Officer => "officer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
            Self::Department => "department",
            Self::Peer => "peer",
            Self::System => "system",
        }
    }

    /// The scope that a token of this role carries; none for hubs, this one and others, which have no token.
    pub const fn scope(self) -> Option<&'static str> {
        match self {
            Self::Caseworker => Some("verification"),
            Self::Officer => Some("access_log"),
            Self::Operator => Some("operations"),
            Self::Administrator => Some("administration"),
            Self::Department => Some("department"),
            Self::Peer | Self::System => None,
        }
    }

    /// Who that is, in Chinese and in English.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Caseworker => ("经办", "a caseworker system: asks for verifications"),
            Self::Officer => ("审计", "a security officer: looks at the access log"),
            Self::Operator => ("运维", "runs the hub and its adapters"),
            Self::Administrator => ("授权管理", "gives and takes rights"),
            Self::Department => ("部门", "a department: looks after its own adapter"),
            Self::Peer => ("外地平台", "a hub of another region: asks about people of this one's divisions"),
            Self::System => ("平台", "the hub itself"),
        }
    }
}

/// A caseworker system (经办系统), an officer, or a department, as the access token presents it.
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
    /// The department it acts for: of a client in the role of one, and of no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentId>,
}

//! One change of the registered clients: what is asked, what it makes of a registration, and why it is refused.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::auth::clients::{Clients, RegisteredKey, Registration, SenderConstrained};
use crate::auth::key::PublicKey;
use crate::auth::token::MAX_ORGANISATION_BYTES;
use crate::domain::actor::{Client, Role};
use crate::domain::id_number::IdNumber;
use crate::domain::problem::Text;

/// Longest grace of a key that another one has taken the place of, seconds: a week.
const MAX_GRACE_SECONDS: u32 = 7 * 24 * 3600;
/// Most keys of one client that are in use at once.
const MAX_KEYS: usize = 5;

/// A change of clients or keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Registers a client with its first key.
    Register {
        /// Who it is and what it may do.
        client: Client,
        /// Its public key, a JWK.
        jwk: Value,
        /// Whether its tokens must be bound.
        #[serde(default)]
        sender_constrained: SenderConstrained,
    },
    /// Says whether a client's tokens must be bound. Where they must from now on, those of before are dead at once.
    Constrain {
        /// The client.
        id: String,
        /// Whether.
        sender_constrained: SenderConstrained,
    },
    /// Gives a client another key.
    Rotate {
        /// The client.
        id: String,
        /// The new public key, a JWK.
        jwk: Value,
        /// How long the keys of before are good, seconds; with 0 they and all tokens of before are dead at once.
        grace_seconds: u32,
    },
    /// Takes a client's right to ask, for good. Its tokens are dead at once.
    Revoke {
        /// The client.
        id: String,
    },
    /// Gives the hub another key for its tokens.
    NewSigningKey {
        /// Tokens of the key before are dead at once, instead of living to their end.
        at_once: bool,
    },
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeFault {
    /// Not a change of a client.
    #[error("the request cannot be read")]
    Form,
    /// The id has another form.
    #[error("a client id is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit; no identity number")]
    Id,
    /// The name is empty or too long.
    #[error("an organisation is named with 1 to 400 bytes without control characters")]
    Organisation,
    /// A role that has no tokens, or a caseworker without purposes.
    #[error("a caseworker needs at least one purpose, and nobody is registered as the hub itself")]
    Role,
    /// A department's client without a department or with purposes, or another one with a department.
    #[error("a client of the role department names one department and no purposes, and nobody else names one")]
    Department,
    /// The id is given.
    #[error("a client of this id is registered already; ids are not given twice, not even after a revocation")]
    Registered,
    /// Nobody has the id.
    #[error("no client of this id is registered; `hedui client list` shows them")]
    Unknown,
    /// It was revoked.
    #[error("the client was revoked; register a new one under another id")]
    Revoked,
    /// The key is there already.
    #[error("the client has a key of this id already")]
    SameKey,
    /// Too many keys.
    #[error("the client has {MAX_KEYS} keys in use; wait until one retires, or rotate with no grace")]
    Keys,
    /// The grace is too long.
    #[error("a key has a grace of a week at most")]
    Grace,
    /// The key cannot be used.
    #[error("{0}")]
    Key(String),
}

impl ChangeFault {
    /// The fault in both languages.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Form => "请求无法识别。".to_owned(),
            Self::Id => "客户端编号为 1 到 64 个字母、数字或 . _ -，以字母或数字开头，且不得是身份号码。".to_owned(),
            Self::Organisation => "单位名称应为 1 到 400 字节，不含控制字符。".to_owned(),
            Self::Role => "经办客户端至少需要一个核对目的；平台自身不能登记为客户端。".to_owned(),
            Self::Department => {
                "部门客户端应写明一个部门（--department），且不带核对目的；其他身份不得写明部门。".to_owned()
            }
            Self::Registered => "该编号已登记；编号不会再次分配，注销后也不会。".to_owned(),
            Self::Unknown => "没有登记这个编号的客户端；hedui client list 可列出全部。".to_owned(),
            Self::Revoked => "该客户端已注销；请以新的编号登记。".to_owned(),
            Self::SameKey => "该客户端已有同一编号的密钥。".to_owned(),
            Self::Keys => format!("该客户端有 {MAX_KEYS} 个密钥在用；请等其中之一到期，或以 --grace 0 立即替换。"),
            Self::Grace => "旧密钥的宽限期最长为一周。".to_owned(),
            Self::Key(problem) => format!("公钥不可用：{problem}"),
        };
        Text::new(zh, self.to_string())
    }
}

impl Change {
    /// The registration as it is after this change, and what was done in one word.
    pub(super) fn apply(self, clients: &Clients, now: Timestamp) -> Result<(Registration, &'static str), ChangeFault> {
        match self {
            Self::Register { client, jwk, sender_constrained } => {
                check(&client)?;
                if clients.get(&client.id).is_some() {
                    return Err(ChangeFault::Registered);
                }
                let keys = vec![key(&jwk, now)?];
                let registration = Registration {
                    client,
                    keys,
                    registered_at: now,
                    tokens_from: None,
                    sender_constrained,
                    revoked_at: None,
                };
                Ok((registration, "registered"))
            }
            Self::Rotate { id, jwk, grace_seconds } => {
                let mut registration = active(clients, &id)?;
                let key = key(&jwk, now)?;
                if grace_seconds > MAX_GRACE_SECONDS {
                    return Err(ChangeFault::Grace);
                }
                if registration.keys.iter().any(|known| known.id() == key.id()) {
                    return Err(ChangeFault::SameKey);
                }
                let retires_at = now.saturating_add(SignedDuration::from_secs(i64::from(grace_seconds))).unwrap_or(now);
                for known in &mut registration.keys {
                    known.retires_at = Some(known.retires_at.map_or(retires_at, |at| at.min(retires_at)));
                }
                if registration.keys.iter().filter(|known| known.is_in_use(now)).count() >= MAX_KEYS {
                    return Err(ChangeFault::Keys);
                }
                if grace_seconds == 0 {
                    registration.tokens_from = Some(now);
                }
                registration.keys.push(key);
                Ok((registration, "key_rotated"))
            }
            Self::Constrain { id, sender_constrained } => {
                let mut registration = active(clients, &id)?;
                if sender_constrained == SenderConstrained::Required
                    && registration.sender_constrained == SenderConstrained::Optional
                {
                    registration.tokens_from = Some(now);
                }
                registration.sender_constrained = sender_constrained;
                Ok((registration, "sender_constrained"))
            }
            Self::Revoke { id } => {
                let mut registration = active(clients, &id)?;
                registration.revoked_at = Some(now);
                Ok((registration, "revoked"))
            }
            // The registry makes it: no client changes.
            Self::NewSigningKey { .. } => Err(ChangeFault::Form),
        }
    }
}

fn active(clients: &Clients, id: &str) -> Result<Registration, ChangeFault> {
    let client = clients.get(id).ok_or(ChangeFault::Unknown)?;
    if client.is_active() { Ok(client.registration().clone()) } else { Err(ChangeFault::Revoked) }
}

fn key(jwk: &Value, now: Timestamp) -> Result<RegisteredKey, ChangeFault> {
    let key = PublicKey::from_jwk(jwk).map_err(|error| ChangeFault::Key(error.to_string()))?;
    Ok(RegisteredKey { jwk: key.to_jwk(), added_at: now, retires_at: None })
}

fn check(client: &Client) -> Result<(), ChangeFault> {
    let id = client.id.as_bytes();
    let is_id = (1..=64).contains(&id.len())
        && id.first().is_some_and(u8::is_ascii_alphanumeric)
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        // It stands in the log (P7).
        && IdNumber::parse(&client.id).is_err();
    if !is_id {
        return Err(ChangeFault::Id);
    }
    let organisation = &client.organisation;
    let is_named =
        (1..=MAX_ORGANISATION_BYTES).contains(&organisation.len()) && !organisation.chars().any(char::is_control);
    if !is_named {
        return Err(ChangeFault::Organisation);
    }
    let is_department = client.role == Role::Department;
    if is_department != client.department.is_some() || is_department && !client.purposes.is_empty() {
        return Err(ChangeFault::Department);
    }
    let is_caseworker = client.role == Role::Caseworker;
    if client.role.scope().is_none() || is_caseworker && client.purposes.is_empty() {
        return Err(ChangeFault::Role);
    }
    Ok(())
}

#[cfg(test)]
mod tests;

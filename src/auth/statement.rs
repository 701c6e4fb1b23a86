//! What a person says of a change that needs two: signed with the key that proves them at the token endpoint, so that it
//! holds while no hub runs, and can be checked by anybody later.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::assertion::{self, AssertionError};
use super::clients::{Clients, RegisteredClient};
use super::jws::Jws;

/// What `typ` of a statement must be, so that no assertion of the person can be taken for one.
pub const TYPE: &str = "hedui-decision+jwt";

/// What is said, besides by whom and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The proposal.
    pub proposal: String,
    /// The digest of its body, hexadecimal: what the person saw.
    pub digest: String,
    /// Whether the person agrees.
    pub agrees: bool,
}

/// A statement whose signature holds.
pub struct Statement {
    /// Who made it.
    pub person: Arc<RegisteredClient>,
    /// What is said.
    pub said: Said,
}

/// Checks a statement made for `issuer`: by a registered client with a key in use, within the last minute.
pub fn check(statement: &[u8], clients: &Clients, issuer: &str, now: Timestamp) -> Result<Statement, AssertionError> {
    let proven = assertion::check_of_type(statement, TYPE, clients, issuer, now)?;
    let said = Jws::read(statement).ok().and_then(|jws| jws.claims().ok()).ok_or(AssertionError::Claims)?;
    Ok(Statement { person: proven.client, said })
}

/// What a kept statement says, when a registered client signed it with a key in use. How old it is does not matter: it
/// was heard while it was fresh.
pub fn reread(statement: &[u8], clients: &Clients, now: Timestamp) -> Option<Statement> {
    let jws = Jws::read(statement).ok().filter(|jws| jws.is_of_type(TYPE))?;
    let made: Made = jws.claims().ok()?;
    let person = clients.get(&made.iss).filter(|client| client.is_active())?;
    let is_proven = person.keys(jws.key_id(), now).any(|key| jws.verify(key).is_ok());
    is_proven.then(|| Statement { person: Arc::clone(person), said: made.said })
}

#[derive(Deserialize)]
struct Made {
    iss: String,
    #[serde(flatten)]
    said: Said,
}

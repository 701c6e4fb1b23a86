//! Who acts: the client system that asks, as its token says.

use serde::{Deserialize, Serialize};

use super::division::DivisionCode;
use super::purpose::Purpose;

/// A caseworker system (经办系统) as its access token presents it.
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
}

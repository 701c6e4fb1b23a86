//! `Disclosure`: how much departments are asked for one verdict (promise P6).

use serde::{Deserialize, Serialize};

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disclosure {
    /// Everything that authorisation, purpose and rules allow, side by side.
    #[default]
    Full,
    /// Only what could still change the verdict, in the order most likely to settle it.
    Minimal,
}

impl Disclosure {
    /// True for the usual way.
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full)
    }
}

//! Who may ask: access tokens and what one client may ask in a second.

pub mod rate_limit;
pub mod token;

//! Who may ask: access tokens, the clients registered here, who may do what, and what one client may ask in a second.

pub mod access;
pub mod assertion;
pub mod clients;
pub mod dpop;
pub mod jwks;
pub mod jws;
pub mod key;
pub mod peer;
pub mod pressure;
pub mod rate_limit;
pub mod refusals;
pub mod rules;
pub mod signing;
pub mod statement;
pub mod token;

//! The vocabulary of 居民家庭经济状况核对: plain values that cannot hold nonsense.
//!
//! Everything here is pure: no I/O, no async, no clock. Values are parsed at the edge and carried
//! parsed from there on. Rules live in [`crate::verdict`], parameters in [`crate::policy`].

pub mod actor;
pub mod adapter;
pub mod agreement;
pub mod authorisation;
pub mod class;
pub mod clock;
pub mod context;
pub mod dataset;
pub mod declaration;
pub mod disclosure;
pub mod division;
pub mod exact;
pub mod fact;
pub mod hex;
pub mod household;
pub mod id_number;
pub mod money;
pub mod outcome;
pub mod period;
pub mod problem;
pub mod proof;
pub mod purpose;
mod schema;
pub mod suite;
pub mod unique;

//! One question to many departments: plan who is asked what, ask side by side, gather what came.
//!
//! A department that is down is an outcome, not an error: it costs its own facts and nothing else
//! (promise P9). Missing is never zero (P2).

pub mod ask;
pub mod cache;
pub mod client;
pub mod decode;
pub mod gather;
mod meters;
pub mod plan;
pub mod registry;
mod single_flight;

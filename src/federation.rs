//! One question to many departments: plan who is asked what, ask side by side, gather what came.
//!
//! A department that is down is an outcome, not an error: it costs its own facts and nothing else
//! (promise P9). Missing is never zero (P2).

pub mod adapter;
pub mod ask;
mod batch;
mod breaker;
pub mod cache;
pub mod client;
pub mod counters;
pub mod decode;
mod delays;
pub mod failure;
pub mod gather;
pub mod health;
mod lead;
mod meters;
mod places;
pub mod plan;
pub mod proving;
mod question;
mod queue;
mod quota;
pub mod region;
pub mod registry;
pub mod revocation;
pub mod round;
pub mod shadow;
#[cfg(test)]
mod simulation;
mod single_flight;
pub mod tally;
mod turnover;

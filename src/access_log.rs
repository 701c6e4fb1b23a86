//! The access log: who looked at whom, for what purpose, on what authorisation, with what outcome.
//!
//! An event is durable before what it records leaves the hub (promise P1). Events are the entries of a
//! tamper-evident log (`tlog`): the store gives each its index; here the log's head is signed, kept
//! elsewhere, checked, and taken out as proofs. Events are pseudonymous: a person is a keyed hash under the
//! log's own key, never an identity number.

pub mod anchor;
pub mod audit;
pub mod event;
pub mod export;
pub mod offer;
pub mod publish;
pub mod witness;

pub use event::{AccessEvent, Action, DepartmentOutcome, LoggedQuestions, RefusalCount};

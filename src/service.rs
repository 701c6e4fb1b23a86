//! Use cases: the only place where federation, verdict and access log meet.

pub mod alerting;
pub mod alerts;
pub mod answer;
pub mod approvals;
pub mod assemble;
pub mod case;
pub mod changes;
pub mod clients;
pub mod disclosure;
pub mod erasure;
pub mod error;
pub mod evidence;
pub mod ids;
mod judge;
mod kept;
pub mod log_review;
pub mod planned;
pub mod policies;
pub mod proofs;
pub mod refusals;
pub mod replay;
pub mod request;
pub mod running;
pub mod samples;
pub mod sealing;
pub mod tokens;
pub mod verify;

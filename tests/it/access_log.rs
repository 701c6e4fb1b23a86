//! The access log cannot be altered unseen: abuse cases A6 to A11 and promises T1, T3 and T5 of the log.

mod commands;
mod live;
mod officers;
mod stored;
mod tamper;

pub(crate) use commands::independent_verifier;
pub(crate) use stored::{event, open, signer};

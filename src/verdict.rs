//! Facts, pack and date give a verdict.
pub mod facts;

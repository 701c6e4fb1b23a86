//! Hedui (核对).
pub mod cli;
pub mod domain;
pub mod policy;
pub mod simulate;
pub mod verdict;

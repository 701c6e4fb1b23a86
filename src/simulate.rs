//! Simulation.
pub mod keys;
pub mod trial;

//! Policy packs: every threshold of a verdict, dated, local, with its source (`design.md` section 6).
//!
//! A pack file holds figures of one division (`config/policies/<division code>/<date>[.<variant>].toml`).
//! What holds at a place on a day is gathered along nation → region → league or city → banner or county;
//! where no standard is found there is none, never a default. A *variant* is a second set of rules in
//! force beside the default one, chosen by name.

pub mod decimal;
pub mod kept;
pub mod pack;
pub mod packs;
pub mod parameters;
pub mod shipped;
pub mod values;

pub use pack::PolicyError;
pub use packs::{Packs, Unavailable};
pub use parameters::{Figure, ParameterSet, Parameters, Provenance, Rules, RulesError};

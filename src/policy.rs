//! Policy packs: every threshold of a verdict, dated, local, with its source (`design.md` section 6).
//!
//! A pack file holds figures of one division (`config/policies/<division code>/<date>[.<variant>].toml`).
//! What holds at a place on a day is gathered along nation → region → league or city → banner or county;
//! where no standard is found there is none, never a default. A *variant* is a second set of rules in
//! force beside the default one, chosen by name.
//!
//! [`dictionary`] says what every parameter means and what form it has; [`pack`] reads a file and names every
//! mistake in it ([`fault`]); [`packs`] finds what holds; [`check`] looks at the packs as a whole; [`diff`]
//! compares two; [`handbook`] makes the documentation and the schema from the dictionary.

pub mod check;
pub mod decimal;
pub mod dictionary;
pub mod diff;
pub mod divisions;
mod document;
pub mod effective;
pub mod fault;
mod folder;
pub mod form;
pub mod handbook;
pub mod kept;
pub mod pack;
pub mod packs;
pub mod parameter_set;
pub mod parameters;
pub mod shipped;
pub mod values;

pub use effective::Effective;
pub use fault::{Fault, PolicyError};
pub use packs::{Packs, Unavailable};
pub use parameter_set::ParameterSet;
pub use parameters::{Figure, Parameters, Provenance, Rules, RulesError};

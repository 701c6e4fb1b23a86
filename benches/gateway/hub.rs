//! The contender: the shipped executable, as an operator would start it, on throw-away keys.

use std::path::Path;

use hedui::domain::clock::SystemRandomness;
use hedui::simulate::trial::{Trial, TrialFiles};

use super::backend::{DEPARTMENTS, loopback};

/// Writes keys and configuration of a hub before the departments on `first_port`.
pub fn write_trial(folder: &Path, port: u16, monitor_port: u16, first_port: u16) -> TrialFiles {
    let adapters: Vec<_> =
        DEPARTMENTS.iter().zip(first_port..).map(|(department, port)| (*department, loopback(port))).collect();
    let trial = Trial {
        hub: loopback(port),
        monitor: loopback(monitor_port),
        adapters: &adapters,
        policies: None,
        catalogue: None,
        ask_timeout: "5s",
        per_second: 1_000_000,
    };
    trial.write(folder, &SystemRandomness).expect("the trial is written")
}

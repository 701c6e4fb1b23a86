//! The contender: the shipped executable, as an operator would start it, on throw-away keys.

use std::fmt::Write as _;
use std::path::Path;

use hedui::domain::clock::SystemRandomness;
use hedui::simulate::trial::{Trial, TrialFiles};

use super::backend::{DEPARTMENTS, loopback};

/// The shipped rules over the access log, with every hour of the week a working hour: what a bench costs must not depend
/// on when it runs.
fn rules_of_any_hour() -> String {
    let shipped = include_str!("../../config/alert-rules.toml");
    let workdays = r#"workdays = ["mon", "tue", "wed", "thu", "fri"]"#;
    let (from, to) = (r#"from = "07:30""#, r#"to = "19:30""#);
    assert!([workdays, from, to].iter().all(|setting| shipped.contains(setting)), "the calendar is as it was");
    shipped
        .replace(workdays, r#"workdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]"#)
        .replace(from, r#"from = "00:00""#)
        .replace(to, r#"to = "23:59""#)
}

/// Writes keys and configuration of a hub before the departments on `first_port`.
pub(crate) fn write_trial(folder: &Path, port: u16, monitor_port: u16, first_port: u16) -> TrialFiles {
    let adapters: Vec<_> =
        DEPARTMENTS.iter().zip(first_port..).map(|(department, port)| (*department, loopback(port))).collect();
    let trial = Trial {
        hub: loopback(port),
        monitor: loopback(monitor_port),
        adapters: &adapters,
        policies: None,
        catalogue: None,
        signed_answers: false,
        ask_timeout: "5s",
        per_second: 1_000_000,
    };
    let files = trial.write(folder, &SystemRandomness).expect("the trial is written");
    let mut config = std::fs::read_to_string(&files.config).expect("the configuration");
    // Often, so that each round pays for its own entries and for no other's.
    writeln!(config, "\n[review]\nrules = \"alert-rules.toml\"\nevery = \"200ms\"")
        .expect("writing to a string cannot fail");
    std::fs::write(&files.config, config).expect("the configuration is written");
    std::fs::write(folder.join("alert-rules.toml"), rules_of_any_hour()).expect("the rules are written");
    files
}

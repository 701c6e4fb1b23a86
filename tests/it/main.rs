//! Whole-system tests: real sockets, real TLS, real databases, the shipped connectors and the shipped executable.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test stops where something is not as it must be"
)]

mod access;
mod access_log;
mod alerts;
mod authorisations;
#[path = "../../connectors/tests/it/authority.rs"]
mod authority;
mod bad_input;
mod cases;
mod chaos;
mod contracts;
mod department_health;
mod disclosure;
mod disk;
mod durability;
mod egress;
mod endings;
mod erasure;
mod faults;
mod follow_ups;
mod front_door;
mod hub;
mod joining;
mod notices;
mod on_servers;
mod one_bad_department;
mod peers;
mod policies;
mod population;
mod privacy;
mod promises;
mod proof_of_use;
mod proxy;
mod published_figures;
mod refusals;
mod registry;
mod rules_table;
mod samples;
mod sealing;
mod security_page;
#[path = "../../connectors/tests/it/servers.rs"]
mod servers;
mod seventh_source;
mod shared_queries;
mod shedding;
mod snoops;
mod stub;
mod tidy;
mod tokens;
mod two_persons;
mod verdict_cost;
mod views;
mod witness;

//! The ways in for programs: HTTP over TLS. Handlers extract, call one use case, respond.

mod access_log;
mod adapter_problem;
mod adapters;
mod alerts;
mod approvals;
mod authorisations;
mod case_events;
mod catalogue;
mod events;
mod front;
mod monitor;
mod notices;
mod oauth;
mod page;
mod peers;
mod policies;
mod problem;
mod report;
mod router;
mod samples;
mod shedding;
mod unread;
mod usage;
mod verifications;
mod witness;

pub use front::{Hub, Published};
pub use monitor::monitor_router;
pub use peers::{PEER_ROUTES, PeerDoor, peer_router};
pub use problem::Problem;
pub use router::{openapi, router};
pub use shedding::{Measured, Shedding};
pub use witness::witness_router;

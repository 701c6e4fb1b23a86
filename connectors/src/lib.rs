//! The department's side of Hedui: the adapter protocol, connector files and the adapter server.
pub mod protocol;

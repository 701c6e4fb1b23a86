//! The adapter from outside: through its library, through real mutual TLS, and through its command line.

mod command_line;
mod harness;
mod over_tls;
mod sources;

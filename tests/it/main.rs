//! Whole-system tests: real sockets, real TLS, real databases, the shipped connectors and the shipped executable.

mod bad_input;
mod cases;
mod contracts;
mod durability;
mod faults;
mod hub;
mod population;
mod privacy;
mod seventh_source;
mod stub;
mod tidy;

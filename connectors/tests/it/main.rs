//! The adapter from outside: through its library, through real mutual TLS, and through its command line.

#[cfg(test)]
mod command_line;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod over_tls;
#[cfg(test)]
mod sources;

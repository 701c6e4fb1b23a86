//! The adapter from outside: through its library, through real mutual TLS, through its command line, and on
//! real database servers.

#[cfg(test)]
mod authority;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod databases;
#[cfg(test)]
mod drops;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod http;
#[cfg(test)]
mod http_ladder;
#[cfg(test)]
mod http_verbs;
#[cfg(test)]
mod ladder;
#[cfg(test)]
mod office;
#[cfg(test)]
mod over_tls;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod services;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod shipped;
#[cfg(test)]
mod soap;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod verbs;

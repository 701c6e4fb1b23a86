//! The one way out over HTTP, for every kind of source that is a service.
//!
//! HTTPS to one authority, HTTP/1.1, no redirects, no proxies, no cookies, no decompression; every answer has a
//! bound in time and in bytes, and only so many calls are under way at once. How one shows who asks is in
//! `access.rs`; what is asked and what an answer means is the kind's own.

mod access;
mod client;
mod connection;
mod keys;
mod signature;
mod tls;
mod token;

pub(crate) use access::{Access, words_of};
pub(crate) use client::{WebAnswer, WebCall, WebClient};
pub(crate) use signature::{keyed_digest, written};

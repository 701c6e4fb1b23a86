//! Hedui (核对): one question about one household to every department, one income-and-assets verdict.
//!
//! The hub asks six government departments about one household side by side, and answers with the
//! assistance circle the household falls in, why, on what evidence, and what could not be checked.
//!
//! # Reading order, by layer
//!
//! | layer | module | what it is |
//! |---|---|---|
//! | 1 | [`domain`] | the vocabulary: plain values that cannot hold nonsense |
//! | 2 | [`policy`] | packs: the figures of a place and a day, each with its source |
//! | 2 | [`verdict`] | facts, pack and date give a verdict, its trace and its text |
//! | 2 | [`seal`] | sealing at rest, pseudonyms |
//! | 2 | [`review`] | rules that turn entries of the access log into alerts; double-random samples |
//! | 2 | [`tlog`] | tamper-evident logs: tree, tiles, proofs, signed notes, after C2SP |
//! | 3 | [`store`] | the only SQL; one writer groups commits and gives log entries their index |
//! | 3 | [`egress`] | the only way out: what may be connected to, checked on the address dialled |
//! | 4 | [`auth`] | access tokens, registered clients, what one client may ask |
//! | 4 | [`federation`] | plan, ask side by side, check at the door, gather |
//! | 4 | [`access_log`] | who looked at whom, why, with what outcome; signed, anchored, audited |
//! | 5 | [`service`] | use cases; `service/verify.rs` is the story of the whole system |
//! | 6 | [`http`] | the ways in for programs |
//! | 6 | [`simulate`] | synthetic people in the departments' native stores |
//! | 7 | [`app`], [`cli`], [`config`] | wiring |
//!
//! # The life of one verification
//!
//! 1. [`http`] proves the client, counts the request, reads the body.
//! 2. [`service::request`] parses it; every fault is named, nobody is asked.
//! 3. The request, sealed, and the event that grants it become durable together.
//! 4. [`federation::plan`] decides who is asked what.
//! 5. [`federation::gather`] asks side by side until the deadline; [`federation::decode`] checks each answer.
//! 6. [`service::assemble`] makes facts with evidence; what is missing is a gap with its reason.
//! 7. [`verdict`] judges.
//! 8. The outcome, sealed, and the event that releases it become durable; then the caller is answered.
//!
//! # Invariants
//!
//! - Always: an event is durable before what it records leaves the hub, refusals included.
//! - Never: a missing answer counted as zero, or as "no record".
//! - Never: an answer about one person used for another, or for another purpose or set of fields.
//! - Never: an identity number in a log line, an error, a metric, a URL, a cache key or a file name.
//! - Never: a float, or a division before a comparison, in an amount.
//! - Never: a default for a figure that no pack gives.
//! - Always: one department's failure costs its own facts and nothing else.
//!
//! Deliberately absent: repository traits, a second store behind an interface, department names in the rules.

pub mod access_log;
pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod domain;
pub mod egress;
pub mod federation;
pub mod http;
pub mod policy;
pub mod review;
pub mod seal;
pub mod service;
pub mod simulate;
pub mod store;
pub mod tlog;
pub mod verdict;

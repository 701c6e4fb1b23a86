//! The department's side of Hedui: the adapter protocol, connector files and the adapter server.
//!
//! A department joins with one file. [`connector`] checks it, `source` asks its database, [`mapping`]
//! turns rows into facts, [`adapter`] answers one query, [`serve`] does so over mutual TLS: to whoever shows the hub's
//! signed [`context`], with a [`signature`] on the answer and a line in the [`ledger`] before it leaves. This package
//! runs beside a department's database: it knows nothing of the hub, and its list of dependencies is
//! kept short, so that the department can review what it runs.
//!
//! Never: a float for money · an identity number in a log or error · a guess where a row does not fit ·
//! a list that was cut off · a statement with a value pasted into it.

// The way of a file.
pub mod connector;
pub mod error;
pub mod facts;
pub mod secret;
pub mod sql_text;

// The way of a query.
pub mod adapter;
mod answer;
mod caller;
pub mod clock;
pub mod context;
pub mod handover;
pub mod keys;
pub mod ledger;
mod nearest;
mod problem;
pub mod protocol;
pub mod rehearsal;
pub mod serve;
pub mod signature;
mod source;
mod synthetic;
pub mod text;
pub mod vitals;
mod words;
pub mod xml;

// The way of a row.
pub mod amount;
pub mod date_format;
pub mod json;
pub mod json_path;
pub mod mapping;
pub mod name;
pub mod native;
pub mod value;

// The verbs.
pub mod check;
pub mod cli;
pub mod conform;
pub mod difference;
pub mod golden;
pub mod proposal;
pub mod reconcile;
mod trial;

pub use source::{ColumnInfo, Disturbance, OpenError, Relation, Rung, SourceError, Trouble};

//! Reviewing the access log: rules as data that turn its entries into alerts, the states an alert goes through, and
//! double-random samples (双随机). Pure: entries and the time come in, findings go out; no store, no clock, no network.
//!
//! | question | file |
//! |---|---|
//! | which rules, with which figures | [`rules`], `config/alert-rules.toml` |
//! | who is staff, who is watched | [`people`] |
//! | what an entry says | [`entry`] |
//! | what an entry means, given those before it | [`evaluator`] |
//! | one alert for one actor, rule and window | [`finding`], [`gathering`] |
//! | who may bring an alert to which state, for which reason | [`state`] |
//! | which entries and reviewers are drawn, and that anybody can draw them again | [`sample`] |

pub mod calendar;
pub mod entry;
pub mod evaluator;
pub mod finding;
pub mod gathering;
pub mod people;
pub mod rules;
pub mod sample;
pub mod state;

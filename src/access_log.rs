//! Access events: who looked at whom, for what purpose, on what authorisation, with what outcome.
//!
//! An event is durable before what it records leaves the hub (promise P1). Events are pseudonymous:
//! a person is a keyed hash under the log's own key, never an identity number.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::actor::Client;
use crate::domain::division::DivisionCode;
use crate::domain::id_number::Subject;
use crate::domain::purpose::Purpose;
use crate::store::EventRow;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A verification was accepted; departments may be asked now.
    Granted,
    /// A request was refused.
    Denied,
    /// A verdict was made ready to leave the hub.
    Released,
    /// A stored verification was looked at again.
    Viewed,
}

/// What came of asking one department, as the log keeps it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DepartmentOutcome<'a> {
    /// The department.
    pub department: &'a str,
    /// `answered`, or the reason of the gap.
    pub outcome: &'static str,
}

/// An access event. Absent fields are not known at that point.
#[derive(Debug, Clone, Serialize)]
pub struct AccessEvent<'a> {
    /// Its id, a UUID of version 7; the `receipt` of the answer it belongs to.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub action: Action,
    /// The client, when it could be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<&'a str>,
    /// The client's organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<&'a str>,
    /// The division of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division: Option<DivisionCode>,
    /// The purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// Number of the household's authorisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorisation: Option<&'a str>,
    /// Why departments are asked without every member's authorisation: `emergency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<&'a str>,
    /// The verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<&'a str>,
    /// The persons, as pseudonyms under the log's key.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub subjects: &'a [Subject],
    /// The departments asked and what came of it.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub departments: &'a [DepartmentOutcome<'a>],
    /// The status of the verdict released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'a str>,
    /// The code of the problem a refusal was answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'a str>,
    /// The request's id.
    pub request_id: &'a str,
}

impl<'a> AccessEvent<'a> {
    /// An event of which only the action, the client and the request are known.
    pub fn new(id: String, at: Timestamp, action: Action, client: Option<&'a Client>, request_id: &'a str) -> Self {
        Self {
            id,
            at,
            action,
            client: client.map(|client| client.id.as_str()),
            organisation: client.map(|client| client.organisation.as_str()),
            division: client.map(|client| client.division),
            purpose: None,
            authorisation: None,
            exemption: None,
            verification: None,
            subjects: &[],
            departments: &[],
            verdict: None,
            problem: None,
            request_id,
        }
    }

    /// The event as it is stored.
    pub fn to_row(&self) -> EventRow {
        EventRow {
            id: self.id.clone(),
            at: self.at.as_microsecond(),
            body: {
                let mut body = Vec::with_capacity(1024);
                serde_json::to_writer(&mut body, self).expect("an event holds only strings, numbers and lists");
                String::from_utf8(body).expect("JSON is UTF-8")
            },
        }
    }
}

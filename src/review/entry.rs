//! An entry of the access log as the rules read it. Fields that no rule asks about are passed over.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::actor::Role;
use crate::domain::context::LoggedContext;
use crate::domain::division::DivisionCode;
use crate::domain::id_number::Subject;

/// What happened, as far as rules and samples care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A verification was accepted: somebody asks about a household.
    Granted,
    /// A request was refused.
    Denied,
    /// A verdict left the hub.
    Released,
    /// Something kept was looked at: a verification, an entry, an alert.
    Viewed,
    /// A report was printed.
    Printed,
    /// Something was taken out as a file.
    Exported,
    /// A masked number was shown.
    Revealed,
    /// A caseworker system said what became of a case.
    CaseActed,
    /// An alert was raised.
    AlertRaised,
    /// An alert was brought to another state.
    AlertChanged,
    /// Anything else.
    #[serde(other)]
    Other,
}

/// What came of asking a department.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Asked {
    /// `answered`, `no_record`, or why not.
    pub outcome: String,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Event {
    /// What happened.
    pub action: Kind,
    /// The client or person.
    #[serde(default)]
    pub actor: Option<String>,
    /// When.
    pub at: Timestamp,
    /// What the caller's system said of the access.
    #[serde(default)]
    pub context: LoggedContext,
    /// The departments asked.
    #[serde(default)]
    pub departments: Vec<Asked>,
    /// The division of the application, or the actor's own.
    #[serde(default)]
    pub division: Option<DivisionCode>,
    /// Why departments are asked without every member's authorisation.
    #[serde(default)]
    pub exemption: Option<String>,
    /// Its id.
    pub id: Arc<str>,
    /// What else it is about.
    #[serde(default)]
    pub object: Option<String>,
    /// Everything it is about, where that is more than one.
    #[serde(default)]
    pub objects: Vec<String>,
    /// The actor's organisation.
    #[serde(default)]
    pub organisation: Option<String>,
    /// Why a request was refused.
    #[serde(default)]
    pub problem: Option<String>,
    /// What the actor is.
    #[serde(default)]
    pub role: Option<Role>,
    /// The rule of an alert.
    #[serde(default)]
    pub rule: Option<String>,
    /// What was done with a sample.
    #[serde(default)]
    pub sample: Option<super::sample::Step>,
    /// The state an alert was brought to.
    #[serde(default)]
    pub state: Option<String>,
    /// The persons.
    #[serde(default)]
    pub subjects: Vec<Subject>,
    /// The verification.
    #[serde(default)]
    pub verification: Option<String>,
}

/// An entry with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its index.
    pub index: u64,
    /// What it says.
    pub event: Event,
}

/// Where the evidence is: an entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EntryRef {
    /// Its index.
    pub index: u64,
    /// The event's id, which is the receipt of the answer it belongs to.
    // Shared, since evidence names the same entries again and again.
    #[schema(value_type = String)]
    pub id: Arc<str>,
}

/// Who acted: the system, and the person at it where the system says who that is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Who {
    /// The client's or officer's id.
    pub actor: String,
    /// The person at the client, as the client names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
}

impl std::fmt::Display for Who {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.actor)?;
        self.operator.iter().try_for_each(|operator| write!(formatter, "/{operator}"))
    }
}

impl Entry {
    /// Reads an entry.
    pub fn read(index: u64, body: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(body).map(|event| Self { index, event })
    }

    /// Who acted.
    pub fn who(&self) -> Option<Who> {
        let actor = self.event.actor.clone()?;
        Some(Who { actor, operator: self.event.context.operator.clone() })
    }

    /// Where it is.
    pub fn reference(&self) -> EntryRef {
        EntryRef { index: self.index, id: Arc::clone(&self.event.id) }
    }

    /// Whether somebody asks about a household, or looks at, prints, takes out or unmasks what was found: what samples
    /// are drawn from.
    pub fn is_access(&self) -> bool {
        let of_case = self.event.verification.is_some();
        let looks = matches!(self.event.action, Kind::Viewed | Kind::Printed | Kind::Exported | Kind::Revealed);
        self.event.action == Kind::Granted || of_case && looks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_before_the_context_are_read_and_unknown_actions_are_passed_over() {
        let body = r#"{"action":"erased","actor":"root","at":"2026-11-01T00:00:00Z","id":"ev_1","objects":["vf_1"],"request_id":"r","version":1}"#;
        let entry = Entry::read(3, body).unwrap();
        assert_eq!((entry.event.action, entry.is_access()), (Kind::Other, false));
        assert_eq!(entry.who().unwrap().to_string(), "root");
        assert!(Entry::read(3, "{}").is_err());
    }

    #[test]
    fn a_look_at_a_verification_is_an_access_and_a_look_at_the_log_is_none() {
        let look = |more: &str| {
            let body = format!(r#"{{"action":"viewed","at":"2026-11-01T00:00:00Z","id":"ev_1"{more}}}"#);
            Entry::read(0, &body).unwrap().is_access()
        };
        assert!(look(r#","verification":"vf_1""#));
        assert!(!look(r#","object":"access-log/7""#));
    }
}

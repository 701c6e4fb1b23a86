//! Access events: the entries of the log. `schemas/access-event.json` describes them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::actor::{Client, Role};
use crate::domain::context::LoggedContext;
use crate::domain::division::DivisionCode;
use crate::domain::id_number::Subject;
use crate::domain::outcome::AskedOnce;
use crate::domain::purpose::Purpose;
use crate::review::sample::Step;
use crate::store::{EventRow, StoreError};

/// The version of the form of events; it stands in every one.
///
/// Version 2 added `context`, `questions`, `rule`, `sample` and `state`; entries of version 1 stay as they are.
pub const VERSION: u8 = 2;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A verification was asked for and waits for what must come before it is granted.
    Requested,
    /// A verification was accepted; departments may be asked now.
    Granted,
    /// A request was refused.
    Denied,
    /// Departments that had not answered a verification are asked again.
    AskedAgain,
    /// What departments were asked in an attempt that brought nothing new.
    AskedInVain,
    /// A verdict was made ready to leave the hub.
    Released,
    /// A stored verification, or an entry of the log, was looked at.
    Viewed,
    /// A report was printed.
    Printed,
    /// Something was taken out of the hub as a file.
    Exported,
    /// A masked identity number was shown.
    Revealed,
    /// An adapter was registered, changed or suspended.
    AdapterChanged,
    /// Department data was requested of a shadow adapter: compared, and used for no verdict.
    ShadowAsked,
    /// A policy pack was put in force or withdrawn.
    PolicyChanged,
    /// The log was searched.
    LogSearched,
    /// The hub gave a client an access token.
    TokenIssued,
    /// A client was registered, given another key, or revoked.
    ClientChanged,
    /// A key of the hub was made, took another's place, or retired: for access tokens, for sealing, of the log.
    KeyChanged,
    /// A household's authorisation was registered.
    AuthorisationRegistered,
    /// A household's authorisation was revoked: it does not hold any more.
    AuthorisationRevoked,
    /// Verifications or authorisations were erased: their keys were destroyed.
    Erased,
    /// It was looked up what a verification would ask; nobody was asked.
    Planned,
    /// A change that needs two persons was entered.
    ChangeProposed,
    /// One person agreed to such a change.
    ChangeApproved,
    /// One person refused such a change, which ends it.
    ChangeRefused,
    /// Settings, packs or catalogue are others than those the hub ran with before.
    SettingsChanged,
    /// A household was told that it was looked up in an emergency.
    HouseholdNotified,
    /// An operator confirmed that the clock is right after a jump.
    ClockConfirmed,
    /// A caseworker system said what became of a case.
    CaseActed,
    /// A rule raised an alert.
    AlertRaised,
    /// An alert was brought to another state.
    AlertChanged,
    /// A sample was frozen: what it will be drawn from and how.
    SampleFrozen,
    /// A second officer typed dice for a sample.
    SampleDiced,
    /// A sample was drawn: the digest of its manifest, before anybody sees it.
    SampleDrawn,
    /// The signature of a department's answer was found to be wrong after the answer had been used.
    AnswerDisputed,
    /// A hub of another region asked about people of this one; departments may be asked now.
    PeerAsked,
    /// What departments said of them was made ready to leave for that hub.
    PeerAnswered,
    /// That hub told that an authorisation was revoked under which it asked.
    PeerRevoked,
    /// A hub of another region was told that an authorisation was revoked under which it had been asked.
    RevocationTold,
}

/// Refusals that have no entries of their own: somebody was refused too often.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum RefusalCount<'a> {
    /// The entry that makes room for them. Without one that counts them, there were between none and this many.
    AtMost {
        /// For how many.
        at_most: u64,
    },
    /// The entry that says how many there were.
    Counted {
        /// How many.
        count: u64,
        /// When the first was.
        first_at: Timestamp,
        /// When the last was.
        last_at: Timestamp,
        /// The entry that made room for them first.
        opened: &'a str,
        /// How many of each problem.
        problems: &'a BTreeMap<&'static str, u64>,
    },
}

/// What came of asking one department, as the log keeps it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DepartmentOutcome<'a> {
    /// The department.
    pub department: &'a str,
    /// The hub of another region that was asked in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<&'a str>,
    /// `answered`, or the reason of the gap.
    pub outcome: &'static str,
}

/// What a department was asked for one verification, and what it was spared; what is none is absent.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct LoggedQuestions<'a> {
    /// The entry of the attempt that asked again, which is part of the questions' ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<&'a str>,
    /// Questions whose answers were at hand.
    #[serde(skip_serializing_if = "is_none")]
    pub cached: u32,
    /// The department.
    pub department: &'a str,
    /// Questions that somebody else was asking just then.
    #[serde(skip_serializing_if = "is_none")]
    pub joined: u32,
    /// The questions that were made ready, by their number; those that say nothing were not sent.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub sent: &'a [AskedOnce],
    /// Questions that no answer to could have changed the verdict.
    #[serde(skip_serializing_if = "is_none")]
    pub unneeded: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_none(count: &u32) -> bool {
    *count == 0
}

/// An access event. Absent fields are not known at that point, or do not apply.
///
/// INVARIANT: the fields stand in alphabetical order and hold no fractions, so that what serde writes is
/// canonical JSON (RFC 8785) without a second pass.
#[derive(Debug, Clone, Serialize)]
pub struct AccessEvent<'a> {
    /// What happened.
    pub action: Action,
    /// The client or person, when it could be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<&'a str>,
    /// Who agreed to the change.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub approvers: &'a [String],
    /// When. Order is told by the index in the log, never by this.
    pub at: Timestamp,
    /// Number of the household's authorisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorisation: Option<&'a str>,
    /// What stood before in the place of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<&'a str>,
    /// What the caller's system said of the access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<&'a LoggedContext>,
    /// The departments asked and what came of it.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub departments: &'a [DepartmentOutcome<'a>],
    /// The division of the application, or the actor's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division: Option<DivisionCode>,
    /// Why departments are asked without every member's authorisation: `emergency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<&'a str>,
    /// Its id, a UUID of version 7; the `receipt` of the answer it belongs to.
    pub id: String,
    /// What else it is about: an entry of the log that was viewed, an adapter or a pack that was changed, an authorisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<&'a str>,
    /// Everything it is about, where that is more than one: what one sweep erased, the log keys of a change.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub objects: &'a [String],
    /// The actor's organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<&'a str>,
    /// Who was on the other side of the connection, where nobody proved who they are, or another hub was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<&'a str>,
    /// The code of the problem a refusal was answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'a str>,
    /// The purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// What each department was asked and spared.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub questions: &'a [LoggedQuestions<'a>],
    /// Why something was erased or an alert was closed, in the words of who did it; or the retention class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// Refusals without entries of their own, where this entry stands for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusals: Option<RefusalCount<'a>>,
    /// The request's id.
    pub request_id: &'a str,
    /// What the actor is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The rule of an alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'a str>,
    /// What was done with a sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<&'a Step>,
    /// What the log was searched for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub search: BTreeMap<&'a str, String>,
    /// The state an alert was brought to, what became of a case, or what came of telling of a revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'a str>,
    /// The persons, as pseudonyms under the log's key.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub subjects: &'a [Subject],
    /// The status of the verdict released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'a str>,
    /// The verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<&'a str>,
    /// The version of this form.
    pub version: u8,
}

impl<'a> AccessEvent<'a> {
    /// An event of which only the action, the client and the request are known.
    pub fn new(id: String, at: Timestamp, action: Action, client: Option<&'a Client>, request_id: &'a str) -> Self {
        Self {
            action,
            actor: client.map(|client| client.id.as_str()),
            approvers: &[],
            at,
            authorisation: None,
            before: None,
            context: None,
            departments: &[],
            division: client.map(|client| client.division),
            exemption: None,
            id,
            object: None,
            objects: &[],
            organisation: client.map(|client| client.organisation.as_str()),
            peer: None,
            problem: None,
            purpose: None,
            questions: &[],
            reason: None,
            refusals: None,
            request_id,
            role: client.map(|client| client.role),
            rule: None,
            sample: None,
            search: BTreeMap::new(),
            state: None,
            subjects: &[],
            verdict: None,
            verification: None,
            version: VERSION,
        }
    }

    /// The event as it is stored. An error when it is longer than an entry of the log can be: then nothing
    /// of what it records may leave.
    pub fn to_row(&self) -> Result<EventRow, StoreError> {
        let mut body = Vec::with_capacity(1024);
        serde_json::to_writer(&mut body, self).expect("an event holds only strings, whole numbers and lists");
        let body = String::from_utf8(body).expect("JSON is UTF-8");
        EventRow::new(self.id.clone(), self.at.as_microsecond(), body)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::domain::clock::SystemRandomness;
    use crate::domain::id_number::IdNumber;
    use crate::domain::outcome::GapReason;
    use crate::review::sample::{Plan, Reviewer};
    use crate::seal::Sealer;
    use crate::tlog::tile::MAX_ENTRY;

    const ACTIONS: [Action; 38] = [
        Action::Requested,
        Action::Granted,
        Action::AskedAgain,
        Action::AskedInVain,
        Action::Denied,
        Action::Released,
        Action::Viewed,
        Action::Printed,
        Action::Exported,
        Action::Revealed,
        Action::AdapterChanged,
        Action::ShadowAsked,
        Action::PolicyChanged,
        Action::LogSearched,
        Action::TokenIssued,
        Action::ClientChanged,
        Action::KeyChanged,
        Action::AuthorisationRegistered,
        Action::AuthorisationRevoked,
        Action::Erased,
        Action::Planned,
        Action::ChangeProposed,
        Action::ChangeApproved,
        Action::ChangeRefused,
        Action::SettingsChanged,
        Action::HouseholdNotified,
        Action::ClockConfirmed,
        Action::CaseActed,
        Action::AlertRaised,
        Action::AlertChanged,
        Action::SampleFrozen,
        Action::SampleDiced,
        Action::SampleDrawn,
        Action::AnswerDisputed,
        Action::PeerAsked,
        Action::PeerAnswered,
        Action::PeerRevoked,
        Action::RevocationTold,
    ];

    fn client(text: &str) -> Client {
        Client {
            id: text.to_owned(),
            organisation: text.to_owned(),
            division: DivisionCode::parse("150102").unwrap(),
            purposes: Purpose::ALL.to_vec(),
            role: Role::Officer,
            department: None,
        }
    }

    fn subjects(count: usize) -> Vec<Subject> {
        let key = Sealer::from_hex(&"a".repeat(64), Arc::new(SystemRandomness)).unwrap().subject_key("access-log");
        vec![IdNumber::parse("150000198605021015").unwrap().subject(&key); count]
    }

    fn schema() -> jsonschema::Validator {
        let schema: Value = serde_json::from_str(include_str!("../../schemas/access-event.json")).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    }

    /// What the log keeps of a context in which everything is said.
    fn context(reason: &str, subjects: &[Subject]) -> LoggedContext {
        LoggedContext {
            address: subjects.first().copied(),
            case: Some("c".repeat(64)),
            case_closed_at: Some(Timestamp::MAX),
            case_opened_at: Some(Timestamp::UNIX_EPOCH),
            case_opened_by: Some("o".repeat(64)),
            cohorts: subjects.to_vec(),
            kin: subjects.to_vec(),
            operator: Some("o".repeat(64)),
            reason: Some(reason.to_owned()),
            workstation: subjects.first().copied(),
        }
    }

    /// The plan of a sample with as many reviewers as there may be.
    fn step() -> Step {
        let reviewer = |number| Reviewer { id: format!("officer-{number}"), recused_from: vec!["某局".to_owned()] };
        let plan = Plan {
            from: Timestamp::UNIX_EPOCH,
            minimum: 30,
            rate_percent: 1,
            reviewers: (0..50).map(reviewer).collect(),
            to: Timestamp::MAX,
            tree_size: 7,
        };
        Step { dice: Some("1234567890".to_owned()), manifest: Some("0".repeat(64)), plan: Some(plan) }
    }

    /// An event with every field, each text as long and as awkward as the hub lets it be.
    fn full<'a>(
        text: &'a str,
        client: &'a Client,
        subjects: &'a [Subject],
        departments: &'a [DepartmentOutcome<'a>],
    ) -> AccessEvent<'a> {
        let mut event =
            AccessEvent::new(format!("ev_{}", "0".repeat(32)), Timestamp::MAX, Action::Released, Some(client), "rq_1");
        (event.authorisation, event.exemption, event.object) = (Some(text), Some("emergency"), Some(text));
        (event.problem, event.verdict, event.verification) = (Some("not_found"), Some("PENDING_DATA"), Some("vf_1"));
        (event.subjects, event.departments, event.purpose) = (subjects, departments, Some(Purpose::ALL[0]));
        event.reason = Some(text);
        (event.before, event.peer) = (Some(text), Some("2001:db8::/64"));
        event.search = BTreeMap::from([("actor", text.to_owned()), ("subject", text.to_owned())]);
        event
    }

    #[test]
    fn every_event_fits_the_schema_and_is_canonical() {
        let (schema, client, subjects) = (schema(), client("试用民政局"), subjects(30));
        let departments = [
            DepartmentOutcome { department: "hrss", hub: None, outcome: "timeout" },
            DepartmentOutcome { department: "hrss", hub: Some("hub_2301"), outcome: "answered" },
        ];
        let sent = [
            AskedOnce { again: 1, outcome: Some(GapReason::Timeout), people: 3 },
            AskedOnce::default(),
            AskedOnce { people: 1, ..AskedOnce::default() },
        ];
        let questions = [
            LoggedQuestions { attempt: None, cached: 1, department: "housing", joined: 0, sent: &[], unneeded: 0 },
            LoggedQuestions {
                attempt: Some("ev_1"),
                cached: 0,
                department: "hrss",
                joined: 2,
                sent: &sent,
                unneeded: 1,
            },
        ];
        for action in ACTIONS {
            for event in [
                AccessEvent::new("ev_1".to_owned(), Timestamp::UNIX_EPOCH, action, None, "rq_1"),
                AccessEvent {
                    action,
                    approvers: &["a".to_owned(), "b".to_owned()],
                    questions: &questions,
                    refusals: Some(RefusalCount::AtMost { at_most: 1_000 }),
                    context: Some(&context("a \"b\" 核对", &subjects)),
                    rule: Some("R16"),
                    sample: Some(&step()),
                    state: Some("justified"),
                    ..full("a \"b\" \\ \u{1} \u{2028} é 核对 \u{1f600}", &client, &subjects, &departments)
                },
                AccessEvent {
                    refusals: Some(RefusalCount::Counted {
                        count: 17,
                        first_at: Timestamp::UNIX_EPOCH,
                        last_at: Timestamp::MAX,
                        opened: "ev_0",
                        problems: &BTreeMap::from([("invalid_token", 16), ("invalid_client", 1)]),
                    }),
                    ..AccessEvent::new("ev_1".to_owned(), Timestamp::UNIX_EPOCH, action, None, "rq_1")
                },
            ] {
                let row = event.to_row().unwrap();
                let value: Value = serde_json::from_str(row.body()).unwrap();
                let faults: Vec<String> = schema.iter_errors(&value).map(|fault| fault.to_string()).collect();
                assert!(faults.is_empty(), "{faults:?} {}", row.body());
                assert_eq!(serde_json_canonicalizer::to_string(&value).unwrap(), row.body());
            }
        }
    }

    #[test]
    fn what_is_no_event_does_not_fit_the_schema() {
        let (schema, client) = (schema(), client("x"));
        let good: Value = serde_json::from_str(full("x", &client, &subjects(1), &[]).to_row().unwrap().body()).unwrap();
        assert!(schema.is_valid(&good));
        for (name, value) in [
            ("action", Value::from("deleted")),
            ("id_number", Value::from("150000198605021015")),
            ("subjects", Value::from(vec!["150000198605021015"])),
            ("at", Value::from("yesterday")),
            ("version", Value::from(3)),
            ("division", Value::from("15010")),
            ("refusals", serde_json::json!({ "count": 1 })),
        ] {
            let mut bad = good.clone();
            bad[name] = value;
            assert!(!schema.is_valid(&bad), "{name}");
        }
    }

    /// A26: a caller cannot make an event that the log cannot hold.
    #[test]
    fn a26_the_longest_event_fits_an_entry_and_a_longer_one_is_refused() {
        let text = "\u{1}".repeat(100);
        let (client, subjects) = (client(&"\u{1}".repeat(400)), subjects(30));
        let long = "d".repeat(40);
        let departments =
            vec![DepartmentOutcome { department: &long, hub: Some(&long), outcome: "not_authorised" }; 60];
        let context = context(&text, &subjects);
        let longest = full(&text, &client, &subjects, &departments);
        let longest = AccessEvent { context: Some(&context), ..longest }.to_row().unwrap();
        assert!(longest.body().len() < MAX_ENTRY / 2, "{}", longest.body().len());
        let over = "x".repeat(MAX_ENTRY);
        let refused = full(&over, &client, &subjects, &departments).to_row();
        assert!(matches!(refused, Err(StoreError::EntryTooLong(_))));
    }
}

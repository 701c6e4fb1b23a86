//! `Case`: a request that may be answered, with everything it rests on looked up once.

use std::sync::Arc;

use super::request::VerificationRequest;
use crate::access_log::{AccessEvent, Action};
use crate::domain::actor::Client;
use crate::domain::context::LoggedContext;
use crate::domain::id_number::{Subject, SubjectKey};
use crate::federation::plan::Question;
use crate::policy::Parameters;

/// Months of the window when no pack says otherwise.
const DEFAULT_WINDOW_MONTHS: u8 = 12;

/// A request and what it rests on.
#[derive(Clone)]
pub struct Case {
    /// The request.
    pub request: VerificationRequest,
    /// The rules in force for its place and day; absent where no standard is known.
    pub pack: Option<Arc<Parameters>>,
    /// Of each member, whether a valid signature covers them.
    pub authorised: Vec<bool>,
    /// The members as the access log writes them down.
    pub subjects: Vec<Subject>,
    /// What the access log keeps of who asks and on which case.
    pub context: LoggedContext,
    /// Months of the window for dated facts.
    pub window_months: u8,
}

impl Case {
    /// The case of a request. `today` is the date in China; `log_key` that of the log's pseudonyms.
    pub(super) fn of(
        request: VerificationRequest,
        pack: Option<Arc<Parameters>>,
        today: jiff::civil::Date,
        log_key: &SubjectKey,
    ) -> Self {
        let members = &request.household.members;
        let valid = request.authorisation.is_valid_on(today);
        Self {
            authorised: members
                .iter()
                .map(|member| valid && request.authorisation.is_signed_by(&member.reference))
                .collect(),
            subjects: members.iter().map(|member| member.id_number.subject(log_key)).collect(),
            context: LoggedContext::of(request.context.as_ref(), &request.household, log_key),
            window_months: pack.as_deref().map_or(DEFAULT_WINDOW_MONTHS, |pack| pack.rules().income_window_months),
            pack,
            request,
        }
    }

    /// The case after its authorisation was revoked: nobody is covered by it any more.
    pub(super) fn revoked(&self) -> Self {
        Self { authorised: vec![false; self.authorised.len()], ..self.clone() }
    }

    /// Departments are asked without every member's authorisation only for emergency relief; the log and the
    /// answer say so, and authorisation and notice must follow (PIPL 第十八条).
    pub(super) fn exemption(&self) -> Option<&'static str> {
        (self.request.emergency_only && self.authorised.contains(&false)).then_some("emergency")
    }

    /// What its plan depends on.
    pub(super) fn question(&self) -> Question<'_> {
        Question {
            household: &self.request.household,
            declaration: &self.request.declaration,
            authorisation: &self.request.authorisation,
            purpose: self.request.purpose,
            assessed_on: self.request.assessed_on,
            window_months: self.window_months,
        }
    }

    /// An event about the case's verification.
    pub(super) fn event<'a>(
        &'a self,
        id: String,
        at: jiff::Timestamp,
        action: Action,
        client: &'a Client,
        request_id: &'a str,
        verification: &'a str,
    ) -> AccessEvent<'a> {
        let mut event = AccessEvent::new(id, at, action, Some(client), request_id);
        self.describe(&mut event);
        event.verification = Some(verification);
        // What follows names the same verification, so the context stands once.
        event.context = (action == Action::Granted).then_some(&self.context);
        event
    }

    /// Says in an event where the case is from, what for, on what authorisation, and whom it is about.
    pub(super) fn describe<'a>(&'a self, event: &mut AccessEvent<'a>) {
        event.division = Some(self.request.place.division_code);
        event.purpose = Some(self.request.purpose);
        event.authorisation = Some(&self.request.authorisation.number);
        event.object = self.request.authorisation_id.as_deref();
        event.subjects = &self.subjects;
        event.exemption = self.exemption();
    }
}

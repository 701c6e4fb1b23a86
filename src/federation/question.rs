//! The body of a query, as [`connectors::protocol::Query`] reads it.

use std::time::Duration;

use jiff::civil::Date;
use serde::Serialize;

use crate::domain::dataset::Dataset;
use crate::domain::division::DivisionCode;
use crate::domain::period::Period;
use crate::domain::purpose::Purpose;

/// What a question about some people rests on.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct CaseBody<'a> {
    /// The verification.
    pub(super) request_id: &'a str,
    /// The household's authorisation.
    pub(super) authorisation: AuthorisationBody<'a>,
}

/// An authorisation as departments are told of it.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct AuthorisationBody<'a> {
    /// Its number.
    pub(super) number: &'a str,
    /// Its last day.
    pub(super) valid_until: Date,
}

/// A person asked about.
pub(super) struct PersonBody<'a> {
    /// How the answer names the person.
    pub(super) reference: &'a str,
    pub(super) id_number: &'a str,
    pub(super) name: &'a str,
    pub(super) datasets: &'a [&'a Dataset],
    /// What the question about this person rests on, where one query carries several households.
    pub(super) case: Option<CaseBody<'a>>,
    /// The person's division, said to a hub.
    pub(super) division: Option<DivisionCode>,
}

/// The body. `case` is that of the query, or of the first household of several; a hub is told how long is waited.
pub(super) fn query_body<'a>(
    (case, within): (CaseBody<'_>, Option<Duration>),
    purpose: Purpose,
    period: Period,
    people: impl Iterator<Item = PersonBody<'a>> + Clone,
) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        request_id: &'a str,
        purpose: &'a str,
        authorisation: AuthorisationBody<'a>,
        period: Period,
        datasets: &'a [&'a str],
        subjects: Vec<Subject<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        within_ms: Option<u64>,
    }
    #[derive(Serialize)]
    struct Subject<'a> {
        #[serde(rename = "ref")]
        reference: &'a str,
        id_number: &'a str,
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        datasets: Option<Vec<&'a str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        case: Option<CaseBody<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        division: Option<DivisionCode>,
    }
    let mut datasets: Vec<&str> = Vec::new();
    for dataset in people.clone().flat_map(|person| person.datasets) {
        if !datasets.contains(&dataset.id.as_str()) {
            datasets.push(dataset.id.as_str());
        }
    }
    let subjects = people.map(|person| Subject {
        reference: person.reference,
        id_number: person.id_number,
        name: person.name,
        datasets: (person.datasets.len() < datasets.len())
            .then(|| person.datasets.iter().map(|dataset| dataset.id.as_str()).collect()),
        case: person.case,
        division: person.division,
    });
    let CaseBody { request_id, authorisation } = case;
    let subjects = subjects.collect();
    let within_ms = within.map(|within| u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
    let purpose = purpose.as_str();
    let body = Body { request_id, purpose, authorisation, period, datasets: &datasets, subjects, within_ms };
    serde_json::to_vec(&body).expect("a query holds only strings and lists")
}

//! Rehearsals (演练): how a department's adapter behaves when it is asked about a synthetic person, so
//! that a case that prescribes a failure meets it in the real adapter.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::case::{Case, DepartmentStatus, Member};
use super::department::DEPARTMENTS;

/// The behaviours that a department's adapter rehearses (演练).
#[derive(Serialize)]
pub struct Rehearsal {
    /// The day on which it plays, by which the age of delivered records is judged.
    pub today: Date,
    /// One entry a person.
    pub behaviours: Vec<Behaviour>,
}

/// How the adapter behaves when it is asked about a person. No `Debug`: it holds an identity number.
#[derive(Serialize)]
pub struct Behaviour {
    /// The person.
    pub id_number: String,
    /// `timeout`, `error`, `quota` or `not_authorised`.
    pub behaviour: &'static str,
}

/// The rehearsals of each department: everybody of a household for which the case prescribes a failure.
/// It plays on `today`.
pub fn of_cases<'a>(cases: impl Iterator<Item = &'a Case>, today: Date) -> BTreeMap<&'static str, Rehearsal> {
    let begun = |department| (department, Rehearsal { today, behaviours: Vec::new() });
    let mut all: BTreeMap<_, _> = DEPARTMENTS.into_iter().map(begun).collect();
    for case in cases {
        for department in DEPARTMENTS {
            let behaviour = match case.status_of(department) {
                // A department that holds nothing needs no rehearsal: nothing was filed with it.
                DepartmentStatus::Ok | DepartmentStatus::NoRecord => continue,
                DepartmentStatus::Timeout => "timeout",
                DepartmentStatus::Error | DepartmentStatus::Unavailable => "error",
                DepartmentStatus::Quota => "quota",
                DepartmentStatus::NotAuthorised => "not_authorised",
            };
            let persons = case.household.members.iter().filter_map(Member::valid_id_number);
            let entries = persons.map(|id| Behaviour { id_number: id.reveal().to_owned(), behaviour });
            if let Some(rehearsal) = all.get_mut(department) {
                rehearsal.behaviours.extend(entries);
            }
        }
    }
    all
}

//! What must hold in every run, whatever befalls departments (promises P2, P6, P9).

use connectors::protocol::Query;

use super::department::truth;
use super::record::{Ended, Question, Record};
use super::run::TICK;
use super::scenario::{Behaviour, Department, Scenario, Trouble};
use crate::domain::dataset::{Catalogue, Dataset};
use crate::domain::fact::Fact;
use crate::domain::outcome::{Freshness, GapReason};
use crate::federation::ask::{DepartmentOutcome, MemberAnswers};
use crate::federation::plan::{DepartmentPlan, SubjectPlan};

/// Who has so much time gets an answer of a department that nothing befalls: connection, question and answer are five
/// messages of at most 25 ms, and a department that nothing befalls thinks for at most 120 ms.
const ENOUGH: std::time::Duration = std::time::Duration::from_millis(400);
/// Requests that one question may become: a first and a second one; and each once more where the connection it went over was
/// closed.
const ATTEMPTS: (usize, usize) = (2, 4);

/// Everything that should not have happened. Each begins with the name of the invariant.
pub(super) fn violations(scenario: &Scenario, record: &Record) -> Vec<String> {
    let catalogue = Catalogue::shipped();
    let mut faults = Vec::new();
    if record.ended.len() != scenario.inquiries.len() {
        faults.push(format!("ends: {} of {} inquiries", record.ended.len(), scenario.inquiries.len()));
    }
    for ended in &record.ended {
        let asked = &scenario.inquiries[ended.inquiry];
        if ended.took > asked.patience + TICK {
            faults.push(format!("ends: i{} took {:?} of {:?}", ended.inquiry, ended.took, asked.patience));
        }
        for (place, department) in ended.plan.departments.iter().enumerate() {
            let outcome = ended.outcomes.get(place).filter(|outcome| outcome.department == department.department);
            let of = scenario.departments.iter().find(|known| known.id == department.department).unwrap();
            let fault = match outcome.map(|outcome| &outcome.result) {
                None => Some("P2: no outcome at all".to_owned()),
                Some(Ok(answers)) => wrong_answers(scenario, &catalogue, ended, department, of, answers),
                Some(Err(reason)) => wrong_gap(scenario, ended, department, of, *reason),
            };
            faults.extend(fault.map(|fault| format!("{fault} (i{}, {})", ended.inquiry, department.department)));
        }
        if ended.outcomes.len() != ended.plan.departments.len() {
            faults.push(format!("P9: i{} has outcomes of departments outside its plan", ended.inquiry));
        }
    }
    for question in &record.questions {
        let by = format!("{} of {}", question.query.request_id, scenario.departments[question.department].id);
        faults.extend(unplanned(scenario, record, &catalogue, question).map(|fault| format!("P6: {fault} ({by})")));
    }
    faults.extend(attempts(scenario, record));
    faults
}

/// P2 and A1: each planned question is answered once, truly, and about its own person.
fn wrong_answers(
    scenario: &Scenario,
    catalogue: &Catalogue,
    ended: &Ended,
    department: &DepartmentPlan,
    of: &Department,
    answers: &[MemberAnswers],
) -> Option<String> {
    if department.gap.is_some() {
        return Some("P6: an answer that nobody was allowed to ask for".to_owned());
    }
    if !of.is_connected {
        return Some("P2: an answer of a department without adapter".to_owned());
    }
    let household = &scenario.households[scenario.inquiries[ended.inquiry].household];
    if answers.len() != department.subjects.len() {
        return Some(format!("P2: {} members answered for, of {}", answers.len(), department.subjects.len()));
    }
    for (subject, member) in department.subjects.iter().zip(answers) {
        if member.member != subject.member || member.answers.len() != subject.datasets.len() {
            return Some("P2: answers of other members or datasets than asked for".to_owned());
        }
        let id_number = household.members[subject.member].id_number.reveal();
        for (dataset, (answer, freshness)) in subject.datasets.iter().zip(&member.answers) {
            let dataset = &catalogue.datasets()[*dataset];
            if answer.dataset != dataset.id {
                return Some(format!("P2: an answer of {} in the place of {}", answer.dataset, dataset.id));
            }
            let expected = expected(dataset, id_number);
            if *answer.facts != *expected {
                let (what, held) = (answer.facts.len(), expected.len());
                return Some(format!("A1: {what} facts of {} that are not this person's {held}", dataset.id));
            }
            if *freshness != Freshness::Live && scenario.cached_people == 0 {
                return Some("P5: something remembered where nothing is".to_owned());
            }
        }
    }
    None
}

fn expected(dataset: &Dataset, id_number: &str) -> Vec<Fact> {
    truth(dataset, id_number).map_or_else(Vec::new, |facts| Fact::decode(dataset.fact, &facts.to_string()).unwrap())
}

/// P2 and P9: a gap has a reason that befell this very department.
fn wrong_gap(
    scenario: &Scenario,
    ended: &Ended,
    department: &DepartmentPlan,
    of: &Department,
    reason: GapReason,
) -> Option<String> {
    if let Some(withheld) = department.gap {
        return (reason != withheld).then(|| format!("P2: {reason} where it is {withheld}"));
    }
    if !of.is_connected {
        return (reason != GapReason::NotConnected).then(|| format!("P2: {reason} where there is no adapter"));
    }
    if of.is_sound {
        let is_hurried = scenario.inquiries[ended.inquiry].patience < ENOUGH;
        let is_right = is_hurried && reason == GapReason::Timeout;
        return (!is_right).then(|| format!("P9: {reason} although nothing befell it"));
    }
    let did = |kinds: &[fn(Behaviour) -> bool]| {
        of.behaviours.iter().any(|(_, behaviour)| kinds.iter().any(|kind| kind(*behaviour)))
    };
    let is_right = match reason {
        GapReason::QuotaExceeded => of.terms.per_second.get() == 1 || did(&[|it| it == Behaviour::Status(429)]),
        GapReason::NotAuthorised => did(&[|it| it == Behaviour::Status(403)]),
        GapReason::Malformed => did(&[
            |it| it == Behaviour::Garbage,
            |it| it == Behaviour::Missing,
            |it| it == Behaviour::Twice,
            |it| it == Behaviour::OtherQuestion,
        ]),
        GapReason::Mismatch => did(&[
            |it| it == Behaviour::WrongSubject,
            |it| it == Behaviour::OtherDepartment,
            |it| it == Behaviour::NameMismatch,
            |it| it == Behaviour::OtherQuestion,
        ]),
        // Lost on the way, refused, or left alone by the breaker, for which something must have gone wrong as well.
        GapReason::Unavailable => !of.troubles.is_empty() || did(&[|it| !matches!(it, Behaviour::Well(_))]),
        // Anything may take too long where somebody has little time, places are few or the network is bad.
        GapReason::Timeout => true,
        GapReason::NotConnected => false,
    };
    (!is_right).then(|| format!("P2: {reason} is not what befell it"))
}

/// P6: only what this inquiry's plan has about this household's people.
fn unplanned(scenario: &Scenario, record: &Record, catalogue: &Catalogue, question: &Question) -> Option<String> {
    let query = &question.query;
    let ended = record.ended.iter().find(|ended| format!("i{}", ended.inquiry) == query.request_id)?;
    let asked = &scenario.inquiries[ended.inquiry];
    let department = &scenario.departments[question.department].id;
    let Some(plan) = ended.plan.departments.iter().find(|plan| plan.department == *department) else {
        return Some("a department outside the plan is asked".to_owned());
    };
    if plan.gap.is_some() || !asked.authorisation.covers(department) {
        return Some("a department without authorisation is asked".to_owned());
    }
    if query.purpose != asked.purpose.as_str() || query.authorisation.number != asked.authorisation.number {
        return Some("another purpose or authorisation".to_owned());
    }
    for subject in &query.subjects {
        let about = |planned: &&SubjectPlan| {
            let member = &scenario.households[asked.household].members[planned.member];
            member.reference.as_str() == subject.reference && member.id_number.reveal() == subject.id_number
        };
        let Some(planned) = plan.subjects.iter().find(about) else {
            return Some("a person outside the plan".to_owned());
        };
        for id in subject.datasets.as_ref().unwrap_or(&query.datasets) {
            if !planned.datasets.iter().any(|index| catalogue.datasets()[*index].id.as_str() == id) {
                return Some(format!("{id} is not planned for {}", subject.reference));
            }
        }
    }
    None
}

/// No question becomes more requests than it may.
fn attempts(scenario: &Scenario, record: &Record) -> Vec<String> {
    let same = |one: &Query, other: &Query| one.request_id == other.request_id && one.subjects == other.subjects;
    let is_first = |at: &usize| {
        let question = &record.questions[*at];
        let before = &record.questions[..*at];
        !before.iter().any(|it| it.department == question.department && same(&it.query, &question.query))
    };
    let fault = |at: usize| {
        let question = &record.questions[at];
        let of = &scenario.departments[question.department];
        let copies = record.questions.iter().filter(|it| it.department == question.department);
        let copies = copies.filter(|it| same(&it.query, &question.query)).count();
        let closes = |(_, behaviour): &(_, Behaviour)| matches!(behaviour, Behaviour::Close | Behaviour::CloseMidway);
        let closes = of.behaviours.iter().any(closes) || of.troubles.iter().any(|(_, it)| *it == Trouble::Crash);
        let most = if closes { ATTEMPTS.1 } else { ATTEMPTS.0 };
        (copies > most).then(|| format!("attempts: {copies} of {} to {}", question.query.request_id, of.id))
    };
    (0..record.questions.len()).filter(is_first).filter_map(fault).collect()
}

/// An outcome as the trace tells it.
pub(super) fn told(outcome: &DepartmentOutcome) -> String {
    match &outcome.result {
        Err(reason) => format!("{} {reason}", outcome.department),
        Ok(answers) => {
            let of = |member: &MemberAnswers| {
                let facts: usize = member.answers.iter().map(|(answer, _)| answer.facts.len()).sum();
                let kept = member.answers.iter().filter(|(_, freshness)| *freshness != Freshness::Live).count();
                format!("m{}:{facts}/{kept}", member.member + 1)
            };
            let members: Vec<_> = answers.iter().map(of).collect();
            format!("{} {} after {} ms", outcome.department, members.join(" "), outcome.elapsed.as_millis())
        }
    }
}

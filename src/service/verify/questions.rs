//! What a verification asked of each department and spared it, as its entry in the log tells it.

use super::super::answer::DepartmentRow;
use crate::access_log::LoggedQuestions;
use crate::federation::tally::DepartmentTally;

/// The questions by department: those that were asked, in the order in which they were, then those that were spared
/// everything. `attempt` names the one that asked again.
pub(in crate::service) fn logged<'a>(
    rows: &'a [DepartmentRow],
    asked: &'a [DepartmentTally],
    attempt: Option<&'a str>,
) -> Vec<LoggedQuestions<'a>> {
    let was_sent = |tally: &DepartmentTally| tally.questions.iter().any(|question| question.people > 0);
    let of_tally = |tally: &'a DepartmentTally| LoggedQuestions {
        attempt,
        cached: 0,
        department: tally.department.as_str(),
        joined: tally.joined,
        sent: if was_sent(tally) { &tally.questions } else { &[] },
        unneeded: 0,
    };
    let of_row = |row: &'a DepartmentRow| {
        // Nobody was asked, and there is an answer: it was at hand.
        let is_at_hand = matches!(row.status, "answered" | "no_record");
        let (cached, unneeded) = (u32::from(is_at_hand), u32::from(!row.was_asked()));
        let department = row.asked().as_str();
        LoggedQuestions { attempt: None, cached, department, joined: 0, sent: &[], unneeded }
    };
    let is_tallied = |row: &&DepartmentRow| asked.iter().any(|tally| tally.department == *row.asked());
    let spared = rows.iter().filter(|row| !is_tallied(row)).map(of_row);
    let all = asked.iter().map(of_tally).chain(spared);
    all.filter(|told| told.cached + told.joined + told.unneeded > 0 || !told.sent.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dataset::{Catalogue, DepartmentId};
    use crate::domain::outcome::{AskedOnce, GapReason};
    use crate::federation::ask::DepartmentOutcome;

    fn row(department: &str, status: &'static str) -> DepartmentRow {
        let outcome = DepartmentOutcome {
            department: DepartmentId::parse(department).unwrap(),
            region: None,
            result: Err(GapReason::Timeout),
            told: None,
            elapsed: std::time::Duration::ZERO,
        };
        DepartmentRow { status, ..DepartmentRow::of(&outcome, &Catalogue::shipped(), jiff::Timestamp::UNIX_EPOCH) }
    }

    fn tally(department: &str, people: u32, joined: u32) -> DepartmentTally {
        let questions = vec![AskedOnce { people, ..AskedOnce::default() }];
        DepartmentTally { department: DepartmentId::parse(department).unwrap(), questions, joined }
    }

    #[test]
    fn each_department_is_told_what_it_was_asked_or_spared() {
        let rows = [
            row("education", "answered"),
            row("hrss", "answered"),
            row("housing", "not_asked"),
            row("health", "no_record"),
            // Known not to be asked: neither asked nor spared.
            row("emergency", "not_authorised"),
            // Made ready, and not sent, because it is left alone.
            row("medical_insurance", "unavailable"),
        ];
        let asked = [tally("hrss", 3, 0), tally("education", 0, 1), tally("medical_insurance", 0, 0)];
        let told = serde_json::to_value(logged(&rows, &asked, None)).unwrap();
        assert_eq!(
            told,
            serde_json::json!([
                { "department": "hrss", "sent": [{ "people": 3 }] },
                { "department": "education", "joined": 1 },
                { "department": "housing", "unneeded": 1 },
                { "cached": 1, "department": "health" },
            ])
        );
        // Broken off: what was sent is told all the same.
        let broken_off = serde_json::to_value(logged(&[], &asked, None)).unwrap();
        assert_eq!(broken_off[0], told[0]);
    }
}

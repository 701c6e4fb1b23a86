//! What was asked of each department for one verification, counted as it is sent: what a department is told of its use.
//!
//! It outlives the asking: a verification that is broken off has asked whom it asked.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::dataset::DepartmentId;
use crate::domain::outcome::{AskedOnce, GapReason};

/// The questions of one verification. Copies count together.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    counted: Arc<Mutex<Vec<DepartmentTally>>>,
    attempt: Option<Arc<str>>,
}

/// What one department was asked, and what it was spared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepartmentTally {
    /// The department.
    pub department: DepartmentId,
    /// The questions by their number, which is part of their ids; one that was not sent in the end says nothing.
    pub questions: Vec<AskedOnce>,
    /// Questions that somebody else was asking just then.
    pub joined: u32,
}

impl Tally {
    /// The questions that are asked when a verification is asked about again; the attempt has a name that no other has.
    pub fn of_attempt(attempt: &str) -> Self {
        Self { counted: Arc::default(), attempt: Some(attempt.into()) }
    }

    /// What an adapter is told of a question, and the hub's account says of it: unique to it.
    pub(super) fn question_id(&self, verification: &str, adapter: &str, number: usize) -> String {
        question_id(verification, adapter, self.attempt.as_deref(), number)
    }

    fn with<T>(&self, department: &DepartmentId, change: impl FnOnce(&mut DepartmentTally) -> T) -> T {
        let mut tallies = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = tallies.iter_mut().find(|tally| tally.department == *department) {
            return change(tally);
        }
        let mut tally = DepartmentTally { department: department.clone(), questions: Vec::new(), joined: 0 };
        let result = change(&mut tally);
        tallies.push(tally);
        result
    }

    /// The number of the next question to a department.
    pub(super) fn next(&self, department: &DepartmentId) -> usize {
        self.with(department, |tally| {
            tally.questions.push(AskedOnce::default());
            tally.questions.len() - 1
        })
    }

    /// A question went out to a department, for the first time or again.
    pub(super) fn sent(&self, department: &DepartmentId, number: usize, people: usize) {
        self.with(department, |tally| {
            let Some(asked) = tally.questions.get_mut(number) else { return };
            if asked.people == 0 {
                // Until an answer is there, there is none: who is broken off here has not been answered.
                asked.outcome = Some(GapReason::Timeout);
                asked.people = u32::try_from(people).unwrap_or(u32::MAX);
            } else {
                asked.again += 1;
            }
        });
    }

    /// What came of a question that went out.
    pub(super) fn ended(&self, department: &DepartmentId, number: usize, outcome: Option<GapReason>) {
        self.with(department, |tally| {
            if let Some(asked) = tally.questions.get_mut(number).filter(|asked| asked.people > 0) {
                asked.outcome = outcome;
            }
        });
    }

    /// Somebody else was asking the same just then.
    pub(super) fn joined(&self, department: &DepartmentId) {
        self.with(department, |tally| tally.joined += 1);
    }

    /// What was counted so far.
    pub fn counted(&self) -> Vec<DepartmentTally> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The id of a question of a verification to an adapter; of one that was asked again, with the attempt's name.
pub fn question_id(verification: &str, adapter: &str, attempt: Option<&str>, number: usize) -> String {
    match attempt {
        None => format!("{verification}.{adapter}.{number}"),
        Some(attempt) => format!("{verification}.{adapter}.{attempt}.{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_counted_and_what_was_not_says_nothing() {
        let (tally, hrss) = (Tally::default(), DepartmentId::parse("hrss").unwrap());
        let numbers: Vec<usize> = (0..3).map(|_| tally.next(&hrss)).collect();
        assert_eq!(numbers, [0, 1, 2]);
        tally.sent(&hrss, 0, 3);
        tally.sent(&hrss, 0, 3);
        tally.ended(&hrss, 0, None);
        // Never sent: the breaker was open.
        tally.ended(&hrss, 1, Some(GapReason::Unavailable));
        // Broken off while it was under way.
        tally.sent(&hrss, 2, 1);
        tally.joined(&hrss);
        let counted = tally.counted();
        let [told] = &counted[..] else { panic!("{counted:?}") };
        assert_eq!(told.joined, 1);
        assert_eq!(
            told.questions,
            [
                AskedOnce { again: 1, outcome: None, people: 3 },
                AskedOnce::default(),
                AskedOnce { again: 0, outcome: Some(GapReason::Timeout), people: 1 },
            ]
        );
    }
}

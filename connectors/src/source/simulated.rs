//! A source whose answers come late or not at all, as they are told to: for rehearsals and for conformance.
//!
//! Failures are spread evenly and are the same in every run, so that what is seen once can be seen again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Found, Question, Rung, Source, SourceError, Trouble};
use crate::error::Text;

/// What goes wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disturbance {
    /// How long each answer takes, beside its own time.
    pub latency: Duration,
    /// How many of a hundred questions are not answered.
    pub error_percent: u8,
    /// When an answer is given up; `None` waits.
    pub timeout: Option<Duration>,
}

/// A source with a disturbance.
#[derive(Debug)]
pub(crate) struct Simulated {
    inner: Source,
    disturbance: Disturbance,
    asked: AtomicU64,
}

impl Simulated {
    pub(crate) const fn new(inner: Source, disturbance: Disturbance) -> Self {
        Self { inner, disturbance, asked: AtomicU64::new(0) }
    }

    pub(super) const fn inner(&self) -> &Source {
        &self.inner
    }

    /// What is found for a dataset, late, or an error.
    pub(super) async fn fetch(&self, dataset: &str, question: &Question<'_>) -> Result<Found, SourceError> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        match self.disturbance.timeout.filter(|timeout| *timeout <= self.disturbance.latency) {
            Some(timeout) => {
                tokio::time::sleep(timeout).await;
                return Err(SourceError::Timeout(timeout));
            }
            None => tokio::time::sleep(self.disturbance.latency).await,
        }
        if self.disturbance.fails(number) {
            return Err(SourceError::Unavailable(Box::new(failure())));
        }
        Box::pin(self.inner.fetch(dataset, question)).await
    }
}

impl Disturbance {
    /// Whether the question of this number fails, so that of every hundred in a row as many do as was said.
    pub(crate) fn fails(self, number: u64) -> bool {
        let percent = u64::from(self.error_percent);
        let place = number % 100;
        (place + 1) * percent / 100 > place * percent / 100
    }
}

fn failure() -> Trouble {
    Trouble {
        code: "simulated_failure",
        rung: Rung::Answer,
        what: Text::new("模拟的故障", "a simulated failure"),
        mend: Text::new("不带 --error 运行", "run it without --error"),
        command: None,
        details: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_every_hundred_questions_as_many_fail_as_was_said() {
        for error_percent in [0, 1, 5, 33, 50, 99, 100] {
            let disturbance = Disturbance { error_percent, ..Disturbance::default() };
            for first in [0, 17, 350] {
                let failed = (first..first + 100).filter(|number| disturbance.fails(*number)).count();
                assert_eq!(failed, usize::from(error_percent), "{error_percent}% from {first}");
            }
        }
    }
}

//! The breaker of one department: who does not answer is left alone for a while, then asked by one question.
//!
//! Three states: closed (asked as usual), open (not asked until a pause is over), half open (one question, the probe,
//! is on its way; what becomes of it decides). Time is handed in.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row open the breaker.
const IN_A_ROW: u32 = 7;
/// So many questions at least, of which half failed, open it too.
const AT_LEAST: u32 = 20;
/// The time over which that half is counted, in buckets of a second.
const SECONDS: usize = 10;
/// The first pause. Between two probes there is at least this.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause: a department that is back is found again within it (`docs/decisions/0051`).
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A department's breaker.
pub(super) struct Breaker(Mutex<Circuit>);

/// Leave to send one question. Dropped without [`Pass::report`], it says nothing of the department.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    period: u64,
    is_probe: bool,
    is_reported: bool,
}

/// What a report did to the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is as it was.
    None,
    /// The department is not asked from now on.
    Opened,
    /// The department is asked again.
    Closed,
}

struct Circuit {
    /// Counts changes of state: a report of a question sent before the last change decides nothing.
    period: u64,
    state: State,
}

enum State {
    Closed { in_a_row: u32, window: Window },
    Open { until: Instant, pause: Duration },
    HalfOpen { pause: Duration },
}

/// How many questions went well and how many failed, second by second.
struct Window {
    start: Instant,
    second: u64,
    seconds: [(u32, u32); SECONDS],
}

impl Breaker {
    /// A closed breaker.
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(Circuit { period: 0, state: State::closed(now) }))
    }

    /// True while the department is not asked.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        match self.circuit().state {
            State::Closed { .. } => false,
            State::Open { until, .. } => now < until,
            State::HalfOpen { .. } => true,
        }
    }

    /// Leave to ask now; the first one after a pause is the probe. `None` while the department is left alone.
    pub(super) fn admit(&self, now: Instant) -> Option<Pass<'_>> {
        let mut circuit = self.circuit();
        let is_probe = match circuit.state {
            State::Closed { .. } => false,
            State::Open { until, pause } if now >= until => {
                circuit.turn(State::HalfOpen { pause });
                true
            }
            State::Open { .. } | State::HalfOpen { .. } => return None,
        };
        Some(Pass { breaker: self, period: circuit.period, is_probe, is_reported: false })
    }

    fn circuit(&self) -> std::sync::MutexGuard<'_, Circuit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// Tells what became of the question. `lengthen` is added to a pause that begins, so that many hubs do not
    /// probe in step.
    pub(super) fn report(mut self, is_good: bool, now: Instant, lengthen: impl FnOnce(Duration) -> Duration) -> Turn {
        self.is_reported = true;
        let mut circuit = self.breaker.circuit();
        if circuit.period != self.period {
            return Turn::None;
        }
        let pause = match &mut circuit.state {
            State::Closed { in_a_row, window } => {
                window.count(is_good, now);
                *in_a_row = if is_good { 0 } else { in_a_row.saturating_add(1) };
                if !is_good && (*in_a_row >= IN_A_ROW || window.is_half_lost()) {
                    FIRST_PAUSE
                } else {
                    return Turn::None;
                }
            }
            State::HalfOpen { .. } if is_good => {
                circuit.turn(State::closed(now));
                return Turn::Closed;
            }
            State::HalfOpen { pause } => LONGEST_PAUSE.min(pause.saturating_mul(2)),
            State::Open { .. } => return Turn::None,
        };
        circuit.turn(State::Open { until: now + pause + lengthen(pause), pause });
        Turn::Opened
    }
}

impl Drop for Pass<'_> {
    /// A probe that nobody waited for to the end: the next question may be one.
    fn drop(&mut self) {
        if self.is_reported || !self.is_probe {
            return;
        }
        let mut circuit = self.breaker.circuit();
        if let (State::HalfOpen { pause }, true) = (&circuit.state, circuit.period == self.period) {
            let pause = *pause;
            circuit.turn(State::Open { until: Instant::now(), pause });
        }
    }
}

impl Circuit {
    fn turn(&mut self, state: State) {
        self.state = state;
        self.period += 1;
    }
}

impl State {
    fn closed(now: Instant) -> Self {
        Self::Closed { in_a_row: 0, window: Window { start: now, second: 0, seconds: [(0, 0); SECONDS] } }
    }
}

impl Window {
    fn count(&mut self, is_good: bool, now: Instant) {
        let second = now.saturating_duration_since(self.start).as_secs();
        let passed = usize::try_from(second.saturating_sub(self.second)).unwrap_or(SECONDS).min(SECONDS);
        self.seconds.rotate_right(passed);
        self.seconds.iter_mut().take(passed).for_each(|counts| *counts = (0, 0));
        self.second = self.second.max(second);
        if let Some((good, bad)) = self.seconds.first_mut() {
            let count = if is_good { good } else { bad };
            *count = count.saturating_add(1);
        }
    }

    fn is_half_lost(&self) -> bool {
        let (good, bad) = self
            .seconds
            .iter()
            .fold((0_u32, 0_u32), |(good, bad), counts| (good.saturating_add(counts.0), bad.saturating_add(counts.1)));
        good.saturating_add(bad) >= AT_LEAST && bad >= good
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOT_LONGER: fn(Duration) -> Duration = |_| Duration::ZERO;

    fn tell(breaker: &Breaker, is_good: bool, now: Instant) -> Turn {
        breaker.admit(now).unwrap().report(is_good, now, NOT_LONGER)
    }

    fn opened(now: Instant) -> Breaker {
        let breaker = Breaker::new(now);
        for _ in 1..IN_A_ROW {
            assert_eq!(tell(&breaker, false, now), Turn::None);
        }
        assert_eq!(tell(&breaker, false, now), Turn::Opened);
        breaker
    }

    #[test]
    fn seven_failures_in_a_row_open_it_and_one_good_answer_between_does_not() {
        let now = Instant::now();
        let breaker = Breaker::new(now);
        for _ in 0..3 {
            for _ in 1..IN_A_ROW {
                assert_eq!(tell(&breaker, false, now), Turn::None);
            }
            // Fifteen good ones keep the half from being reached.
            for _ in 0..15 {
                assert_eq!(tell(&breaker, true, now), Turn::None);
            }
        }
        assert!(opened(now).admit(now).is_none());
    }

    #[test]
    fn half_of_twenty_in_ten_seconds_open_it_and_old_ones_do_not_count() {
        let start = Instant::now();
        let breaker = Breaker::new(start);
        let alternating =
            |at: Instant, count: u32| (0..count).map(|index| tell(&breaker, index % 2 == 0, at)).collect::<Vec<_>>();
        assert!(alternating(start, 18).iter().all(|turn| *turn == Turn::None));
        let later = start + Duration::from_secs(10);
        assert!(alternating(later, 18).iter().all(|turn| *turn == Turn::None), "the first eighteen are forgotten");
        assert_eq!(alternating(later, 2).last(), Some(&Turn::Opened));
    }

    #[test]
    fn after_the_pause_one_question_is_the_probe_and_decides() {
        let now = Instant::now();
        let breaker = opened(now);
        let after = now + FIRST_PAUSE;
        assert!(breaker.is_open(now) && !breaker.is_open(after));
        let probe = breaker.admit(after).unwrap();
        assert!(breaker.is_open(after) && breaker.admit(after).is_none(), "one probe at a time");
        assert_eq!(probe.report(true, after, NOT_LONGER), Turn::Closed);
        assert!(breaker.admit(after).is_some());
    }

    #[test]
    fn pauses_double_to_the_longest_and_begin_anew_once_it_closed() {
        let mut now = Instant::now();
        let breaker = opened(now);
        for seconds in [1, 2, 4, 8, 10, 10] {
            assert!(breaker.admit(now + Duration::from_millis(seconds * 1000 - 1)).is_none(), "{seconds} s");
            now += Duration::from_secs(seconds);
            assert_eq!(tell(&breaker, false, now), Turn::Opened);
        }
        now += LONGEST_PAUSE;
        assert_eq!(tell(&breaker, true, now), Turn::Closed);
        for _ in 0..IN_A_ROW {
            tell(&breaker, false, now);
        }
        assert!(breaker.admit(now + FIRST_PAUSE).is_some());
    }

    #[test]
    fn a_probe_that_is_given_up_leaves_the_next_question_to_be_one() {
        let now = Instant::now();
        let breaker = opened(now);
        let after = now + FIRST_PAUSE;
        drop(breaker.admit(after).unwrap());
        assert!(breaker.admit(Instant::now().max(after)).is_some());
    }

    #[test]
    fn what_was_sent_before_it_opened_decides_nothing_afterwards() {
        let now = Instant::now();
        let breaker = Breaker::new(now);
        let late = breaker.admit(now).unwrap();
        for _ in 0..IN_A_ROW {
            tell(&breaker, false, now);
        }
        assert_eq!(late.report(true, now, NOT_LONGER), Turn::None);
        assert!(breaker.admit(now).is_none(), "a straggler does not close it");
    }

    proptest! {
        /// Whatever happens when: never two probes at once, never a probe within a second of the last,
        /// and whoever begins to answer again is asked as usual within the longest pause.
        #[test]
        fn it_neither_floods_nor_forgets(steps in proptest::collection::vec((0_u64..3_000, any::<bool>()), 1..200)) {
            let mut now = Instant::now();
            let breaker = Breaker::new(now);
            let mut last_probe: Option<Instant> = None;
            for (millis, is_good) in steps {
                now += Duration::from_millis(millis);
                let Some(pass) = breaker.admit(now) else { continue };
                if pass.is_probe {
                    if let Some(last) = last_probe {
                        assert!(now - last >= FIRST_PAUSE);
                    }
                    last_probe = Some(now);
                    assert!(breaker.admit(now).is_none());
                }
                pass.report(is_good, now, NOT_LONGER);
            }
            now += LONGEST_PAUSE;
            assert!(tell(&breaker, true, now) != Turn::Opened);
            assert!(!breaker.is_open(now));
        }
    }
}

//! Whether the hub has more to do than it can, and who is let in then. Pure: time and what was measured are handed in.
//!
//! After `CoDel`: what tells is not how many are here but how long one has to wait, for the processor, for a place at most
//! departments or for the log. A short wait is no harm; one that stands only makes everybody late. Then no more are let in
//! than can come to their end in the time that departments usually take and a wait that is fine (Little's law), so that
//! everybody inside is answered in time and nothing stands idle. The others are refused at the door, before anything was
//! done for them; of the batch class first, which may take only a part of the room.

use std::time::Duration;

use crate::domain::class::Class;

/// A place at a department, or an answer of the log, is worth waiting so many times longer for than the processor: it is
/// waited for once or twice in a verification, and the processor at each step.
const PLACES: u32 = 30;
/// So many are never too many: with fewer inside nobody knows what the hub could do.
const FEW: usize = 200;
/// What is fine, and the whole of anything, in thousandths.
const WHOLE: u64 = 1_000;
/// How many intervals back the count of those who came to their end is remembered, roughly: many who were let in together
/// come to their end together, and what that says of what the hub can do is much too much. And how much of the most is
/// forgotten in each, in thousandths: a standstill of ten seconds leaves more than a third.
const MEMORY: u64 = 16;
const FORGOTTEN: u64 = 10;
/// It is over when nobody had to be turned away for so many intervals.
const CALM: u32 = 10;
/// How much less is let in for each interval in which one waits too long all the same, how little at least, and how quickly
/// that is forgotten.
const LESS: u64 = 950;
const LEAST: u64 = 250;
const MORE: u64 = 1_020;
/// What may be under way of the batch class, of all that may, in hundredths.
const BATCH_SHARE: usize = 80;

/// How hard the hub is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pressure {
    /// How long one may wait for the processor without anything being wrong.
    target: Duration,
    shortest: Option<Duration>,
    /// Who came to their end in an interval, lately and at most, in thousandths.
    ended: u64,
    most_ended: u64,
    /// How much of the wait that is fine there is room for, in thousandths.
    room: u64,
    /// How many are inside at most; none while everybody is let in.
    limit: Option<usize>,
    /// For how many intervals nobody had to be turned away.
    calm: u32,
}

/// What was seen in an interval.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// How long it was.
    pub interval: Duration,
    /// How many were turned away because of the pressure.
    pub refused: u32,
    /// How many came to their end in it, whatever it was.
    pub ended: u32,
    /// How long somebody who came now would wait for a place at most departments.
    pub queue: Duration,
    /// How full the queue to the log is, in thousandths.
    pub to_log: u32,
    /// How long the slowest department takes for half of its questions.
    pub half: Duration,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overload {
    /// Everybody inside has to wait already.
    Pressed,
    /// As many verifications are under way as may be of this class.
    UnderWay,
}

impl Pressure {
    /// None. One may wait for the processor for `target` without anything being wrong.
    pub const fn new(target: Duration) -> Self {
        Self { target, shortest: None, ended: 0, most_ended: 0, room: WHOLE, limit: None, calm: 0 }
    }

    /// Takes in how long somebody who could run had to wait.
    pub fn waited(&mut self, wait: Duration) {
        self.shortest = Some(self.shortest.map_or(wait, |shortest| shortest.min(wait)));
    }

    /// Ends an interval.
    pub fn turn(&mut self, seen: Seen) {
        let Some(shortest) = self.shortest.take() else { return };
        self.ended = (self.ended * (MEMORY - 1) + u64::from(seen.ended) * WHOLE) / MEMORY;
        self.most_ended = self.ended.max(self.most_ended * (WHOLE - FORGOTTEN) / WHOLE);
        let wait = shortest.max(seen.queue / PLACES).as_micros() * u128::from(WHOLE) / self.target.as_micros().max(1);
        let wait = u64::try_from(wait).unwrap_or(u64::MAX).max(u64::from(seen.to_log) * 2);
        self.room = if wait > WHOLE && self.limit.is_some() {
            (self.room * LESS / WHOLE).max(LEAST)
        } else {
            (self.room * MORE / WHOLE).min(WHOLE)
        };
        let fine = u64::try_from((self.target * PLACES).as_micros()).unwrap_or(u64::MAX) / WHOLE * self.room;
        let time = u64::try_from(seen.half.as_micros()).unwrap_or(u64::MAX).saturating_add(fine);
        let interval = u64::try_from(seen.interval.as_micros()).unwrap_or(u64::MAX).max(1);
        let can = u128::from(self.most_ended) * u128::from(time) / u128::from(interval) / u128::from(WHOLE);
        let limit = usize::try_from(can).unwrap_or(usize::MAX).max(FEW);
        self.calm = if wait > WHOLE || seen.refused > 0 { 0 } else { self.calm.saturating_add(1) };
        self.limit = (wait > WHOLE || self.limit.is_some() && self.calm < CALM).then_some(limit);
    }

    /// How many may be inside at the same time; none while everybody is let in.
    pub const fn limit(&self) -> Option<usize> {
        self.limit
    }
}

/// Whether one more verification of a class may be under way when so many are, of `most`.
pub const fn has_room(class: Class, under_way: usize, most: usize) -> bool {
    match class {
        Class::Single => under_way < most,
        Class::Batch | Class::Background => under_way < most / 100 * BATCH_SHARE + most % 100 * BATCH_SHARE / 100,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    const TARGET: Duration = Duration::from_millis(25);
    const INTERVAL: Duration = Duration::from_millis(100);
    const STEPS: usize = 4;

    /// What one step costs, and refusing: a twentieth of a verification.
    const STEP: usize = 20;
    const REFUSAL: usize = STEPS;

    /// A hub that does so many verifications in an interval, each in steps of the same cost, whose queues are served in turn:
    /// who came first is not done first, everybody's next step waits behind everybody else's.
    struct Model {
        pressure: Pressure,
        capacity: usize,
        /// When those came who wait for each step.
        queues: [VecDeque<usize>; STEPS],
        now: usize,
        refused: usize,
        /// How many intervals it took at most.
        longest: usize,
    }

    impl Model {
        fn new(capacity: usize) -> Self {
            let queues = Default::default();
            Self { pressure: Pressure::new(TARGET), capacity, queues, now: 0, refused: 0, longest: 0 }
        }

        fn inside(&self) -> usize {
            self.queues.iter().map(VecDeque::len).sum()
        }

        /// How many are done within two seconds each, in so many intervals in each of which so many ask.
        fn run(&mut self, intervals: usize, asking: usize) -> usize {
            (0..intervals).map(|_| self.turn(asking)).sum()
        }

        fn turn(&mut self, asking: usize) -> usize {
            let (before, mut let_in, mut done) = (self.inside(), 0, 0);
            for _ in 0..asking {
                let most = self.pressure.limit().unwrap_or(usize::MAX);
                if has_room(Class::Single, self.inside(), most) {
                    self.queues[0].push_back(self.now);
                    let_in += 1;
                }
            }
            let refused = asking - let_in;
            self.refused += refused;
            let mut work = (self.capacity * STEPS * STEP).saturating_sub(refused * REFUSAL);
            while work >= STEP && self.inside() > 0 {
                for step in (0..STEPS).rev() {
                    // As much of each as waits there, in turn.
                    for _ in 0..self.queues[step].len().min(64) {
                        if work < STEP {
                            break;
                        }
                        work -= STEP;
                        let Some(came) = self.queues[step].pop_front() else { break };
                        if let Some(next) = self.queues.get_mut(step + 1) {
                            next.push_back(came);
                        } else {
                            self.longest = self.longest.max(self.now - came);
                            done += usize::from(self.now - came <= 20);
                        }
                    }
                }
            }
            self.now += 1;
            let count = |number: usize| u32::try_from(number).unwrap();
            let longest = self.queues.iter().map(VecDeque::len).max().unwrap_or_default();
            let queue = INTERVAL * count(longest) / count(self.capacity.max(1));
            let (refused, ended) = (count(refused), count(before + let_in - self.inside()));
            turned(&mut self.pressure, TARGET / 10, Seen { refused, ended, queue, ..Seen::default() });
            done
        }
    }

    fn turned(pressure: &mut Pressure, wait: Duration, seen: Seen) {
        pressure.waited(wait);
        pressure.turn(Seen { interval: INTERVAL, ..seen });
    }

    #[test]
    fn a_short_peak_refuses_nobody() {
        let mut pressure = Pressure::new(TARGET);
        pressure.waited(Duration::from_millis(400));
        turned(&mut pressure, Duration::from_millis(2), Seen { ended: 10, queue: TARGET * 20, ..Seen::default() });
        assert_eq!(pressure.limit(), None, "the queue did not stand");
    }

    #[test]
    fn three_times_overload_gets_as_much_done_as_can_be_and_nobody_waits_long() {
        for capacity in [100, 150, 2_000] {
            let mut hub = Model::new(capacity);
            hub.run(50, capacity * 9 / 10);
            assert_eq!(hub.refused, 0, "what it can do is let in");
            hub.run(20, capacity * 3);
            hub.refused = 0;
            let done = hub.run(200, capacity * 3);
            // What remains of the capacity beside refusing two of three.
            let possible = 200 * capacity - hub.refused / 20;
            assert!(done * 100 > possible * 95, "{done} of {possible}");
            assert!(hub.longest <= 30, "{}", hub.longest);
            hub.longest = 0;
            hub.run(100, capacity * 3);
            assert!(hub.longest <= 15, "{}", hub.longest);
            hub.run(20, capacity * 7 / 10);
            hub.refused = 0;
            hub.run(50, capacity * 7 / 10);
            assert_eq!((hub.refused, hub.pressure.limit()), (0, None), "it is over soon after it is");
        }
    }

    #[test]
    fn who_begins_in_overload_is_in_step_within_seconds() {
        let mut hub = Model::new(150);
        hub.run(80, 450);
        assert!(hub.run(100, 450) > 15_000 * 85 / 100);
    }

    #[test]
    fn after_a_standstill_as_much_is_done_as_before_within_seconds() {
        let mut hub = Model::new(150);
        hub.run(50, 450);
        hub.capacity = 0;
        hub.run(100, 450);
        hub.capacity = 150;
        hub.run(30, 450);
        assert!(hub.run(100, 450) > 15_000 * 85 / 100);
    }

    #[test]
    fn slow_departments_are_no_overload() {
        let mut pressure = Pressure::new(TARGET);
        let half = Duration::from_secs(5);
        for _ in 0..50 {
            turned(&mut pressure, TARGET / 2, Seen { ended: 60, half, ..Seen::default() });
        }
        assert_eq!(pressure.limit(), None);
        turned(&mut pressure, TARGET * 2, Seen { ended: 60, half, ..Seen::default() });
        let limit = pressure.limit().unwrap();
        assert!((3_000..3_600).contains(&limit), "600 a second who take five and three quarters: {limit}");
    }

    #[test]
    fn processor_places_and_log_all_tell() {
        for (wait, queue, to_log) in
            [(TARGET * 2, Duration::ZERO, 0), (Duration::ZERO, TARGET * 31, 0), (Duration::ZERO, Duration::ZERO, 501)]
        {
            let mut pressure = Pressure::new(TARGET);
            turned(&mut pressure, wait, Seen { queue, to_log, ..Seen::default() });
            assert_eq!(pressure.limit(), Some(FEW), "nobody has come to their end yet");
        }
    }

    #[test]
    fn a_batch_leaves_a_fifth_of_the_room_to_single_households() {
        assert!(has_room(Class::Batch, 79, 100) && !has_room(Class::Batch, 80, 100));
        assert!(has_room(Class::Single, 99, 100) && !has_room(Class::Single, 100, 100));
        assert!(!has_room(Class::Batch, 3, 4) && has_room(Class::Batch, 2, 4));
    }

    proptest! {
        #[test]
        fn somebody_always_gets_through(
            seen in proptest::collection::vec(
                (0_u64..200, 0_u32..20_000, 0_u32..5_000, 0_u64..20_000, 0_u32..=1_000, 0_u64..20_000), 0..300
            )
        ) {
            let mut pressure = Pressure::new(TARGET);
            for (wait, refused, ended, queue, to_log, half) in seen {
                let (queue, half) = (Duration::from_millis(queue), Duration::from_millis(half));
                turned(&mut pressure, Duration::from_millis(wait), Seen { refused, ended, queue, to_log, half, ..Seen::default() });
                prop_assert!(pressure.limit().is_none_or(|limit| limit >= FEW));
            }
        }
    }
}

//! Whether the hub has more to do than it can, and who is let in then. Pure: time and what was measured are handed in.
//!
//! After `CoDel`: what tells is not how many are here but how long whoever could run had to wait. A wait that never falls
//! below the target for a whole interval is a standing queue, and a standing queue only makes everybody late. Then a share
//! of the requests is refused at the door, before anything was done for them: of the batch class first, and of single
//! households only once no batch is let in. The share grows while the queue stands and shrinks once it is gone.

use std::time::Duration;

use crate::domain::class::Class;

/// A wait of so many times the target is a hub that hardly moves: the share grows faster.
const FAR: u32 = 4;
/// How much of one class more is refused after an interval in which the queue stood, in thousandths.
const MORE: u32 = 80;
/// How much less after one in which it did not.
const LESS: u32 = 40;
/// All of one class.
const ALL: u32 = 1_000;
/// At most so much of the second class is refused: whoever gets through shows when it is over.
const MOST: u32 = ALL + 900;
/// What may be under way of the batch class, of all that may, in hundredths.
const BATCH_SHARE: usize = 80;

/// How hard the hub is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pressure {
    /// How long one may wait without anything being wrong.
    target: Duration,
    /// Thousandths of requests refused: the first thousand of the batch class, what is above of single households.
    level: u32,
    shortest: Option<Duration>,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overload {
    /// Whoever could run has to wait.
    Processor,
    /// As many verifications are under way as may be of this class.
    UnderWay,
}

impl Pressure {
    /// None. One may wait for `target` without anything being wrong.
    pub const fn new(target: Duration) -> Self {
        Self { target, level: 0, shortest: None }
    }

    /// Takes in how long somebody who could run had to wait.
    pub fn waited(&mut self, wait: Duration) {
        self.shortest = Some(self.shortest.map_or(wait, |shortest| shortest.min(wait)));
    }

    /// Ends an interval, in which batches asked or did not. Refusing what nobody asks helps nobody: then single
    /// households are next at once.
    pub fn turn(&mut self, has_batches: bool) {
        let Some(shortest) = self.shortest.take() else { return };
        if shortest > self.target {
            let steps = if shortest > self.target * FAR { 2 } else { 1 };
            self.level = if self.level < ALL && !has_batches { ALL } else { self.level + steps * MORE }.min(MOST);
        } else if self.level <= ALL && !has_batches {
            self.level = 0;
        } else {
            self.level = self.level.saturating_sub(LESS);
        }
    }

    /// How much of a class is refused, in thousandths.
    pub fn refused(&self, class: Class) -> u32 {
        match class {
            Class::Single => self.level.saturating_sub(ALL),
            Class::Batch | Class::Background => self.level.min(ALL),
        }
    }

    /// Whether nobody is refused.
    pub const fn is_none(&self) -> bool {
        self.level == 0
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
    use proptest::prelude::*;

    use super::*;

    const NONE: Pressure = Pressure::new(Duration::from_millis(15));

    fn after(intervals: usize, wait: Duration, mut pressure: Pressure) -> Pressure {
        for _ in 0..intervals {
            pressure.waited(wait);
            pressure.waited(wait * 3);
            pressure.turn(true);
        }
        pressure
    }

    #[test]
    fn a_short_peak_refuses_nobody() {
        let mut pressure = NONE;
        pressure.waited(Duration::from_millis(400));
        pressure.waited(Duration::from_millis(2));
        pressure.turn(false);
        assert!(pressure.is_none(), "the queue did not stand");
    }

    #[test]
    fn batches_are_refused_before_single_households_and_let_in_after_them() {
        let busy = Duration::from_millis(30);
        let some = after(6, busy, NONE);
        assert!(some.refused(Class::Batch) > 0 && some.refused(Class::Single) == 0);
        let all = after(100, busy, some);
        assert_eq!(all.refused(Class::Batch), ALL);
        assert!((1..ALL).contains(&all.refused(Class::Single)), "somebody always gets through");
        let better = after(30, Duration::from_millis(1), all);
        assert!(better.refused(Class::Single) == 0 && better.refused(Class::Batch) > 0);
    }

    #[test]
    fn whatever_it_was_it_is_over_five_seconds_after_the_queue_is_gone() {
        let worst = after(1_000, Duration::from_secs(1), NONE);
        assert!(after(50, Duration::from_millis(1), worst).is_none(), "intervals of a tenth of a second");
    }

    #[test]
    fn a_batch_leaves_a_fifth_of_the_room_to_single_households() {
        assert!(has_room(Class::Batch, 79, 100) && !has_room(Class::Batch, 80, 100));
        assert!(has_room(Class::Single, 99, 100) && !has_room(Class::Single, 100, 100));
        assert!(!has_room(Class::Batch, 3, 4) && has_room(Class::Batch, 2, 4));
    }

    proptest! {
        #[test]
        fn never_more_of_single_households_than_of_batches(waits in proptest::collection::vec(0_u64..200, 0..300)) {
            let mut pressure = NONE;
            for wait in waits {
                pressure.waited(Duration::from_millis(wait));
                pressure.turn(wait % 2 == 0);
                prop_assert!(pressure.refused(Class::Single) <= pressure.refused(Class::Batch));
                prop_assert!(pressure.refused(Class::Single) < ALL);
            }
        }
    }
}

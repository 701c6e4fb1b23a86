//! How refusals are counted once somebody is refused too often: the first of a window stand in the access log one by one,
//! the others as a number. Pure: the log itself is `service/refusals.rs`.
//!
//! INVARIANT: no refusal is counted that was not made room for, and room is made only by an entry that is durable. So each
//! refusal is accounted for before it is told (promise P1), and what a crash can take is no more than the exact number.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::peer::Peer;

/// For how many refusals the first entry of a tally makes room.
const FIRST_ROOM: u64 = 1_000;
/// By how much more each further one does, so that their number grows with the logarithm of the refusals.
const GROWTH: u64 = 10;

/// Who is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Who {
    /// Somebody who did not prove who they are.
    Peer(Peer),
    /// A client that asked for more than its rate allows.
    Client(Arc<str>),
    /// Everybody whose own entries would be too many in this window.
    Others,
}

/// How many refusals stand in the log one by one.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Of one peer, or of one client past its rate, in a window.
    pub each: u32,
    /// Of all together in a window. It also bounds the table: no peer is in it without an entry of its own.
    pub all: u32,
    /// How long a window is.
    pub window: Duration,
}

/// What is to be done before a refusal is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It gets an entry of its own.
    Singly,
    /// It was counted; room for it is durable.
    Counted,
    /// An entry must make room for `room` refusals of `who` first; then [`Table::make_room`], then count again.
    MakeRoom {
        /// Who is refused.
        who: Who,
        /// For how many.
        room: u64,
    },
}

/// Refusals of somebody in one window that have no entries of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The event that made room first.
    pub opened: String,
    /// For how many there is room.
    pub room: u64,
    /// How many there were.
    pub count: u64,
    /// When the first and the last was; none when there was none.
    pub times: Option<(Timestamp, Timestamp)>,
    /// How many of each problem.
    pub problems: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
struct Slot {
    singly: u32,
    tally: Option<Tally>,
}

/// The refusals of the window that is open, and tallies of former ones that have no closing entry yet.
pub struct Table {
    allowance: Allowance,
    begun_at: Option<Timestamp>,
    singly: u32,
    slots: HashMap<Who, Slot>,
    ended: Vec<(Who, Tally)>,
}

impl Table {
    /// An empty table.
    pub fn new(allowance: Allowance) -> Self {
        Self { allowance, begun_at: None, singly: 0, slots: HashMap::new(), ended: Vec::new() }
    }

    /// Counts a refusal, or says what must be durable before it can be.
    pub fn count(&mut self, who: &Who, problem: &'static str, now: Timestamp) -> Step {
        self.turn(now);
        self.begun_at.get_or_insert(now);
        let is_all_used = self.singly >= self.allowance.all;
        let stands_alone = |slot: &Slot| slot.tally.is_some() || slot.singly >= self.allowance.each;
        // A client is told by name in any case: it proved who it is, and there are not many.
        let is_own = matches!(who, Who::Client(_)) || self.slots.get(who).is_some_and(stands_alone);
        let who = if is_all_used && !is_own { &Who::Others } else { who };
        let slot = self.slots.entry(who.clone()).or_default();
        if let Some(tally) = &mut slot.tally {
            if tally.count < tally.room {
                tally.count += 1;
                tally.times = Some((tally.times.map_or(now, |(first, _)| first), now));
                *tally.problems.entry(problem).or_default() += 1;
                return Step::Counted;
            }
            return Step::MakeRoom { who: who.clone(), room: tally.room.saturating_mul(GROWTH - 1) };
        }
        if is_all_used || slot.singly >= self.allowance.each {
            return Step::MakeRoom { who: who.clone(), room: FIRST_ROOM };
        }
        slot.singly += 1;
        self.singly += 1;
        Step::Singly
    }

    /// Takes note that the event `id`, which is durable, makes room for further refusals.
    pub fn make_room(&mut self, who: Who, id: String, room: u64) {
        let fresh = || Tally { opened: id, room: 0, count: 0, times: None, problems: BTreeMap::new() };
        let tally = self.slots.entry(who).or_default().tally.get_or_insert_with(fresh);
        tally.room = tally.room.saturating_add(room);
    }

    /// The tallies that need a closing entry: those of windows that are over, or all when `all` is said.
    pub fn take_ended(&mut self, now: Timestamp, all: bool) -> Vec<(Who, Tally)> {
        if all {
            self.end();
        } else {
            self.turn(now);
        }
        std::mem::take(&mut self.ended)
    }

    /// Gives tallies back whose closing entries could not be made durable.
    pub fn give_back(&mut self, tallies: Vec<(Who, Tally)>) {
        self.ended.extend(tallies);
    }

    /// Seconds until the window is over.
    pub fn seconds_left(&self, now: Timestamp) -> u64 {
        let gone = self.begun_at.map_or(0, |begun_at| now.duration_since(begun_at).abs().as_secs().unsigned_abs());
        self.allowance.window.as_secs().saturating_sub(gone).max(1)
    }

    /// Ends the window when its time is up, by a clock that may also have been set back.
    fn turn(&mut self, now: Timestamp) {
        let is_over = |begun_at: Timestamp| now.duration_since(begun_at).abs().unsigned_abs() >= self.allowance.window;
        if self.begun_at.is_some_and(is_over) {
            self.end();
        }
    }

    fn end(&mut self) {
        (self.begun_at, self.singly) = (None, 0);
        let tallies = self.slots.drain().filter_map(|(who, slot)| Some((who, slot.tally?)));
        self.ended.extend(tallies);
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const ALLOWANCE: Allowance = Allowance { each: 3, all: 7, window: Duration::from_mins(10) };

    fn peer(number: u8) -> Who {
        Who::Peer(std::net::IpAddr::from([203, 0, 113, number]).into())
    }

    /// Counts as the log does, and says whether an entry of its own was due.
    fn refuse(table: &mut Table, who: &Who, now: Timestamp, made: &mut u64) -> bool {
        loop {
            match table.count(who, "invalid_token", now) {
                Step::Singly => return true,
                Step::Counted => return false,
                Step::MakeRoom { who, room } => {
                    *made += 1;
                    table.make_room(who, format!("ev_{made}"), room);
                }
            }
        }
    }

    #[test]
    fn every_refusal_has_its_entry_or_is_in_a_tally() {
        let (mut table, now, mut made) = (Table::new(ALLOWANCE), Timestamp::UNIX_EPOCH, 0);
        let mut singly = 0;
        for number in 0..50_000_u32 {
            singly += u64::from(refuse(&mut table, &peer((number % 20) as u8), now, &mut made));
        }
        assert_eq!(singly, 7, "as many as all may have together");
        let ended = table.take_ended(now + SignedDuration::from_mins(10), false);
        let counted: u64 = ended.iter().map(|(_, tally)| tally.count).sum();
        assert_eq!(singly + counted, 50_000);
        assert!(ended.iter().all(|(_, tally)| tally.count <= tally.room && tally.times.is_some()));
        assert!(made <= 3 * ended.len() as u64, "{made} entries made room");
        assert!(ended.iter().any(|(who, _)| *who == Who::Others));
        assert!(table.take_ended(now + SignedDuration::from_hours(1), false).is_empty());
    }

    #[test]
    fn a_busy_peer_does_not_use_up_the_entries_of_others() {
        let (mut table, now, mut made) = (Table::new(ALLOWANCE), Timestamp::UNIX_EPOCH, 0);
        let flooded = (0..1_000).filter(|_| refuse(&mut table, &peer(1), now, &mut made)).count();
        assert_eq!(flooded, 3);
        assert!(refuse(&mut table, &peer(2), now, &mut made));
        assert!(refuse(&mut table, &Who::Client("c1".into()), now, &mut made));
    }

    #[test]
    fn a_window_ends_by_a_clock_that_goes_either_way_and_what_was_not_written_stays() {
        for hours in [1, -1] {
            let (mut table, now, mut made) = (Table::new(ALLOWANCE), Timestamp::UNIX_EPOCH, 0);
            for _ in 0..10 {
                refuse(&mut table, &peer(1), now, &mut made);
            }
            assert!(table.take_ended(now, false).is_empty(), "not over yet");
            let later = now + SignedDuration::from_hours(hours);
            assert!(refuse(&mut table, &peer(1), later, &mut made), "a new window begins with entries");
            let ended = table.take_ended(later, false);
            assert_eq!(ended.iter().map(|(_, tally)| tally.count).collect::<Vec<_>>(), [7]);
            table.give_back(ended.clone());
            assert_eq!(table.take_ended(later, true), ended);
        }
    }

    /// However many addresses somebody has, the table holds no more of them than entries were written.
    #[test]
    fn the_table_is_bounded() {
        let (mut table, now, mut made) = (Table::new(ALLOWANCE), Timestamp::UNIX_EPOCH, 0);
        for number in 0..100_000_u128 {
            let address = std::net::Ipv6Addr::from(number << 64);
            refuse(&mut table, &Who::Peer(std::net::IpAddr::from(address).into()), now, &mut made);
        }
        assert!(table.slots.len() <= 8, "{}", table.slots.len());
    }
}

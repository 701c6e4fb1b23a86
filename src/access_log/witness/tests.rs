//! What a witness keeps, through restarts, races, kills and disks that fail.

use std::sync::Barrier;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::domain::clock::TestClock;
use crate::tlog::Hash;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::proof::Plan;
use crate::tlog::tile::TileCoordinate;
use crate::tlog::tree::Tree;
use crate::tlog::witness::AddCheckpoint;

const LOG: &str = "hub.example/log";

fn log_key() -> SignerKey {
    SignerKey::from_seed(LOG, KeyKind::Log, &[1; 32]).unwrap()
}

fn key() -> SignerKey {
    SignerKey::from_seed("witness.example/w1", KeyKind::Witness, &[2; 32]).unwrap()
}

fn open(folder: &Path) -> Result<Witness, WitnessError> {
    let clock = Arc::new(TestClock::new(Timestamp::from_second(1_790_000_000).unwrap()));
    Witness::open(folder, key(), vec![log_key().verifier().clone()], clock)
}

/// A history: its entry at each index. Two of them part where `fork` says.
#[derive(Clone, Copy)]
struct History {
    fork: u64,
}

const TRUTH: History = History { fork: u64::MAX };

impl History {
    fn leaf(self, number: u64) -> Hash {
        let text = if number < self.fork { format!("{number}") } else { format!("lie {number}") };
        Hash::leaf(text.as_bytes())
    }

    fn root(self, size: u64) -> Hash {
        let (mut tree, mut full) = (Tree::new(), Vec::new());
        (0..size).for_each(|number| tree.append(self.leaf(number), &mut full));
        tree.root()
    }

    /// For at most 256 entries.
    fn request(self, old: u64, new: u64) -> Vec<u8> {
        let tile = TileCoordinate { level: 0, index: 0 };
        let tiles = BTreeMap::from([(tile, (0..new).map(|number| self.leaf(number)).collect())]);
        let proof = Plan::consistency(old, new).unwrap().resolve(&tiles).unwrap();
        let checkpoint = Checkpoint::new(LOG, new, self.root(new)).sign(&log_key(), 0).to_string();
        AddCheckpoint { old, proof, checkpoint }.to_string().into_bytes()
    }
}

fn refusal(answer: Result<Signature, Uncosigned>) -> Refusal {
    match answer {
        Err(Uncosigned::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn size(witness: &Witness) -> u64 {
    witness.heads()[0].1.as_ref().map_or(0, |head| head.checkpoint().size)
}

#[test]
fn t2_what_was_cosigned_is_known_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let witness = open(folder.path()).unwrap();
    assert!(witness.heads()[0].1.is_none());
    witness.add_checkpoint(&TRUTH.request(0, 5)).unwrap();
    assert!(matches!(open(folder.path()), Err(WitnessError::Locked(_))), "two witnesses on one state would fork");
    drop(witness);
    let witness = open(folder.path()).unwrap();
    assert_eq!(size(&witness), 5);
    assert_eq!(refusal(witness.add_checkpoint(&TRUTH.request(0, 9))), Refusal::Conflict(5));
    assert_eq!(refusal(witness.add_checkpoint(&TRUTH.request(4, 9))), Refusal::Conflict(5));
    let line = witness.add_checkpoint(&TRUTH.request(5, 9)).unwrap();
    let signed = SignedCheckpoint::open(
        Checkpoint::new(LOG, 9, TRUTH.root(9)).sign(&log_key(), 0).to_string().as_bytes(),
        log_key().verifier(),
    );
    let cosigned = signed.unwrap().with(line);
    let keys = [key().verifier().clone()];
    assert_eq!(cosigned.witnesses(&keys).unwrap()[0].time, Some(1_790_000_000));
}

#[test]
fn a10_a_fork_is_refused_and_kept_as_evidence() {
    let folder = TempDir::new().unwrap();
    let witness = open(folder.path()).unwrap();
    witness.add_checkpoint(&TRUTH.request(0, 9)).unwrap();
    let lie = History { fork: 7 };
    assert_eq!(refusal(witness.add_checkpoint(&lie.request(9, 9))), Refusal::Forked(9));
    assert_eq!(refusal(witness.add_checkpoint(&lie.request(9, 12))), Refusal::Inconsistent);
    assert_eq!(refusal(witness.add_checkpoint(&lie.request(9, 12))), Refusal::Inconsistent);
    let kept = std::fs::read_dir(folder.path()).unwrap().flatten().map(|file| file.path());
    let kept: Vec<Vec<u8>> = kept
        .filter(|file| file.extension().is_some_and(|kind| kind == "refused"))
        .map(|file| std::fs::read(file).unwrap())
        .collect();
    assert_eq!(kept.len(), 2, "each once");
    assert!(kept.contains(&lie.request(9, 12)) && kept.contains(&lie.request(9, 9)));
    assert_eq!(size(&witness), 9);
    witness.add_checkpoint(&TRUTH.request(9, 12)).unwrap();
}

/// The race of the specification: a shorter head must never take the place of a longer one, and of two
/// histories only one may be cosigned.
#[test]
fn t2_of_requests_at_the_same_time_only_what_fits_together_is_cosigned() {
    for round in 0..20_u64 {
        let folder = TempDir::new().unwrap();
        let witness = open(folder.path()).unwrap();
        witness.add_checkpoint(&TRUTH.request(0, 20)).unwrap();
        let heads: Vec<(History, u64)> = (0..16)
            .map(|number| {
                (History { fork: if number % 2 == 0 { u64::MAX } else { 20 } }, 21 + (number * 7 + round) % 30)
            })
            .collect();
        let start = Barrier::new(heads.len());
        let answers: Vec<Result<Signature, Uncosigned>> = std::thread::scope(|scope| {
            let ask = |&(history, new): &(History, u64)| {
                let (witness, start) = (&witness, &start);
                scope.spawn(move || {
                    let request = history.request(20, new);
                    start.wait();
                    witness.add_checkpoint(&request)
                })
            };
            let asked: Vec<_> = heads.iter().map(ask).collect();
            asked.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let cosigned: Vec<u64> =
            heads.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()).map(|((_, new), _)| *new).collect();
        assert_eq!(cosigned.len(), 1, "all of them went on from 20, so the second one comes too late");
        assert_eq!(size(&witness), cosigned[0]);
        for answer in answers.into_iter().filter(Result::is_err) {
            assert_eq!(refusal(answer), Refusal::Conflict(cosigned[0]));
        }
        drop(witness);
        assert_eq!(size(&open(folder.path()).unwrap()), cosigned[0], "what was cosigned is what was kept");
    }
}

#[test]
fn a_head_that_cannot_be_kept_is_not_cosigned() {
    let folder = TempDir::new().unwrap();
    let witness = open(folder.path()).unwrap();
    witness.add_checkpoint(&TRUTH.request(0, 5)).unwrap();
    // A folder stands where the new file is to be written.
    let mut fresh = head_file(folder.path(), LOG).into_os_string();
    fresh.push(".new");
    std::fs::create_dir(&fresh).unwrap();
    assert!(matches!(witness.add_checkpoint(&TRUTH.request(5, 9)), Err(Uncosigned::File { .. })));
    assert_eq!(size(&witness), 5);
    std::fs::remove_dir(&fresh).unwrap();
    witness.add_checkpoint(&TRUTH.request(5, 9)).unwrap();
}

/// A kill between the write of the new file and its renaming leaves a part of it beside the head.
#[test]
fn a_kill_in_between_leaves_the_head_of_before() {
    let folder = TempDir::new().unwrap();
    let witness = open(folder.path()).unwrap();
    witness.add_checkpoint(&TRUTH.request(0, 5)).unwrap();
    drop(witness);
    let mut fresh = head_file(folder.path(), LOG).into_os_string();
    fresh.push(".new");
    std::fs::write(&fresh, "hub.example/log\n9\n").unwrap();
    let witness = open(folder.path()).unwrap();
    assert_eq!(size(&witness), 5);
    witness.add_checkpoint(&TRUTH.request(5, 9)).unwrap();
}

#[test]
fn a_witness_does_not_start_with_a_state_that_it_did_not_keep() {
    let folder = TempDir::new().unwrap();
    let witness = open(folder.path()).unwrap();
    witness.add_checkpoint(&TRUTH.request(0, 5)).unwrap();
    drop(witness);
    let file = head_file(folder.path(), LOG);
    let kept = std::fs::read_to_string(&file).unwrap();
    for altered in [
        String::new(),
        kept.replace("\n5\n", "\n4\n"),
        format!("{}\n", kept.lines().take(5).collect::<Vec<_>>().join("\n")),
        Checkpoint::new("other", 5, TRUTH.root(5))
            .sign(&log_key(), 0)
            .with(cosign(&Checkpoint::new("other", 5, TRUTH.root(5)).sign(&log_key(), 0), &key(), 7))
            .to_string(),
    ] {
        std::fs::write(&file, &altered).unwrap();
        assert!(matches!(open(folder.path()), Err(WitnessError::State { .. })), "{altered}");
    }
    std::fs::write(&file, kept).unwrap();
    open(folder.path()).unwrap();
}

#[test]
fn a_stranger_adds_nothing_to_what_is_kept() {
    let folder = TempDir::new().unwrap();
    let witness = open(folder.path()).unwrap();
    let stranger = SignerKey::from_seed("stranger", KeyKind::Log, &[9; 32]).unwrap();
    let text = String::from_utf8(TRUTH.request(0, 5)).unwrap();
    let line = stranger.sign("anything", 0).to_string();
    let request = format!("{text}{}", format!("{line}\n").repeat(63));
    witness.add_checkpoint(request.as_bytes()).unwrap();
    assert_eq!(witness.heads()[0].1.as_ref().unwrap().note().signatures().len(), 2);
    drop(witness);
    assert_eq!(size(&open(folder.path()).unwrap()), 5);
    let long = format!("{text}{}", format!("{line}\n").repeat(200));
    assert_eq!(refusal(open(folder.path()).unwrap().add_checkpoint(long.as_bytes())), Refusal::Malformed);
}

#[test]
fn a_witness_needs_a_key_of_its_own_and_the_keys_of_logs() {
    let folder = TempDir::new().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(TestClock::new(Timestamp::UNIX_EPOCH));
    let logs = vec![log_key().verifier().clone()];
    let start = |key, logs| Witness::open(folder.path(), key, logs, Arc::clone(&clock)).err();
    assert!(matches!(start(log_key(), logs.clone()), Some(WitnessError::Key(_))));
    assert!(matches!(start(key(), vec![key().verifier().clone()]), Some(WitnessError::Log(_))));
    assert!(matches!(start(key(), Vec::new()), Some(WitnessError::NoLog)));
    assert!(start(key(), logs).is_none());
}

//! What a witness answers in each situation that the specification names.

use super::*;
use crate::tlog::tree::Tree;

const LOG: &str = "hub.example/log";

fn log() -> SignerKey {
    SignerKey::from_seed(LOG, KeyKind::Log, &[1; 32]).unwrap()
}

fn leaf(number: u64) -> Hash {
    Hash::leaf(&number.to_be_bytes())
}

fn head(size: u64) -> Head {
    let (mut tree, mut full) = (Tree::new(), Vec::new());
    (0..size).for_each(|number| tree.append(leaf(number), &mut full));
    Head { size, root: tree.root() }
}

/// The hashes from `old` to `new`, for trees of at most 256 entries.
fn proof(old: u64, new: u64) -> Vec<Hash> {
    let tile = crate::tlog::tile::TileCoordinate { level: 0, index: 0 };
    let tiles = std::collections::BTreeMap::from([(tile, (0..new).map(leaf).collect())]);
    crate::tlog::proof::Plan::consistency(old, new).unwrap().resolve(&tiles).unwrap()
}

fn request(old: u64, proof: Vec<Hash>, new: Head, signer: &SignerKey, origin: &str) -> Vec<u8> {
    let checkpoint = Checkpoint::new(origin, new.size, new.root).sign(signer, 0).to_string();
    AddCheckpoint { old, proof, checkpoint }.to_string().into_bytes()
}

fn answer(request: &[u8], last: Option<Head>) -> Result<u64, Refusal> {
    let keys = [log().verifier().clone()];
    decide(request, &keys, |origin| last.filter(|_| origin == LOG)).map(|signed| signed.checkpoint().size)
}

#[test]
fn t2_a_witness_answers_as_the_specification_says() {
    let key = log();
    let good = |old, new| request(old, proof(old, new), head(new), &key, LOG);
    assert_eq!(answer(&good(0, 5), None), Ok(5), "the first checkpoint");
    assert_eq!(answer(&good(5, 9), Some(head(5))), Ok(9), "a later one");
    assert_eq!(answer(&good(9, 9), Some(head(9))), Ok(9), "the same again");
    assert_eq!(answer(&good(0, 0), None), Ok(0), "the empty log");
    assert_eq!(answer(&good(5, 9), Some(head(7))), Err(Refusal::Conflict(7)), "another old size");
    assert_eq!(answer(&good(5, 9), None), Err(Refusal::Conflict(0)), "an old size never cosigned");
    assert_eq!(answer(&good(0, 9), Some(head(7))), Err(Refusal::Conflict(7)), "asking for the size");
    assert_eq!(answer(&good(5, 9), Some(head(12))), Err(Refusal::Conflict(12)), "rolled back");
    let fork = Head { size: 9, root: leaf(1) };
    assert_eq!(answer(&request(9, Vec::new(), fork, &key, LOG), Some(head(9))), Err(Refusal::Forked(9)), "a fork");
    assert_eq!(answer(&request(5, proof(5, 9), fork, &key, LOG), Some(head(5))), Err(Refusal::Inconsistent), "a fork");
    assert_eq!(answer(&request(5, Vec::new(), head(9), &key, LOG), Some(head(5))), Err(Refusal::Inconsistent));
    assert_eq!(answer(&request(0, vec![leaf(1)], head(9), &key, LOG), None), Err(Refusal::Inconsistent));
    assert_eq!(
        answer(&request(9, Vec::new(), head(5), &key, LOG), Some(head(9))),
        Err(Refusal::Malformed),
        "backwards"
    );
    let stranger = SignerKey::from_seed(LOG, KeyKind::Log, &[7; 32]).unwrap();
    assert_eq!(answer(&request(0, Vec::new(), head(5), &stranger, LOG), None), Err(Refusal::Unsigned));
    let other = SignerKey::from_seed("other", KeyKind::Log, &[7; 32]).unwrap();
    assert_eq!(answer(&request(0, Vec::new(), head(5), &other, "other"), None), Err(Refusal::UnknownLog));
    let many = request(5, vec![leaf(1); 64], head(9), &key, LOG);
    for bad in [&b""[..], b"old 0\n", b"old 01\n\n", b"\xff", b"old 0\nxx\n\n", &many] {
        assert_eq!(answer(bad, None), Err(Refusal::Malformed), "{:?}", String::from_utf8_lossy(bad));
    }
}

/// The empty log as other witnesses treat it (litewitness, `TestZeroSize`).
#[test]
fn t2_the_empty_log_has_one_root_and_no_proof() {
    let key = log();
    let empty = |root| Head { size: 0, root };
    let (good, wrong) = (Hash::empty_root(), leaf(1));
    let zero = Hash::from_slice(&[0; 32]).unwrap();
    for (last, old, new, proof, expected) in [
        (None, 0, empty(good), vec![], Ok(0)),
        (None, 0, empty(wrong), vec![], Err(Refusal::Inconsistent)),
        (None, 0, empty(zero), vec![], Err(Refusal::Inconsistent)),
        (None, 0, empty(good), vec![wrong], Err(Refusal::Inconsistent)),
        (None, 0, head(1), vec![], Ok(1)),
        (None, 0, head(1), vec![wrong], Err(Refusal::Inconsistent)),
        (Some(head(1)), 0, head(1), vec![wrong], Err(Refusal::Conflict(1))),
        (Some(head(1)), 1, empty(good), vec![], Err(Refusal::Malformed)),
    ] {
        assert_eq!(answer(&request(old, proof, new, &key, LOG), last), expected, "{last:?} {old} {new:?}");
    }
}

#[test]
fn a_conflict_is_told_as_one_number_on_a_line() {
    assert_eq!(read_conflict(b"20852014\n"), Some(20_852_014));
    for bad in [&b""[..], b"7", b"07\n", b"7\n\n", b"-7\n", b" 7\n", b"\xff\n", b"99999999999999999999\n"] {
        assert_eq!(read_conflict(bad), None, "{}", String::from_utf8_lossy(bad));
    }
}

#[test]
fn a_cosignature_is_believed_only_from_its_witness_and_on_its_checkpoint() {
    let key = log();
    let witness = SignerKey::from_seed("witness.example", KeyKind::Witness, &[3; 32]).unwrap();
    let one = Checkpoint::new(LOG, 5, head(5).root).sign(&key, 0);
    let two = Checkpoint::new(LOG, 6, head(6).root).sign(&key, 0);
    let line = cosign(&one, &witness, 1_700_000_000).to_string();
    let stranger = "— stranger.example AAAAAAAA\n";
    let signature = read_answer(&format!("{stranger}{line}\n"), &one, witness.verifier()).unwrap();
    let mut cosigned = one.clone();
    cosigned.add(signature);
    let keys = [witness.verifier().clone()];
    assert_eq!(cosigned.witnesses(&keys).unwrap()[0].time, Some(1_700_000_000));
    assert!(one.witnesses(&keys).unwrap().is_empty());
    assert!(read_answer(&line, &two, witness.verifier()).is_err(), "of another checkpoint");
    assert_eq!(read_answer(stranger, &one, witness.verifier()), Err(NoteError::Unsigned));
    assert!(read_answer("<html>", &one, witness.verifier()).is_err());
}

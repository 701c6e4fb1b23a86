//! Proofs against published vectors, against another implementation, and against every small tree.

use std::collections::BTreeMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use serde::Deserialize;
use sha2::Sha256;

use super::*;
use crate::tlog::tree::Tree;

/// `tests/vectors/merkle.json`: the vectors of transparency-dev/merkle.
#[derive(Deserialize)]
struct Vectors {
    inclusion: Vec<Inclusion>,
    consistency: Vec<Consistency>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    file: String,
    leaf_idx: u64,
    tree_size: u64,
    root: Option<String>,
    leaf_hash: Option<String>,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    file: String,
    size1: u64,
    size2: u64,
    root1: Option<String>,
    root2: Option<String>,
    proof: Option<Vec<String>>,
    want_err: bool,
}

fn hash(text: Option<&String>) -> Option<Hash> {
    Hash::from_base64(text?)
}

fn hashes(proof: Option<&Vec<String>>) -> Option<Vec<Hash>> {
    proof.into_iter().flatten().map(|text| Hash::from_base64(text)).collect()
}

/// What is no hash at all is refused where it is read, before any proof is looked at.
#[test]
fn t1_the_195_usable_merkle_vectors_agree() {
    let vectors: Vectors = serde_json::from_str(include_str!("../../../tests/vectors/merkle.json")).unwrap();
    let (mut agreed, mut unusable) = (0, Vec::new());
    for vector in &vectors.inclusion {
        let read = (hash(vector.leaf_hash.as_ref()), hashes(vector.proof.as_ref()), hash(vector.root.as_ref()));
        let held = match read {
            (Some(leaf), Some(proof), Some(root)) => {
                check_inclusion(vector.leaf_idx, vector.tree_size, leaf, &proof, root).is_ok()
            }
            _ => false,
        };
        assert_eq!(held, !vector.want_err, "{}", vector.file);
        agreed += 1;
    }
    for vector in &vectors.consistency {
        let read = (hash(vector.root1.as_ref()), hashes(vector.proof.as_ref()), hash(vector.root2.as_ref()));
        let held = match read {
            (Some(old), Some(proof), Some(new)) => {
                check_consistency((vector.size1, old), (vector.size2, new), &proof).is_ok()
            }
            // Roots of twelve bytes that the vector calls good: nothing that could be represented here.
            _ if !vector.want_err => {
                unusable.push(&vector.file);
                continue;
            }
            _ => false,
        };
        assert_eq!(held, !vector.want_err, "{}", vector.file);
        agreed += 1;
    }
    assert_eq!((agreed, unusable.len()), (195, 1), "{unusable:?}");
}

fn leaf(number: u64) -> Hash {
    Hash::leaf(&number.to_be_bytes())
}

/// A tree of `size` entries with all its tiles, partial ones too.
fn grown(size: u64) -> (Hash, BTreeMap<TileCoordinate, Vec<Hash>>) {
    let (mut tree, mut full) = (Tree::new(), Vec::new());
    let mut levels: Vec<Vec<Hash>> = vec![(0..size).map(leaf).collect()];
    for leaf in &levels[0] {
        tree.append(*leaf, &mut full);
    }
    while levels.last().unwrap().len() >= TILE_WIDTH {
        let below = levels.last().unwrap();
        levels.push(below.chunks_exact(TILE_WIDTH).map(perfect).collect());
    }
    let mut tiles = BTreeMap::new();
    for (level, hashes) in levels.iter().enumerate() {
        for (index, tile) in hashes.chunks(TILE_WIDTH).enumerate() {
            tiles.insert(TileCoordinate { level: u8::try_from(level).unwrap(), index: index as u64 }, tile.to_vec());
        }
    }
    for tile in full {
        assert_eq!(tiles[&tile.coordinate], tile.hashes, "the tree makes the tiles of the specification");
    }
    (tree.root(), tiles)
}

fn made(plan: &Plan, tiles: &BTreeMap<TileCoordinate, Vec<Hash>>) -> Vec<Hash> {
    assert!(plan.tiles().iter().all(|tile| tiles.contains_key(tile)));
    plan.resolve(tiles).unwrap()
}

#[test]
fn every_entry_of_every_small_tree_is_proved_and_no_other() {
    let trees: Vec<_> = (0..70).map(grown).collect();
    for (size, (root, tiles)) in trees.iter().enumerate().map(|(size, tree)| (size as u64, tree)) {
        for index in 0..size {
            let proof = made(&Plan::inclusion(index, size).unwrap(), tiles);
            assert_eq!(check_inclusion(index, size, leaf(index), &proof, *root), Ok(()));
            for other in (0..=size).filter(|other| *other != index) {
                assert!(check_inclusion(other, size, leaf(index), &proof, *root).is_err(), "{index} {other} {size}");
            }
        }
        assert!(Plan::inclusion(size, size).is_err());
    }
}

#[test]
fn every_small_tree_goes_on_from_every_smaller_one() {
    let trees: Vec<_> = (0..70).map(grown).collect();
    for (new, (new_root, tiles)) in trees.iter().enumerate() {
        for (old, (old_root, _)) in trees.iter().enumerate().take(new + 1).skip(1) {
            let (old, new) = (old as u64, new as u64);
            let proof = made(&Plan::consistency(old, new).unwrap(), tiles);
            assert_eq!(check_consistency((old, *old_root), (new, *new_root), &proof), Ok(()), "{old} {new}");
            if old != new {
                assert!(check_consistency((old, leaf(1)), (new, *new_root), &proof).is_err());
                assert!(check_consistency((old, *old_root), (new, leaf(1)), &proof).is_err());
            }
        }
    }
    assert!(Plan::consistency(3, 2).is_err());
    let empty = (0, Hash::empty_root());
    assert_eq!(check_consistency(empty, (1, trees[1].0), &[]), Err(ProofError::Empty));
}

#[test]
fn a_root_is_made_from_tiles_alone() {
    for size in [1, 255, 256, 257, 65_535, 65_536, 70_000] {
        let (root, tiles) = grown(size);
        assert_eq!(made(&Plan::root(size), &tiles), [root], "{size}");
    }
    let (_, mut tiles) = grown(300);
    tiles.get_mut(&TileCoordinate { level: 0, index: 1 }).unwrap().pop();
    let missing = TileCoordinate { level: 0, index: 1 };
    assert_eq!(Plan::root(300).resolve(&tiles), Err(ProofError::Tile(missing)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn proofs_are_those_of_another_implementation(size in 1_u64..2000, index in any::<u64>(), old in any::<u64>()) {
        let (index, old) = (index % size, 1 + old % size);
        let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        for number in 0..size {
            other.push(number.to_be_bytes().to_vec());
        }
        let (root, tiles) = grown(size);
        let other_root = other.root();
        prop_assert_eq!(root.as_bytes().as_slice(), other_root.as_bytes().as_slice());
        let inclusion = other.prove_inclusion(usize::try_from(index).unwrap());
        let ours: Vec<u8> = made(&Plan::inclusion(index, size).unwrap(), &tiles).iter().flat_map(|hash| *hash.as_bytes()).collect();
        prop_assert_eq!(ours.as_slice(), inclusion.as_bytes());
        let additions = usize::try_from(size - old).unwrap();
        if additions > 0 {
            let consistency = other.prove_consistency(additions);
            let ours: Vec<u8> = made(&Plan::consistency(old, size).unwrap(), &tiles).iter().flat_map(|hash| *hash.as_bytes()).collect();
            prop_assert_eq!(ours.as_slice(), consistency.as_bytes());
        }
    }

    #[test]
    fn no_altered_proof_holds(size in 2_u64..3000, index in any::<u64>(), at in any::<usize>(), bit in 0_u8..8) {
        let index = index % size;
        let (root, tiles) = grown(size);
        let mut proof = made(&Plan::inclusion(index, size).unwrap(), &tiles);
        let at = at % (proof.len() * HASH);
        let mut bytes = *proof[at / HASH].as_bytes();
        bytes[at % HASH] ^= 1 << bit;
        proof[at / HASH] = Hash::from_slice(&bytes).unwrap();
        prop_assert!(check_inclusion(index, size, leaf(index), &proof, root).is_err());
    }

    #[test]
    fn no_sizes_make_a_check_panic(old in any::<u64>(), new in any::<u64>(), count in 0_usize..70) {
        let proof = vec![leaf(1); count];
        prop_assert!(check_inclusion(old, new, leaf(2), &proof, leaf(3)).is_err());
        prop_assert!(check_consistency((old, leaf(2)), (new, leaf(3)), &proof).is_err());
        drop(Plan::inclusion(old, new));
        drop(Plan::consistency(old, new));
    }
}

const HASH: usize = super::super::HASH_LENGTH;

//! Inclusion and consistency proofs (RFC 6962 sections 2.1.1 and 2.1.2; checked as RFC 9162 section 2.1.3
//! and 2.1.4 say).
//!
//! Making one is split in two, because the hashes are elsewhere: a [`Plan`] names the tiles it needs, and
//! makes the proof when it is handed them.

use std::collections::{BTreeMap, BTreeSet};

use super::Hash;
use super::tile::{TILE_HEIGHT, TILE_WIDTH, TileCoordinate};
use super::tree::perfect;

/// Why a proof cannot be made, or does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The entry is not in a tree of this size.
    #[error("entry {index} is not in a tree of {size} entries")]
    Index {
        /// The entry.
        index: u64,
        /// The size.
        size: u64,
    },
    /// A tree cannot go on from a larger one.
    #[error("a tree of {new} entries cannot go on from one of {old}")]
    Sizes {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
    },
    /// Every tree goes on from the empty one: a proof of that says nothing.
    #[error("nothing can be proved from the empty tree: every tree goes on from it")]
    Empty,
    /// Too many or too few hashes.
    #[error("the proof has the wrong number of hashes for these sizes")]
    Length,
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the root that was given")]
    Root,
    /// A tile that was asked for was not handed in, or is too short.
    #[error("the tile at level {}, index {} is missing or too short", .0.level, .0.index)]
    Tile(TileCoordinate),
}

/// A subtree that is perfect: 2^height entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Subtree {
    height: u8,
    index: u64,
}

impl Subtree {
    /// The tile that holds its hash or the hashes it is made of, where they begin, and how many they are.
    fn place(self) -> (TileCoordinate, usize, usize) {
        let within = self.height % TILE_HEIGHT;
        let first = self.index << within;
        let coordinate = TileCoordinate { level: self.height / TILE_HEIGHT, index: first / TILE_WIDTH as u64 };
        let offset = usize::try_from(first % TILE_WIDTH as u64).unwrap_or(0);
        (coordinate, offset, 1 << within)
    }
}

/// What a proof is made of: for each of its hashes the perfect subtrees that it spans, left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan(Vec<Vec<Subtree>>);

impl Plan {
    /// The proof that entry `index` is in the tree of `size` entries.
    pub fn inclusion(index: u64, size: u64) -> Result<Self, ProofError> {
        if index >= size {
            return Err(ProofError::Index { index, size });
        }
        let mut parts = Vec::new();
        inclusion(index, 0, size, &mut parts);
        Ok(Self(parts))
    }

    /// The proof that the tree of `new` entries goes on from the one of `old`; empty for `old` 0.
    pub fn consistency(old: u64, new: u64) -> Result<Self, ProofError> {
        if old > new {
            return Err(ProofError::Sizes { old, new });
        }
        let mut parts = Vec::new();
        if old > 0 {
            consistency(old, 0, new, true, &mut parts);
        }
        Ok(Self(parts))
    }

    /// The root of the tree of `size` entries: one hash, none for the empty tree.
    pub fn root(size: u64) -> Self {
        Self(if size == 0 { Vec::new() } else { vec![subtrees(0, size)] })
    }

    /// The tiles it needs.
    pub fn tiles(&self) -> BTreeSet<TileCoordinate> {
        self.0.iter().flatten().map(|subtree| subtree.place().0).collect()
    }

    /// The hashes, made from tiles that hold at least what a tree of the planned size has.
    pub fn resolve(&self, tiles: &BTreeMap<TileCoordinate, Vec<Hash>>) -> Result<Vec<Hash>, ProofError> {
        let hash = |subtree: &Subtree| {
            let (coordinate, offset, count) = subtree.place();
            let hashes = tiles.get(&coordinate).and_then(|tile| tile.get(offset..offset + count));
            hashes.map(perfect).ok_or(ProofError::Tile(coordinate))
        };
        let whole = |parts: &Vec<Subtree>| {
            let mut right: Option<Hash> = None;
            for subtree in parts.iter().rev() {
                let left = hash(subtree)?;
                right = Some(right.map_or(left, |right| Hash::node(left, right)));
            }
            right.ok_or(ProofError::Length)
        };
        self.0.iter().map(whole).collect()
    }
}

/// PATH of RFC 6962 section 2.1.1 over the entries `low..high`.
fn inclusion(index: u64, low: u64, high: u64, parts: &mut Vec<Vec<Subtree>>) {
    if high - low <= 1 {
        return;
    }
    let middle = low + split(high - low);
    if index < middle {
        inclusion(index, low, middle, parts);
        parts.push(subtrees(middle, high));
    } else {
        inclusion(index, middle, high, parts);
        parts.push(subtrees(low, middle));
    }
}

/// SUBPROOF of RFC 6962 section 2.1.2 over the entries `low..high`; `known` when the older root is this subtree's.
fn consistency(old: u64, low: u64, high: u64, known: bool, parts: &mut Vec<Vec<Subtree>>) {
    if old == high {
        if !known {
            parts.push(subtrees(low, high));
        }
        return;
    }
    let middle = low + split(high - low);
    if old <= middle {
        consistency(old, low, middle, known, parts);
        parts.push(subtrees(middle, high));
    } else {
        consistency(old, middle, high, false, parts);
        parts.push(subtrees(low, middle));
    }
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// The perfect subtrees of `low..high`, left to right; `low` is a multiple of the largest of them.
fn subtrees(mut low: u64, high: u64) -> Vec<Subtree> {
    let mut parts = Vec::new();
    while low < high {
        let largest = u64::BITS - 1 - (high - low).leading_zeros();
        let height = largest.min(if low == 0 { largest } else { low.trailing_zeros() });
        parts.push(Subtree { height: u8::try_from(height).unwrap_or(u8::MAX), index: low >> height });
        low += 1 << height;
    }
    parts
}

/// Checks that the entry with hash `leaf` is at `index` of the tree of `size` entries with this root.
pub fn check_inclusion(index: u64, size: u64, leaf: Hash, proof: &[Hash], root: Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at & 1 == 1 || at == last {
            hash = Hash::node(*sibling, hash);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            hash = Hash::node(hash, *sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if hash == root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree of `new` entries goes on from the one of `old`: that nothing was changed, moved or removed.
pub fn check_consistency(
    (old, old_root): (u64, Hash),
    (new, new_root): (u64, Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Sizes { old, new });
    }
    if old == 0 {
        return Err(ProofError::Empty);
    }
    if old == new {
        return match (proof.is_empty(), old_root == new_root) {
            (false, _) => Err(ProofError::Length),
            (true, false) => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    // A perfect older tree is its own first hash.
    let (first, rest) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(ProofError::Length)?;
        (*first, rest)
    };
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let (mut older, mut newer) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at & 1 == 1 || at == last {
            older = Hash::node(*sibling, older);
            newer = Hash::node(*sibling, newer);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            newer = Hash::node(newer, *sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if older == old_root && newer == new_root { Ok(()) } else { Err(ProofError::Root) }
}

#[cfg(test)]
mod tests;

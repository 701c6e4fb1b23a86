//! The growing tree: its right edge, which is all that an append needs, and the tiles that fill up.

use super::Hash;
use super::tile::{TILE_HEIGHT, TILE_WIDTH, TileCoordinate};

/// The right edge of a tree: for each level, the hashes of its unfinished tile. Appending costs two
/// hashes an entry and some for each tile that fills; the edge never exceeds 255 hashes a level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    edges: Vec<Vec<Hash>>,
}

/// A tile that has filled up. It never changes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullTile {
    /// Where it stands.
    pub coordinate: TileCoordinate,
    /// Its 256 hashes.
    pub hashes: Vec<Hash>,
    /// The hash of the subtree they span: one hash of the level above.
    pub root: Hash,
}

/// The edge of a level does not fit the size of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("level {level} of a tree of {size} entries ends with {expected} hashes beside its full tiles, not {found}")]
pub struct EdgeError {
    level: u8,
    size: u64,
    expected: usize,
    found: usize,
}

impl Tree {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of `size` entries whose unfinished tiles are `edges`, level 0 first.
    pub fn from_edges(size: u64, edges: Vec<Vec<Hash>>) -> Result<Self, EdgeError> {
        let levels = TileCoordinate::levels(size).count().max(edges.len());
        for level in 0..u8::try_from(levels).unwrap_or(u8::MAX) {
            let (expected, found) = (edge_width(level, size), edges.get(usize::from(level)).map_or(0, Vec::len));
            if expected != found {
                return Err(EdgeError { level, size, expected, found });
            }
        }
        Ok(Self { size, edges })
    }

    /// How many entries it has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the unfinished tile of each level, level 0 first; empty where a level ends with a full one.
    pub fn edges(&self) -> &[Vec<Hash>] {
        &self.edges
    }

    /// Appends a leaf; tiles that fill up are added to `full`, lower levels first.
    pub fn append(&mut self, leaf: Hash, full: &mut Vec<FullTile>) {
        self.size += 1;
        let mut hash = leaf;
        for level in 0_u8.. {
            if self.edges.len() <= usize::from(level) {
                self.edges.push(Vec::with_capacity(TILE_WIDTH));
            }
            let Some(edge) = self.edges.get_mut(usize::from(level)) else { return };
            edge.push(hash);
            if edge.len() < TILE_WIDTH {
                return;
            }
            let hashes = std::mem::replace(edge, Vec::with_capacity(TILE_WIDTH));
            hash = perfect(&hashes);
            let filled = self.size >> (u32::from(level + 1) * u32::from(TILE_HEIGHT));
            full.push(FullTile { coordinate: TileCoordinate { level, index: filled - 1 }, hashes, root: hash });
        }
    }

    /// The root hash (RFC 6962 section 2.1).
    pub fn root(&self) -> Hash {
        // The perfect subtrees from right to left: each level's unfinished tile, and in it the smallest first.
        let mut root = None;
        for edge in &self.edges {
            let mut rest = edge.as_slice();
            while !rest.is_empty() {
                let (before, last) = rest.split_at(rest.len() & (rest.len() - 1));
                let left = perfect(last);
                root = Some(root.map_or(left, |right| Hash::node(left, right)));
                rest = before;
            }
        }
        root.unwrap_or_else(Hash::empty_root)
    }
}

/// How many hashes of a level stand beside its full tiles.
pub fn edge_width(level: u8, size: u64) -> usize {
    let hashes = size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0);
    usize::try_from(hashes % TILE_WIDTH as u64).unwrap_or(0)
}

/// The hash over hashes whose number is a power of two.
pub(super) fn perfect(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => Hash::empty_root(),
        [only] => *only,
        several => {
            let (left, right) = several.split_at(several.len() / 2);
            Hash::node(perfect(left), perfect(right))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(number: u64) -> Hash {
        Hash::leaf(&number.to_be_bytes())
    }

    /// The definition in RFC 6962 section 2.1, word for word.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::empty_root(),
            [only] => *only,
            several => {
                let mut split = 1;
                while split * 2 < several.len() {
                    split *= 2;
                }
                Hash::node(defined(&several[..split]), defined(&several[split..]))
            }
        }
    }

    #[test]
    fn the_root_is_the_defined_one_at_every_size() {
        let leaves: Vec<Hash> = (0..1100).map(leaf).collect();
        let (mut tree, mut full) = (Tree::new(), Vec::new());
        for size in 0..=leaves.len() {
            assert_eq!(tree.root(), defined(&leaves[..size]), "{size}");
            if let Some(leaf) = leaves.get(size) {
                tree.append(*leaf, &mut full);
            }
        }
        assert_eq!(full.len(), 4);
    }

    #[test]
    fn a_tree_goes_on_from_its_edges() {
        let (mut tree, mut full) = (Tree::new(), Vec::new());
        for number in 0..66_000 {
            tree.append(leaf(number), &mut full);
        }
        let above: Vec<_> = full.iter().filter(|tile| tile.coordinate.level == 1).collect();
        assert_eq!(above.len(), 1, "257 full tiles of leaves fill one tile above");
        let again = Tree::from_edges(tree.size, tree.edges.clone()).unwrap();
        assert_eq!(again.root(), tree.root());
        let mut short = tree.edges.clone();
        short[0].pop();
        assert!(Tree::from_edges(tree.size, short).is_err());
        assert!(Tree::from_edges(tree.size, Vec::new()).is_err());
        assert!(Tree::from_edges(0, vec![vec![leaf(1)]]).is_err());
    }
}

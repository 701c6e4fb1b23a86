//! Tiles: the form in which a tree is kept and served (C2SP `tlog-tiles`).
//!
//! A full tile holds 256 consecutive hashes of one level; a level is eight heights of the tree. A partial
//! tile is the unfinished right edge of a level. An entry bundle holds the entries of a level-0 tile.

use super::{HASH_LENGTH, Hash};

/// Hashes in a full tile.
pub const TILE_WIDTH: usize = 256;
/// Heights of the tree that one tile spans.
pub const TILE_HEIGHT: u8 = 8;
/// Longest entry, bytes: its length stands in 16 bits.
pub const MAX_ENTRY: usize = 65_535;
/// Highest level a tile can have: 2^63 entries fill eight levels.
const MAX_LEVEL: u8 = 7;

/// Why a tile, a bundle or a path is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// An entry that is longer than its length field can say.
    #[error("an entry has {0} bytes; the most an entry bundle can hold is {MAX_ENTRY}")]
    EntryTooLong(usize),
    /// The bytes of a bundle do not divide into entries.
    #[error("an entry bundle ends inside an entry")]
    Bundle,
    /// The bytes of a tile do not divide into hashes.
    #[error("a tile has {0} bytes, which are not 1 to 256 hashes of 32")]
    Tile(usize),
    /// Not the path of a tile.
    #[error("this is not the path of a tile, such as `0/x001/234.p/5` or `entries/000`")]
    Path,
}

/// Where a tile stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileCoordinate {
    /// The level; leaf hashes are level 0.
    pub level: u8,
    /// The index within the level.
    pub index: u64,
}

impl TileCoordinate {
    /// How many hashes the tile holds in a tree of `size` entries: 0 when it does not exist, at most 256.
    pub fn width(self, size: u64) -> usize {
        let hashes = size.checked_shr(u32::from(self.level) * u32::from(TILE_HEIGHT)).unwrap_or(0);
        let before = self.index.saturating_mul(TILE_WIDTH as u64);
        usize::try_from(hashes.saturating_sub(before)).unwrap_or(usize::MAX).min(TILE_WIDTH)
    }

    /// The levels that a tree of `size` entries has.
    pub fn levels(size: u64) -> impl Iterator<Item = u8> {
        (0..=MAX_LEVEL).filter(move |level| Self { level: *level, index: 0 }.width(size) > 0)
    }
}

/// A resource of a tiled log, as its path says: `0/x001/234`, `0/000.p/5`, `entries/000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TilePath {
    /// Entries, not hashes; then the level is 0.
    pub entries: bool,
    /// Where it stands.
    pub coordinate: TileCoordinate,
    /// How many hashes or entries: 256, or fewer for a partial one.
    pub width: usize,
}

impl TilePath {
    /// The path of what is left of `/tile/`.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let (path, width) = match path.split_once(".p/") {
            None => (path, TILE_WIDTH),
            Some((path, width)) => {
                let width = super::decimal(width).and_then(|width| usize::try_from(width).ok());
                (path, width.filter(|width| (1..TILE_WIDTH).contains(width)).ok_or(TileError::Path)?)
            }
        };
        let (level, index) = path.split_once('/').ok_or(TileError::Path)?;
        let entries = level == "entries";
        let level = if entries { Some(0) } else { super::decimal(level).and_then(|level| u8::try_from(level).ok()) };
        let level = level.filter(|level| *level <= 63).ok_or(TileError::Path)?;
        let index = parse_index(index).ok_or(TileError::Path)?;
        Ok(Self { entries, coordinate: TileCoordinate { level, index }, width })
    }
}

impl std::fmt::Display for TilePath {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.entries {
            formatter.write_str("entries/")?;
        } else {
            write!(formatter, "{}/", self.coordinate.level)?;
        }
        let index = self.coordinate.index;
        let groups = std::iter::successors(Some(index / 1000), |rest| Some(rest / 1000)).take_while(|rest| *rest > 0);
        let mut leading: Vec<u64> = groups.map(|rest| rest % 1000).collect();
        leading.reverse();
        for group in leading {
            write!(formatter, "x{group:03}/")?;
        }
        write!(formatter, "{:03}", index % 1000)?;
        if self.width < TILE_WIDTH { write!(formatter, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// `x001/x234/067` is 1,234,067: groups of three digits, all but the last marked, no empty leading group.
fn parse_index(text: &str) -> Option<u64> {
    let groups: Vec<&str> = text.split('/').collect();
    let last = groups.len().checked_sub(1)?;
    if last > 6 || (last > 0 && groups.first() == Some(&"x000")) {
        return None;
    }
    let mut index = 0_u64;
    for (position, group) in groups.into_iter().enumerate() {
        let digits = if position == last { group } else { group.strip_prefix('x')? };
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    i64::try_from(index).ok().map(|_| index)
}

/// The bytes of a tile.
pub fn encode_tile(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// The hashes of a tile.
pub fn decode_tile(bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
    let (hashes, rest) = bytes.as_chunks::<HASH_LENGTH>();
    if !rest.is_empty() || hashes.is_empty() || hashes.len() > TILE_WIDTH {
        return Err(TileError::Tile(bytes.len()));
    }
    Ok(hashes.iter().copied().map(Hash).collect())
}

/// The bytes of an entry bundle: each entry after its length in two bytes, big-endian.
pub fn encode_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, TileError> {
    let mut bundle = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| TileError::EntryTooLong(entry.len()))?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// The entries of a bundle.
pub fn decode_bundle(mut bytes: &[u8]) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or(TileError::Bundle)?;
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(TileError::Bundle)?;
        entries.push(entry);
        bytes = rest;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Result<TilePath, TileError> {
        TilePath::parse(text)
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        let tile = path("1/x001/x234/067").unwrap();
        assert_eq!(tile.coordinate, TileCoordinate { level: 1, index: 1_234_067 });
        assert_eq!((tile.width, tile.entries), (256, false));
        assert_eq!(path("0/000.p/5").unwrap().width, 5);
        assert!(path("entries/x123/456.p/255").unwrap().entries);
        for bad in [
            "",
            "0",
            "0/",
            "0/0",
            "0/0000",
            "0/x000/001",
            "0/000/001",
            "0/x001",
            "00/000",
            "64/000",
            "-1/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "0/000.p/",
            "entries",
            "entries/00a",
            "0/x001/x002/../003",
            "0/000.p/1/2",
            "0/x999/x999/x999/x999/x999/x999/x999/999",
            "0/٠٠٠",
        ] {
            assert_eq!(path(bad), Err(TileError::Path), "{bad}");
        }
    }

    #[test]
    fn a_tree_of_70000_has_the_tiles_of_the_specification() {
        let width = |level, index| TileCoordinate { level, index }.width(70_000);
        assert_eq!((width(0, 272), width(0, 273), width(0, 274)), (256, 112, 0));
        assert_eq!((width(1, 0), width(1, 1), width(2, 0), width(3, 0)), (256, 17, 1, 0));
        assert_eq!(TileCoordinate::levels(70_000).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(TileCoordinate::levels(0).count(), 0);
    }

    #[test]
    fn an_entry_of_65535_bytes_fits_and_one_more_is_refused() {
        let longest = vec![7_u8; MAX_ENTRY];
        let bundle = encode_bundle([longest.as_slice(), b"x"]).unwrap();
        assert_eq!(decode_bundle(&bundle).unwrap(), [longest.as_slice(), b"x"]);
        let over = vec![7_u8; MAX_ENTRY + 1];
        assert_eq!(encode_bundle([over.as_slice()]), Err(TileError::EntryTooLong(MAX_ENTRY + 1)));
    }

    proptest::proptest! {
        #[test]
        fn every_path_is_read_as_it_was_written(level in 0_u8..64, index in 0_u64..(1 << 62), width in 1_usize..=256) {
            let written = TilePath { entries: false, coordinate: TileCoordinate { level, index }, width };
            proptest::prop_assert_eq!(TilePath::parse(&written.to_string()), Ok(written));
        }

        #[test]
        fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600), text in "\\PC{0,40}") {
            drop(decode_bundle(&bytes));
            drop(decode_tile(&bytes));
            proptest::prop_assert!(TilePath::parse(&text).is_ok_and(|path| path.to_string() == text) || TilePath::parse(&text).is_err());
        }

        #[test]
        fn a_bundle_gives_its_entries_back(entries in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), 0..20)) {
            let bundle = encode_bundle(entries.iter().map(Vec::as_slice)).unwrap();
            proptest::prop_assert_eq!(decode_bundle(&bundle).unwrap(), entries);
        }
    }
}

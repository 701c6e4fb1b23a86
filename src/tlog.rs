//! Tamper-evident logs: the C2SP formats `tlog-tiles`, `signed-note`, `tlog-checkpoint`, `tlog-proof`,
//! `tlog-cosignature` and `tlog-witness` over the Merkle tree of RFC 6962. Pure and synchronous: storage,
//! order and publishing are left to others.
//!
//! Anybody's tools for these formats verify what is made here, and the other way round.

pub mod checkpoint;
pub mod note;
pub mod offline;
pub mod proof;
pub mod tile;
pub mod tree;
pub mod witness;

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Length of a hash, bytes.
pub const HASH_LENGTH: usize = 32;

/// A SHA-256 hash: a leaf, a node or a root. Written in base64, as the C2SP formats do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; HASH_LENGTH]);

impl Hash {
    /// The hash of an entry: SHA-256 of a zero byte and the entry (RFC 6962 section 2.1).
    pub fn leaf(entry: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&[0]);
        context.update(entry);
        Self::of(context.finish().as_ref())
    }

    /// The hash of two subtrees, left and right: SHA-256 of a one byte and both (RFC 6962 section 2.1).
    pub fn node(left: Self, right: Self) -> Self {
        let mut both = [0_u8; 1 + 2 * HASH_LENGTH];
        for (to, from) in both.iter_mut().zip(std::iter::once(1).chain(left.0).chain(right.0)) {
            *to = from;
        }
        Self::of(digest(&SHA256, &both).as_ref())
    }

    /// The root of the empty tree: SHA-256 of nothing.
    pub fn empty_root() -> Self {
        Self::of(digest(&SHA256, &[]).as_ref())
    }

    /// The hash that these bytes are. `None` when they are not 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The hash that this text is, in standard base64 with padding.
    pub fn from_base64(text: &str) -> Option<Self> {
        Self::from_slice(&STANDARD.decode(text).ok()?)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; HASH_LENGTH] {
        &self.0
    }

    fn of(digest: &[u8]) -> Self {
        Self(digest.try_into().expect("a SHA-256 digest has 32 bytes"))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Hash({self})")
    }
}

impl serde::Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A whole number as the C2SP formats write it: digits, no sign, no leading zeros, at most 2^63 − 1.
fn decimal(text: &str) -> Option<u64> {
    let canonical = !text.is_empty()
        && text.len() <= 19
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|number| canonical && i64::try_from(*number).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_rfc_6962() {
        assert_eq!(Hash::empty_root().to_string(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(Hash::leaf(b"").to_string(), "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=");
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("9223372036854775807"), Some(u64::MAX / 2));
        for bad in ["", "00", "01", "+1", "-1", " 1", "1 ", "9223372036854775808", "99999999999999999999", "１"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
    }
}

//! The proof of one entry that needs nothing else but the log's public key (C2SP `tlog-proof`).

use std::fmt;

use super::checkpoint::SignedCheckpoint;
use super::note::{NoteError, VerifierKey};
use super::proof::{ProofError, check_inclusion};
use super::{Hash, decimal};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Most hashes an inclusion proof can have.
const MAX_HASHES: usize = 63;

/// Why an offline proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfflineError {
    /// Not an offline proof.
    #[error("this is not a proof that begins with `{HEADER}`, `index N` and one hash a line")]
    Form,
    /// Its checkpoint is not signed by the log's key.
    #[error("its checkpoint cannot be believed: {0}")]
    Checkpoint(#[from] NoteError),
    /// The entry is not where the proof says.
    #[error("the entry is not at this index of the log: {0}")]
    Proof(#[from] ProofError),
}

/// An offline proof. Nothing in it must be believed before [`OfflineProof::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineProof {
    /// Where the entry stands.
    pub index: u64,
    /// From its sibling up to the child of the root.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, as bytes of a note.
    pub checkpoint: String,
}

impl OfflineProof {
    /// The proof that this text is. Extra data is allowed and dropped: it proves nothing.
    pub fn parse(text: &str) -> Result<Self, OfflineError> {
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(OfflineError::Form)?;
        let mut lines = proof.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(OfflineError::Form);
        }
        lines.next_if(|line| line.starts_with("extra "));
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = index.ok_or(OfflineError::Form)?;
        let hashes: Option<Vec<Hash>> = lines.map(Hash::from_base64).collect();
        let hashes = hashes.filter(|hashes| hashes.len() <= MAX_HASHES).ok_or(OfflineError::Form)?;
        Ok(Self { index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that `entry` stands in the log of `key`; gives the checkpoint that says so.
    pub fn verify(&self, entry: &[u8], key: &VerifierKey) -> Result<SignedCheckpoint, OfflineError> {
        let signed = SignedCheckpoint::open(self.checkpoint.as_bytes(), key)?;
        let head = signed.checkpoint();
        check_inclusion(self.index, head.size, Hash::leaf(entry), &self.hashes, head.root)?;
        Ok(signed)
    }
}

impl fmt::Display for OfflineProof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{HEADER}\nindex {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(formatter, "{hash}"))?;
        write!(formatter, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::checkpoint::Checkpoint;
    use crate::tlog::note::{KeyKind, SignerKey};

    #[test]
    fn a_proof_holds_for_its_entry_alone() {
        let key = SignerKey::from_seed("hub.example/log", KeyKind::Log, &[1; 32]).unwrap();
        let (left, right) = (Hash::leaf(b"one"), Hash::leaf(b"two"));
        let checkpoint = Checkpoint::new("hub.example/log", 2, Hash::node(left, right)).sign(&key, 0);
        let proof = OfflineProof { index: 1, hashes: vec![left], checkpoint: checkpoint.to_string() };
        let text = proof.to_string();
        assert_eq!(OfflineProof::parse(&text).unwrap(), proof);
        assert_eq!(proof.verify(b"two", key.verifier()).unwrap().checkpoint().size, 2);
        assert!(matches!(proof.verify(b"one", key.verifier()), Err(OfflineError::Proof(ProofError::Root))));
        let with_extra = text.replacen("index", "extra AAAA\nindex", 1);
        assert_eq!(OfflineProof::parse(&with_extra).unwrap(), proof);
        let moved = OfflineProof { index: 0, ..proof.clone() };
        assert!(moved.verify(b"two", key.verifier()).is_err());
        let stranger = SignerKey::from_seed("hub.example/log", KeyKind::Log, &[2; 32]).unwrap();
        assert!(matches!(
            proof.verify(b"two", stranger.verifier()),
            Err(OfflineError::Checkpoint(NoteError::Unsigned))
        ));
        for bad in [
            "",
            "x",
            &text.replace("index 1", "index 01"),
            &text.replace("proof@v1", "proof@v2"),
            &text.replace("\n\n", "\n"),
        ] {
            assert!(OfflineProof::parse(bad).is_err(), "{bad}");
        }
    }
}

//! Checkpoints: what a log signs of itself (C2SP `tlog-checkpoint`).

use std::fmt;

use super::note::{Note, NoteError, Signature, SignerKey, Verified, VerifierKey};
use super::{Hash, decimal};

/// The text of a checkpoint: a log, how many entries it has, and the root over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// Whether further lines follow. Our logs never write any: nobody could audit them.
    pub is_extended: bool,
}

/// A checkpoint that the log's key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl Checkpoint {
    /// A checkpoint of this log.
    pub fn new(origin: &str, size: u64, root: Hash) -> Self {
        Self { origin: origin.to_owned(), size, root, is_extended: false }
    }

    /// The checkpoint that the text of a note is.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::Form("a checkpoint is three lines: origin, size, root");
        let body = text.strip_suffix('\n').ok_or(wrong.clone())?;
        let mut lines = body.split('\n');
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        let origin = origin.filter(|origin| !origin.is_empty()).ok_or(wrong.clone())?;
        let size = size.and_then(decimal).ok_or(wrong.clone())?;
        let root = root.and_then(Hash::from_base64).ok_or(wrong.clone())?;
        let further: Vec<&str> = lines.collect();
        if further.iter().any(|line| line.is_empty()) {
            return Err(wrong);
        }
        Ok(Self { origin: origin.to_owned(), size, root, is_extended: !further.is_empty() })
    }

    /// Signs it; only for checkpoints without further lines.
    pub fn sign(&self, key: &SignerKey, time: u64) -> SignedCheckpoint {
        let text = self.to_string();
        let signature = key.sign(&text, time);
        SignedCheckpoint { checkpoint: self.clone(), note: Note::new(text, signature) }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}\n{}\n{}", self.origin, self.size, self.root)
    }
}

impl SignedCheckpoint {
    /// The checkpoint in these bytes, when `key` of the log with this name signed it.
    pub fn open(bytes: &[u8], key: &VerifierKey) -> Result<Self, NoteError> {
        let note = Note::parse(bytes)?;
        note.verify(std::slice::from_ref(key))?;
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != key.name() {
            return Err(NoteError::Form("it is the checkpoint of another log than the key's"));
        }
        Ok(Self { checkpoint, note })
    }

    /// The checkpoint in these bytes, when one of a log's keys signed it: its key, or one that it had before.
    pub fn open_any(bytes: &[u8], keys: &[VerifierKey]) -> Result<Self, NoteError> {
        let mut failed = NoteError::Unsigned;
        for key in keys {
            match Self::open(bytes, key) {
                Ok(signed) => return Ok(signed),
                // What a key did not sign says less than what it signed otherwise.
                Err(NoteError::Unsigned) => {}
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// The checkpoint in these bytes, when the witness of this key cosigned it, whatever log it is of.
    pub fn open_cosigned(bytes: &[u8], witness: &VerifierKey) -> Result<Self, NoteError> {
        let note = Note::parse(bytes)?;
        note.verify(std::slice::from_ref(witness))?;
        Ok(Self { checkpoint: Checkpoint::parse(note.text())?, note })
    }

    /// What was signed.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note.
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// Adds a witness's signature.
    pub fn add(&mut self, signature: Signature) {
        self.note.add(signature);
    }

    /// The same without what strangers signed.
    pub fn only(mut self, keys: &[VerifierKey]) -> Self {
        self.note.keep_only(keys);
        self
    }

    /// The same with a witness's signature.
    pub fn with(mut self, signature: Signature) -> Self {
        self.add(signature);
        self
    }

    /// The witnesses of `keys` that cosigned it, each with its time; a wrong cosignature is an error.
    pub fn witnesses<'a>(&self, keys: &'a [VerifierKey]) -> Result<Vec<Verified<'a>>, NoteError> {
        match self.note.verify(keys) {
            Err(NoteError::Unsigned) => Ok(Vec::new()),
            verified => verified,
        }
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::note::KeyKind;

    #[test]
    fn a_checkpoint_reads_back() {
        let key = SignerKey::from_seed("hub.example/log", KeyKind::Log, &[1; 32]).unwrap();
        let signed = Checkpoint::new("hub.example/log", 20_852_163, Hash::leaf(b"x")).sign(&key, 0);
        let read = SignedCheckpoint::open(signed.to_string().as_bytes(), key.verifier()).unwrap();
        assert_eq!(read, signed);
        let other = SignerKey::from_seed("hub.example/other", KeyKind::Log, &[1; 32]).unwrap();
        assert!(SignedCheckpoint::open(signed.to_string().as_bytes(), other.verifier()).is_err());
        let foreign = Checkpoint::new("hub.example/other", 1, Hash::leaf(b"x")).sign(&key, 0);
        assert!(SignedCheckpoint::open(foreign.to_string().as_bytes(), key.verifier()).is_err());
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        let root = Hash::empty_root();
        assert!(!Checkpoint::parse(&format!("log\n0\n{root}\n")).unwrap().is_extended);
        assert!(Checkpoint::parse(&format!("log\n0\n{root}\nmore\n")).unwrap().is_extended);
        for bad in [
            String::new(),
            format!("log\n0\n{root}"),
            format!("\n0\n{root}\n"),
            format!("log\n00\n{root}\n"),
            format!("log\n-1\n{root}\n"),
            format!("log\n0\n{root}\n\n"),
            format!("log\n0\n{root}\n\nmore\n"),
            "log\n0\nAAAA\n".to_owned(),
            "log\n0\n".to_owned(),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
        }
    }
}

//! Witnessing (C2SP `tlog-witness`): what a log asks of a witness, and what a witness decides.
//!
//! Keeping the last cosigned head, in one step with the decision, is left to the server.

use std::fmt;

use super::checkpoint::{Checkpoint, SignedCheckpoint};
use super::note::{KeyKind, Note, NoteError, Signature, SignerKey, VerifierKey};
use super::proof::{ProofError, check_consistency};
use super::{Hash, decimal};

/// Most hashes a request may carry.
const MAX_HASHES: usize = 63;

/// A request to cosign: `add-checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness cosigned last; 0 for none.
    pub old: u64,
    /// The consistency proof from there.
    pub proof: Vec<Hash>,
    /// The signed checkpoint, as bytes of a note.
    pub checkpoint: String,
}

impl AddCheckpoint {
    /// The request that these bytes are.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, checkpoint) = text.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let old = lines.next()?.strip_prefix("old ").and_then(decimal)?;
        let proof: Vec<Hash> = lines.map(Hash::from_base64).collect::<Option<_>>()?;
        (proof.len() <= MAX_HASHES).then(|| Self { old, proof, checkpoint: checkpoint.to_owned() })
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(formatter, "{hash}"))?;
        write!(formatter, "\n{}", self.checkpoint)
    }
}

/// Why a witness does not cosign; each has its HTTP status in the specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// 400: not a request, or it goes backwards.
    Malformed,
    /// 403: the log's key did not sign the checkpoint.
    Unsigned,
    /// 404: a log that the witness does not know.
    UnknownLog,
    /// 409: the witness cosigned another size. Holds the size it cosigned.
    Conflict(u64),
    /// 409: the witness cosigned another root of the same size, which it holds: proof that the log misbehaves.
    Forked(u64),
    /// 422: the checkpoint does not go on from what was cosigned: proof that the log misbehaves.
    Inconsistent,
}

impl Refusal {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unsigned => 403,
            Self::UnknownLog => 404,
            Self::Conflict(_) | Self::Forked(_) => 409,
            Self::Inconsistent => 422,
        }
    }
}

/// What a witness cosigned last of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Decides a request about one of the logs in `logs`, given the head that `last` finds for its origin.
/// The checkpoint that may be cosigned; it must be kept as the last one before the cosignature leaves.
pub fn decide(
    request: &[u8],
    logs: &[VerifierKey],
    last: impl FnOnce(&str) -> Option<Head>,
) -> Result<SignedCheckpoint, Refusal> {
    let request = AddCheckpoint::parse(request).ok_or(Refusal::Malformed)?;
    let note = Note::parse(request.checkpoint.as_bytes()).map_err(|_| Refusal::Malformed)?;
    let claimed = Checkpoint::parse(note.text()).map_err(|_| Refusal::Malformed)?;
    let of_log = |key: &&VerifierKey| key.kind() == KeyKind::Log && key.name() == claimed.origin;
    let mut keys = logs.iter().filter(of_log).peekable();
    keys.peek().ok_or(Refusal::UnknownLog)?;
    let opened = keys.find_map(|key| SignedCheckpoint::open(request.checkpoint.as_bytes(), key).ok());
    let signed = opened.ok_or(Refusal::Unsigned)?;
    let head = signed.checkpoint();
    if request.old > head.size {
        return Err(Refusal::Malformed);
    }
    if head.size == 0 && head.root != Hash::empty_root() {
        return Err(Refusal::Inconsistent);
    }
    let last = last(&head.origin).unwrap_or(Head { size: 0, root: Hash::empty_root() });
    if request.old != last.size {
        return Err(Refusal::Conflict(last.size));
    }
    if last.size == head.size && last.root != head.root {
        return Err(Refusal::Forked(last.size));
    }
    let consistent = match last.size {
        0 if request.proof.is_empty() => Ok(()),
        0 => Err(ProofError::Length),
        size => check_consistency((size, last.root), (head.size, head.root), &request.proof),
    };
    consistent.map_err(|_| Refusal::Inconsistent)?;
    Ok(signed)
}

/// The cosignature on a checkpoint at `time`, seconds since 1970.
pub fn cosign(checkpoint: &SignedCheckpoint, key: &SignerKey, time: u64) -> Signature {
    key.sign(checkpoint.note().text(), time)
}

/// The size in the answer to a request that conflicts: what the witness cosigned last.
pub fn read_conflict(answer: &[u8]) -> Option<u64> {
    std::str::from_utf8(answer).ok()?.strip_suffix('\n').and_then(decimal)
}

/// The cosignature of `witness` in an answer of it, proved to be on this checkpoint.
pub fn read_answer(answer: &str, checkpoint: &SignedCheckpoint, witness: &VerifierKey) -> Result<Signature, NoteError> {
    for line in answer.lines() {
        let signature = Signature::parse(line)?;
        if signature.claims(witness) {
            let alone = Note::new(checkpoint.note().text().to_owned(), signature.clone());
            alone.verify(std::slice::from_ref(witness))?;
            return Ok(signature);
        }
    }
    Err(NoteError::Unsigned)
}

#[cfg(test)]
mod tests;

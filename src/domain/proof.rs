//! What proves an answer: the department's signature over it and over the question.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::dataset::DepartmentId;

/// The signature of an answer with everything it covers, as it arrived. That the digest is of the body, and that the
/// signature names this question, was checked then; whether the signature is good costs a hundred times as much and is
/// looked at beside the work, or when somebody asks.
#[derive(Debug)]
pub struct AnswerProof {
    /// The department.
    pub department: DepartmentId,
    /// The verification that asked; of a question of several households the question itself.
    pub verification: String,
    /// Whether it answers several households: each keeps the signature, and nobody the bytes, which are about others too.
    pub is_of_several: bool,
    /// The id of the question.
    pub question: String,
    /// `Content-Digest` of the question.
    pub question_digest: String,
    /// `Content-Digest` of the answer.
    pub digest: String,
    /// `Signature-Input`.
    pub input: String,
    /// `Signature`.
    pub signature: String,
    /// When the answer arrived.
    pub received_at: Timestamp,
    /// The answer to the byte, until it is sealed with the verification that asked: the cache does not hold it twice.
    body: Mutex<Option<Vec<u8>>>,
    refuted: AtomicBool,
}

/// The fields of an answer that prove it, and of the question they are bound to.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The id of the question.
    pub question: String,
    /// `Content-Digest` of the question.
    pub question_digest: String,
    /// `Content-Digest` of the answer.
    pub digest: String,
    /// `Signature-Input`.
    pub input: String,
    /// `Signature`.
    pub signature: String,
}

impl AnswerProof {
    /// The proof of an answer that has just arrived.
    pub fn new(department: DepartmentId, verification: String, signed: Signed, received_at: Timestamp) -> Self {
        let Signed { question, question_digest, digest, input, signature } = signed;
        Self {
            department,
            verification,
            is_of_several: false,
            question,
            question_digest,
            digest,
            input,
            signature,
            received_at,
            body: Mutex::new(None),
            refuted: AtomicBool::new(false),
        }
    }

    /// The proof of an answer to several households.
    pub fn of_several(department: DepartmentId, signed: Signed, received_at: Timestamp) -> Self {
        let asked_in = signed.question.clone();
        Self { is_of_several: true, ..Self::new(department, asked_in, signed, received_at) }
    }

    /// Holds the body until it is sealed.
    pub fn hold_body(&self, body: Vec<u8>) {
        *self.body.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }

    /// The body, for whoever seals it: once.
    pub fn take_body(&self) -> Option<Vec<u8>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes that the signature was found to be wrong: the answer is not used again.
    pub fn refute(&self) {
        self.refuted.store(true, Ordering::Release);
    }

    /// Whether the signature was found to be wrong.
    pub fn is_refuted(&self) -> bool {
        self.refuted.load(Ordering::Acquire)
    }
}

/// Proofs are the same when they are of the same answer to the same question.
impl PartialEq for AnswerProof {
    fn eq(&self, other: &Self) -> bool {
        (&self.question, &self.digest, &self.signature) == (&other.question, &other.digest, &other.signature)
    }
}

impl Eq for AnswerProof {}

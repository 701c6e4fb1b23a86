//! Provenance: what of a department's signed answer is kept with a verification, and what can be proven of it later,
//! with the department's public key alone.
//!
//! Whoever asked keeps the answer to the byte. A verification that used an answer from the cache, or joined somebody
//! else's question, keeps where it stands and its digest: the answer may be about more people than its own household,
//! and is stored once.

use std::borrow::Cow;
use std::sync::Arc;

use connectors::keys::PublicKey;
use connectors::signature::is_digest_of;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::dataset::DepartmentId;
use crate::domain::problem::Text;
use crate::domain::proof::{AnswerProof, Signed};
use crate::federation::ask::DepartmentOutcome;
use crate::federation::proving::{Evidence, SignatureState};

/// A signed answer as it is kept, and as it is handed out to be verified elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptProof<'a> {
    /// The department.
    pub department: Cow<'a, DepartmentId>,
    /// The verification that asked.
    pub asked_in: Cow<'a, str>,
    /// The id of the question; the answer's signature names it.
    pub question: Cow<'a, str>,
    /// `Content-Digest` of the answer.
    pub digest: Cow<'a, str>,
    /// The rest, where it is kept here.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub whole: Option<WholeProof<'a>>,
}

/// What else there is of a signed answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeProof<'a> {
    /// `Content-Digest` of the question.
    pub question_digest: Cow<'a, str>,
    /// `Signature-Input`.
    pub signature_input: Cow<'a, str>,
    /// `Signature`.
    pub signature: Cow<'a, str>,
    /// When the answer arrived.
    pub received_at: Timestamp,
    /// The answer to the byte; only the verification that asked hands it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Cow<'a, str>>,
}

/// What can be said of a signed answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The department signed this answer to this question.
    Valid,
    /// Signed with a key that is not known here.
    KeyUnknown,
    /// The signature is wrong, or of something else.
    Invalid,
    /// The bytes are not those that were signed.
    BodyChanged,
    /// The verification that holds the answer was erased, or did not come to its end.
    NotKept,
}

/// A signed answer with what can be said of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ToldProof<'a> {
    /// The answer.
    #[serde(flatten)]
    pub kept: KeptProof<'a>,
    /// What can be said of it.
    pub standing: Standing,
    /// The same in words.
    pub told: Text,
    /// The key it was signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// When it was signed, by the department's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<Timestamp>,
}

impl Standing {
    /// In words.
    pub fn text(self) -> Text {
        match self {
            Self::Valid => Text::new(
                "签名有效：该部门就这次查询作出了这份答复",
                "valid: the department signed this answer to this question",
            ),
            Self::KeyUnknown => Text::new(
                "签名所用的密钥不在已知的部门公钥之中：核对公钥后再验",
                "signed with a key that is not among the department's known keys: check the key and verify again",
            ),
            Self::Invalid => Text::new(
                "签名不成立：不是该部门对这次查询的这份答复",
                "the signature is wrong, or of another answer or question",
            ),
            Self::BodyChanged => Text::new("答复内容与签名时不同", "the bytes are not those that were signed"),
            Self::NotKept => Text::new(
                "原始答复未留存：最初查询的那次核对已清除或未完成，只剩摘要",
                "the answer itself is not kept: the verification that asked was erased or not finished; its digest is all there is",
            ),
        }
    }
}

/// The proofs of the answers that a verification used, each once.
pub(super) fn kept_proofs<'a>(outcomes: &'a [DepartmentOutcome], verification: &str) -> Vec<KeptProof<'a>> {
    let mut proofs: Vec<&'a Arc<AnswerProof>> = Vec::new();
    let members = outcomes.iter().filter_map(|outcome| outcome.result.as_ref().ok()).flatten();
    for proof in members.flat_map(|member| &member.answers).filter_map(|(answer, _)| answer.proof.as_ref()) {
        if !proofs.iter().any(|known| Arc::ptr_eq(known, proof)) {
            proofs.push(proof);
        }
    }
    proofs.into_iter().map(|proof| KeptProof::of(proof, verification)).collect()
}

impl<'a> KeptProof<'a> {
    fn of(proof: &'a AnswerProof, verification: &str) -> Self {
        let whole = (proof.is_of_several || proof.verification == verification).then(|| WholeProof {
            question_digest: Cow::Borrowed(&proof.question_digest),
            signature_input: Cow::Borrowed(&proof.input),
            signature: Cow::Borrowed(&proof.signature),
            received_at: proof.received_at,
            // The door lets UTF-8 in and nothing else.
            body: proof.take_body().and_then(|body| String::from_utf8(body).ok()).map(Cow::Owned),
        });
        Self {
            department: Cow::Borrowed(&proof.department),
            asked_in: Cow::Borrowed(&proof.verification),
            question: Cow::Borrowed(&proof.question),
            digest: Cow::Borrowed(&proof.digest),
            whole,
        }
    }

    /// Whether it is the proof of the same answer.
    pub(super) fn is_of(&self, proof: &AnswerProof) -> bool {
        self.question == proof.question && self.digest == proof.digest
    }

    /// The proof again, for a later version of the verification that kept it.
    pub(super) fn into_proof(self) -> AnswerProof {
        let Self { department, asked_in, question, digest, whole } = self;
        let received_at = whole.as_ref().map_or(Timestamp::UNIX_EPOCH, |whole| whole.received_at);
        let (question_digest, input, signature, body) = whole.map_or_else(Default::default, |whole| {
            let WholeProof { question_digest, signature_input, signature, body, .. } = whole;
            (question_digest.into_owned(), signature_input.into_owned(), signature.into_owned(), body)
        });
        let is_of_several = asked_in == question;
        let signed =
            Signed { question: question.into_owned(), question_digest, digest: digest.into_owned(), input, signature };
        let department = department.into_owned();
        if is_of_several {
            return AnswerProof::of_several(department, signed, received_at);
        }
        let proof = AnswerProof::new(department, asked_in.into_owned(), signed, received_at);
        if let Some(body) = body {
            proof.hold_body(body.into_owned().into_bytes());
        }
        proof
    }

    /// Verifies the answer with the department's keys: the digest of its bytes and the signature.
    pub fn verify(self, keys: &[PublicKey]) -> ToldProof<'a> {
        let Some(whole) = &self.whole else { return self.told(Standing::NotKept, None) };
        let evidence = Evidence {
            question: &self.question,
            question_digest: &whole.question_digest,
            digest: &self.digest,
            input: &whole.signature_input,
            signature: &whole.signature,
        };
        let (signature, state) = evidence.verify(keys);
        let standing = match (state, &whole.body) {
            (_, Some(body)) if !is_digest_of(&self.digest, body.as_bytes()) => Standing::BodyChanged,
            (SignatureState::Valid, _) => Standing::Valid,
            (SignatureState::KeyUnknown, _) => Standing::KeyUnknown,
            (SignatureState::Invalid, _) => Standing::Invalid,
        };
        self.told(standing, signature.map(|signature| (signature.key_id, signature.created)))
    }

    fn told(self, standing: Standing, signed: Option<(String, i64)>) -> ToldProof<'a> {
        let signed_at = signed.as_ref().and_then(|(_, created)| Timestamp::from_second(*created).ok());
        ToldProof { kept: self, standing, told: standing.text(), key_id: signed.map(|(key, _)| key), signed_at }
    }
}

//! What departments' answers must prove, and when that is looked at.
//!
//! On arrival, what costs next to nothing: the digest is of the body, and the signature names this question, a key of
//! the department and everything it must cover. The Ed25519 verification itself, which costs a good part of a whole
//! question, waits: it is done beside the work at a bounded rate, or whenever somebody asks for the evidence. A
//! department may be held to more: then a wrong signature is a gap at once.

use std::sync::Arc;

use connectors::keys::PublicKey;
use connectors::signature::{AnswerSignature, Covered, SignatureError, is_digest_of};
use tokio::sync::mpsc;

use super::client::Arrived;
use crate::domain::proof::{AnswerProof, Signed};

/// The keys of a department's answers, and how they are held to them.
#[derive(Debug, Clone, Default)]
pub struct AnswerKeys {
    /// Its public keys: more than one while they are changed.
    pub keys: Vec<PublicKey>,
    /// Whether an answer without signature is one.
    pub are_required: bool,
    /// Whether a signature is verified before its answer is used, not afterwards.
    pub before_use: bool,
}

/// What came of looking at a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureState {
    /// Made with a key of the department over this answer to this question.
    Valid,
    /// Made with a key that is not the department's, as far as is known here.
    KeyUnknown,
    /// Wrong, or over something else.
    Invalid,
}

/// Everything a signature covers, with the signature.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The id of the question.
    pub question: &'a str,
    /// `Content-Digest` of the question.
    pub question_digest: &'a str,
    /// `Content-Digest` of the answer.
    pub digest: &'a str,
    /// `Signature-Input`.
    pub input: &'a str,
    /// `Signature`.
    pub signature: &'a str,
}

impl Evidence<'_> {
    /// The signature as it reads, and whether one of these keys made it.
    pub fn verify(&self, keys: &[PublicKey]) -> (Option<AnswerSignature>, SignatureState) {
        let Ok(signature) = AnswerSignature::read(self.input, self.signature) else {
            return (None, SignatureState::Invalid);
        };
        // Only answers of status 200 are used.
        let covered = Covered { status: 200, digest: self.digest, question: self.question_digest };
        let state = match keys.iter().find(|key| key.id() == signature.key_id) {
            None => SignatureState::KeyUnknown,
            Some(key) if signature.question_id == self.question && signature.is_by(key, covered) => {
                SignatureState::Valid
            }
            Some(_) => SignatureState::Invalid,
        };
        (Some(signature), state)
    }
}

impl<'a> From<&'a Signed> for Evidence<'a> {
    fn from(signed: &'a Signed) -> Self {
        let Signed { question, question_digest, digest, input, signature } = signed;
        Self { question, question_digest, digest, input, signature }
    }
}

impl<'a> From<&'a AnswerProof> for Evidence<'a> {
    fn from(proof: &'a AnswerProof) -> Self {
        let AnswerProof { question, question_digest, digest, input, signature, .. } = proof;
        Self { question, question_digest, digest, input, signature }
    }
}

impl AnswerKeys {
    /// What proves an answer, as far as that is looked at on arrival. `Err` says what is wrong, in words for the
    /// operator's log; `None` where the answer is not signed and need not be.
    pub(super) fn signed(
        &self,
        question: &str,
        question_digest: &str,
        arrived: &Arrived,
    ) -> Result<Option<Signed>, &'static str> {
        let [digest, input, signature] = &arrived.fields;
        if let Some(digest) = digest
            && !is_digest_of(digest, &arrived.body)
        {
            return Err("the body is not the one that Content-Digest is of");
        }
        if self.keys.is_empty() {
            return Ok(None);
        }
        let (Some(digest), Some(input), Some(signature)) = (digest, input, signature) else {
            return if self.are_required { Err("the answer is not signed") } else { Ok(None) };
        };
        let read = match AnswerSignature::read(input, signature) {
            Ok(read) => read,
            Err(SignatureError::Missing) if !self.are_required => return Ok(None),
            Err(SignatureError::Missing) => return Err("the answer is not signed"),
            Err(SignatureError::Form) => return Err("the signature does not have the form that is agreed"),
        };
        if read.question_id != question {
            return Err("the signature is of the answer to another question");
        }
        if !self.keys.iter().any(|key| key.id() == read.key_id) {
            return Err("the signature is by a key that is not the department's");
        }
        let signed = Signed {
            question: question.to_owned(),
            question_digest: question_digest.to_owned(),
            digest: digest.clone(),
            input: input.clone(),
            signature: signature.clone(),
        };
        if self.before_use && Evidence::from(&signed).verify(&self.keys).1 != SignatureState::Valid {
            return Err("the signature is wrong");
        }
        Ok(Some(signed))
    }
}

/// Where proofs wait to be looked at beside the work.
#[derive(Debug, Clone, Default)]
pub struct Proving(Option<mpsc::Sender<Arc<AnswerProof>>>);

impl Proving {
    /// Proofs are looked at by whoever reads the other end.
    pub const fn new(queue: mpsc::Sender<Arc<AnswerProof>>) -> Self {
        Self(Some(queue))
    }

    /// Hands over a proof. When more come than are looked at, some are not: they are kept, and can be looked at whenever
    /// somebody asks.
    pub(super) fn take(&self, proof: &Arc<AnswerProof>) {
        if let Some(queue) = &self.0
            && queue.try_send(Arc::clone(proof)).is_err()
        {
            metrics::counter!("hedui_answer_signatures_total", "state" => "left_for_later").increment(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use connectors::keys::PrivateKey;
    use connectors::signature::{content_digest, sign};

    use super::*;
    use crate::egress::client::Times;

    const BODY: &[u8] = b"{}";
    const QUESTION: &str = "sha-256=:AA==:";

    fn key(seed: u8) -> PrivateKey {
        PrivateKey::from_seed(&[seed; 32]).unwrap()
    }

    fn arrived(by: &PrivateKey, question: &str) -> Arrived {
        let digest = content_digest(BODY);
        let fields = sign(by, Covered { status: 200, digest: &digest, question: QUESTION }, question, 1_760_000_000);
        let fields = [Some(digest), Some(fields.input), Some(fields.signature)];
        Arrived { body: BODY.to_vec(), fields, times: Times::default() }
    }

    fn keys(before_use: bool) -> AnswerKeys {
        AnswerKeys { keys: vec![key(1).public().clone()], are_required: true, before_use }
    }

    #[test]
    fn an_answer_is_held_to_its_question_key_and_digest_on_arrival() {
        let signed =
            |keys: &AnswerKeys, arrived: &Arrived| keys.signed("q.1", QUESTION, arrived).map(|signed| signed.is_some());
        assert_eq!(signed(&keys(false), &arrived(&key(1), "q.1")), Ok(true));
        assert!(signed(&keys(false), &arrived(&key(1), "q.2")).unwrap_err().contains("another question"));
        assert!(signed(&keys(false), &arrived(&key(2), "q.1")).unwrap_err().contains("not the department's"));
        let mut other = arrived(&key(1), "q.1");
        other.body.push(b' ');
        assert!(signed(&keys(false), &other).unwrap_err().contains("Content-Digest"));
        assert!(signed(&AnswerKeys::default(), &other).is_err(), "a digest that is wrong is wrong, signed or not");
        let unsigned = Arrived { fields: [None, None, None], ..arrived(&key(1), "q.1") };
        assert!(signed(&keys(false), &unsigned).unwrap_err().contains("not signed"));
        let free = AnswerKeys { are_required: false, ..keys(false) };
        assert_eq!(signed(&free, &unsigned), Ok(false));
        assert_eq!(signed(&AnswerKeys::default(), &unsigned), Ok(false));
    }

    /// A signature over another question is good by itself; only the verification finds it.
    #[test]
    fn a_wrong_signature_is_found_before_use_where_that_is_asked_for() {
        let good = arrived(&key(1), "q.1");
        for (before_use, is_admitted) in [(false, true), (true, false)] {
            let admitted = keys(before_use).signed("q.1", "sha-256=:AQ==:", &good);
            assert_eq!(admitted.is_ok(), is_admitted, "{admitted:?}");
        }
        let signed = keys(true).signed("q.1", QUESTION, &good).unwrap().unwrap();
        let verify = |keys: &AnswerKeys| Evidence::from(&signed).verify(&keys.keys).1;
        assert_eq!(verify(&keys(true)), SignatureState::Valid);
        assert_eq!(verify(&AnswerKeys::default()), SignatureState::KeyUnknown);
        let evidence = Evidence { question: "q.2", ..Evidence::from(&signed) };
        assert_eq!(evidence.verify(&keys(true).keys).1, SignatureState::Invalid);
    }
}

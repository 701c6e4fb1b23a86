//! Sealing at rest: a data key for each case, wrapped by the configured key.
//!
//! The cipher is the one of a suite ([`suite`]), bound to the case's id and to the field, so that nothing sealed can be
//! moved to another row or column. A wrapped key says which suite its case is sealed in and which key wrapped it
//! ([`wrap`]), so that both can be changed while what is there stays readable. Erasing the wrapped key erases the case
//! (`design.md` section 8).

pub mod strength;
pub mod suite;
pub mod wrap;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::domain::clock::Randomness;
use crate::domain::id_number::SubjectKey;
use crate::domain::suite::{MacKey, SuiteId};
use suite::{Intl, NONCE, SEAL, SECRET, Sm, Suite};
use wrap::{BoundTo, Form, KeyId, Root, SealingKeys};

/// What the root of pseudonyms is bound to.
const ROOT: &str = "pseudonym_root";

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A configured key is not 32 bytes in hexadecimal.
    #[error("a sealing key is 64 hexadecimal digits (32 bytes); make one with `openssl rand -hex 32`")]
    Key,
    /// One key was given twice.
    #[error("the sealing key {0} is given twice; each key stands once among `key_file` and `former_key_files`")]
    Twice(KeyId),
    /// The key that wrapped it is not at hand.
    #[error("it is sealed under the key {0}, which is neither `key_file` nor among `former_key_files`")]
    UnknownKey(KeyId),
    /// The body was altered, belongs to another case or field, or was sealed under another key.
    #[error("a sealed body does not open with this key")]
    Open,
    /// The cipher refused.
    #[error("the cipher refused to seal")]
    Seal,
}

/// Which part of a case a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The request of a verification.
    Request,
    /// The outcome of a verification.
    Outcome,
    /// What departments answered a verification that waits for others.
    Answers,
    /// A registered authorisation.
    Authorisation,
    /// The seed of a key.
    Seed,
}

impl Field {
    const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Outcome => "outcome",
            Self::Answers => "answers",
            Self::Authorisation => "authorisation",
            Self::Seed => "seed",
        }
    }
}

/// Wraps data keys, and derives the keys of pseudonyms from the root.
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<SealingKeys>,
    root: MacKey,
    root_suite: SuiteId,
    randomness: Arc<dyn Randomness>,
}

/// The data key of one case.
pub struct DataKey {
    cipher: Cipher,
    form: Form,
}

enum Cipher {
    Intl(<Intl as Suite>::Cipher),
    Sm(<Sm as Suite>::Cipher),
}

impl Sealer {
    /// A sealer over these keys, with the root of its database.
    pub fn new(keys: Arc<SealingKeys>, root: &Root, randomness: Arc<dyn Randomness>) -> Self {
        let root_suite = root.suite;
        Self { keys, root: MacKey::new(root_suite, root.secret.as_ref()), root_suite, randomness }
    }

    /// A sealer of one key in hexadecimal, as a database has it that was never given another.
    pub fn from_hex(text: &str, randomness: Arc<dyn Randomness>) -> Result<Self, SealError> {
        let keys = SealingKeys::from_hex(text, &[] as &[&str], SuiteId::Intl)?;
        let root = keys.first_root(keys.current()).ok_or(SealError::Key)?;
        Ok(Self::new(Arc::new(keys), &root, randomness))
    }

    /// The keys it wraps and unwraps with.
    pub fn keys(&self) -> &SealingKeys {
        &self.keys
    }

    /// The pseudonym key of one use, so that pseudonyms of two uses cannot be joined.
    pub fn subject_key(&self, purpose: &str) -> SubjectKey {
        SubjectKey::new(self.root_suite, &self.root.tag(&[purpose.as_bytes()]))
    }

    /// The seed of the log's signing key, for a hub that was given none of its own.
    pub fn log_seed(&self) -> Zeroizing<[u8; SECRET]> {
        Zeroizing::new(self.root.tag(&[b"hedui/access-log/sign/1"]))
    }

    /// The seed of the key that questions to departments are signed with, for a hub that was given none of its own.
    pub fn context_seed(&self) -> Zeroizing<[u8; SECRET]> {
        Zeroizing::new(self.root.tag(&[b"hedui/context/sign/1"]))
    }

    /// The seed of the key that answers to hubs of other regions are signed with, for a hub that was given none of its own.
    pub fn answer_seed(&self) -> Zeroizing<[u8; SECRET]> {
        Zeroizing::new(self.root.tag(&[b"hedui/answer/sign/1"]))
    }

    /// A fresh data key of the configured suite, and the same key wrapped for storage.
    pub fn new_data_key(&self, case: &str) -> Result<(DataKey, Vec<u8>), SealError> {
        // Key and nonce in one call for randomness.
        let mut drawn = Zeroizing::new([0_u8; SECRET + NONCE]);
        self.randomness.fill(drawn.as_mut());
        let secret = drawn.first_chunk::<SECRET>().ok_or(SealError::Seal)?;
        let nonce = drawn.last_chunk::<NONCE>().ok_or(SealError::Seal)?;
        let form = Form::Of(self.keys.suite());
        let wrapped = self.keys.wrap(form, *nonce, case, secret)?;
        Ok((DataKey::new(form, secret), wrapped))
    }

    /// The data key of a case, unwrapped.
    pub fn open_data_key(&self, case: &str, wrapped: &[u8]) -> Result<DataKey, SealError> {
        let (secret, form, _) = self.keys.unwrap(case, wrapped)?;
        Ok(DataKey::new(form, &secret))
    }

    /// Seals one field of a case.
    pub fn seal(&self, key: &DataKey, case: &str, field: Field, body: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0_u8; NONCE];
        self.randomness.fill(&mut nonce);
        key.seal(nonce, case, field, body)
    }

    /// The same data key wrapped under the current key, as long as before; none where it is so already.
    pub fn rewrap(&self, case: &str, wrapped: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
        let (secret, form, id) = self.keys.unwrap(case, wrapped)?;
        if id == self.keys.current() {
            return Ok(None);
        }
        self.keys.wrap(form, self.nonce(), case, &secret).map(Some)
    }

    /// The root of this database, wrapped under the current key.
    pub fn wrap_root(keys: &SealingKeys, root: &Root, randomness: &dyn Randomness) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0_u8; NONCE];
        randomness.fill(&mut nonce);
        keys.wrap(Form::Of(root.suite), nonce, ROOT, &root.secret)
    }

    /// The root of a database, unwrapped, and the key that wrapped it.
    pub fn open_root(keys: &SealingKeys, wrapped: &[u8]) -> Result<(Root, KeyId), SealError> {
        let (secret, form, key) = keys.unwrap(ROOT, wrapped)?;
        Ok((Root { suite: form.suite(), secret }, key))
    }

    /// The wrapped root under the current key; none where it is so already.
    pub fn rewrap_root(&self, wrapped: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
        self.rewrap(ROOT, wrapped)
    }

    fn nonce(&self) -> [u8; NONCE] {
        let mut nonce = [0_u8; NONCE];
        self.randomness.fill(&mut nonce);
        nonce
    }
}

impl DataKey {
    fn new(form: Form, secret: &[u8; SECRET]) -> Self {
        let cipher = match form.suite() {
            SuiteId::Intl => Cipher::Intl(Intl::cipher(secret)),
            SuiteId::Sm => Cipher::Sm(Sm::cipher(secret)),
        };
        Self { cipher, form }
    }

    /// The suite it seals in.
    pub const fn suite(&self) -> SuiteId {
        self.form.suite()
    }

    /// Nonce, then ciphertext, then seal.
    fn seal(&self, nonce: [u8; NONCE], case: &str, field: Field, body: &[u8]) -> Result<Vec<u8>, SealError> {
        let bound = self.bound(case, field)?;
        let mut sealed = Vec::with_capacity(NONCE + body.len() + SEAL);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(body);
        let text = sealed.get_mut(NONCE..).ok_or(SealError::Seal)?;
        let seal = match &self.cipher {
            Cipher::Intl(cipher) => Intl::seal(cipher, nonce, bound.as_ref(), text)?,
            Cipher::Sm(cipher) => Sm::seal(cipher, nonce, bound.as_ref(), text)?,
        };
        sealed.extend_from_slice(&seal);
        Ok(sealed)
    }

    /// Opens a sealed field of a case.
    pub fn open(&self, case: &str, field: Field, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let bound = self.bound(case, field).map_err(|_| SealError::Open)?;
        let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or(SealError::Open)?;
        let mut body = body.to_vec();
        let length = match &self.cipher {
            Cipher::Intl(cipher) => Intl::open(cipher, *nonce, bound.as_ref(), &mut body)?,
            Cipher::Sm(cipher) => Sm::open(cipher, *nonce, bound.as_ref(), &mut body)?,
        };
        body.truncate(length);
        Ok(body)
    }

    /// What a field of this key's case is bound to.
    fn bound(&self, case: &str, field: Field) -> Result<BoundTo, SealError> {
        match self.form {
            Form::Plain => BoundTo::new(&[case.as_bytes()]),
            // No id holds a zero byte, so one pair of id and field is told from any other.
            Form::Of(_) => BoundTo::new(&[case.as_bytes(), &[0], field.name().as_bytes()]),
        }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sealer({:?})", self.keys)
    }
}

#[cfg(test)]
mod tests;

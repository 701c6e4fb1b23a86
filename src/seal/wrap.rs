//! The sealing keys: what wraps the key of each case, and what remembers which key did.
//!
//! [`KeyWrap`] is the seam for a hardware module: whatever wraps and unwraps 32 bytes can stand behind it, and nothing
//! else here ever sees the sealing key. [`LocalKey`] is the one whose key was read from a file.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::SealError;
use super::suite::{Intl, NONCE, SEAL, SECRET, Sm, Suite};
use crate::domain::hex::hex;
use crate::domain::suite::{MacKey, SuiteId};

/// Length of a wrapped secret without its header, in bytes: nonce, secret, seal.
pub const WRAPPED: usize = NONCE + SECRET + SEAL;
/// Length of the header: the form, and the id of the key that wrapped.
const HEADER: usize = 1 + KEY_ID;
const KEY_ID: usize = 4;

/// Which sealing key of which suite wrapped something. Tells nothing about the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID]);

impl KeyId {
    /// The id that this text is: eight hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let canonical = text.len() == 2 * KEY_ID && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        u32::from_str_radix(text, 16).ok().filter(|_| canonical).map(|id| Self(id.to_be_bytes()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyId({self})")
    }
}

/// Wraps and unwraps the keys of cases.
///
/// A hardware module (PKCS#11: `C_EncryptInit`/`C_DecryptInit` with `CKM_AES_GCM`, or the vendor's SM4-GCM, under a key
/// with `CKA_SENSITIVE` and without `CKA_EXTRACTABLE`) implements this, and the hub then never holds the sealing key.
/// It is called once for each verification that is accepted or looked at, on a thread that serves requests: one that
/// takes longer than some 100 µs has to keep sessions open and a cache of its own.
pub trait KeyWrap: Send + Sync {
    /// The id of the key: 32 bits that are the same for this key and suite wherever it is used.
    fn id(&self) -> KeyId;

    /// The suite whose cipher wraps.
    fn suite(&self) -> SuiteId;

    /// Wraps a secret that only `bound` may open: nonce, ciphertext, seal. `nonce` was drawn for this call; a module
    /// that draws its own puts that one in front.
    fn wrap(&self, nonce: [u8; NONCE], bound: &[u8], secret: &[u8; SECRET]) -> Result<[u8; WRAPPED], SealError>;

    /// The secret. [`SealError::Open`] where another key wrapped it, or it was altered or moved.
    fn unwrap(&self, bound: &[u8], wrapped: &[u8; WRAPPED]) -> Result<Zeroizing<[u8; SECRET]>, SealError>;
}

/// A sealing key that was read from a file, in one suite.
pub struct LocalKey<S: Suite> {
    id: KeyId,
    cipher: S::Cipher,
}

impl<S: Suite> LocalKey<S> {
    fn new(secret: &[u8; SECRET]) -> Self {
        let id = derived(S::ID, secret, b"hedui/seal/id/1");
        let id = KeyId(*id.first_chunk().expect("32 bytes begin with 4"));
        Self { id, cipher: S::cipher(&derived(S::ID, secret, b"hedui/seal/wrap/1")) }
    }
}

impl<S: Suite> KeyWrap for LocalKey<S>
where
    S::Cipher: Send + Sync,
{
    fn id(&self) -> KeyId {
        self.id
    }

    fn suite(&self) -> SuiteId {
        S::ID
    }

    fn wrap(&self, nonce: [u8; NONCE], bound: &[u8], secret: &[u8; SECRET]) -> Result<[u8; WRAPPED], SealError> {
        let mut wrapped = [0_u8; WRAPPED];
        let (head, rest) = wrapped.split_at_mut(NONCE);
        let (text, tail) = rest.split_at_mut(SECRET);
        head.copy_from_slice(&nonce);
        text.copy_from_slice(secret);
        let seal = S::seal(&self.cipher, nonce, bound, text)?;
        tail.copy_from_slice(&seal);
        Ok(wrapped)
    }

    fn unwrap(&self, bound: &[u8], wrapped: &[u8; WRAPPED]) -> Result<Zeroizing<[u8; SECRET]>, SealError> {
        let (nonce, sealed) = wrapped.split_first_chunk::<NONCE>().ok_or(SealError::Open)?;
        let mut text = Zeroizing::new([0_u8; SECRET + SEAL]);
        text.copy_from_slice(sealed);
        S::open(&self.cipher, *nonce, bound, text.as_mut())?;
        let secret = text.first_chunk::<SECRET>().ok_or(SealError::Open)?;
        Ok(Zeroizing::new(*secret))
    }
}

/// What pseudonyms and derived keys of a database come from. It is made once for a database and outlives its sealing
/// keys, so that entries of the log about one person can always be joined.
#[derive(Clone)]
pub struct Root {
    /// Whose keyed hash makes pseudonyms.
    pub suite: SuiteId,
    /// The secret.
    pub secret: Zeroizing<[u8; SECRET]>,
}

/// The sealing keys that are at hand: the one that wraps, and those that only unwrap.
pub struct SealingKeys {
    current: Arc<dyn KeyWrap>,
    others: Vec<Arc<dyn KeyWrap>>,
    roots: Vec<(KeyId, Root)>,
}

impl SealingKeys {
    /// Keys behind any kind of [`KeyWrap`].
    pub fn new(current: Arc<dyn KeyWrap>, others: Vec<Arc<dyn KeyWrap>>) -> Self {
        Self { current, others, roots: Vec::new() }
    }

    /// The key that wraps from now on, in hexadecimal, those of before, the newest first, and the suite that is used from
    /// now on. Each key also opens what it wrapped in the other suite.
    pub fn from_hex(current: &str, former: &[impl AsRef<str>], suite: SuiteId) -> Result<Self, SealError> {
        let mut wraps: Vec<Arc<dyn KeyWrap>> = Vec::new();
        let mut roots = Vec::new();
        for text in std::iter::once(current).chain(former.iter().map(AsRef::as_ref)) {
            let secret = parse_key(text)?;
            let mut suites = SuiteId::ALL;
            suites.sort_by_key(|other| *other != suite);
            for suite in suites {
                let wrap: Arc<dyn KeyWrap> = match suite {
                    SuiteId::Intl => Arc::new(LocalKey::<Intl>::new(&secret)),
                    SuiteId::Sm => Arc::new(LocalKey::<Sm>::new(&secret)),
                };
                if wraps.iter().any(|known| known.id() == wrap.id()) {
                    return Err(SealError::Twice(wrap.id()));
                }
                roots.push((wrap.id(), Root { suite, secret: derived(suite, &secret, b"hedui/seal/derive/1") }));
                wraps.push(wrap);
            }
        }
        let mut wraps = wraps.into_iter();
        let current = wraps.next().ok_or(SealError::Key)?;
        Ok(Self { current, others: wraps.collect(), roots })
    }

    /// The id of the key that wraps.
    pub fn current(&self) -> KeyId {
        self.current.id()
    }

    /// The suite of what is sealed from now on.
    pub fn suite(&self) -> SuiteId {
        self.current.suite()
    }

    /// Whether a key is at hand.
    pub fn has(&self, id: KeyId) -> bool {
        self.all().any(|wrap| wrap.id() == id)
    }

    /// The suite of a key that is at hand.
    pub fn suite_of(&self, id: KeyId) -> Option<SuiteId> {
        self.all().find(|wrap| wrap.id() == id).map(|wrap| wrap.suite())
    }

    /// The root of a database whose first sealing key this was.
    pub fn first_root(&self, id: KeyId) -> Option<Root> {
        self.roots.iter().find(|(known, _)| *known == id).map(|(_, root)| root.clone())
    }

    /// The key that wrapped the data key of a case.
    pub fn opened_by(&self, case: &str, wrapped: &[u8]) -> Result<KeyId, SealError> {
        self.unwrap(case, wrapped).map(|(_, _, id)| id)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<dyn KeyWrap>> {
        std::iter::once(&self.current).chain(&self.others)
    }

    /// Wraps a secret whose content belongs to a suite, under the current key.
    pub(super) fn wrap(
        &self,
        form: Form,
        nonce: [u8; NONCE],
        context: &str,
        secret: &[u8; SECRET],
    ) -> Result<Vec<u8>, SealError> {
        let header = Header { form, key: form.is_named().then(|| self.current.id()) };
        let mut wrapped = Vec::with_capacity(HEADER + WRAPPED);
        header.write(&mut wrapped);
        let body = self.current.wrap(nonce, BoundTo::new(&[&wrapped, context.as_bytes()])?.as_ref(), secret)?;
        wrapped.extend_from_slice(&body);
        Ok(wrapped)
    }

    /// The secret, what form what it seals has, and the key that wrapped it.
    pub(super) fn unwrap(
        &self,
        context: &str,
        wrapped: &[u8],
    ) -> Result<(Zeroizing<[u8; SECRET]>, Form, KeyId), SealError> {
        let (header, body) = Header::read(wrapped)?;
        let head = wrapped.get(..wrapped.len() - WRAPPED).unwrap_or_default();
        let bound = BoundTo::new(&[head, context.as_bytes()])?;
        match header.key {
            Some(id) => {
                let wrap = self.all().find(|wrap| wrap.id() == id).ok_or(SealError::UnknownKey(id))?;
                Ok((wrap.unwrap(bound.as_ref(), body)?, header.form, id))
            }
            // It says nothing of its key. Each one is tried: a wrong one does not pass the seal.
            None => self
                .all()
                .find_map(|wrap| Some((wrap.unwrap(bound.as_ref(), body).ok()?, header.form, wrap.id())))
                .ok_or(SealError::Open),
        }
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.all().map(|wrap| wrap.id())).finish()
    }
}

/// What form the bodies have that a data key seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// AES-256-GCM, bound to the case alone: the form of before there were suites. A wrapped key of this form has no
    /// header, and keeps having none when it is wrapped again: a row must keep its length (`store/erasure.rs`).
    Plain,
    /// The suite's cipher, bound to the case and to the field.
    Of(SuiteId),
}

impl Form {
    pub(super) const fn suite(self) -> SuiteId {
        match self {
            Self::Plain => SuiteId::Intl,
            Self::Of(suite) => suite,
        }
    }

    const fn is_named(self) -> bool {
        matches!(self, Self::Of(_))
    }
}

struct Header {
    form: Form,
    key: Option<KeyId>,
}

impl Header {
    fn write(&self, to: &mut Vec<u8>) {
        if let (Form::Of(suite), Some(KeyId(id))) = (self.form, self.key) {
            to.push(match suite {
                SuiteId::Intl => 1,
                SuiteId::Sm => 2,
            });
            to.extend_from_slice(&id);
        }
    }

    fn read(wrapped: &[u8]) -> Result<(Self, &[u8; WRAPPED]), SealError> {
        if let Ok(body) = wrapped.try_into() {
            return Ok((Self { form: Form::Plain, key: None }, body));
        }
        let (form, rest) = wrapped.split_first().ok_or(SealError::Open)?;
        let (id, body) = rest.split_first_chunk::<KEY_ID>().ok_or(SealError::Open)?;
        let suite = match form {
            1 => SuiteId::Intl,
            2 => SuiteId::Sm,
            _ => return Err(SealError::Open),
        };
        let body = body.try_into().map_err(|_| SealError::Open)?;
        Ok((Self { form: Form::Of(suite), key: Some(KeyId(*id)) }, body))
    }
}

/// What a seal is bound to, put together without an allocation.
pub(super) struct BoundTo {
    bytes: [u8; Self::LONGEST],
    length: usize,
}

impl BoundTo {
    const LONGEST: usize = 160;

    pub(super) fn new(parts: &[&[u8]]) -> Result<Self, SealError> {
        let (mut bytes, mut length) = ([0_u8; Self::LONGEST], 0);
        for part in parts {
            bytes.get_mut(length..length + part.len()).ok_or(SealError::Seal)?.copy_from_slice(part);
            length += part.len();
        }
        Ok(Self { bytes, length })
    }
}

impl AsRef<[u8]> for BoundTo {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// A secret that a key leads to, for one use.
fn derived(suite: SuiteId, secret: &[u8; SECRET], label: &[u8]) -> Zeroizing<[u8; SECRET]> {
    Zeroizing::new(MacKey::new(suite, secret).tag(&[label]))
}

/// A sealing key in hexadecimal; white space around it is ignored.
pub(super) fn parse_key(text: &str) -> Result<Zeroizing<[u8; SECRET]>, SealError> {
    let text = text.trim();
    if text.len() != SECRET * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(SealError::Key);
    }
    let mut secret = Zeroizing::new([0_u8; SECRET]);
    for (index, byte) in secret.iter_mut().enumerate() {
        let digits = text.get(index * 2..index * 2 + 2).ok_or(SealError::Key)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| SealError::Key)?;
    }
    Ok(secret)
}

//! Sealing at rest: a data key for each verification, wrapped by the configured key.
//!
//! AES-256-GCM with the verification's id as associated data, so that no sealed body can be moved to
//! another verification. Erasing the wrapped key erases the case (`design.md` section 8).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::domain::clock::Randomness;
use crate::domain::id_number::SubjectKey;

/// Length of the configured key and of data keys, in bytes.
pub const KEY_LENGTH: usize = 32;

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The configured key is not 32 bytes in hexadecimal.
    #[error("a sealing key is 64 hexadecimal digits (32 bytes); make one with `openssl rand -hex 32`")]
    Key,
    /// The body was altered, belongs to another verification, or was sealed under another key.
    #[error("a sealed body does not open with this key")]
    Open,
    /// The cipher refused.
    #[error("the cipher refused to seal")]
    Seal,
}

/// The configured key: wraps data keys and derives the keys of pseudonyms.
#[derive(Clone)]
pub struct Sealer {
    wrapping: Arc<LessSafeKey>,
    derivation: hmac::Key,
    randomness: Arc<dyn Randomness>,
}

/// The data key of one verification.
pub struct DataKey(LessSafeKey);

impl Sealer {
    /// A sealer from the configured key in hexadecimal; white space around it is ignored.
    pub fn from_hex(text: &str, randomness: Arc<dyn Randomness>) -> Result<Self, SealError> {
        let text = text.trim();
        if text.len() != KEY_LENGTH * 2 || !text.is_ascii() {
            return Err(SealError::Key);
        }
        let mut secret = Zeroizing::new([0_u8; KEY_LENGTH]);
        for (index, byte) in secret.iter_mut().enumerate() {
            let digits = text.get(index * 2..index * 2 + 2).ok_or(SealError::Key)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| SealError::Key)?;
        }
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref());
        let wrapping = hmac::sign(&root, b"hedui/seal/wrap/1");
        let derivation = hmac::sign(&root, b"hedui/seal/derive/1");
        Ok(Self {
            wrapping: Arc::new(aes_key(wrapping.as_ref())?),
            derivation: hmac::Key::new(hmac::HMAC_SHA256, derivation.as_ref()),
            randomness,
        })
    }

    /// The pseudonym key of one use, so that pseudonyms of two uses cannot be joined.
    pub fn subject_key(&self, purpose: &str) -> SubjectKey {
        SubjectKey::new(hmac::sign(&self.derivation, purpose.as_bytes()).as_ref())
    }

    /// The seed of the log's signing key, for a hub that was given none of its own.
    pub fn log_seed(&self) -> Zeroizing<[u8; KEY_LENGTH]> {
        let tag = hmac::sign(&self.derivation, b"hedui/access-log/sign/1");
        let mut seed = Zeroizing::new([0_u8; KEY_LENGTH]);
        for (to, from) in seed.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        seed
    }

    /// A fresh data key, and the same key wrapped for storage.
    pub fn new_data_key(&self, verification: &str) -> Result<(DataKey, Vec<u8>), SealError> {
        // Key and nonce in one call for randomness.
        let mut drawn = Zeroizing::new([0_u8; KEY_LENGTH + NONCE_LEN]);
        self.randomness.fill(drawn.as_mut());
        let (secret, nonce) = drawn.split_at_checked(KEY_LENGTH).ok_or(SealError::Key)?;
        let nonce = nonce.try_into().map_err(|_| SealError::Key)?;
        let wrapped = seal(&self.wrapping, nonce, verification, secret)?;
        Ok((DataKey(aes_key(secret)?), wrapped))
    }

    /// The data key of a verification, unwrapped.
    pub fn open_data_key(&self, verification: &str, wrapped: &[u8]) -> Result<DataKey, SealError> {
        let secret = Zeroizing::new(open(&self.wrapping, verification, wrapped)?);
        Ok(DataKey(aes_key(&secret)?))
    }

    /// Seals a body of a verification.
    pub fn seal(&self, key: &DataKey, verification: &str, body: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0_u8; NONCE_LEN];
        self.randomness.fill(&mut nonce);
        seal(&key.0, nonce, verification, body)
    }
}

impl DataKey {
    /// Opens a sealed body of a verification.
    pub fn open(&self, verification: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        open(&self.0, verification, sealed)
    }
}

fn aes_key(secret: &[u8]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, secret).map(LessSafeKey::new).map_err(|_| SealError::Key)
}

/// Nonce, then ciphertext, then tag.
fn seal(key: &LessSafeKey, nonce: [u8; NONCE_LEN], aad: &str, body: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut sealed = Vec::with_capacity(NONCE_LEN + body.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(body);
    let in_place = sealed.get_mut(NONCE_LEN..).ok_or(SealError::Seal)?;
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad.as_bytes()), in_place)
        .map_err(|_| SealError::Seal)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

fn open(key: &LessSafeKey, aad: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::Open)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Open)?;
    let mut body = body.to_vec();
    let length = key.open_in_place(nonce, Aad::from(aad.as_bytes()), &mut body).map_err(|_| SealError::Open)?.len();
    body.truncate(length);
    Ok(body)
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sealer(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::SystemRandomness;

    fn sealer(digit: &str) -> Sealer {
        Sealer::from_hex(&digit.repeat(64), Arc::new(SystemRandomness)).unwrap()
    }

    #[test]
    fn a_body_opens_only_for_its_own_verification_and_key() {
        let (one, other) = (sealer("1"), sealer("2"));
        let (key, wrapped) = one.new_data_key("vf_1").unwrap();
        let sealed = one.seal(&key, "vf_1", "核对".as_bytes()).unwrap();
        let reopened = one.open_data_key("vf_1", &wrapped).unwrap();
        assert_eq!(reopened.open("vf_1", &sealed).unwrap(), "核对".as_bytes());
        assert_eq!(reopened.open("vf_2", &sealed), Err(SealError::Open));
        assert!(one.open_data_key("vf_2", &wrapped).is_err());
        assert!(other.open_data_key("vf_1", &wrapped).is_err());
    }

    #[test]
    fn every_altered_byte_is_found() {
        let sealer = sealer("a");
        let (key, _) = sealer.new_data_key("vf_1").unwrap();
        let body = sealer.seal(&key, "vf_1", b"facts").unwrap();
        for index in 0..body.len() {
            let mut altered = body.clone();
            altered[index] ^= 1;
            assert_eq!(key.open("vf_1", &altered), Err(SealError::Open), "byte {index}");
        }
        assert_eq!(key.open("vf_1", &body[..5]), Err(SealError::Open));
    }

    #[test]
    fn pseudonyms_of_two_uses_differ() {
        let sealer = sealer("a");
        let id = crate::domain::id_number::IdNumber::parse("150000198605021015").unwrap();
        assert_ne!(id.subject(&sealer.subject_key("cache")), id.subject(&sealer.subject_key("access-log")));
    }

    #[test]
    fn a_weak_or_broken_key_is_refused() {
        for bad in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(Sealer::from_hex(bad, Arc::new(SystemRandomness)).err(), Some(SealError::Key));
        }
    }
}

//! The international suite, by AWS-LC: SHA-256, HMAC-SHA-256, AES-256-GCM, Ed25519.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::{DIGEST, NONCE, SEAL, SECRET, SIGNATURE, Suite};
use crate::domain::suite::SuiteId;
use crate::seal::SealError;

/// SHA-256, HMAC-SHA-256, AES-256-GCM, Ed25519.
#[derive(Debug, Clone, Copy)]
pub struct Intl;

impl Suite for Intl {
    const ID: SuiteId = SuiteId::Intl;
    type Cipher = LessSafeKey;
    type Signer = Ed25519KeyPair;

    fn hash(parts: &[&[u8]]) -> [u8; DIGEST] {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(part);
        }
        context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    fn cipher(secret: &[u8; SECRET]) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).expect("AES-256 takes 32 bytes"))
    }

    fn seal(cipher: &LessSafeKey, nonce: [u8; NONCE], bound: &[u8], text: &mut [u8]) -> Result<[u8; SEAL], SealError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = cipher.seal_in_place_separate_tag(nonce, Aad::from(bound), text).map_err(|_| SealError::Seal)?;
        tag.as_ref().try_into().map_err(|_| SealError::Seal)
    }

    fn open(cipher: &LessSafeKey, nonce: [u8; NONCE], bound: &[u8], sealed: &mut [u8]) -> Result<usize, SealError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        cipher.open_in_place(nonce, Aad::from(bound), sealed).map(|text| text.len()).map_err(|_| SealError::Open)
    }

    fn signer(seed: &[u8; SECRET]) -> Result<Ed25519KeyPair, SealError> {
        Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SealError::Key)
    }

    fn public(signer: &Ed25519KeyPair) -> Vec<u8> {
        signer.public_key().as_ref().to_vec()
    }

    fn sign(signer: &Ed25519KeyPair, message: &[u8]) -> Result<[u8; SIGNATURE], SealError> {
        signer.sign(message).as_ref().try_into().map_err(|_| SealError::Seal)
    }

    fn verify(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok()
    }
}

//! The national suite (国密), by `RustCrypto`: SM3 (GB/T 32905), HMAC-SM3, SM4 (GB/T 32907) in GCM, SM2 (GB/T 32918.2).
//!
//! Software that nobody certified. SM4 looks its S-box up in a table, so it is not free of cache timing; GHASH, SM3 and
//! SM2 are written to take the same time for every secret.

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{AesGcm, Nonce, Tag};
use hmac::digest::consts::U12;
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::elliptic_curve::sec1::ToSec1Point as _;
use sm3::{Digest as _, Sm3};
use sm4::Sm4;
use zeroize::Zeroizing;

use super::{DIGEST, NONCE, SEAL, SECRET, SIGNATURE, Suite};
use crate::domain::suite::SuiteId;
use crate::seal::SealError;

/// The name that a signer has where none is agreed on (GM/T 0009 section 10).
const SIGNER_NAME: &str = "1234567812345678";
/// Length of a key of SM4, in bytes.
const SM4_KEY: usize = 16;

/// SM3, HMAC-SM3, SM4-GCM, SM2.
#[derive(Debug, Clone, Copy)]
pub struct Sm;

/// SM4 in Galois/counter mode (RFC 8998).
type Sm4Gcm = AesGcm<Sm4, U12>;

impl Suite for Sm {
    const ID: SuiteId = SuiteId::Sm;
    type Cipher = Box<Sm4Gcm>;
    type Signer = SigningKey;

    fn hash(parts: &[&[u8]]) -> [u8; DIGEST] {
        let mut context = Sm3::new();
        for part in parts {
            context.update(part);
        }
        context.finalize().into()
    }

    fn cipher(secret: &[u8; SECRET]) -> Box<Sm4Gcm> {
        let key = secret.first_chunk::<SM4_KEY>().expect("32 bytes begin with 16");
        Box::new(Sm4Gcm::new(key.into()))
    }

    fn seal(cipher: &Box<Sm4Gcm>, nonce: [u8; NONCE], bound: &[u8], text: &mut [u8]) -> Result<[u8; SEAL], SealError> {
        let tag = cipher.encrypt_inout_detached(&Nonce::from(nonce), bound, text.into());
        tag.map(Into::into).map_err(|_| SealError::Seal)
    }

    fn open(cipher: &Box<Sm4Gcm>, nonce: [u8; NONCE], bound: &[u8], sealed: &mut [u8]) -> Result<usize, SealError> {
        let length = sealed.len().checked_sub(SEAL).ok_or(SealError::Open)?;
        let (text, tag) = sealed.split_at_mut_checked(length).ok_or(SealError::Open)?;
        let tag = Tag::try_from(&*tag).map_err(|_| SealError::Open)?;
        let opened = cipher.decrypt_inout_detached(&Nonce::from(nonce), bound, text.into(), &tag);
        opened.map(|()| length).map_err(|_| SealError::Open)
    }

    /// One seed in four thousand million is no private key of the curve; its digest then is the next one.
    fn signer(seed: &[u8; SECRET]) -> Result<SigningKey, SealError> {
        let mut secret = Zeroizing::new(*seed);
        for _ in 0..8 {
            if let Ok(key) = SigningKey::from_slice(SIGNER_NAME, secret.as_ref()) {
                return Ok(key);
            }
            *secret = Self::hash(&[secret.as_ref()]);
        }
        Err(SealError::Key)
    }

    fn public(signer: &SigningKey) -> Vec<u8> {
        signer.verifying_key().to_sec1_point(false).as_bytes().to_vec()
    }

    fn sign(signer: &SigningKey, message: &[u8]) -> Result<[u8; SIGNATURE], SealError> {
        let signature = signer.try_sign(message).map_err(|_| SealError::Seal)?;
        Ok(signature.to_bytes().into())
    }

    fn verify(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let Ok(key) = VerifyingKey::from_sec1_bytes(SIGNER_NAME, public) else { return false };
        Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
    }
}

//! `Suite`: the algorithms that everything sealed rests on, and the two there are. Both pass the same tests.
//!
//! The log's tree and its Ed25519 signatures are no matter of a suite: C2SP fixes them ([`crate::tlog`]).

mod intl;
mod sm;
#[cfg(test)]
mod tests;

pub use intl::Intl;
pub use sm::Sm;

use super::SealError;
use crate::domain::suite::SuiteId;

/// Length of a secret that keys are made from, in bytes. A suite whose keys are shorter takes the first ones.
pub const SECRET: usize = 32;
/// Length of a digest, in bytes.
pub const DIGEST: usize = 32;
/// Length of a nonce of the ciphers, in bytes.
pub const NONCE: usize = 12;
/// Length of what a cipher adds behind the text, in bytes.
pub const SEAL: usize = 16;
/// Length of a signature, in bytes.
pub const SIGNATURE: usize = 64;

/// A suite of algorithms: hash, keyed hash, authenticated cipher, signature.
pub trait Suite {
    /// Which one it is.
    const ID: SuiteId;
    /// A key of the cipher, ready for use.
    type Cipher;
    /// A private key of signatures.
    type Signer;

    /// The digest of a message that is given in parts.
    fn hash(parts: &[&[u8]]) -> [u8; DIGEST];

    /// The tag of a message under a secret. [`crate::domain::suite::MacKey`] is the same with the key made once.
    fn mac(secret: &[u8], parts: &[&[u8]]) -> [u8; DIGEST] {
        crate::domain::suite::MacKey::new(Self::ID, secret).tag(parts)
    }

    /// The cipher under a secret.
    fn cipher(secret: &[u8; SECRET]) -> Self::Cipher;

    /// Encrypts in place, and gives what proves text and `bound` unaltered.
    fn seal(cipher: &Self::Cipher, nonce: [u8; NONCE], bound: &[u8], text: &mut [u8]) -> Result<[u8; SEAL], SealError>;

    /// Decrypts in place a text with its seal behind it, and gives the text's length. Where it does not open, what is
    /// in `sealed` afterwards must not be used.
    fn open(cipher: &Self::Cipher, nonce: [u8; NONCE], bound: &[u8], sealed: &mut [u8]) -> Result<usize, SealError>;

    /// The private key that a seed leads to.
    fn signer(seed: &[u8; SECRET]) -> Result<Self::Signer, SealError>;

    /// The public key of a private one: 32 bytes (Ed25519), or 65 bytes of an uncompressed point (SM2).
    fn public(signer: &Self::Signer) -> Vec<u8>;

    /// Signs a message.
    fn sign(signer: &Self::Signer, message: &[u8]) -> Result<[u8; SIGNATURE], SealError>;

    /// Whether a public key's private half signed a message.
    fn verify(public: &[u8], message: &[u8], signature: &[u8]) -> bool;
}

//! The suites of cryptographic algorithms that an operator can choose between, and the keyed hash of each.
//!
//! Ciphers and signatures of the suites are in [`crate::seal::suite`]; a pseudonym needs the keyed hash alone.

use std::fmt;

use aws_lc_rs::hmac as sha256;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sm3::Sm3;

/// Length of a tag of a keyed hash, and of the secrets it is keyed with here, in bytes.
pub const TAG: usize = 32;

/// A suite of algorithms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuiteId {
    /// SHA-256, HMAC-SHA-256, AES-256-GCM, Ed25519.
    #[default]
    Intl,
    /// 国密: SM3, HMAC-SM3, SM4-GCM, SM2.
    Sm,
}

impl SuiteId {
    /// Every suite.
    pub const ALL: [Self; 2] = [Self::Intl, Self::Sm];

    /// Its name in settings and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intl => "intl",
            Self::Sm => "sm",
        }
    }
}

impl fmt::Display for SuiteId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The key of a keyed hash: HMAC with the hash of its suite.
#[derive(Clone)]
pub struct MacKey(Kind);

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "the larger one is the usual one, and is on the way of every request")]
enum Kind {
    Intl(sha256::Key),
    Sm(Box<Hmac<Sm3>>),
}

impl MacKey {
    /// The key of this secret, of whatever length.
    pub fn new(suite: SuiteId, secret: &[u8]) -> Self {
        Self(match suite {
            SuiteId::Intl => Kind::Intl(sha256::Key::new(sha256::HMAC_SHA256, secret)),
            SuiteId::Sm => Kind::Sm(Box::new(Hmac::new_from_slice(secret).expect("HMAC takes keys of any length"))),
        })
    }

    /// The tag of a message that is given in parts.
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; TAG] {
        let mut tag = [0_u8; TAG];
        match &self.0 {
            Kind::Intl(key) => {
                let mut context = sha256::Context::with_key(key);
                for part in parts {
                    context.update(part);
                }
                copy(&mut tag, context.sign().as_ref());
            }
            Kind::Sm(key) => {
                let mut context = Hmac::clone(key);
                for part in parts {
                    context.update(part);
                }
                copy(&mut tag, &context.finalize().into_bytes());
            }
        }
        tag
    }
}

fn copy(to: &mut [u8; TAG], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

impl fmt::Debug for MacKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MacKey(hidden)")
    }
}

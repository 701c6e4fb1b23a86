//! The signature of a call: a keyed digest over who asks, what, and when.

use ::hmac::{Hmac, KeyInit as _, Mac as _};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sm3::Sm3;

use super::WebCall;
use crate::connector::{Algorithm, Encoding, Part, SignedInfo};
use crate::secret::Secret;

/// The values of a signed call, as they go into headers or elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// Who asks.
    pub(crate) requester: String,
    /// Which interface is asked.
    pub(crate) service: String,
    /// When, since 1970.
    pub(crate) time: String,
    /// The signature.
    pub(crate) sign: String,
}

/// Signs a call; `path` is the one that is sent.
pub(super) fn sign(info: &SignedInfo, key: &Secret, now: Timestamp, call: &WebCall, path: &str) -> Signature {
    let time = if info.seconds { now.as_second() } else { now.as_millisecond() }.to_string();
    let mut message = Vec::new();
    for part in &info.message {
        message.extend_from_slice(match part {
            Part::Requester => info.requester.as_bytes(),
            Part::Service => info.service.id.as_bytes(),
            Part::Time => time.as_bytes(),
            Part::Method => call.method.as_str().as_bytes(),
            Part::Path => path.as_bytes(),
            Part::Query => call.query.as_bytes(),
            Part::Body => &call.body,
        });
    }
    let sign = written(&keyed_digest(info.algorithm, key.reveal().as_bytes(), &message), info.encoding);
    Signature { requester: info.requester.clone(), service: info.service.id.clone(), time, sign }
}

/// A keyed digest of a message.
pub(crate) fn keyed_digest(algorithm: Algorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::HmacSha256 => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec(),
        Algorithm::HmacSm3 => {
            let mut mac = Hmac::<Sm3>::new_from_slice(key).expect("a key of HMAC has any length");
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
    }
}

/// Bytes as text.
pub(crate) fn written(bytes: &[u8], encoding: Encoding) -> String {
    match encoding {
        Encoding::Base64 => STANDARD.encode(bytes),
        Encoding::Hex => bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keyed_digests_are_those_of_the_published_vectors() {
        // RFC 4231, test case 2.
        let sha256 = keyed_digest(Algorithm::HmacSha256, b"Jefe", b"what do ya want for nothing?");
        assert_eq!(written(&sha256, Encoding::Hex), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        // draft-shen-sm3-hash 2, by `openssl dgst -sm3 -hmac Jefe`.
        let sm3 = keyed_digest(Algorithm::HmacSm3, b"Jefe", b"what do ya want for nothing?");
        assert_eq!(written(&sm3, Encoding::Hex), "2e87f1d16862e6d964b50a5200bf2b10b764faa9680a296a2405f24bec39f882");
        assert_eq!(written(&[0xff, 0xfe], Encoding::Base64), "//4=");
    }
}

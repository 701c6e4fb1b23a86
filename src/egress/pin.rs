//! Pinned certificates: the SHA-256 of the public key (SPKI) that the other side must prove besides its authority.
//!
//! A pin adds to what the authority says and takes nothing from it: an expired certificate, one for another name, or one of
//! another authority is refused whatever its key is. Several pins let a department rotate its key without a gap.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use serde::{Deserialize, Serialize};

use crate::domain::hex::hex;

/// Hexadecimal digits of a pin.
const DIGITS: usize = 64;

/// The SHA-256 of a public key (SPKI), 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyPin(String);

/// A text that is no pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a pin is the SHA-256 of a public key (SPKI), 64 lower-case hexadecimal digits: openssl x509 -in CERT -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256"
)]
pub struct KeyPinError;

impl KeyPin {
    /// The pin of a certificate's key.
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = ParsedCertificate::try_from(certificate).ok()?;
        Some(Self(hex(digest(&SHA256, &parsed.subject_public_key_info()).as_ref())))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyPin {
    type Error = KeyPinError;

    fn try_from(text: String) -> Result<Self, KeyPinError> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == DIGITS && text.bytes().all(is_digit) { Ok(Self(text)) } else { Err(KeyPinError) }
    }
}

impl From<KeyPin> for String {
    fn from(pin: KeyPin) -> Self {
        pin.0
    }
}

impl fmt::Debug for KeyPin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Checks a server as usual, and then that its key is one of the pinned ones.
#[derive(Debug)]
pub(super) struct Pinned {
    usual: Arc<WebPkiServerVerifier>,
    pins: Vec<KeyPin>,
}

impl Pinned {
    /// Certificates of these roots whose key has one of these pins.
    pub(super) fn new(roots: RootCertStore, provider: Arc<CryptoProvider>, pins: Vec<KeyPin>) -> Result<Self, String> {
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        Ok(Self { usual: usual.map_err(|error| error.to_string())?, pins })
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let good = self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        let is_pinned = KeyPin::of(end_entity).is_some_and(|pin| self.pins.contains(&pin));
        if is_pinned {
            return Ok(good);
        }
        metrics::counter!("hedui_adapter_pin_refused_total").increment(1);
        Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_of_the_key_and_not_of_the_certificate() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            |name: &str| rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
        let (one, other) = (certificate("a.invalid"), certificate("b.invalid"));
        assert_ne!(one.der(), other.der());
        assert_eq!(KeyPin::of(one.der()), KeyPin::of(other.der()), "a certificate that is renewed keeps its pin");
        let spki = hex(digest(&SHA256, &rcgen::PublicKeyData::subject_public_key_info(&key)).as_ref());
        assert_eq!(KeyPin::of(one.der()).unwrap().as_str(), spki);
        assert_eq!(KeyPin::of(&CertificateDer::from(vec![1, 2, 3])), None);
    }

    #[test]
    fn only_sixty_four_digits_are_a_pin() {
        assert!(KeyPin::try_from("0f".repeat(32)).is_ok());
        for bad in ["", "0f", &"0F".repeat(32), &"0g".repeat(32), &"0f".repeat(33)] {
            assert_eq!(KeyPin::try_from(bad.to_owned()), Err(KeyPinError), "{bad}");
        }
    }
}

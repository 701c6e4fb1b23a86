//! TLS towards one service: which certificate is believed, and which is shown.

use std::path::Path;
use std::sync::Arc;

use ::aws_lc_rs::digest::{SHA256, digest};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::super::OpenError;
use crate::connector::WebTls;

/// The settings of a connection; relative paths start at `folder`.
pub(super) fn config(tls: &WebTls, folder: &Path) -> Result<ClientConfig, OpenError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(Verifier {
        usual: WebPkiServerVerifier::builder_with_provider(Arc::new(roots(tls, folder)?), Arc::clone(&provider))
            .build()
            .map_err(|error| unusable("tls_ca", tls.ca.as_deref(), folder, &error.to_string()))?,
        any_name: tls.any_name,
        pin: tls.pin,
        provider: Arc::clone(&provider),
    });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .expect("the provider has suites of both versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = certificates("tls_cert", cert, folder)?;
            let failed = |cause: &dyn std::fmt::Display| unusable("tls_key", Some(key), folder, &cause.to_string());
            let key = PrivateKeyDer::from_pem_file(folder.join(key)).map_err(|error| failed(&error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| failed(&error))?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn roots(tls: &WebTls, folder: &Path) -> Result<RootCertStore, OpenError> {
    let mut roots = RootCertStore::empty();
    let Some(ca) = &tls.ca else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(roots);
    };
    for certificate in certificates("tls_ca", ca, folder)? {
        roots.add(certificate).map_err(|error| unusable("tls_ca", Some(ca), folder, &error.to_string()))?;
    }
    Ok(roots)
}

/// The certificates of a file, at least one, so that an empty one is told by its name.
fn certificates(key: &'static str, path: &Path, folder: &Path) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let failed = |cause: String| unusable(key, Some(path), folder, &cause);
    let found = CertificateDer::pem_file_iter(folder.join(path)).map_err(|error| failed(error.to_string()))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| failed(error.to_string()))?;
    if found.is_empty() { Err(failed("PEM: no certificate".to_owned())) } else { Ok(found) }
}

fn unusable(key: &'static str, path: Option<&Path>, folder: &Path, cause: &str) -> OpenError {
    OpenError::TlsFile { key, path: folder.join(path.unwrap_or(Path::new(""))), cause: cause.to_owned() }
}

/// Believes a certificate of a known CA that names the host; of any name where the file says so; or one
/// certificate alone, where the file pins it.
#[derive(Debug)]
struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
    any_name: bool,
    pin: Option<[u8; 32]>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(pin) = self.pin {
            return if digest(&SHA256, end_entity).as_ref() == pin.as_slice() {
                Ok(ServerCertVerified::assertion())
            } else {
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            };
        }
        match self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The chain is looked at first, so what is left is the name.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

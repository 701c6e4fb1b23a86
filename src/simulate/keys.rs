//! Throw-away keys and certificates for trials: one authority, a server certificate for loopback, the
//! hub's certificate towards adapters, a token issuer and a sealing key. Made fresh each time; never for real data.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use connectors::keys::PublicKey;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use crate::domain::clock::Randomness;
use crate::domain::dataset::Catalogue;

/// What tokens of the trial issuer carry in `iss`.
pub const TRIAL_ISSUER: &str = "https://issuer.hedui.invalid";
/// What tokens for a trial hub carry in `aud`.
pub const TRIAL_AUDIENCE: &str = "https://hub.hedui.invalid";

/// Why keys could not be made.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The certificate library refused.
    #[error("a certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A file could not be written.
    #[error("{file} could not be written: {source}")]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Where the keys are.
#[derive(Debug, Clone)]
pub struct TrialKeys {
    /// The authority's certificate.
    pub ca: PathBuf,
    /// Certificate for servers on loopback.
    pub server: PathBuf,
    /// Its key.
    pub server_key: PathBuf,
    /// The hub's certificate towards adapters.
    pub hub: PathBuf,
    /// Its key.
    pub hub_key: PathBuf,
    /// The token issuer's public key.
    pub issuer: PathBuf,
    /// The token issuer's private key.
    pub issuer_key: PathBuf,
    /// The sealing key.
    pub seal: PathBuf,
    /// The key that the hub's questions are signed with.
    pub context_key: PathBuf,
    /// Its public half, a JWK set for departments to pin.
    pub hub_keys: PathBuf,
    /// The folder of the departments' keys of answers: `hrss.key`, `hrss.pem`.
    pub answers: PathBuf,
}

impl TrialKeys {
    /// The keys that [`TrialKeys::write`] has written into `folder`.
    pub fn of(folder: &Path) -> Self {
        let file = |name: &str| folder.join(name);
        Self {
            ca: file("ca.pem"),
            server: file("server.pem"),
            server_key: file("server.key"),
            hub: file("hub.pem"),
            hub_key: file("hub.key"),
            issuer: file("issuer.pem"),
            issuer_key: file("issuer.key"),
            seal: file("seal.key"),
            context_key: file("context.key"),
            hub_keys: file("hub-keys.json"),
            answers: file("answers"),
        }
    }

    /// Makes the keys and writes them into `folder`, readable by their owner only.
    pub fn write(folder: &Path, randomness: &dyn Randomness) -> Result<Self, KeysError> {
        let keys = Self::of(folder);
        std::fs::create_dir_all(folder).map_err(|source| KeysError::File { file: folder.to_owned(), source })?;
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(DnType::CommonName, "Hedui trial authority");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        write_secret(&keys.ca, &authority.pem())?;
        for (name, names, usage, certificate, key) in [
            (
                "Hedui trial server",
                vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()],
                ExtendedKeyUsagePurpose::ServerAuth,
                &keys.server,
                &keys.server_key,
            ),
            ("Hedui trial hub", Vec::new(), ExtendedKeyUsagePurpose::ClientAuth, &keys.hub, &keys.hub_key),
        ] {
            let mut params = CertificateParams::new(names)?;
            params.distinguished_name.push(DnType::CommonName, name);
            params.extended_key_usages = vec![usage];
            params.use_authority_key_identifier_extension = true;
            let pair = KeyPair::generate()?;
            write_secret(certificate, &params.signed_by(&pair, &authority)?.pem())?;
            write_secret(key, &pair.serialize_pem())?;
        }
        let issuer = KeyPair::generate()?;
        write_secret(&keys.issuer, &issuer.public_key_pem())?;
        write_secret(&keys.issuer_key, &issuer.serialize_pem())?;
        let mut secret = [0_u8; 32];
        randomness.fill(&mut secret);
        let mut hex = String::with_capacity(65);
        for byte in secret {
            write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        }
        hex.push('\n');
        write_secret(&keys.seal, &hex)?;
        keys.write_proofs()?;
        Ok(keys)
    }

    /// Makes the keys that questions and answers are signed with.
    fn write_proofs(&self) -> Result<(), KeysError> {
        let context = KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
        write_secret(&self.context_key, &context.serialize_pem())?;
        let public = PublicKey::parse_all(&context.public_key_pem()).map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
        let jwks = serde_json::json!({ "keys": public.iter().map(PublicKey::to_jwk).collect::<Vec<_>>() });
        write_secret(&self.hub_keys, &jwks.to_string())?;
        std::fs::create_dir_all(&self.answers)
            .map_err(|source| KeysError::File { file: self.answers.clone(), source })?;
        for department in Catalogue::shipped().departments() {
            let pair = KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
            write_secret(&self.answer_key(department.id.as_str(), "key"), &pair.serialize_pem())?;
            write_secret(&self.answer_key(department.id.as_str(), "pem"), &pair.public_key_pem())?;
        }
        Ok(())
    }

    /// A department's key of answers: `key` is the private half, `pem` the public one.
    pub fn answer_key(&self, department: &str, half: &str) -> PathBuf {
        self.answers.join(format!("{department}.{half}"))
    }
}

/// Writes a file that only its owner can read.
pub(super) fn write_secret(file: &Path, text: &str) -> Result<(), KeysError> {
    use std::io::Write as _;
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let failed = |source| KeysError::File { file: file.to_owned(), source };
    let mut open = std::fs::OpenOptions::new();
    let mut handle = open.write(true).create(true).truncate(true).mode(0o600).open(file).map_err(failed)?;
    // A file that was there before keeps the permissions it had.
    handle.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    handle.write_all(text.as_bytes()).map_err(failed)
}

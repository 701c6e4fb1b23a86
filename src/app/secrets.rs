//! Whether the secrets that settings name are kept as secrets are: read by the hub's own account alone, drawn at random,
//! long enough. A hub in production does not start otherwise; one on trial says so and goes on.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use zeroize::Zeroizing;

use crate::config::{Config, Mode, WitnessConfig};
use crate::domain::problem::Text;
use crate::seal::strength::{is_weak, is_weak_hex};

/// Fewest bits of an RSA key.
const RSA_BITS: usize = 2048;
/// The account that may own what others only read.
const ROOT: u32 = 0;

/// Something that gives a secret away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insecure {
    setting: &'static str,
    what: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    /// Others can read or write the file.
    Open { file: PathBuf, mode: u32 },
    /// The file is somebody else's.
    Foreign { file: PathBuf, owner: u32, own: u32 },
    /// Nobody drew the key.
    Weak { file: PathBuf, draw: &'static str },
    /// The key of this certificate is too short.
    Short { file: PathBuf, bits: usize },
    /// Tokens of an issuer without TLS.
    Http { issuer: String },
}

impl Insecure {
    /// The fault in both languages, with what mends it.
    pub fn text(&self) -> Text {
        let setting = self.setting;
        match &self.what {
            Fault::Open { file, mode } => {
                let (shown, quoted) = (file.display(), Quoted(file));
                Text::new(
                    format!("{setting}：{shown} 可被其他账户读写（权限 {mode:04o}）：请执行 chmod 600 {quoted}"),
                    format!(
                        "{setting}: other accounts can read or write {shown} (mode {mode:04o}): chmod 600 {quoted}"
                    ),
                )
            }
            Fault::Foreign { file, owner, own } => {
                let (shown, quoted) = (file.display(), Quoted(file));
                Text::new(
                    format!(
                        "{setting}：{shown} 属于账户 {owner}，而平台以账户 {own} 运行：请执行 chown {own} {quoted} && chmod 600 {quoted}"
                    ),
                    format!(
                        "{setting}: {shown} belongs to the account {owner} and the hub runs as {own}: chown {own} {quoted} && chmod 600 {quoted}"
                    ),
                )
            }
            Fault::Weak { file, draw } => {
                let shown = file.display();
                Text::new(
                    format!(
                        "{setting}：{shown} 中的密钥不是随机生成的（全零、重复、递增或示例值）：请以 {draw} 重新生成"
                    ),
                    format!(
                        "{setting}: the key in {shown} was not drawn at random (zeros, repetition, counting, or an example's): make another one with {draw}"
                    ),
                )
            }
            Fault::Short { file, bits } => {
                let shown = file.display();
                Text::new(
                    format!("{setting}：{shown} 的 RSA 密钥只有 {bits} 位，至少应为 {RSA_BITS} 位：请换用 P-256 密钥"),
                    format!(
                        "{setting}: the RSA key of {shown} has {bits} bits and needs {RSA_BITS} at least: use a key on P-256"
                    ),
                )
            }
            Fault::Http { issuer } => Text::new(
                format!("{setting}：签发方 `{issuer}` 使用明文 http，其身份无法证实：请改为 https 地址"),
                format!(
                    "{setting}: the issuer `{issuer}` is named by plain http, where nobody proves who it is: give its https address"
                ),
            ),
        }
    }
}

/// A path as a shell takes it.
struct Quoted<'a>(&'a Path);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.display().to_string();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'+');
        if !text.is_empty() && text.bytes().all(is_plain) {
            formatter.write_str(&text)
        } else {
            write!(formatter, "'{}'", text.replace('\'', "'\\''"))
        }
    }
}

/// What is in a file with a secret.
#[derive(Clone, Copy)]
enum Kind {
    /// 64 hexadecimal digits.
    Sealing,
    /// A key of signed notes.
    Note,
    /// A private key, PEM; its length is seen in its certificate.
    Pem,
}

/// What of a hub's settings gives secrets away. Files that cannot be read are told of where they are needed.
pub fn of_hub(config: &Config) -> Vec<Insecure> {
    let seal = &config.seal;
    let mut faults = Vec::new();
    let mut secret = |setting, file: &Path, kind| check_secret(&mut faults, setting, file, kind);
    secret("[seal] key_file", &seal.key_file, Kind::Sealing);
    for file in &seal.former_key_files {
        secret("[seal] former_key_files", file, Kind::Sealing);
    }
    if let Some(file) = &config.access_log.key_file {
        secret("[access_log] key_file", file, Kind::Note);
    }
    secret("[listen] private_key", &config.listen.private_key, Kind::Pem);
    secret("[federation] private_key", &config.federation.private_key, Kind::Pem);
    if let Some(file) = &config.federation.context_key {
        secret("[federation] context_key", file, Kind::Pem);
    }
    if let Some(peering) = &config.peering {
        if let Some(file) = &peering.answer_key {
            secret("[peering] answer_key", file, Kind::Pem);
        }
        if let Some(listen) = &peering.listen {
            secret("[peering.listen] private_key", &listen.private_key, Kind::Pem);
        }
    }
    check_certificate(&mut faults, "[listen] certificate", &config.listen.certificate);
    check_certificate(&mut faults, "[federation] certificate", &config.federation.certificate);
    for issuer in config.auth.issuers.iter().filter(|issuer| is_plain_http(&issuer.name)) {
        let what = Fault::Http { issuer: issuer.name.clone() };
        faults.push(Insecure { setting: "[[auth.issuer]] name", what });
    }
    faults
}

/// What of a witness's settings gives secrets away.
pub fn of_witness(config: &WitnessConfig) -> Vec<Insecure> {
    let mut faults = Vec::new();
    check_secret(&mut faults, "key_file", &config.key_file, Kind::Note);
    if let Some(file) = &config.private_key {
        check_secret(&mut faults, "private_key", file, Kind::Pem);
    }
    if let Some(file) = &config.certificate {
        check_certificate(&mut faults, "certificate", file);
    }
    faults
}

/// Faults that forbid to start; on trial they are told of and none of them does.
pub(super) fn forbidding(faults: Vec<Insecure>, mode: Mode) -> Result<(), Vec<Insecure>> {
    match mode {
        _ if faults.is_empty() => Ok(()),
        Mode::Production => Err(faults),
        Mode::Trial => {
            for fault in faults {
                let text = fault.text();
                tracing::warn!(
                    why = text.en,
                    why_zh = text.zh,
                    "a secret is not kept as one; in production this hub would not start"
                );
            }
            Ok(())
        }
    }
}

fn is_plain_http(name: &str) -> bool {
    name.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
}

fn check_secret(faults: &mut Vec<Insecure>, setting: &'static str, file: &Path, kind: Kind) {
    if let Ok(metadata) = std::fs::metadata(file)
        && let Some(what) = kept_badly(file, metadata.mode() & 0o7777, metadata.uid(), own_account())
    {
        faults.push(Insecure { setting, what });
    }
    let Ok(text) = std::fs::read_to_string(file).map(Zeroizing::new) else { return };
    let draw = match kind {
        Kind::Sealing if is_weak_hex(&text) => "`openssl rand -hex 32`",
        Kind::Note if is_weak_note_key(&text) => "`hedui log keygen`",
        _ => return,
    };
    faults.push(Insecure { setting, what: Fault::Weak { file: file.to_owned(), draw } });
}

/// A file is its reader's own and nobody else's, or the system's and lent to the reader's group for reading alone.
fn kept_badly(file: &Path, mode: u32, owner: u32, own: Option<u32>) -> Option<Fault> {
    let own = own.unwrap_or(owner);
    let is_lent = owner == ROOT && own != ROOT;
    if owner != own && !is_lent {
        return Some(Fault::Foreign { file: file.to_owned(), owner, own });
    }
    let forbidden = if is_lent { 0o037 } else { 0o077 };
    (mode & forbidden != 0).then(|| Fault::Open { file: file.to_owned(), mode })
}

/// The account that runs this; none where the system does not say.
fn own_account() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|me| me.uid())
}

/// Whether the seed of a key of signed notes was not drawn: `PRIVATE+KEY+name+hash+base64(kind, seed)`.
fn is_weak_note_key(text: &str) -> bool {
    let encoded = text.trim().rsplit('+').next().unwrap_or_default();
    // The encoding itself may hold a plus sign, so the last part may be a piece of it; a weak seed has none.
    let decoded = STANDARD.decode(encoded).map(Zeroizing::new).unwrap_or_default();
    decoded.split_first().is_some_and(|(_, seed)| seed.len() == 32 && is_weak(seed))
}

fn check_certificate(faults: &mut Vec<Insecure>, setting: &'static str, file: &Path) {
    let Ok(mut chain) = CertificateDer::pem_file_iter(file) else { return };
    let Some(Ok(certificate)) = chain.next() else { return };
    let Ok((_, certificate)) = X509Certificate::from_der(&certificate) else { return };
    if let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed()
        && key.key_size() < RSA_BITS
    {
        let what = Fault::Short { file: file.to_owned(), bits: key.key_size() };
        faults.push(Insecure { setting, what });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_for_its_own_account_or_lent_by_the_system() {
        let kept = |mode, owner, own| kept_badly(Path::new("k"), mode, owner, Some(own)).is_none();
        assert!(kept(0o600, 1000, 1000) && kept(0o400, 1000, 1000) && kept(0o600, 0, 0));
        assert!(kept(0o640, 0, 1000) && kept(0o440, 0, 1000), "root's, lent to the hub's group");
        for mode in [0o640, 0o604, 0o660, 0o644, 0o620, 0o601, 0o777] {
            assert!(!kept(mode, 1000, 1000), "{mode:o}");
        }
        assert!(!kept(0o640, 0, 0), "root has no need of a group");
        assert!(!kept(0o644, 0, 1000) && !kept(0o660, 0, 1000) && !kept(0o650, 0, 1000));
        assert!(!kept(0o600, 1001, 1000), "somebody else's");
    }

    #[test]
    fn a_path_with_odd_characters_is_quoted_for_the_shell() {
        assert_eq!(Quoted(Path::new("/a/b-c.key")).to_string(), "/a/b-c.key");
        assert_eq!(Quoted(Path::new("/a b/it's;rm")).to_string(), "'/a b/it'\\''s;rm'");
    }

    #[test]
    fn a_note_key_that_nobody_drew_is_weak() {
        let weak = |seed: [u8; 32]| {
            is_weak_note_key(&format!("PRIVATE+KEY+log+00000000+{}", STANDARD.encode([&[1], &seed[..]].concat())))
        };
        assert!(weak([0; 32]) && weak([7; 32]));
        assert!(!is_weak_note_key("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"));
        assert!(!is_weak_note_key("") && !is_weak_note_key("+"));
    }
}

//! The signature of a report: a detached JWS (RFC 7515, Ed25519) over its canonical JSON (RFC 8785).
//!
//! The signature stands in the document as `signature`; what is signed is the document without it. The
//! public key travels in the protected header, so that a report can be checked by itself; whose key it is, is
//! told apart by its thumbprint (RFC 7638), which the department tells the hub once.

use std::io::Write as _;
use std::path::Path;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::report::{Report, SCHEMA};
use crate::error::Text;

/// Largest report that is read, in bytes.
pub const MAX_REPORT: usize = 8 * 1024 * 1024;

const TYPE: &str = "hedui-conformance";

/// The key that a department signs its reports with.
pub struct ReportKey(Ed25519KeyPair);

impl std::fmt::Debug for ReportKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "ReportKey({})", self.id())
    }
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("the key file cannot be used: {0}; check its folder and permissions, or give another one with --key")]
    File(#[from] std::io::Error),
    /// It holds no Ed25519 key.
    #[error(
        "the key file holds no Ed25519 private key in PEM (PKCS #8); give another one with --key, or a name that is \
         not taken yet, and a key is made"
    )]
    Form,
    /// Other accounts can use it.
    #[error("the key file can be read by other accounts; run chmod 600 on it, or make another key")]
    OpenToOthers,
    /// The machine gave no randomness.
    #[error("no key could be made: the system gave no random numbers")]
    Randomness,
}

impl KeyError {
    /// The error for people.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::File(cause) => {
                format!("密钥文件不可用：{}；核对文件夹和权限，或用 --key 另指一个", crate::words::of_system(cause))
            }
            Self::Form => {
                "密钥文件里没有 PEM（PKCS #8）格式的 Ed25519 私钥；用 --key 另指一个，指向还不存在的文件就会新做一把"
                    .to_owned()
            }
            Self::OpenToOthers => "密钥文件别的账号也能读；请 chmod 600，或另做一把".to_owned(),
            Self::Randomness => "做不成密钥：系统没有给随机数".to_owned(),
        };
        Text::new(zh, self.to_string())
    }

    /// Stable code.
    pub const fn code(&self) -> &'static str {
        "report_key"
    }
}

/// Why a report is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is not of the form.
    #[error("this is not a conformance report of a form this build reads; make it again with this version")]
    Form,
    /// There is no signature, or none of the form.
    #[error("the report has no signature of the right form; ask for the file as the command wrote it")]
    Unsigned,
    /// The signature does not belong to the contents.
    #[error(
        "the signature does not belong to these contents: the report was altered after it was signed; ask for it again"
    )]
    Altered,
    /// It is signed, by another key than the one that was named.
    #[error("the report is signed, by another key than the one given; compare the thumbprints with the department")]
    OtherKey,
    /// The page shows something else than the signed report in it.
    #[error(
        "the report inside the page is sound, and the page shows something else (or was written by another version); \
         go by the JSON file"
    )]
    OtherPage,
}

impl VerifyError {
    /// Stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Form => "report_form",
            Self::Unsigned => "report_unsigned",
            Self::Altered => "report_altered",
            Self::OtherKey => "report_other_key",
            Self::OtherPage => "report_other_page",
        }
    }

    /// The error for people.
    pub fn text(self) -> Text {
        let zh = match self {
            Self::Form => "这不是本程序认识的一致性报告；请用这个版本重新生成",
            Self::Unsigned => "报告没有合格的签名；请索要命令写出的原文件",
            Self::Altered => "签名和内容对不上：报告在签名之后被改过；请重新索要",
            Self::OtherKey => "报告有签名，但不是用所指的密钥签的；请与部门核对指纹",
            Self::OtherPage => "页面里的报告本身可信，但页面显示的不是它（或由另一版本写出）；以 JSON 文件为准",
        };
        Text::new(zh, self.to_string())
    }
}

/// A report whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The report.
    pub report: Report,
    /// Thumbprint of the key it is signed with (RFC 7638, base64url).
    pub key_id: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    jwk: Jwk,
    kid: String,
    typ: String,
}

/// Its members stand in the order of RFC 7638, so that its JSON is what the thumbprint is taken of.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    crv: String,
    kty: String,
    x: String,
}

impl Jwk {
    fn of(public: &[u8]) -> Self {
        Self { crv: "Ed25519".to_owned(), kty: "OKP".to_owned(), x: URL_SAFE_NO_PAD.encode(public) }
    }

    fn thumbprint(&self) -> String {
        let json = serde_json::to_vec(self).expect("three texts are JSON");
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &json))
    }
}

impl ReportKey {
    /// Reads the key of a file, or makes one where there is no file, for its owner only. The second value says
    /// that it was made.
    pub fn read_or_make(file: &Path) -> Result<(Self, bool), KeyError> {
        match std::fs::read(file) {
            Ok(pem) => {
                private(file)?;
                let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| KeyError::Form)?;
                let pair = Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| KeyError::Form)?;
                Ok((Self(pair), false))
            }
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                let made = Self::generate()?;
                let der = made.0.to_pkcs8().map_err(|_| KeyError::Randomness)?;
                let mut options = std::fs::OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let mut out = options.open(file)?;
                let body = STANDARD.encode(der.as_ref());
                let lines: Vec<&str> =
                    body.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok()).collect();
                let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
                writeln!(out, "{begin}\n{}\n{end}", lines.join("\n"))?;
                out.sync_all()?;
                Ok((made, true))
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// A key that is kept nowhere.
    pub fn generate() -> Result<Self, KeyError> {
        Ed25519KeyPair::generate().map(Self).map_err(|_| KeyError::Randomness)
    }

    /// Its thumbprint (RFC 7638, base64url).
    pub fn id(&self) -> String {
        Jwk::of(self.0.public_key().as_ref()).thumbprint()
    }

    /// The report as a JSON document with its signature.
    pub fn sign(&self, report: &Report) -> Value {
        let mut document = serde_json::to_value(report).expect("a report is JSON");
        let jws = self.jws(&canonical(&document));
        let (header, rest) = jws.split_once('.').unwrap_or_default();
        let signature = rest.rsplit_once('.').map(|(_, signature)| signature).unwrap_or_default();
        if let Some(members) = document.as_object_mut() {
            members.insert("signature".to_owned(), format!("{header}..{signature}").into());
        }
        document
    }

    /// A compact JWS of a payload.
    fn jws(&self, payload: &[u8]) -> String {
        let jwk = Jwk::of(self.0.public_key().as_ref());
        let kid = jwk.thumbprint();
        let header = Header { alg: "EdDSA".to_owned(), jwk, kid, typ: TYPE.to_owned() };
        let header = serde_json::to_vec(&header).expect("a header is JSON");
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.0.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[cfg(unix)]
fn private(file: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let open = std::fs::metadata(file)?.permissions().mode() & 0o077 != 0;
    if open { Err(KeyError::OpenToOthers) } else { Ok(()) }
}

#[cfg(not(unix))]
fn private(_file: &Path) -> Result<(), KeyError> {
    Ok(())
}

fn canonical(document: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(document).expect("texts and whole numbers have a canonical form")
}

/// Checks the signature of a report in JSON, and gives the report with the thumbprint of the key that signed it.
/// Whose key that is, the caller has to know.
pub fn verify(document: &[u8]) -> Result<Verified, VerifyError> {
    if document.len() > MAX_REPORT {
        return Err(VerifyError::Form);
    }
    let mut document: Value = serde_json::from_slice(document).map_err(|_| VerifyError::Form)?;
    if document.get("schema").and_then(Value::as_str) != Some(SCHEMA) {
        return Err(VerifyError::Form);
    }
    let signature = document.as_object_mut().and_then(|members| members.remove("signature"));
    let Some(Value::String(jws)) = signature else { return Err(VerifyError::Unsigned) };
    let (encoded, signature) = jws.split_once("..").ok_or(VerifyError::Unsigned)?;
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| VerifyError::Unsigned);
    let header: Header = serde_json::from_slice(&decoded(encoded)?).map_err(|_| VerifyError::Unsigned)?;
    let known = header.alg == "EdDSA" && header.typ == TYPE && header.jwk.kty == "OKP" && header.jwk.crv == "Ed25519";
    if !known || header.kid != header.jwk.thumbprint() {
        return Err(VerifyError::Unsigned);
    }
    let signed = format!("{encoded}.{}", URL_SAFE_NO_PAD.encode(canonical(&document)));
    let key = UnparsedPublicKey::new(&ED25519, decoded(&header.jwk.x)?);
    key.verify(signed.as_bytes(), &decoded(signature)?).map_err(|_| VerifyError::Altered)?;
    let report = serde_json::from_value(document).map_err(|_| VerifyError::Form)?;
    Ok(Verified { report, key_id: header.kid })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conform::report::{Counts, Subject};

    fn report() -> Report {
        Report {
            schema: SCHEMA.to_owned(),
            adapter: Subject { id: "housing".into(), version: "1".into(), name: Text::new("住建𠮷", "Housing") },
            connector_sha256: "00".repeat(32),
            program: "hedui-adapter 0".into(),
            made_at: jiff::Timestamp::UNIX_EPOCH,
            against: None,
            certificate_key: None,
            asked_level: 2,
            level: Some(2),
            counts: Counts::default(),
            summary: Text::same("x"),
            results: Vec::new(),
        }
    }

    #[test]
    fn a_signed_report_is_believed_however_its_json_is_laid_out_and_no_longer_once_altered() {
        let key = ReportKey::generate().unwrap();
        let signed = key.sign(&report());
        for text in [signed.to_string(), format!("{signed:#}")] {
            let verified = verify(text.as_bytes()).unwrap();
            assert_eq!((verified.report, verified.key_id), (report(), key.id()));
        }
        let mut altered = signed.clone();
        altered["level"] = 4.into();
        assert_eq!(verify(altered.to_string().as_bytes()), Err(VerifyError::Altered));
        let mut more = signed.clone();
        more["approved"] = true.into();
        assert_eq!(verify(more.to_string().as_bytes()), Err(VerifyError::Altered));
        let mut unsigned = signed.clone();
        unsigned.as_object_mut().unwrap().remove("signature");
        assert_eq!(verify(unsigned.to_string().as_bytes()), Err(VerifyError::Unsigned));
        for garbage in [&b""[..], b"[]", b"{}", b"\xff"] {
            assert_eq!(verify(garbage), Err(VerifyError::Form));
        }
    }

    #[test]
    fn a_header_that_names_no_algorithm_or_another_key_is_refused() {
        let (key, other) = (ReportKey::generate().unwrap(), ReportKey::generate().unwrap());
        let signed = key.sign(&report());
        let jws = signed["signature"].as_str().unwrap().to_owned();
        let (header, signature) = jws.split_once("..").unwrap();
        let header = String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        for (from, to, expected) in [
            ("EdDSA".to_owned(), "none".to_owned(), VerifyError::Unsigned),
            (key.id(), other.id(), VerifyError::Unsigned),
            (r#""typ":"hedui-conformance""#.to_owned(), r#""typ":"JWT""#.to_owned(), VerifyError::Unsigned),
            (r#"{"alg""#.to_owned(), r#"{ "alg""#.to_owned(), VerifyError::Altered),
        ] {
            let mut forged = signed.clone();
            let header = URL_SAFE_NO_PAD.encode(header.replace(&from, &to));
            forged["signature"] = format!("{header}..{signature}").into();
            assert_eq!(verify(forged.to_string().as_bytes()), Err(expected), "{from}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_is_made_once_for_its_owner_only_and_one_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.key");
        let (made, new) = ReportKey::read_or_make(&file).unwrap();
        assert!(new && std::fs::metadata(&file).unwrap().permissions().mode() & 0o777 == 0o600);
        let (read, new) = ReportKey::read_or_make(&file).unwrap();
        assert!(!new && read.id() == made.id());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(ReportKey::read_or_make(&file), Err(KeyError::OpenToOthers)));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&file, "x").unwrap();
        assert!(matches!(ReportKey::read_or_make(&file), Err(KeyError::Form)));
    }
}

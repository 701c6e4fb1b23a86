//! Signed answers: HTTP message signatures (RFC 9421) over `Content-Digest` (RFC 9530), in the one form the protocol
//! uses.
//!
//! An answer's signature covers its status, the digest of its body, and the digest of the question's body
//! (`"content-digest";req`); its `nonce` is the question's id. So it cannot stand for another answer, nor for the answer
//! to another question. Other covered components are refused: what they were could not be told later. Libraries for all
//! of RFC 9421 are many times this size and bring a second implementation of Ed25519.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::keys::{PrivateKey, PublicKey, is_id, sha256};

/// The field of RFC 9530, in lower case.
pub const CONTENT_DIGEST: &str = "content-digest";
/// The field that says what is signed and how.
pub const SIGNATURE_INPUT: &str = "signature-input";
/// The field of the signature itself.
pub const SIGNATURE: &str = "signature";
/// The `tag` of an answer's signature: no signature made for something else passes for one.
pub const TAG: &str = "hedui-answer";
/// How the adapters of this package name the signature.
const LABEL: &str = "answer";
/// What is covered, as identifiers of RFC 9421 section 2.
const STATUS: &str = "\"@status\"";
const DIGEST: &str = "\"content-digest\"";
const QUESTION: &str = "\"content-digest\";req";
/// Longest field that is read, bytes.
const MAX_FIELD: usize = 1024;

/// Why fields are no signature of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The answer has no signature tagged as one of an answer.
    #[error("the answer is not signed")]
    Missing,
    /// The fields do not have the form of RFC 9421, or cover something else than they must.
    #[error("the signature does not have the form that is agreed, or does not cover what it must")]
    Form,
}

/// The value of `Content-Digest` for a body: SHA-256.
pub fn content_digest(body: &[u8]) -> String {
    digests(body).0
}

/// The value of `Content-Digest` for a body, and the same digest as contexts write it.
pub fn digests(body: &[u8]) -> (String, String) {
    let digest = sha256(body);
    let mut value = String::with_capacity(54);
    value.push_str("sha-256=:");
    STANDARD.encode_string(digest, &mut value);
    value.push(':');
    (value, URL_SAFE_NO_PAD.encode(digest))
}

/// Whether a `Content-Digest` says SHA-256 of this body. A field with other digests beside it is taken by that one.
pub fn is_digest_of(value: &str, body: &[u8]) -> bool {
    let mut of_sha256 = value.split(',').map(str::trim).filter(|member| member.starts_with("sha-256="));
    matches!((of_sha256.next(), of_sha256.next()), (Some(one), None) if one == content_digest(body))
}

/// What an answer's signature covers besides its own parameters.
#[derive(Debug, Clone, Copy)]
pub struct Covered<'a> {
    /// The status of the answer.
    pub status: u16,
    /// Its `Content-Digest`.
    pub digest: &'a str,
    /// The `Content-Digest` of the question.
    pub question: &'a str,
}

/// The fields of a signed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// `Signature-Input`.
    pub input: String,
    /// `Signature`.
    pub signature: String,
}

/// Signs an answer to the question of this id. `created` is in seconds since 1970.
pub fn sign(key: &PrivateKey, covered: Covered<'_>, question_id: &str, created: i64) -> Fields {
    let parameters = format!(
        "({STATUS} {DIGEST} {QUESTION});created={created};keyid=\"{}\";nonce=\"{question_id}\";tag=\"{TAG}\"",
        key.public().id()
    );
    let base = base(&[STATUS, DIGEST, QUESTION].map(str::to_owned), &parameters, covered);
    let signature = STANDARD.encode(key.sign(base.as_bytes()));
    Fields { input: format!("{LABEL}={parameters}"), signature: format!("{LABEL}=:{signature}:") }
}

/// A signature as it was read; whether it is good is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerSignature {
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// The key it says it was made with.
    pub key_id: String,
    /// The question it says it answers.
    pub question_id: String,
    components: Vec<String>,
    parameters: String,
    signature: Vec<u8>,
}

impl AnswerSignature {
    /// Reads the fields of an answer. Signatures with other tags beside it do not matter.
    pub fn read(input: &str, signature: &str) -> Result<Self, SignatureError> {
        if input.len() > MAX_FIELD || signature.len() > MAX_FIELD {
            return Err(SignatureError::Form);
        }
        let mut found = None;
        let mut rest = Reader(input);
        loop {
            let label = rest.key().ok_or(SignatureError::Form)?.to_owned();
            rest.take("=").ok_or(SignatureError::Form)?;
            let list = rest.inner_list().ok_or(SignatureError::Form)?;
            if list.parameter("tag") == Some(&Item::Text(TAG.to_owned())) && found.replace((label, list)).is_some() {
                return Err(SignatureError::Form);
            }
            if rest.0.is_empty() {
                break;
            }
            rest.comma().ok_or(SignatureError::Form)?;
        }
        let (label, list) = found.ok_or(SignatureError::Missing)?;
        let bytes = bytes_of(signature, &label).ok_or(SignatureError::Form)?;
        Self::of(list, bytes).ok_or(SignatureError::Form)
    }

    fn of(list: InnerList, signature: Vec<u8>) -> Option<Self> {
        let components: Vec<String> =
            list.items.iter().map(|(name, parameters)| identifier(name, parameters)).collect();
        let mut sorted: Vec<&str> = components.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        let (Some(Item::Number(created)), Some(Item::Text(key_id)), Some(Item::Text(question_id))) =
            (list.parameter("created"), list.parameter("keyid"), list.parameter("nonce"))
        else {
            return None;
        };
        let is_ed25519 = list.parameter("alg").is_none_or(|alg| *alg == Item::Text("ed25519".to_owned()));
        if sorted != [STATUS, DIGEST, QUESTION] || !is_ed25519 || !is_id(key_id) || signature.len() != 64 {
            return None;
        }
        let (created, key_id, question_id) = (*created, key_id.clone(), question_id.clone());
        Some(Self { created, key_id, question_id, parameters: list.to_string(), components, signature })
    }

    /// Whether this key made it over what it covers: one Ed25519 verification.
    pub fn is_by(&self, key: &PublicKey, covered: Covered<'_>) -> bool {
        key.verify(base(&self.components, &self.parameters, covered).as_bytes(), &self.signature)
    }
}

/// The signature base (RFC 9421 section 2.5).
fn base(components: &[String], parameters: &str, covered: Covered<'_>) -> String {
    let mut base = String::with_capacity(400);
    for component in components {
        let written = match component.as_str() {
            STATUS => writeln!(base, "{component}: {}", covered.status),
            DIGEST => writeln!(base, "{component}: {}", covered.digest),
            _ => writeln!(base, "{component}: {}", covered.question),
        };
        written.expect("writing to a string cannot fail");
    }
    write!(base, "\"@signature-params\": {parameters}").expect("writing to a string cannot fail");
    base
}

/// The bytes of one member of a dictionary of byte sequences.
fn bytes_of(field: &str, label: &str) -> Option<Vec<u8>> {
    let mut rest = Reader(field);
    let mut found = None;
    loop {
        let key = rest.key()?.to_owned();
        rest.take("=")?;
        let bytes = rest.bytes()?;
        // A later member of the same name stands for the earlier one (RFC 8941 section 3.2).
        if key == label {
            found = Some(bytes);
        }
        if rest.0.is_empty() {
            return found;
        }
        rest.comma()?;
    }
}

/// A bare item of a structured field (RFC 8941), of the kinds that signature parameters have.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Number(i64),
    Text(String),
    Flag,
}

type Parameters = Vec<(String, Item)>;

/// An inner list of strings, with parameters.
#[derive(Debug)]
struct InnerList {
    items: Vec<(String, Parameters)>,
    parameters: Parameters,
}

impl InnerList {
    fn parameter(&self, name: &str) -> Option<&Item> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, item)| item)
    }
}

/// As RFC 8941 section 4.1 writes it: what `@signature-params` is.
impl std::fmt::Display for InnerList {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let items: Vec<String> = self.items.iter().map(|(name, parameters)| identifier(name, parameters)).collect();
        write!(formatter, "({}){}", items.join(" "), told(&self.parameters))
    }
}

fn identifier(name: &str, parameters: &Parameters) -> String {
    format!("\"{}\"{}", escaped(name), told(parameters))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn told(parameters: &Parameters) -> String {
    let one = |(key, item): &(String, Item)| match item {
        Item::Number(number) => format!(";{key}={number}"),
        Item::Text(text) => format!(";{key}=\"{}\"", escaped(text)),
        Item::Flag => format!(";{key}"),
    };
    parameters.iter().map(one).collect()
}

/// Reads a structured field from its front.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn take(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn while_in(&mut self, is_in: impl Fn(u8) -> bool) -> &'a str {
        let end = self.0.bytes().position(|byte| !is_in(byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at_checked(end).unwrap_or((self.0, ""));
        self.0 = rest;
        taken
    }

    fn comma(&mut self) -> Option<()> {
        self.while_in(|byte| byte == b' ');
        self.take(",")?;
        self.while_in(|byte| byte == b' ');
        Some(())
    }

    fn key(&mut self) -> Option<&'a str> {
        let is_first = |byte: u8| byte.is_ascii_lowercase() || byte == b'*';
        if !self.0.bytes().next().is_some_and(is_first) {
            return None;
        }
        Some(self.while_in(|byte| is_first(byte) || byte.is_ascii_digit() || b"_-.".contains(&byte)))
    }

    fn text(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut text = String::new();
        loop {
            let first = self.0.chars().next()?;
            self.0 = self.0.get(first.len_utf8()..)?;
            match first {
                '"' => return Some(text),
                '\\' => {
                    let second = self.0.chars().next().filter(|second| matches!(second, '"' | '\\'))?;
                    self.0 = self.0.get(1..)?;
                    text.push(second);
                }
                ' '..='~' => text.push(first),
                _ => return None,
            }
        }
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        self.take(":")?;
        let encoded = self.while_in(|byte| byte != b':');
        self.take(":")?;
        STANDARD.decode(encoded).ok()
    }

    fn parameters(&mut self) -> Option<Parameters> {
        let mut parameters = Parameters::new();
        while self.take(";").is_some() {
            self.while_in(|byte| byte == b' ');
            let key = self.key()?.to_owned();
            let item = if self.take("=").is_none() {
                Item::Flag
            } else if self.0.starts_with('"') {
                Item::Text(self.text()?)
            } else {
                // At most fifteen digits (RFC 8941 section 3.3.1), and a time in this use: never less than nothing.
                let digits = self.while_in(|byte| byte.is_ascii_digit());
                Item::Number(digits.parse().ok().filter(|_| digits.len() <= 15)?)
            };
            // Which of two would count is no question that a signature may leave open.
            if parameters.iter().any(|(known, _)| *known == key) {
                return None;
            }
            parameters.push((key, item));
        }
        Some(parameters)
    }

    fn inner_list(&mut self) -> Option<InnerList> {
        self.take("(")?;
        let mut items = Vec::new();
        loop {
            self.while_in(|byte| byte == b' ');
            if self.take(")").is_some() {
                return Some(InnerList { items, parameters: self.parameters()? });
            }
            let name = self.text()?;
            items.push((name, self.parameters()?));
            if !self.0.starts_with([' ', ')']) {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COVERED: Covered<'static> = Covered { status: 200, digest: "sha-256=:AA==:", question: "sha-256=:AQ==:" };

    fn key() -> PrivateKey {
        // The key of RFC 9421 appendix B.1.4.
        PrivateKey::from_seed(&URL_SAFE_NO_PAD.decode("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU").unwrap()).unwrap()
    }

    /// RFC 9421 appendix B.2.6: the list is read and written as it stands, and the signature over its base comes out.
    #[test]
    fn the_ed25519_vector_of_rfc_9421_comes_out() {
        let parameters = r#"("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#;
        let mut reader = Reader(parameters);
        let list = reader.inner_list().unwrap();
        assert_eq!((list.to_string().as_str(), reader.0), (parameters, ""));
        let values = ["Tue, 20 Apr 2021 02:07:55 GMT", "POST", "/foo", "example.com", "application/json", "18"];
        let mut base = String::new();
        for ((name, parameters), value) in list.items.iter().zip(values) {
            writeln!(base, "{}: {value}", identifier(name, parameters)).unwrap();
        }
        write!(base, "\"@signature-params\": {list}").unwrap();
        let expected = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
        assert_eq!(STANDARD.encode(key().sign(base.as_bytes())), expected);
        assert!(
            key().public().verify(base.as_bytes(), &bytes_of(&format!("sig-b26=:{expected}:"), "sig-b26").unwrap())
        );
    }

    /// RFC 9421 section 2.4: a component of the question in the signature of an answer.
    #[test]
    fn components_of_the_question_are_written_as_the_rfc_writes_them() {
        let text = r#"("@status" "content-digest" "content-type" "@authority";req "@method";req "signature";req;key="sig1");created=1618884479"#;
        let list = Reader(text).inner_list().unwrap();
        assert_eq!(list.to_string(), text);
        assert_eq!(identifier(&list.items[5].0, &list.items[5].1), r#""signature";req;key="sig1""#);
    }

    /// RFC 9530 appendix D.
    #[test]
    fn the_digest_of_rfc_9530_comes_out() {
        let body = b"{\"hello\": \"world\"}\n";
        let value = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
        assert_eq!(content_digest(body), value);
        assert!(is_digest_of(value, body) && is_digest_of(&format!("sha-512=:AA==:, {value}"), body));
        for wrong in ["", "sha-256=:AA==:", "sha-512=:AA==:", &format!("{value}, {value}")] {
            assert!(!is_digest_of(wrong, body), "{wrong}");
        }
    }

    #[test]
    fn a_signature_holds_for_its_answer_and_question_and_no_other() {
        let fields = sign(&key(), COVERED, "vf_1.hrss.0", 1_760_000_000);
        let read = AnswerSignature::read(&fields.input, &fields.signature).unwrap();
        assert_eq!((read.created, read.question_id.as_str()), (1_760_000_000, "vf_1.hrss.0"));
        assert_eq!(read.key_id, key().public().id());
        assert!(read.is_by(key().public(), COVERED));
        for other in [
            Covered { status: 201, ..COVERED },
            Covered { digest: "sha-256=:AQ==:", ..COVERED },
            Covered { question: "sha-256=:AA==:", ..COVERED },
        ] {
            assert!(!read.is_by(key().public(), other), "{other:?}");
        }
        for (from, to) in [("vf_1", "vf_2"), ("created=1", "created=2"), ("@status", "@statut"), (TAG, "hedui-other")] {
            let changed = AnswerSignature::read(&fields.input.replace(from, to), &fields.signature);
            assert!(!changed.is_ok_and(|changed| changed.is_by(key().public(), COVERED)), "{from}");
        }
    }

    #[test]
    fn order_and_other_signatures_do_not_matter_and_garbage_is_refused() {
        let own =
            r#"a=("content-digest";req "@status" "content-digest");tag="hedui-answer";nonce="q";keyid="k";created=1"#;
        let signature = format!("other=:AA==:, a=:{}:", STANDARD.encode([0; 64]));
        let other = r#"other=("@method");created=1"#;
        let read = AnswerSignature::read(&format!("{other}, {own}"), &signature).unwrap();
        assert_eq!(read.key_id, "k");
        assert_eq!(AnswerSignature::read(other, &signature), Err(SignatureError::Missing));
        for bad in [
            "",
            "a",
            "a=",
            "a=()",
            "a=(\"@status\")",
            "a=1",
            "A=()",
            "a=(\"@status\"\"x\")",
            "a=(\"é\")",
            "a=(\"x\\n\")",
            &own.replace(" \"@status\"", ""),
            &own.replace("created=1", "created=-1"),
            &own.replace(";req", ""),
            &own.replace("created=1", "created=1;created=2"),
            &own.replace("\"k\"", "\"a b\""),
            &format!("{own};alg=\"rsa-pss-sha512\""),
            &format!("{own}, "),
            &format!("{own}, {own}"),
            &"a=(".repeat(400),
        ] {
            assert!(AnswerSignature::read(bad, &signature).is_err(), "{bad}");
        }
        for bad in ["", "a=:AA==:", "a=AA", "a=:!:", "b=:AA==:"] {
            assert_eq!(AnswerSignature::read(own, bad), Err(SignatureError::Form), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(input in "\\PC{0,80}", signature in "[a-z=:;\"() A-Z]{0,80}") {
            proptest::prop_assert!(AnswerSignature::read(&input, &signature).is_err());
        }
    }
}

//! Signed notes (C2SP `signed-note`) and their keys: Ed25519 signatures of a log, timestamped Ed25519
//! cosignatures of a witness (C2SP `tlog-cosignature`).
//!
//! A signature of an unknown key is ignored. A signature under a known name and id that does not verify
//! makes the whole note malformed.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::domain::clock::Randomness;

/// Largest note that is read.
pub const MAX_NOTE: usize = 64 * 1024;
/// Most signatures that are read; the specification asks for at least 16.
const MAX_SIGNATURES: usize = 64;
const KEY_LENGTH: usize = 32;
/// How a private key begins when it is written down.
const PRIVATE: &str = "PRIVATE+KEY+";

/// Why a key or a note cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a verifier key.
    #[error("this is not a public log key of the form `name+hash+key`")]
    VerifierKey,
    /// Not a signer key.
    #[error("this is not a private log key of the form `{PRIVATE}name+hash+key`; make one with `hedui log keygen`")]
    SignerKey,
    /// A name that cannot stand in a signature line.
    #[error("`{0}` cannot name a key: a name has no white space and no plus sign and is not empty")]
    Name(String),
    /// Not a note.
    #[error("this is not a signed note: {0}")]
    Form(&'static str),
    /// A signature under a known name and id is wrong.
    #[error("the signature of `{0}` does not fit: the text was altered, or another key made it")]
    Signature(String),
    /// No known key signed it.
    #[error("none of the known keys signed this note")]
    Unsigned,
}

/// What the signatures of a key are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// A log's, over the text of the note.
    Log,
    /// A witness's, over a time and the text.
    Witness,
}

impl KeyKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Log => 0x01,
            Self::Witness => 0x04,
        }
    }

    const fn of(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Log),
            0x04 => Some(Self::Witness),
            _ => None,
        }
    }
}

/// A public key, with the name it signs under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    kind: KeyKind,
    public: [u8; KEY_LENGTH],
}

impl VerifierKey {
    fn new(name: &str, kind: KeyKind, public: [u8; KEY_LENGTH]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Name(name.to_owned()));
        }
        let mut named = name.as_bytes().to_vec();
        named.extend_from_slice(&[b'\n', kind.byte()]);
        named.extend_from_slice(&public);
        let digest = digest(&SHA256, &named);
        let id = digest.as_ref().first_chunk().map_or(0, |first| u32::from_be_bytes(*first));
        Ok(Self { name: name.to_owned(), id, kind, public })
    }

    /// The key that this text is: `name+hash+base64`.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, kind, public) = parse_key(text.trim()).ok_or(NoteError::VerifierKey)?;
        let key = Self::new(name, kind, *public)?;
        if key.id == id { Ok(key) } else { Err(NoteError::VerifierKey) }
    }

    /// The name it signs under; a log's is its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The eight hexadecimal digits that tell it from other keys of the same name.
    pub fn id(&self) -> String {
        format!("{:08x}", self.id)
    }

    /// What its signatures are.
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The raw Ed25519 public key.
    pub const fn public(&self) -> &[u8; KEY_LENGTH] {
        &self.public
    }

    /// The time the signature states, for a witness; the error when it does not verify.
    fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>, NoteError> {
        let wrong = || NoteError::Signature(self.name.clone());
        let key = UnparsedPublicKey::new(&ED25519, self.public);
        match self.kind {
            KeyKind::Log => {
                key.verify(text.as_bytes(), signature).map_err(|_| wrong())?;
                Ok(None)
            }
            KeyKind::Witness => {
                let (time, signature) = signature.split_first_chunk().ok_or_else(wrong)?;
                let time = u64::from_be_bytes(*time);
                key.verify(cosigned(text, time).as_bytes(), signature).map_err(|_| wrong())?;
                Ok(Some(time))
            }
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(formatter, &self.name, self.id, self.kind, &self.public)
    }
}

/// A private key, with the name it signs under.
pub struct SignerKey {
    seed: Zeroizing<[u8; KEY_LENGTH]>,
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl SignerKey {
    /// The key of this seed.
    pub fn from_seed(name: &str, kind: KeyKind, seed: &[u8; KEY_LENGTH]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::SignerKey)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NoteError::SignerKey)?;
        Ok(Self { seed: Zeroizing::new(*seed), pair, verifier: VerifierKey::new(name, kind, public)? })
    }

    /// A fresh key.
    pub fn generate(name: &str, kind: KeyKind, randomness: &dyn Randomness) -> Result<Self, NoteError> {
        let mut seed = Zeroizing::new([0_u8; KEY_LENGTH]);
        randomness.fill(seed.as_mut());
        Self::from_seed(name, kind, &seed)
    }

    /// The key that this text is: `PRIVATE+KEY+name+hash+base64`.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let text = text.trim().strip_prefix(PRIVATE).ok_or(NoteError::SignerKey)?;
        let (name, id, kind, seed) = parse_key(text).ok_or(NoteError::SignerKey)?;
        let key = Self::from_seed(name, kind, &seed)?;
        if key.verifier.id == id { Ok(key) } else { Err(NoteError::SignerKey) }
    }

    /// The public key.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The key written down. Keep it where only the hub can read it.
    pub fn reveal(&self) -> Zeroizing<String> {
        struct Written<'a>(&'a SignerKey);
        impl fmt::Display for Written<'_> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                let key = &self.0.verifier;
                formatter.write_str(PRIVATE)?;
                write_key(formatter, &key.name, key.id, key.kind, &self.0.seed)
            }
        }
        Zeroizing::new(Written(self).to_string())
    }

    /// Signs a text; `time`, seconds since 1970, stands in the signature of a witness.
    pub fn sign(&self, text: &str, time: u64) -> Signature {
        let bytes = match self.verifier.kind {
            KeyKind::Log => self.pair.sign(text.as_bytes()).as_ref().to_vec(),
            KeyKind::Witness => {
                let mut bytes = time.to_be_bytes().to_vec();
                bytes.extend_from_slice(self.pair.sign(cosigned(text, time).as_bytes()).as_ref());
                bytes
            }
        };
        Signature { name: self.verifier.name.clone(), id: self.verifier.id, bytes }
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SignerKey({})", self.verifier.name)
    }
}

/// A signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

impl Signature {
    /// The signature of this line, without its newline.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Form("a signature line is not `— name base64`");
        let line = line.strip_prefix("— ").ok_or(malformed.clone())?;
        let (name, encoded) = line.split_once(' ').ok_or(malformed.clone())?;
        let decoded = STANDARD.decode(encoded).map_err(|_| malformed.clone())?;
        let (id, bytes) = decoded.split_first_chunk().ok_or(malformed.clone())?;
        if !is_name(name) || bytes.is_empty() {
            return Err(malformed);
        }
        Ok(Self { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
    }

    /// Whether a key of this name and id made it, as far as it says.
    pub fn claims(&self, key: &VerifierKey) -> bool {
        self.name == key.name && self.id == key.id
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.bytes);
        write!(formatter, "— {} {}", self.name, STANDARD.encode(bytes))
    }
}

/// A note: text and signature lines. Its text must not be believed before [`Note::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// A signature that was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'a> {
    /// The key.
    pub key: &'a VerifierKey,
    /// Seconds since 1970, for a witness.
    pub time: Option<u64>,
}

impl Note {
    /// A note of this text, which ends in a newline, with its first signature.
    pub fn new(text: String, signature: Signature) -> Self {
        Self { text, signatures: vec![signature] }
    }

    /// The note that these bytes are.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE {
            return Err(NoteError::Form("it is longer than 64 KiB"));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Form("it is not UTF-8"))?;
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::Form("it holds a control character"));
        }
        let end = note.rfind("\n\n").ok_or(NoteError::Form("no empty line separates text and signatures"))?;
        let (text, signatures) = note.split_at(end + 1);
        let lines = signatures.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let lines = lines.ok_or(NoteError::Form("its last line does not end"))?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(NoteError::Form("it has more than 64 signatures"));
        }
        let signatures = lines.split('\n').map(Signature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature, in place of an older one of the same key.
    pub fn add(&mut self, signature: Signature) {
        self.signatures.retain(|known| known.name != signature.name || known.id != signature.id);
        self.signatures.push(signature);
    }

    /// Leaves out every signature that none of these keys claims to have made.
    pub fn keep_only(&mut self, keys: &[VerifierKey]) {
        self.signatures.retain(|signature| keys.iter().any(|key| signature.claims(key)));
    }

    /// The signatures that known keys made.
    pub fn verify<'a>(&self, keys: &'a [VerifierKey]) -> Result<Vec<Verified<'a>>, NoteError> {
        let mut verified: Vec<Verified<'a>> = Vec::new();
        for signature in &self.signatures {
            for key in keys.iter().filter(|key| signature.claims(key)) {
                let time = key.verify(&self.text, &signature.bytes)?;
                if !verified.iter().any(|known| known.key == key) {
                    verified.push(Verified { key, time });
                }
            }
        }
        if verified.is_empty() { Err(NoteError::Unsigned) } else { Ok(verified) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(formatter, "{signature}"))
    }
}

/// What a witness signs (C2SP `tlog-cosignature`).
fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.chars().any(|character| character.is_whitespace() || character.is_control() || character == '+')
}

/// `name+hash+base64(kind, 32 bytes)`.
fn parse_key(text: &str) -> Option<(&str, u32, KeyKind, Zeroizing<[u8; KEY_LENGTH]>)> {
    let mut parts = text.splitn(3, '+');
    let (name, id, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let canonical = id.len() == 8 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let id = u32::from_str_radix(id, 16).ok().filter(|_| canonical)?;
    let decoded = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let (kind, key) = decoded.split_first()?;
    Some((name, id, KeyKind::of(*kind)?, Zeroizing::new(key.try_into().ok()?)))
}

fn write_key(
    formatter: &mut fmt::Formatter<'_>,
    name: &str,
    id: u32,
    kind: KeyKind,
    key: &[u8; KEY_LENGTH],
) -> fmt::Result {
    let mut bytes = Zeroizing::new(vec![kind.byte()]);
    bytes.extend_from_slice(key);
    write!(formatter, "{name}+{id:08x}+{}", STANDARD.encode(&*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(name: &str, kind: KeyKind, seed: u8) -> SignerKey {
        SignerKey::from_seed(name, kind, &[seed; 32]).unwrap()
    }

    fn signed() -> (Note, SignerKey) {
        let key = signer("log.example", KeyKind::Log, 1);
        let text = "log.example\n7\nhash\n\nsecond paragraph\n".to_owned();
        let signature = key.sign(&text, 0);
        (Note::new(text, signature), key)
    }

    /// Key and note of the documentation of Go's `sumdb/note`.
    #[test]
    fn a_note_of_the_first_implementation_verifies() {
        let key = VerifierKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
        let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let note = Note::parse(note.as_bytes()).unwrap();
        assert_eq!(note.verify(std::slice::from_ref(&key)).unwrap().len(), 1);
        let signer =
            SignerKey::parse("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
        assert_eq!(signer.verifier(), &key);
        assert_eq!(signer.sign(note.text(), 0), note.signatures()[0], "Ed25519 is deterministic");
    }

    #[test]
    fn a_note_reads_back_and_every_altered_byte_is_found() {
        let (note, key) = signed();
        let (bytes, keys) = (note.to_string().into_bytes(), [key.verifier().clone()]);
        assert_eq!(Note::parse(&bytes).unwrap(), note);
        for index in 0..bytes.len() {
            for bit in [1, 0x20, 0x80] {
                let mut altered = bytes.clone();
                altered[index] ^= bit;
                assert!(Note::parse(&altered).and_then(|note| note.verify(&keys).map(drop)).is_err(), "{index}");
            }
        }
    }

    #[test]
    fn an_unknown_signature_is_ignored_and_a_known_wrong_one_spoils_the_note() {
        let (mut note, key) = signed();
        let keys = [key.verifier().clone()];
        // Same name, another key: another id, so unknown.
        note.add(signer("log.example", KeyKind::Log, 9).sign(note.text(), 0));
        note.add(signer("stranger", KeyKind::Log, 9).sign(note.text(), 0));
        assert_eq!(note.verify(&keys).unwrap().len(), 1);
        note.signatures.push(Signature { bytes: vec![0; 64], ..key.sign("other", 0) });
        assert_eq!(note.verify(&keys), Err(NoteError::Signature("log.example".to_owned())));
        let stranger = [signer("nobody", KeyKind::Log, 3).verifier().clone()];
        assert_eq!(signed().0.verify(&stranger), Err(NoteError::Unsigned));
    }

    #[test]
    fn a_cosignature_states_its_time() {
        let (mut note, _) = signed();
        let witness = signer("witness.example/w1", KeyKind::Witness, 2);
        note.add(witness.sign(note.text(), 1_679_315_147));
        let keys = [witness.verifier().clone()];
        assert_eq!(note.verify(&keys).unwrap()[0].time, Some(1_679_315_147));
        let line = note.signatures[1].clone();
        let mut later = line.bytes.clone();
        later[7] ^= 1;
        note.add(Signature { bytes: later, ..line.clone() });
        assert!(note.verify(&keys).is_err(), "the time is signed");
        note.add(Signature { bytes: vec![0; 4], ..line });
        assert!(note.verify(&keys).is_err(), "too short to hold a time");
    }

    #[test]
    fn keys_have_one_spelling() {
        for kind in [KeyKind::Log, KeyKind::Witness] {
            let key = signer("hub.example/log", kind, 5);
            let written = key.verifier().to_string();
            assert_eq!(&VerifierKey::parse(&written).unwrap(), key.verifier());
            assert_eq!(SignerKey::parse(&key.reveal()).unwrap().verifier(), key.verifier());
            assert!(!format!("{key:?}").contains(&STANDARD.encode([5_u8; 32])));
            for index in 0..written.len() {
                let mut altered = written.clone().into_bytes();
                altered[index] ^= 1;
                let text = String::from_utf8_lossy(&altered).into_owned();
                assert!(VerifierKey::parse(&text).is_err(), "{text}");
            }
        }
        for name in ["", "a b", "a+b", "a\u{3000}b", "a\nb"] {
            assert!(SignerKey::from_seed(name, KeyKind::Log, &[0; 32]).is_err(), "{name:?}");
        }
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let line = signed().0.signatures[0].to_string();
        for bad in [
            String::new(),
            "text\n".to_owned(),
            "text\n\n".to_owned(),
            format!("text\n\n{line}"),
            format!("text\n{line}\n"),
            "text\n\n— name\n".to_owned(),
            "text\n\n— name AAAA\n".to_owned(),
            "text\n\n— name !!!!\n".to_owned(),
            format!("text\t\n\n{line}\n"),
            format!("text\n\n{}", format!("{line}\n").repeat(65)),
            format!("{}\n\n{line}\n", "x".repeat(MAX_NOTE)),
        ] {
            assert!(Note::parse(bad.as_bytes()).is_err(), "{}", &bad[..bad.len().min(80)]);
        }
        assert!(Note::parse(format!("text\n\n{}", format!("{line}\n").repeat(16)).as_bytes()).is_ok());
        assert!(Note::parse(b"text\xff\n\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), text in "[a-z+0-9\n— ]{0,80}") {
            drop(Note::parse(&bytes));
            drop(Note::parse(text.as_bytes()));
            drop(VerifierKey::parse(&text));
            drop(SignerKey::parse(&text));
        }
    }
}

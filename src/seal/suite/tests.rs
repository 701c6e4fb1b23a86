//! The same tests for every suite, and the published vectors of each.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::domain::suite::MacKey;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|index| u8::from_str_radix(&hex[index..index + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    crate::domain::hex::hex(bytes)
}

fn vectors(suite: SuiteId, what: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../../tests/vectors/suites.json")).unwrap();
    all[suite.as_str()][what].as_array().unwrap().clone()
}

fn field(vector: &Value, name: &str) -> Vec<u8> {
    bytes(vector[name].as_str().unwrap())
}

/// How many vectors of the cipher there are, and how many of them are good.
fn ciphers_as_published<S: Suite>() -> (usize, usize) {
    let vectors = vectors(S::ID, "aead");
    let mut good = 0;
    for vector in &vectors {
        let key = field(vector, "key");
        let mut secret = [0_u8; SECRET];
        secret[..key.len()].copy_from_slice(&key);
        let cipher = S::cipher(&secret);
        let nonce: [u8; NONCE] = field(vector, "iv").try_into().unwrap();
        let (bound, text) = (field(vector, "aad"), field(vector, "msg"));
        let mut sealed = [field(vector, "ct"), field(vector, "tag")].concat();
        let is_valid = vector["result"] == "valid";
        let published = sealed.clone();
        let opened = S::open(&cipher, nonce, &bound, &mut sealed);
        assert_eq!(opened.is_ok(), is_valid, "{vector}");
        if is_valid {
            good += 1;
            assert_eq!(sealed[..opened.unwrap()], text, "{vector}");
            let mut made = text.clone();
            let tag = S::seal(&cipher, nonce, &bound, &mut made).unwrap();
            assert_eq!([made.as_slice(), &tag].concat(), published, "{vector}");
        }
    }
    (vectors.len(), good)
}

fn macs_as_published<S: Suite>() -> (usize, usize) {
    let vectors = vectors(S::ID, "mac");
    let mut good = 0;
    for vector in &vectors {
        let is_same = S::mac(&field(vector, "key"), &[&field(vector, "msg")]).as_slice() == field(vector, "tag");
        assert_eq!(is_same, vector["result"] == "valid", "{vector}");
        good += usize::from(is_same);
    }
    (vectors.len(), good)
}

#[test]
fn wycheproof_vectors_of_ciphers_and_keyed_hashes_are_judged_as_they_say() {
    assert_eq!(ciphers_as_published::<Intl>(), (66, 39));
    assert_eq!(ciphers_as_published::<Sm>(), (65, 38));
    assert_eq!(macs_as_published::<Intl>(), (87, 33));
    assert_eq!(macs_as_published::<Sm>(), (87, 33));
}

#[test]
fn hashes_are_those_of_the_standards() {
    // GB/T 32905-2016 appendix A.
    assert_eq!(hex(&Sm::hash(&[b"abc"])), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    let long = "abcd".repeat(16);
    assert_eq!(hex(&Sm::hash(&[long.as_bytes()])), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
    // FIPS 180-4 examples.
    assert_eq!(hex(&Intl::hash(&[b"abc"])), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/// GB/T 32918.5-2017 appendix A.2: the recommended curve, "message digest", signed by `1234567812345678`.
#[test]
fn an_sm2_signature_of_the_standard_verifies() {
    let public = bytes(
        "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
    );
    let secret: [u8; 32] =
        bytes("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8").try_into().unwrap();
    let signature = bytes(
        "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
    );
    assert!(Sm::verify(&public, b"message digest", &signature));
    assert!(!Sm::verify(&public, b"message digesT", &signature));
    let signer = Sm::signer(&secret).unwrap();
    assert_eq!(Sm::public(&signer), public, "the private key is the seed itself");
    assert!(Sm::verify(&public, b"message digest", &Sm::sign(&signer, b"message digest").unwrap()));
}

/// What `openssl dgst` says, where it is installed and knows the hash.
#[test]
fn the_hashes_are_those_of_openssl() {
    for (name, own) in [("-sha256", Intl::hash(&[b"hedui"])), ("-sm3", Sm::hash(&[b"hedui"]))] {
        let mut command = std::process::Command::new("openssl");
        command.args(["dgst", name, "-r"]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let Ok(mut child) = command.stderr(std::process::Stdio::null()).spawn() else { return };
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"hedui").unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            assert_eq!(String::from_utf8_lossy(&output.stdout)[..64], hex(&own), "{name}");
        }
    }
}

fn sealed<S: Suite>(secret: u8, nonce: [u8; NONCE], bound: &[u8], text: &[u8]) -> Vec<u8> {
    let mut sealed = text.to_vec();
    let tag = S::seal(&S::cipher(&[secret; SECRET]), nonce, bound, &mut sealed).unwrap();
    sealed.extend_from_slice(&tag);
    sealed
}

fn opens<S: Suite>(secret: u8, nonce: [u8; NONCE], bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let mut text = sealed.to_vec();
    let length = S::open(&S::cipher(&[secret; SECRET]), nonce, bound, &mut text).ok()?;
    text.truncate(length);
    Some(text)
}

/// What is asked of every suite.
fn keeps_its_word<S: Suite>(text: &[u8], bound: &[u8], flipped: usize) {
    let sealed = sealed::<S>(1, [7; NONCE], bound, text);
    assert_eq!(sealed.len(), text.len() + SEAL);
    assert_eq!(opens::<S>(1, [7; NONCE], bound, &sealed).as_deref(), Some(text));
    assert!(opens::<S>(2, [7; NONCE], bound, &sealed).is_none(), "another key");
    assert!(opens::<S>(1, [8; NONCE], bound, &sealed).is_none(), "another nonce");
    assert!(opens::<S>(1, [7; NONCE], &[bound, b"x"].concat(), &sealed).is_none(), "bound to something else");
    let mut altered = sealed.clone();
    altered[flipped % sealed.len()] ^= 1;
    assert!(opens::<S>(1, [7; NONCE], bound, &altered).is_none(), "altered");
    assert!(opens::<S>(1, [7; NONCE], bound, &sealed[..sealed.len() - 1]).is_none(), "cut");

    assert_eq!(S::hash(&[text, bound]), S::hash(&[&[text, bound].concat()]), "parts are one message");
    assert_eq!(S::mac(b"k", &[text, bound]), MacKey::new(S::ID, b"k").tag(&[&[text, bound].concat()]));
    assert_ne!(S::mac(b"k", &[text]), S::mac(b"l", &[text]));

    let signer = S::signer(&[3; SECRET]).unwrap();
    let (public, signature) = (S::public(&signer), S::sign(&signer, text).unwrap());
    assert!(S::verify(&public, text, &signature));
    assert!(!S::verify(&public, &[text, b"x"].concat(), &signature));
    let mut forged = signature;
    forged[flipped % SIGNATURE] ^= 1;
    assert!(!S::verify(&public, text, &forged));
    assert!(!S::verify(&S::public(&S::signer(&[4; SECRET]).unwrap()), text, &signature));
    assert!(!S::verify(b"", text, &signature) && !S::verify(&public, text, b"") && !S::verify(&public, text, &[0; 64]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn every_suite_keeps_its_word(
        text in prop::collection::vec(any::<u8>(), 0..200),
        bound in prop::collection::vec(any::<u8>(), 0..40),
        flipped in any::<prop::sample::Index>(),
    ) {
        let flipped = flipped.index(10_000);
        keeps_its_word::<Intl>(&text, &bound, flipped);
        keeps_its_word::<Sm>(&text, &bound, flipped);
    }
}

#[test]
fn a_seed_that_is_no_sm2_key_leads_to_one_all_the_same() {
    assert_eq!(Sm::public(&Sm::signer(&[0xff; SECRET]).unwrap()).len(), 65);
    assert_eq!(Sm::public(&Sm::signer(&[0; SECRET]).unwrap()).len(), 65);
}

//! Sealing in both suites, keys that take the place of others, and what must survive that.

use super::*;
use crate::domain::clock::SystemRandomness;
use crate::domain::id_number::IdNumber;

const OLD: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const NEW: &str = "2222222222222222222222222222222222222222222222222222222222222222";

fn sealer_of(current: &str, former: &[&str], suite: SuiteId) -> Sealer {
    let keys = SealingKeys::from_hex(current, former, suite).unwrap();
    let root = keys.first_root(keys.current()).unwrap();
    Sealer::new(Arc::new(keys), &root, Arc::new(SystemRandomness))
}

fn both() -> [Sealer; 2] {
    SuiteId::ALL.map(|suite| sealer_of(OLD, &[], suite))
}

/// A wrapped key and a body in the form of before there were suites: no header, bound to the case alone.
fn plain(sealer: &Sealer, case: &str, body: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let secret = [9; SECRET];
    let wrapped = sealer.keys.wrap(Form::Plain, [1; NONCE], case, &secret).unwrap();
    (wrapped, DataKey::new(Form::Plain, &secret).seal([2; NONCE], case, Field::Request, body).unwrap())
}

#[test]
fn a_body_opens_only_for_its_own_case_field_and_key() {
    for sealer in both() {
        let other = sealer_of(NEW, &[], sealer.keys.suite());
        let (key, wrapped) = sealer.new_data_key("vf_1").unwrap();
        let sealed = sealer.seal(&key, "vf_1", Field::Request, "核对".as_bytes()).unwrap();
        let reopened = sealer.open_data_key("vf_1", &wrapped).unwrap();
        assert_eq!(reopened.open("vf_1", Field::Request, &sealed).unwrap(), "核对".as_bytes());
        assert_eq!(reopened.open("vf_1", Field::Outcome, &sealed), Err(SealError::Open), "moved to another field");
        assert_eq!(reopened.open("vf_2", Field::Request, &sealed), Err(SealError::Open), "moved to another case");
        assert!(sealer.open_data_key("vf_2", &wrapped).is_err(), "its key moved to another case");
        let unknown = other.open_data_key("vf_1", &wrapped).err();
        assert_eq!(unknown, Some(SealError::UnknownKey(sealer.keys.current())));
        let (another, _) = sealer.new_data_key("vf_1").unwrap();
        assert_eq!(another.open("vf_1", Field::Request, &sealed), Err(SealError::Open), "another key of the same case");
    }
}

#[test]
fn every_altered_byte_is_found() {
    for sealer in both() {
        let (key, wrapped) = sealer.new_data_key("vf_1").unwrap();
        let body = sealer.seal(&key, "vf_1", Field::Request, b"facts").unwrap();
        for index in 0..body.len() {
            let mut altered = body.clone();
            altered[index] ^= 1;
            assert_eq!(key.open("vf_1", Field::Request, &altered), Err(SealError::Open), "byte {index}");
        }
        for index in 0..wrapped.len() {
            let mut altered = wrapped.clone();
            altered[index] ^= 3;
            assert!(sealer.open_data_key("vf_1", &altered).is_err(), "byte {index} of the wrapped key");
        }
        for length in 0..wrapped.len() {
            assert!(sealer.open_data_key("vf_1", &wrapped[..length]).is_err(), "{length} bytes of the wrapped key");
        }
        assert!(sealer.open_data_key("vf_1", &vec![0; wrapped.len()]).is_err(), "an erased one");
        assert_eq!(key.open("vf_1", Field::Request, &body[..5]), Err(SealError::Open));
    }
}

#[test]
fn what_one_suite_sealed_is_read_after_the_other_was_chosen() {
    let [intl, sm] = both();
    for (before, after) in [(&intl, &sm), (&sm, &intl)] {
        let (key, wrapped) = before.new_data_key("vf_1").unwrap();
        let sealed = before.seal(&key, "vf_1", Field::Outcome, b"facts").unwrap();
        let reopened = after.open_data_key("vf_1", &wrapped).unwrap();
        assert_eq!(reopened.open("vf_1", Field::Outcome, &sealed).unwrap(), b"facts");
        assert_eq!(reopened.suite(), before.keys.suite(), "a case is sealed in one suite to its end");
        assert_ne!(after.new_data_key("vf_2").unwrap().0.suite(), before.keys.suite());
    }
}

#[test]
fn a_former_key_still_opens_until_everything_is_wrapped_anew() {
    for suite in SuiteId::ALL {
        let before = sealer_of(OLD, &[], SuiteId::Intl);
        let rotating = sealer_of(NEW, &[OLD], suite);
        let after = sealer_of(NEW, &[], suite);
        let (key, wrapped) = before.new_data_key("vf_1").unwrap();
        let body = before.seal(&key, "vf_1", Field::Request, b"facts").unwrap();
        let (plain_wrapped, plain_body) = plain(&before, "vf_0", b"older facts");
        for (case, wrapped, body, text) in
            [("vf_1", wrapped, body, &b"facts"[..]), ("vf_0", plain_wrapped, plain_body, b"older facts")]
        {
            assert_eq!(
                rotating.open_data_key(case, &wrapped).unwrap().open(case, Field::Request, &body).unwrap(),
                text
            );
            let rewrapped = rotating.rewrap(case, &wrapped).unwrap().unwrap();
            assert_eq!(rewrapped.len(), wrapped.len(), "its row keeps its length");
            assert_eq!(rotating.rewrap(case, &rewrapped), Ok(None), "once is enough");
            assert_eq!(after.open_data_key(case, &rewrapped).unwrap().open(case, Field::Request, &body).unwrap(), text);
            assert!(after.open_data_key(case, &wrapped).is_err());
            assert!(before.open_data_key(case, &rewrapped).is_err());
            assert!(rotating.rewrap("vf_2", &wrapped).is_err(), "nothing is wrapped anew for another case");
        }
    }
}

#[test]
fn pseudonyms_outlive_the_key_and_those_of_two_uses_differ() {
    let id = IdNumber::parse("150000198605021015").unwrap();
    for before in both() {
        let root = before.keys.first_root(before.keys.current()).unwrap();
        let wrapped = Sealer::wrap_root(&before.keys, &root, &SystemRandomness).unwrap();
        let rotating = SealingKeys::from_hex(NEW, &[OLD], SuiteId::Intl).unwrap();
        let (kept, key) = Sealer::open_root(&rotating, &wrapped).unwrap();
        assert_eq!(key, before.keys.current());
        let after = Sealer::new(Arc::new(rotating), &kept, Arc::new(SystemRandomness));
        let pseudonym = |sealer: &Sealer, purpose| id.subject(&sealer.subject_key(purpose));
        assert_eq!(pseudonym(&before, "access-log"), pseudonym(&after, "access-log"));
        assert_eq!(*before.log_seed(), *after.log_seed());
        assert_ne!(pseudonym(&before, "access-log"), pseudonym(&before, "cache"));
        let rewrapped = after.rewrap_root(&wrapped).unwrap().unwrap();
        assert_eq!(after.rewrap_root(&rewrapped), Ok(None));
    }
}

#[test]
fn keys_and_pseudonyms_of_the_suites_have_nothing_in_common() {
    let [intl, sm] = both();
    let id = IdNumber::parse("150000198605021015").unwrap();
    assert_ne!(intl.keys.current(), sm.keys.current());
    assert_ne!(id.subject(&intl.subject_key("access-log")), id.subject(&sm.subject_key("access-log")));
}

/// What a hub without suites wrote: pseudonyms and seeds must stay what they were.
#[test]
fn a_database_of_before_the_suites_keeps_its_pseudonyms() {
    let sealer = Sealer::from_hex(&"a".repeat(64), Arc::new(SystemRandomness)).unwrap();
    let id = IdNumber::parse("150000198605021015").unwrap();
    let root = Intl::mac(&[0xaa; 32], &[b"hedui/seal/derive/1"]);
    assert_eq!(crate::domain::hex::hex(&root), "80ecf2724937c62454e7117cfa8ee1791cd642842599200a511e04c724201a64");
    let subject = Intl::mac(&Intl::mac(&root, &[b"access-log"]), &[id.reveal().as_bytes()]);
    assert_eq!(id.subject(&sealer.subject_key("access-log")).bytes().as_slice(), &subject[..16]);
}

/// Some module that is not in this process: here a table in memory.
struct Module(std::sync::Mutex<Vec<(Vec<u8>, [u8; SECRET])>>);

impl wrap::KeyWrap for Module {
    fn id(&self) -> KeyId {
        KeyId::parse("0badf00d").unwrap()
    }
    fn suite(&self) -> SuiteId {
        SuiteId::Sm
    }
    fn wrap(&self, _: [u8; NONCE], bound: &[u8], secret: &[u8; SECRET]) -> Result<[u8; wrap::WRAPPED], SealError> {
        let mut table = self.0.lock().unwrap();
        table.push((bound.to_vec(), *secret));
        let mut wrapped = [0; wrap::WRAPPED];
        wrapped[0] = u8::try_from(table.len() - 1).unwrap();
        Ok(wrapped)
    }
    fn unwrap(&self, bound: &[u8], wrapped: &[u8; wrap::WRAPPED]) -> Result<Zeroizing<[u8; SECRET]>, SealError> {
        let table = self.0.lock().unwrap();
        let kept = table.get(usize::from(wrapped[0])).filter(|(kept, _)| kept == bound);
        kept.map(|(_, secret)| Zeroizing::new(*secret)).ok_or(SealError::Open)
    }
}

#[test]
fn a_module_that_keeps_its_key_can_stand_behind_the_seam() {
    let keys = SealingKeys::new(Arc::new(Module(std::sync::Mutex::default())), Vec::new());
    let root = Root { suite: SuiteId::Sm, secret: Zeroizing::new([5; SECRET]) };
    let sealer = Sealer::new(Arc::new(keys), &root, Arc::new(SystemRandomness));
    let (key, wrapped) = sealer.new_data_key("vf_1").unwrap();
    let body = sealer.seal(&key, "vf_1", Field::Request, b"facts").unwrap();
    let reopened = sealer.open_data_key("vf_1", &wrapped).unwrap();
    assert_eq!(reopened.open("vf_1", Field::Request, &body).unwrap(), b"facts");
    assert!(sealer.open_data_key("vf_2", &wrapped).is_err());
}

#[test]
fn a_broken_key_or_one_given_twice_is_refused() {
    for bad in ["", "00", &"g".repeat(64), &"é".repeat(32), &"+1".repeat(32)] {
        assert_eq!(Sealer::from_hex(bad, Arc::new(SystemRandomness)).err(), Some(SealError::Key), "{bad}");
    }
    let twice = SealingKeys::from_hex(OLD, &[NEW, OLD], SuiteId::Intl).err();
    assert!(matches!(twice, Some(SealError::Twice(_))), "{twice:?}");
}

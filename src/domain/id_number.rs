//! `IdNumber` (公民身份号码, GB 11643) and `Subject`, the keyed hash that stands for a person.

use std::fmt;

use jiff::civil::Date;

use super::hex::digit;
use super::suite::{MacKey, SuiteId, TAG};

/// A valid resident identity number in canonical form: 18 characters, upper-case check digit.
///
/// It has no `Display`, no `Serialize` and a `Debug` that shows nothing (promise P7). The few places
/// that may write it out (the query to a department, the sealed store) call [`IdNumber::reveal`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdNumber([u8; 18]);

/// Why a text is not an identity number. The text itself is never part of the error (P7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdNumberError {
    /// Not 18 characters after spaces are removed; 15-digit numbers are obsolete.
    #[error("an identity number has 18 characters")]
    Length,
    /// A character other than a digit, or other than a digit or X at the end.
    #[error("an identity number has 17 digits and a check digit 0-9 or X")]
    Character,
    /// The birth date is impossible.
    #[error("digits 7 to 14 of an identity number are a date of birth")]
    BirthDate,
    /// The check digit does not fit (ISO 7064 MOD 11-2). Holds the digit that would.
    #[error("the check digit of this identity number should be `{0}`")]
    CheckDigit(char),
}

/// Digits of a number of the old form, issued until 1999.
const OLD_DIGITS: usize = 15;
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK_MAP: [u8; 11] = *b"10X98765432";

impl IdNumber {
    /// Whether an identity number stands anywhere in a text, in whatever way [`Self::parse`] forgives, also with dashes
    /// or dots between its parts or with characters that nobody sees; or a number of the old form, with 15 digits. Such a
    /// text must not go where numbers may not (promise P7).
    pub fn is_in(text: &str) -> bool {
        // Each of its characters has a byte at least.
        if text.len() < OLD_DIGITS {
            return false;
        }
        let seen: Vec<char> = text.chars().filter(|character| !is_unseen(*character)).map(narrow).collect();
        let joined: Vec<char> = seen.iter().copied().filter(|character| !is_between(*character)).collect();
        let is_number = |window: &[char]| {
            window.iter().take(17).all(char::is_ascii_digit) && Self::parse(&window.iter().collect::<String>()).is_ok()
        };
        let holds_old = |text: &[char]| text.split(|character: &char| !character.is_ascii_alphanumeric()).any(is_old);
        joined.windows(18).any(is_number) || holds_old(&seen) || holds_old(&joined)
    }

    /// Parses forgivingly: spaces (also ideographic) are dropped, full-width characters folded,
    /// a lower-case `x` raised. Whatever is accepted has exactly one canonical form, so that one
    /// person never becomes two.
    pub fn parse(text: &str) -> Result<Self, IdNumberError> {
        let mut bytes = [0_u8; 18];
        let mut length = 0_usize;
        for character in text.chars() {
            if matches!(character, ' ' | '\u{3000}' | '\u{a0}') {
                continue;
            }
            let byte = u8::try_from(narrow(character)).map_err(|_| IdNumberError::Character)?.to_ascii_uppercase();
            *bytes.get_mut(length).ok_or(IdNumberError::Length)? = byte;
            length += 1;
        }
        if length != bytes.len() {
            return Err(IdNumberError::Length);
        }
        let (body, check) = bytes.split_at(17);
        if !body.iter().all(u8::is_ascii_digit) || !check.iter().all(|byte| byte.is_ascii_digit() || *byte == b'X') {
            return Err(IdNumberError::Character);
        }
        let expected = check_digit(body);
        if birth_date(&bytes).is_none() {
            return Err(IdNumberError::BirthDate);
        }
        if check != [expected] {
            return Err(IdNumberError::CheckDigit(char::from(expected)));
        }
        Ok(Self(bytes))
    }

    /// Makes a number from its parts, for the simulator: region (6), birth date, sequence (0–999).
    pub fn compose(region: &str, born_on: Date, sequence: u16) -> Result<Self, IdNumberError> {
        let body =
            format!("{region}{:04}{:02}{:02}{:03}", born_on.year(), born_on.month(), born_on.day(), sequence % 1000);
        let check = check_digit(body.as_bytes());
        Self::parse(&format!("{body}{}", char::from(check)))
    }

    /// The number in clear. Only the query to a department and the sealed store may hold it.
    pub fn reveal(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII bytes were accepted")
    }

    /// The date of birth in digits 7 to 14.
    pub fn born_on(&self) -> Date {
        birth_date(&self.0).expect("checked by parse")
    }

    /// True for the prefix `150000`, which GB 11643 never issues: synthetic people only.
    pub fn is_synthetic(&self) -> bool {
        self.0.starts_with(b"150000")
    }

    /// The keyed hash that stands for this person wherever the number itself must not be.
    pub fn subject(&self, key: &SubjectKey) -> Subject {
        Subject::from_tag(&key.0.tag(&[&self.0]))
    }

    /// The keyed hash of the division of first registration and the date of birth: numbers that differ in their last
    /// four characters only have the same one.
    pub fn cohort(&self, key: &SubjectKey) -> Subject {
        let (common, _) = self.reveal().split_at(14);
        key.tag("cohort", &[common])
    }

    /// The keyed hash of this person under the name the household gave, for the cache: what was
    /// answered for one name must not answer for another.
    pub fn subject_named(&self, key: &SubjectKey, name: &str) -> Subject {
        Subject::from_tag(&key.0.tag(&[&self.0, name.as_bytes()]))
    }
}

fn check_digit(body: &[u8]) -> u8 {
    let sum: u32 = body.iter().zip(WEIGHTS).map(|(byte, weight)| u32::from(byte.wrapping_sub(b'0')) * weight).sum();
    CHECK_MAP.get(sum as usize % 11).copied().expect("a remainder of 11 is below 11")
}

/// A full-width character as the narrow one.
fn narrow(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        other => other,
    }
}

/// What stands between the parts of a number that is written in parts.
const fn is_between(character: char) -> bool {
    matches!(character, ' ' | '\u{3000}' | '\u{a0}' | '-' | '.' | '_' | '\u{b7}' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// What nobody sees: joiners, marks of direction and the like.
const fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

/// Whether these are a number of the old form: a division of a province that there is, a day of birth of the last century
/// with two digits for its year, a sequence. It has no check digit, so other numbers of 15 digits look like one; born before
/// 1930 nobody is found by it, because a division, a day of our own years and a serial make an ordinary number.
fn is_old(word: &[char]) -> bool {
    let is_digits = word.len() == OLD_DIGITS && word.iter().all(char::is_ascii_digit);
    let text: String = word.iter().collect();
    let pair = |at: usize| text.get(at..at + 2).and_then(|pair| pair.parse::<i8>().ok());
    let (true, Some(province), Some(year), Some(month), Some(day)) = (is_digits, pair(0), pair(6), pair(8), pair(10))
    else {
        return false;
    };
    let is_province = matches!(province, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81 | 82);
    is_province && year >= 30 && Date::new(1900 + i16::from(year), month, day).is_ok()
}

fn birth_date(bytes: &[u8; 18]) -> Option<Date> {
    let text = std::str::from_utf8(bytes).ok()?;
    let year = text.get(6..10)?.parse().ok()?;
    let month = text.get(10..12)?.parse().ok()?;
    let day = text.get(12..14)?.parse().ok()?;
    if year < 1850 {
        return None;
    }
    Date::new(year, month, day).ok()
}

impl fmt::Debug for IdNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IdNumber(hidden)")
    }
}

/// The secret under which subjects are computed. One per use, 32 random bytes.
#[derive(Clone)]
pub struct SubjectKey(MacKey);

impl SubjectKey {
    /// A key from secret bytes.
    pub fn new(suite: SuiteId, secret: &[u8]) -> Self {
        Self(MacKey::new(suite, secret))
    }

    /// The keyed hash of something else about people, such as an address; `kind` keeps kinds apart from each other and
    /// from identity numbers.
    pub fn tag(&self, kind: &str, parts: &[&str]) -> Subject {
        let parts = parts.iter().flat_map(|part| [&[0][..], part.as_bytes()]);
        let said: Vec<&[u8]> = std::iter::once(kind.as_bytes()).chain(parts).collect();
        Subject::from_tag(&self.0.tag(&said))
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SubjectKey(hidden)")
    }
}

/// A person as the hub may write them down: the first 16 bytes of a keyed hash over the identity number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject([u8; 16]);

impl Subject {
    fn from_tag(tag: &[u8; TAG]) -> Self {
        let mut bytes = [0_u8; 16];
        for (to, from) in bytes.iter_mut().zip(tag) {
            *to = *from;
        }
        Self(bytes)
    }

    /// Reads what [`Self`] is written as: 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0_u8; 16];
        let digits = text.as_bytes();
        if digits.len() != 32 || !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        for (to, at) in bytes.iter_mut().zip((0..32).step_by(2)) {
            *to = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The raw hash, for cache keys.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An event holds one a member: the digits are looked up, not formatted.
        let mut text = [0_u8; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[digit(byte >> 4) as u8, digit(byte & 15) as u8]);
        }
        formatter.write_str(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Subject({self})")
    }
}

impl<'de> serde::Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a pseudonym is 32 hexadecimal digits"))
    }
}

impl serde::Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gb11643_vectors_hold() {
        for good in ["150000198605021015", "150000198808191022", "150000201409011041", "15000019700101109X"] {
            assert!(IdNumber::parse(good).is_ok(), "{good}");
        }
        for (bad, error) in [
            ("150000198605021016", IdNumberError::CheckDigit('5')),
            ("150000198613021015", IdNumberError::BirthDate),
            ("15000019860502101X", IdNumberError::CheckDigit('5')),
            ("150000000000000000", IdNumberError::BirthDate),
            ("150000860502101", IdNumberError::Length),
            ("1500001986050210150", IdNumberError::Length),
            ("15000O198605021015", IdNumberError::Character),
            ("15000019860502101\0", IdNumberError::Character),
            ("", IdNumberError::Length),
        ] {
            assert_eq!(IdNumber::parse(bad), Err(error), "{bad}");
        }
    }

    #[test]
    fn every_accepted_spelling_is_one_person() {
        let canonical = IdNumber::parse("15000019700101109X").unwrap();
        for spelling in [
            "15000019700101109x",
            " 150000 1970 0101 109X ",
            "１５００００１９７００１０１１０９Ｘ",
            "150000\u{3000}19700101109ｘ",
        ] {
            assert_eq!(IdNumber::parse(spelling).as_ref(), Ok(&canonical), "{spelling}");
        }
    }

    #[test]
    fn debug_shows_no_digit() {
        let id = IdNumber::parse("150000198605021015").unwrap();
        let shown = format!("{id:?}");
        assert!(!shown.chars().any(|character| character.is_ascii_digit()), "{shown}");
    }

    #[test]
    fn a_number_inside_a_text_is_found_however_it_is_written() {
        for text in [
            "150000198605021015",
            "A150000198605021015",
            "x-150000198605021015-1",
            "授权 150000 19860502 1015 号",
            "150000-19860502-1015",
            "１５００００１９８６０５０２１０１５",
            "150000\u{200b}19860502\u{2060}1015",
            "150000\u{2013}19860502\u{2013}1015",
            "某局150102860502101",
            "SQ 150102860502101",
            "150102 860502 101",
            "１５０１０２８６０５０２１０１",
        ] {
            assert!(IdNumber::is_in(text), "{text}");
        }
        for text in [
            "",
            "授权〔2025〕1号",
            "150000198605021016",
            "15000019860502101",
            "0192f0a5-7c1e-7cc1-8b1e-3f9d0a4b5c6d",
            // A division, a day of our own years and a serial; no such month; no such province; a part of something longer.
            "150202-260112-001",
            "150102861302101",
            "990102860502101",
            "1501028605021010",
            "vf_150102860502101c8b1e3f9d0a4b5c6d",
        ] {
            assert!(!IdNumber::is_in(text), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn parse_never_panics(text in "\\PC{0,24}") {
            drop(IdNumber::parse(&text));
        }

        #[test]
        fn one_changed_digit_is_found(sequence in 0_u16..1000, at in 0_usize..17, by in 1_u8..10) {
            let id = IdNumber::compose("150000", Date::constant(1986, 5, 2), sequence).unwrap();
            let mut bytes = id.reveal().as_bytes().to_vec();
            bytes[at] = b'0' + (bytes[at] - b'0' + by) % 10;
            proptest::prop_assert!(IdNumber::parse(std::str::from_utf8(&bytes).unwrap()).is_err());
        }
    }
}

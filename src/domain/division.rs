//! `DivisionCode`: administrative division code (行政区划代码, GB/T 2260) and its prefixes.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A six-digit division code: two digits province or autonomous region, two league or city, two banner or county.
///
/// Codes are those of the day they were given, so historic codes are accepted; only the form is checked here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DivisionCode([u8; 6]);

/// The text is not six digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a division code is six digits of GB/T 2260, such as 152201")]
pub struct DivisionCodeError;

impl DivisionCode {
    /// The nation, root of every policy inheritance.
    pub const NATION: Self = Self(*b"000000");

    /// Parses six ASCII digits.
    pub fn parse(text: &str) -> Result<Self, DivisionCodeError> {
        let bytes: [u8; 6] = text.as_bytes().try_into().map_err(|_| DivisionCodeError)?;
        if bytes.iter().all(u8::is_ascii_digit) { Ok(Self(bytes)) } else { Err(DivisionCodeError) }
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII digits were accepted")
    }

    /// The digits that every division inside this one begins with.
    pub fn significant(&self) -> &str {
        let mut digits = self.as_str();
        while let Some(shorter) = digits.strip_suffix("00") {
            digits = shorter;
        }
        digits
    }

    /// The chain of inheritance, widest first: nation, region, league or city, banner or county, without repeats.
    pub fn lineage(self) -> Vec<Self> {
        let [a, b, c, d, ..] = self.0;
        let mut chain = vec![Self::NATION];
        for code in [Self([a, b, b'0', b'0', b'0', b'0']), Self([a, b, c, d, b'0', b'0']), self] {
            if !chain.contains(&code) {
                chain.push(code);
            }
        }
        chain
    }

    /// True when `self` lies inside `other`: `152201` is inside `152200`, `150000` and `000000`.
    pub fn is_inside(self, other: Self) -> bool {
        let significant = match other.0 {
            [b'0', b'0', b'0', b'0', b'0', b'0'] => 0,
            [_, _, b'0', b'0', b'0', b'0'] => 2,
            [_, _, _, _, b'0', b'0'] => 4,
            _ => 6,
        };
        self.0.iter().zip(&other.0).take(significant).all(|(own, outer)| own == outer)
    }
}

impl fmt::Display for DivisionCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for DivisionCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for DivisionCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DivisionCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> DivisionCode {
        DivisionCode::parse(text).unwrap()
    }

    #[test]
    fn lineage_goes_from_nation_to_banner() {
        assert_eq!(code("152201").lineage(), [code("000000"), code("150000"), code("152200"), code("152201")]);
        assert_eq!(code("150000").lineage(), [code("000000"), code("150000")]);
    }

    #[test]
    fn inside_follows_the_prefix() {
        assert!(code("152201").is_inside(code("152200")));
        assert!(code("152201").is_inside(code("150000")));
        assert!(code("152201").is_inside(DivisionCode::NATION));
        assert!(!code("152201").is_inside(code("150200")));
        assert!(!code("150000").is_inside(code("152201")));
    }

    #[test]
    fn only_six_digits_are_a_code() {
        for text in ["", "15220", "1522011", "15220a", "１５２２０１"] {
            assert_eq!(DivisionCode::parse(text), Err(DivisionCodeError), "{text}");
        }
    }
}

//! `Money`: an amount in integer fen. No float ever touches it (promise P4).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of money in fen (1/100 yuan), possibly negative (money paid out).
///
/// The wire form is a decimal string in yuan, `"1234.50"`. There is no `Display`: text for people
/// must say the unit, so it goes through [`Money::yuan`] and a template.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

/// Largest amount accepted from outside: 10 000 billion yuan. It leaves room to add nine thousand
/// such amounts before an `i64` of fen overflows.
const MAX_FEN: i64 = 1_000_000_000_000_000;

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not `digits[.d[d]]`.
    #[error("an amount is a decimal string in yuan with at most two places, such as \"1234.50\"")]
    Syntax,
    /// A sign where only amounts of zero or more make sense.
    #[error("an amount cannot be negative")]
    Negative,
    /// More than 10 000 billion yuan.
    #[error("an amount cannot exceed 10000000000000.00 yuan")]
    TooLarge,
}

impl Money {
    /// Zero yuan.
    pub const ZERO: Self = Self(0);

    /// An amount of `fen`.
    pub const fn from_fen(fen: i64) -> Self {
        Self(fen)
    }

    /// The amount in fen.
    pub const fn fen(self) -> i64 {
        self.0
    }

    /// Parses a decimal string in yuan, zero or more, at most two places: `"0"`, `"12.3"`, `"1234.50"`.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        if let Some(unsigned) = text.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
            return match Self::parse(unsigned) {
                Ok(_) => Err(MoneyError::Negative),
                Err(error) => Err(error),
            };
        }
        let (yuan, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(yuan) || !digits(fraction) || fraction.len() > 2 {
            return Err(MoneyError::Syntax);
        }
        let significant = yuan.trim_start_matches('0');
        if significant.len() > 14 {
            return Err(MoneyError::TooLarge);
        }
        let yuan: i64 = if significant.is_empty() { 0 } else { significant.parse().map_err(|_| MoneyError::Syntax)? };
        let scale = if fraction.len() == 1 { 10 } else { 1 };
        let cents: i64 = fraction.parse::<i64>().map_err(|_| MoneyError::Syntax)? * scale;
        let fen = yuan * 100 + cents;
        if fen > MAX_FEN { Err(MoneyError::TooLarge) } else { Ok(Self(fen)) }
    }

    /// The sum, or `None` on overflow.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(fen) => Some(Self(fen)),
            None => None,
        }
    }

    /// The difference, or `None` on overflow.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(fen) => Some(Self(fen)),
            None => None,
        }
    }

    /// The amount `factor` times, or `None` on overflow.
    pub const fn checked_mul(self, factor: i64) -> Option<Self> {
        match self.0.checked_mul(factor) {
            Some(fen) => Some(Self(fen)),
            None => None,
        }
    }

    /// The wire form: a decimal string in yuan with two places, without unit.
    pub fn yuan(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} CNY", self.yuan())
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A verdict's id hashes dozens of amounts, so the digits are written without an allocation.
        // The longest is a sign, 19 digits and a point.
        let mut text = [0_u8; 24];
        let mut at = text.len();
        let mut put = |byte: u8| {
            at -= 1;
            if let Some(slot) = text.get_mut(at) {
                *slot = byte;
            }
        };
        let digit = |number: u64| b'0' + u8::try_from(number % 10).unwrap_or_default();
        let fen = self.0.unsigned_abs();
        put(digit(fen));
        put(digit(fen / 10));
        put(b'.');
        let mut yuan = fen / 100;
        loop {
            put(digit(yuan));
            yuan /= 10;
            if yuan == 0 {
                break;
            }
        }
        if self.0 < 0 {
            put(b'-');
        }
        let written = text.get(at..).and_then(|bytes| std::str::from_utf8(bytes).ok());
        serializer.serialize_str(written.expect("digits, a point and a sign are ASCII"))
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_strings_parse_to_fen() {
        for (text, fen) in
            [("0", 0), ("0.5", 50), ("1234.50", 123_450), ("007.01", 701), ("10000000000000.00", MAX_FEN)]
        {
            assert_eq!(Money::parse(text), Ok(Money::from_fen(fen)), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in ["", ".", "1.", ".5", "1.234", "1,000.00", "1e3", "+1", " 1", "１", "NaN", "--1", "0x10"] {
            assert_eq!(Money::parse(text), Err(MoneyError::Syntax), "{text}");
        }
        assert_eq!(Money::parse("-1.00"), Err(MoneyError::Negative));
        assert_eq!(Money::parse("10000000000000.01"), Err(MoneyError::TooLarge));
        assert_eq!(Money::parse(&"9".repeat(400)), Err(MoneyError::TooLarge));
    }

    proptest::proptest! {
        #[test]
        fn p4_yuan_and_parse_are_inverse(fen in 0..=MAX_FEN) {
            let money = Money::from_fen(fen);
            proptest::prop_assert_eq!(Money::parse(&money.yuan()), Ok(money));
        }

        #[test]
        fn the_wire_form_is_the_yuan_form(fen: i64) {
            let money = Money::from_fen(fen);
            proptest::prop_assert_eq!(serde_json::to_value(money).unwrap(), money.yuan());
        }

        #[test]
        fn parse_never_panics(text in ".{0,40}") {
            let parsed = Money::parse(&text);
            proptest::prop_assert!(parsed.is_err() || parsed.is_ok_and(|money| money >= Money::ZERO));
        }
    }
}

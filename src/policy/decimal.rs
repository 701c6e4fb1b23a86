//! `Decimal`: a published factor or percentage, kept as the digits it was published with.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::exact::{Exact, Overflow};

/// A decimal number of zero or more with at most six places: `"1.5"`, `"10"`, `"0.70"`.
///
/// The wire form is a string, so that no float is ever read; it is written back with the same places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    units: i64,
    places: u8,
}

/// The text is not a decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a factor or percentage is a decimal string with at most six places, such as \"1.5\"")]
pub struct DecimalError;

impl Decimal {
    /// A whole number.
    pub const fn whole(units: i64) -> Self {
        Self { units, places: 0 }
    }

    /// Parses `digits[.digits]`, at most nine digits before and six after the point.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let pointless = text.contains('.') && fraction.is_empty();
        if whole.is_empty() || whole.len() > 9 || fraction.len() > 6 || pointless || !digits(whole) || !digits(fraction)
        {
            return Err(DecimalError);
        }
        let units = format!("{whole}{fraction}").parse().map_err(|_| DecimalError)?;
        Ok(Self { units, places: u8::try_from(fraction.len()).map_err(|_| DecimalError)? })
    }

    /// `amount` this many times.
    pub fn times(self, amount: Exact) -> Result<Exact, Overflow> {
        amount.scale(self.units, self.denominator())
    }

    /// This many percent of `amount`.
    pub fn percent_of(self, amount: Exact) -> Result<Exact, Overflow> {
        amount.scale(self.units, self.denominator() * 100)
    }

    /// `amount` less this many percent of it.
    pub fn percent_off(self, amount: Exact) -> Result<Exact, Overflow> {
        let hundred = self.denominator() * 100;
        amount.scale(hundred - self.units, hundred)
    }

    /// The amount of which `part` is this many percent; `None` when the percentage is zero.
    pub fn whole_of(self, part: Exact) -> Result<Option<Exact>, Overflow> {
        if self.units == 0 {
            return Ok(None);
        }
        part.scale(self.denominator() * 100, self.units).map(Some)
    }

    /// True when this is the larger number.
    pub fn exceeds(self, other: Self) -> bool {
        i128::from(self.units) * i128::from(other.denominator())
            > i128::from(other.units) * i128::from(self.denominator())
    }

    /// True above a whole number.
    pub fn is_above(self, whole: i64) -> bool {
        self.exceeds(Self::whole(whole))
    }

    fn denominator(self) -> i64 {
        10_i64.pow(u32::from(self.places))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = self.denominator();
        match usize::from(self.places) {
            0 => write!(formatter, "{}", self.units),
            places => write!(formatter, "{}.{:0places$}", self.units / scale, self.units % scale),
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_as_published() {
        for text in ["0", "1.5", "10", "0.70", "12.050"] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", ".", "1.", ".5", "-1", "1e3", "1,5", "1.1234567", "1234567890", "10%"] {
            assert_eq!(Decimal::parse(bad), Err(DecimalError), "{bad}");
        }
    }

    #[test]
    fn products_are_exact() {
        let amount = Exact::from_fen(3_200_000);
        assert_eq!(Decimal::whole(10).percent_off(amount), Ok(Exact::from_fen(2_880_000)));
        assert_eq!(Decimal::parse("1.5").unwrap().times(Exact::from_fen(3)), Exact::from_fen(9).scale(1, 2));
        assert_eq!(Decimal::whole(70).whole_of(Exact::from_fen(70)), Ok(Some(Exact::from_fen(100))));
    }
}

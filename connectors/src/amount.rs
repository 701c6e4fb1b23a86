//! Amounts and decimals as departments write them, turned into canonical text. No float, ever.

/// A value that is not an amount or decimal. The value is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotANumber;

/// Largest amount the hub accepts, in fen: 10 000 billion yuan.
const MAX_FEN: i64 = 1_000_000_000_000_000;

/// Reads an amount in yuan: `1234.5`, `1,234.50`, `500`. Thousands separators must stand where they
/// belong; places after the second must be zero. The result has two places.
pub fn yuan(text: &str) -> Result<String, NotANumber> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole = without_separators(whole).ok_or(NotANumber)?;
    if !is_digits(&whole) || !is_digits(fraction) {
        return Err(NotANumber);
    }
    let (cents, beyond) = fraction.split_at_checked(2).unwrap_or((fraction, ""));
    if beyond.bytes().any(|byte| byte != b'0') {
        return Err(NotANumber);
    }
    let whole: i64 = whole.parse().map_err(|_| NotANumber)?;
    let scale = if cents.len() == 1 { 10 } else { 1 };
    let cents = cents.parse::<i64>().map_err(|_| NotANumber)? * scale;
    whole.checked_mul(100).and_then(|fen| fen.checked_add(cents)).map_or(Err(NotANumber), from_fen)
}

/// Writes an amount in fen as yuan. Negative and impossible amounts are refused.
pub fn from_fen(fen: i64) -> Result<String, NotANumber> {
    if (0..=MAX_FEN).contains(&fen) { Ok(format!("{}.{:02}", fen / 100, fen % 100)) } else { Err(NotANumber) }
}

/// An amount in yuan as [`yuan`] and [`from_fen`] write it, in fen.
pub(crate) fn fen(canonical: &str) -> Result<i64, NotANumber> {
    let (whole, cents) = canonical.split_once('.').filter(|(_, cents)| cents.len() == 2).ok_or(NotANumber)?;
    let (whole, cents): (i64, i64) = (whole.parse().map_err(|_| NotANumber)?, cents.parse().map_err(|_| NotANumber)?);
    whole.checked_mul(100).and_then(|fen| fen.checked_add(cents)).ok_or(NotANumber)
}

/// Reads a decimal of zero or more, such as an area: digits, and a point with digits.
pub fn decimal(text: &str) -> Result<String, NotANumber> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => (whole, Some(fraction)),
        Some(_) => return Err(NotANumber),
        None => (text, None),
    };
    if !is_digits(whole) || text.len() > 24 {
        return Err(NotANumber);
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        significant => significant,
    };
    Ok(fraction.map_or_else(|| whole.to_owned(), |fraction| format!("{whole}.{fraction}")))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Takes thousands separators out, if each stands before three digits.
fn without_separators(whole: &str) -> Option<String> {
    if !whole.contains(',') {
        return Some(whole.to_owned());
    }
    let mut groups = whole.split(',');
    let first = groups.next().filter(|first| (1..=3).contains(&first.len()))?;
    groups.try_fold(first.to_owned(), |joined, group| (group.len() == 3).then(|| joined + group))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_come_out_with_two_places() {
        for (text, expected) in [
            ("0", "0.00"),
            ("500", "500.00"),
            ("1234.5", "1234.50"),
            ("1,234.50", "1234.50"),
            ("12,345,678.9", "12345678.90"),
            ("007.01", "7.01"),
            ("12.3400", "12.34"),
            ("10000000000000.00", "10000000000000.00"),
        ] {
            assert_eq!(yuan(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "1.234",
            "1,23.00",
            "1234,567",
            ",123",
            "1,,234",
            "1,2345",
            "-1",
            "+1",
            "1e3",
            " 1",
            "１",
            "¥1",
            "1.2.3",
            "1.00,0",
            "10000000000000.01",
            "99999999999999999999",
            "NULL",
        ] {
            assert_eq!(yuan(text), Err(NotANumber), "{text}");
        }
        assert_eq!(from_fen(-1), Err(NotANumber));
    }

    #[test]
    fn decimals_keep_their_places() {
        for (text, expected) in [("89.50", Ok("89.50")), ("0.5", Ok("0.5")), ("090", Ok("90")), ("0", Ok("0"))] {
            assert_eq!(decimal(text).as_deref(), expected, "{text}");
        }
        for text in ["", "-1", ".5", "5.", "1e3", "1,000"] {
            assert_eq!(decimal(text), Err(NotANumber), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_amount_survives_separators(fen in 0..=MAX_FEN) {
            let plain = from_fen(fen).unwrap();
            let (whole, cents) = plain.split_once('.').unwrap();
            let grouped: Vec<_> = whole.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
            prop_assert_eq!(yuan(&format!("{}.{cents}", grouped.join(","))), Ok(plain));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9.,年 -]{0,40}") {
            drop(yuan(&text));
            drop(decimal(&text));
        }
    }
}

//! Values of `PostgreSQL` in its binary format, read exactly: no float, no rounding, no guess.

use jiff::Span;
use jiff::civil::{Date, DateTime, date};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgTypeKind, PgValueRef};
use sqlx::{Encode, Postgres, Type, TypeInfo, ValueRef};

use super::super::Bound;
use crate::native::Native;

/// The day from which it counts.
const EPOCH: Date = date(2000, 1, 1);

/// A value of a row.
pub(super) fn native(raw: &PgValueRef<'_>) -> Native {
    if raw.is_null() {
        return Native::Null;
    }
    let type_info = raw.type_info();
    let Ok(bytes) = raw.as_bytes() else { return Native::Bytes };
    read(bytes, &type_info).unwrap_or(Native::Bytes)
}

fn read(bytes: &[u8], type_info: &PgTypeInfo) -> Option<Native> {
    match type_info.kind() {
        PgTypeKind::Domain(inner) => return read(bytes, inner),
        PgTypeKind::Enum(_) => return text(bytes),
        PgTypeKind::Simple => {}
        _ => return None,
    }
    match type_info.name() {
        // Fixed-length characters come filled up with blanks; the mapping trims.
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "\"CHAR\"" | "UNKNOWN" | "JSON" => text(bytes),
        "JSONB" => text(bytes.get(1..)?),
        "INT2" => Some(Native::Integer(i16::from_be_bytes(bytes.try_into().ok()?).into())),
        "INT4" => Some(Native::Integer(i32::from_be_bytes(bytes.try_into().ok()?).into())),
        "INT8" => Some(Native::Integer(i64::from_be_bytes(bytes.try_into().ok()?))),
        "OID" => Some(Native::Integer(u32::from_be_bytes(bytes.try_into().ok()?).into())),
        "NUMERIC" => numeric(bytes).map(Native::Text),
        "BOOL" => Some(Native::Text(if bytes == [0] { "false" } else { "true" }.to_owned())),
        "DATE" => day(i32::from_be_bytes(bytes.try_into().ok()?)).map(Native::Text),
        "TIMESTAMP" => instant(i64::from_be_bytes(bytes.try_into().ok()?), 0).map(Native::Text),
        "TIMESTAMPTZ" => instant(i64::from_be_bytes(bytes.try_into().ok()?), 8).map(Native::Text),
        "UUID" => Some(Native::Text(uuid(bytes.try_into().ok()?))),
        "FLOAT4" | "FLOAT8" => Some(Native::Real),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> Option<Native> {
    std::str::from_utf8(bytes).ok().map(|text| Native::Text(text.to_owned()))
}

/// `numeric`: a number of digits to base 10,000, the weight of the first, sign, and places to show.
fn numeric(bytes: &[u8]) -> Option<String> {
    let (head, digits) = bytes.split_first_chunk::<8>()?;
    let [_, _, weight_high, weight_low, sign_high, sign_low, scale_high, scale_low] = *head;
    let weight = i32::from(i16::from_be_bytes([weight_high, weight_low]));
    let sign = match u16::from_be_bytes([sign_high, sign_low]) {
        0x0000 => "",
        0x4000 => "-",
        // Infinity and not-a-number have no exact text.
        _ => return None,
    };
    let scale = usize::from(u16::from_be_bytes([scale_high, scale_low]));
    let digits: Vec<u16> = digits.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    let group = |place: i32| {
        usize::try_from(weight - place).ok().and_then(|index| digits.get(index)).copied().unwrap_or_default()
    };
    let written = |text: String, place: i32| text + &format!("{:04}", group(place));
    let mut whole = (0..=weight.max(0)).rev().fold(String::new(), written);
    let significant = whole.trim_start_matches('0').len().max(1);
    whole.drain(..whole.len() - significant);
    let groups = i32::try_from(scale.div_ceil(4)).ok()?;
    let mut fraction = (1..=groups).map(|place| -place).fold(String::new(), written);
    fraction.truncate(scale);
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// A day; the infinite ones have no text.
fn day(days: i32) -> Option<String> {
    let span = Span::new().try_days(days).ok()?;
    EPOCH.checked_add(span).ok().map(|day| day.to_string())
}

/// An instant to the second, `hours` east of where it is counted.
fn instant(microseconds: i64, hours: i64) -> Option<String> {
    let seconds = microseconds.div_euclid(1_000_000).checked_add(hours * 3600)?;
    let span = Span::new().try_seconds(seconds).ok()?;
    DateTime::from(EPOCH).checked_add(span).ok().map(|instant| instant.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

fn uuid(bytes: [u8; 16]) -> String {
    let number = u128::from_be_bytes(bytes);
    let hex = format!("{number:032x}");
    let part = |range| hex.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

/// A value for a place of a statement, written as the type of the place wants it.
#[derive(Debug)]
pub(super) struct Argument {
    bytes: Vec<u8>,
    type_info: PgTypeInfo,
}

impl Argument {
    /// The value in a type; `None` when it has no place there.
    pub(super) fn of(value: &Bound<'_>, type_info: &PgTypeInfo) -> Option<Self> {
        let written = value.written();
        let mut simple = type_info;
        while let PgTypeKind::Domain(inner) = simple.kind() {
            simple = inner;
        }
        let bytes = match (simple.kind(), simple.name()) {
            (PgTypeKind::Enum(_), _) | (PgTypeKind::Simple, "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN") => {
                written.into_owned().into_bytes()
            }
            (PgTypeKind::Simple, "INT2") => written.parse::<i16>().ok()?.to_be_bytes().to_vec(),
            (PgTypeKind::Simple, "INT4") => written.parse::<i32>().ok()?.to_be_bytes().to_vec(),
            (PgTypeKind::Simple, "INT8") => written.parse::<i64>().ok()?.to_be_bytes().to_vec(),
            (PgTypeKind::Simple, "NUMERIC") => whole_numeric(written.parse().ok()?),
            (PgTypeKind::Simple, "DATE") => days_since_epoch(&written)?.to_be_bytes().to_vec(),
            (PgTypeKind::Simple, "TIMESTAMP") => microseconds(&written, 0)?.to_be_bytes().to_vec(),
            (PgTypeKind::Simple, "TIMESTAMPTZ") => microseconds(&written, 8)?.to_be_bytes().to_vec(),
            _ => return None,
        };
        Some(Self { bytes, type_info: type_info.clone() })
    }
}

fn days_since_epoch(written: &str) -> Option<i32> {
    let day: Date = written.parse().ok()?;
    EPOCH.until(day).ok().map(|span| span.get_days())
}

fn microseconds(written: &str, hours: i64) -> Option<i64> {
    let instant: DateTime = written.parse().ok()?;
    let span = DateTime::from(EPOCH).until((jiff::Unit::Second, instant)).ok()?;
    span.get_seconds().checked_sub(hours * 3600)?.checked_mul(1_000_000)
}

/// A whole number of zero or more as `numeric`.
fn whole_numeric(number: u64) -> Vec<u8> {
    let (mut rest, mut digits) = (number, Vec::new());
    while rest > 0 {
        digits.push(u16::try_from(rest % 10_000).unwrap_or_default());
        rest /= 10_000;
    }
    let count = i16::try_from(digits.len()).unwrap_or_default();
    let mut bytes: Vec<u8> = [count, (count - 1).max(0), 0, 0].into_iter().flat_map(i16::to_be_bytes).collect();
    bytes.extend(digits.into_iter().rev().flat_map(u16::to_be_bytes));
    bytes
}

impl Type<Postgres> for Argument {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Argument {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.type_info.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_is_read_to_its_last_place() {
        let with = |weight: i16, sign: u16, scale: u16, digits: &[u16]| {
            let mut bytes = u16::try_from(digits.len()).unwrap().to_be_bytes().to_vec();
            bytes.extend(weight.to_be_bytes());
            bytes.extend(sign.to_be_bytes());
            bytes.extend(scale.to_be_bytes());
            bytes.extend(digits.iter().flat_map(|digit| digit.to_be_bytes()));
            numeric(&bytes)
        };
        assert_eq!(with(0, 0, 2, &[1234, 5000]).as_deref(), Some("1234.50"));
        assert_eq!(with(1, 0, 2, &[12, 3456, 7]).as_deref(), Some("123456.00"));
        assert_eq!(with(1, 0, 0, &[12]).as_deref(), Some("120000"), "trailing zeros are not sent");
        assert_eq!(with(-1, 0, 2, &[500]).as_deref(), Some("0.05"));
        assert_eq!(with(-2, 0, 8, &[5]).as_deref(), Some("0.00000005"));
        assert_eq!(with(0, 0x4000, 2, &[5]).as_deref(), Some("-5.00"));
        assert_eq!(with(0, 0, 0, &[]).as_deref(), Some("0"));
        assert_eq!(with(0, 0xC000, 0, &[]), None, "not a number");
        assert_eq!(numeric(&[0; 3]), None);
    }

    #[test]
    fn days_and_instants_are_counted_from_2000_and_shown_in_china_standard_time() {
        assert_eq!(day(0).as_deref(), Some("2000-01-01"));
        assert_eq!(day(-36_524).as_deref(), Some("1900-01-01"));
        assert_eq!(day(i32::MAX), None, "infinity is no day");
        assert_eq!(instant(0, 0).as_deref(), Some("2000-01-01 00:00:00"));
        assert_eq!(instant(-1, 0).as_deref(), Some("1999-12-31 23:59:59"));
        assert_eq!(instant(0, 8).as_deref(), Some("2000-01-01 08:00:00"));
        assert_eq!(instant(i64::MAX, 0), None);
        assert_eq!(days_since_epoch("1900-01-01"), Some(-36_524));
        assert_eq!(microseconds("2000-01-01 08:00:00", 8), Some(0));
        assert_eq!(microseconds("2000-01-02", 0), Some(86_400_000_000));
    }

    #[test]
    fn a_whole_number_becomes_a_numeric_and_comes_back() {
        for number in [0_u64, 1, 9_999, 10_000, 202_403, 150_000_198_605_021_015] {
            assert_eq!(numeric(&whole_numeric(number)), Some(number.to_string()));
        }
    }
}

//! Values of `MariaDB` and `MySQL` in their binary format, read exactly: no float, no rounding, no guess.

use sqlx::mysql::MySqlRow;
use sqlx::{Row, TypeInfo, ValueRef};

use crate::native::Native;

/// A value of a row.
pub(super) fn native(row: &MySqlRow, place: usize) -> Result<Native, sqlx::Error> {
    let raw = row.try_get_raw(place)?;
    // Zero dates count as nothing here.
    if raw.is_null() {
        return Ok(Native::Null);
    }
    let type_info = raw.type_info();
    let name = type_info.name();
    if let Some(kind) = name.strip_suffix(" UNSIGNED") {
        let number: u64 = match kind {
            "BIGINT" => row.try_get_unchecked(place)?,
            _ => row.try_get_unchecked::<u32, _>(place)?.into(),
        };
        return Ok(i64::try_from(number).map_or_else(|_| Native::Text(number.to_string()), Native::Integer));
    }
    let bytes: &[u8] = row.try_get_unchecked(place)?;
    Ok(match name {
        // TINYINT(1), which is a number like any other.
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "INT" | "MEDIUMINT" | "BIGINT" => {
            Native::Integer(row.try_get_unchecked(place)?)
        }
        "YEAR" => bytes.try_into().map_or(Native::Bytes, |year| Native::Integer(u16::from_le_bytes(year).into())),
        "FLOAT" | "DOUBLE" => Native::Real,
        "DATE" | "DATETIME" | "TIMESTAMP" => instant(bytes, name == "DATE").map_or(Native::Bytes, Native::Text),
        "BIT" | "GEOMETRY" | "TIME" => Native::Bytes,
        // DECIMAL is sent as text. A text whose collation ends in `_bin` looks like bytes, and is a text
        // when it reads as one.
        _ => text(bytes),
    })
}

fn text(bytes: &[u8]) -> Native {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Native::Text(text.to_owned()),
        _ => Native::Bytes,
    }
}

/// Year (two bytes, low first), month, day; then hour, minute, second where they are not zero; then
/// microseconds, which are left out.
fn instant(bytes: &[u8], day_only: bool) -> Option<String> {
    // The length stands in front.
    let (_, bytes) = bytes.split_first()?;
    let ([year_low, year_high, month, day], rest) = bytes.split_first_chunk::<4>()?;
    let year = u16::from_le_bytes([*year_low, *year_high]);
    let date = format!("{year:04}-{month:02}-{day:02}");
    if day_only {
        return Some(date);
    }
    let [hour, minute, second] = rest.first_chunk::<3>().copied().unwrap_or_default();
    Some(format!("{date} {hour:02}:{minute:02}:{second:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_instants_are_read_and_partly_zero_ones_are_kept_as_they_are() {
        assert_eq!(instant(&[4, 0xE8, 0x07, 3, 1], true).as_deref(), Some("2024-03-01"));
        assert_eq!(instant(&[4, 0xE8, 0x07, 0, 0], true).as_deref(), Some("2024-00-00"));
        assert_eq!(instant(&[4, 0xE8, 0x07, 3, 1], false).as_deref(), Some("2024-03-01 00:00:00"));
        let with_time = [11, 0xE8, 0x07, 3, 1, 8, 5, 9, 1, 2, 3, 4];
        assert_eq!(instant(&with_time, false).as_deref(), Some("2024-03-01 08:05:09"));
        assert_eq!(instant(&[3, 0xE8, 0x07, 3], true), None);
    }

    #[test]
    fn bytes_that_are_no_text_are_bytes() {
        assert_eq!(text("库伦旗".as_bytes()), Native::Text("库伦旗".into()));
        assert_eq!(
            text(&[0xBF, 0xE2, 0xC2, 0xD7]),
            Native::Bytes,
            "GBK in a binary column is converted in the statement"
        );
        assert_eq!(text(b"a\0b"), Native::Bytes);
    }
}

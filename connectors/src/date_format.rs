//! Dates as departments write them: `202403`, `20240301`, `2024-03-01 08:00:00`, `2024年3月1日`.
//!
//! A format has the directives `%Y %m %d %H %M %S` (`%-m` and the like without leading zeros) and
//! literal text. Reading is strict: a value must be exactly what writing its date in the format
//! gives, so that `2024113` is never taken for a date.

use jiff::civil::Date;
use jiff::fmt::strtime::BrokenDownTime;

/// Which day a value stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// The format has `%d`.
    Given,
    /// The first of the month.
    First,
    /// The last of the month.
    Last,
}

/// A checked date format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat {
    pattern: String,
    day: Day,
    has_time: bool,
}

/// Why a format cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateFormatError {
    /// A directive other than the six, or a `%` at the end.
    #[error("the directives of a date format are %Y, %m, %d, %H, %M and %S")]
    Directive,
    /// Without year or month.
    #[error("a date format has %Y and %m, each once")]
    Incomplete,
    /// Without `%d` and without `day`.
    #[error("a date format without %d needs day = \"first\" or day = \"last\"")]
    DayMissing,
}

/// A value that is not a date in the format. The value is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotADate;

impl DateFormat {
    /// Checks a format. Without `%d` it needs a `day`; with both, a value stands for the first or last day of
    /// the month that its own day lies in.
    pub fn new(pattern: &str, day: Option<Day>) -> Result<Self, DateFormatError> {
        let directives = directives(pattern)?;
        let count = |directive| directives.iter().filter(|known| **known == directive).count();
        if count('Y') != 1 || count('m') != 1 || count('d') > 1 {
            return Err(DateFormatError::Incomplete);
        }
        let day = match (count('d'), day) {
            (0, None) => return Err(DateFormatError::DayMissing),
            (_, Some(day)) => day,
            (_, None) => Day::Given,
        };
        let has_time = directives.iter().any(|directive| matches!(directive, 'H' | 'M' | 'S'));
        Ok(Self { pattern: pattern.to_owned(), day, has_time })
    }

    /// Reads a date. `Ok(None)` for what departments write where there is none: nothing, or only zeros.
    pub fn read(&self, text: &str) -> Result<Option<Date>, NotADate> {
        Ok(self.parse(text)?.map(|(date, _)| date))
    }

    /// Reads an instant in RFC 3339 when the format has a time (China Standard Time), a date when not.
    pub fn read_instant(&self, text: &str) -> Result<Option<String>, NotADate> {
        let Some((date, parsed)) = self.parse(text)? else { return Ok(None) };
        if !self.has_time {
            return Ok(Some(date.to_string()));
        }
        let (hour, minute, second) =
            (parsed.hour().unwrap_or(0), parsed.minute().unwrap_or(0), parsed.second().unwrap_or(0));
        Ok(Some(format!("{date}T{hour:02}:{minute:02}:{second:02}+08:00")))
    }

    fn parse(&self, text: &str) -> Result<Option<(Date, BrokenDownTime)>, NotADate> {
        let text = text.trim();
        if is_absent(text) {
            return Ok(None);
        }
        let parsed = BrokenDownTime::parse(&self.pattern, text).map_err(|_| NotADate)?;
        let (year, month) = (parsed.year().ok_or(NotADate)?, parsed.month().ok_or(NotADate)?);
        if let Some(day) = parsed.day() {
            Date::new(year, month, day).map_err(|_| NotADate)?;
        }
        let date = match self.day {
            Day::Given => Date::new(year, month, parsed.day().ok_or(NotADate)?),
            Day::First => Date::new(year, month, 1),
            Day::Last => Date::new(year, month, 1).map(Date::last_of_month),
        }
        .map_err(|_| NotADate)?;
        // Parsing forgives missing zeros and blanks; what it forgave shows when the value is written again.
        match parsed.to_string(&self.pattern) {
            Ok(again) if again == text && date.year() >= 1850 => Ok(Some((date, parsed))),
            _ => Err(NotADate),
        }
    }

    /// Writes a date in the format.
    pub fn write(&self, date: Date) -> String {
        date.strftime(&self.pattern).to_string()
    }
}

/// True for what stands where there is no date: nothing, or zeros such as `0000-00-00`.
fn is_absent(text: &str) -> bool {
    text.is_empty()
        || (text.contains('0')
            && text
                .chars()
                .all(|character| character == '0' || !character.is_numeric() && !character.is_ascii_alphabetic()))
}

fn directives(pattern: &str) -> Result<Vec<char>, DateFormatError> {
    let mut found = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            continue;
        }
        let mut directive = characters.next();
        if directive == Some('-') {
            directive = characters.next();
        }
        match directive {
            Some(known @ ('Y' | 'm' | 'd' | 'H' | 'M' | 'S')) => found.push(known),
            _ => return Err(DateFormatError::Directive),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn read(pattern: &str, day: Option<Day>, text: &str) -> Result<Option<Date>, NotADate> {
        DateFormat::new(pattern, day).unwrap().read(text)
    }

    #[test]
    fn the_departments_own_spellings_are_read() {
        assert_eq!(read("%Y%m", Some(Day::First), "202402"), Ok(Some(date(2024, 2, 1))));
        assert_eq!(read("%Y%m", Some(Day::Last), "202402"), Ok(Some(date(2024, 2, 29))));
        assert_eq!(read("%Y%m%d", None, "20240229"), Ok(Some(date(2024, 2, 29))));
        assert_eq!(read("%Y%m%d", Some(Day::First), "20240217"), Ok(Some(date(2024, 2, 1))));
        assert_eq!(read("%Y.%m.%d", Some(Day::Last), "2024.02.17"), Ok(Some(date(2024, 2, 29))));
        assert_eq!(read("%Y%m%d", Some(Day::First), "20230229"), Err(NotADate), "there was no such day");
        assert_eq!(read("%Y-%m-%d %H:%M:%S", None, "2024-02-29 23:59:59"), Ok(Some(date(2024, 2, 29))));
        assert_eq!(read("%Y年%m月%d日", None, " 2024年02月29日 "), Ok(Some(date(2024, 2, 29))));
        assert_eq!(read("%Y年%-m月%-d日", None, "2024年2月9日"), Ok(Some(date(2024, 2, 9))));
    }

    #[test]
    fn nothing_and_zeros_are_absent() {
        for text in ["", "  ", "0", "000000", "00000000", "0000-00-00", "0000-00-00 00:00:00", "0000年00月00日"] {
            assert_eq!(read("%Y-%m-%d", None, text), Ok(None), "{text}");
        }
    }

    #[test]
    fn what_is_not_exactly_a_date_is_refused() {
        for text in [
            "2023-02-29",
            "2024-2-9",
            "2024-13-01",
            "2024-02-29 ",
            "2024/02/29",
            "20240229",
            "2024-02-29x",
            "0001-01-01",
            "-2024-02-29",
            "none",
        ] {
            let expected = if text.trim() == "2024-02-29" { Ok(Some(date(2024, 2, 29))) } else { Err(NotADate) };
            assert_eq!(read("%Y-%m-%d", None, text), expected, "{text}");
        }
        assert_eq!(read("%Y%m%d", None, "2024113"), Err(NotADate));
        assert_eq!(read("%Y%m", Some(Day::First), "202413"), Err(NotADate));
        assert_eq!(read("%Y%m", Some(Day::First), "20241"), Err(NotADate));
    }

    #[test]
    fn formats_are_checked() {
        for (pattern, day, error) in [
            ("%Y%q", None, DateFormatError::Directive),
            ("%Y%m%", None, DateFormatError::Directive),
            ("%m-%d", None, DateFormatError::Incomplete),
            ("%Y%m%m", Some(Day::First), DateFormatError::Incomplete),
            ("%Y%m", None, DateFormatError::DayMissing),
        ] {
            assert_eq!(DateFormat::new(pattern, day), Err(error), "{pattern}");
        }
    }

    #[test]
    fn an_instant_is_in_china_standard_time() {
        let format = DateFormat::new("%Y-%m-%d %H:%M:%S", None).unwrap();
        assert_eq!(format.read_instant("2025-03-14 08:05:00"), Ok(Some("2025-03-14T08:05:00+08:00".into())));
        let format = DateFormat::new("%Y%m%d", None).unwrap();
        assert_eq!(format.read_instant("20250314"), Ok(Some("2025-03-14".into())));
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(days in 0_i32..60_000) {
            let day = date(1900, 1, 1).saturating_add(jiff::Span::new().days(days));
            for pattern in ["%Y%m%d", "%Y-%m-%d", "%Y年%-m月%-d日", "%d.%m.%Y"] {
                let format = DateFormat::new(pattern, None).unwrap();
                prop_assert_eq!(format.read(&format.write(day)), Ok(Some(day)));
            }
        }

        #[test]
        fn no_text_makes_it_panic(pattern in "[%YmdHMS年 -]{0,12}", text in "\\PC{0,20}") {
            if let Ok(format) = DateFormat::new(&pattern, None) {
                drop(format.read_instant(&text));
            }
        }
    }
}

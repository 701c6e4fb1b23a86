//! Dates, ages and the window of months over which income and expenditure are counted.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

/// China Standard Time, UTC+8 the year round. Dates of the domain are dates in this zone.
pub fn china() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

/// The calendar date in China at an instant.
pub fn date_in_china(at: jiff::Timestamp) -> Date {
    at.to_zoned_datetime(china()).date()
}

/// An instant as people in China read it, to the second, with its distance from UTC.
pub fn time_in_china(at: jiff::Timestamp) -> String {
    at.to_zoned_datetime(china()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// Whole calendar months, both ends included: the first day of the first and the last day of the last month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

impl Period {
    /// The `months` full calendar months before the month of `assessed_on`
    /// (`FULL_CALENDAR_MONTHS_BEFORE_APPLICATION_MONTH`, `semantics.md`).
    pub fn months_before(assessed_on: Date, months: u8) -> Self {
        let first_of_month = assessed_on.first_of_month();
        // Months counted from year 0; whole months need no calendar.
        let month = i32::from(assessed_on.year()) * 12 + i32::from(assessed_on.month()) - 1 - i32::from(months);
        let year_and_month = (i16::try_from(month.div_euclid(12)), i8::try_from(month.rem_euclid(12) + 1));
        let from = match year_and_month {
            (Ok(year), Ok(month)) => Date::new(year, month, 1).unwrap_or(Date::MIN),
            _ => Date::MIN,
        };
        Self { from, to: first_of_month.yesterday().unwrap_or(Date::MIN) }
    }

    /// True when `date` lies in the period.
    pub fn contains(&self, date: Date) -> bool {
        self.from <= date && date <= self.to
    }
}

/// Age in completed years on `on`. A birthday of 29 February is reached on 1 March of a common year.
pub fn age_on(born_on: Date, on: Date) -> i16 {
    let reached = (on.month(), on.day()) >= (born_on.month(), born_on.day());
    on.year() - born_on.year() - i16::from(!reached)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_window_is_twelve_full_months() {
        let period = Period::months_before(date(2025, 3, 15), 12);
        assert_eq!((period.from, period.to), (date(2024, 3, 1), date(2025, 2, 28)));
        assert!(period.contains(date(2024, 3, 1)) && !period.contains(date(2025, 3, 1)));
        for (on, months, from) in [
            (date(2025, 1, 31), 1, date(2024, 12, 1)),
            (date(2025, 12, 1), 12, date(2024, 12, 1)),
            (date(2025, 3, 15), 60, date(2020, 3, 1)),
            (date(1, 2, 3), 14, date(-1, 12, 1)),
            (Date::MIN, 12, Date::MIN),
        ] {
            assert_eq!(Period::months_before(on, months).from, from, "{on} {months}");
        }
    }

    #[test]
    fn leap_day_birthdays_come_on_the_first_of_march() {
        let born = date(2004, 2, 29);
        assert_eq!(age_on(born, date(2022, 2, 28)), 17);
        assert_eq!(age_on(born, date(2022, 3, 1)), 18);
        assert_eq!(age_on(born, date(2024, 2, 29)), 20);
    }
}

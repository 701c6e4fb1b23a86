//! The calendar of a unit: which minutes are working time there.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use crate::domain::division::DivisionCode;

/// Working days and hours of the divisions inside one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// The division.
    pub division: DivisionCode,
    /// Days of the week that are worked.
    pub workdays: Vec<Weekday>,
    /// The first minute of work.
    pub from: Time,
    /// The first minute after it.
    pub to: Time,
    /// Days off although they are workdays.
    pub holidays: Vec<Date>,
    /// Days on although they are none (调休).
    pub extra_workdays: Vec<Date>,
}

impl Calendar {
    /// Whether an instant is working time.
    pub fn is_working_time(&self, at: &ZonedDateTime) -> bool {
        let (day, time) = (at.date(), at.time());
        let is_workday = self.workdays.contains(&day.weekday()) && !self.holidays.contains(&day);
        (is_workday || self.extra_workdays.contains(&day)) && self.from <= time && time < self.to
    }
}

/// The zone and the calendars of a set of rules; the first calendar that a division lies in counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendars {
    /// The time zone.
    pub zone: TimeZone,
    /// The calendars, the widest last.
    pub units: Vec<Calendar>,
}

impl Calendars {
    /// The calendar of a division.
    pub fn of(&self, division: DivisionCode) -> Option<&Calendar> {
        self.units.iter().find(|calendar| division.is_inside(calendar.division))
    }

    /// An instant as clocks there show it.
    pub fn local(&self, at: Timestamp) -> ZonedDateTime {
        at.to_zoned_datetime(self.zone.clone())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    #[test]
    fn holidays_and_moved_workdays_are_kept() {
        let calendar = Calendar {
            division: DivisionCode::NATION,
            workdays: vec![Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday],
            from: time(8, 0, 0, 0),
            to: time(18, 0, 0, 0),
            holidays: vec![date(2026, 10, 1)],
            extra_workdays: vec![date(2026, 10, 10)],
        };
        let calendars = Calendars { zone: crate::domain::period::china(), units: vec![calendar] };
        let working = |text: &str| {
            let at = calendars.local(text.parse().unwrap());
            calendars.of(DivisionCode::parse("152201").unwrap()).unwrap().is_working_time(&at)
        };
        assert!(working("2026-11-02T08:00:00+08:00"));
        assert!(!working("2026-11-02T18:00:00+08:00"));
        assert!(!working("2026-11-01T10:00:00+08:00"), "a Sunday");
        assert!(!working("2026-10-01T10:00:00+08:00"), "a holiday");
        assert!(working("2026-10-10T10:00:00+08:00"), "a Saturday that is worked");
    }
}

//! Synthetic persons: identity numbers of the prefix 150000, each used once in a population.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Span, Unit};

use crate::domain::id_number::IdNumber;
use crate::domain::period::age_on;
use crate::simulate::random::Random;

/// The persons drawn so far.
#[derive(Debug, Default)]
pub struct Persons {
    taken: BTreeSet<(Date, u16)>,
}

/// Sex as an identity number tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// An odd sequence number.
    Male,
    /// An even one.
    Female,
}

impl Sex {
    /// Code of GB/T 2261.1.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Male => "1",
            Self::Female => "2",
        }
    }

    /// One or the other.
    pub fn draw(random: &mut Random) -> Self {
        if random.chance(50) { Self::Male } else { Self::Female }
    }
}

impl Persons {
    /// A new person whose age on `on` lies in `ages`, both included.
    pub fn draw(&mut self, sex: Sex, ages: (i16, i16), on: Date, random: &mut Random) -> (IdNumber, Date) {
        let youngest = on.saturating_sub(Span::new().years(ages.0));
        let oldest = on.saturating_sub(Span::new().years(ages.1 + 1));
        let days = oldest.until((Unit::Day, youngest)).map_or(0, |span| i64::from(span.get_days()));
        loop {
            let born_on = oldest.saturating_add(Span::new().days(random.between(0, days)));
            // Leap days make the span a day too wide at its ends.
            if !(ages.0..=ages.1).contains(&age_on(born_on, on)) {
                continue;
            }
            let half = u16::try_from(random.between(0, 498)).unwrap_or(0);
            let sequence = half * 2 + if sex == Sex::Male { 1 } else { 2 };
            if !self.taken.insert((born_on, sequence)) {
                continue;
            }
            if let Ok(id) = IdNumber::compose("150000", born_on, sequence) {
                return (id, born_on);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn ages_are_exact_and_nobody_is_drawn_twice() {
        let mut random = Random::new(7);
        let mut persons = Persons::default();
        let mut seen = BTreeSet::new();
        for on in [date(2026, 11, 1), date(2024, 2, 29), date(2025, 3, 1)] {
            for age in 0..100 {
                let sex = Sex::draw(&mut random);
                let (id, born_on) = persons.draw(sex, (age, age), on, &mut random);
                assert_eq!(age_on(born_on, on), age);
                assert!(id.is_synthetic() && id.born_on() == born_on);
                let sequence: u16 = id.reveal()[14..17].parse().unwrap();
                assert_eq!(sequence % 2 == 1, sex == Sex::Male);
                assert!(seen.insert(id));
            }
        }
    }
}

//! Households of one place, drawn without end and without being kept: for weighing rules over millions.

use jiff::civil::Date;

use super::archetype::{ARCHETYPES, Archetype};
use super::draft::Draft;
use super::person::Persons;
use super::place::{Place, Places};
use crate::domain::declaration::Prior;
use crate::simulate::case::Household;
use crate::simulate::random::Random;

/// Draws households of one place.
pub struct Stream<'a> {
    places: &'a Places,
    place: &'a Place,
    on: Date,
    fitting: Vec<&'static Archetype>,
    weight: i64,
}

impl<'a> Stream<'a> {
    /// The archetypes that can be drawn in `place`, assessed on `on`.
    pub fn new(places: &'a Places, place: &'a Place, on: Date) -> Self {
        let fits = |archetype: &&Archetype| {
            // Under the ratio rule the ordinary households are drawn as well: only their truth is not known there.
            archetype.places.admits(place) || place.is_rule_2024 && archetype.places == super::place::Where::Any
        };
        let fitting: Vec<&'static Archetype> = ARCHETYPES.iter().filter(fits).collect();
        let weight = fitting.iter().map(|archetype| archetype.weight).sum();
        Self { places, place, on, fitting, weight }
    }

    /// Households number `first` and those after it, of the population of `seed`. A part is the same whoever draws
    /// it, so that many may draw at once; nobody stands twice in one part.
    pub fn part(&self, seed: u64, first: u64, households: usize) -> impl Iterator<Item = (Household, Option<Prior>)> {
        let mut random = Random::new(Random::new(seed).next() ^ Random::new(first).next());
        let mut persons = Persons::default();
        (0..households).filter_map(move |_| {
            let mut ticket = random.between(1, self.weight);
            let archetype = self.fitting.iter().find(|archetype| {
                ticket -= archetype.weight;
                ticket <= 0
            })?;
            let mut draft = Draft::new(self.places, self.place, self.on, &mut random, &mut persons);
            (archetype.draw)(&mut draft);
            let Draft { household, prior, .. } = draft;
            Some((household, prior))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::household::UrbanRural;

    fn drawn(stream: &Stream<'_>, seed: u64, first: u64) -> String {
        stream.part(seed, first, 40).map(|(household, _)| serde_json::to_string(&household).unwrap()).collect()
    }

    #[test]
    fn a_part_depends_on_seed_and_position_and_on_nothing_else() {
        let places = Places::embedded().unwrap();
        let place = Place {
            name: "X".into(),
            region: crate::domain::division::DivisionCode::parse("152202").unwrap(),
            urban_rural: UrbanRural::Rural,
            standard: 750_000,
            is_yearly: true,
            asset_months: 24,
            employment_percent: 10,
            support_percent: 50,
            basic_exempt_until: Date::constant(2025, 12, 31),
            is_rule_2024: false,
            is_tiered: false,
            topups: [10, 10, 20, 30],
        };
        for is_rule_2024 in [false, true] {
            let place = Place { is_rule_2024, ..place.clone() };
            let stream = Stream::new(&places, &place, Date::constant(2025, 3, 15));
            assert_eq!(drawn(&stream, 1, 0), drawn(&stream, 1, 0));
            assert_ne!(drawn(&stream, 1, 0), drawn(&stream, 1, 40));
            assert_ne!(drawn(&stream, 1, 0), drawn(&stream, 2, 0));
        }
    }
}

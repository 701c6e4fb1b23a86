//! Places: published standards of real places, with the lines that follow from them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;

use crate::domain::division::DivisionCode;
use crate::domain::household::UrbanRural;
use crate::domain::money::Money;
use crate::simulate::case::{ParameterSet, in_order};
use crate::simulate::random::Random;

/// Parameter sets with their provenance.
const PLACES: &str = include_str!("places.json");
/// GB/T 2260 codes of Inner Mongolia, current and historic.
const DIVISIONS: &str = include_str!("gb2260-15-inner-mongolia.tsv");

/// Which places an archetype can be drawn in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// Anywhere.
    Any,
    /// Where the expenditure rule is that of 2021.
    Rule2021,
    /// Where it is that of 2024.
    Rule2024,
    /// Where the benefit is the difference to the standard.
    Difference,
    /// Where the benefit is tiered.
    Tiered,
    /// Where the standard is published by the year.
    Yearly,
}

impl Where {
    /// True when an archetype that is drawn here can be drawn in `place`.
    pub const fn admits(self, place: &Place) -> bool {
        match self {
            Self::Any => !place.is_rule_2024,
            Self::Rule2021 => !place.is_rule_2024 && !place.is_tiered,
            Self::Rule2024 => place.is_rule_2024,
            Self::Difference => !place.is_tiered && !place.is_rule_2024,
            Self::Tiered => place.is_tiered,
            Self::Yearly => place.is_yearly,
        }
    }
}

/// A place with its standards. Amounts are fen.
#[derive(Debug, Clone)]
pub struct Place {
    /// Name of its parameter set.
    pub name: String,
    /// Its division.
    pub region: DivisionCode,
    /// Urban or rural.
    pub urban_rural: UrbanRural,
    /// The dibao standard, a month's or a year's.
    pub standard: i64,
    /// The standard is a year's.
    pub is_yearly: bool,
    /// Months of the standard that financial assets may reach.
    pub asset_months: i64,
    /// Percent of a wage that is the cost of working.
    pub employment_percent: i64,
    /// Percent of an obligor's excess that is support.
    pub support_percent: i64,
    /// The last day on which the basic pension is exempt.
    pub basic_exempt_until: Date,
    /// The expenditure rule is that of 2024.
    pub is_rule_2024: bool,
    /// The benefit is tiered.
    pub is_tiered: bool,
    /// Percent of a person's standard added for the elderly, minors, the severely ill, the severely disabled.
    pub topups: [i64; 4],
}

/// The places of the embedded file.
#[derive(Debug)]
pub struct Places {
    sets: Vec<(String, ParameterSet)>,
    places: Vec<Place>,
    hukou: Vec<DivisionCode>,
}

#[derive(Deserialize)]
struct File {
    #[serde(with = "in_order")]
    parameter_sets: Vec<(String, ParameterSet)>,
}

#[derive(Deserialize)]
struct Figures {
    dibao_standard: Standard,
    basic_pension_exempt_until: Date,
    employment_cost: Percent,
    support_formula: Percent,
    financial_asset_limit: Months,
    expenditure_rule: String,
    benefit_mode: String,
    topup_percent: BTreeMap<String, String>,
    low_income_multiple: String,
    dwelling_max: u32,
}
#[derive(Deserialize)]
struct Standard {
    amount: Money,
    period: String,
}
#[derive(Deserialize)]
struct Percent {
    percent: String,
}
#[derive(Deserialize)]
struct Months {
    months: i64,
}

impl Places {
    /// The embedded places.
    pub fn embedded() -> Result<Self, String> {
        let file: File = serde_json::from_str(PLACES).map_err(|error| error.to_string())?;
        let places = file.parameter_sets.iter().map(|(name, set)| place(name, set)).collect::<Result<_, _>>()?;
        let hukou = DIVISIONS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let mut fields = line.split('\t');
                let code = fields.next()?;
                let is_county = !code.ends_with("00") && fields.next_back() == Some("current");
                is_county.then(|| DivisionCode::parse(code).ok()).flatten()
            })
            .collect();
        Ok(Self { sets: file.parameter_sets, places, hukou })
    }

    /// The parameter sets as they stand in a case file.
    pub fn parameter_sets(&self) -> Vec<(String, ParameterSet)> {
        self.sets.clone()
    }

    /// One of the places that fit.
    pub fn draw(&self, fits: Where, random: &mut Random) -> &Place {
        let fitting: Vec<&Place> = self.places.iter().filter(|place| fits.admits(place)).collect();
        let place: &&Place = random.pick(&fitting);
        place
    }

    /// Where a household of `place` may be registered: mostly there, sometimes in another county of
    /// Inner Mongolia.
    pub fn hukou(&self, place: &Place, random: &mut Random) -> DivisionCode {
        if place.region.as_str().starts_with("15") && random.chance(15) {
            self.elsewhere(place, random)
        } else {
            place.region
        }
    }

    /// A county of Inner Mongolia that is not `place`.
    pub fn elsewhere(&self, place: &Place, random: &mut Random) -> DivisionCode {
        loop {
            let code = *random.pick(&self.hukou);
            if code != place.region {
                return code;
            }
        }
    }
}

fn place(name: &str, set: &ParameterSet) -> Result<Place, String> {
    let fail = |what: &str| format!("{name}: {what}");
    let figures: Figures =
        serde_json::to_value(&set.other).and_then(serde_json::from_value).map_err(|error| fail(&error.to_string()))?;
    let percent = |text: &str| text.parse::<i64>().map_err(|_| fail("a percentage is a whole number here"));
    let topup = |ground: &str| figures.topup_percent.get(ground).map_or(Ok(0), |text| percent(text));
    // The archetypes count on these; a place where they differ needs archetypes of its own.
    if figures.low_income_multiple != "1.5" || figures.dwelling_max != 1 {
        return Err(fail("the population knows a low-income line of 1.5 and one dwelling only"));
    }
    Ok(Place {
        name: name.to_owned(),
        region: set.region_code,
        urban_rural: set.urban_rural,
        standard: figures.dibao_standard.amount.fen(),
        is_yearly: figures.dibao_standard.period == "YEAR",
        asset_months: figures.financial_asset_limit.months,
        employment_percent: percent(&figures.employment_cost.percent)?,
        support_percent: percent(&figures.support_formula.percent)?,
        basic_exempt_until: figures.basic_pension_exempt_until,
        is_rule_2024: figures.expenditure_rule != "SEED_2021",
        is_tiered: figures.benefit_mode == "TIERED",
        topups: [topup("ELDERLY")?, topup("MINOR")?, topup("SEVERE_ILLNESS")?, topup("SEVERE_DISABILITY")?],
    })
}

impl Place {
    /// Dibao line of `persons` over twelve months. A yearly standard is never divided by twelve.
    pub fn line(&self, persons: usize) -> i64 {
        let persons = i64::try_from(persons).unwrap_or(0);
        if self.is_yearly { self.standard * persons } else { self.standard * 12 * persons }
    }

    /// Low-income line: one and a half times the dibao line. Standards are whole yuan, so this is exact.
    pub fn low_income_line(&self, persons: usize) -> i64 {
        self.line(persons) / 2 * 3
    }

    /// What financial assets may reach.
    pub fn asset_limit(&self, persons: usize) -> i64 {
        self.line(persons) * self.asset_months / 12
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_places_have_the_published_lines() {
        let places = Places::embedded().unwrap();
        let by_name = |name: &str| places.places.iter().find(|place| place.name == name).unwrap();
        let ulanhot = by_name("IM_WLHT_URBAN");
        assert_eq!(
            (ulanhot.line(3), ulanhot.low_income_line(3), ulanhot.asset_limit(3)),
            (2_984_400, 4_476_600, 5_968_800)
        );
        let nanning = by_name("GX_NANNING_RURAL");
        assert_eq!(
            (nanning.line(2), nanning.low_income_line(2), nanning.asset_limit(2)),
            (1_360_000, 2_040_000, 2_720_000)
        );
        assert!(places.places.iter().all(|place| place.line(1) % 2 == 0), "one and a half times is exact");
        assert!(places.hukou.len() > 90);
    }
}

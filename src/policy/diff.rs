//! Two effective packs side by side: per parameter the old and the new value, the change in yuan and in percent, exact.

use serde::{Serialize, Serializer};

use super::effective::Effective;
use super::parameters::Provenance;
use super::values::{FIELDS, Standard, StandardPeriod, Values};
use crate::domain::exact::Exact;
use crate::domain::money::Money;

/// One parameter in both packs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name.
    pub field: &'static str,
    /// The old value; absent when the old pack has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Valued>,
    /// The new value; absent when the new pack has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Valued>,
    /// True when the values differ, not only their sources.
    pub is_changed: bool,
    /// The amounts of the value, compared one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amounts: Vec<AmountChange>,
}

/// A value with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Valued {
    /// The value in its published form.
    pub value: serde_json::Value,
    /// Status, source, dates and file.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// One amount in both packs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AmountChange {
    /// What it is: `month`, `year`, `tier A`, …
    pub of: String,
    /// The old amount.
    pub old: Money,
    /// The new amount.
    pub new: Money,
    /// New less old, yuan.
    pub change: Signed,
    /// The change as a percentage of the old amount; absent when that is zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
}

/// An amount with its sign, also when it is a plus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed(pub Money);

impl std::fmt::Display for Signed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plus = if self.0 > Money::ZERO { "+" } else { "" };
        write!(formatter, "{plus}{}", self.0.yuan())
    }
}

impl Serialize for Signed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A percentage as a fraction in lowest terms, and rounded to two places for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Percent {
    /// Above the line.
    pub numerator: i64,
    /// Below it, above zero.
    pub denominator: i64,
}

impl Percent {
    /// `part` as a percentage of `whole`; nothing when `whole` is zero or the numbers are too large to tell.
    pub fn of(part: Money, whole: Money) -> Option<Self> {
        let (mut top, mut bottom) = (i128::from(part.fen()) * 100, i128::from(whole.fen()));
        if bottom == 0 {
            return None;
        }
        let (mut left, mut right) = (top.unsigned_abs(), bottom.unsigned_abs());
        while right != 0 {
            (left, right) = (right, left % right);
        }
        let divisor = i128::try_from(left).ok().filter(|divisor| *divisor > 0)?;
        top /= divisor;
        bottom /= divisor;
        Some(Self { numerator: i64::try_from(top).ok()?, denominator: i64::try_from(bottom).ok()? })
    }

    /// Rounded half up to two places, with its sign: `+3.74`.
    pub fn rounded(self) -> String {
        let hundredths = Exact::from_fen(self.numerator).scale(100, self.denominator);
        let rounded = hundredths.and_then(Exact::round_half_up).map_or(Money::ZERO, |money| money);
        Signed(rounded).to_string()
    }

    /// True when the two places are the whole truth.
    pub const fn is_whole_in_hundredths(self) -> bool {
        (self.numerator as i128 * 100) % self.denominator as i128 == 0
    }
}

impl std::fmt::Display for Percent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} %", self.rounded())?;
        if !self.is_whole_in_hundredths() {
            write!(formatter, " (= {}/{} %)", self.numerator, self.denominator)?;
        }
        Ok(())
    }
}

/// Compares two packs, parameter by parameter in the order of the documentation. What is the same in value and
/// source is left out.
pub fn diff(old: &Effective, new: &Effective) -> Vec<Change> {
    let side = |effective: &Effective, field: &'static str| {
        let provenance = effective.provenance.get(field)?.clone();
        Some(Valued { value: effective.value(field)?, provenance })
    };
    let is_same_source = |old: &Provenance, new: &Provenance| {
        (&old.source, &old.status, &old.note) == (&new.source, &new.status, &new.note)
    };
    FIELDS
        .iter()
        .filter_map(|field| {
            let (before, after) = (side(old, field), side(new, field));
            let is_changed = match (&before, &after) {
                (None, None) => return None,
                (Some(before), Some(after)) => {
                    let is_changed = before.value != after.value;
                    if !is_changed && is_same_source(&before.provenance, &after.provenance) {
                        return None;
                    }
                    is_changed
                }
                _ => true,
            };
            let amounts = if is_changed { amounts(field, &old.values, &new.values) } else { Vec::new() };
            Some(Change { field, old: before, new: after, is_changed, amounts })
        })
        .collect()
}

fn amounts(field: &str, old: &Values, new: &Values) -> Vec<AmountChange> {
    let plain = |of: &str, old: Option<Money>, new: Option<Money>| {
        old.zip(new).map(|(old, new)| (of.to_owned(), old, new)).into_iter().collect::<Vec<_>>()
    };
    let pairs: Vec<(String, Money, Money)> = match field {
        "dibao_standard" => match (old.dibao_standard, new.dibao_standard) {
            (Some(old), Some(new)) => standards(old, new),
            _ => Vec::new(),
        },
        "business_capital_limit" => plain("limit", old.business_capital_limit, new.business_capital_limit),
        "minimum_wage_monthly" => plain("month", old.minimum_wage_monthly, new.minimum_wage_monthly),
        "per_capita_disposable_income_prev_year" => {
            plain("year", old.per_capita_disposable_income_prev_year, new.per_capita_disposable_income_prev_year)
        }
        "tiers" => {
            let (old, new) = (old.tiers.as_deref().unwrap_or_default(), new.tiers.as_deref().unwrap_or_default());
            let both = old.iter().filter_map(|tier| {
                let same = new.iter().find(|other| other.tier == tier.tier)?;
                Some((format!("tier {}", tier.tier), tier.per_person_monthly, same.per_person_monthly))
            });
            both.collect()
        }
        _ => Vec::new(),
    };
    pairs.into_iter().filter_map(|(of, old, new)| AmountChange::between(of, old, new)).collect()
}

/// Two standards in their unit; over a year where they were published in different ones, so that nothing is divided.
fn standards(old: Standard, new: Standard) -> Vec<(String, Money, Money)> {
    let of = match new.period {
        StandardPeriod::Month => "month",
        StandardPeriod::Year => "year",
    };
    if old.period == new.period {
        return vec![(of.to_owned(), old.amount, new.amount)];
    }
    let yearly = |standard: Standard| match standard.period {
        StandardPeriod::Month => standard.amount.checked_mul(12),
        StandardPeriod::Year => Some(standard.amount),
    };
    yearly(old).zip(yearly(new)).map(|(old, new)| ("year".to_owned(), old, new)).into_iter().collect()
}

impl AmountChange {
    fn between(of: String, old: Money, new: Money) -> Option<Self> {
        let change = new.checked_sub(old)?;
        Some(Self { of, old, new, change: Signed(change), percent: Percent::of(change, old) })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::division::DivisionCode;
    use crate::domain::household::{Place, UrbanRural};
    use crate::policy::Packs;

    fn effective(code: &str, urban_rural: UrbanRural, on: jiff::civil::Date) -> Effective {
        let place = Place { division_code: DivisionCode::parse(code).unwrap(), urban_rural };
        Packs::shipped().effective_figures(place, on, None).unwrap()
    }

    #[test]
    fn a_raised_standard_is_told_in_yuan_and_exact_percent() {
        let (old, new) = (date(2022, 12, 31), date(2023, 1, 1));
        let urban = diff(&effective("150200", UrbanRural::Urban, old), &effective("150200", UrbanRural::Urban, new));
        let [change] = urban.as_slice() else { panic!("{urban:?}") };
        let amount = &change.amounts[0];
        assert_eq!((change.field, amount.of.as_str()), ("dibao_standard", "month"));
        assert_eq!(
            (amount.change.to_string(), amount.percent.unwrap().to_string()),
            ("+42.00".into(), "+5.00 %".into())
        );
        let rural = diff(&effective("150200", UrbanRural::Rural, old), &effective("150200", UrbanRural::Rural, new));
        let amount = &rural[0].amounts[0];
        assert_eq!(amount.of, "year", "7544 a year against 661 a month: compared over a year");
        assert_eq!(amount.change.to_string(), "+388.00");
        assert_eq!(amount.percent.unwrap().to_string(), "+5.14 % (= 4850/943 %)");
    }

    #[test]
    fn the_same_pack_has_no_difference_and_a_lost_value_is_told() {
        let day = date(2025, 3, 15);
        let one = effective("152201", UrbanRural::Urban, day);
        assert!(diff(&one, &one).is_empty());
        let mut other = one.clone();
        other.values.tiers = None;
        other.values.dwelling_max = None;
        other.provenance.remove("dwelling_max");
        let changes = diff(&one, &other);
        assert_eq!(changes.len(), 1);
        assert!(changes[0].new.is_none() && changes[0].is_changed);
        let mut source = one.clone();
        source.provenance.get_mut("dwelling_max").unwrap().status = "verified".into();
        assert!(!diff(&one, &source)[0].is_changed, "another source alone is told apart from another value");
    }

    #[test]
    fn percentages_are_exact_of_either_sign_and_of_nothing_there_is_none() {
        let yuan = |fen| Money::from_fen(fen);
        assert_eq!(Percent::of(yuan(-1), yuan(3)).unwrap(), Percent { numerator: -100, denominator: 3 });
        assert_eq!(Percent::of(yuan(-1), yuan(3)).unwrap().rounded(), "-33.33");
        assert_eq!(Percent::of(yuan(1), Money::ZERO), None);
        assert!(Percent::of(yuan(1), yuan(4)).unwrap().is_whole_in_hundredths());
    }
}

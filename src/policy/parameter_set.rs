//! `ParameterSet`: a complete set of parameters as a case file holds it inline, with what the published semantics
//! settle where a case file is silent.

pub mod faults;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::decimal::Decimal;
use super::parameters::{Parameters, Provenance, RulesError};
use super::values::{ExpenditureRule, FIELDS, Values};
use crate::domain::dataset::DepartmentId;
use crate::domain::division::DivisionCode;
use crate::domain::household::{Place, UrbanRural};

/// The region's ratios of 2024: above 70 % of income, or medical and accident above 60 % (`semantics.md`, Circle).
/// Only case files lean on them; a pack gives its own, or there is no verdict.
const RATIO_PERCENT: (Decimal, Decimal) = (Decimal::whole(70), Decimal::whole(60));
/// Source authority of one and the same payment (`semantics.md`, Income); for case files as well.
const INCOME_AUTHORITY: [&str; 3] = ["hrss", "medical_insurance", "education"];

/// A complete set of parameters as a case file holds it inline (`parameter_sets`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterSet {
    /// The place in words.
    pub place_zh: String,
    /// The division.
    pub region_code: DivisionCode,
    /// Urban or rural.
    pub urban_rural: UrbanRural,
    /// The values.
    pub values: Values,
    /// Where they come from.
    pub provenance: Vec<InlineProvenance>,
}

/// Provenance as a case file writes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InlineProvenance {
    /// One or several names of parameters, separated by commas.
    pub field: String,
    /// How far to trust it.
    pub status: String,
    /// The document.
    #[serde(default)]
    pub source: Option<String>,
    /// The year.
    #[serde(default)]
    pub year: Option<i16>,
}

impl<'de> Deserialize<'de> for ParameterSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        fn take<T: serde::de::DeserializeOwned, E: Error>(
            members: &mut serde_json::Map<String, serde_json::Value>,
            field: &'static str,
        ) -> Result<T, E> {
            let value = members.remove(field).ok_or_else(|| E::missing_field(field))?;
            serde_json::from_value(value).map_err(|error| E::custom(format!("`{field}`: {error}")))
        }
        let mut members = serde_json::Map::deserialize(deserializer)?;
        let place_zh = take(&mut members, "place_zh")?;
        let region_code = take(&mut members, "region_code")?;
        let urban_rural = take(&mut members, "urban_rural")?;
        let provenance =
            if members.contains_key("provenance") { take(&mut members, "provenance")? } else { Vec::new() };
        let values = serde_path_to_error::deserialize(serde_json::Value::Object(members)).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.into_inner();
            if path == "." { D::Error::custom(inner) } else { D::Error::custom(format!("`{path}`: {inner}")) }
        })?;
        Ok(Self { place_zh, region_code, urban_rural, values, provenance })
    }
}

impl ParameterSet {
    /// The parameters of this set under its name.
    pub fn parameters(&self, name: &str) -> Result<Parameters, RulesError> {
        let place = Place { division_code: self.region_code, urban_rural: self.urban_rural };
        // A case file need not say where its figures come from; what it leaves out is said in its place.
        let unstated = Provenance {
            status: "unstated".to_owned(),
            source: Some(format!("parameter set `{name}` of a case file, which names no source")),
            ..Provenance::default()
        };
        let mut provenance: BTreeMap<&'static str, Provenance> =
            self.values.held().into_iter().map(|field| (field, unstated.clone())).collect();
        for entry in &self.provenance {
            for named in entry.field.split(',').map(str::trim) {
                // A source may be named for something that is not a parameter of this set; it then has nothing to stand for.
                let Some(field) = FIELDS.iter().find(|field| **field == named) else { continue };
                if let Some(slot) = provenance.get_mut(field) {
                    slot.status.clone_from(&entry.status);
                    if entry.source.is_some() {
                        slot.source.clone_from(&entry.source);
                    }
                    slot.year = entry.year;
                }
            }
        }
        let mut values = self.values.clone();
        by_semantics(&mut values, &mut provenance);
        Parameters::new(name.to_owned(), self.place_zh.clone(), place, values, provenance)
    }
}

/// What the published semantics of the cases settle where a case file is silent, with that as its source.
fn by_semantics(values: &mut Values, provenance: &mut BTreeMap<&'static str, Provenance>) {
    let mut settle = |field: &'static str, section: &str| {
        let status = "assumed: settled by the published semantics of the cases".to_owned();
        let source = Some(format!("semantics.md, {section}"));
        provenance.insert(field, Provenance { status, source, ..Provenance::default() });
    };
    if values.income_authority.is_none() {
        values.income_authority = Some(INCOME_AUTHORITY.iter().filter_map(|id| DepartmentId::parse(id).ok()).collect());
        settle("income_authority", "Income");
    }
    if values.expenditure_rule.is_some_and(ExpenditureRule::is_ratio) {
        if values.expenditure_ratio_percent.is_none() {
            values.expenditure_ratio_percent = Some(RATIO_PERCENT.0);
            settle("expenditure_ratio_percent", "Circle");
        }
        if values.expenditure_medical_ratio_percent.is_none() {
            values.expenditure_medical_ratio_percent = Some(RATIO_PERCENT.1);
            settle("expenditure_medical_ratio_percent", "Circle");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Money;

    fn listed() -> serde_json::Value {
        let file: serde_json::Value = serde_json::from_str(include_str!("../../tests/cases/listed.json")).unwrap();
        file["parameter_sets"]["IM_WLHT_URBAN"].clone()
    }

    #[test]
    fn an_inline_set_is_read_whole_with_its_sources() {
        let set: ParameterSet = serde_json::from_value(listed()).unwrap();
        let parameters = set.parameters("IM_WLHT_URBAN").unwrap();
        assert_eq!(parameters.rules().line_of_one, Money::from_fen(994_800));
        assert!(parameters.provenance("dwelling_max").unwrap().status.starts_with("borrowed from Shenzhen"));
        assert_eq!(parameters.provenance("dibao_standard").unwrap().year, Some(2024));
        assert_eq!(parameters.provenance("graduation_months").unwrap().status, "unstated");
    }

    #[test]
    fn unknown_missing_and_senseless_parameters_are_named() {
        let mut unknown = listed();
        unknown["dwelling_maximum"] = 1.into();
        let error = serde_json::from_value::<ParameterSet>(unknown).unwrap_err().to_string();
        assert!(error.contains("dwelling_maximum"), "{error}");

        let mut wrong = listed();
        wrong["tekun"]["minor_age_limit"] = "eighteen".into();
        let error = serde_json::from_value::<ParameterSet>(wrong).unwrap_err().to_string();
        assert!(error.contains("tekun.minor_age_limit"), "{error}");

        let mut missing = listed();
        missing.as_object_mut().unwrap().remove("dwelling_max");
        let set: ParameterSet = serde_json::from_value(missing).unwrap();
        assert_eq!(set.parameters("X"), Err(RulesError::Missing("dwelling_max")));

        let mut twice = listed();
        twice["circle_precedence"] = serde_json::json!(["DIBAO", "DIBAO", "EXPENDITURE"]);
        let set: ParameterSet = serde_json::from_value(twice).unwrap();
        assert!(matches!(set.parameters("X"), Err(RulesError::Unusable { field: "circle_precedence", .. })));
    }

    #[test]
    fn the_digest_changes_with_any_value_and_with_nothing_else() {
        let set: ParameterSet = serde_json::from_value(listed()).unwrap();
        let first = set.parameters("IM_WLHT_URBAN").unwrap();
        assert_eq!(first.digest(), set.parameters("IM_WLHT_URBAN").unwrap().digest());
        let mut other = set.clone();
        other.values.dwelling_max = Some(2);
        assert_ne!(first.digest(), other.parameters("IM_WLHT_URBAN").unwrap().digest());
        assert_eq!(first.digest().len(), 64);
    }
}

//! Parameters written as a pack file: what a case file holds inline becomes a folder of packs.

use std::path::PathBuf;

use jiff::civil::Date;
use serde::Serialize;

use super::{Header, Names, STATUSES};
use crate::domain::household::UrbanRural;
use crate::policy::divisions;
use crate::policy::parameters::Parameters;
use crate::policy::values::FIELDS;

#[derive(Serialize)]
struct PackFile {
    pack: Header,
    parameter: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    field: &'static str,
    urban_rural: UrbanRural,
    value: toml::Value,
    status: String,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    year: Option<i16>,
}

impl Parameters {
    /// These parameters as a complete pack file, in force from `effective_from`, as the default of
    /// their place or as the variant of that name. Returns its path below the directory of packs, and its text.
    pub fn to_toml(&self, effective_from: Date, variant: Option<&str>) -> (PathBuf, String) {
        let place = self.place();
        let mut names = Names::default();
        match place.urban_rural {
            UrbanRural::Urban => names.urban = Some(self.name().to_owned()),
            UrbanRural::Rural => names.rural = Some(self.name().to_owned()),
        }
        let is_known = divisions::find(place.division_code).is_some();
        let header = Header {
            division: place.division_code,
            effective_from,
            effective_to: None,
            variant: variant.map(str::to_owned),
            place_zh: self.title().to_owned(),
            note: None,
            division_source: (!is_known).then(|| format!("parameter set `{}` of a case file", self.name())),
            names,
        };
        let values = toml::Table::try_from(self.values()).expect("every parameter has a TOML form");
        let parameter = FIELDS
            .iter()
            .filter_map(|field| {
                let value = values.get(*field)?.clone();
                let from = self.provenance(field).cloned().unwrap_or_default();
                Some(Row {
                    field,
                    urban_rural: place.urban_rural,
                    value,
                    status: known_status(from.status),
                    source: from.source.unwrap_or_default(),
                    note: from.note,
                    year: from.year,
                })
            })
            .collect();
        let file = PackFile { pack: header, parameter };
        let slug: String = self
            .name()
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
            .collect();
        let path = PathBuf::from(place.division_code.as_str()).join(format!("{effective_from}.{slug}.toml"));
        (path, toml::to_string(&file).expect("a pack file always has a TOML form"))
    }
}

/// A case file may word a status as it likes; a pack begins it with one of the known words.
fn known_status(status: String) -> String {
    if STATUSES.iter().any(|word| status.starts_with(word)) { status } else { format!("unstated: {status}") }
}

//! One pack file: its header, its rows, and the checks that a row must pass before it can count.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::parameters::{Parameters, Provenance};
use super::values::{FIELDS, Values};
use crate::domain::division::DivisionCode;
use crate::domain::household::{Place, UrbanRural};
use crate::domain::problem::Text;

/// Why packs cannot be used: which file, which field, how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The directory or a file cannot be read.
    #[error("policy pack {file}: cannot be read: {cause}")]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Not TOML of the form of a pack.
    #[error("policy pack {file}: {cause}")]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Where and why.
        cause: Box<toml::de::Error>,
    },
    /// A field that no rule can use.
    #[error("policy pack {file}: `{field}`: {fault}")]
    Field {
        /// The file.
        file: PathBuf,
        /// The field.
        field: String,
        /// What is wrong and how to mend it.
        fault: String,
    },
}

impl PolicyError {
    /// The error in both languages. What the TOML reader or the system said stays as it is.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Read { file, cause } => format!("政策包 {}：无法读取：{cause}", file.display()),
            Self::Syntax { file, cause } => format!("政策包 {}：格式有误：{cause}", file.display()),
            Self::Field { file, field, fault } => {
                format!("政策包 {}：字段 `{field}` 有误：{fault}", file.display())
            }
        };
        Text::new(zh, self.to_string())
    }
}

/// A pack file as written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    pack: Header,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parameter: Vec<Row>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reference: Vec<Reference>,
}

/// What a pack file is: whose, from when, under which names.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) division: DivisionCode,
    pub(super) effective_from: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) effective_to: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) variant: Option<String>,
    pub(super) place_zh: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default)]
    pub(super) names: Names,
}

/// The names under which the urban and the rural parameters are known.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) struct Names {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) urban: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rural: Option<String>,
}

impl Names {
    pub(super) const fn of(&self, urban_rural: UrbanRural) -> Option<&String> {
        match urban_rural {
            UrbanRural::Urban => self.urban.as_ref(),
            UrbanRural::Rural => self.rural.as_ref(),
        }
    }
}

/// One figure.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    urban_rural: Option<UrbanRural>,
    value: toml::Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Date>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    divisions: Vec<DivisionCode>,
    status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    year: Option<i16>,
}

/// A published figure that no verdict uses: an average, a rate, a care standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// What it is: `dibao`, `tekun_basic`, `minimum_wage`, …
    pub kind: String,
    /// `URBAN`, `RURAL` or finer, as published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urban_rural: Option<String>,
    /// Amount in yuan, a decimal string; several for tiers.
    pub amounts: Vec<String>,
    /// `MONTH`, `YEAR` or `HOUR`.
    pub unit: String,
    /// From when, as published: a year, a month or a day.
    pub from: String,
    /// How far to trust it.
    pub status: String,
    /// The page.
    pub source: String,
    /// What else should be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A checked row.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    pub(super) field: &'static str,
    pub(super) urban_rural: Option<UrbanRural>,
    pub(super) from: Date,
    pub(super) to: Option<Date>,
    pub(super) divisions: Vec<DivisionCode>,
    pub(super) value: Values,
    pub(super) provenance: Provenance,
}

impl Figure {
    pub(super) fn holds(&self, place: Place, on: Date) -> bool {
        self.from <= on
            && self.to.is_none_or(|last| on <= last)
            && self.urban_rural.is_none_or(|side| side == place.urban_rural)
            && (self.divisions.is_empty() || self.divisions.contains(&place.division_code))
    }
}

/// A checked pack file.
#[derive(Debug, Clone)]
pub(super) struct Pack {
    pub(super) header: Header,
    pub(super) figures: Vec<Figure>,
    pub(super) references: Vec<Reference>,
}

/// How a status may begin: what is not trusted at all does not belong among the parameters.
const STATUSES: [&str; 6] = ["verified", "borrowed", "assumed", "stand-in", "invented", "unstated"];

impl Pack {
    /// Reads and checks one file. `path` ends in `<division code>/<date>[.<variant>].toml`.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, PolicyError> {
        let file: PackFile = toml::from_str(text)
            .map_err(|cause| PolicyError::Syntax { file: path.to_owned(), cause: Box::new(cause) })?;
        let fault = |field: &str, fault: &str| PolicyError::Field {
            file: path.to_owned(),
            field: field.to_owned(),
            fault: fault.to_owned(),
        };
        let header = file.pack;
        let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        if folder != header.division.as_str() {
            return Err(fault("pack.division", "is not the name of the folder: move the file or mend the code"));
        }
        let stem = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let (date, suffix) = stem.split_once('.').map_or((stem, None), |(date, suffix)| (date, Some(suffix)));
        if date != header.effective_from.to_string() {
            return Err(fault(
                "pack.effective_from",
                "is not the date in the file name: rename the file or mend the date",
            ));
        }
        if header.variant.is_some() && suffix.is_none() {
            return Err(fault("pack.variant", "needs a file name with a suffix, such as 2024-10-22.im-2024-rule.toml"));
        }
        if header.effective_to.is_some_and(|last| last < header.effective_from) {
            return Err(fault("pack.effective_to", "is before effective_from"));
        }
        let figures = file.parameter.into_iter().map(|row| row.check(&header, path)).collect::<Result<Vec<_>, _>>()?;
        for (index, figure) in figures.iter().enumerate() {
            let same = |other: &Figure| {
                (other.field, other.urban_rural, other.from, &other.divisions)
                    == (figure.field, figure.urban_rural, figure.from, &figure.divisions)
            };
            if figures.iter().skip(index + 1).any(same) {
                return Err(fault(figure.field, "stands twice for the same day and place: keep one row"));
            }
        }
        Ok(Self { header, figures, references: file.reference })
    }

    /// True on the days the file holds.
    pub(super) fn is_in_force(&self, on: Date) -> bool {
        self.header.effective_from <= on && self.header.effective_to.is_none_or(|last| on <= last)
    }
}

impl Row {
    fn check(self, header: &Header, path: &Path) -> Result<Figure, PolicyError> {
        let fault = |fault: String| PolicyError::Field { file: path.to_owned(), field: self.field.clone(), fault };
        let field = *FIELDS
            .iter()
            .find(|field| **field == self.field)
            .ok_or_else(|| fault(format!("is not a parameter; the parameters are {}", FIELDS.join(", "))))?;
        if !STATUSES.iter().any(|status| self.status.starts_with(status)) {
            return Err(fault(format!(
                "status must begin with one of {}; a figure that cannot be used belongs under [[reference]]",
                STATUSES.join(", ")
            )));
        }
        if self.status.starts_with("verified") && self.source.is_none() {
            return Err(fault("is verified but names no source: add `source`".to_owned()));
        }
        let from = self.from.unwrap_or(header.effective_from);
        let to = self.to.or(header.effective_to);
        if to.is_some_and(|last| last < from) {
            return Err(fault("`to` is before `from`".to_owned()));
        }
        if let Some(stranger) = self.divisions.iter().find(|division| !division.is_inside(header.division)) {
            return Err(fault(format!("`divisions` names {stranger}, which is not inside {}", header.division)));
        }
        let mut table = toml::Table::new();
        table.insert(self.field.clone(), self.value.clone());
        let value: Values = serde_path_to_error::deserialize(toml::Value::Table(table))
            .map_err(|error| fault(format!("value: {}", error.into_inner())))?;
        let provenance = Provenance {
            status: self.status.clone(),
            source: self.source.clone(),
            note: self.note.clone(),
            year: self.year,
            effective_from: Some(from),
            effective_to: to,
            division: Some(header.division),
        };
        Ok(Figure { field, urban_rural: self.urban_rural, from, to, divisions: self.divisions, value, provenance })
    }
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
        let header = Header {
            division: place.division_code,
            effective_from,
            effective_to: None,
            variant: variant.map(str::to_owned),
            place_zh: self.title().to_owned(),
            note: None,
            names,
        };
        let values = toml::Table::try_from(self.values()).expect("every parameter has a TOML form");
        let parameter = FIELDS
            .iter()
            .filter_map(|field| {
                let value = values.get(*field)?.clone();
                let from = self.provenance(field).cloned().unwrap_or_default();
                // A verified figure of a case file may lack its source; a pack must not claim more than it can show.
                let status = if from.status.starts_with("verified") && from.source.is_none() {
                    "unstated".to_owned()
                } else {
                    from.status
                };
                Some(Row {
                    field: (*field).to_owned(),
                    urban_rural: Some(place.urban_rural),
                    value,
                    from: None,
                    to: None,
                    divisions: Vec::new(),
                    status,
                    source: from.source,
                    note: from.note,
                    year: from.year,
                })
            })
            .collect();
        let file = PackFile { pack: header, parameter, reference: Vec::new() };
        let slug: String = self
            .name()
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
            .collect();
        let path = PathBuf::from(place.division_code.as_str()).join(format!("{effective_from}.{slug}.toml"));
        (path, toml::to_string(&file).expect("a pack file always has a TOML form"))
    }
}

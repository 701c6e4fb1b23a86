//! Departments, datasets and the catalogue: which department provides which facts.
//!
//! The verdict asks for facts; only the catalogue knows departments. A new source joins with a
//! catalogue entry and a connector, no code.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fact::{FactKind, Kind};
use super::problem::Text;
use super::purpose::Purpose;

/// Why a text is not a department or dataset id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not 2 to 40 characters of `a-z`, `0-9`, `_`, beginning with a letter.
    #[error("`{0}` is not a department id: 2 to 40 characters of a-z, 0-9 and _, beginning with a letter")]
    Department(String),
    /// Not `department.name`.
    #[error("`{0}` is not a dataset id: `department.name`, such as hrss.pension")]
    Dataset(String),
}

/// The id of a department (部门), such as `hrss`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DepartmentId(Arc<str>);

/// The id of a dataset: the department that provides it, a dot, and its name, such as `hrss.pension`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DatasetId(Arc<str>);

fn is_name(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl DepartmentId {
    /// Parses an id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if is_name(text) { Ok(Self(text.into())) } else { Err(IdError::Department(text.chars().take(60).collect())) }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DatasetId {
    /// Parses an id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        match text.split_once('.') {
            Some((department, name)) if is_name(department) && is_name(name) => Ok(Self(text.into())),
            _ => Err(IdError::Dataset(text.chars().take(90).collect())),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_id {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
text_id!(DepartmentId);
text_id!(DatasetId);

/// What an answer that is missing could still change (`domain/rules.md` section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingEffect {
    /// Income can only be more than known.
    IncomeUp,
    /// Rigid expenditure can only be more than known.
    ExpenditureUp,
    /// Property can fail where it passes now.
    PropertyMayFail,
    /// A dwelling that counts now may turn out to be an exempt ruin.
    DwellingMayPass,
    /// A member may be severely ill, which opens 单人户 without touching the household circle.
    MemberIllnessUnknown,
}

/// A department of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Department {
    /// Its id.
    pub id: DepartmentId,
    /// Its name for people.
    pub name: Arc<Text>,
    /// What its silence leaves open.
    #[serde(default)]
    pub if_missing: Vec<MissingEffect>,
    /// The ages, both included, of the members for whom its silence matters; everybody when absent.
    #[serde(default)]
    pub if_missing_ages: Option<(i16, i16)>,
}

/// How much an answer weighs against the household's own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The record settles the matter.
    Conclusive,
    /// The record is a reason to ask; no adverse conclusion rests on it alone.
    Hint,
}

/// How closely a dataset is guarded (PIPL 第二十八条).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Personal information.
    Personal,
    /// Sensitive personal information: health, finance, minors.
    Sensitive,
}

/// A dataset of the catalogue: a named kind of record with a schema.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its id.
    pub id: DatasetId,
    /// The department that provides it.
    pub department: DepartmentId,
    /// Its name for people.
    pub name: Text,
    /// The type of the facts in it.
    pub fact: FactKind,
    /// How closely it is guarded.
    pub sensitivity: Sensitivity,
    /// What it weighs.
    pub authority: Authority,
    /// The kinds it is a register of: what is not in it of these kinds was looked for and not found.
    #[serde(default)]
    pub holds: Vec<Kind>,
    /// It may hold what lowers income: money paid out. Such a fact in any other dataset is refused at the door: that
    /// income can only grow as answers arrive rests on it (`domain/rules.md` section 7).
    #[serde(default)]
    pub may_lower_income: bool,
    /// Ages, both included, for which it is asked; everybody when absent (minimal disclosure, P6).
    #[serde(default)]
    pub ages: Option<(i16, i16)>,
    /// Purposes for which it may be asked.
    pub purposes: Vec<Purpose>,
    /// How long an answer may be used again as if just asked.
    #[serde(with = "duration_text")]
    pub fresh: Duration,
    /// How long after that an old answer may stand in, marked stale, when the department does not answer.
    #[serde(with = "duration_text")]
    pub stale_while_error: Duration,
}

/// The catalogue (`schemas/catalogue.toml`): departments and datasets, in their order of listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    departments: Vec<Department>,
    datasets: Vec<Dataset>,
    by_id: BTreeMap<DatasetId, usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueFile {
    department: Vec<Department>,
    dataset: Vec<Dataset>,
}

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Not TOML of the right form.
    #[error("catalogue: {0}")]
    Syntax(#[from] toml::de::Error),
    /// Two entries with one id.
    #[error("catalogue: `{0}` is listed twice")]
    Twice(String),
    /// A dataset of a department that is not listed, or whose id does not begin with it.
    #[error("catalogue: dataset `{0}` does not belong to a listed department")]
    Orphan(DatasetId),
}

impl Catalogue {
    /// The text of the catalogue shipped with the hub.
    pub const SHIPPED: &str = include_str!("../../schemas/catalogue.toml");

    /// The catalogue shipped with the hub: the six departments.
    pub fn shipped() -> Self {
        Self::parse(Self::SHIPPED).expect("a test parses the shipped catalogue")
    }

    /// Parses and checks a catalogue file.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let file: CatalogueFile = toml::from_str(text)?;
        let mut seen = std::collections::BTreeSet::new();
        for department in &file.department {
            if !seen.insert(department.id.as_str()) {
                return Err(CatalogueError::Twice(department.id.to_string()));
            }
        }
        let mut by_id = BTreeMap::new();
        for (index, dataset) in file.dataset.iter().enumerate() {
            let owner = dataset.id.as_str().split('.').next().unwrap_or_default();
            if owner != dataset.department.as_str() || !seen.contains(owner) {
                return Err(CatalogueError::Orphan(dataset.id.clone()));
            }
            if by_id.insert(dataset.id.clone(), index).is_some() {
                return Err(CatalogueError::Twice(dataset.id.to_string()));
            }
        }
        Ok(Self { departments: file.department, datasets: file.dataset, by_id })
    }

    /// The departments, in their order of listing.
    pub fn departments(&self) -> &[Department] {
        &self.departments
    }

    /// The department of this id.
    pub fn department(&self, id: &DepartmentId) -> Option<&Department> {
        self.departments.iter().find(|department| department.id == *id)
    }

    /// The datasets, in their order of listing.
    pub fn datasets(&self) -> &[Dataset] {
        &self.datasets
    }

    /// The dataset of this id.
    pub fn dataset(&self, id: &DatasetId) -> Option<&Dataset> {
        self.by_id.get(id).and_then(|index| self.datasets.get(*index))
    }
}

/// Durations in files: `"250ms"`, `"30s"`, `"10m"`, `"24h"`, `"7d"`.
pub mod duration_text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer};

    /// Parses a whole number with its unit.
    pub fn parse(text: &str) -> Option<Duration> {
        let split = text.find(|character: char| !character.is_ascii_digit())?;
        let (number, unit) = text.split_at(split);
        let number: u64 = number.parse().ok()?;
        let seconds = |factor: u64| number.checked_mul(factor).map(Duration::from_secs);
        match unit {
            "ms" => Some(Duration::from_millis(number)),
            "s" => seconds(1),
            "m" => seconds(60),
            "h" => seconds(3600),
            "d" => seconds(86_400),
            _ => None,
        }
    }

    /// For `#[serde(with = "duration_text")]`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is not a duration: a whole number with ms, s, m, h or d, such as 250ms"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_catalogue_has_the_six_departments() {
        let catalogue = Catalogue::shipped();
        let ids: Vec<_> = catalogue.departments().iter().map(|department| department.id.as_str()).collect();
        assert_eq!(ids, ["education", "hrss", "housing", "health", "emergency", "medical_insurance"]);
        assert!(
            catalogue
                .departments()
                .iter()
                .all(|department| { catalogue.datasets().iter().any(|dataset| dataset.department == department.id) })
        );
    }

    #[test]
    fn ids_are_checked() {
        assert!(DatasetId::parse("hrss.pension").is_ok());
        for bad in ["hrss", "hrss.", ".pension", "HRSS.pension", "hrss.pension.x", "hrss.养老"] {
            assert!(DatasetId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_need_their_unit() {
        assert_eq!(duration_text::parse("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration_text::parse("7d"), Some(Duration::from_hours(168)));
        for bad in ["", "5", "h", "1.5h", "-1s", "99999999999999999999d", "18446744073709551615d"] {
            assert_eq!(duration_text::parse(bad), None, "{bad}");
        }
    }
}

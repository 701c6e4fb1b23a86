//! Simulation: synthetic households become six departments' native stores, requests and rehearsals.
//!
//! Two sources, one path: cases of a file ([`Simulation::from_cases`]), or a population drawn from a
//! seed ([`Simulation::population`]) whose verdicts are known by construction. Everybody is synthetic:
//! only identity numbers with the prefix 150000, which GB 11643 never issues, are ever stored.
//!
//! What a directory holds afterwards: `<department>.sqlite`, or the folder `emergency/` of a department that
//! delivers files, `rehearsals/<department>.json`,
//! `requests/<case>.json`, with [`Simulation::dump`] what database servers load, `policies/` with the parameter sets as packs, and `truth.json`, the cases
//! with what the verdicts should say.

pub mod account;
pub mod case;
pub mod declared;
pub mod department;
pub mod dump;
pub mod facts;
pub mod filing;
pub mod keys;
pub mod names;
pub mod native_store;
pub mod population;
pub mod random;
pub mod rehearsal;
pub mod request;
pub mod service;
pub mod trial;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Serialize;

use self::case::{Case, CaseFile};
use self::department::{DEPARTMENTS, Native, Table};
use self::filing::{Clerk, Extra, Notice};
use self::rehearsal::Rehearsal;
use self::request::Request;
use crate::domain::dataset::Catalogue;
use crate::domain::household::MemberRef;
use crate::domain::id_number::IdNumber;
use crate::domain::problem::Text;
use crate::policy::{self, Packs};

/// The day on which a population is assessed unless another is asked for: fixed, so that a seed gives the same bytes on any day.
pub const DEFAULT_DATE: Date = Date::constant(2026, 11, 1);

/// Households to simulate.
#[derive(Debug, Clone)]
pub struct Simulation {
    file: CaseFile,
    /// The text of `truth.json`: a case file as it was read, a population as it was drawn.
    truth: String,
    extras: BTreeMap<String, Vec<Extra>>,
}

/// Everything a simulation writes, before it is written.
pub struct Prepared {
    /// Each department's id, how it keeps its records, and these.
    pub stores: [(&'static str, Native, Vec<Table>); 6],
    /// The requests, by case.
    pub requests: Vec<(String, Request)>,
    /// The rehearsals, by department.
    pub rehearsals: BTreeMap<&'static str, Rehearsal>,
    /// Facts that a department should hold and cannot.
    pub notices: Vec<Notice>,
    /// Policy packs made from the parameter sets: path below `policies/`, text.
    pub policies: Vec<(PathBuf, String)>,
    /// The text of `truth.json`.
    pub truth: String,
}

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Where.
    pub directory: PathBuf,
    /// Households.
    pub households: usize,
    /// Persons.
    pub persons: usize,
    /// Rows in each department's store.
    pub rows: BTreeMap<&'static str, usize>,
    /// Persons about whom each department's adapter is to fail.
    pub rehearsed: BTreeMap<&'static str, usize>,
    /// Facts that a department should hold and cannot.
    pub notices: Vec<Notice>,
}

/// Why a simulation cannot be made or written.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// A file or directory.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A native store could not be written.
    #[error("{path}: {source}", path = .path.display())]
    Store {
        /// Which.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// Not a case file.
    #[error("{path}: not a case file: {source}", path = .path.display())]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A case names a parameter set that the file does not have.
    #[error("case {case}: there is no parameter set `{parameter_set}` in the file")]
    ParameterSet {
        /// The case.
        case: String,
        /// The name.
        parameter_set: String,
    },
    /// A case id that cannot name a request file, or is given twice.
    #[error("case `{case}`: an id is 1 to 64 letters, digits, - or _, and no two cases share one")]
    CaseId {
        /// The case.
        case: String,
    },
    /// A fact about somebody who is not a member, or two members of one name.
    #[error("case {case}: `{member}` is not exactly one member of the household")]
    Member {
        /// The case.
        case: String,
        /// The reference.
        member: String,
    },
    /// One person in two cases, which share one store.
    #[error("case {first} and case {second} have a member with the same identity number; simulate them apart")]
    SharedPerson {
        /// The first case.
        first: String,
        /// The other one, or the same.
        second: String,
    },
    /// An identity number that may be a real person's.
    #[error(
        "case {case}: member {member} has an identity number that may be a real person's; only the prefix 150000 is simulated"
    )]
    RealPerson {
        /// The case.
        case: String,
        /// The member.
        member: String,
    },
    /// The parameter sets make no policy packs.
    #[error("the parameter sets cannot be used as policy packs: {0}")]
    Policies(String),
    /// The directory holds something.
    #[error("{path} is not empty; name another directory, or allow an earlier simulation there to be replaced", path = .path.display())]
    NotEmpty {
        /// Which.
        path: PathBuf,
    },
    /// The embedded places cannot be used.
    #[error("the embedded places: {0}")]
    Places(String),
    /// The population cannot be drawn.
    #[error("{0} households are more than one population may have (1 to 200000)")]
    Households(usize),
}

impl SimulateError {
    /// True when the input is at fault rather than the world outside.
    pub const fn is_input(&self) -> bool {
        !matches!(self, Self::File { .. } | Self::Store { .. })
    }

    /// The message in both languages.
    pub fn text(&self) -> Text {
        let en = self.to_string();
        let zh = match self {
            Self::File { path, source } => format!("{}：{source}", path.display()),
            Self::Store { path, source } => format!("{}：无法写入：{source}", path.display()),
            Self::Syntax { path, source } => format!("{}：不是案例文件：{source}", path.display()),
            Self::ParameterSet { case, parameter_set } => {
                format!("案例 {case}：文件中没有参数组 `{parameter_set}`")
            }
            Self::CaseId { case } => {
                format!("案例 `{case}`：编号须为1至64个字母、数字、- 或 _，且不得重复")
            }
            Self::Member { case, member } => format!("案例 {case}：`{member}` 不是家庭中唯一的成员"),
            Self::SharedPerson { first, second } => {
                format!("案例 {first} 与案例 {second} 有公民身份号码相同的成员，请分开模拟")
            }
            Self::RealPerson { case, member } => {
                format!("案例 {case}：成员 {member} 的公民身份号码可能属于真实的人；只模拟前缀 150000")
            }
            Self::NotEmpty { path } => format!("{} 不是空目录；请另指目录，或允许替换其中原有的模拟", path.display()),
            Self::Policies(detail) => format!("参数组无法作为政策包使用：{detail}"),
            Self::Places(detail) => format!("内置地区数据：{detail}"),
            Self::Households(count) => format!("{count} 户超出一次模拟的范围（1至200000）"),
        };
        Text::new(zh, en)
    }
}

impl Simulation {
    /// The cases of a file.
    pub fn from_cases(path: &Path) -> Result<Self, SimulateError> {
        let truth =
            std::fs::read_to_string(path).map_err(|source| SimulateError::File { path: path.to_owned(), source })?;
        let file =
            serde_json::from_str(&truth).map_err(|source| SimulateError::Syntax { path: path.to_owned(), source })?;
        let simulation = Self { file, truth, extras: BTreeMap::new() };
        simulation.check()?;
        Ok(simulation)
    }

    /// `households` drawn from `seed`, assessed on `on`.
    pub fn population(households: usize, seed: u64, on: Date) -> Result<Self, SimulateError> {
        let (file, extras) = population::draw(households, seed, on)?;
        let mut truth =
            serde_json::to_string_pretty(&file).map_err(|error| SimulateError::Places(error.to_string()))?;
        truth.push('\n');
        let simulation = Self { file, truth, extras };
        simulation.check()?;
        Ok(simulation)
    }

    /// The cases.
    pub fn cases(&self) -> &[Case] {
        &self.file.cases
    }

    /// Files every household, writing nothing.
    pub fn prepare(&self) -> Result<Prepared, SimulateError> {
        let catalogue = Catalogue::shipped();
        let mut clerk = Clerk::new(&catalogue);
        let mut requests = Vec::with_capacity(self.file.cases.len());
        for case in &self.file.cases {
            let parameters = self.file.parameter_set(&case.parameter_set).ok_or_else(|| {
                SimulateError::ParameterSet { case: case.id.clone(), parameter_set: case.parameter_set.clone() }
            })?;
            let names = names::of_household(case);
            let extras = self.extras.get(&case.id).map_or(&[][..], Vec::as_slice);
            let declaration = clerk.file(case, &names, extras, is_stored(case));
            // A place may have several packs in force, so each request names its case's own.
            let pack = Some(case.parameter_set.clone());
            requests.push((case.id.clone(), request::of_case(case, parameters, &names, declaration, pack)));
        }
        let Clerk { silos, notices, .. } = clerk;
        Ok(Prepared {
            stores: silos.into_stores(),
            requests,
            rehearsals: rehearsal::of_cases(self.file.cases.iter(), self.recorded_on()),
            notices,
            policies: self.policies()?,
            truth: self.truth.clone(),
        })
    }

    /// The day of what the departments deliver: the day before the last assessment.
    pub fn recorded_on(&self) -> Date {
        let last = self.file.cases.iter().map(|case| case.assessment_date).max().unwrap_or(DEFAULT_DATE);
        last.yesterday().unwrap_or(last)
    }

    /// The parameter sets of the file as policy packs, the first of a place its default.
    fn policies(&self) -> Result<Vec<(PathBuf, String)>, SimulateError> {
        let unusable = |error: &dyn std::fmt::Display| SimulateError::Policies(error.to_string());
        let sets = self.file.parameter_sets.iter().map(|(name, set)| {
            let set = serde_json::to_value(set).and_then(serde_json::from_value::<policy::ParameterSet>);
            set.map(|set| (name.as_str(), set)).map_err(|error| unusable(&error))
        });
        let sets = sets.collect::<Result<Vec<_>, _>>()?;
        Packs::files_of_parameter_sets(sets.iter().map(|(name, set)| (*name, set))).map_err(|error| unusable(&error))
    }

    /// Writes everything into `directory`, which must be empty or not there yet.
    pub async fn write(&self, directory: &Path) -> Result<Summary, SimulateError> {
        let prepared = self.prepare()?;
        if std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(SimulateError::NotEmpty { path: directory.to_owned() });
        }
        for folder in [directory.to_owned(), directory.join("requests"), directory.join("rehearsals")] {
            std::fs::create_dir_all(&folder).map_err(|source| SimulateError::File { path: folder, source })?;
        }
        let mut rows = BTreeMap::new();
        for (department, native, tables) in &prepared.stores {
            rows.insert(*department, tables.iter().map(|table| table.rows.len()).sum());
            let path = native_store::path(directory, department);
            match native {
                Native::Sqlite(schema) => native_store::write(&path, schema, tables).await?,
                Native::Delivered(columns) => native_store::deliver(&path, columns, tables, self.recorded_on())?,
            }
        }
        for (case, request) in &prepared.requests {
            write_json(&directory.join("requests").join(format!("{case}.json")), request)?;
        }
        for (file, pack) in &prepared.policies {
            let file = directory.join("policies").join(file);
            let folder = file.parent().unwrap_or(directory);
            std::fs::create_dir_all(folder)
                .map_err(|source| SimulateError::File { path: folder.to_owned(), source })?;
            write_text(&file, pack)?;
        }
        for (department, rehearsal) in &prepared.rehearsals {
            write_json(&directory.join("rehearsals").join(format!("{department}.json")), rehearsal)?;
        }
        // Last, so that it also marks a directory as wholly written.
        write_text(&directory.join("truth.json"), &prepared.truth)?;
        let rehearsed = prepared
            .rehearsals
            .iter()
            .map(|(department, rehearsal)| (*department, rehearsal.behaviours.len()))
            .collect();
        Ok(Summary {
            directory: directory.to_owned(),
            households: self.file.cases.len(),
            persons: self.file.cases.iter().map(|case| case.household.members.len()).sum(),
            rows,
            rehearsed,
            notices: prepared.notices,
        })
    }

    /// Writes into `directory` what database servers load to hold the same records as the files that [`Self::write`]
    /// writes: one file for each department of [`dump::SERVERS`]. Tells which.
    pub fn dump(&self, directory: &Path) -> Result<Vec<PathBuf>, SimulateError> {
        let prepared = self.prepare()?;
        let mut written = Vec::with_capacity(dump::SERVERS.len());
        for (department, _, tables) in &prepared.stores {
            let Some((_, dialect, schema)) = dump::SERVERS.into_iter().find(|(id, ..)| id == department) else {
                continue;
            };
            let file = directory.join(dump::file_name(department, dialect));
            write_text(&file, &dump::statements(dialect, schema, tables))?;
            written.push(file);
        }
        Ok(written)
    }

    fn check(&self) -> Result<(), SimulateError> {
        let mut ids = std::collections::BTreeSet::new();
        let mut persons: BTreeMap<IdNumber, &str> = BTreeMap::new();
        for case in &self.file.cases {
            let fits = (1..=64).contains(&case.id.len())
                && case.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
            if !fits || !ids.insert(case.id.as_str()) {
                return Err(SimulateError::CaseId { case: case.id.chars().take(64).collect() });
            }
            check_references(case)?;
            for member in &case.household.members {
                let Some(id) = IdNumber::parse(&member.id_number.0).ok() else { continue };
                if !id.is_synthetic() {
                    let member = member.member_id.to_string();
                    return Err(SimulateError::RealPerson { case: case.id.clone(), member });
                }
                if is_stored(case)
                    && let Some(first) = persons.insert(id, &case.id)
                {
                    return Err(SimulateError::SharedPerson { first: first.to_owned(), second: case.id.clone() });
                }
            }
        }
        Ok(())
    }
}

/// True when every member's identity number is valid, so that departments can know the household.
fn is_stored(case: &Case) -> bool {
    case.household.members.iter().all(|member| member.valid_id_number().is_some())
}

fn check_references(case: &Case) -> Result<(), SimulateError> {
    let household = &case.household;
    let known =
        |reference: &MemberRef| household.members.iter().filter(|member| member.member_id == *reference).count();
    let members = household.members.iter().map(|member| &member.member_id);
    let incomes = household.incomes.iter().map(|income| &income.member_id);
    let expenditures = household.rigid_expenditures.iter().map(|expenditure| &expenditure.member_id);
    let supported = household.obligors.iter().flat_map(|obligor| &obligor.supports);
    match members.chain(incomes).chain(expenditures).chain(supported).find(|reference| known(reference) != 1) {
        Some(member) => Err(SimulateError::Member { case: case.id.clone(), member: member.to_string() }),
        None => Ok(()),
    }
}

/// Removes what an earlier simulation wrote into `directory`, and nothing else. A directory without
/// `truth.json` was not written by a simulation and is left alone.
pub fn remove(directory: &Path) -> Result<(), SimulateError> {
    let truth = directory.join("truth.json");
    if !truth.is_file() {
        return Ok(());
    }
    let gone = |path: PathBuf, result: std::io::Result<()>| match result {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(SimulateError::File { path, source }),
        _ => Ok(()),
    };
    for department in DEPARTMENTS {
        let path = native_store::path(directory, department);
        let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        gone(path, removed)?;
    }
    for (department, dialect, _) in dump::SERVERS {
        let path = directory.join(dump::file_name(department, dialect));
        gone(path.clone(), std::fs::remove_file(&path))?;
    }
    for folder in ["requests", "rehearsals", "policies", "keys", "connectors"] {
        let path = directory.join(folder);
        gone(path.clone(), std::fs::remove_dir_all(&path))?;
    }
    gone(truth.clone(), std::fs::remove_file(&truth))
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), SimulateError> {
    let failed = |source| SimulateError::File { path: path.to_owned(), source };
    let mut text = serde_json::to_string_pretty(value).map_err(|error| failed(error.into()))?;
    text.push('\n');
    write_text(path, &text)
}

fn write_text(path: &Path, text: &str) -> Result<(), SimulateError> {
    std::fs::write(path, text).map_err(|source| SimulateError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;

//! `Packs`: all pack files together, and what holds at a place on a day.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::digest::{Context, SHA256, digest};
use jiff::civil::Date;

use super::check::rows_between;
use super::effective::{Effective, FileSummary};
use super::fault::{Code, Fault, PolicyError, Spot, in_reading_order};
use super::folder::{self, PackFile};
use super::pack::{Figure, Pack, PackCase, Reference};
use super::parameter_set::ParameterSet;
use super::parameters::{Parameters, Provenance, RulesError};
use super::shipped::SHIPPED;
use super::values::Values;
use crate::domain::division::DivisionCode;
use crate::domain::hex::hex;
use crate::domain::household::{Place, UrbanRural};
use crate::domain::problem::Text;

/// Why there are no parameters. The first becomes the verdict status `PENDING_PARAMETER`: never a default.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// No pack in force gives this parameter for the place and the day.
    #[error("no `{field}` for {division} on {on}: add a pack config/policies/{division}/<effective date>.toml", division = .place.division_code)]
    NoParameter {
        /// The place.
        place: Place,
        /// The day.
        on: Date,
        /// The parameter that is missing; `dibao_standard` when nothing is known of the place.
        field: &'static str,
    },
    /// Rows contradict each other or make no sense together.
    #[error("the packs of {division} on {on} cannot be used: {fault}", division = .place.division_code)]
    Unusable {
        /// The place.
        place: Place,
        /// The day.
        on: Date,
        /// What is wrong.
        fault: RulesError,
    },
    /// No pack of this name is in force for the place and the day.
    #[error("no pack named `{name}` is in force; packs in force are {known:?}")]
    UnknownPack {
        /// The name that was asked for.
        name: String,
        /// The names in force.
        known: Vec<String>,
    },
}

impl Unavailable {
    /// The reason in both languages.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::NoParameter { place, on, field } => format!(
                "{} 在 {on} 没有参数 `{field}`：请增加政策包 config/policies/{}/<生效日期>.toml",
                place.division_code, place.division_code
            ),
            Self::Unusable { place, on, fault } => format!("{} 在 {on} 的政策包无法使用：{fault}", place.division_code),
            Self::UnknownPack { name, known } => {
                format!("没有名为 `{name}` 的有效政策包；有效的是 {}", known.join("、"))
            }
        };
        Text::new(zh, self.to_string())
    }
}

/// Results kept for places that were asked about. More than this many, and the store starts afresh:
/// codes come from callers, so it must not grow with them.
const MAX_CACHED: usize = 8192;

/// How closely a row speaks of a place: of the variant, depth of its division, for named divisions, for one side, since when.
type Nearness = (bool, usize, bool, bool, Date);

type Cached = Vec<(Option<String>, Arc<Parameters>)>;

/// All packs.
#[derive(Debug)]
pub struct Packs {
    pub(super) packs: Vec<Pack>,
    by_division: HashMap<DivisionCode, Vec<usize>>,
    /// The first days of the spans in which nothing changes, ascending.
    pub(super) eras: Vec<Date>,
    cache: RwLock<HashMap<(Place, usize), Cached>>,
    digest: String,
}

/// Packs as far as they could be read, and everything that is wrong with them.
#[derive(Debug)]
pub struct Reading {
    /// What was sound.
    pub packs: Packs,
    /// Errors and warnings of files and rows, by file and line.
    pub faults: Vec<Fault>,
    /// How many files there are.
    pub files: usize,
}

impl Reading {
    /// The packs when there is no error; else all errors.
    pub fn into_packs(self) -> Result<Packs, PolicyError> {
        let errors: Vec<Fault> = self.faults.into_iter().filter(Fault::is_error).collect();
        if errors.is_empty() { Ok(self.packs) } else { Err(PolicyError { faults: errors }) }
    }
}

/// The file laid over other packs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// Its name below a folder of packs.
    pub file: Arc<str>,
    /// Whose pack it is.
    pub division: DivisionCode,
    /// From when.
    pub effective_from: Date,
    /// The variant it belongs to.
    pub variant: Option<String>,
}

impl Packs {
    /// The packs shipped with the hub.
    pub fn shipped() -> Self {
        Self::read(None, None).into_packs().expect("a test reads every shipped pack")
    }

    /// The packs of a directory: `<division code>/<effective date>[.<variant>].toml`.
    pub fn load(dir: &Path) -> Result<Self, PolicyError> {
        Self::read(Some(dir), None).into_packs()
    }

    /// Reads the packs of `base`, or the shipped ones, and lays one file over them: it replaces the file of the same
    /// division and name. Never stops at a mistake.
    pub fn read(base: Option<&Path>, over: Option<&Path>) -> Reading {
        let mut faults = Vec::new();
        let mut files = match base {
            Some(dir) => folder::read(dir, &mut faults),
            None => SHIPPED
                .iter()
                .map(|(file, text)| PackFile { file: (*file).into(), bytes: text.as_bytes().to_vec() })
                .collect(),
        };
        if let Some(file) = over.and_then(|path| folder::read_one(path, &mut faults)) {
            files.retain(|other| other.file != file.file);
            files.push(file);
        }
        Self::of_files(&files, faults)
    }

    /// Reads the packs of a folder as they are without one file of it.
    pub fn read_without(dir: &Path, file: &str) -> Reading {
        let mut faults = Vec::new();
        let mut files = folder::read(dir, &mut faults);
        files.retain(|other| *other.file != *file);
        Self::of_files(&files, faults)
    }

    /// The packs of a folder or the shipped ones with one file laid over them, and what that file is.
    pub fn load_over(base: Option<&Path>, over: &Path) -> Result<(Self, Overlay), PolicyError> {
        let packs = Self::read(base, Some(over)).into_packs()?;
        // The file laid over the others is read last.
        let pack = packs.packs.last().expect("a file that was read without error is a pack");
        let overlay = Overlay {
            file: Arc::clone(&pack.file),
            division: pack.header.division,
            effective_from: pack.header.effective_from,
            variant: pack.header.variant.clone(),
        };
        Ok((packs, overlay))
    }

    fn of_files(files: &[PackFile], mut faults: Vec<Fault>) -> Reading {
        let packs: Vec<Pack> =
            files.iter().filter_map(|file| Pack::read(&file.file, &file.bytes, &mut faults)).collect();
        faults.extend(rows_between(&packs));
        in_reading_order(&mut faults);
        let packs = Self { digest: digest_of(files), ..Self::new(packs) };
        Reading { packs, faults, files: files.len() }
    }

    /// The inline sets of a case file, in their order, as packs: the first of each place is its
    /// default, the others are variants under their own names.
    pub fn from_parameter_sets<'a>(
        sets: impl IntoIterator<Item = (&'a str, &'a ParameterSet)>,
    ) -> Result<Self, PolicyError> {
        let files: Vec<PackFile> = Self::files_of_parameter_sets(sets)?
            .into_iter()
            .map(|(path, text)| PackFile {
                file: path.to_string_lossy().replace('\\', "/").into(),
                bytes: text.into_bytes(),
            })
            .collect();
        Self::of_files(&files, Vec::new()).into_packs()
    }

    /// The pack files of [`Packs::from_parameter_sets`], as paths below a directory of packs and their text.
    pub fn files_of_parameter_sets<'a>(
        sets: impl IntoIterator<Item = (&'a str, &'a ParameterSet)>,
    ) -> Result<Vec<(PathBuf, String)>, PolicyError> {
        // Case files date nothing: their sets hold on every day.
        let from = Date::constant(2000, 1, 1);
        let mut places: Vec<Place> = Vec::new();
        let mut files = Vec::new();
        for (name, set) in sets {
            let parameters =
                set.parameters(name).map_err(|error| PolicyError { faults: vec![of_set(name, &error)] })?;
            let is_first = !places.contains(&parameters.place());
            places.push(parameters.place());
            files.push(parameters.to_toml(from, (!is_first).then_some(name)));
        }
        Ok(files)
    }

    fn new(packs: Vec<Pack>) -> Self {
        let mut by_division: HashMap<DivisionCode, Vec<usize>> = HashMap::new();
        let mut eras = Vec::new();
        for (index, pack) in packs.iter().enumerate() {
            by_division.entry(pack.header.division).or_default().push(index);
            let spans = pack.figures.iter().map(|figure| (figure.from, figure.to));
            for (from, to) in spans.chain([(pack.header.effective_from, pack.header.effective_to)]) {
                eras.push(from);
                eras.extend(to.and_then(|last| last.tomorrow().ok()));
            }
        }
        eras.sort_unstable();
        eras.dedup();
        Self { packs, by_division, eras, cache: RwLock::default(), digest: String::new() }
    }

    /// What holds at a place on a day: the default rules, or the variant of that name.
    ///
    /// The first call for a place and an era gathers the rows; later ones hand out the same `Arc`.
    pub fn effective(&self, place: Place, on: Date, name: Option<&str>) -> Result<Arc<Parameters>, Unavailable> {
        let key = (place, self.eras.partition_point(|first| *first <= on));
        let known = |cached: &Cached| {
            cached.iter().find(|(asked, _)| asked.as_deref() == name).map(|(_, parameters)| Arc::clone(parameters))
        };
        if let Some(found) = self.cache.read().unwrap_or_else(PoisonError::into_inner).get(&key).and_then(known) {
            return Ok(found);
        }
        let variant = name.map(|name| self.variant_named(place, on, name)).transpose()?.flatten();
        let parameters = Arc::new(self.gather(place, on, variant)?);
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        let cached = cache.entry(key).or_default();
        // Another thread may have gathered the same in the meantime; everybody gets the first.
        if let Some(found) = known(cached) {
            return Ok(found);
        }
        cached.push((name.map(str::to_owned), Arc::clone(&parameters)));
        Ok(parameters)
    }

    /// The pack that bears this name, wherever it is: a name of a file, or `<code>_URBAN` or `<code>_RURAL`, with
    /// `_<variant>` where one is meant.
    pub fn named(&self, name: &str, on: Date) -> Result<Arc<Parameters>, Unavailable> {
        let place = self.packs.iter().filter(|pack| pack.is_in_force(on)).find_map(|pack| {
            [UrbanRural::Urban, UrbanRural::Rural]
                .into_iter()
                .find(|side| pack.header.names.of(*side).is_some_and(|own| own == name))
                .map(|urban_rural| Place { division_code: pack.header.division, urban_rural })
        });
        if let Some(place) = place {
            return self.effective(place, on, Some(name));
        }
        match made_name(name) {
            Some((place, variant)) => self.effective(place, on, variant),
            None => Err(Unavailable::UnknownPack { name: name.to_owned(), known: self.names(on) }),
        }
    }

    /// The names of all packs in force on a day.
    pub fn names(&self, on: Date) -> Vec<String> {
        let in_force = self.packs.iter().filter(|pack| pack.is_in_force(on));
        let mut names: Vec<String> = in_force
            .flat_map(|pack| [&pack.header.names.urban, &pack.header.names.rural])
            .filter_map(Clone::clone)
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The packs in force for a place on a day, the default first: what `name` of [`Packs::effective`] may be.
    pub fn choices(&self, place: Place, on: Date) -> Vec<String> {
        let mut choices = vec![self.name_of(place, on, None)];
        choices.extend(self.variants(place, on).into_iter().map(|variant| self.name_of(place, on, Some(variant))));
        choices
    }

    /// Published figures of a division that no verdict uses.
    pub fn references(&self, division: DivisionCode) -> impl Iterator<Item = &Reference> {
        self.of_division(division).flat_map(|pack| &pack.references).map(|dated| &dated.reference)
    }

    /// The pack files, in the order they were read.
    pub fn files(&self) -> impl Iterator<Item = FileSummary<'_>> {
        self.packs.iter().map(|pack| FileSummary {
            file: &pack.file,
            division: pack.header.division,
            place_zh: &pack.header.place_zh,
            effective_from: pack.header.effective_from,
            effective_to: pack.header.effective_to,
            variant: pack.header.variant.as_deref(),
            names: [&pack.header.names.urban, &pack.header.names.rural]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect(),
            figures: pack.figures.len(),
            verified: pack.figures.iter().filter(|figure| figure.provenance.status.starts_with("verified")).count(),
        })
    }

    /// SHA-256 over the names and bytes of all files, hexadecimal: other rules have another.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The cases inside packs, in the order of the files.
    pub fn cases(&self) -> impl Iterator<Item = &PackCase> {
        self.packs.iter().flat_map(|pack| &pack.cases)
    }

    pub(super) fn of_division(&self, division: DivisionCode) -> impl Iterator<Item = &Pack> {
        self.by_division.get(&division).into_iter().flatten().filter_map(|index| self.packs.get(*index))
    }

    /// The variants in force along the lineage of a place, in the order of their names.
    fn variants(&self, place: Place, on: Date) -> Vec<&str> {
        let mut variants: Vec<&str> = place
            .division_code
            .lineage()
            .into_iter()
            .flat_map(|division| self.of_division(division))
            .filter(|pack| pack.is_in_force(on) && concerns(pack, place))
            .filter_map(|pack| pack.header.variant.as_deref())
            .collect();
        variants.sort_unstable();
        variants.dedup();
        variants
    }

    /// The variant that `name` means; the inner `None` is the default.
    fn variant_named(&self, place: Place, on: Date, name: &str) -> Result<Option<&str>, Unavailable> {
        if self.name_of(place, on, None) == name {
            return Ok(None);
        }
        let variants = self.variants(place, on);
        let found =
            variants.into_iter().find(|variant| *variant == name || self.name_of(place, on, Some(variant)) == name);
        match found {
            Some(variant) => Ok(Some(variant)),
            None => Err(Unavailable::UnknownPack { name: name.to_owned(), known: self.choices(place, on) }),
        }
    }

    /// The name given in a file of the place itself, else one made of code and side.
    fn name_of(&self, place: Place, on: Date, variant: Option<&str>) -> String {
        let given = self
            .of_division(place.division_code)
            .filter(|pack| pack.is_in_force(on) && pack.header.variant.as_deref() == variant)
            .filter_map(|pack| pack.header.names.of(place.urban_rural).map(|name| (pack.header.effective_from, name)))
            .max_by_key(|(from, _)| *from);
        if let Some((_, name)) = given {
            return name.clone();
        }
        let side = match place.urban_rural {
            UrbanRural::Urban => "URBAN",
            UrbanRural::Rural => "RURAL",
        };
        match variant {
            Some(variant) => format!("{}_{side}_{variant}", place.division_code),
            None => format!("{}_{side}", place.division_code),
        }
    }

    /// What the packs say of a place on a day, complete or not.
    pub fn effective_figures(&self, place: Place, on: Date, name: Option<&str>) -> Result<Effective, Unavailable> {
        let variant = name.map(|name| self.variant_named(place, on, name)).transpose()?.flatten();
        Ok(self.collect(place, on, variant))
    }

    /// The row that counts for each parameter: the one that speaks most closely of this place. A variant comes before
    /// the default, then the nearest division, a row for named divisions, a row for one side, the latest.
    pub(super) fn best(&self, place: Place, on: Date, variant: Option<&str>) -> BTreeMap<&'static str, &Figure> {
        let mut best: BTreeMap<&'static str, (Nearness, &Figure)> = BTreeMap::new();
        for (depth, division) in place.division_code.lineage().into_iter().enumerate() {
            for pack in self.of_division(division).filter(|pack| pack.is_in_force(on)) {
                let of_variant = pack.header.variant.is_some();
                if of_variant && pack.header.variant.as_deref() != variant {
                    continue;
                }
                for figure in pack.figures.iter().filter(|figure| figure.holds(place, on)) {
                    let rank =
                        (of_variant, depth, !figure.divisions.is_empty(), figure.urban_rural.is_some(), figure.from);
                    if best.get(figure.field).is_none_or(|(standing, _)| *standing < rank) {
                        best.insert(figure.field, (rank, figure));
                    }
                }
            }
        }
        best.into_iter().map(|(field, (_, figure))| (field, figure)).collect()
    }

    fn collect(&self, place: Place, on: Date, variant: Option<&str>) -> Effective {
        let mut values = Values::default();
        let mut provenance: BTreeMap<&'static str, Provenance> = BTreeMap::new();
        for (field, figure) in self.best(place, on, variant) {
            values.overlay(&figure.value);
            provenance.insert(field, figure.provenance.clone());
        }
        let title = place
            .division_code
            .lineage()
            .into_iter()
            .flat_map(|division| self.of_division(division))
            .filter(|pack| pack.is_in_force(on) && concerns(pack, place))
            .filter(|pack| pack.header.variant.is_none() || pack.header.variant.as_deref() == variant)
            .last()
            .map_or("", |pack| pack.header.place_zh.as_str());
        let side = match place.urban_rural {
            UrbanRural::Urban => "城镇",
            UrbanRural::Rural => "农村",
        };
        let title = if title.contains(side) { title.to_owned() } else { format!("{title} {side}") };
        Effective { name: self.name_of(place, on, variant), title, place, on, values, provenance }
    }

    fn gather(&self, place: Place, on: Date, variant: Option<&str>) -> Result<Parameters, Unavailable> {
        let Effective { name, title, values, provenance, .. } = self.collect(place, on, variant);
        Parameters::new(name, title, place, values, provenance).map_err(|error| match error {
            RulesError::Missing(field) => Unavailable::NoParameter { place, on, field },
            fault @ RulesError::Unusable { .. } => Unavailable::Unusable { place, on, fault },
        })
    }
}

/// The place and variant of a name made of code and side.
fn made_name(name: &str) -> Option<(Place, Option<&str>)> {
    let (code, rest) = name.split_once('_')?;
    let (side, variant) = rest.split_once('_').map_or((rest, None), |(side, variant)| (side, Some(variant)));
    let urban_rural = match side {
        "URBAN" => UrbanRural::Urban,
        "RURAL" => UrbanRural::Rural,
        _ => return None,
    };
    Some((Place { division_code: DivisionCode::parse(code).ok()?, urban_rural }, variant))
}

fn of_set(name: &str, error: &RulesError) -> Fault {
    let (field, code) = match error {
        RulesError::Missing(field) => (*field, Code::KeyMissing),
        RulesError::Unusable { field, .. } => (*field, Code::OutOfRange),
    };
    let detail = Text::new(error.to_string(), error.to_string());
    let fix = Text::new("请改正参数集", "Mend the parameter set");
    Fault::new(code, &Spot::file(&name.into()), field, detail, fix)
}

/// A file with rows for the other side only says nothing of a place.
pub(super) fn concerns(pack: &Pack, place: Place) -> bool {
    pack.figures.is_empty()
        || pack.figures.iter().any(|figure| figure.urban_rural.is_none_or(|side| side == place.urban_rural))
}

/// The digest of files, each by its name and its bytes, whatever order they were read in.
fn digest_of(files: &[PackFile]) -> String {
    let mut files: Vec<&PackFile> = files.iter().collect();
    files.sort_unstable_by_key(|file| Arc::clone(&file.file));
    let mut all = Context::new(&SHA256);
    for file in files {
        all.update(digest(&SHA256, file.file.as_bytes()).as_ref());
        all.update(digest(&SHA256, &file.bytes).as_ref());
    }
    hex(all.finish().as_ref())
}

#[cfg(test)]
mod tests;

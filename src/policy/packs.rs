//! `Packs`: all pack files together, and what holds at a place on a day.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::civil::Date;

use super::pack::{Figure, Pack, PolicyError, Reference};
use super::parameters::{ParameterSet, Parameters, Provenance, RulesError};
use super::shipped::SHIPPED;
use super::values::Values;
use crate::domain::division::DivisionCode;
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

type Cached = Vec<(Option<String>, Arc<Parameters>)>;

/// All packs.
#[derive(Debug)]
pub struct Packs {
    packs: Vec<Pack>,
    by_division: HashMap<DivisionCode, Vec<usize>>,
    /// The first days of the spans in which nothing changes, ascending.
    eras: Vec<Date>,
    cache: RwLock<HashMap<(Place, usize), Cached>>,
}

impl Packs {
    /// The packs shipped with the hub.
    pub fn shipped() -> Self {
        let packs = SHIPPED
            .iter()
            .map(|(path, text)| Pack::parse(Path::new(path), text))
            .collect::<Result<Vec<_>, _>>()
            .expect("a test parses every shipped pack");
        Self::new(packs)
    }

    /// The packs of a directory: `<division code>/<effective date>[.<variant>].toml`.
    pub fn load(dir: &Path) -> Result<Self, PolicyError> {
        fn entries(dir: &Path) -> Result<Vec<PathBuf>, PolicyError> {
            let fault = |cause| PolicyError::Read { file: dir.to_owned(), cause };
            let mut paths = std::fs::read_dir(dir)
                .map_err(fault)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
                .map_err(fault)?;
            paths.sort();
            Ok(paths)
        }
        let mut packs = Vec::new();
        for folder in entries(dir)?.into_iter().filter(|path| path.is_dir()) {
            for file in entries(&folder)?.into_iter().filter(|path| path.extension().is_some_and(|end| end == "toml")) {
                let text =
                    std::fs::read_to_string(&file).map_err(|cause| PolicyError::Read { file: file.clone(), cause })?;
                packs.push(Pack::parse(&file, &text)?);
            }
        }
        if packs.is_empty() {
            return Err(PolicyError::Field {
                file: dir.to_owned(),
                field: "*".to_owned(),
                fault: "holds no pack: expected <division code>/<effective date>.toml".to_owned(),
            });
        }
        Ok(Self::new(packs))
    }

    /// The inline sets of a case file, in their order, as packs: the first of each place is its
    /// default, the others are variants under their own names.
    pub fn from_parameter_sets<'a>(
        sets: impl IntoIterator<Item = (&'a str, &'a ParameterSet)>,
    ) -> Result<Self, PolicyError> {
        let files = Self::files_of_parameter_sets(sets)?;
        files.iter().map(|(path, text)| Pack::parse(path, text)).collect::<Result<Vec<_>, _>>().map(Self::new)
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
            let parameters = set.parameters(name).map_err(|error| PolicyError::Field {
                file: PathBuf::from(name),
                field: match &error {
                    RulesError::Missing(field) | RulesError::Unusable { field, .. } => (*field).to_owned(),
                },
                fault: error.to_string(),
            })?;
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
        Self { packs, by_division, eras, cache: RwLock::default() }
    }

    /// What holds at a place on a day: the default rules, or the variant of that name.
    ///
    /// The first call for a place and an era gathers the rows; later ones hand out the same `Arc`.
    pub fn effective(&self, place: Place, on: Date, name: Option<&str>) -> Result<Arc<Parameters>, Unavailable> {
        let key = (place, self.eras.partition_point(|first| *first <= on));
        if let Some(cached) = self.cache.read().unwrap_or_else(PoisonError::into_inner).get(&key)
            && let Some((_, parameters)) = cached.iter().find(|(asked, _)| asked.as_deref() == name)
        {
            return Ok(Arc::clone(parameters));
        }
        let variant = name.map(|name| self.variant_named(place, on, name)).transpose()?.flatten();
        let parameters = Arc::new(self.gather(place, on, variant)?);
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        cache.entry(key).or_default().push((name.map(str::to_owned), Arc::clone(&parameters)));
        Ok(parameters)
    }

    /// The pack that bears this name, wherever it is.
    pub fn named(&self, name: &str, on: Date) -> Result<Arc<Parameters>, Unavailable> {
        let place = self.packs.iter().filter(|pack| pack.is_in_force(on)).find_map(|pack| {
            [UrbanRural::Urban, UrbanRural::Rural]
                .into_iter()
                .find(|side| pack.header.names.of(*side).is_some_and(|own| own == name))
                .map(|urban_rural| Place { division_code: pack.header.division, urban_rural })
        });
        match place {
            Some(place) => self.effective(place, on, Some(name)),
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
        self.of_division(division).flat_map(|pack| &pack.references)
    }

    fn of_division(&self, division: DivisionCode) -> impl Iterator<Item = &Pack> {
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

    /// For each parameter the row that speaks most closely of this place: a variant before the default,
    /// then the nearest division, a row for named divisions, a row for one side, the latest.
    fn gather(&self, place: Place, on: Date, variant: Option<&str>) -> Result<Parameters, Unavailable> {
        let mut best: BTreeMap<&'static str, ((bool, usize, bool, bool, Date), &Figure)> = BTreeMap::new();
        let mut title = None;
        for (depth, division) in place.division_code.lineage().into_iter().enumerate() {
            for pack in self.of_division(division).filter(|pack| pack.is_in_force(on)) {
                let of_variant = pack.header.variant.is_some();
                if of_variant && pack.header.variant.as_deref() != variant {
                    continue;
                }
                if concerns(pack, place) {
                    title = Some(pack.header.place_zh.as_str());
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
        let mut values = Values::default();
        let mut provenance: BTreeMap<&'static str, Provenance> = BTreeMap::new();
        for (field, (_, figure)) in best {
            values.overlay(&figure.value);
            provenance.insert(field, figure.provenance.clone());
        }
        let side = match place.urban_rural {
            UrbanRural::Urban => "城镇",
            UrbanRural::Rural => "农村",
        };
        let title = title.unwrap_or_default();
        let title = if title.contains(side) { title.to_owned() } else { format!("{title} {side}") };
        Parameters::new(self.name_of(place, on, variant), title, place, values, provenance).map_err(|error| match error
        {
            RulesError::Missing(field) => Unavailable::NoParameter { place, on, field },
            fault @ RulesError::Unusable { .. } => Unavailable::Unusable { place, on, fault },
        })
    }
}

/// A file with rows for the other side only says nothing of a place.
fn concerns(pack: &Pack, place: Place) -> bool {
    pack.figures.is_empty()
        || pack.figures.iter().any(|figure| figure.urban_rural.is_none_or(|side| side == place.urban_rural))
}

#[cfg(test)]
mod tests;

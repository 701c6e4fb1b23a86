//! The households to judge: drawn from a seed, or read from a file record by record.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Seek as _};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context as _, anyhow};
use indicatif::ProgressBar;
use jiff::civil::Date;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer as _};
use serde_json::value::RawValue;

use super::{Pair, Rules};
use crate::domain::dataset::Catalogue;
use crate::domain::division::DivisionCode;
use crate::domain::household::UrbanRural;
use crate::domain::problem::pointer_of;
use crate::policy::Parameters;
use crate::policy::values::StandardPeriod;
use crate::service::policies::impact::Impact;
use crate::simulate::facts::facts_of;
use crate::simulate::population::place::{Place, Places};
use crate::simulate::population::stream::Stream;
use crate::verdict::cases::Case;

/// Households drawn around the lines of a place.
pub(super) struct Synthetic<'a> {
    places: Places,
    sides: Vec<(UrbanRural, Rules<'a>, Place)>,
    on: Date,
    seed: u64,
}

impl<'a> Synthetic<'a> {
    pub(super) fn new(pairs: &'a [Pair], division: DivisionCode, on: Date, seed: u64) -> anyhow::Result<Self> {
        let sides = pairs
            .iter()
            .filter_map(|pair| {
                let around = pair.from.as_ref().or(pair.to.as_ref())?;
                Some((pair.side, pair.rules(), place_of(around, division, pair.side)))
            })
            .collect();
        Ok(Self { places: Places::embedded().map_err(|fault| anyhow!(fault))?, sides, on, seed })
    }

    /// Draws and judges households `first` and following. Sides take turns by part, so that the figures of a number
    /// of households do not depend on how many threads there are.
    pub(super) fn judge_part(&self, first: u64, size: u64, impact: &mut Impact) {
        let parts = self.sides.len().max(1) as u64;
        for (index, (side, rules, place)) in (0..).zip(&self.sides) {
            let size = size / parts + u64::from(index < size % parts);
            let stream = Stream::new(&self.places, place, self.on);
            // Each side has numbers of its own, so that examples are told apart.
            let number = first * parts + index;
            let households = stream.part(self.seed, number, usize::try_from(size).unwrap_or(usize::MAX));
            for (offset, (household, prior)) in (0..).zip(households) {
                impact.count(number + offset * parts, *side, &facts_of(household, prior, self.on), *rules);
            }
        }
    }
}

/// The lines of a place as the population knows them.
fn place_of(parameters: &Parameters, division: DivisionCode, urban_rural: UrbanRural) -> Place {
    let rules = parameters.rules();
    let values = parameters.values();
    let standard = values.dibao_standard;
    let is_yearly = standard.is_some_and(|standard| standard.period == StandardPeriod::Year);
    // The population reckons in whole percent, and a wage of which nothing is left cannot be drawn.
    let whole = |percent: Option<crate::policy::decimal::Decimal>| {
        let text = percent.map(|percent| percent.to_string()).unwrap_or_default();
        text.split('.').next().and_then(|whole| whole.parse::<i64>().ok()).unwrap_or(0).min(90)
    };
    Place {
        name: parameters.name().to_owned(),
        region: division,
        urban_rural,
        standard: standard.map_or(0, |standard| standard.amount.fen()),
        is_yearly,
        asset_months: i64::from(rules.financial_asset_limit.months),
        employment_percent: whole(rules.employment_cost.map(|cost| cost.percent)),
        support_percent: whole(rules.support_formula.map(|formula| formula.percent)),
        basic_exempt_until: rules.basic_pension_exempt_until.unwrap_or(Date::MIN),
        is_rule_2024: rules.expenditure_rule.is_ratio(),
        is_tiered: rules.benefit_mode == crate::policy::values::BenefitMode::Tiered,
        topups: [0; 4],
    }
}

/// Records that could not be judged.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// How many.
    pub(super) count: u64,
    /// The first few: number of the record from 1, and what is wrong; never what stands in it.
    pub(super) first: Vec<(u64, String)>,
}

/// Faults that are told one by one.
const TOLD: usize = 5;

impl Faults {
    fn push(&mut self, number: u64, fault: String) {
        self.count += 1;
        self.first.push((number, fault));
        self.keep_first();
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.first.extend(other.first);
        self.keep_first();
    }

    fn keep_first(&mut self) {
        self.first.sort();
        self.first.truncate(TOLD);
    }
}

/// What came of a file.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) impact: Impact,
    /// Households of other places or sides.
    pub(super) elsewhere: u64,
    pub(super) faults: Faults,
}

/// Households of a file: a file of cases, or one case a line.
pub(super) struct Recorded<'a> {
    pub(super) path: &'a Path,
    pub(super) pairs: &'a [Pair],
    pub(super) division: DivisionCode,
    pub(super) on: Option<Date>,
}

/// Some records with the number of the first.
type Batch = (u64, Vec<Box<RawValue>>);
/// Records in a batch, and batches that may wait: what bounds the memory.
const BATCH: usize = 256;
const WAITING: usize = 64;

/// The places of the parameter sets that a file of cases holds: what the names in its cases mean.
type Sets = Vec<(String, DivisionCode, UrbanRural)>;

impl Recorded<'_> {
    pub(super) fn judge(
        &self,
        threads: usize,
        catalogue: &Catalogue,
        progress: &ProgressBar,
    ) -> anyhow::Result<Judged> {
        let file = File::open(self.path).with_context(|| self.path.display().to_string())?;
        let sets: Mutex<Sets> = Mutex::default();
        let (sender, receiver) = sync_channel::<Batch>(WAITING);
        let receiver = Mutex::new(receiver);
        let mut judged = Judged::default();
        std::thread::scope(|scope| {
            let work = || self.work(&receiver, &sets, catalogue, progress);
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let read = read(file, &sets, sender);
            for worker in workers {
                let part = worker.join().expect("judging a household does not panic");
                judged.impact.add(part.impact);
                judged.elsewhere += part.elsewhere;
                judged.faults.add(part.faults);
            }
            read.with_context(|| self.path.display().to_string())
        })?;
        Ok(judged)
    }

    fn work(
        &self,
        batches: &Mutex<Receiver<Batch>>,
        sets: &Mutex<Sets>,
        catalogue: &Catalogue,
        progress: &ProgressBar,
    ) -> Judged {
        let mut judged = Judged::default();
        loop {
            let batch = batches.lock().expect("no thread panics while it holds the queue").recv();
            // The reader has hung up: everything is read.
            let Ok((first, records)) = batch else { return judged };
            let sets = sets.lock().expect("no thread panics while it holds the names").clone();
            for (number, record) in (first..).zip(&records) {
                if let Err(fault) = self.record(number, record, &sets, catalogue, &mut judged) {
                    judged.faults.push(number, fault);
                }
            }
            progress.inc(records.len() as u64);
        }
    }

    fn record(
        &self,
        number: u64,
        record: &RawValue,
        sets: &Sets,
        catalogue: &Catalogue,
        judged: &mut Judged,
    ) -> Result<(), String> {
        let mut deserializer = serde_json::Deserializer::from_str(record.get());
        let case: Case = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            // The cause may repeat what stands in the record; where it is says enough.
            pointer_of(error.path())
        })?;
        let Some(pair) = self.pair_of(&case.parameter_set, sets) else {
            judged.elsewhere += 1;
            return Ok(());
        };
        let mut facts = case.facts(catalogue).map_err(|invalid| match invalid {
            crate::verdict::cases::Invalid::IdNumber { pointer, .. }
            | crate::verdict::cases::Invalid::Case { pointer, .. } => pointer,
        })?;
        if let Some(on) = self.on {
            facts.assessed_on = on;
        }
        judged.impact.count(number, pair.side, &facts, pair.rules());
        Ok(())
    }

    /// The packs that a name means: a parameter set of the file, a name of one of the packs, or code and side.
    fn pair_of(&self, name: &str, sets: &Sets) -> Option<&Pair> {
        if let Some((_, division, side)) = sets.iter().find(|(own, ..)| own == name) {
            return self.pairs.iter().find(|pair| *division == self.division && pair.side == *side);
        }
        self.pairs.iter().find(|pair| {
            let side = match pair.side {
                UrbanRural::Urban => "URBAN",
                UrbanRural::Rural => "RURAL",
            };
            let named = [&pair.from, &pair.to].into_iter().flatten().any(|parameters| parameters.name() == name);
            named || name == format!("{}_{side}", self.division)
        })
    }
}

/// Reads a file record by record and hands batches on.
fn read(mut file: File, sets: &Mutex<Sets>, sender: SyncSender<Batch>) -> anyhow::Result<()> {
    let mut batcher = Batcher { sender, next: 1, batch: Vec::with_capacity(BATCH) };
    let is_lines = {
        let mut line = String::new();
        let mut start = BufReader::new(&file).take(1024 * 1024);
        while line.trim().is_empty() && start.read_line(&mut line)? > 0 {}
        serde_json::from_str::<Line>(&line).is_ok()
    };
    file.rewind()?;
    let mut reader = BufReader::with_capacity(1024 * 1024, file);
    if is_lines {
        for line in serde_json::Deserializer::from_reader(reader).into_iter::<Box<RawValue>>() {
            batcher.push(line?);
        }
    } else {
        let mut deserializer = serde_json::Deserializer::from_reader(&mut reader);
        deserializer.deserialize_map(CaseFile { sets, batcher: &mut batcher })?;
        deserializer.end()?;
    }
    batcher.flush();
    Ok(())
}

/// Enough of a case to tell a line of cases from a file of cases.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "household")]
    _household: IgnoredAny,
}

struct Batcher {
    sender: SyncSender<Batch>,
    next: u64,
    batch: Vec<Box<RawValue>>,
}

impl Batcher {
    fn push(&mut self, record: Box<RawValue>) {
        self.batch.push(record);
        if self.batch.len() == BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        let first = self.next;
        self.next += batch.len() as u64;
        // A queue nobody takes from has lost its workers; joining them tells why.
        drop(self.sender.send((first, batch)));
    }
}

/// A file of cases, of which only one case at a time is in memory.
struct CaseFile<'b> {
    sets: &'b Mutex<Sets>,
    batcher: &'b mut Batcher,
}

#[derive(Deserialize)]
struct PlaceOfSet {
    region_code: DivisionCode,
    urban_rural: UrbanRural,
}

impl<'de> Visitor<'de> for CaseFile<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a file of cases, or one case a line")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_cases = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "cases" => {
                    has_cases = true;
                    map.next_value_seed(Cases(self.batcher))?;
                }
                "parameter_sets" => {
                    let read: std::collections::BTreeMap<String, PlaceOfSet> = map.next_value()?;
                    let places = read.into_iter().map(|(name, set)| (name, set.region_code, set.urban_rural));
                    self.sets.lock().expect("no thread panics while it holds the names").extend(places);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if has_cases { Ok(()) } else { Err(serde::de::Error::missing_field("cases")) }
    }
}

struct Cases<'b>(&'b mut Batcher);

impl<'de> DeserializeSeed<'de> for Cases<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Cases<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list of cases")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cases: A) -> Result<(), A::Error> {
        while let Some(case) = cases.next_element::<Box<RawValue>>()? {
            self.0.push(case);
        }
        Ok(())
    }
}

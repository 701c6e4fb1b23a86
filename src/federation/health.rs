//! How a department does, told by what it was asked and answered: how often it answers, how long each step takes, how
//! fresh its records are, and whether what it says has changed its form.
//!
//! Drift is what no single answer shows: a dataset whose answers are suddenly all "no record" (a table that was emptied, a
//! column that was renamed), records that do not fit their type any more (a column gone, a code nobody has seen), or that
//! leave out what they used to say (a column that nobody fills any more). The last
//! few hundred answers of a dataset are held against those before them. A department in which something drifts, or that
//! answers badly, *ails*: it is told so wherever its health is shown, counted, and logged, until its answers are as they
//! were. Who does not answer at all is left alone by the breaker. What is done with an adapter that goes on ailing is for
//! the registry to say (`service/adapters/demoting.rs`).

mod fields;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::fields::FieldHealth;
use self::fields::Fields;
use super::decode::OfPerson;
use super::delays::Delays;
use crate::domain::dataset::{DatasetId, DepartmentId};
use crate::domain::fact::Fact;
use crate::domain::outcome::GapReason;

/// How many questions are looked back on.
const RECENT: u32 = 256;
/// Fewer answers than these say nothing of a dataset.
const ENOUGH: u32 = 64;
/// A share that moved by more than this, in hundredths, has drifted.
const JUMP: u32 = 30;
/// It is as it was once it is this near again: less, so that a department does not come and go.
const NEAR: u32 = 15;
/// Fewer questions than these answered well, in hundredths, and a department ails.
const WELL: u32 = 80;
/// So many hundredths answered well bring it back.
const WELL_AGAIN: u32 = 90;

/// A step of a question's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Waiting for the quota.
    Quota,
    /// Waiting for a place.
    Place,
    /// Connecting, where no connection was kept.
    Connect,
    /// From the question's leaving to the first byte of an answer.
    FirstByte,
    /// Reading the rest.
    Read,
    /// All of it.
    Whole,
}

impl Step {
    /// Every step, in its order.
    pub const ALL: [Self; 6] = [Self::Quota, Self::Place, Self::Connect, Self::FirstByte, Self::Read, Self::Whole];

    /// Its name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Place => "place",
            Self::Connect => "connect",
            Self::FirstByte => "first_byte",
            Self::Read => "read",
            Self::Whole => "whole",
        }
    }
}

/// What is wrong with a department's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Symptom {
    /// Too few questions are answered well.
    FailsOften,
    /// Far more answers than before are "no record": perhaps records are gone.
    MoreNoRecord,
    /// Far fewer answers than before are "no record": perhaps people are mixed up.
    FewerNoRecord,
    /// Records do not fit their type any more.
    Malformed,
    /// Far more records than before leave a field out: perhaps a column was emptied.
    FieldLeftOut,
}

/// What is wrong with an adapter, as it is told and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ailment {
    /// What.
    pub symptom: Symptom,
    /// Of which dataset; of all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub dataset: Option<DatasetId>,
    /// Which field of it, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How many of a hundred before, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u32>,
    /// How many of a hundred now.
    pub now: u32,
}

/// How long one step takes, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct StepTimes {
    /// The step.
    pub step: Step,
    /// Half take no longer.
    pub p50_us: u64,
    /// Nineteen of twenty take no longer.
    pub p95_us: u64,
    /// Ninety-nine of a hundred take no longer.
    pub p99_us: u64,
}

/// What a dataset's answers are like, in hundredths of those lately and of those before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DatasetHealth {
    /// The dataset.
    #[schema(value_type = String)]
    pub dataset: DatasetId,
    /// Answers looked at, since the hub started.
    pub answers: u64,
    /// How many of the latest hundred were "no record".
    pub no_record_percent: u32,
    /// How many before, once there were enough of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_record_percent_before: Option<u32>,
    /// How many of the latest hundred did not fit their type.
    pub malformed_percent: u32,
    /// Where in the records the last one did not fit (a JSON pointer, no value).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub malformed_at: Option<String>,
    /// The newest day its records are of, as it wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<String>,
    /// The fields that its records may leave out and a verdict rests on, once there were enough records.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldHealth>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symptoms: Vec<Symptom>,
}

/// How a department does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DepartmentHealth)]
pub struct HealthView {
    /// The department.
    #[schema(value_type = String)]
    pub department: DepartmentId,
    /// Whether it is left alone now because it does not answer.
    pub is_left_alone: bool,
    /// Whether it ails.
    pub is_ailing: bool,
    /// Questions sent, since the hub started.
    pub questions: u64,
    /// How many of the latest hundred were answered well.
    pub well_percent: u32,
    /// Why the others were not, of the latest ones.
    pub gaps: BTreeMap<&'static str, u32>,
    /// How many questions may be under way at once now.
    pub places: usize,
    /// How long its steps take; none until there were enough.
    pub steps: Vec<StepTimes>,
    /// Its datasets.
    pub datasets: Vec<DatasetHealth>,
    /// What is wrong with it as a whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symptoms: Vec<Symptom>,
}

/// What was said of one person in one dataset, as far as health cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// Facts, of this day.
    Facts(Option<&'a str>, &'a [Fact]),
    /// No record.
    NoRecord,
    /// Records that do not fit; where.
    Malformed(&'a str),
}

/// Whether a department has just begun to ail, or is well again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// As it was.
    Same,
    /// It has begun to ail.
    Ails,
    /// It is well again.
    Well,
}

/// The health of one department.
#[derive(Default)]
pub(super) struct Health {
    /// All but the whole, which the adapter knows itself.
    steps: [Delays; Step::ALL.len() - 1],
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    questions: u64,
    well: Share,
    gaps: [u32; GapReason::ALL.len()],
    datasets: Vec<(DatasetId, OfDataset)>,
    is_ailing: bool,
}

#[derive(Default)]
struct OfDataset {
    answers: u64,
    no_record: Share,
    malformed: Share,
    before: Option<u32>,
    malformed_at: Option<String>,
    newest: Option<String>,
    fields: Fields,
}

/// A share of the last few hundred, in hundredths. Counts are halved when they are full, so that what is new outweighs what
/// is old.
#[derive(Default)]
struct Share {
    of: u32,
    have: u32,
}

impl Share {
    fn count(&mut self, has: bool) {
        self.of += 1;
        self.have += u32::from(has);
        if self.of >= RECENT {
            self.of /= 2;
            self.have /= 2;
        }
    }

    /// `None` while there were too few.
    fn percent(&self) -> Option<u32> {
        (self.of >= ENOUGH).then(|| self.have * 100 / self.of)
    }
}

impl OfDataset {
    fn count(&mut self, said: Said<'_>) {
        self.answers += 1;
        self.malformed.count(matches!(said, Said::Malformed(_)));
        match said {
            Said::Facts(of, facts) => {
                self.no_record.count(false);
                self.fields.count(facts);
                if let Some(of) = of
                    && self.newest.as_deref().is_none_or(|newest| newest < of)
                {
                    self.newest = Some(of.to_owned());
                }
            }
            Said::NoRecord => self.no_record.count(true),
            Said::Malformed(at) => self.malformed_at = Some(at.to_owned()),
        }
        // What is usual follows what is, slowly, and not while the two are far apart: a drift does not become usual.
        if self.answers.is_multiple_of(u64::from(RECENT))
            && let Some(now) = self.no_record.percent()
        {
            self.before = match self.before {
                None => Some(now),
                Some(before) if before.abs_diff(now) <= JUMP => Some((before * 7 + now) / 8),
                drifted => drifted,
            };
        }
    }

    /// What is wrong when a share may have moved by this, in hundredths.
    fn symptoms(&self, jump: u32) -> Vec<Symptom> {
        let mut symptoms = Vec::new();
        if let (Some(before), Some(now)) = (self.before, self.no_record.percent()) {
            if now > before + jump {
                symptoms.push(Symptom::MoreNoRecord);
            } else if before > now + jump {
                symptoms.push(Symptom::FewerNoRecord);
            }
        }
        if self.malformed.percent().is_some_and(|percent| percent > jump) {
            symptoms.push(Symptom::Malformed);
        }
        if self.fields.drifted(jump).next().is_some() {
            symptoms.push(Symptom::FieldLeftOut);
        }
        symptoms
    }
}

impl Seen {
    fn of(&mut self, dataset: &DatasetId) -> &mut OfDataset {
        let known = self.datasets.iter().position(|(known, _)| known == dataset);
        let place = known.unwrap_or_else(|| {
            self.datasets.push((dataset.clone(), OfDataset::default()));
            self.datasets.len() - 1
        });
        &mut self.datasets.get_mut(place).expect("it was found or just put there").1
    }

    fn is_well(&self) -> bool {
        let needed = if self.is_ailing { WELL_AGAIN } else { WELL };
        self.well.percent().is_none_or(|percent| percent >= needed)
    }

    /// Says whether the department ails now.
    fn weigh(&mut self) -> Standing {
        let jump = if self.is_ailing { NEAR } else { JUMP };
        let is_sound = self.is_well() && self.datasets.iter().all(|(_, dataset)| dataset.symptoms(jump).is_empty());
        match (self.is_ailing, is_sound) {
            (false, false) => {
                self.is_ailing = true;
                Standing::Ails
            }
            (true, true) => {
                self.is_ailing = false;
                Standing::Well
            }
            _ => Standing::Same,
        }
    }
}

impl Health {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it ails, and with what.
    pub(super) fn ailments(&self) -> Vec<Ailment> {
        let seen = self.seen();
        if !seen.is_ailing {
            return Vec::new();
        }
        let of_dataset = |(id, of): &(DatasetId, OfDataset)| {
            let ailment = |symptom, field: Option<&str>, before, now| {
                let (dataset, field) = (Some(id.clone()), field.map(str::to_owned));
                Ailment { symptom, dataset, field, before, now }
            };
            let mut ailments = Vec::new();
            for symptom in of.symptoms(NEAR) {
                let now = |share: &Share| share.percent().unwrap_or_default();
                match symptom {
                    Symptom::FieldLeftOut => ailments.extend(
                        of.fields
                            .drifted(NEAR)
                            .map(|(field, before, now)| ailment(symptom, Some(field), Some(before), now)),
                    ),
                    Symptom::Malformed => ailments.push(ailment(symptom, None, None, now(&of.malformed))),
                    _ => ailments.push(ailment(symptom, None, of.before, now(&of.no_record))),
                }
            }
            ailments
        };
        let mut ailments: Vec<Ailment> = seen.datasets.iter().flat_map(of_dataset).collect();
        if !seen.is_well() {
            let now = seen.well.percent().unwrap_or_default();
            ailments.push(Ailment { symptom: Symptom::FailsOften, dataset: None, field: None, before: None, now });
        }
        ailments
    }

    /// How many of a hundred answers of a dataset are usually "no record", where that is known.
    pub(super) fn usual(&self) -> Vec<(DatasetId, u32)> {
        let seen = self.seen();
        seen.datasets.iter().filter_map(|(id, of)| Some((id.clone(), of.before?))).collect()
    }

    /// Holds what is heard from now on against what was usual before the hub started, and before these ailments.
    pub(super) fn expect(&self, usual: &[(DatasetId, u32)], ailments: &[Ailment]) {
        let mut seen = self.seen();
        for (dataset, before) in usual {
            seen.of(dataset).before.get_or_insert(*before);
        }
        for ailment in ailments {
            if let Ailment { dataset: Some(dataset), field: Some(field), before: Some(before), .. } = ailment {
                seen.of(dataset).fields.expect(field, *before);
            }
        }
        seen.is_ailing = true;
    }

    /// Forgets what was usual, and what was wrong: whoever knows says that it is right as it is.
    pub(super) fn learn_anew(&self) {
        let mut seen = self.seen();
        seen.is_ailing = false;
        seen.well = Share::default();
        for (_, dataset) in &mut seen.datasets {
            (dataset.before, dataset.no_record, dataset.malformed) = (None, Share::default(), Share::default());
            dataset.fields = Fields::default();
        }
    }

    /// How many questions were asked, and the fewest answers that any dataset of these had.
    pub(super) fn heard_of<'a>(&self, datasets: impl Iterator<Item = &'a DatasetId>) -> (u64, u64) {
        let seen = self.seen();
        let answers = |dataset: &DatasetId| {
            seen.datasets.iter().find(|(known, _)| known == dataset).map_or(0, |(_, of)| of.answers)
        };
        (seen.questions, datasets.map(answers).min().unwrap_or(seen.questions))
    }

    /// Takes in how long a step took.
    pub(super) fn took(&self, step: Step, took: Duration) {
        let place = Step::ALL.iter().position(|known| *known == step);
        if let Some(delays) = place.and_then(|place| self.steps.get(place)) {
            delays.record(took);
        }
    }

    /// Takes in what came of a question.
    pub(super) fn asked(&self, result: Result<(), GapReason>) -> Standing {
        let mut seen = self.seen();
        seen.questions += 1;
        // A refusal and an unknown name are answers; they say nothing of how the department does.
        let is_well = !matches!(
            result,
            Err(GapReason::Timeout | GapReason::Unavailable | GapReason::Malformed | GapReason::QuotaExceeded)
        );
        seen.well.count(is_well);
        if let Err(reason) = result {
            let counts = GapReason::ALL.iter().position(|known| *known == reason);
            if let Some(count) = counts.and_then(|place| seen.gaps.get_mut(place)) {
                *count = count.saturating_add(1);
            }
        }
        if seen.questions.is_multiple_of(u64::from(RECENT)) {
            seen.gaps.iter_mut().for_each(|count| *count /= 2);
        }
        if seen.questions.is_multiple_of(8) { seen.weigh() } else { Standing::Same }
    }

    /// Takes in what an answer says, of each person in each dataset.
    pub(super) fn said<'a>(&self, all: impl Iterator<Item = (&'a DatasetId, Said<'a>)>) {
        let mut seen = self.seen();
        for (dataset, said) in all {
            seen.of(dataset).count(said);
        }
    }

    /// Takes in an answer as it was decoded, person by person.
    pub(super) fn heard(&self, each: &[OfPerson]) {
        let answered = each.iter().filter_map(|person| person.as_ref().ok()).flatten().map(|answer| {
            let said = if answer.facts.is_empty() {
                Said::NoRecord
            } else {
                Said::Facts(answer.as_of.as_deref(), &answer.facts)
            };
            (&answer.dataset, said)
        });
        let misfits = each.iter().filter_map(|person| person.as_ref().err()?.misfit.as_ref());
        self.said(answered.chain(misfits.map(|(dataset, at)| (dataset, Said::Malformed(at)))));
    }

    /// How the department does now.
    pub(super) fn view(
        &self,
        department: &DepartmentId,
        whole: &Delays,
        is_left_alone: bool,
        places: usize,
    ) -> HealthView {
        let steps = Step::ALL.iter().zip(self.steps.iter().chain([whole])).filter_map(|(step, delays)| {
            let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            let (p50_us, p95_us) = (micros(delays.half()?), micros(delays.nineteen()?));
            Some(StepTimes { step: *step, p50_us, p95_us, p99_us: micros(delays.nearly_all()?) })
        });
        let steps = steps.collect();
        let seen = self.seen();
        let gaps = GapReason::ALL.iter().zip(&seen.gaps).filter(|(_, count)| **count > 0);
        let dataset = |(id, of): &(DatasetId, OfDataset)| DatasetHealth {
            dataset: id.clone(),
            answers: of.answers,
            no_record_percent: of.no_record.have * 100 / of.no_record.of.max(1),
            no_record_percent_before: of.before,
            malformed_percent: of.malformed.have * 100 / of.malformed.of.max(1),
            malformed_at: of.malformed_at.clone(),
            newest: of.newest.clone(),
            fields: of.fields.view(),
            symptoms: of.symptoms(if seen.is_ailing { NEAR } else { JUMP }),
        };
        HealthView {
            department: department.clone(),
            is_left_alone,
            is_ailing: seen.is_ailing,
            questions: seen.questions,
            well_percent: (seen.well.have * 100).checked_div(seen.well.of).unwrap_or(100),
            gaps: gaps.map(|(reason, count)| (reason.as_str(), *count)).collect(),
            places,
            steps,
            datasets: seen.datasets.iter().map(dataset).collect(),
            symptoms: if seen.is_well() { Vec::new() } else { vec![Symptom::FailsOften] },
        }
    }
}

#[cfg(test)]
mod tests;

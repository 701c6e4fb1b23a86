//! Packs as callers see them: the list, and what holds at a place on a day with the source of every figure.

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::division::DivisionCode;
use crate::domain::household::Place;
use crate::policy::divisions::{self, Level};
use crate::policy::values::FIELDS;
use crate::policy::{Effective, Packs};

/// Every pack file.
#[derive(Debug, Serialize, ToSchema)]
pub struct PackList {
    /// The files, by division and first day.
    pub packs: Vec<PackSummary>,
}

/// One pack file.
#[derive(Debug, Serialize, ToSchema)]
pub struct PackSummary {
    /// Its path below the folder of packs.
    pub file: String,
    /// Its division.
    pub division: DivisionCode,
    /// The name of the division in GB/T 2260; empty for a code that is newer than the list.
    pub division_name: &'static str,
    /// How wide it holds.
    pub level: Level,
    /// The place in words, as the pack says it.
    pub place_zh: String,
    /// Its first day.
    #[schema(value_type = String, format = Date)]
    pub effective_from: Date,
    /// Its last day, when it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub effective_to: Option<Date>,
    /// A second set of rules beside the default, by this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The names of its urban and rural parameters, where it gives any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Figures that verdicts use.
    pub figures: usize,
    /// Of those, figures verified in a published document.
    pub verified: usize,
}

impl PackList {
    /// The list of all packs.
    pub fn of(packs: &Packs) -> Self {
        let mut packs: Vec<PackSummary> = packs
            .files()
            .map(|file| PackSummary {
                file: file.file.to_owned(),
                division: file.division,
                division_name: divisions::name(file.division),
                level: Level::of(file.division),
                place_zh: file.place_zh.to_owned(),
                effective_from: file.effective_from,
                effective_to: file.effective_to,
                variant: file.variant.map(str::to_owned),
                names: file.names.iter().map(|name| (*name).to_owned()).collect(),
                figures: file.figures,
                verified: file.verified,
            })
            .collect();
        packs.sort_by(|left, right| (left.division, &left.file).cmp(&(right.division, &right.file)));
        Self { packs }
    }
}

/// What holds at a place on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct EffectivePack {
    /// The name of the pack.
    pub name: String,
    /// The place in words.
    pub title: String,
    /// The place.
    pub place: Place,
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// SHA-256 of the complete parameters, which is part of every verdict's id; absent when they are not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Parameters that a verdict needs and no pack gives; while there are any, verdicts are `PENDING_PARAMETER`.
    pub missing: Vec<&'static str>,
    /// The packs to choose from at this place on this day, the default first.
    pub packs: Vec<String>,
    /// Every figure, in the order of `docs/policy-parameters.md`.
    pub figures: Vec<EffectiveFigure>,
}

/// One figure with where it comes from.
#[derive(Debug, Serialize, ToSchema)]
pub struct EffectiveFigure {
    /// The parameter.
    pub field: &'static str,
    /// Its value in the published form and unit.
    #[schema(value_type = Object)]
    pub value: serde_json::Value,
    /// `verified`, or `borrowed: …`, `assumed: …` and the like.
    pub status: String,
    /// The document or page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What else should be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The year the figure is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<i16>,
    /// First day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub effective_from: Option<Date>,
    /// Last day, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub effective_to: Option<Date>,
    /// The division whose pack holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division: Option<DivisionCode>,
    /// How wide that pack holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The file that holds it, below the folder of packs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line of its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl EffectivePack {
    /// The view of an effective pack.
    pub fn of(effective: &Effective, packs: Vec<String>) -> Self {
        let figures = FIELDS
            .iter()
            .filter_map(|field| {
                let from = effective.provenance.get(field)?;
                Some(EffectiveFigure {
                    field,
                    value: effective.value(field)?,
                    status: from.status.clone(),
                    source: from.source.clone(),
                    note: from.note.clone(),
                    year: from.year,
                    effective_from: from.effective_from,
                    effective_to: from.effective_to,
                    division: from.division,
                    level: from.division.map(Level::of),
                    file: from.file.as_deref().map(str::to_owned),
                    line: from.line,
                })
            })
            .collect();
        let digest = effective.parameters().ok().map(|parameters| parameters.digest().to_owned());
        Self {
            name: effective.name.clone(),
            title: effective.title.clone(),
            place: effective.place,
            on: effective.on,
            digest,
            missing: effective.missing(),
            packs,
            figures,
        }
    }
}

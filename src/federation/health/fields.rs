//! Fields that a record may leave out: how often they are left out, and whether that is far more often than before. A column
//! that was emptied fits its type as well as ever, and changes what the facts say: a share that is absent is all of a dwelling.

use serde::Serialize;
use utoipa::ToSchema;

use super::{JUMP, RECENT, Share};
use crate::domain::fact::Fact;

/// A field of a dataset's records, in hundredths of those lately and of those before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldHealth {
    /// The field.
    pub field: String,
    /// How many of the latest hundred records leave it out.
    pub left_out_percent: u32,
    /// How many before, once there were enough of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out_percent_before: Option<u32>,
}

/// The fields of a dataset.
#[derive(Default)]
pub(super) struct Fields(Vec<Field>);

struct Field {
    name: String,
    records: u64,
    left_out: Share,
    before: Option<u32>,
}

impl Fields {
    /// Takes in records.
    pub(super) fn count(&mut self, facts: &[Fact]) {
        for fact in facts {
            fact.each_optional(|name, is_left_out| self.of(name).count(is_left_out));
        }
    }

    /// Holds a field against how often it was left out before.
    pub(super) fn expect(&mut self, name: &str, before: u32) {
        self.of(name).before.get_or_insert(before);
    }

    /// The fields that are left out more often than before, by more than this, in hundredths: name, before, now.
    pub(super) fn drifted(&self, jump: u32) -> impl Iterator<Item = (&str, u32, u32)> {
        self.0.iter().filter_map(move |field| {
            let (before, now) = (field.before?, field.left_out.percent()?);
            (now > before + jump).then_some((field.name.as_str(), before, now))
        })
    }

    /// How they are.
    pub(super) fn view(&self) -> Vec<FieldHealth> {
        let view = |field: &Field| FieldHealth {
            field: field.name.clone(),
            left_out_percent: field.left_out.percent().unwrap_or_default(),
            left_out_percent_before: field.before,
        };
        self.0.iter().filter(|field| field.left_out.percent().is_some()).map(view).collect()
    }

    fn of(&mut self, name: &str) -> &mut Field {
        let known = self.0.iter().position(|field| field.name == name);
        let place = known.unwrap_or_else(|| {
            self.0.push(Field { name: name.to_owned(), records: 0, left_out: Share::default(), before: None });
            self.0.len() - 1
        });
        self.0.get_mut(place).expect("it was found or just put there")
    }
}

impl Field {
    fn count(&mut self, is_left_out: bool) {
        self.records += 1;
        self.left_out.count(is_left_out);
        // As with answers that are no record: what is usual follows slowly, and not while the two are far apart.
        if self.records.is_multiple_of(u64::from(RECENT))
            && let Some(now) = self.left_out.percent()
        {
            self.before = match self.before {
                None => Some(now),
                Some(before) if before.abs_diff(now) <= JUMP => Some((before * 7 + now) / 8),
                // Filled in where it was not is no harm, and usual from now on.
                Some(before) if now < before => Some(now),
                drifted => drifted,
            };
        }
    }
}

//! Policy packs in use: what there is, what holds where and when, a verdict on facts that are handed over, and
//! what other rules would mean for a population.
//!
//! Packs are public and a verdict on facts that the caller brings discloses nothing that it does not have: no department
//! is asked, no store is read, and the document has no place for a name or an identity number. So these are no accesses to
//! anybody's data; nothing is recorded here but refusals, and nothing is kept.

pub mod evaluation;
pub mod impact;
pub mod view;

use std::sync::Arc;

use jiff::civil::Date;

use super::answer::notice;
use super::error::ServiceError;
use super::judge::{self, raw};
use crate::domain::clock::Clock;
use crate::domain::dataset::Catalogue;
use crate::domain::division::DivisionCode;
use crate::domain::household::{Place, UrbanRural};
use crate::domain::period::date_in_china;
use crate::domain::problem::{Finding, Text};
use crate::policy::{Packs, Unavailable};
use crate::verdict::explain::{Matter, View};
use evaluation::{Evaluation, EvaluationAnswer};
use view::{EffectivePack, PackList};

/// The use cases of policy packs.
pub struct Policies {
    packs: Arc<Packs>,
    catalogue: Arc<Catalogue>,
    clock: Arc<dyn Clock>,
}

/// What to show beside a verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beside {
    /// The verdict told to people.
    pub report: bool,
    /// The tree of reasons.
    pub trace: bool,
}

impl Policies {
    /// The use cases over these packs.
    pub const fn new(packs: Arc<Packs>, catalogue: Arc<Catalogue>, clock: Arc<dyn Clock>) -> Self {
        Self { packs, catalogue, clock }
    }

    fn today(&self) -> Date {
        date_in_china(self.clock.now())
    }

    /// Every pack file.
    pub fn list(&self) -> PackList {
        PackList::of(&self.packs)
    }

    /// What holds at a place on a day, complete or not; today in China when no day is named.
    pub fn effective(
        &self,
        division_code: DivisionCode,
        urban_rural: UrbanRural,
        on: Option<Date>,
        pack: Option<&str>,
    ) -> Result<EffectivePack, ServiceError> {
        let place = Place { division_code, urban_rural };
        let on = on.unwrap_or_else(|| self.today());
        let effective = self.packs.effective_figures(place, on, pack).map_err(|error| unknown_pack(&error))?;
        Ok(EffectivePack::of(&effective, self.packs.choices(place, on)))
    }

    /// The verdict on the facts of a document, by the rules of a place. Nothing is kept.
    pub fn evaluate(
        &self,
        division_code: DivisionCode,
        body: &[u8],
        beside: Beside,
    ) -> Result<EvaluationAnswer, ServiceError> {
        let evaluation = Evaluation::parse(body, self.today(), &self.catalogue).map_err(ServiceError::Invalid)?;
        let place = Place { division_code, urban_rural: evaluation.urban_rural };
        let on = evaluation.facts.assessed_on;
        let (pack, unavailable) = match self.packs.effective(place, on, evaluation.pack.as_deref()) {
            Ok(pack) => (Some(pack), None),
            Err(error @ Unavailable::UnknownPack { .. }) => return Err(unknown_pack(&error)),
            Err(error) => (None, Some(error.text())),
        };
        let (facts, pack) = (&evaluation.facts, pack.as_deref());
        let verdict = judge::judge(facts, pack, place);
        let matter =
            Matter { catalogue: &self.catalogue, facts, parameters: pack, verdict: &verdict, comparison: None };
        Ok(EvaluationAnswer {
            place,
            assessment_date: on,
            report: beside.report.then(|| judge::tell(View::Caseworker, &matter)),
            trace: beside.trace.then(|| judge::trace(&matter)).flatten().map(|trace| raw(&trace)),
            verdict,
            unavailable,
            notice: notice(),
        })
    }
}

fn unknown_pack(error: &Unavailable) -> ServiceError {
    let Text { zh, en } = error.text();
    ServiceError::Invalid(vec![Finding {
        pointer: "/pack".to_owned(),
        code: "unknown_pack",
        detail: Text::new(format!("{zh}。不填则使用默认的。"), format!("{en}; leave it out to use the default one.")),
    }])
}

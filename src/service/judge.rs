//! Facts and pack to a verdict with its text and its trace.

use crate::domain::dataset::Catalogue;
use crate::domain::household::Place;
use crate::policy::Parameters;
use crate::verdict::facts::Facts;
use crate::verdict::{self, Verdict, explain, trace};

/// A verdict with its text and its trace.
pub(super) struct Judged {
    /// The verdict.
    pub(super) verdict: Verdict,
    /// Its text.
    pub(super) report: explain::Report,
    /// Its trace, where a pack was applied.
    pub(super) trace: Option<trace::Trace>,
}

/// The verdict, told and traced.
pub(super) fn judge(facts: &Facts, pack: Option<&Parameters>, place: Place, catalogue: &Catalogue) -> Judged {
    let Some(pack) = pack else {
        let verdict = Verdict::pending_parameter(facts, place);
        let report = explain::report_without_pack(catalogue, &verdict);
        return Judged { verdict, report, trace: None };
    };
    let judged = verdict::evaluate(facts, pack).and_then(|verdict| {
        let report = explain::report_with(catalogue, facts, pack, &verdict)?;
        let trace = trace::trace(facts, pack, &verdict)?;
        Ok(Judged { verdict, report, trace: Some(trace) })
    });
    judged.unwrap_or_else(|_| {
        let verdict = Verdict::too_large(facts, pack);
        let report = explain::report_without_pack(catalogue, &verdict);
        Judged { verdict, report, trace: None }
    })
}

//! Facts and pack to a verdict, and, when somebody asks, to its text and its trace.

use crate::domain::dataset::Catalogue;
use crate::domain::household::Place;
use crate::policy::Parameters;
use crate::verdict::facts::Facts;
use crate::verdict::trace::Trace;
use crate::verdict::{self, Verdict, explain};

/// The verdict on these facts. Amounts too large to compute with are for a person to look at.
pub(super) fn judge(facts: &Facts, pack: Option<&Parameters>, place: Place) -> Verdict {
    match pack {
        None => Verdict::pending_parameter(facts, place),
        Some(pack) => verdict::evaluate(facts, pack).unwrap_or_else(|_| Verdict::too_large(facts, pack)),
    }
}

/// The verdict told to people.
pub(super) fn report(facts: &Facts, pack: Option<&Parameters>, place: Place, catalogue: &Catalogue) -> explain::Report {
    let verdict = judge(facts, pack, place);
    pack.and_then(|pack| explain::report_with(catalogue, facts, pack, &verdict).ok())
        .unwrap_or_else(|| explain::report_without_pack(catalogue, &verdict))
}

/// The tree of reasons, where a pack was applied.
pub(super) fn trace(facts: &Facts, pack: Option<&Parameters>, place: Place) -> Option<Trace> {
    let verdict = judge(facts, pack, place);
    verdict::trace::trace(facts, pack?, &verdict).ok()
}

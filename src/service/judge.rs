//! Facts and pack to a verdict, and, when somebody asks, to its text and its trace.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::household::Place;
use crate::policy::Parameters;
use crate::verdict::clauses::{ClauseText, Clauses};
use crate::verdict::explain::{self, Matter, Report, View};
use crate::verdict::facts::Facts;
use crate::verdict::trace::Trace;
use crate::verdict::{self, Verdict};

/// The verdict on these facts. Amounts too large to compute with are for a person to look at.
pub(super) fn judge(facts: &Facts, pack: Option<&Parameters>, place: Place) -> Verdict {
    match pack {
        None => Verdict::pending_parameter(facts, place),
        Some(pack) => verdict::evaluate(facts, pack).unwrap_or_else(|_| Verdict::too_large(facts, pack)),
    }
}

/// The verdict told to people.
pub(super) fn tell(view: View, matter: &Matter<'_>) -> Report {
    explain::tell(view, matter).unwrap_or_else(|_| explain::tell_without_sums(view, matter))
}

/// The tree of reasons with the clauses it cites, where a pack was applied.
pub(super) fn trace<'a>(matter: &Matter<'a>) -> Option<CitedTrace<'a>> {
    let trace = verdict::trace::trace(matter.facts, matter.parameters?, matter.verdict).ok()?;
    let clauses = Clauses::shipped().cited_by(trace.root());
    Some(CitedTrace { trace, clauses })
}

/// A trace, and beside it what its clauses say and where they stand.
#[derive(Serialize)]
pub(super) struct CitedTrace<'a> {
    #[serde(flatten)]
    trace: Trace<'a>,
    clauses: Vec<&'static ClauseText>,
}

/// The value as JSON that is put into an answer as it is.
pub(super) fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("it holds only strings, numbers, lists and objects with string keys")
}

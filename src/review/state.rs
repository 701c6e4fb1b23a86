//! The states of an alert, and who may bring it to which: a closing has its reason, and letting go what matters
//! needs two officers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rules::Severity;
use crate::domain::context::says_something;
use crate::domain::id_number::IdNumber;

/// Least characters of a reason that count.
pub const LEAST_REASON: usize = 6;
/// Most characters of a reason.
pub const MOST_REASON: usize = 400;

/// The state of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody took it up yet 待处理.
    Open,
    /// The actor was asked to explain, by a day 待说明.
    Asked,
    /// One officer wants to dismiss it; a second one must agree 待复核（拟排除）.
    DismissalProposed,
    /// One officer found it justified; a second one must agree 待复核（拟认定正当）.
    JustificationProposed,
    /// The access was needed for the work 有正当理由. Closed.
    Justified,
    /// Handed on, to discipline or the law 移送. Closed.
    Escalated,
    /// There was nothing in it 排除. Closed.
    Dismissed,
}

impl State {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Asked,
        Self::DismissalProposed,
        Self::JustificationProposed,
        Self::Justified,
        Self::Escalated,
        Self::Dismissed,
    ];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Asked => "asked",
            Self::DismissalProposed => "dismissal_proposed",
            Self::JustificationProposed => "justification_proposed",
            Self::Justified => "justified",
            Self::Escalated => "escalated",
            Self::Dismissed => "dismissed",
        }
    }

    /// The state of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing more is to be done.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Justified | Self::Escalated | Self::Dismissed)
    }
}

/// Where an officer wants to bring an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// Ask the actor to explain.
    Asked,
    /// Close: it was needed for the work. With high severity this proposes, and a second officer who says the same closes.
    Justified,
    /// Close: hand it on.
    Escalated,
    /// Close: there was nothing in it. With high severity this proposes, and a second officer who says the same closes.
    Dismissed,
}

/// What was done with an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Step {
    /// The state it was brought to.
    pub state: State,
    /// By whom.
    pub by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// Until when the actor was asked to explain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Timestamp>,
}

/// Why an alert cannot be brought there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is closed, or already there.
    #[error("the alert is not in a state from which this is possible")]
    State,
    /// The reason says nothing, or too much.
    #[error("a reason needs 6 to 400 characters that say something")]
    Reason,
    /// The reason holds an identity number.
    #[error("a reason holds no identity number")]
    IdentityNumber,
    /// The time by which to explain is missing, past, or not asked for.
    #[error("asking for an explanation needs a time by which, in the future; nothing else has one")]
    Due,
    /// The second officer must be another one than the first.
    #[error("a second officer must agree")]
    FourEyes,
}

/// The state that follows, when this officer wants `to` for this reason. `steps` is what was done so far.
pub fn next(
    steps: &[Step],
    severity: Severity,
    to: Move,
    officer: &str,
    reason: &str,
    due_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<State, Refusal> {
    let last = steps.last();
    let current = last.map_or(State::Open, |step| step.state);
    if current.is_closed() || to == Move::Asked && current != State::Open {
        return Err(Refusal::State);
    }
    if IdNumber::is_in(reason) {
        return Err(Refusal::IdentityNumber);
    }
    if !says_something(reason, LEAST_REASON)
        || reason.chars().count() > MOST_REASON
        || reason.chars().any(char::is_control)
    {
        return Err(Refusal::Reason);
    }
    if (to == Move::Asked) != due_at.is_some() || due_at.is_some_and(|due| due <= now) {
        return Err(Refusal::Due);
    }
    let (closed, proposed) = match to {
        Move::Asked => return Ok(State::Asked),
        Move::Escalated => return Ok(State::Escalated),
        Move::Justified => (State::Justified, State::JustificationProposed),
        Move::Dismissed => (State::Dismissed, State::DismissalProposed),
    };
    // What ends without consequence is decided by two, or one officer could let friends go.
    if !severity.needs_four_eyes() {
        return Ok(closed);
    }
    match last {
        Some(step) if step.state == proposed && step.by == officer => Err(Refusal::FourEyes),
        Some(step) if step.state == proposed => Ok(closed),
        _ => Ok(proposed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHY: &str = "已与经办人核实，系正常业务";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn step(state: State, by: &str) -> Step {
        Step { state, by: by.to_owned(), at: at(0), reason: WHY.to_owned(), due_at: None }
    }

    fn go(steps: &[Step], severity: Severity, to: Move, by: &str) -> Result<State, Refusal> {
        next(steps, severity, to, by, WHY, (to == Move::Asked).then(|| at(100)), at(50))
    }

    #[test]
    fn an_alert_goes_from_open_over_asked_to_one_end() {
        let low = Severity::Medium;
        assert_eq!(go(&[], low, Move::Asked, "a"), Ok(State::Asked));
        let asked = [step(State::Asked, "a")];
        assert_eq!(go(&asked, low, Move::Asked, "a"), Err(Refusal::State));
        for (to, state) in [
            (Move::Justified, State::Justified),
            (Move::Escalated, State::Escalated),
            (Move::Dismissed, State::Dismissed),
        ] {
            assert_eq!(go(&[], low, to, "a"), Ok(state));
            assert_eq!(go(&asked, low, to, "a"), Ok(state));
            assert_eq!(go(&[step(state, "a")], low, Move::Escalated, "b"), Err(Refusal::State), "closed stays closed");
        }
    }

    #[test]
    fn closing_what_matters_without_consequence_needs_a_second_officer() {
        for severity in [Severity::High, Severity::Critical] {
            assert_eq!(go(&[], severity, Move::Dismissed, "a"), Ok(State::DismissalProposed));
            assert_eq!(go(&[], severity, Move::Justified, "a"), Ok(State::JustificationProposed));
            let proposed = [step(State::Asked, "b"), step(State::DismissalProposed, "a")];
            assert_eq!(go(&proposed, severity, Move::Justified, "b"), Ok(State::JustificationProposed), "not the same");
            assert_eq!(go(&proposed, severity, Move::Dismissed, "a"), Err(Refusal::FourEyes));
            assert_eq!(go(&proposed, severity, Move::Dismissed, "b"), Ok(State::Dismissed));
            assert_eq!(go(&proposed, severity, Move::Escalated, "a"), Ok(State::Escalated));
        }
    }

    /// A28.
    #[test]
    fn a28_nothing_is_closed_without_a_reason() {
        for (reason, refusal) in [
            ("", Refusal::Reason),
            ("      ", Refusal::Reason),
            ("aaaaaaaaaaaa", Refusal::Reason),
            ("ok", Refusal::Reason),
            ("查了 150000198605021015 没事", Refusal::IdentityNumber),
        ] {
            assert_eq!(
                next(&[], Severity::Medium, Move::Dismissed, "a", reason, None, at(50)),
                Err(refusal),
                "{reason}"
            );
        }
        assert_eq!(next(&[], Severity::Medium, Move::Asked, "a", WHY, None, at(50)), Err(Refusal::Due));
        assert_eq!(next(&[], Severity::Medium, Move::Asked, "a", WHY, Some(at(50)), at(50)), Err(Refusal::Due));
        assert_eq!(next(&[], Severity::Medium, Move::Justified, "a", WHY, Some(at(100)), at(50)), Err(Refusal::Due));
    }
}

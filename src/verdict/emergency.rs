//! The emergency overlay (急难社会救助): it waits for no circle and for no department (SEED-S04, S16, S20).

use jiff::SignedDuration;

use super::facts::Facts;
use super::reasons::{Reasons, clause};
use crate::domain::declaration::Event;
use crate::policy::Rules;
use crate::policy::values::ClockStart;

/// How first aid of one event stands against its hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstAid {
    /// Not given, or not recorded, so far.
    Open,
    /// In time; the last moment counts (以内 includes it).
    InTime,
    /// Too late.
    Late,
}

/// True for 急难型; anything else goes the normal way.
pub fn is_emergency(event: &Event) -> bool {
    event.route.as_str() == "EMERGENCY"
}

/// True for 一事一议: the county's coordination mechanism decides, and no amount is capped (SEED-S18). That an event is
/// of this kind is the county's own finding; the route carries it.
pub fn is_case_by_case(event: &Event) -> bool {
    event.route.as_str() == "CASE_BY_CASE"
}

/// True when an event sets the overlay.
pub fn overlay(facts: &Facts) -> bool {
    facts.events.iter().any(is_emergency)
}

/// How first aid stands.
pub fn first_aid(event: &Event, rules: &Rules) -> FirstAid {
    let start = match rules.emergency_clock_start {
        ClockStart::ReportedAt => event.reported_at,
        ClockStart::OccurredAt => event.occurred_at,
    };
    let allowed = SignedDuration::from_hours(i64::from(rules.emergency_first_aid_hours));
    match event.first_aid_at {
        None => FirstAid::Open,
        Some(given) if given.duration_since(start) <= allowed => FirstAid::InTime,
        Some(_) => FirstAid::Late,
    }
}

/// Notes every event.
pub fn explain(facts: &Facts, rules: &Rules, reasons: &mut Reasons) {
    for event in &facts.events {
        if !is_emergency(event) {
            reasons.flag("TEMPORARY_RELIEF_NORMAL_PROCEDURE");
            reasons.rests_on(&[clause::SEED_NORMAL, clause::TEMPORARY_RELIEF]);
            if is_case_by_case(event) {
                reasons.reason("CASE_BY_CASE_DECISION");
                reasons.rests_on(&[clause::SEED_CASE_BY_CASE]);
            }
            continue;
        }
        reasons.reason("EMERGENCY_FIRST_AID");
        reasons.rests_on(&[clause::SEED_EMERGENCY, clause::SEED_FIRST_AID, clause::TEMPORARY_RELIEF]);
        match first_aid(event, rules) {
            FirstAid::Open => reasons.reason("EMERGENCY_FIRST_AID_OPEN"),
            FirstAid::InTime => reasons.flag("EMERGENCY_SLA_MET"),
            FirstAid::Late => reasons.flag("EMERGENCY_SLA_BREACHED"),
        }
        if event.place_region != facts.hukou_region {
            reasons.flag("HANDLED_AT_PLACE_OF_EVENT");
            reasons.rests_on(&[clause::SEED_PLACE]);
        }
    }
}

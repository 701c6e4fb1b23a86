//! Gates, and what comes after a decision or beside it.

use jiff::{SignedDuration, Timestamp};

use super::property::poor_family;
use crate::domain::declaration::{Event, Prior};
use crate::domain::fact::Kind;
use crate::domain::household::Stability;
use crate::domain::money::Money;
use crate::domain::period::china;
use crate::simulate::population::draft::Draft;
use crate::simulate::population::truth::{Circle, Truth};

/// No department may be asked about anybody.
pub(super) fn unsigned(draft: &mut Draft<'_>) -> Truth {
    poor_family(draft);
    draft.ordinary_property(3);
    draft.member(1).authorised = false;
    draft.flag("AUTHORISATION_MISSING");
    Truth::Blocked
}

pub(super) fn in_two_households(draft: &mut Draft<'_>) -> Truth {
    poor_family(draft);
    draft.ordinary_property(3);
    draft.prior = Some(Prior { member_in_other_household: Some(draft.reference(1)), ..Prior::default() });
    draft.flag("MEMBER_IN_TWO_HOUSEHOLDS");
    Truth::ManualReview
}

/// Above the line since a member found work: the old amount is kept for a time.
pub(super) fn graduation(draft: &mut Draft<'_>) -> Truth {
    let [head, ..] = draft.family();
    draft.household.income_stability = Stability::Stable;
    let target = draft.share(3, 105, 145);
    let countable = draft.wage(head, target, "hrss");
    draft.ordinary_property(3);
    let kept = draft.random.between(200, 900) * 100;
    let months = u32::try_from(draft.random.between(0, 11)).unwrap_or(0);
    draft.prior = Some(Prior {
        circle: Some(Kind::of("DIBAO")),
        exceeded_by_employment: true,
        months_since_exceeded: Some(months),
        monthly_total: Some(Money::from_fen(kept)),
        ..Prior::default()
    });
    draft.flag("GRADUATION_PERIOD");
    let circle = Circle::of("DIBAO", countable, "GRADUATION_PERIOD");
    Truth::Circle(Circle { kept_benefit: Some(kept), ..circle })
}

/// One person's standard is taken off the benefit (SC649 第四十五条).
pub(super) fn refused_work(draft: &mut Draft<'_>) -> Truth {
    let [head, spouse, _] = draft.family();
    let income = draft.share(3, 10, 55);
    draft.business(head, income);
    let refusing = draft.member(spouse);
    refusing.employed = false;
    refusing.job_refusals = 3;
    draft.ordinary_property(3);
    draft.flag("BENEFIT_STOPPED_JOB_REFUSALS");
    draft.flag("EMPLOYMENT_REFERRAL");
    let circle = Circle::of("DIBAO", income, "INCOME_LT_STANDARD");
    Truth::Circle(Circle { refusing: 1, ..circle })
}

/// First aid waits for nothing: it comes where the fire is, whatever the household earns.
pub(super) fn fire_away_from_home(draft: &mut Draft<'_>) -> Truth {
    let [head, ..] = draft.family();
    let upper = draft.place.low_income_line(3);
    let income = draft.random.between(upper, upper * 3);
    draft.business(head, income);
    draft.ordinary_property(3);
    draft.household.hukou_region = draft.places.elsewhere(draft.place, draft.random);
    let evening = draft.on.yesterday().unwrap_or(draft.on).at(21, 30, 0, 0);
    let occurred_at = china().to_timestamp(evening).unwrap_or(Timestamp::UNIX_EPOCH);
    let reported_at = occurred_at + SignedDuration::from_mins(30);
    // Twenty-four hours are in time, to the second; a second more is late.
    let (took, flag) = match draft.random.between(1, 3) {
        1 => (SignedDuration::from_hours(24), "EMERGENCY_SLA_MET"),
        2 => (SignedDuration::from_hours(5), "EMERGENCY_SLA_MET"),
        _ => (SignedDuration::from_secs(24 * 3600 + 1), "EMERGENCY_SLA_BREACHED"),
    };
    draft.household.events.push(Event {
        kind: Kind::of("FIRE"),
        route: Kind::of("EMERGENCY"),
        occurred_at,
        reported_at,
        first_aid_at: Some(reported_at + took),
        place_region: draft.place.region,
    });
    draft.flag(flag);
    draft.flag("HANDLED_AT_PLACE_OF_EVENT");
    Truth::Circle(Circle::of("NONE", income, "EMERGENCY_FIRST_AID"))
}

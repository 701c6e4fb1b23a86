"""The emergency overlay: it waits for nothing and depends on no income."""

from openfisca_core.periods import DateUnit
from openfisca_core.variables import Variable

from .entities import Household
from .income import any_slot
from .membership import one_of
from .packs import figure

HOUR = 3_600_000_000


def emergency(household, period, slot):
    return one_of(household, period, f"event_route_{slot}", "route", "EMERGENCY")


class emergency_overlay(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "An event takes the emergency route"

    def formula(household, period):
        return any_slot(household, period, "event", lambda slot: emergency(household, period, slot))


def flags(household, period, parameters):
    limit = figure(household, period, parameters, "first_aid_hours") * HOUR

    def aided(slot):
        return emergency(household, period, slot) & (household(f"event_first_aid_at_{slot}", period) >= 0)

    def late(slot):
        elapsed = household(f"event_first_aid_at_{slot}", period) - household(f"event_reported_at_{slot}", period)
        return elapsed > limit

    def elsewhere(slot):
        return household(f"event_place_{slot}", period) != household("hukou", period)

    def happened(slot):
        return household(f"event_route_{slot}", period) > 0

    def any_event(holds):
        return any_slot(household, period, "event", holds)

    return {
        "EMERGENCY_SLA_MET": any_event(lambda slot: aided(slot) & ~late(slot)),
        "EMERGENCY_SLA_BREACHED": any_event(lambda slot: aided(slot) & late(slot)),
        "HANDLED_AT_PLACE_OF_EVENT": any_event(lambda slot: emergency(household, period, slot) & elsewhere(slot)),
        "TEMPORARY_RELIEF_NORMAL_PROCEDURE": any_event(
            lambda slot: happened(slot) & ~emergency(household, period, slot)
        ),
    }

"""Rigid expenditure of the remaining members in the twelve full months before the month of application."""

import numpy
from openfisca_core.periods import DateUnit

from .entities import Household
from .exact import Exact, has_bit, variable
from .income import any_slot, slots
from .membership import one_of
from .packs import figure


def slot_rules(tables):
    for slot in range(tables.slots.get("expenditure", 0)):
        yield variable(f"expenditure_relevant_{slot}", Household, relevant(slot), bool)
        yield variable(f"expenditure_inside_{slot}", Household, inside(slot), bool)
        yield variable(f"expenditure_net_{slot}", Household, net(slot))


def relevant(slot):
    """Spent for a member who remains."""

    def formula(household, period):
        return has_bit(household("remaining_members", period), household(f"expenditure_member_{slot}", period))

    return formula


def inside(slot):
    """Paid in the window: its first day belongs to it, the first day of the application month does not."""

    def formula(household, period):
        year, month = period.start.year, period.start.month
        first = numpy.datetime64(f"{year - 1:04}-{month:02}-01")
        end = numpy.datetime64(f"{year:04}-{month:02}-01")
        paid = household(f"expenditure_paid_on_{slot}", period)
        return (first <= paid) & (paid < end)

    return formula


def net(slot):
    """What the household itself bore, fen, before any cap."""

    def formula(household, period):
        gross = household(f"expenditure_gross_{slot}", period)
        return numpy.maximum(gross - household(f"expenditure_covered_{slot}", period), 0)

    return formula


def rigid(household, period, *kinds):
    """The sum over the window, of some kinds or of all."""
    amount = numpy.zeros(household.count, dtype=numpy.int64)
    for slot in slots(household, "expenditure"):
        counts = household(f"expenditure_relevant_{slot}", period) & household(f"expenditure_inside_{slot}", period)
        if kinds:
            counts = counts & one_of(household, period, f"expenditure_kind_{slot}", "expenditure_kind", *kinds)
        spent = household(f"expenditure_net_{slot}", period)
        benchmark = household(f"expenditure_benchmark_{slot}", period)
        spent = numpy.where(benchmark >= 0, numpy.minimum(spent, benchmark), spent)
        amount += numpy.where(counts, spent, 0)
    return amount


class rigid_expenditure(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "Rigid expenditure of all kinds, fen"

    def formula(household, period):
        return rigid(household, period)


class medical_expenditure(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "Rigid expenditure for illness and accidents, fen"

    def formula(household, period):
        return rigid(household, period, "MEDICAL", "ACCIDENT")


class illness_expenditure(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "Rigid expenditure that illness or disability brings, where the dibao test takes it off income, fen"

    def formula(household, period, parameters):
        deducts = figure(household, period, parameters, "deducts_illness") == 1
        return numpy.where(deducts, rigid(household, period, "MEDICAL", "DISABILITY_REHAB"), 0)


def flags(household, period):
    def outside(slot):
        return household(f"expenditure_relevant_{slot}", period) & ~household(f"expenditure_inside_{slot}", period)

    def capped(slot):
        benchmark = household(f"expenditure_benchmark_{slot}", period)
        above = (benchmark >= 0) & (household(f"expenditure_net_{slot}", period) > benchmark)
        counts = household(f"expenditure_relevant_{slot}", period) & household(f"expenditure_inside_{slot}", period)
        return counts & above

    return {
        "EXPENDITURE_OUTSIDE_WINDOW": any_slot(household, period, "expenditure", outside),
        "EDUCATION_CAPPED_AT_PUBLIC_BENCHMARK": any_slot(household, period, "expenditure", capped),
    }

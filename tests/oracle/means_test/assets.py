"""Property: what the household owns against the limits for a number of persons."""

import numpy
from openfisca_core.periods import DateUnit
from openfisca_core.variables import Variable

from .entities import Household
from .exact import Exact
from .income import any_slot, slots
from .membership import one_of
from .packs import figure, listed

FINANCIAL = ("DEPOSIT", "SECURITIES", "FUND", "INSURANCE_CASH_VALUE", "INTERNET_FINANCE", "RECEIVABLE")


def summed(household, period, fact, *kinds, where=lambda _slot: True):
    """The sum of a fact over the assets of some kinds."""
    amount = numpy.zeros(household.count, dtype=numpy.int64)
    for slot in slots(household, "asset"):
        chosen = one_of(household, period, f"asset_kind_{slot}", "asset_kind", *kinds) & where(slot)
        amount += numpy.where(chosen, household(f"asset_{fact}_{slot}", period), 0)
    return amount


class financial_assets(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "Financial assets, fen"

    def formula(household, period):
        return summed(household, period, "value", *FINANCIAL)


class dwellings_over_limit(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "More dwellings than allowed; exempt ones are not counted"

    def formula(household, period, parameters):
        kept = lambda slot: household(f"asset_exempt_{slot}", period) == 0  # noqa: E731
        owned = summed(household, period, "count", "DWELLING", where=kept)
        return owned > figure(household, period, parameters, "dwelling_max")


class non_residential(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "Owns a building that is no dwelling"

    def formula(household, period):
        kind = lambda slot: one_of(household, period, f"asset_kind_{slot}", "asset_kind", "NON_RESIDENTIAL")  # noqa: E731
        return any_slot(household, period, "asset", kind)


class vehicle(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "Owns a vehicle that the set does not exempt"

    def formula(household, period, parameters):
        kinds = household.simulation.tax_benefit_system.tables.list("exempt_kind")

        def owned(slot):
            exempt = household(f"asset_exempt_{slot}", period)
            allowed = listed(household, period, parameters, "vehicle_exempt_kinds", kinds, exempt)
            return one_of(household, period, f"asset_kind_{slot}", "asset_kind", "VEHICLE") & ~allowed

        return any_slot(household, period, "asset", owned)


class business_capital(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "Capital in businesses at or above the limit"

    def formula(household, period, parameters):
        capital = summed(household, period, "value", "BUSINESS_ENTITY")
        return (capital > 0) & (capital >= figure(household, period, parameters, "business_capital_limit"))


def financial_over(household, period, parameters, persons):
    """Financial assets exceed line × months ÷ 12 for so many persons."""
    months = figure(household, period, parameters, "financial_months")
    line = figure(household, period, parameters, "standard") * persons
    return household("financial_assets", period) * 12 > line * months


class property_passes_for_one(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "All property of the household passes the limits for one person"

    def formula(household, period, parameters):
        return ~(other_items_fail(household, period) | financial_over(household, period, parameters, 1))


class financial_over_limit(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "Financial assets exceed the limit for the remaining members"

    def formula(household, period, parameters):
        return financial_over(household, period, parameters, household("household_size", period))


class property_passes(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "All property passes the limits for the remaining members"

    def formula(household, period):
        return ~(other_items_fail(household, period) | household("financial_over_limit", period))


def other_items_fail(household, period):
    items = ("dwellings_over_limit", "non_residential", "vehicle", "business_capital")
    return numpy.logical_or.reduce([household(item, period) for item in items])


def flags(household, period):
    """Each failing item is a flag."""
    return {
        "PROPERTY_FINANCIAL_OVER_LIMIT": household("financial_over_limit", period),
        "PROPERTY_DWELLINGS_OVER_LIMIT": household("dwellings_over_limit", period),
        "PROPERTY_NON_RESIDENTIAL": household("non_residential", period),
        "PROPERTY_VEHICLE": household("vehicle", period),
        "PROPERTY_BUSINESS_CAPITAL": household("business_capital", period),
    }

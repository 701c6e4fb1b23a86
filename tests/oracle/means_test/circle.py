"""The circles of assistance that a household meets, for known amounts."""

import numpy
from openfisca_core.periods import DateUnit
from openfisca_core.variables import Variable

from .entities import Household
from .exact import PARTS, Exact
from .membership import one_of
from .packs import CIRCLES, figure

#: Bits of a set of circles.
BIT = {"DIBAO": 1, "LOW_INCOME": 2, "EXPENDITURE": 4, "NONE": 8}


class dibao_line(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "The line of the remaining members for twelve months, fen"

    def formula(household, period, parameters):
        return figure(household, period, parameters, "standard") * household("household_size", period)


class low_income_line(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "The line times the multiple, parts of a fen"

    def formula(household, period, parameters):
        hundredths = figure(household, period, parameters, "low_income_hundredths")
        return household("dibao_line", period) * hundredths * (PARTS // 100)


class income_ceiling(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "Last year's disposable income of so many persons, fen"

    def formula(household, period, parameters):
        return figure(household, period, parameters, "disposable_income") * household("household_size", period)


def after_illness(income, illness):
    """What is left of income for the dibao test; parts and fen. Taken down to nothing, never below."""
    return numpy.where(income > 0, numpy.maximum(income - illness * PARTS, 0), income)


class Lines:
    """The lines and the rule family of each household, so that circles can be tried for any amounts."""

    def __init__(self, household, period, parameters):
        self.line = household("dibao_line", period) * PARTS
        self.low_income = household("low_income_line", period)
        self.ceiling = household("income_ceiling", period) * PARTS
        self.by_ratio = figure(household, period, parameters, "expenditure_rule") == 1
        self.ranks = [figure(household, period, parameters, f"rank_{circle}") for circle in CIRCLES]

    def met(self, income, rigid, medical, illness, passes):
        """The set of circles met; income in parts, expenditure in fen."""
        dibao = after_illness(income, illness) < self.line
        band = ~dibao & (income < self.low_income)
        net = numpy.maximum(income - rigid * PARTS, 0)
        # 100 R > 70 I and 100 M > 60 I, in lowest terms.
        ratio = (10 * rigid * PARTS > 7 * income) | (5 * medical * PARTS > 3 * income)
        spent = numpy.where(self.by_ratio, ~band & (income < self.ceiling) & ratio, net < self.line)
        found = numpy.where(
            dibao, BIT["DIBAO"], numpy.where(band, BIT["LOW_INCOME"], 0) | numpy.where(spent, BIT["EXPENDITURE"], 0)
        )
        return numpy.where(passes, found, 0)

    def first(self, met):
        """The bit of the first circle met by precedence; NONE when none is."""
        best, chosen = numpy.full(met.shape, 99), numpy.full(met.shape, BIT["NONE"])
        for circle, rank in zip(CIRCLES, self.ranks, strict=True):
            better = ((met & BIT[circle]) > 0) & (rank < best)
            best, chosen = numpy.where(better, rank, best), numpy.where(better, BIT[circle], chosen)
        return chosen

    def order(self, index):
        """The circles of one household in its order of precedence."""
        return sorted(CIRCLES, key=lambda circle: self.ranks[CIRCLES.index(circle)][index])


class circles_met(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "The set of circles that the known facts meet"

    def formula(household, period, parameters):
        return Lines(household, period, parameters).met(
            household("countable_income", period),
            household("rigid_expenditure", period),
            household("medical_expenditure", period),
            household("illness_expenditure", period),
            household("property_passes", period),
        )


class circle(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "The first circle met by the known facts, as a bit"

    def formula(household, period, parameters):
        return Lines(household, period, parameters).first(household("circles_met", period))


class in_graduation_period(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "Was dibao until work lifted the income above the line, not too long ago"

    def formula(household, period, parameters):
        since = household("prior_months", period)
        return (
            one_of(household, period, "prior_circle", "circle", "DIBAO")
            & household("prior_exceeded_by_employment", period)
            & (household("household_size", period) > 0)
            & (since >= 0)
            & (since < figure(household, period, parameters, "graduation_months"))
        )


class graduation(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "Keeps dibao although the known facts lead to another circle"

    def formula(household, period):
        return graduates(household, period, household("circle", period), household("property_passes", period))


def graduates(household, period, circle, passes):
    """Whether a household in this circle, with this property, keeps dibao."""
    return household("in_graduation_period", period) & passes & (circle != BIT["DIBAO"])

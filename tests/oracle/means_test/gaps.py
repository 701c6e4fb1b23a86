"""What departments that have not answered leave open: possible circles and who blocks.

An amount that may only grow is tried at its known value and at every breakpoint above it: between two
breakpoints nothing changes, and every comparison is strict, so a breakpoint stands for what lies above it.
A household in its graduation period keeps dibao under every completion in which its property passes.
"""

import numpy
from openfisca_core.periods import DateUnit
from openfisca_core.variables import Variable

from .circle import BIT, Lines, graduates
from .entities import Household
from .exact import LARGEST_FEN, PARTS, Exact, variable
from .facts import DEPARTMENTS
from .membership import word_in
from .packs import figure

ANSWERED = ("OK", "NO_RECORD")


def slot_rules(_tables):
    for department in DEPARTMENTS:
        yield variable(f"missing_{department}", Household, missing(department), bool)
        yield variable(f"blocked_by_{department}", Household, blocked_by(department), bool)


def missing(department):
    def formula(household, period):
        return word_in(
            household, household(f"status_{department}", period), "status", lambda word: word not in ANSWERED
        )

    return formula


class aged_3_to_30(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "A remaining member is of an age at which education may have a record"

    def formula(household, period):
        age = household.members("age", period)
        return household.any(household.members("remaining", period) & (age >= 3) & (age <= 30))


def possible(household, period, parameters, answered=None):
    """The set of circles that some completion of the facts leads to, `answered` counted as there."""

    def gap(department):
        if department == answered:
            return numpy.zeros(household.count, dtype=bool)
        return household(f"missing_{department}", period)

    lines = Lines(household, period, parameters)
    income = household("countable_income", period)
    rigid, medical = household("rigid_expenditure", period), household("medical_expenditure", period)
    illness = household("illness_expenditure", period)
    deducts = figure(household, period, parameters, "deducts_illness") == 1
    passes = household("property_passes", period)

    income_open = gap("hrss")
    rigid_open = gap("medical_insurance") | (gap("education") & household("aged_3_to_30", period))
    may_fail = passes & gap("housing")
    only_dwellings = household("dwellings_over_limit", period) & ~numpy.logical_or.reduce(
        [household(item, period) for item in ("financial_over_limit", "non_residential", "vehicle", "business_capital")]
    )
    may_pass = only_dwellings & gap("emergency")

    breakpoints = [
        income,
        lines.line,
        lines.low_income,
        lines.ceiling,
        lines.line + rigid * PARTS,
        lines.line + illness * PARTS,
        rigid * (PARTS // 7 * 10),
        medical * (PARTS // 3 * 5),
    ]
    found = numpy.zeros(household.count, dtype=numpy.int64)
    for point in breakpoints:
        tried = numpy.where(income_open, numpy.maximum(income, point), income)
        # What is spent more may be of illness, which the dibao test may take off, or of something else.
        for grown, of_illness in ((False, False), (True, False), (True, True)):
            spent = numpy.where(rigid_open, LARGEST_FEN, rigid) if grown else rigid
            ill = numpy.where(rigid_open, LARGEST_FEN, medical) if grown else medical
            off = numpy.where(rigid_open & deducts, LARGEST_FEN, illness) if of_illness else illness
            for verdict in (passes, passes & ~may_fail, passes | may_pass):
                circle = lines.first(lines.met(tried, spent, ill, off, verdict))
                found |= numpy.where(graduates(household, period, circle, verdict), BIT["DIBAO"], circle)
    return found


class possible_circles(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "The circles that are possible, as bits"

    def formula(household, period, parameters):
        return possible(household, period, parameters)


class pending(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "More than one circle is possible"

    def formula(household, period):
        return numpy.bitwise_count(household("possible_circles", period)) > 1


def blocked_by(department):
    """Without this gap fewer circles would be possible."""

    def formula(household, period, parameters):
        without = possible(household, period, parameters, answered=department)
        fewer = numpy.bitwise_count(without) < numpy.bitwise_count(household("possible_circles", period))
        return household("pending", period) & household(f"missing_{department}", period) & fewer

    return formula

"""After the circle: dibao for one person, the benefit hint, and the review cycle."""

import numpy
from openfisca_core.periods import DateUnit
from openfisca_core.variables import Variable

from .circle import BIT, after_illness
from .entities import Household, Person
from .exact import PARTS, Exact, half_up, total
from .membership import one_of
from .packs import TOPUP_GROUNDS, figure
from .tekun import projected


class settled_circle(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "The circle of the verdict, as a bit; 0 while it is pending"

    def formula(household, period):
        circle = numpy.where(household("graduation", period), BIT["DIBAO"], household("circle", period))
        return numpy.where(household("pending", period), 0, circle)


class severe_disability(Variable):
    value_type = bool
    entity = Person
    definition_period = DateUnit.DAY
    label = "Grade 1 or 2, or grade 3 of the mind"

    def formula(person, period):
        category, grade = person("disability_category", period), person("disability_grade", period)
        return ((grade >= 1) & (grade <= 2)) | (((category == 5) | (category == 6)) & (grade == 3))


class low_income_household(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "LOW_INCOME is the circle of the verdict or among the others met"

    def formula(household, period):
        met = (household("circles_met", period) & BIT["LOW_INCOME"]) > 0
        # In graduation DIBAO takes the place of the circle; what else is met stays.
        replaced = household("graduation", period) & (household("circle", period) == BIT["LOW_INCOME"])
        return ~household("all_tekun", period) & ~household("pending", period) & met & ~replaced


class lost_capacity(Variable):
    value_type = bool
    entity = Person
    definition_period = DateUnit.DAY
    label = "Of working age without any capacity to work, where the set makes that a ground"

    def formula(person, period, parameters):
        age = person("age", period)
        counts = projected(person, figure(person.simulation.household, period, parameters, "single_no_capacity"))
        return (counts == 1) & (age >= 16) & (age < 60) & one_of(person, period, "labour", "labour", "NONE")


class dibao_single(Variable):
    value_type = bool
    entity = Person
    definition_period = DateUnit.DAY
    label = "Enters dibao alone"

    def formula(person, period, parameters):
        line = projected(person, figure(person.simulation.household, period, parameters, "standard"))
        return (
            person.household("low_income_household", period)
            & person("remaining", period)
            & (
                person("severe_disability", period)
                | person("severe_illness", period)
                | person("lost_capacity", period)
            )
            & (person("own_income", period) < line * PARTS)
        )


class single_amount(Exact):
    value_type = int
    entity = Person
    definition_period = DateUnit.DAY
    label = "Monthly amount of dibao for this person alone, fen"

    def formula(person, period, parameters):
        line = projected(person, figure(person.simulation.household, period, parameters, "standard"))
        return half_up(line * PARTS - person("own_income", period), 12 * PARTS)


class topup_ground(Exact):
    value_type = int
    entity = Person
    definition_period = DateUnit.DAY
    label = "1 + the index of the ground with the highest percent, 0 when there is none"

    def formula(person, period, parameters):
        household = person.simulation.household
        age = person("age", period)
        holds = {
            "ELDERLY": age >= projected(person, figure(household, period, parameters, "elderly_age")),
            "MINOR": age < 18,
            "SEVERE_ILLNESS": person("severe_illness", period),
            "SEVERE_DISABILITY": person("severe_disability", period),
        }
        best, ground = numpy.full(person.count, -1), numpy.zeros(person.count, dtype=numpy.int64)
        for index, name in enumerate(TOPUP_GROUNDS):
            percent = projected(person, figure(household, period, parameters, f"topup_{name}"))
            better = holds[name] & (percent > best)
            best, ground = numpy.where(better, percent, best), numpy.where(better, index + 1, ground)
        return numpy.where(person("remaining", period), ground, 0)


class topup_percent(Exact):
    value_type = int
    entity = Person
    definition_period = DateUnit.DAY
    label = "Percent of the ground"

    def formula(person, period, parameters):
        household = person.simulation.household
        ground = person("topup_ground", period)
        percent = numpy.zeros(person.count, dtype=numpy.int64)
        for index, name in enumerate(TOPUP_GROUNDS):
            own = projected(person, figure(household, period, parameters, f"topup_{name}"))
            percent = numpy.where(ground == index + 1, own, percent)
        return percent


class topup_amount(Exact):
    value_type = int
    entity = Person
    definition_period = DateUnit.DAY
    label = "Monthly top-up, fen"

    def formula(person, period, parameters):
        standard = projected(person, figure(person.simulation.household, period, parameters, "standard"))
        return half_up(standard * person("topup_percent", period), 12 * 100)


class refusals(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "Remaining members who refused work three times or more"

    def formula(household, period):
        refused = household.members("job_refusals", period) >= 3
        return total(household, household.members("remaining", period) & refused)


class monthly_base(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "The difference to the line, monthly, fen"

    def formula(household, period, parameters):
        income = household("countable_income", period)
        net = numpy.maximum(income - household("rigid_expenditure", period) * PARTS, 0)
        left = after_illness(income, household("illness_expenditure", period))
        basis = numpy.where(household("settled_circle", period) == BIT["EXPENDITURE"], net, left)
        stopped = household("refusals", period) * figure(household, period, parameters, "standard") * PARTS
        yearly = household("dibao_line", period) * PARTS - basis - stopped
        return half_up(numpy.maximum(yearly, 0), 12 * PARTS)


class monthly_total(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "Base and top-ups, of rounded parts, fen"

    def formula(household, period):
        topups = numpy.where(
            household.members("topup_ground", period) > 0, household.members("topup_amount", period), 0
        )
        return household("monthly_base", period) + total(household, topups)


def able(household, period, *capacities):
    """Remaining members of 16 to 59 with such a capacity."""
    members = household.members
    age = members("age", period)
    return (
        members("remaining", period)
        & (age >= 16)
        & (age <= 59)
        & one_of(members, period, "labour", "labour", *capacities)
    )


class review_cycle(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "Months until a dibao household is reviewed"

    def formula(household, period):
        unstable = one_of(household, period, "stability", "stability", "UNSTABLE")
        return numpy.where(unstable & household.any(able(household, period, "FULL", "PARTIAL")), 6, 12)


class employment_referral(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "A member could work, does not, and is not in education"

    def formula(household, period):
        members = household.members
        idle = ~members("employed", period) & (members("stage", period) == 0)
        return household.any(able(household, period, "FULL") & idle)

"""Persons in special hardship (TEKUN): judged one by one; they leave the household."""

import numpy
from openfisca_core.periods import DateUnit
from openfisca_core.variables import Variable

from .entities import Household, Person
from .exact import PARTS, Exact, has_bit, mask, total
from .income import slots, unable
from .packs import figure, listed


class no_labour_capacity(Variable):
    value_type = bool
    entity = Person
    definition_period = DateUnit.DAY
    label = "Too old, too young, still at school as a TEKUN person, or too disabled to work"

    def formula(person, period, parameters):
        age = person("age", period)
        category, grade = person("disability_category", period), person("disability_grade", period)
        grade = numpy.where(grade > 0, grade, 99)
        disabled = (
            (((category == 5) | (category == 6)) & (grade <= 3))
            | ((category == 4) & (grade <= 2))
            | ((category == 1) & (grade == 1))
        )
        stays = person("was_tekun", period) & ((age < 18) | continues(person, period, parameters))
        young = age < projected(person, figure(person.simulation.household, period, parameters, "minor_age_limit"))
        return stays | (age >= 60) | young | disabled


def projected(person, values):
    """A household's value for each of its persons."""
    return person.simulation.household.project(values)


def continues(person, period, parameters):
    """The stage is one in which a TEKUN person stays one after the eighteenth birthday."""
    household = person.simulation.household
    stages = person.simulation.tax_benefit_system.tables.list("stage")
    member = numpy.zeros(person.count, dtype=bool)
    for code in range(1, len(stages)):
        everyone = numpy.full(household.count, code)
        allowed = projected(person, listed(household, period, parameters, "continue_stages", stages, everyone))
        member |= (person("stage", period) == code) & allowed
    return member


class without_able_obligor(Variable):
    value_type = bool
    entity = Person
    definition_period = DateUnit.DAY
    label = "Nobody in the household is obliged, and every obligor outside is unable"

    def formula(person, period):
        household = person.simulation.household
        none = ~person("obligor_in_household", period)
        for slot in slots(person, "obligor"):
            supports = has_bit(person.household(f"obligor_supports_{slot}", period), person("position", period))
            none &= ~supports | projected(person, unable(household, period, slot))
        return none


class tekun(Variable):
    value_type = bool
    entity = Person
    definition_period = DateUnit.DAY
    label = "A person in special hardship"

    def formula(person, period, parameters):
        line = projected(person, figure(person.simulation.household, period, parameters, "standard"))
        return (
            person("counted", period)
            & ~person("chose_orphan_benefit", period)
            & person("no_labour_capacity", period)
            & person("without_able_obligor", period)
            & (person("tekun_test_income", period) < line * PARTS)
            & person.household("property_passes_for_one", period)
        )


class care_level(Exact):
    value_type = int
    entity = Person
    definition_period = DateUnit.DAY
    label = "0 self-care, 1 partial care (1 to 3 indicators failed), 2 full care"

    def formula(person, period):
        failed = person("adl_failed_count", period)
        return numpy.where(failed >= 4, 2, numpy.where(failed >= 1, 1, 0))


class remaining(Variable):
    value_type = bool
    entity = Person
    definition_period = DateUnit.DAY
    label = "Counts and is not a TEKUN person"

    def formula(person, period):
        return person("counted", period) & ~person("tekun", period)


class remaining_members(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "Remaining members, as bits at their positions"

    def formula(household, period):
        return mask(household, period, household.members("remaining", period))


class household_size(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "How many members remain once TEKUN persons have left"

    def formula(household, period):
        return total(household, household.members("remaining", period))


class all_tekun(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "Every counted member is a TEKUN person"

    def formula(household, period):
        return (household("counted_size", period) > 0) & (household("household_size", period) == 0)

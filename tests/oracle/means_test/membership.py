"""Identity, age, who counts, and the gates before anything else."""

import numpy
from openfisca_core.periods import DateUnit
from openfisca_core.variables import Variable

from .entities import Household, Person
from .exact import Exact, mask, total

WEIGHTS = numpy.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
CHECK_CHARACTERS = "10X98765432"

#: Full-width characters are read as their plain ones, spaces are passed over.
FORGIVEN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {ord(space): None for space in " \u00a0\u3000"}

#: `gate`: which of the gates stops the case.
OPEN, INVALID_INPUT, MANUAL_REVIEW, BLOCKED = range(4)


def calendar(dates):
    """Year, month and day of each date."""
    months = dates.astype("datetime64[M]")
    year = dates.astype("datetime64[Y]").astype(numpy.int64) + 1970
    month = months.astype(numpy.int64) % 12 + 1
    day = (dates - months.astype("datetime64[D]")).astype(numpy.int64) + 1
    return year, month, day


def word_in(population, code, list_name, wanted):
    """Whether the word behind each code satisfies `wanted`."""
    words = population.simulation.tax_benefit_system.tables.list(list_name)
    return numpy.array([bool(word) and wanted(word) for word in words])[code]


def one_of(population, period, name, list_name, *wanted):
    """Whether the coded variable `name` is one of the words."""
    return word_in(population, population(name, period), list_name, lambda word: word in wanted)


def date_of(digits):
    """YYYYMMDD as a date; NaT where there is no such day."""
    text = "-".join(("".join(digits[:4]), "".join(digits[4:6]), "".join(digits[6:])))
    try:
        return numpy.datetime64(text, "D")
    except ValueError:
        return numpy.datetime64("NaT")


class id_number_valid(Variable):
    value_type = bool
    entity = Person
    definition_period = DateUnit.DAY
    label = "The identity number passes GB 11643 and carries the date of birth"

    def formula(person, period):
        text = numpy.array([number.translate(FORGIVEN).upper() for number in person("id_number", period)])
        fits = numpy.char.str_len(text) == 18
        characters = numpy.where(fits, text, "0" * 18).astype("U18").view("U1").reshape(-1, 18)
        digits = numpy.char.isdecimal(characters[:, :17]) & (characters[:, :17] <= "9")
        values = numpy.where(digits, characters[:, :17], "0").astype(numpy.int64)
        check = numpy.array(list(CHECK_CHARACTERS))[(values * WEIGHTS).sum(axis=1) % 11]
        born = numpy.array([date_of(row) for row in values[:, 6:14].astype("U1")], dtype="datetime64[D]")
        return fits & digits.all(axis=1) & (check == characters[:, 17]) & (born == person("birth_date", period))


class age(Exact):
    value_type = int
    entity = Person
    definition_period = DateUnit.DAY
    label = "Completed years on the assessment date; 29 February is reached on 1 March"

    def formula(person, period):
        year, month, day = calendar(person("birth_date", period))
        today = period.start
        reached = (month < today.month) | ((month == today.month) & (day <= today.day))
        return today.year - year - numpy.where(reached, 0, 1)


class deceased(Variable):
    value_type = bool
    entity = Person
    definition_period = DateUnit.DAY
    label = "Died on or before the assessment date"

    def formula(person, period):
        return person("death_date", period) <= numpy.datetime64(str(period.start))


class excluded(Variable):
    value_type = bool
    entity = Person
    definition_period = DateUnit.DAY
    label = "Lives, but is named as excluded"

    def formula(person, period):
        return ~person("deceased", period) & (person("exclusion", period) > 0)


class postgraduate_child(Variable):
    value_type = bool
    entity = Person
    definition_period = DateUnit.DAY
    label = "An adult child who studies for a master's or doctor's degree"

    def formula(person, period):
        child = word_in(person, person("relation", period), "relation", lambda code: code[0] in "23")
        studies = one_of(person, period, "stage", "stage", "MASTER", "DOCTOR")
        others = person("deceased", period) | person("excluded", period)
        return ~others & (person("age", period) >= 18) & child & studies


class counted(Variable):
    value_type = bool
    entity = Person
    definition_period = DateUnit.DAY
    label = "A member of the household who counts"

    def formula(person, period):
        removed = person("deceased", period) | person("excluded", period) | person("postgraduate_child", period)
        return ~removed


class counted_members(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "Counted members, as bits at their positions"

    def formula(household, period):
        return mask(household, period, household.members("counted", period))


class counted_size(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "How many members count"

    def formula(household, period):
        return total(household, household.members("counted", period))


class gate(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "The first gate that stops the case, or OPEN"

    def formula(household, period):
        invalid = household.any(~household.members("id_number_valid", period))
        unsigned = household.members("counted", period) & ~household.members("authorised", period)
        blocked = household.any(unsigned) & ~household("emergency_only", period)
        return numpy.select(
            [invalid, household("prior_elsewhere", period), blocked], [INVALID_INPUT, MANUAL_REVIEW, BLOCKED], OPEN
        )

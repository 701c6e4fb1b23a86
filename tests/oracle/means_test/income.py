"""Countable income of each member over the twelve months, and support from obligors."""

import numpy
from openfisca_core.periods import DateUnit
from openfisca_core.variables import Variable

from .entities import Household, Person
from .exact import PARTS, Exact, bit_count, has_bit, total, variable
from .membership import one_of
from .packs import figure, listed

#: Whose word counts first when two records tell of one payment. Any other department comes after these,
#: and what the household declares after every department.
AUTHORITIES = ("hrss", "medical_insurance", "education")
DECLARED = "civil_affairs_declared"


def authority(source):
    if source == DECLARED:
        return len(AUTHORITIES) + 1
    return AUTHORITIES.index(source) if source in AUTHORITIES else len(AUTHORITIES)


def slot_rules(tables):
    """For each slot of income and of obligors: what of it counts."""
    for slot in range(tables.slots.get("income", 0)):
        yield variable(f"income_considered_{slot}", Household, considered(slot), bool)
        yield variable(f"income_kept_{slot}", Household, kept(slot), bool)
        yield variable(f"income_countable_{slot}", Household, countable(slot))
    for slot in range(tables.slots.get("obligor", 0)):
        yield variable(f"obligor_excess_{slot}", Household, obligor_excess(slot))
        yield variable(f"support_{slot}", Household, support(slot))


def slots(household, name):
    return range(household.simulation.tax_benefit_system.tables.slots.get(name, 0))


def considered(slot):
    def formula(household, period):
        return has_bit(household("counted_members", period), household(f"income_member_{slot}", period))

    return formula


def same_payment(household, period, one, other):
    """Both records count, belong to one member and carry the same key."""
    key = household(f"income_key_{one}", period)
    both = household(f"income_considered_{one}", period) & household(f"income_considered_{other}", period)
    member = household(f"income_member_{one}", period) == household(f"income_member_{other}", period)
    return both & member & (key >= 0) & (key == household(f"income_key_{other}", period))


def is_kind(household, period, slot, word):
    """The record's kind is the word."""
    return one_of(household, period, f"income_kind_{slot}", "income_kind", word)


def is_category_or_kind(household, period, slot, word):
    """A word that names both a category and a kind: either may carry it."""
    return is_kind(household, period, slot, word) | one_of(
        household, period, f"income_category_{slot}", "income_category", word
    )


def pension(household, period, slot):
    """A resident pension of which a basic part is told."""
    return is_kind(household, period, slot, "PENSION_RESIDENT") & (household(f"income_basic_{slot}", period) >= 0)


def kept(slot):
    def formula(household, period):
        sources = household.simulation.tax_benefit_system.tables.list("source")
        ranks = numpy.array([authority(source) for source in sources])
        own = ranks[household(f"income_source_{slot}", period)]
        keep = household(f"income_considered_{slot}", period)
        for other in slots(household, "income"):
            if other != slot:
                rank = ranks[household(f"income_source_{other}", period)]
                better = (rank < own) | ((rank == own) & (other < slot))
                keep = keep & ~(better & same_payment(household, period, slot, other))
        return keep

    return formula


def countable(slot):
    """Parts of a fen."""

    def formula(household, period, parameters):
        amount = household(f"income_amount_{slot}", period) * PARTS
        basic = numpy.maximum(household(f"income_basic_{slot}", period), 0) * PARTS
        percent = figure(household, period, parameters, "employment_cost_percent")
        basic_exempt = figure(household, period, parameters, "basic_pension_exempt")
        counts = numpy.select(
            [
                exempt(household, period, parameters, slot),
                is_kind(household, period, slot, "PENSION_RESIDENT"),
                is_category_or_kind(household, period, slot, "TRANSFER_OUT"),
                is_category_or_kind(household, period, slot, "WAGE"),
            ],
            [0, amount - numpy.where(basic_exempt, basic, 0), -amount, amount // 100 * (100 - percent)],
            amount,
        )
        return numpy.where(household(f"income_kept_{slot}", period), counts, 0)

    return formula


def exempt(household, period, parameters, slot):
    kinds = household.simulation.tax_benefit_system.tables.list("income_kind")
    return listed(household, period, parameters, "exempt_income_kinds", kinds, household(f"income_kind_{slot}", period))


class own_income(Exact):
    value_type = int
    entity = Person
    definition_period = DateUnit.DAY
    label = "Countable income of the member, parts of a fen; support is the household's"

    def formula(person, period):
        income = numpy.zeros(person.count, dtype=numpy.int64)
        for slot in slots(person, "income"):
            mine = person.household(f"income_member_{slot}", period) == person("position", period)
            income += numpy.where(mine, person.household(f"income_countable_{slot}", period), 0)
        return income


class tekun_test_income(Exact):
    value_type = int
    entity = Person
    definition_period = DateUnit.DAY
    label = "Own income as the test for TEKUN takes it, parts of a fen: more kinds may be left out of it"

    def formula(person, period, parameters):
        place = person.simulation.household
        kinds = place.simulation.tax_benefit_system.tables.list("income_kind")
        always = figure(place, period, parameters, "basic_pension_exempt") == 1
        basic_left_out = (figure(place, period, parameters, "tekun_basic_exempt") == 1) & ~always
        income = numpy.zeros(person.count, dtype=numpy.int64)
        for slot in slots(place, "income"):
            kind = place(f"income_kind_{slot}", period)
            counts = place(f"income_countable_{slot}", period)
            left_out = listed(place, period, parameters, "tekun_exempt_income_kinds", kinds, kind)
            stands = place(f"income_kept_{slot}", period) & ~exempt(place, period, parameters, slot)
            basic = stands & pension(place, period, slot) & basic_left_out
            counts = counts - numpy.where(basic, place(f"income_basic_{slot}", period) * PARTS, 0)
            counts = numpy.where(left_out, 0, counts)
            mine = person.household(f"income_member_{slot}", period) == person("position", period)
            income += numpy.where(mine, place.project(counts), 0)
        return income


def supported(household, period, slot):
    """How many counted persons the obligor supports."""
    return bit_count(household(f"obligor_supports_{slot}", period) & household("counted_members", period))


def obligor_excess(slot):
    """Fen by which the obligor's household exceeds the line of its own size."""

    def formula(household, period, parameters):
        line = figure(household, period, parameters, "standard") * household(f"obligor_size_{slot}", period)
        return numpy.maximum(household(f"obligor_income_{slot}", period) - line, 0)

    return formula


def supports_somebody(household, period, slot):
    """The obligor owes support to a counted person; otherwise it is no matter of this household."""
    return supported(household, period, slot) > 0


def judged(household, period, slot):
    given = household(f"obligor_judgment_{slot}", period) >= 0
    return supports_somebody(household, period, slot) & given


def unable(household, period, slot):
    return one_of(household, period, f"obligor_capability_{slot}", "capability", "UNABLE")


def support(slot):
    """Parts of a fen."""

    def formula(household, period, parameters):
        percent = figure(household, period, parameters, "support_percent")
        share = PARTS // 100 // household(f"obligor_supported_total_{slot}", period)
        by_formula = household(f"obligor_excess_{slot}", period) * percent * share * supported(household, period, slot)
        return numpy.select(
            [judged(household, period, slot), unable(household, period, slot)],
            [household(f"obligor_judgment_{slot}", period) * PARTS, 0],
            by_formula,
        )

    return formula


class support_income(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "Support from all obligors, parts of a fen"

    def formula(household, period):
        return sum(
            (household(f"support_{slot}", period) for slot in slots(household, "obligor")),
            numpy.zeros(household.count, dtype=numpy.int64),
        )


class countable_income(Exact):
    value_type = int
    entity = Household
    definition_period = DateUnit.DAY
    label = "Income of the remaining members with support, parts of a fen"

    def formula(household, period):
        remaining = household.members("remaining", period)
        own = total(household, numpy.where(remaining, household.members("own_income", period), 0))
        return own + household("support_income", period)


def any_slot(household, period, name, holds):
    """Whether `holds(slot)` is true of any slot."""
    return sum((holds(slot) for slot in slots(household, name)), numpy.zeros(household.count, dtype=bool)).astype(bool)


class income_conflict(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "Records of one payment tell different amounts"

    def formula(household, period):
        return any_slot(household, period, "income", lambda slot: differs(household, period, slot))


class income_merged(Variable):
    value_type = bool
    entity = Household
    definition_period = DateUnit.DAY
    label = "Several records of one payment agree"

    def formula(household, period):
        def merged(slot):
            repeated = numpy.zeros(household.count, dtype=bool)
            for other in slots(household, "income"):
                if other != slot:
                    repeated = repeated | same_payment(household, period, slot, other)
            return repeated & ~differs(household, period, slot)

        return any_slot(household, period, "income", merged)


def differs(household, period, slot):
    """Another record of the same payment tells another amount."""
    found = numpy.zeros(household.count, dtype=bool)
    for other in slots(household, "income"):
        if other != slot:
            unequal = household(f"income_amount_{slot}", period) != household(f"income_amount_{other}", period)
            found = found | (unequal & same_payment(household, period, slot, other))
    return found


def flags(household, period, parameters):
    """What the household's income is flagged with: flag → households."""
    tables = household.simulation.tax_benefit_system.tables
    basic_exempt = figure(household, period, parameters, "basic_pension_exempt")

    def counts(slot):
        return household(f"income_kept_{slot}", period) & ~exempt(household, period, parameters, slot)

    def exempted(word):
        def holds(slot):
            kept = household(f"income_kept_{slot}", period) & exempt(household, period, parameters, slot)
            return kept & is_kind(household, period, slot, word)

        return any_slot(household, period, "income", holds)

    def wage(slot):
        other = is_kind(household, period, slot, "PENSION_RESIDENT")
        other |= is_category_or_kind(household, period, slot, "TRANSFER_OUT")
        return counts(slot) & ~other & is_category_or_kind(household, period, slot, "WAGE")

    def after_death(slot):
        removed = (household(f"income_member_{slot}", period) >= 0) & ~household(f"income_considered_{slot}", period)
        return removed & household(f"income_after_death_{slot}", period)

    def by_formula(slot):
        reached = ~judged(household, period, slot) & ~unable(household, period, slot)
        excess = household(f"obligor_excess_{slot}", period) > 0
        return supports_somebody(household, period, slot) & reached & excess

    pensions = any_slot(household, period, "income", lambda slot: counts(slot) & pension(household, period, slot))
    incapable = any_slot(
        household,
        period,
        "obligor",
        lambda slot: (
            supports_somebody(household, period, slot)
            & unable(household, period, slot)
            & ~judged(household, period, slot)
        ),
    )
    return {f"INCOME_EXEMPT_{word}": exempted(word) for word in tables.list("income_kind") if word} | {
        "INCOME_DUPLICATE_MERGED": household("income_merged", period),
        "INCOME_CONFLICT_AUTHORITY_APPLIED": household("income_conflict", period),
        "BASIC_PENSION_PORTION_EXEMPT": pensions & basic_exempt,
        "BASIC_PENSION_EXEMPTION_EXPIRED": pensions & ~basic_exempt,
        "EMPLOYMENT_COST_DEDUCTED": any_slot(household, period, "income", wage),
        "PAYMENT_AFTER_DEATH": any_slot(household, period, "income", after_death),
        "SUPPORT_BY_JUDGMENT": any_slot(household, period, "obligor", lambda slot: judged(household, period, slot)),
        "OBLIGOR_UNABLE": incapable,
        "SUPPORT_IMPUTED_BY_FORMULA": any_slot(household, period, "obligor", by_formula),
    }

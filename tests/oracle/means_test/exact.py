"""Exact numbers in vectors.

OpenFisca keeps `float` variables in float32 and `int` variables in int32, and its sums run through float64.
None of these holds money. Here every number is int64:

* whole amounts are fen;
* amounts that the rules divide (support shared between the persons supported, wages less a percentage) are
  counted in *parts* of a fen. `PARTS` is a multiple of every divisor that can occur, so a division leaves no
  rest and two amounts are equal exactly when their parts are equal.

`facts` refuses amounts so large that a product could leave int64: see `LARGEST_FEN`.
"""

import numpy
from openfisca_core.periods import DateUnit
from openfisca_core.variables import Variable

#: An obligor can support up to this many persons.
MOST_SUPPORTED = 12

#: Parts of a fen: divisible by 100 (percentages), by 1…12 (persons supported, months), hence also by the 7 and
#: the 3 of the expenditure ratios.
PARTS = 100 * 27_720

#: The largest amount (and the largest sum of one household's amounts), fen. The largest product formed is
#: 2 × 20 × PARTS × amount, below 2⁶³.
LARGEST_FEN = 50_000_000_000

#: No household has more members: positions are bits of an int64.
MOST_MEMBERS = 60

assert PARTS % 100 == 0 and all(27_720 % divisor == 0 for divisor in range(1, MOST_SUPPORTED + 1))
assert 2 * 20 * PARTS * LARGEST_FEN < 2**63


class Exact(Variable):
    """An integer variable in int64. Subclasses say `value_type = int` as OpenFisca wants it."""

    def __init__(self, baseline_variable=None):
        super().__init__(baseline_variable)
        if self.value_type is not int:
            raise TypeError(f"{self.name}: an exact variable is an integer")
        self.dtype = numpy.int64


def half_up(numerator, denominator):
    """The nearest whole number of numerator ÷ denominator; a half goes up. Denominators are positive.

    A negative amount is rounded by its size and keeps its sign (GB/T 8170).
    """
    return numpy.sign(numerator) * ((2 * numpy.abs(numerator) + denominator) // (2 * denominator))


def total(household, array):
    """The sum over each household's members in int64 (`household.sum` would use float64)."""
    sums = numpy.zeros(household.count, dtype=numpy.int64)
    numpy.add.at(sums, household.members_entity_id, array)
    return sums


def mask(household, period, array):
    """The members for whom `array` is true, as bits at their positions."""
    return total(household, numpy.where(array, numpy.int64(1) << household.members("position", period), 0))


def has_bit(bits, position):
    """Whether the bit at `position` is set; position -1 is nobody."""
    return (position >= 0) & ((bits >> numpy.maximum(position, 0)) & 1).astype(bool)


def bit_count(bits):
    """How many bits are set."""
    return numpy.bitwise_count(bits).astype(numpy.int64)


def variable(name, entity, formula=None, value_type=int, **attributes):
    """A variable whose name holds a number or a code, made from its formula."""
    base = Exact if value_type is int else Variable
    body = {"value_type": value_type, "entity": entity, "definition_period": DateUnit.DAY, **attributes}
    if formula is not None:
        body["formula"] = formula
    return type(name, (base,), body)

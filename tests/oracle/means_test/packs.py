"""Parameter sets become dated OpenFisca parameters, one node for each set.

Amounts are fen, percentages whole numbers, the multiple is counted in hundredths. A figure that this cannot
hold exactly is refused, and so is a rule of which the text gives no meaning; there is no default.
"""

from datetime import date, timedelta
from decimal import Decimal

import numpy
from openfisca_core.parameters import ParameterNode

from .exact import LARGEST_FEN

CIRCLES = ("DIBAO", "LOW_INCOME", "EXPENDITURE")
EXPENDITURE_RULES = {"SEED_2021": 0, "NATIONAL_2024": 1, "IM_2024": 1}
BENEFIT_MODES = {"DIFFERENCE": 0, "TIERED": 1}
TOPUP_GROUNDS = ("ELDERLY", "MINOR", "SEVERE_ILLNESS", "SEVERE_DISABILITY")

#: What the text fixes; a set that says otherwise asks for a rule that is not written here.
FIXED = {
    "low_income_lower_bound": "GTE",
    "low_income_upper_bound": "LT",
    "income_window_months": 12,
    "window_rule": "FULL_CALENDAR_MONTHS_BEFORE_APPLICATION_MONTH",
    "business_capital_comparison": "LT",
    "benefit_rounding": "HALF_UP_FEN",
    "topup_stacking": "MAX",
    "single_person_benefit": "STANDARD_MINUS_OWN_INCOME",
    "emergency_clock_start": "REPORTED_AT",
}

START = "0001-01-01"


class Unreadable(ValueError):
    """Input that the oracle cannot take; the message says where."""


def fen(text):
    """Yuan with two places, as fen."""
    if not isinstance(text, str):
        raise Unreadable(f"{text!r}: an amount is a decimal string in yuan")
    amount = Decimal(text) * 100
    if amount != int(amount) or abs(amount) > LARGEST_FEN:
        raise Unreadable(f"{text!r}: an amount is whole fen, at most {LARGEST_FEN} of them")
    return int(amount)


def whole(text, factor=1):
    """A number that is whole once multiplied."""
    number = Decimal(str(text)) * factor
    if number != int(number):
        raise Unreadable(f"{text!r} times {factor} is not a whole number")
    return int(number)


def choice(options, value):
    if value not in options:
        raise Unreadable(f"{value!r} is none of {sorted(options)}")
    return options[value]


def no_capacity(grounds):
    """Whether a person without any capacity to work enters dibao alone; the text knows no further ground."""
    if not set(grounds) <= {"NO_CAPACITY"}:
        raise Unreadable(f"single_grounds: {grounds!r}")
    return int("NO_CAPACITY" in grounds)


def switched(pack, key):
    """A rule that a set applies, or leaves by saying false or nothing."""
    value = pack.get(key, False)
    if not isinstance(value, bool):
        raise Unreadable(f"{key}: {value!r} is neither true nor false")
    return int(value)


def figures(pack):
    """The figures of one set that do not change with the date."""
    for key, value in FIXED.items():
        if pack[key] != value:
            raise Unreadable(f"{key}: {pack[key]!r}, but the text of the rules knows only {value!r}")
    if (
        pack["employment_cost"]["mode"] != "PERCENT_OF_WAGE"
        or pack["support_formula"]["mode"] != "EXCESS_OVER_STANDARD"
    ):
        raise Unreadable("employment_cost and support_formula: a mode without a meaning in the text")
    if pack["financial_asset_limit"]["comparison"] != "LTE":
        raise Unreadable("financial_asset_limit: the text says that the limit itself passes")
    standard = pack["dibao_standard"]
    precedence = pack["circle_precedence"]
    if sorted(precedence) != sorted(CIRCLES):
        raise Unreadable(f"circle_precedence: {precedence!r} does not order {CIRCLES}")
    values = {
        "standard": fen(standard["amount"]) * choice({"MONTH": 12, "YEAR": 1}, standard["period"]),
        "low_income_hundredths": whole(pack["low_income_multiple"], 100),
        "employment_cost_percent": whole(pack["employment_cost"]["percent"]),
        "support_percent": whole(pack["support_formula"]["percent"]),
        "financial_months": pack["financial_asset_limit"]["months"],
        "dwelling_max": pack["dwelling_max"],
        "business_capital_limit": fen(pack["business_capital_limit"]),
        "expenditure_rule": choice(EXPENDITURE_RULES, pack["expenditure_rule"]),
        "disposable_income": fen(pack["per_capita_disposable_income_prev_year"]),
        "benefit_mode": choice(BENEFIT_MODES, pack["benefit_mode"]),
        "elderly_age": pack["topup_elderly_age"],
        "graduation_months": pack["graduation_months"],
        "minor_age_limit": pack["tekun"]["minor_age_limit"],
        "first_aid_hours": pack["emergency_first_aid_hours"],
        "exempt_income_kinds": list(pack["exempt_income_kinds"]),
        "vehicle_exempt_kinds": list(pack["vehicle_exempt_kinds"]),
        "continue_stages": list(pack["tekun"]["continue_stages"]),
        "single_no_capacity": no_capacity(pack.get("single_grounds", [])),
        "deducts_illness": switched(pack, "deduct_rigid_in_dibao_test"),
        "tekun_exempt_income_kinds": list(pack["tekun"].get("exempt_income_kinds", [])),
        "tekun_basic_exempt": switched(pack["tekun"], "basic_pension_exempt"),
    }
    for rank, circle in enumerate(precedence):
        values[f"rank_{circle}"] = rank
    for ground in TOPUP_GROUNDS:
        values[f"topup_{ground}"] = whole(pack["topup_percent"][ground])
    return values


def tree(parameter_sets):
    """The parameter tree: `packs.<set>.<figure>`."""
    packs = {}
    for name, pack in parameter_sets.items():
        try:
            node = {key: {"values": {START: {"value": value}}} for key, value in figures(pack).items()}
            expires = date.fromisoformat(pack["basic_pension_exempt_until"]) + timedelta(days=1)
        except (Unreadable, KeyError) as error:
            raise Unreadable(f"parameter set {name}: {error}") from error
        node["basic_pension_exempt"] = {"values": {START: {"value": True}, expires.isoformat(): {"value": False}}}
        packs[name] = node
    return ParameterNode("", data={"packs": packs})


def figure(household, period, parameters, name):
    """One figure for each household: that of its own set on that day."""
    tables = household.simulation.tax_benefit_system.tables
    packs = parameters(period).packs
    values = numpy.array([getattr(packs[pack], name) for pack in tables.packs])
    return values[household("pack", period)]


def listed(household, period, parameters, name, words, code):
    """Whether the word behind `code` (an index into `words`) is in the list `name` of the household's set."""
    packs = parameters(period).packs
    tables = household.simulation.tax_benefit_system.tables
    member = numpy.array([[word in getattr(packs[pack], name) for word in words] for pack in tables.packs])
    return member[household("pack", period), code]

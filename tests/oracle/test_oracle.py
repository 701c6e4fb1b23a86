"""The oracle's own arithmetic and its refusals."""

import json
from copy import deepcopy
from fractions import Fraction
from pathlib import Path

import numpy
import pytest

from generate import Households, case_file
from means_test.exact import LARGEST_FEN, PARTS, half_up
from means_test.packs import Unreadable, fen
from means_test.verdicts import evaluate

LISTED = json.loads((Path(__file__).parents[1] / "cases" / "listed.json").read_text(encoding="utf-8"))


def listed(change):
    file = deepcopy({"parameter_sets": LISTED["parameter_sets"], "cases": LISTED["cases"][:1]})
    change(file)
    return file


def test_parts_hold_every_share_that_the_rules_make():
    amount = 12_345
    for percent in range(1, 101):
        for persons in range(1, 13):
            parts = amount * percent * (PARTS // 100 // persons)
            assert Fraction(parts, PARTS) == Fraction(amount * percent, 100 * persons)


def test_a_half_goes_up_by_size():
    found = half_up(numpy.array([0, 4, 5, 6, 15, -4, -5, -15]), 10)
    assert found.tolist() == [0, 0, 1, 1, 2, 0, -1, -2]


def test_amounts_are_whole_fen_and_never_floats():
    assert fen("1234.56") == 123_456
    for wrong in (1234.56, "0.001", f"{LARGEST_FEN}.00"):
        with pytest.raises(Unreadable):
            fen(wrong)


def test_a_fact_that_nobody_reads_is_refused():
    for change, named in (
        (lambda file: file["cases"][0]["household"].update(colour=1), "colour"),
        (lambda file: file["cases"][0]["household"]["members"][0].update(hat="blue"), "hat"),
        (lambda file: file["cases"][0].update(parameter_set="NOWHERE"), "NOWHERE"),
        (lambda file: file["parameter_sets"]["IM_WLHT_URBAN"].update(topup_stacking="SUM"), "topup_stacking"),
        (lambda file: file["parameter_sets"]["IM_WLHT_URBAN"].update(deduct_rigid_in_dibao_test="on"), "'on'"),
        (lambda file: file["parameter_sets"]["IM_WLHT_URBAN"]["tekun"].update(basic_pension_exempt=1), "basic_pension"),
        (lambda file: file["cases"][0]["household"]["incomes"][0].update(amount_12m=18000.0), "18000.0"),
    ):
        with pytest.raises(Unreadable, match=named):
            evaluate(listed(change))


def test_the_largest_amounts_stay_exact():
    def change(file):
        file["cases"][0]["household"]["incomes"][0]["amount_12m"] = "499000000.01"

    (verdict,) = evaluate(listed(change))
    assert verdict["computed"]["countable_income_12m"] == "499000000.01"
    assert verdict["household_circle"] == "NONE"


def test_a_seed_always_makes_the_same_households():
    assert case_file(50, seed=7) == case_file(50, seed=7)
    assert case_file(50, seed=7) != case_file(50, seed=8)
    sets = LISTED["parameter_sets"]
    assert Households("a", sets).case(1) != Households("b", sets).case(1)

"""The worked cases through the oracle alone: it is right by itself before it judges anybody."""

import json
from pathlib import Path

import pytest

from differential import FIELDS
from means_test.verdicts import evaluate

CASES = Path(__file__).parents[1] / "cases"


def answered(name):
    file = json.loads((CASES / name).read_text(encoding="utf-8"))
    # An adjustment inside the review cycle changes no circle and no amount, and the oracle does not know of it.
    file["cases"] = [case for case in file["cases"] if "adjustment" not in case["expected"]]
    return [
        pytest.param(case, verdict, id=case["id"]) for case, verdict in zip(file["cases"], evaluate(file), strict=True)
    ]


@pytest.mark.parametrize(
    ("case", "verdict"), answered("listed.json") + answered("found.json") + answered("open_rules.json")
)
def test_the_oracle_gives_what_the_case_expects(case, verdict):
    expected = case["expected"]
    compared = [field for field in FIELDS if field in expected]
    assert {"status", "flags"} <= set(compared)
    assert {field: verdict.get(field) for field in compared} == {field: expected[field] for field in compared}


def test_all_listed_cases_are_here():
    assert len(answered("listed.json")) == 47

"""The engine against the oracle, over random households. HEDUI names the program."""

import json
import os
from pathlib import Path

import pytest

from differential import Run, told_shortly
from generate import DEPARTMENTS, EXCLUSIONS, EXEMPT_KINDS

HOUSEHOLDS = 20_000
SEED = 1

#: What must have come up, each at least this often, for the run to mean anything.
OFTEN = 20
MUST_COME_UP = {
    "status": ("DETERMINED", "PENDING_DATA", "BLOCKED", "MANUAL_REVIEW", "INVALID_INPUT"),
    "household_circle": ("TEKUN", "DIBAO", "LOW_INCOME", "EXPENDITURE", "NONE"),
    "also_meets": ("LOW_INCOME", "EXPENDITURE"),
    "possible_circles": ("DIBAO", "LOW_INCOME", "EXPENDITURE", "NONE"),
    "blocking_departments": ("education", "hrss", "housing", "emergency", "medical_insurance"),
    "outcome": (
        *("TEKUN", "SELF_CARE", "PARTIAL_CARE", "FULL_CARE"),
        *("DIBAO_SINGLE", "SEVERE_DISABILITY", "SEVERE_ILLNESS", "NO_CAPACITY"),
    ),
    "benefit": ("DIFFERENCE", "TIERED", "KEEP_PRIOR"),
    "topup": ("ELDERLY", "MINOR", "SEVERE_ILLNESS", "SEVERE_DISABILITY"),
    "above_the_line": ("DIBAO", "DIBAO possible"),
    "review_cycle_months": (6, 12),
    "flags": (
        *"ID_NUMBER_INVALID MEMBER_IN_TWO_HOUSEHOLDS AUTHORISATION_MISSING".split(),
        *"DECEASED_MEMBER_REMOVED ADULT_CHILD_POSTGRADUATE_NOT_COUNTED PAYMENT_AFTER_DEATH".split(),
        *(f"MEMBER_EXCLUDED_{ground}" for ground in EXCLUSIONS),
        *(f"INCOME_EXEMPT_{kind}" for kind in EXEMPT_KINDS),
        *(f"MISSING_NOT_DECISIVE_{department}" for department in DEPARTMENTS),
        *"INCOME_DUPLICATE_MERGED INCOME_CONFLICT_AUTHORITY_APPLIED EMPLOYMENT_COST_DEDUCTED".split(),
        *"BASIC_PENSION_PORTION_EXEMPT BASIC_PENSION_EXEMPTION_EXPIRED".split(),
        *"SUPPORT_BY_JUDGMENT OBLIGOR_UNABLE SUPPORT_IMPUTED_BY_FORMULA ORPHAN_BENEFIT_CHOSEN".split(),
        *"PROPERTY_FINANCIAL_OVER_LIMIT PROPERTY_DWELLINGS_OVER_LIMIT PROPERTY_NON_RESIDENTIAL".split(),
        *"PROPERTY_VEHICLE PROPERTY_BUSINESS_CAPITAL".split(),
        *"EXPENDITURE_OUTSIDE_WINDOW EDUCATION_CAPPED_AT_PUBLIC_BENCHMARK".split(),
        *"MEMBER_SINGLE_ILLNESS_UNKNOWN GRADUATION_PERIOD EMPLOYMENT_REFERRAL".split(),
        *"BENEFIT_STOPPED_JOB_REFUSALS BENEFIT_ROUNDS_TO_ZERO".split(),
        *"EMERGENCY_SLA_MET EMERGENCY_SLA_BREACHED HANDLED_AT_PLACE_OF_EVENT".split(),
        "TEMPORARY_RELIEF_NORMAL_PROCEDURE",
    ),
}


@pytest.fixture(scope="module")
def run():
    return Run(os.environ["HEDUI"], HOUSEHOLDS, SEED)


def test_the_engine_and_the_oracle_agree_about_every_household(run):
    differences = run.differences()
    if differences and (folder := os.environ.get("ORACLE_OUT")):
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, "differences.json").write_text(json.dumps(run.as_cases(differences), ensure_ascii=False, indent=1))
    told = "\n".join(told_shortly(case, fields) for case, _ours, fields in differences[:20])
    assert not differences, f"{len(differences)} of {HOUSEHOLDS} households differ:\n{told}"


def test_the_households_reach_every_corner_of_the_rules(run):
    counts = run.coverage()
    rare = {
        f"{field} {value}": counts[(field, value)]
        for field, values in MUST_COME_UP.items()
        for value in values
        if counts[(field, value)] < OFTEN
    }
    assert not rare, f"the generator must make these more often than {OFTEN} times: {rare}"

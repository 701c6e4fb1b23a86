"""Random households through the engine and through the oracle; every field of every verdict compared.

`python differential.py HEDUI [--households N] [--seed S] [--out FILE]` prints the differences. With --out
they are written as cases that expect what the oracle says: once the text of the rules has settled who is
wrong, such a case belongs into `tests/cases/found.json`.
"""

import argparse
import json
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from generate import case_file, write
from means_test.packs import fen
from means_test.verdicts import evaluate

FIELDS = (
    "status",
    "household_circle",
    "also_meets",
    "member_outcomes",
    "emergency_overlay",
    "possible_circles",
    "blocking_departments",
    "computed",
    "benefit_hint",
    "review_cycle_months",
    "flags",
)


def told(verdict, field):
    """A field of a verdict. Absent, null, false and an empty list all say "nothing of that kind"."""
    value = verdict.get(field)
    if field == "flags":
        value = sorted(value or [])
    return value or None


def differing(ours, theirs):
    """The fields in which two verdicts differ: field → (oracle, engine)."""
    pairs = {field: (told(ours, field), told(theirs, field)) for field in FIELDS}
    return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}


class Run:
    """One run over many households."""

    def __init__(self, hedui, households, seed):
        self.file = case_file(households, seed)
        with tempfile.TemporaryDirectory() as folder:
            cases, answers = Path(folder, "cases.json"), Path(folder, "verdicts.jsonl")
            write(self.file, cases)
            command = [hedui, "verdict", "evaluate", "--stream", str(cases)]
            with answers.open("wb") as out, subprocess.Popen(command, stdout=out) as engine:
                # The oracle computes while the engine does.
                self.oracle = evaluate(self.file)
            if engine.returncode != 0:
                raise RuntimeError(f"{' '.join(command)} ended with {engine.returncode}")
            with answers.open(encoding="utf-8") as lines:
                self.engine = [self.verdict(case, line) for case, line in zip(self.file["cases"], lines, strict=True)]

    @staticmethod
    def verdict(case, line):
        answer = json.loads(line)
        if answer["id"] != case["id"]:
            raise RuntimeError(f"the engine answered {answer['id']} where {case['id']} was asked")
        return answer["verdict"]

    def differences(self):
        """The cases that differ, each with its differing fields."""
        found = []
        for case, ours, theirs in zip(self.file["cases"], self.oracle, self.engine, strict=True):
            if fields := differing(ours, theirs):
                found.append((case, ours, fields))
        return found

    def as_cases(self, differences):
        """Differences as a case file, expecting what the oracle says."""
        names = {case["parameter_set"] for case, _ours, _fields in differences}
        sets = {name: values for name, values in self.file["parameter_sets"].items() if name in names}
        cases = [case | {"expected": ours} for case, ours, _fields in differences]
        return {"parameter_sets": sets, "cases": cases}

    def coverage(self):
        """How often the oracle says what: (field, value) → count."""
        counts = Counter()
        for verdict in self.oracle:
            counts[("status", verdict["status"])] += 1
            for field in ("household_circle", "review_cycle_months"):
                counts[(field, verdict.get(field))] += 1
            for field in ("flags", "also_meets", "possible_circles", "blocking_departments"):
                counts.update((field, value) for value in verdict.get(field, []))
            for outcome in verdict.get("member_outcomes", []):
                counts[("outcome", outcome["circle"])] += 1
                counts[("outcome", outcome.get("ground") or outcome.get("care_level"))] += 1
            hint = verdict.get("benefit_hint", {})
            counts[("benefit", hint.get("mode"))] += 1
            counts.update(("topup", topup["ground"]) for topup in hint.get("topups", []))
            counts[("above_the_line", above_the_line(verdict))] += 1
        return counts


def above_the_line(verdict):
    """What becomes of dibao for a household whose income alone is too much for it."""
    sums = verdict.get("computed", {})
    if "dibao_line_12m" not in sums or fen(sums["countable_income_12m"]) < fen(sums["dibao_line_12m"]):
        return None
    if "GRADUATION_PERIOD" in verdict["flags"]:
        return None
    if verdict.get("household_circle") == "DIBAO":
        return "DIBAO"
    return "DIBAO possible" if "DIBAO" in verdict.get("possible_circles", []) else None


def told_shortly(case, fields):
    """One line a differing field."""
    lines = [f"{case['id']} {field}: oracle {ours!r}, engine {theirs!r}" for field, (ours, theirs) in fields.items()]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hedui", help="the program to compare with")
    parser.add_argument("--households", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", help="write the differing cases here")
    arguments = parser.parse_args()
    run = Run(arguments.hedui, arguments.households, arguments.seed)
    differences = run.differences()
    for case, _ours, fields in differences:
        print(told_shortly(case, fields))
    if arguments.out and differences:
        write(run.as_cases(differences), arguments.out)
    print(f"{len(run.oracle)} households, {len(differences)} differ")
    return 1 if differences else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Decides all households of a file again and again: a contender of `benches/peers`.

Reads commands from its input, one a line, and answers with CPU seconds: `vectors` computes every variable that a
verdict is read from, `answers` makes the verdicts of them too. Reading the file into columns is not measured.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "oracle"))

from means_test.facts import read  # noqa: E402
from means_test.system import MeansTest, simulate  # noqa: E402
from means_test.verdicts import Answers  # noqa: E402


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    batches, tables = read(cases)
    system = MeansTest(cases["parameter_sets"], tables)
    print("ready", flush=True)
    for command in sys.stdin:
        before = time.process_time()
        for batch in batches:
            answers = Answers(system, simulate(system, batch), batch)
            if command.strip() == "answers":
                answers.all()
        print(time.process_time() - before, flush=True)


if __name__ == "__main__":
    main()

"""
Change the hook's code in one place at a time and report the changes that no test in tests/core notices.

build/mutation/results.jsonl keeps the results. Another run goes on where the last one ended, and runs the mutants of
functions that have changed since.
"""

import argparse
import hashlib
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from mutation import tree
from mutation.costs import Costs, Measurement
from mutation.mutants import Mutant
from mutation.report import Explanation, table, unexplained
from mutation.running import Outcome, Runner, Task, fork, run, run_from_import
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "mutation"
TREE, RESULTS, COSTS = WORK / "tree", WORK / "results.jsonl", WORK / "costs.json"
PYTEST = [
    *("-x", "-q", "-s", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not process"),
    *("--hypothesis-profile=quick", "--mutations=250", "--bodies=100", "--share=16"),
    # These count imports and instructions, of which mutmut adds some.
    *("--ignore=tests/core/test_architecture.py", "--ignore=tests/core/test_cost.py", "tests/core"),
]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    parser.add_argument("names", nargs="*", default=["hooks"], help="such as hooks.rules or hooks.sync.sync")
    parser.add_argument("--again", action="store_true", help="run survivors again, after a change of tests")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="run one in N, chosen by their names")
    parser.add_argument("--report", action="store_true", help="run nothing")
    return parser.parse_args()


def results(mutants: Sequence[Mutant]) -> dict[str, str]:
    """Return the killers of those mutants whose function has not changed since they were run."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    found = {(row["mutant"], row["source"]): row["killer"] for row in map(json.loads, lines)}
    return {mutant.name: found[key] for mutant in mutants if (key := (mutant.name, mutant.source)) in found}


def tasks(mutants: Sequence[Mutant], chosen: argparse.Namespace) -> list[Task]:
    """Return the mutants to run."""
    done = {name for name, killer in results(mutants).items() if killer or not chosen.again}
    return [
        Task(mutant.name, mutant.function)
        for mutant in mutants
        if mutant.name not in done
        and any(f"{mutant.path}.".startswith(f"{name}.") for name in chosen.names)
        and int(hashlib.sha256(mutant.name.encode()).hexdigest(), 16) % chosen.sample == 0
    ]


def measured(version: str, mutants: Sequence[Mutant]) -> Costs:
    """Return the costs of the tests; runs them without a mutant, unless code and tests are those of the last time."""
    if Costs.read(COSTS).version != version and (code := fork(lambda: measure(version, mutants))):
        sys.exit(f"The tests fail without a mutant: exit code {code}")
    return Costs.read(COSTS)


def measure(version: str, mutants: Sequence[Mutant]) -> int:
    set_mutant_under_test("stats")
    for module in {mutant.module for mutant in mutants}:
        importlib.import_module(module)
    measurement = Measurement(COSTS, version, state()._stats)  # noqa: SLF001 - has no public name
    return pytest.main(PYTEST, plugins=[measurement])


def run_all(costs: Costs, mutants: Sequence[Mutant], chosen: argparse.Namespace) -> None:
    """Run the chosen mutants, then those again that survived and may have changed what importing the hook does."""
    sources, due = {mutant.name: mutant.source for mutant in mutants}, tasks(mutants, chosen)

    def report(outcome: Outcome) -> None:
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"source": sources[outcome.mutant], **outcome._asdict()}) + "\n")

    runner = Runner(costs, WORK, set_mutant_under_test, report)
    run(PYTEST, due, runner)
    killers = results(mutants)
    again = [task for task in due if task.function in costs.at_import and not killers.get(task.mutant)]
    run_from_import(PYTEST, again, runner)


def main() -> None:
    chosen = options()
    version, mutants = tree.prepare(ROOT, TREE)
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(WORK)
    os.chdir(TREE)
    sys.path.insert(0, str(TREE))
    if not chosen.report:
        run_all(measured(version, mutants), mutants, chosen)
    rows, killers = Explanation.read(Path(__file__).with_name("survivors.yaml")), results(mutants)
    print(*table(mutants, killers, rows), *unexplained(mutants, killers, rows), sep="\n")


if __name__ == "__main__":
    main()

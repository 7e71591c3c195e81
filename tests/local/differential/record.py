"""
Records what Kyma's servers answer (--kyma CHECKOUT), and what ours does (--ours), in table.yaml; --check only compares.

From the top of the repository: PYTHONPATH=tests .venv/bin/python tests/local/differential/record.py --ours
`verdict` becomes "equal" where both agree, and "?" where a difference is new: a person names its reason.
"""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.differential import servers, table
from local.differential.backend import running


def answers(start: servers.Start, family: str, rows: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the answer of every row."""
    with running() as backend, contextlib.ExitStack() as stack:
        kept = servers.Running(start, backend, stack)
        for name, row in rows.items():
            yield name, kept.ask(family, row)


def judge(row: dict[str, Any], answer: dict[str, Any]) -> None:
    """Set `ours` and `verdict` of a row whose `kyma` is known."""
    if answer == row.get("kyma"):
        row.pop("ours", None)
        row["verdict"] = table.EQUAL
        return
    row["ours"] = answer
    if row.get("verdict", table.EQUAL) == table.EQUAL:
        row["verdict"] = table.UNJUDGED


def main() -> int:
    given = _arguments()
    known = table.read()
    kyma = servers.Kyma(given.kyma).started if given.kyma else None
    changed = 0
    for family in given.family or table.FAMILIES:
        rows = {name: row for name, row in known[family].items() if given.only in name}
        for part, start in (("kyma", kyma), ("ours", servers.ours if given.ours else None)):
            for name, answer in answers(start, family, rows) if start else ():
                row = rows[name]
                expected = row.get("ours", row.get("kyma")) if part == "ours" else row.get("kyma")
                if answer != expected:
                    changed += 1
                    print(f"{family} {name}: {part}\n  recorded {expected}\n  answered {answer}")
                if part == "ours":
                    judge(row, answer)
                else:
                    row["kyma"] = answer
    if not given.check:
        table.write(known)
    print(f"{changed} answers differ from the table")
    return 1 if changed and given.check else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kyma", type=Path, metavar="CHECKOUT", help="a checkout of kyma-project/serverless")
    parser.add_argument("--ours", action="store_true", help="ask the servers of runtimes/")
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 where an answer differs")
    parser.add_argument("--family", action="append", choices=table.FAMILIES)
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name holds it")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

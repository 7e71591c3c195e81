"""
Whether two revisions answer alike: `python bench/answers.py --against REVISION [--functions 2000]`.

Every golden case and generated Functions, sound, odd and broken, go over HTTP routes to the hook of this tree and to
that of another revision, in a process each and at the same time of day. Differences are listed by path, with one
example each, and counted; the exit code is 1 if any is not in a text for people.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from deepdiff import DeepDiff
from support import random_functions
from support.cases import NOW, all_cases, complete, settle
from support.offline_metacontroller import World

from hooks.config import Config

WORKER = """
import json, logging, os, sys, tempfile
from datetime import datetime, timezone
import hooks.app

class FixedTime(datetime):
    @classmethod
    def now(cls, tz=None):
        return at

logging.disable()
hooks.app.datetime = FixedTime
apps = {}
for line in sys.stdin:
    request = json.loads(line)
    if request["config"] not in apps:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(request["config"])
            file.flush()
            os.environ["BUILDLESS_CONFIG"] = file.name
            apps[request["config"]] = hooks.app.create_app().test_client()
    at = datetime.fromisoformat(request["now"])
    answer = apps[request["config"]].post("/v1/" + request["hook"], json=request["body"])
    print(json.dumps([answer.status_code, answer.get_json()]), flush=True)
"""
TEXTS = r"\['message'\]$"
"""Paths of texts for people: they may be worded anew."""

Request = tuple[str, dict[str, Any]]
"""A name for people, and what a worker reads."""


def main() -> int:
    """Print what differs and return 1 if anything but a text does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", required=True, help="the revision to compare with")
    parser.add_argument("--functions", type=int, default=2000, help="how many are generated (default: %(default)s)")
    args = parser.parse_args()
    places: Counter[str] = Counter()
    examples: dict[str, str] = {}
    codes: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as directory:
        other = Path(directory) / "other"
        other.mkdir()
        archive = subprocess.run(["git", "archive", args.against, "hooks"], cwd=ROOT, capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", str(other)], input=archive.stdout, check=True)
        workers = [started(tree) for tree in (other, ROOT)]
        for name, request in requests(args.functions):
            before, after = (answer(worker, request) for worker in workers)
            codes[after[0]] += 1
            for place, one, two in differences(before, after):
                places[place] += 1
                examples.setdefault(place, f"{name}\n    - {one}\n    + {two}")
        for worker in workers:
            worker.communicate()
    for place, number in places.most_common():
        print(f"{number} x {place}, for example {examples[place]}")
    grave = [place for place in places if not re.search(TEXTS, place)]
    print(f"{codes.total()} requests ({dict(codes)}), {places.total()} differences")
    return 1 if grave else 0


def requests(functions: int) -> Iterator[Request]:
    """Yield every case, and each generated Function as it is first seen and once it has settled."""
    for case in all_cases():
        config = case.config.model_dump(mode="json", by_alias=True)
        for hook in ("finalize" if case.request["finalizing"] else "sync", "customize"):
            yield f"{hook} of {case.name}", wire(hook, case.request, config, case.now)
    for number in range(functions):
        world = World(complete(random_functions.odd(Random(number))[1]))
        yield from of_world(f"odd {number}, new", world)
        settle(world, Config(), NOW)
        yield from of_world(f"odd {number}, settled", world)
        world.edit(complete(random_functions.function(Random(number))[1])["spec"])
        yield from of_world(f"odd {number}, then edited", world)


def of_world(name: str, world: World) -> Iterator[Request]:
    for hook in ("sync", "finalize", "customize"):
        yield f"{hook} of {name}", wire(hook, world.request(finalizing=hook == "finalize"), {}, NOW)


def wire(hook: str, body: dict[str, Any], config: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return what a worker reads: the route, the body, the config file and the time."""
    return {"hook": hook, "body": body, "config": json.dumps(config), "now": now.isoformat()}


def started(tree: Path) -> "subprocess.Popen[str]":
    """Start the hook of a tree: requests come in, and answers go out, a line each."""
    command = [sys.executable, "-c", WORKER]
    return subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(tree)},
        cwd=tree,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def answer(worker: "subprocess.Popen[str]", request: dict[str, Any]) -> Any:
    assert worker.stdin
    assert worker.stdout
    print(json.dumps(request), file=worker.stdin, flush=True)
    return json.loads(worker.stdout.readline())


def differences(before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the path, without list indexes, and both values wherever two answers differ."""
    found = DeepDiff(before, after, view="tree", verbose_level=2)
    for each in (each for kind in found.values() for each in kind):
        yield re.sub(r"\[\d+\]", "[]", each.path()), each.t1, each.t2


if __name__ == "__main__":
    sys.exit(main())

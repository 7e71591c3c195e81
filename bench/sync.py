"""
CPU time of one settled sync in two revisions: `python bench/sync.py --against REVISION [--rounds 20]`.

The core of this tree and that of another revision handle the request of a settled Function in turn, JSON to JSON, each
in its own process on the same core. Only the ratio holds on other machines.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench.bodies import bodies

WORKER = """
import gc, sys, time
from datetime import UTC, datetime
import orjson
from hooks.config import Config
from hooks import protocol
from hooks.sync import sync

HookRequest = getattr(protocol, "HookRequest", None) or protocol.SyncRequest  # its name in older revisions
body, config, now = open(sys.argv[1], "rb").read(), Config(), datetime(2026, 1, 1, tzinfo=UTC)

def answer():
    return orjson.dumps(sync(HookRequest.parse(orjson.loads(body)), config, now=now).to_json())

for _ in range(300):
    answer()
gc.collect()
gc.freeze()
for line in sys.stdin:
    begin = time.process_time()
    for _ in range(int(line)):
        answer()
    print((time.process_time() - begin) / int(line) * 1e6, flush=True)
"""


def main() -> None:
    """Measure both trees in turn and print microseconds of CPU for each, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", required=True, help="the revision to compare with")
    parser.add_argument("--rounds", type=int, default=20, help="number of rounds for each tree (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=2000, help="syncs in a round (default: %(default)s)")
    args = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as directory:
        archive = subprocess.run(["git", "archive", args.against, "hooks"], cwd=ROOT, capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", directory], input=archive.stdout, check=True)
        trees = {args.against: directory, "this tree": str(ROOT)}
        body = Path(directory) / "body.json"
        body.write_bytes(bodies()["steady"][0])
        workers = {name: start(tree, body) for name, tree in trees.items()}
        rounds: dict[str, list[float]] = {name: [] for name in workers}
        for _ in range(args.rounds):
            for name, worker in workers.items():
                rounds[name].append(microseconds(worker, args.calls))
        for worker in workers.values():
            worker.communicate()
    before, after = (statistics.median(found) for found in rounds.values())
    for name, found in rounds.items():
        print(f"{name}: {statistics.median(found):.1f} us (lowest {min(found):.1f})")
    print(f"ratio of medians: {after / before:.3f}")


def start(tree: str, body: Path) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": tree}
    command = [sys.executable, "-c", WORKER, str(body)]
    return subprocess.Popen(
        command, env=environment, cwd=tree, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def microseconds(worker: "subprocess.Popen[str]", calls: int) -> float:
    """Return the CPU time of one sync in microseconds."""
    assert worker.stdin
    assert worker.stdout
    print(calls, file=worker.stdin, flush=True)
    return float(worker.stdout.readline())


if __name__ == "__main__":
    main()

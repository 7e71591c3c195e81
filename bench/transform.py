"""CPU time of one answer without HTTP, JSON to JSON: the hook, the Go handler, and JSON alone, in turn on one core."""

import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROUND_SECONDS = 0.1
WORKER = """
import gc, sys, time
from datetime import UTC, datetime
import orjson
from hooks.config import Config
from hooks.protocol import HookRequest
from hooks.sync import sync

body, config, now = open(sys.argv[1], "rb").read(), Config(), datetime(2026, 1, 1, tzinfo=UTC)

def transform():
    return orjson.dumps(sync(HookRequest.parse(orjson.loads(body)), config, now=now).to_json())

answer = orjson.loads(transform())

def json_only():
    orjson.loads(body)
    return orjson.dumps(answer)

call = {"transform": transform, "json": json_only}[sys.argv[2]]
gc.collect()
gc.freeze()
for line in sys.stdin:
    begin = time.process_time()
    for _ in range(int(line)):
        call()
    print((time.process_time() - begin) / int(line) * 1e6, flush=True)
"""

Worker = subprocess.Popen[str]


def transform_times(found: dict[str, list[bytes]], directory: Path, rounds: int) -> None:
    """Print a table with a line for each kind of body; the peer is the program `directory`/peer."""
    print("| body | bytes | hook us | Go us | JSON us | hook to Go | hook to JSON |\n| --- |" + " ---: |" * 6)
    for name, kind in found.items():
        times = _measured(max(kind, key=len), directory, 4 * rounds)
        hook, peer, json = (statistics.median(each) for each in times)
        to_peer, to_json = (_median_ratio(times[0], other) for other in times[1:])
        cells = (f"{hook:.0f}", f"{peer:.0f}", f"{json:.0f}", f"{to_peer:.2f}", f"{to_json:.2f}")
        print(f"| {name} | {max(map(len, kind)):,} | {' | '.join(cells)} |", flush=True)
    print()


def _measured(body: bytes, directory: Path, rounds: int) -> list[list[float]]:
    """Return the microseconds of each round: the hook's, the peer's, those of JSON alone."""
    (directory / "body.json").write_bytes(body)
    file = str(directory / "body.json")
    python = [sys.executable, "-c", WORKER, file]
    peer = [str(directory / "peer"), str(directory / "settings.json"), "transform", file]
    workers = [_start(command) for command in ([*python, "transform"], peer, [*python, "json"])]
    calls = [max(1, int(ROUND_SECONDS * 1e6 / _microseconds(worker, 20))) for worker in workers]
    times: list[list[float]] = [[] for _ in workers]
    for _ in range(rounds):
        for worker, number, taken in zip(workers, calls, times, strict=True):
            taken.append(_microseconds(worker, number))
    for worker in workers:
        worker.communicate()
    return times


def _start(command: list[str]) -> Worker:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GOMAXPROCS": "1"}
    core = str(min(os.sched_getaffinity(0)))
    pipe = subprocess.PIPE
    return subprocess.Popen(
        ["taskset", "-c", core, *command], cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True
    )


def _microseconds(worker: Worker, calls: int) -> float:
    assert worker.stdin
    assert worker.stdout
    print(calls, file=worker.stdin, flush=True)
    return float(worker.stdout.readline())


def _median_ratio(ones: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))

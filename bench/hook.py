"""
The hook beside other servers on one core: `make bench` or `python bench/hook.py [--seconds 4] [--rounds 5]`.

The hook under gunicorn, Flask and bare WSGI "hello" under the same gunicorn, and a Go handler that does the same work
(bench/peer/, built with `go`) run on the first core with one worker each. wrk (https://github.com/wg/wrk) calls them in
turn from the last core. Prints tables in Markdown, with medians of the rounds. Only ratios within one run hold
elsewhere. Every answer of the Go handler is compared with the hook's before anything is measured.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import truediv
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import go_peer
from bench.bodies import DISTINCT, bodies
from bench.hook_servers import CORES, Server, commands, post, running
from bench.transform import transform_times

CONNECTIONS = (5, 50)
FIRST_REQUESTS = 1_000
"""After this many requests memory is measured for the first time."""
WRK = ("taskset", "-c", str(CORES[-1]), "wrk", "-t1", "--timeout=30s", "-s", "script.lua")
SCRIPT = """
local bodies, at = {}, 0
for line in io.lines("bodies") do bodies[#bodies + 1] = line end
local headers = { ["Content-Type"] = "application/json" }
function request()
  at = at % #bodies + 1
  return wrk.format("POST", "/v1/sync", headers, bodies[at])
end
function done(summary, latency)
  local failed = summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT [%d, %f, %f, %f, %d]\\n", summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99), failed))
end
"""


@dataclass
class Measured:
    """What was measured of one server for one body and number of connections: one value for each round."""

    rates: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=4, help="duration of a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds for each server (default: %(default)s)")
    parser.add_argument("--starts", type=int, default=10, help="starts of each server (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=200_000, help="of the memory test (default: %(default)s)")
    parser.add_argument("--only", nargs="*", default=[], help="parts: transform, serve, memory, start (default: all)")
    args = parser.parse_args()
    parts = args.only or ["transform", "serve", "memory", "start"]
    with tempfile.TemporaryDirectory() as name:
        directory, found = Path(name), bodies()
        started = commands(directory)
        print(f"Python {platform.python_version()}, {len(CORES)} cores, {os.uname().machine}\n")
        if "transform" in parts:
            transform_times(found, directory, args.rounds)
        if "start" in parts:
            report_starts(started, directory, args.starts)
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(running(*each, directory))[0] for each in started.items()]
            compare_answers(servers, found)
            if "serve" in parts:
                report_serving(servers, found, directory, args)
            if "memory" in parts:
                report_memory(servers, found, directory, args.requests)


def compare_answers(servers: list[Server], found: dict[str, list[bytes]]) -> None:
    """Exit if the Go handler answers one of the bodies differently from the hook."""
    hook, peer = (next(each for each in servers if each.name == name) for name in ("hook", "Go, typed"))
    for name, kind in found.items():
        for body in kind:
            one, other = (go_peer.comparable(post(server.port, body)) for server in (hook, peer))
            if one != other:
                sys.exit(f"{name}: the Go handler answers differently:\n{one}\n{other}")


def report_serving(
    servers: list[Server], found: dict[str, list[bytes]], directory: Path, args: argparse.Namespace
) -> None:
    """Print a table for each kind of body and number of connections."""
    for connections in CONNECTIONS:
        for kind, requests in found.items():
            measured: dict[str, Measured] = defaultdict(Measured)
            for _ in range(args.rounds):
                for server in servers:
                    load(server, requests, connections, args.seconds, directory, measured[server.name])
            print(f"{kind}, {connections} connections\n")
            table(
                ["server", "requests/s", "to Go", "p50 ms", "p99 ms", "CPU us", "to Go"],
                (serving_row(name, each, measured["Go, typed"]) for name, each in measured.items()),
            )


def serving_row(name: str, measured: Measured, peer: Measured) -> list[str]:
    """Return a line; "to Go" are medians of the ratios of each round, that of CPU time inverted."""
    rate = statistics.median(map(truediv, measured.rates, peer.rates))
    cpu = statistics.median(map(truediv, peer.cpu_us, measured.cpu_us))
    times = (statistics.median(each) for each in (measured.p50_ms, measured.p99_ms))
    cells = [f"{statistics.median(measured.rates):,.0f}", f"{rate:.2f}", *(f"{each:.2f}" for each in times)]
    return [name, *cells, f"{statistics.median(measured.cpu_us):.0f}", f"{cpu:.2f}"]


def load(server: Server, kind: list[bytes], connections: int, seconds: int, directory: Path, into: Measured) -> None:
    """Call a server for some seconds."""
    (directory / "bodies").write_bytes(b"\n".join(kind))
    (directory / "script.lua").write_text(SCRIPT)
    before = server.cpu_seconds()
    output = subprocess.run(
        [*WRK, f"-c{connections}", f"-d{seconds}s", f"http://127.0.0.1:{server.port}"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    requests, duration, p50, p99, failed = json.loads(output.partition("RESULT ")[2])
    assert not failed, f"{server.name}: {failed} requests failed"
    into.rates.append(requests / duration * 1e6)
    into.p50_ms.append(p50 / 1000)
    into.p99_ms.append(p99 / 1000)
    into.cpu_us.append((server.cpu_seconds() - before) / requests * 1e6)


def report_memory(servers: list[Server], found: dict[str, list[bytes]], directory: Path, requests: int) -> None:
    """Print the memory of each server after some requests, and after many."""
    rows, kind = [], found[f"{DISTINCT} distinct"]
    for server in servers:
        sizes = []
        for number in (FIRST_REQUESTS, requests - FIRST_REQUESTS):
            until(number, lambda server=server: load_once(server, kind, directory))  # type: ignore[misc]
            sizes.append(server.pss_mib())
        rows.append([server.name, *(f"{size:.1f}" for size in sizes), f"{sizes[1] - sizes[0]:+.1f}"])
    table(["server", f"MiB after {FIRST_REQUESTS:,}", f"after {requests:,}", "difference"], rows)


def load_once(server: Server, kind: list[bytes], directory: Path) -> int:
    """Call a server for five seconds; return the number of requests."""
    measured, seconds = Measured(), 5
    load(server, kind, CONNECTIONS[0], seconds, directory, measured)
    return round(measured.rates[0] * seconds)


def until(number: int, call: Callable[[], int]) -> None:
    while number > 0:
        number -= call()


def report_starts(started: dict[str, tuple[str, ...]], directory: Path, starts: int) -> None:
    """Print the seconds until the first 200 of each server."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(starts):
        for each in started.items():
            with running(*each, directory) as (server, taken):
                seconds[server.name].append(taken)
    table(["server", "start s"], ([name, f"{statistics.median(taken):.3f}"] for name, taken in seconds.items()))


def table(head: list[str], rows: Iterable[list[str]]) -> None:
    print(f"| {' | '.join(head)} |\n| --- |{' ---: |' * (len(head) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(flush=True)


if __name__ == "__main__":
    main()

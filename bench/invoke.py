"""
What a call of a Function costs: `python bench/invoke.py [--kyma CHECKOUT] [--seconds 3] [--rounds 3] [--starts 10]`.

The servers of runtimes/, functions-framework, bare servers and, with --kyma, those of a checkout of
kyma-project/serverless run on one core, and wrk calls them in turn (https://github.com/wg/wrk) from another. Printed
are medians of requests per second, of the p99 in milliseconds, of the CPU seconds until the first answer, and of the
resident MiB after it, each with all processes of a server. Only ratios within one run hold elsewhere.
"""

import argparse
import contextlib
import http.client
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.ports import free_port

from bench.invoke_servers import CALLS, Candidate, candidates
from bench.processes import cpu_seconds, resident_mib, tree

CORES = sorted(os.sched_getaffinity(0))


@dataclass
class Measured:
    """What was measured of one server: a list with one value for each start or round."""

    start_seconds: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)
    rates: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    delays_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def main() -> None:
    """Start every server some times, then call all of them in turn, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kyma", type=Path, help="checkout of kyma-project/serverless")
    parser.add_argument("--seconds", type=int, default=3, help="duration of a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each server (default: %(default)s)")
    parser.add_argument("--starts", type=int, default=10, help="starts of each server (default: %(default)s)")
    args = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not on PATH: https://github.com/wg/wrk")
    if not args.kyma:
        print("LEFT OUT: the servers of Kyma, without --kyma CHECKOUT")
    with tempfile.TemporaryDirectory() as directory:
        found = {each: Measured() for each in candidates(Path(directory), args.kyma)}
        measure_starts(found, args.starts)
        measure_calls(found, args.rounds, args.seconds, Path(directory))
    report(found)


def measure_starts(found: dict[Candidate, Measured], starts: int) -> None:
    """Start each server `starts` times, in turn."""
    for round_ in range(starts):
        progress(f"start {round_ + 1} of {starts}")
        for candidate, measured in found.items():
            with running(candidate) as (_, pid):
                measured.start_seconds.append(sum(map(cpu_seconds, tree(pid))))
                measured.memory_mib.append(sum(map(resident_mib, tree(pid))))


def measure_calls(found: dict[Candidate, Measured], rounds: int, seconds: int, place: Path) -> None:
    """Call each server for `seconds`, in turn, `rounds` times for each kind of call."""
    with contextlib.ExitStack() as stack:
        ports = {each: stack.enter_context(running(each))[0] for each in found}
        for round_ in range(rounds):
            for call in CALLS:
                progress(f"round {round_ + 1} of {rounds}: {call}")
                for candidate, measured in found.items():
                    if call in candidate.calls:
                        rate, delay = load(ports[candidate], call, seconds, place)
                        measured.rates[call].append(rate)
                        measured.delays_ms[call].append(delay)
    progress("")


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def running(candidate: Candidate) -> Iterator[tuple[int, int]]:
    """Start a server on the first core; yield its port and process id after its first answer."""
    port = free_port()
    known = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/tmp")}
    process = subprocess.Popen(
        ["taskset", "-c", str(CORES[0]), *(part.replace("PORT", str(port)) for part in candidate.command)],
        cwd=candidate.directory,
        env=known | {"FUNC_PORT": str(port)} | candidate.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for_answer(candidate, process, port)
        yield port, process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_answer(candidate: Candidate, process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as caller:
            caller.request("GET", "/")
            answer = caller.getresponse()
            if answer.status == 200 and answer.read() == b"hello":
                return
        time.sleep(0.02)
    raise TimeoutError(f"{candidate.name} does not answer")


def load(port: int, call: str, seconds: int, place: Path) -> tuple[float, float]:
    """Call a server from the last core; return requests per second and the p99 in milliseconds."""
    connections, path, body = CALLS[call]
    script = place / "body.lua"
    headers = 'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
    script.write_text(f"{headers}wrk.body = [==[{body}]==]\n" if body else "")
    url = f"http://127.0.0.1:{port}{path}"
    command = ["taskset", "-c", str(CORES[-1]), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    output = subprocess.run([*command, "-s", str(script), url], capture_output=True, text=True, check=True).stdout
    rate, delay = re.search(r"Requests/sec:\s+([\d.]+)", output), re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    if not rate or not delay or "Non-2xx" in output:
        raise ValueError(f"{call} of {url}: {output}")
    return float(rate[1]), float(delay[1]) * {"us": 0.001, "ms": 1, "s": 1000}[delay[2]]


def report(found: dict[Candidate, Measured]) -> None:
    """Print a line for each server."""
    print("| server | " + " | ".join(f"{call} req/s (p99 ms)" for call in CALLS) + " | start CPU s | MiB |")
    print("| --- |" + " ---: |" * (len(CALLS) + 2))
    for candidate, measured in found.items():
        cells = [calls_cell(measured, call) for call in CALLS]
        cells += [f"{statistics.median(measured.start_seconds):.2f}", f"{statistics.median(measured.memory_mib):.0f}"]
        print(f"| {candidate.name} | {' | '.join(cells)} |")


def calls_cell(measured: Measured, call: str) -> str:
    if call not in measured.rates:
        return "-"
    return f"{statistics.median(measured.rates[call]):,.0f} ({statistics.median(measured.delays_ms[call]):.1f})"


if __name__ == "__main__":
    main()

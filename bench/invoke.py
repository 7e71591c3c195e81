"""
What a call of a Function costs: `python bench/invoke.py [--kyma CHECKOUT] [--seconds 3] [--rounds 3]`.

The servers of runtimes/, bare servers and, with --kyma, those of a checkout of kyma-project/serverless run on one
core, and wrk calls them in turn (https://github.com/wg/wrk) from another. Printed are medians of requests per second,
p99 in milliseconds, CPU seconds until the first answer, and resident MiB. Only ratios within one run hold elsewhere.
"""

import argparse
import contextlib
import http.client
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.ports import free_port
from support.runtime_servers import COMMANDS

from hooks.cli import runtime_cache

HANDLERS = {
    "handler.py": """
import time


def main(event, context):
    if event["extensions"]["request"].path == "/slow":
        time.sleep(0.05)
    return "hello" if event["data"] is None else event["data"]
""",
    "handler.js": """
async function main(event) {
  if (event.extensions.request.path === '/slow') await new Promise((done) => setTimeout(done, 50));
  return event.data === undefined ? 'hello' : event.data;
}
module.exports = { main };
""",
    "bare.mjs": """
import http from 'node:http';
http.createServer((_, response) => response.end('hello')).listen(Number(process.env.FUNC_PORT), '127.0.0.1');
""",
    "bare.py": """
async def app(scope, receive, send):
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})
""",
}
CALLS = {
    "hello": (10, "/", None),
    "JSON echo": (10, "/", '{"name": "Ada", "values": [1, 2, 3, 4, 5], "nested": {"a": true, "b": null}}'),
    "1 MB": (4, "/", '"' + "x" * 999_000 + '"'),
    "50 ms": (200, "/slow", None),
}
"""Connections, path and JSON body of each kind of call."""
BARE = ("hello",)


@dataclass
class Candidate:
    """A server: how it is started below a directory, with FUNC_PORT as its port, and what was measured."""

    name: str
    command: list[str]
    directory: Path
    env: dict[str, str]
    calls: tuple[str, ...] = tuple(CALLS)
    port: int = 0
    start: float = 0.0
    memory: float = 0.0
    rates: dict[str, list[float]] = field(default_factory=dict)
    delays: dict[str, list[float]] = field(default_factory=dict)


def main() -> None:
    """Start every candidate, call them in turn, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kyma", type=Path, help="checkout of kyma-project/serverless, with its packages installed")
    parser.add_argument("--seconds", type=int, default=3, help="duration of a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each server (default: %(default)s)")
    args = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not on PATH: https://github.com/wg/wrk")
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        for name, text in HANDLERS.items():
            (Path(directory) / name).write_text(text)
        found = [each for each in candidates(Path(directory), args.kyma) if usable(each)]
        for each in found:
            stack.enter_context(running(each))
        for _ in range(args.rounds):
            for call in CALLS:
                for each in (each for each in found if call in each.calls):
                    measure(each, call, args.seconds, Path(directory))
    report(found)


def candidates(handlers: Path, kyma: Path | None) -> Iterator[Candidate]:
    python = {"FUNCTION_PATH": str(handlers), "PYTHONUNBUFFERED": "1"}
    node = {"HANDLER_PATH": str(handlers / "handler.js"), "NODE_ENV": "production"}
    runtimes = runtime_cache.RUNTIMES
    yield Candidate("Node.js", ["node", "server.mjs"], linked(handlers, runtimes / "nodejs"), node)
    yield Candidate("node:http", ["node", "bare.mjs"], handlers, {}, BARE)
    yield Candidate("Python", COMMANDS["python"](), runtimes / "python", python)
    uvicorn = [sys.executable, "-m", "uvicorn", "--log-level", "error", "--no-access-log", "--port", "PORT", "bare:app"]
    yield Candidate("uvicorn", uvicorn, handlers, {}, BARE)
    if kyma:
        servers = kyma / "components" / "runtimes"
        yield Candidate("Node.js of Kyma", ["node", "server.mjs"], servers / "nodejs22", node | {"FUNC_RUNTIME": "a"})
        own = servers / "python312" / ".venv" / "bin" / "python"
        yield Candidate("Python of Kyma", [str(own), "server.py"], servers / "python312", python)


def linked(place: Path, server: Path) -> Path:
    """Return a copy of the Node.js server next to its packages."""
    copy = place / "nodejs"
    shutil.copytree(server, copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node_modules").symlink_to(runtime_cache.node_modules())
    return copy


def usable(candidate: Candidate) -> bool:
    program = candidate.command[0]
    missing = not shutil.which(program)
    if "uvicorn" in candidate.command:
        missing = bool(subprocess.run([program, "-c", "import uvicorn"], capture_output=True, check=False).returncode)
    if missing:
        print(f"LEFT OUT: {candidate.name}: {candidate.command[0]} or its packages are not installed")
    return not missing


@contextlib.contextmanager
def running(candidate: Candidate) -> Iterator[None]:
    """Start a server on the first core; wait for its first answer."""
    candidate.port = free_port()
    port = str(candidate.port)
    known = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/tmp")}
    process = subprocess.Popen(
        ["taskset", "-c", str(cores()[0]), *(part.replace("PORT", port) for part in candidate.command)],
        cwd=candidate.directory,
        env=known | {"FUNC_PORT": port, "SERVER_PORT": port} | candidate.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_answer(candidate.port)
        candidate.start, candidate.memory = cpu_seconds(process.pid), resident_mib(process.pid)
        yield
    finally:
        process.kill()
        process.wait()


def cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def wait_for_answer(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as caller:
            caller.request("GET", "/")
            caller.getresponse().read()
            return
        time.sleep(0.02)
    raise TimeoutError(f"no answer at port {port}")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def measure(candidate: Candidate, call: str, seconds: int, place: Path) -> None:
    """Call a server for a while from the last core."""
    connections, path, body = CALLS[call]
    script = place / "body.lua"
    headers = 'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
    script.write_text(f"{headers}wrk.body = [==[{body}]==]\n" if body else "")
    url = f"http://127.0.0.1:{candidate.port}{path}"
    command = ["taskset", "-c", str(cores()[-1]), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    output = subprocess.run([*command, "-s", str(script), url], capture_output=True, text=True, check=True).stdout
    rate, delay = re.search(r"Requests/sec:\s+([\d.]+)", output), re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    if rate and delay:
        candidate.rates.setdefault(call, []).append(float(rate[1]))
        candidate.delays.setdefault(call, []).append(float(delay[1]) * {"us": 0.001, "ms": 1, "s": 1000}[delay[2]])


def report(found: list[Candidate]) -> None:
    """Print a line for each server: requests per second and p99 of each call, start and memory."""
    print("| server | " + " | ".join(f"{call} req/s (p99 ms)" for call in CALLS) + " | start CPU s | MiB |")
    print("| --- |" + " --- |" * (len(CALLS) + 2))
    median: Callable[[list[float]], float] = statistics.median
    for each in found:
        cells = [
            f"{median(each.rates[call]):,.0f} ({median(each.delays[call]):.1f})" if call in each.rates else "-"
            for call in CALLS
        ]
        print(f"| {each.name} | {' | '.join(cells)} | {each.start:.2f} | {each.memory:.0f} |")


if __name__ == "__main__":
    main()

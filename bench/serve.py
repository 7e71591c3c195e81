"""
Requests per second on one core: `python bench/serve.py [--seconds 5] [--rounds 4]`.

The hook and a Flask "hello" run with the same gunicorn settings and one worker each, pinned to one core; the client is
pinned to another. Rounds alternate, so that both have the same conditions. Only the ratio holds on other machines.
"""

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.cluster.control_plane import wait_until
from support.ports import free_port

BODY = ROOT / "tests" / "support" / "fixtures" / "metacontroller" / "sync-v1-steady.json"
HELLO = """
from flask import Flask

app = Flask("hello", static_folder=None)


@app.post("/v1/sync")
@app.get("/readyz")
def hello():
    return "hello"
"""


def main() -> None:
    """Measure both services in turn and print requests per second and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="duration of a round (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=4, help="number of rounds for each service (default: %(default)s)"
    )
    args = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "hello.py").write_text(HELLO)
        services = {"hook": "hooks.app:create_app()", "hello": "hello:app"}
        started = {name: start(app, cores[0], directory) for name, app in services.items()}
        try:
            results: dict[str, list[float]] = {name: [] for name in started}
            for _ in range(args.rounds):
                for name, (_, port) in started.items():
                    results[name].append(requests_per_second(port, args.seconds))
        finally:
            for process, _ in started.values():
                process.terminate()
                process.wait()
    for name, rates in results.items():
        print(f"{name}: {statistics.median(rates):.0f} requests/s (rounds: {', '.join(f'{r:.0f}' for r in rates)})")
    ratio = statistics.median(results["hook"]) / statistics.median(results["hello"])
    print(f"hook / hello: {ratio:.2f}")


def start(app: str, core: int, directory: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start one service on one core; return its process and port once it responds."""
    port = free_port()
    settings = ["-c", str(ROOT / "hooks" / "gunicorn.conf.py"), "--workers=1", "--log-level=warning"]
    command = [sys.executable, "-m", "gunicorn", *settings, f"--bind=127.0.0.1:{port}", app]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{directory}"}
    process = subprocess.Popen(command, env=environment, cwd=directory)
    os.sched_setaffinity(process.pid, {core})
    wait_until(lambda: call(port, "GET", "/readyz", b"") == 200, f"{app} to answer")
    return process, port


def requests_per_second(port: int, seconds: float) -> float:
    """Send the recorded body repeatedly, each time on a new connection."""
    body, count, end = BODY.read_bytes(), 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        if call(port, "POST", "/v1/sync", body) != 200:
            sys.exit("a request failed")
        count += 1
    return count / seconds


def call(port: int, method: str, path: str, body: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


if __name__ == "__main__":
    main()

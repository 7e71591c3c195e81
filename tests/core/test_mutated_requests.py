"""
The hook answers each mutated request within the laws, or refuses it with a declared status code.

`--mutations N` and `--bodies N` set how many are sent in process and over HTTP: 200000 and 100000 take some minutes.
"""

import http.client
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError
from support import mutated_requests
from support.answers import children_belong, rules_stay_in_the_namespace, status_schema
from support.cases import NOW, ROOT
from support.mutated_requests import Body
from support.ports import free_port

from hooks.config import Config
from hooks.function import Function
from hooks.protocol import HookRequest, Unreadable
from hooks.sync import customize, finalize, sync
from hooks.trace import traceback

Manifest = dict[str, Any]

SEED = 1
DECLARED = {200, 400, 411, 413, 415, 422}
SECONDS = 1.0
"""CPU time within which every body is answered."""
LINE_BYTES = 5000
"""The most that the body of an error response may have."""
WORKERS = 2
KIBIBYTES = 2048
"""How much the memory of a process may grow after its first requests."""


def answered(body: Body) -> Manifest | None:
    """Return the answer as the HTTP layer sends it, None if it refuses the request."""
    try:
        request = orjson.loads(body.data)
        if body.hook == "customize":
            return customized(request, body.config)
        if body.hook == "finalize":
            return finalize(HookRequest.parse(request), body.config, now=NOW).to_json()
        return sync(HookRequest.parse(request), body.config, now=NOW).to_json()
    except (orjson.JSONDecodeError, Unreadable):
        return None


def customized(request: Any, config: Config) -> Manifest | None:
    """Return the answer of /v1/customize, which the HTTP layer assembles."""
    if not isinstance(request, dict) or not isinstance(request.get("parent"), dict):
        return None
    try:
        function = Function.model_validate(request["parent"])
    except ValidationError:
        return {"relatedResources": []}
    return {"relatedResources": customize(function, config)}


def check(body: Body, answer: Manifest, fitting: set[bytes]) -> None:
    """Fail unless the answer keeps every law; `fitting` holds statuses that have passed the schema before."""
    request = orjson.loads(body.data)
    if body.hook == "customize":
        rules_stay_in_the_namespace(request, answer)
        return
    children_belong(request, answer)
    status = orjson.dumps(answer["status"])
    if status not in fitting:
        status_schema().validate(orjson.loads(status))
        fitting.add(status)
    assert 0 <= answer.get("resyncAfterSeconds", 0) <= 3600 * 24
    orjson.dumps(answer)


def test_in_process(request: pytest.FixtureRequest) -> None:
    """Every mutated request is answered within the laws or refused as declared; no other error is raised."""
    outcomes: Counter[str] = Counter()
    fitting: set[bytes] = set()
    for number in range(request.config.getoption("--mutations")):
        body = mutated_requests.body(SEED, number)
        try:
            answer = answered(body)
            if answer is not None:
                check(body, answer, fitting)
        except Exception as error:  # noqa: BLE001 - any error is reported with its body
            raise AssertionError(f"{str(error)[:300]}\n{traceback(error)}\n{body}") from None
        outcomes[f"{body.hook} {'refused' if answer is None else 'answered'}"] += 1
    print(dict(sorted(outcomes.items())))
    assert outcomes["sync answered"] > outcomes["sync refused"] > 0
    assert outcomes["finalize answered"] > outcomes["finalize refused"] > 0


class Served:
    """The running hook, with the CPU time and memory of its processes."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def workers(self) -> list[int]:
        pid = self.process.pid
        return sorted(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def cpu_seconds(self) -> float:
        return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in self.workers()) / 1e9

    def kibibytes(self) -> dict[int, int]:
        """Return the anonymous memory of each worker by process id."""
        return {pid: int(self._field(pid, "RssAnon")) for pid in self.workers()}

    def post(self, body: Body) -> tuple[int, bytes]:
        self.connection.request("POST", f"/v1/{body.hook}", body.data, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        content = answer.read()
        self.connection.close()
        return answer.status, content

    def _field(self, pid: int, name: str) -> str:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(line.split()[1] for line in lines if line.startswith(f"{name}:"))


def until_ready(served: Served) -> None:
    """Wait until the service answers and has all of its workers."""
    deadline = time.monotonic() + 30
    while not (answers(served.port) and len(served.workers()) == WORKERS):
        assert time.monotonic() < deadline, "the service does not answer"
        time.sleep(0.1)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    if not Path("/proc/self/schedstat").exists():
        pytest.skip("LEFT OUT: CPU time and memory are read from /proc")
    port = free_port()
    command = [sys.executable, "-m", "hooks.cli", "serve", "--bind", f"127.0.0.1:{port}"]
    config = tmp_path / "config.yaml"
    config.write_text("related: {configs: true}\n")
    with (tmp_path / "log").open("wb") as log:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "BUILDLESS_CONFIG": str(config)}
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        found = Served(process, port)
        until_ready(found)
        yield found
    finally:
        process.terminate()
        process.wait(20)
        lines = (tmp_path / "log").read_text().splitlines()
        print("\n".join(line for line in lines if "error" in line)[-3000:])


@pytest.mark.process
def test_over_http(served: Served, request: pytest.FixtureRequest) -> None:
    """No body is answered with 500 or takes a second of CPU; no worker is replaced or grows."""
    codes: Counter[int] = Counter()
    count = request.config.getoption("--bodies")
    for _ in range(10 * WORKERS):
        assert served.post(mutated_requests.largest())[0] in DECLARED
    workers, before, slowest = served.workers(), served.kibibytes(), (0.0, "")
    for number in range(count):
        body = mutated_requests.body(SEED, number)
        if number == count // 4:
            before = served.kibibytes()
        spent = served.cpu_seconds()
        code, content = served.post(body)
        codes[code] += 1
        assert code in DECLARED, f"{code}\n{body}"
        assert code == 200 or len(content) < LINE_BYTES, f"{content[:300]!r}\n{body}"
        slowest = max(slowest, (served.cpu_seconds() - spent, str(body)))
    grown = max(after - before[pid] for pid, after in served.kibibytes().items())
    print(f"{dict(codes)}, slowest {slowest[0]:.3f} s CPU, grown by {grown} KiB, {len(workers)} workers")
    assert slowest[0] < SECONDS, slowest[1]
    assert served.workers() == workers
    assert grown <= KIBIBYTES

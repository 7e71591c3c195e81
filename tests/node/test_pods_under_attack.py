"""What callers may do to a pod of size XS: it stays healthy, small and answers others, and is not restarted."""

import contextlib
import http.client
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from support.node.testbed import Functions

LANGUAGES = {"python": "python312", "nodejs": "nodejs22"}
HANDLERS = {
    "python": """
import time


def main(event, context):
    path = event["extensions"]["request"].path
    if path == "/slow":
        time.sleep(40)
    if path == "/resident":
        return next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS"))
    return "honest"
""",
    "nodejs": """
exports.main = async (event) => {
  const { path } = event.extensions.request;
  if (path === '/slow') await new Promise((done) => setTimeout(done, 40_000));
  if (path === '/resident') return String(Math.round(process.memoryUsage.rss() / 1024));
  return 'honest';
};
""",
}
PROBE_SECONDS = 1.0
BODY_BYTES, SENT_BYTES = 100_000, 50_000
SILENT, DRIPPING, BODIES, SLOW_CALLS = 500, 200, 200, 200
SLOW_BODY = (
    f"POST /body HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: {BODY_BYTES}\r\n\r\n".encode()
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_small_pod_survives_its_callers(functions: Functions, language: str) -> None:
    functions.create("hello", HANDLERS[language], LANGUAGES[language])
    functions.wait_until_ready("hello")
    pod = Pod(functions)
    idle = pod.resident_bytes()
    with attackers(pod):
        worst_health, worst_call = observe(pod, seconds=15)
        grown = pod.resident_bytes()
    with slow_calls(pod):
        slow_health, _ = observe(pod, seconds=15, calls=language == "nodejs")
    print(f"health {worst_health:.2f} s, call {worst_call:.2f} s, health beside calls {slow_health:.2f} s")
    print(f"resident {idle / 2**20:.1f} MiB idle, {grown / 2**20:.1f} MiB under attack")
    assert max(worst_health, worst_call, slow_health) < PROBE_SECONDS
    assert grown < 1.2 * idle + BODIES * BODY_BYTES
    assert functions.restarts("hello") == 0
    assert functions.condition("hello").get("status") == "True"


class Pod:
    """The only pod of the Function "hello", called at its own address."""

    def __init__(self, functions: Functions) -> None:
        (pod,) = functions.pods("hello")
        self.address = (pod["status"]["podIP"], 8080)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=10)

    def get(self, path: str, timeout: float = 30) -> str:
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            assert response.status == 200, (path, response.status)
            return response.read().decode()

    def seconds(self, path: str) -> float:
        begin = time.monotonic()
        self.get(path)
        return time.monotonic() - begin

    def resident_bytes(self) -> int:
        return 1024 * int(self.get("/resident"))


def observe(pod: Pod, seconds: float, *, calls: bool = True) -> tuple[float, float]:
    """Return the longest time of a probe and of a call, in seconds, 0 for calls without `calls`."""
    health, call = [0.0], [0.0]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        health.append(pod.seconds("/healthz"))
        if calls:
            call.append(pod.seconds("/"))
        time.sleep(0.5)
    return max(health), max(call)


@contextlib.contextmanager
def attackers(pod: Pod) -> Iterator[None]:
    """Silent connections, requests and bodies that come byte by byte; what the server closes is opened again."""
    wanted = [b""] * SILENT + [b"GET /"] * DRIPPING + [SLOW_BODY + b"x" * SENT_BYTES] * BODIES
    random.Random(1).shuffle(wanted)
    connections = [opened(pod, begin) for begin in wanted]
    done = threading.Event()

    def drip() -> None:
        while not done.wait(1):
            for index, begin in enumerate(wanted):
                if begin and not sent(connections[index], b"x"):
                    connections[index].close()
                    connections[index] = opened(pod, begin)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        for each in connections:
            each.close()


def opened(pod: Pod, begin: bytes) -> socket.socket:
    connection = pod.connect()
    sent(connection, begin)
    return connection


def sent(connection: socket.socket, data: bytes) -> bool:
    """Return whether the server still takes `data`."""
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def slow_calls(pod: Pod) -> Iterator[None]:
    """Calls that each take 40 s; all are sent when this returns."""
    connections = [opened(pod, b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(SLOW_CALLS)]
    try:
        yield
    finally:
        for each in connections:
            each.close()

"""
Clients that are slow, over plain HTTP and over TLS: they cost neither workers nor other clients.

The service runs as `buildless serve` starts it, from the source tree.
"""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from support.cases import ROOT, all_cases
from support.left_out import require_program
from support.ports import free_port

from hooks.app import MAX_BODY_BYTES
from hooks.connection import ANSWER_SECONDS, HEADER_SECONDS, LARGEST_BODY, LINGER_SECONDS, REQUEST_SECONDS

BODY = json.dumps(all_cases()[0].request).encode()
HEADER = b"POST /v1/sync HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
DRIP_SECONDS = 1.0
SLACK_SECONDS = 2.0
"""For a machine that is busy with other tests."""


class Service(NamedTuple):
    """The running service; `context` is how to reach it over TLS, None without."""

    process: subprocess.Popen[bytes]
    port: int
    context: ssl.SSLContext | None
    log: Path

    def workers(self) -> list[str]:
        """Return the ids of the processes that answer."""
        pid = self.process.pid
        return sorted(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def connect(self) -> socket.socket:
        """Return a connection, over TLS with its handshake done."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        return self.context.wrap_socket(plain) if self.context else plain

    def ask(self, request: bytes = HEADER % len(BODY) + BODY) -> bytes:
        """Send a request at once and return the whole answer, nothing where there is none."""
        with contextlib.suppress(OSError), self.connect() as client:
            client.sendall(request)
            return answer_of(client)
        return b""


def answer_of(client: socket.socket) -> bytes:
    """Return what a client is sent until the connection ends."""
    answer = b""
    with contextlib.suppress(OSError):
        while data := client.recv(65536):
            answer += data
    return answer


@contextlib.contextmanager
def serving(directory: Path, *command: str, context: ssl.SSLContext | None = None) -> Iterator[Service]:
    """Run a command that ends with the port to listen on, until both of its workers are there."""
    port = free_port()
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{directory}"}
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([*command, f"--bind=127.0.0.1:{port}"], env=environment, cwd=ROOT, stderr=log)
        service = Service(process, port, context, directory / "log")
        try:
            while not (len(service.workers()) == 2 and service.ask().startswith(b"HTTP/1.1 200")):
                assert process.poll() is None, service.log.read_text()
                time.sleep(0.1)
            yield service
        finally:
            process.terminate()
            assert process.wait(timeout=30) == 0


@pytest.fixture(scope="module", params=["http", "https"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, in both of its ways to be reached."""
    directory = tmp_path_factory.mktemp(request.param)
    command, context = [sys.executable, "-m", "hooks.cli", "serve"], None
    if request.param == "https":
        command += certified(directory)
        context = trusting(directory)
    with serving(directory, *command, context=context) as running:
        yield running


def certified(directory: Path, name: str = "localhost") -> list[str]:
    """Make a certificate and its key, or make them anew; return the flags that name them."""
    files = ["-out", str(directory / "crt"), "-keyout", str(directory / "key")]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", *files]
    require_program("openssl")
    subprocess.run(make, check=True, capture_output=True)
    return [f"--tls-certificate={directory / 'crt'}", f"--tls-key={directory / 'key'}"]


def trusting(directory: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(directory / "crt"))
    context.check_hostname = False
    return context


def silent(service: Service) -> None:
    """Connect and send nothing, not even a handshake."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        client.recv(1)


def handshake(service: Service) -> None:
    """Begin a TLS record and drip the rest of it."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        drip(client, b"\x16\x03\x01\x02\x00\x01", b"\0")


def header(service: Service) -> None:
    """Drip one header."""
    with service.connect() as client:
        drip(client, b"POST /v1/sync HTTP/1.1\r\nX-A: ", b"a")


def body(service: Service) -> None:
    """Drip a body."""
    with service.connect() as client:
        drip(client, HEADER % 999, b"{")


def open_end(service: Service) -> None:
    """Take the answer and keep the connection open."""
    with service.connect() as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(DRIP_SECONDS)


def drip(client: socket.socket, first: bytes, rest: bytes) -> None:
    """Send something, then a byte now and then for as long as the other side takes it."""
    client.sendall(first)
    while True:
        time.sleep(DRIP_SECONDS)
        client.sendall(rest)


@pytest.mark.parametrize("kind", [silent, handshake, header, body, open_end])
def test_slow_clients_delay_no_other(service: Service, kind: Callable[[Service], None]) -> None:
    """While 70 of them are connected every other client is answered, and no worker is replaced."""
    workers, end = service.workers(), threading.Event()

    def again() -> None:
        while not end.is_set():
            with contextlib.suppress(OSError):
                kind(service)

    clients = [threading.Thread(target=again, daemon=True) for _ in range(70)]
    for client in clients:
        client.start()
    time.sleep(1)
    answers = [service.ask() for _ in range(40)]
    end.set()
    for client in clients:
        client.join()
    assert {answer.partition(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 200 OK"}
    assert service.workers() == workers
    assert "Traceback" not in service.log.read_text()


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [(silent, HEADER_SECONDS), (handshake, HEADER_SECONDS), (header, HEADER_SECONDS), (body, REQUEST_SECONDS)],
)
def test_a_request_has_a_deadline(service: Service, kind: Callable[[Service], None], seconds: int) -> None:
    """However often a byte comes, it does not prolong the time for the whole."""
    begin = time.monotonic()
    with contextlib.suppress(OSError):
        kind(service)
    assert time.monotonic() - begin < seconds + LINGER_SECONDS + 2 * DRIP_SECONDS + SLACK_SECONDS


def test_a_body_that_stops_is_answered(service: Service) -> None:
    """A client that is too slow learns what was missing."""
    answer = service.ask(HEADER % 99 + b"{")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Bad Request" in answer or b"expected 99 bytes, received 1" in answer


def test_a_request_in_pieces_is_answered(service: Service) -> None:
    """Pieces that come in time are one request, wherever they are cut."""
    request = HEADER % len(BODY) + BODY
    for cut in (1, 30, len(HEADER) - 3, len(HEADER) + 1, len(request) - 1):
        with service.connect() as client:
            client.sendall(request[:cut])
            time.sleep(0.05)
            client.sendall(request[cut:])
            assert answer_of(client).startswith(b"HTTP/1.1 200 OK")


def test_what_is_refused_early_is_answered(service: Service) -> None:
    """A client gets its answer though what it goes on sending is not read."""
    assert service.ask(HEADER % (999 * 2**20) + b"{" * 300_000).startswith(b"HTTP/1.1 413 ")
    chunked = (HEADER % 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    assert service.ask(chunked + b"5\r\nhello\r\n0\r\n\r\n").startswith(b"HTTP/1.1 411 ")
    assert service.ask(b"GET / HTTP/1.1\r\nX-A: " + b"a" * 5000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")
    assert service.ask(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_only_what_the_app_reads_is_waited_for() -> None:
    """The app and its worker have one bound for a body."""
    assert LARGEST_BODY == MAX_BODY_BYTES


def test_framing_that_can_be_read_in_two_ways_is_refused(service: Service) -> None:
    """Two lengths, or one that is no number, are never a request."""
    for lengths in (b"Content-Length: 2\r\nContent-Length: 3", b"Content-Length: 2_0", b"Content-Length : 2"):
        request = (HEADER % 0).replace(b"Content-Length: 0", lengths)
        assert service.ask(request + b"{}").startswith(b"HTTP/1.1 400 ")


def test_a_client_that_does_not_read_is_let_go(service: Service) -> None:
    """An answer that is not taken ends within its time, and others are served meanwhile."""
    source = "x" * 200_000
    large = json.loads(BODY)
    large["parent"]["spec"]["source"]["inline"]["source"] = source
    request = json.dumps(large).encode()
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect(("127.0.0.1", service.port))
            over_tls = service.context.wrap_socket(client) if service.context else client
            stack.enter_context(over_tls)
            over_tls.sendall(HEADER % len(request) + request)
        begin = time.monotonic()
        assert service.ask().startswith(b"HTTP/1.1 200 OK")
        assert time.monotonic() - begin < ANSWER_SECONDS


SMALL = """
import hooks.worker
from hooks.worker import Worker

hooks.worker.MOST_CONNECTIONS, hooks.worker.MOST_BYTES = 8, 2**20
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with small bounds for connections and memory."""
    directory = tmp_path_factory.mktemp("small")
    (directory / "small.py").write_text(SMALL)
    settings = str(ROOT / "hooks" / "gunicorn.conf.py")
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", settings, "-k", "small.Worker", "hooks.app:create_app()"]
    with serving(directory, *gunicorn) as running:
        yield running


def test_connections_are_bounded(small: Service) -> None:
    """Of too many the oldest is closed."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(small.connect()) for _ in range(40)]
        assert small.ask().startswith(b"HTTP/1.1 200 OK")
        clients[0].settimeout(1)
        assert clients[0].recv(1) == b""


def test_memory_is_bounded(small: Service) -> None:
    """Where unfinished requests take too much together, the largest is given up."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(small.connect()) for _ in range(6)]
        for client in clients:
            with contextlib.suppress(OSError):
                client.sendall(HEADER % 2**20 + b"{" * 900_000)
        assert small.ask().startswith(b"HTTP/1.1 200 OK")
        assert sum(is_closed(client) for client in clients) >= 3  # two workers hold one and a bit each


def is_closed(client: socket.socket) -> bool:
    client.settimeout(0.5)
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_stop_finishes_what_has_begun(tmp_path: Path) -> None:
    """A request that is under way when the service has to stop is answered."""
    with serving(tmp_path, sys.executable, "-m", "hooks.cli", "serve") as running, running.connect() as client:
        request = HEADER % len(BODY) + BODY
        client.sendall(request[:50])
        time.sleep(0.3)
        running.process.terminate()
        time.sleep(0.3)
        client.sendall(request[50:])
        assert answer_of(client).startswith(b"HTTP/1.1 200 OK")


def test_a_renewed_certificate_is_used(tmp_path: Path) -> None:
    """New files are read by themselves; while they do not fit together the old certificate goes on."""
    command = [sys.executable, "-m", "hooks.cli", "serve", *certified(tmp_path)]
    with serving(tmp_path, *command, context=trusting(tmp_path)) as first:
        (tmp_path / "key").write_text("half of a renewal")
        assert [first.ask().partition(b"\r\n")[0] for _ in range(4)] == [b"HTTP/1.1 200 OK"] * 4
        certified(tmp_path, "renewed")
        renewed = first._replace(context=trusting(tmp_path))
        assert [renewed.ask().partition(b"\r\n")[0] for _ in range(4)] == [b"HTTP/1.1 200 OK"] * 4
        assert first.ask() == b""
    assert "The certificate cannot be read" in first.log.read_text()

"""
Slow clients, over HTTP and HTTPS, neither block a worker nor delay other clients.

The service runs from the source tree as `buildless serve` starts it.
"""

import contextlib
import json
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.cases import ROOT
from support.cluster.control_plane import wait_until
from support.hook_service import BODY, HEADER, Service, certified, response_to, serving, trusting

from hooks.connection import HEADER_SECONDS, LINGER_SECONDS, REQUEST_SECONDS, RESPONSE_SECONDS

DRIP_SECONDS = 1.0
SLACK_SECONDS = 2.0
"""Allowance for a machine that is busy with other tests."""


@pytest.fixture(scope="module", params=["http", "https"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, once over HTTP and once over HTTPS."""
    directory = tmp_path_factory.mktemp(request.param)
    command, context = [sys.executable, "-m", "hooks.cli", "serve"], None
    if request.param == "https":
        command += certified(directory)
        context = trusting(directory)
    with serving(directory, *command, context=context) as running:
        yield running


def silent(service: Service) -> None:
    """Connect and send nothing, not even a handshake."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        client.recv(1)


def handshake(service: Service) -> None:
    """Send a TLS handshake byte by byte."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        drip(client, b"\x16\x03\x01\x02\x00\x01", b"\0")


def header(service: Service) -> None:
    """Send a header byte by byte."""
    with service.connect() as client:
        drip(client, b"POST /v1/sync HTTP/1.1\r\nX-A: ", b"a")


def body(service: Service) -> None:
    """Send a body byte by byte."""
    with service.connect() as client:
        drip(client, HEADER % 999, b"{")


def open_end(service: Service) -> None:
    """Send a request and keep the connection open."""
    with service.connect() as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(DRIP_SECONDS)


def drip(client: socket.socket, first: bytes, rest: bytes) -> None:
    """Send `first`, then `rest` every DRIP_SECONDS until the other side closes the connection."""
    client.sendall(first)
    while True:
        time.sleep(DRIP_SECONDS)
        client.sendall(rest)


@pytest.mark.sampled
@pytest.mark.parametrize("kind", [silent, handshake, header, body, open_end])
def test_slow_clients_delay_no_other(service: Service, kind: Callable[[Service], None]) -> None:
    """While 70 slow clients are connected, every other request succeeds and no worker is replaced."""
    workers, end = service.workers(), threading.Event()

    def again() -> None:
        while not end.is_set():
            with contextlib.suppress(OSError):
                kind(service)

    clients = [threading.Thread(target=again, daemon=True) for _ in range(70)]
    for client in clients:
        client.start()
    time.sleep(1)
    responses = [service.send() for _ in range(40)]
    end.set()
    for client in clients:
        client.join()
    assert {response.partition(b"\r\n")[0] for response in responses} == {b"HTTP/1.1 200 OK"}
    assert service.workers() == workers
    assert "Traceback" not in service.log.read_text()


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("kind", "seconds"),
    [(silent, HEADER_SECONDS), (handshake, HEADER_SECONDS), (header, HEADER_SECONDS), (body, REQUEST_SECONDS)],
)
def test_a_request_has_a_deadline(service: Service, kind: Callable[[Service], None], seconds: int) -> None:
    """More bytes do not extend the deadline of a request."""
    begin = time.monotonic()
    with contextlib.suppress(OSError):
        kind(service)
    assert time.monotonic() - begin < seconds + LINGER_SECONDS + 2 * DRIP_SECONDS + SLACK_SECONDS


def test_a_body_that_stops_is_answered(service: Service) -> None:
    """An incomplete body is answered with an error that has the missing size."""
    response = service.send(HEADER % 99 + b"{")
    assert response.startswith(b"HTTP/1.1 400 ")
    assert b"Bad Request" in response or b"expected 99 bytes, received 1" in response


def test_a_request_in_pieces_is_answered(service: Service) -> None:
    """A request may arrive in pieces, split at any byte."""
    request = HEADER % len(BODY) + BODY
    for cut in (1, 30, len(HEADER) - 3, len(HEADER) + 1, len(request) - 1):
        with service.connect() as client:
            client.sendall(request[:cut])
            time.sleep(0.05)
            client.sendall(request[cut:])
            assert response_to(client).startswith(b"HTTP/1.1 200 OK")


def test_a_request_that_is_rejected_early_gets_its_response(service: Service) -> None:
    """A client receives the response even if the rest of its request is not read."""
    assert service.send(HEADER % (999 * 2**20) + b"{" * 300_000).startswith(b"HTTP/1.1 413 ")
    chunked = (HEADER % 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    assert service.send(chunked + b"5\r\nhello\r\n0\r\n\r\n").startswith(b"HTTP/1.1 411 ")
    assert service.send(b"GET / HTTP/1.1\r\nX-A: " + b"a" * 5000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")
    assert service.send(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_ambiguous_framing_is_rejected(service: Service) -> None:
    """Two lengths, or one that is not a number, are a 400."""
    for lengths in (b"Content-Length: 2\r\nContent-Length: 3", b"Content-Length: 2_0", b"Content-Length : 2"):
        request = (HEADER % 0).replace(b"Content-Length: 0", lengths)
        assert service.send(request + b"{}").startswith(b"HTTP/1.1 400 ")


def test_a_client_that_does_not_read_is_disconnected(service: Service) -> None:
    """Sending a response has a deadline, and other clients are served meanwhile."""
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
        assert service.send().startswith(b"HTTP/1.1 200 OK")
        assert time.monotonic() - begin < RESPONSE_SECONDS


SMALL = """
import hooks.connection, hooks.worker
from hooks.worker import Worker

hooks.connection.HEADER_SECONDS = hooks.connection.REQUEST_SECONDS = 60
hooks.worker.MAX_CONNECTIONS, hooks.worker.MAX_BUFFERED_BYTES = 8, 2**20
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with low limits for connections and memory, and long deadlines."""
    directory = tmp_path_factory.mktemp("small")
    (directory / "small.py").write_text(SMALL)
    settings = str(ROOT / "hooks" / "gunicorn.conf.py")
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", settings, "-k", "small.Worker", "hooks.app:create_app()"]
    with serving(directory, *gunicorn) as running:
        yield running


def test_connections_are_bounded(small: Service) -> None:
    """Above the limit of 8 for each of the two workers the oldest connections are closed."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(small.connect()) for _ in range(40)]
        assert small.send().startswith(b"HTTP/1.1 200 OK")
        wait_until(lambda: len(readable(clients)) >= 40 - 2 * 8, "the excess connections to be closed")
        assert clients[-1] not in readable(clients)


def readable(clients: list[socket.socket]) -> list[socket.socket]:
    """Return those that the service has closed, as it sends nothing."""
    return select.select(clients, [], [], 0)[0]


def test_memory_is_bounded(small: Service) -> None:
    """Above the limit for incomplete requests the largest is closed."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(small.connect()) for _ in range(6)]
        for client in clients:
            with contextlib.suppress(OSError):
                client.sendall(HEADER % 2**20 + b"{" * 900_000)
        assert small.send().startswith(b"HTTP/1.1 200 OK")
        assert sum(is_closed(client) for client in clients) >= 3  # each of two workers buffers little more than one


def is_closed(client: socket.socket) -> bool:
    client.settimeout(SLACK_SECONDS)
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_request_in_flight_at_shutdown_is_answered(tmp_path: Path) -> None:
    """A request that has begun before SIGTERM is answered."""
    with serving(tmp_path, sys.executable, "-m", "hooks.cli", "serve") as running, running.connect() as client:
        request = HEADER % len(BODY) + BODY
        client.sendall(request[:50])
        time.sleep(0.3)
        running.process.terminate()
        time.sleep(0.3)
        client.sendall(request[50:])
        assert response_to(client).startswith(b"HTTP/1.1 200 OK")


def test_a_renewed_certificate_is_loaded(tmp_path: Path) -> None:
    """New files are loaded without a restart; while they do not match, the old certificate stays in use."""
    command = [sys.executable, "-m", "hooks.cli", "serve", *certified(tmp_path)]
    with serving(tmp_path, *command, context=trusting(tmp_path)) as first:
        (tmp_path / "key").write_text("half of a renewal")
        assert [first.send().partition(b"\r\n")[0] for _ in range(4)] == [b"HTTP/1.1 200 OK"] * 4
        certified(tmp_path, "renewed")
        renewed = first._replace(context=trusting(tmp_path))
        assert [renewed.send().partition(b"\r\n")[0] for _ in range(4)] == [b"HTTP/1.1 200 OK"] * 4
        assert first.send() == b""
    assert "The certificate cannot be loaded" in first.log.read_text()

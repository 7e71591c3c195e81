"""
Connections that stay open: those of the API server's conversions, and no others.

The service runs from the source tree, with one worker and short times.
"""

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.cases import ROOT
from support.hook_service import BODY, HEADER, Service, certified, response_to, serving, trusting

from hooks.connection import HEADER_SECONDS, LINGER_SECONDS, REQUEST_SECONDS
from hooks.moved_fields import VERSIONS

REVIEW = {"request": {"uid": "u", "desiredAPIVersion": VERSIONS[1], "objects": [{"apiVersion": VERSIONS[0]}]}}
CONVERT = HEADER.replace(b"/v1/sync", b"/v1/convert")
IDLE_SECONDS = 2.0
SETTINGS = f"""
import itertools
import hooks.connection, hooks.worker
from hooks.app import create_app
from hooks.worker import Worker

hooks.connection.IDLE_SECONDS = {IDLE_SECONDS}
hooks.worker.MAX_CONNECTIONS = 40
calls = itertools.count()

def counting(environ, start_response):
    "The app, with the number of its call in a header."
    number = next(calls)
    def start(status, headers):
        return start_response(status, [*headers, ("X-Call", str(number))])
    return app(environ, start)

app = create_app()
"""
YOUNG = "hooks.connection.KEPT_SECONDS = 3600\n"
OLD = "hooks.connection.KEPT_SECONDS = 0\n"


def convert_request(size: int = 0) -> bytes:
    """Return a request to convert one Function, with `size` bytes of blanks after it."""
    body = json.dumps(REVIEW).encode() + b" " * size
    return CONVERT % len(body) + body


def response(client: socket.socket) -> bytes:
    """Read one response, which has a Content-Length; b"" if the connection was closed."""
    client.settimeout(20)
    received = b""
    while not (b"\r\n\r\n" in received and len(received.partition(b"\r\n\r\n")[2]) >= _length(received)):
        if not (data := client.recv(65536)):
            return b""
        received += data
    return received


def _length(received: bytes) -> int:
    return int(received.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])


def number(answer: bytes) -> int:
    """Return the place of a request among the calls of the app."""
    return int(answer.partition(b"X-Call: ")[2].partition(b"\r\n")[0])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with one worker, over HTTPS as the API server uses it."""
    directory = tmp_path_factory.mktemp("kept")
    names = {"--tls-certificate": "--certfile", "--tls-key": "--keyfile"}
    pairs = (flag.split("=") for flag in certified(directory))
    flags = [f"{names[name]}={file}" for name, file in pairs]
    context = trusting(directory)
    with serving(directory, *gunicorn(directory, YOUNG), *flags, context=context, workers=1) as running:
        yield running


def gunicorn(directory: Path, settings: str) -> list[str]:
    (directory / "kept.py").write_text(SETTINGS + settings)
    file = str(ROOT / "hooks" / "gunicorn.conf.py")
    return [sys.executable, "-m", "gunicorn", "-c", file, "--workers=1", "-k", "kept.Worker", "kept:counting"]


def test_conversions_share_a_connection(service: Service) -> None:
    """Further conversions on one connection are answered, in pieces too, with their own responses."""
    with service.connect() as client:
        for size in (0, 1, 100_000, 0):
            request = convert_request(size)
            client.sendall(request[:40])
            time.sleep(0.02)
            client.sendall(request[40:])
            answer = response(client)
            assert answer.startswith(b"HTTP/1.1 200 OK")
            assert b"Connection: keep-alive" in answer
            assert b'"convertedObjects":[{' in answer


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(HEADER % len(BODY) + BODY, id="a sync"),
        pytest.param(CONVERT % 2 + b"{}", id="a failed conversion"),
        pytest.param(convert_request().replace(b"HTTP/1.1", b"HTTP/1.0"), id="HTTP 1.0"),
        pytest.param(convert_request().replace(b"Host: a", b"Host: a\r\nConnection: close"), id="as the client says"),
        pytest.param(convert_request() + b"GET /healthz HTTP/1.1\r\n", id="a request that was sent too early"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", id="a probe"),
    ],
)
@pytest.mark.parametrize("first", [False, True], ids=["first", "after a conversion"])
def test_other_connections_end(service: Service, request_: bytes, *, first: bool) -> None:
    """After any other response the service closes the connection, and says so."""
    with service.connect() as client:
        if first:
            client.sendall(convert_request())
            assert response(client)
        client.sendall(request_)
        assert b"Connection: close" in response_to(client)


def test_conversions_come_first(service: Service) -> None:
    """A conversion on a kept connection overtakes the waiting requests of others, all but the one in progress."""
    (worker,) = service.workers()
    with ExitStack() as stack, service.connect() as kept:
        kept.sendall(convert_request())
        before = number(response(kept))
        others = [stack.enter_context(service.connect()) for _ in range(20)]
        os.kill(int(worker), signal.SIGSTOP)
        for other in others:
            other.sendall(HEADER % len(BODY) + BODY)
        kept.sendall(convert_request())
        os.kill(int(worker), signal.SIGCONT)
        assert number(response(kept)) <= before + 2
        places = sorted(number(response_to(other)) for other in others)
        assert len({*places}) == 20


def test_others_are_answered_between_conversions(service: Service) -> None:
    """Conversions without a pause on many connections do not keep out other requests."""
    with ExitStack() as stack:
        kept = [stack.enter_context(service.connect()) for _ in range(8)]
        for client in kept:
            client.sendall(convert_request())
        other = stack.enter_context(service.connect())
        other.sendall(HEADER % len(BODY) + BODY)
        conversions = 0
        while not select.select([other], [], [], 0)[0]:
            for client in select.select(kept, [], [], 0.01)[0]:
                assert response(client)
                client.sendall(convert_request())
                conversions += 1
            assert conversions < 200, "each event of another connection waits for one conversion of each kept one"
        assert response_to(other).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.sampled
def test_an_idle_connection_ends(service: Service) -> None:
    """It is closed after its time, later than one that is slow, and the log counts no timeout."""
    with service.connect() as client:
        client.sendall(convert_request())
        assert response(client)
        begin = time.monotonic()
        assert response_to(client) == b""
        assert time.monotonic() - begin >= IDLE_SECONDS - 0.1
    assert "timed out" not in service.log.read_text()


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("sent", "answer", "seconds"),
    [(50, b"", HEADER_SECONDS), (len(CONVERT) + 5, b"HTTP/1.1 400 ", REQUEST_SECONDS)],
)
def test_a_later_request_has_a_deadline(service: Service, sent: int, answer: bytes, seconds: float) -> None:
    """A later request that stops ends like a first one, counted from its first byte."""
    with service.connect() as client:
        client.sendall(convert_request())
        assert response(client)
        begin = time.monotonic()
        client.sendall(convert_request()[:sent])
        assert response(client).startswith(answer)
        assert time.monotonic() - begin >= seconds - 0.1


def test_kept_connections_are_bounded(service: Service) -> None:
    """Above the limit the oldest are closed, and a new client is answered."""
    with ExitStack() as stack:
        clients = [stack.enter_context(service.connect()) for _ in range(60)]
        answers = []
        for client in clients[20:]:
            client.sendall(convert_request())
            answers.append(response(client))
        assert answers[-1]
        assert service.send().startswith(b"HTTP/1.1 200 OK")


@pytest.mark.sampled
def test_an_old_connection_ends(tmp_path: Path) -> None:
    """After its time a connection ends with the next response, so that no request is lost."""
    with serving(tmp_path, *gunicorn(tmp_path, OLD), workers=1) as running, running.connect() as client:
        client.sendall(convert_request())
        answer = response_to(client)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"Connection: close" in answer


@pytest.mark.sampled
def test_a_shutdown(tmp_path: Path) -> None:
    """After SIGTERM a kept connection is answered once more and ends; an idle one ends soon, not after its time."""
    long = YOUNG + "hooks.connection.IDLE_SECONDS = 3600\n"
    command = gunicorn(tmp_path, long)
    with serving(tmp_path, *command, workers=1) as running, running.connect() as used, running.connect() as idle:
        for client in (used, idle):
            client.sendall(convert_request())
            assert response(client)
        used.sendall(convert_request()[:50])
        time.sleep(0.3)
        running.process.terminate()
        time.sleep(0.3)
        used.sendall(convert_request()[50:])
        answer = response_to(used)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"Connection: close" in answer
        assert response_to(idle) == b""
        assert running.process.wait(timeout=LINGER_SECONDS + 8) == 0

"""
What a caller may do to a server of runtimes/: it answers others meanwhile, and stays as small as it was.

Times are the least that a probe of the kubelet allows, not what the servers need.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.runtime_servers import COMMANDS, EACH_FAMILY, Server, get, send, started

HEAD = b"Host: a\r\n"
PROBE_SECONDS = 1.0
MOST_BYTES = {"python": 8 * 1024 * 1024, "nodejs": 32 * 1024 * 1024}
"""By how much a server may grow that holds a thousand connections; a bare server of Node.js 24 takes 17 MB for them."""


@pytest.fixture(scope="module", params=EACH_FAMILY)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    limits: dict[str, Any] = {
        "FUNC_TIMEOUT": "20",
        "FUNC_MEMFILE_MAX": "1000000",
        "REQ_MB_LIMIT": "1",
        "CHERRYPY_NUMTHREADS": "10",
    }
    with started(request.param, **limits) as running:
        get(running, "/metrics")
        yield running


def most_bytes(server: Server) -> int:
    return MOST_BYTES["nodejs" if server.process.args == COMMANDS["nodejs"]() else "python"]


def resident_bytes(server: Server) -> int:
    return 1024 * server.kibibytes()


def seconds(action: Callable[[], object]) -> float:
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


def answered(server: Server, sent: bytes) -> bytes:
    """Return the status line of the last answer to what is sent, b"" where the connection is closed without one."""
    received = b""
    with contextlib.closing(server.connect()) as sock, contextlib.suppress(OSError):
        sock.settimeout(3)
        with contextlib.suppress(OSError):
            sock.sendall(sent)
        while piece := sock.recv(65536):
            received += piece
            if b"\r\n\r\n" in received and b"100 Continue" not in received:
                break
    return received.partition(b"\r\n")[0]


def test_health_and_calls_are_answered_beside_a_thousand_idle_ones(server: Server) -> None:
    """Silent connections, requests that come byte by byte, and bodies that do not come occupy no thread."""
    before = resident_bytes(server)
    body = b"POST /text HTTP/1.1\r\n" + HEAD + b"Content-Type: text/plain\r\nContent-Length: 900000\r\n\r\nx"
    with contextlib.ExitStack() as stack:
        for sent in [b""] * 500 + [b"G"] * 200 + [body] * 200:
            sock = stack.enter_context(contextlib.closing(server.connect()))
            sock.sendall(sent)
        assert seconds(lambda: get(server, "/healthz")) < PROBE_SECONDS
        assert get(server, "/text")[2] == b"text"
        assert resident_bytes(server) - before < most_bytes(server)


def test_health_and_metrics_are_answered_while_all_threads_work(server: Server) -> None:
    """Forty calls at once for ten threads: none is lost, and health does not wait for them."""
    answers: list[bytes] = []
    threads = [threading.Thread(target=lambda: answers.append(get(server, "/slow")[2])) for _ in range(40)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    assert seconds(lambda: get(server, "/healthz")) < PROBE_SECONDS
    assert get(server, "/metrics")[0] == 200
    for thread in threads:
        thread.join()
    assert answers == [b"slow but whole"] * 40


TOO_LARGE = {
    "a header": (b"GET /text HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n", b"431"),
    "headers": (b"GET /text HTTP/1.1\r\n" + HEAD + b"X: a\r\n" * 100_000 + b"\r\n", b"431"),
    "a target": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n", b"414"),
    "a body": (b"POST /text HTTP/1.1\r\n" + HEAD + b"Content-Length: 99999999999\r\n\r\n", b"413"),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_is_too_large_is_refused(server: Server, name: str) -> None:
    """Sizes are bounded before anything is kept."""
    sent, status = TOO_LARGE[name]
    before = resident_bytes(server)
    assert answered(server, sent).split()[1] == status
    assert resident_bytes(server) - before < most_bytes(server)


BODY = b"\r\n\r\nabc"
BAD_FRAMING = {
    "no host": b"GET /text HTTP/1.1\r\n\r\n",
    "a length with an underscore": b"POST /text HTTP/1.1\r\n" + HEAD + b"Content-Length: 1_0" + BODY,
    "a length with a sign": b"POST /text HTTP/1.1\r\n" + HEAD + b"Content-Length: +3" + BODY,
    "a negative length": b"POST /text HTTP/1.1\r\n" + HEAD + b"Content-Length: -1" + BODY,
    "two lengths": b"POST /text HTTP/1.1\r\n" + HEAD + b"Content-Length: 3\r\nContent-Length: 4" + BODY,
    "length and chunks": b"POST /text HTTP/1.1\r\n"
    + HEAD
    + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"POST /text HTTP/1.1\r\n" + HEAD + b"Content-Length : 3" + BODY,
    "a negative chunk": b"POST /text HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
    "a chunk with a prefix": b"POST /text HTTP/1.1\r\n"
    + HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    "a NUL": b"GET /text HTTP/1.1\r\n" + HEAD + b"X: a\0b\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("name", BAD_FRAMING)
def test_framing_is_strict(server: Server, name: str) -> None:
    """What a proxy before the Function might read differently is refused."""
    assert answered(server, BAD_FRAMING[name]).split()[1] == b"400"


def test_another_protocol_is_declined_not_refused(server: Server) -> None:
    """A client that offers HTTP/2 in clear text is answered in HTTP/1.1, as RFC 9110, 7.8 allows."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
    assert answered(server, b"GET /text HTTP/1.1\r\n" + HEAD + offer).split()[1] == b"200"


def test_requests_sent_ahead_are_answered_in_order(server: Server) -> None:
    """Pipelined requests of one connection."""
    paths = ["/text", "/number", "/empty", "/object"]
    with contextlib.closing(server.connect()) as sock:
        requests = [f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n" for path in paths[:-1]]
        last = f"GET {paths[-1]} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        sock.sendall("".join([*requests, last]).encode())
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    parts = [part.partition(b"\r\n\r\n")[2] for part in received.split(b"HTTP/1.1 200 OK")[1:]]
    assert parts[:2] == [b"text", b"42"]
    assert json.loads(parts[3]) == {"a": [1, None]}


def test_methods_cost_no_memory(server: Server) -> None:
    """A method is a label of a metric only if it is a known one."""
    for number in range(200):
        answered(server, b"M%d /text HTTP/1.1\r\n" % number + HEAD + b"\r\n")
    for method in ("PROPFIND", "PURGE", "LINK"):
        send(server, {"method": method, "path": "/text"})
    labels = {
        line.partition("}")[0] for line in get(server, "/metrics")[2].decode().splitlines() if "calls_total{" in line
    }
    assert len(labels) < 10


def test_a_refused_body_does_not_break_the_callers_pipe(server: Server) -> None:
    """The rest of a body that is too large is taken in, so that the caller can read why; in chunks, too."""
    piece = b"f000\r\n" + b"x" * 0xF000 + b"\r\n"
    for _ in range(30):
        with contextlib.closing(server.connect()) as sock:
            sock.sendall(b"POST /text HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(60):
                sock.sendall(piece)
            assert sock.recv(65536).split()[1] == b"413"

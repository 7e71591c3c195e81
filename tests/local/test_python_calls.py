"""The Python server's threads and memory: what its callers and handlers may do without harm to others."""

import contextlib
import gzip
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.runtime_servers import NEEDS, Server, get, layout, send, started

pytestmark = NEEDS["python"]
HEAD = b"Host: a\r\n"
MEBIBYTE = 1024 * 1024
MEMORY_FILE = "/sys/fs/cgroup/memory.max"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file for which handlers of /waits wait."""
    return tmp_path_factory.mktemp("gate") / "open"


@pytest.fixture(scope="module")
def server(gate: Path) -> Iterator[Server]:
    with started("python", CHERRYPY_NUMTHREADS="4", GATE=str(gate)) as running:
        get(running, "/text")
        yield running


@contextlib.contextmanager
def in_memory(limit: int, directory: Path, **env: Any) -> Iterator[Server]:
    """Start a server that reads this memory limit, in bytes, as if it were its container's."""
    (directory / "memory.max").write_text(str(limit))
    settings = layout("python") / "function_server" / "settings.py"
    text = settings.read_text()
    assert MEMORY_FILE in text
    settings.write_text(text.replace(MEMORY_FILE, str(directory / "memory.max")))
    try:
        with started("python", **env) as running:
            get(running, "/text")
            yield running
    finally:
        settings.write_text(text)


def status_after(server: Server, first: bytes, again: bytes, times: int) -> bytes:
    """Send `first`, then `again` so often; return the status of the answer."""
    with contextlib.closing(server.connect(first)) as sock:
        for _ in range(times):
            sock.sendall(again)
        return sock.recv(100).split()[1]


@contextlib.contextmanager
def at_work(server: Server, gate: Path, path: str, number: int) -> Iterator[None]:
    """Have calls of /waits at work, which end with the block."""
    gate.unlink(missing_ok=True)
    before = server.output.count("started")
    with ThreadPoolExecutor(number) as callers:
        calls = [callers.submit(get, server, path) for _ in range(number)]
        try:
            while server.output.count("started") == before:
                time.sleep(0.01)
            yield
        finally:
            gate.touch()
        assert [call.result()[2] for call in calls] == [b"waited"] * number


@pytest.mark.parametrize("path", ["/waits", "/waits?computes=1"])
def test_a_call_that_lasts_delays_no_other(server: Server, gate: Path, path: str) -> None:
    """Whether its handler waits or computes, another thread reads and calls meanwhile."""
    with at_work(server, gate, path, 3):
        for other in ["/healthz", "/text"] * 5:
            assert get(server, other)[0] == 200


@pytest.mark.parametrize("threads", [1, 2])
def test_no_request_waits_for_ever(threads: int) -> None:
    """The lead changes with nearly every call here, and the main thread reads whenever all threads work."""
    with started("python", CHERRYPY_NUMTHREADS=str(threads)) as running, ThreadPoolExecutor(8) as callers:

        def call(seed: int) -> set[int]:
            chosen = random.Random(seed)
            return {get(running, chosen.choice(["/healthz", "/text", "/pauses"]))[0] for _ in range(400)}

        assert set.union(*callers.map(call, range(8))) == {200}


def test_requests_behind_a_slow_one_are_answered(server: Server) -> None:
    """On one connection, though the thread that works on it no longer leads."""
    paths = ["/slow", "/text", "/number", "/slow", "/text"]
    sent = "".join(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n" for path in paths)
    with contextlib.closing(server.connect(sent.encode() + b"GET / HTTP/1.0\r\n\r\n")) as sock:
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    assert [received.count(text) for text in (b"slow but whole", b"\r\n\r\ntext", b"\r\n\r\n42")] == [2, 2, 1]


def test_calls_beyond_the_threads_are_kept(gate: Path) -> None:
    """One thread, three calls: none is lost, and health and metrics are answered meanwhile."""
    with started("python", CHERRYPY_NUMTHREADS="1", GATE=str(gate)) as server, at_work(server, gate, "/waits", 3):
        for other in ["/healthz", "/metrics"] * 3:
            assert get(server, other)[0] == 200


def test_a_call_that_is_ended_frees_its_thread() -> None:
    """After FUNC_TIMEOUT the only thread is there for others again."""
    with started("python", CHERRYPY_NUMTHREADS="1", FUNC_TIMEOUT="0.5") as server:
        for _ in range(3):
            assert get(server, "/forever")[0] == 408
            assert get(server, "/text")[2] == b"text"


def test_coroutines_share_one_loop(server: Server) -> None:
    """A lock made at import works in all of them, and tasks in the background go on."""
    with ThreadPoolExecutor(3) as callers:
        answers = list(callers.map(lambda _: get(server, "/locked"), range(6)))
    assert {status for status, _, _ in answers} == {200}
    assert b"true" not in b"".join(body for _, _, body in answers)


def test_the_server_ends_though_the_handler_has_a_signal_handler_of_its_own() -> None:
    """SIGTERM drains whatever the handler has set at import; what it has registered with atexit runs."""
    with started("python", BREAK="signals") as server:
        get(server, "/text")
        assert server.terminate() == 0
        assert "at exit" in server.output
        assert "the handler's own" not in server.output


ENDLESS = {
    "header": (b"GET /text HTTP/1.1\r\n" + HEAD + b"X: ", b"431"),
    "name of a header": (b"GET /text HTTP/1.1\r\n" + HEAD, b"400"),
    "trailer": (b"POST /text HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: ", b"431"),
    "extension of a chunk": (b"POST /text HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;a=", b"431"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_not_kept(server: Server, name: str) -> None:
    """100 MB of it cost less than 4 MiB at any time."""
    first, status = ENDLESS[name]
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # VmHWM, the peak, begins anew
    before = server.kibibytes()
    assert status_after(server, first, b"a" * 100_000, 1000) in (status, b"431")
    assert server.kibibytes("VmHWM") - before < 4 * 1024


def test_bodies_are_limited_by_the_containers_memory(tmp_path: Path) -> None:
    """JSON takes up to 24 times its bytes once decoded, also where it comes compressed."""
    text = json.dumps(["x" * 3_000_000]).encode()
    heads = {"Content-Type": "application/json"}
    with in_memory(64 * MEBIBYTE, tmp_path) as server, contextlib.ExitStack() as stack:
        assert send(server, {"method": "POST", "path": "/echo", "headers": heads, "size": 3_000_000})[0] == 413
        small = gzip.compress(text)
        sent = b"POST /text HTTP/1.1\r\n" + HEAD + b"Content-Type: application/json\r\nContent-Encoding: gzip\r\n"
        assert status_after(server, sent + b"Content-Length: %d\r\n\r\n" % len(small), small, 1) == b"413"
        part = b"POST /text HTTP/1.1\r\n" + HEAD + b"Content-Type: text/plain\r\nContent-Length: 9000000\r\n\r\n"
        for _ in range(2):
            stack.enter_context(contextlib.closing(server.connect(part + b"x" * 8_500_000)))
        assert status_after(server, part, b"x" * 9_000_000, 1) == b"503"
        assert get(server, "/text")[2] == b"text"
        stack.close()
        assert status_after(server, part, b"x" * 9_000_000, 1) == b"200"


def test_answered_requests_are_let_go(server: Server) -> None:
    """Bodies do not wait for the garbage collector: 60 of 2 MB leave less than 24 MiB behind."""
    before = server.kibibytes()
    heads = {"Content-Type": "application/json"}
    body = json.dumps("x" * 2_000_000)
    for _ in range(60):
        assert send(server, {"method": "POST", "path": "/echo", "headers": heads, "body": body})[0] == 200
    assert server.kibibytes() - before < 24 * 1024


def test_a_small_pod_survives_its_callers(tmp_path: Path) -> None:
    """In 256 MiB, 1,100 connections of all kinds take their bodies and a fifth of what the idle server does."""
    size = 300_000
    body = b"POST /text HTTP/1.1\r\n" + HEAD + b"Content-Type: text/plain\r\nContent-Length: 900000\r\n\r\n"
    kinds = [b""] * 500 + [b"GET /text HTTP/1.1\r\n" + HEAD + b"X: a"] * 200 + [body + b"x" * size] * 200
    with in_memory(256 * MEBIBYTE, tmp_path) as server, contextlib.ExitStack() as stack:
        idle = server.kibibytes()
        for sent in [*kinds, *[b"GET /ticks HTTP/1.1\r\n" + HEAD + b"\r\n"] * 200]:
            stack.enter_context(contextlib.closing(server.connect(sent)))
        assert get(server, "/healthz")[2] == b"OK"
        assert server.kibibytes() < 1.2 * idle + 200 * size / 1024

"""What callers may cost the Node.js server: limits of heads, bodies, time and memory."""

import contextlib
import http.client
import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.runtime_servers import NEEDS, Server, get, send, started, wait_until_listening

pytestmark = NEEDS["nodejs"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with started("nodejs", FUNC_TIMEOUT="1") as server:
        yield server


@contextlib.contextmanager
def connected(server: Server, sent: bytes = b"") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(sent)
        yield connection


def all_of(connection: socket.socket) -> bytes:
    with contextlib.suppress(ConnectionResetError):
        return b"".join(iter(lambda: connection.recv(65536), b""))
    return b"reset"


@pytest.mark.parametrize("timeout", ["0", "9999999", "7.5"])
def test_a_handler_has_the_time_it_is_given(timeout: str) -> None:
    with started("nodejs", FUNC_TIMEOUT=timeout) as server:
        assert get(server, "/later")[2] == b"later"


def test_the_time_until_the_handler_is_loaded_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "handler.js").write_text("""
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
      exports.main = () => new Promise((resolve) => setTimeout(resolve, 10, 'in time'));
    """)
    with started("nodejs", ready=False, HANDLER_PATH=str(tmp_path / "handler.js"), FUNC_TIMEOUT="1.5") as server:
        wait_until_listening(server)
        assert get(server, "/")[2] == b"in time"


@pytest.mark.parametrize("name", ["FUNC_TIMEOUT", "REQ_MB_LIMIT"])
@pytest.mark.parametrize("value", ["3m", "-1"])
def test_a_limit_that_is_none_ends_the_start(name: str, value: str) -> None:
    with started("nodejs", ready=False, **{name: value}) as server:
        assert server.process.wait(30) == 1
        assert f'{name} is "{value}", but has to be a number of' in server.output


def test_an_answer_may_take_longer_than_the_limit_of_silence(server: Server) -> None:
    assert get(server, "/drips")[2] == b"0123456789"


def test_an_answer_that_stops_is_cut_off(server: Server) -> None:
    with connected(server, b"GET /begins-and-stops HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        answer = all_of(connection)
    assert b"begun" in answer
    assert not answer.endswith(b"0\r\n\r\n")


def test_a_call_that_is_out_of_time_counts_as_failed() -> None:
    with started("nodejs", FUNC_TIMEOUT="1") as server:
        assert get(server, "/forever")[0] == 408
        assert b'function_failures_total{method="GET"} 1\n' in get(server, "/metrics")[2]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: x\r\n" * 10_000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", 400),
        (b"NONSENSE / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"\0\0\0\0", 400),
    ],
)
def test_what_is_no_sound_request_is_refused(server: Server, sent: bytes, status: int) -> None:
    with connected(server, sent) as connection:
        assert all_of(connection).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_leaves_its_connection_usable(server: Server, chunked: bool) -> None:
    headers = {"Content-Type": "text/plain"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    with contextlib.closing(connection):
        for _ in range(20):
            connection.request("POST", "/echo", iter([b"x" * 65536] * 30) if chunked else b"x" * 2_000_000, headers)
            response = connection.getresponse()
            assert (response.status, response.read()) == (413, b"request entity too large")
        connection.request("GET", "/text")
        assert connection.getresponse().read() == b"text"


def test_a_body_without_an_end_is_cut_off(server: Server) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connected(server, head) as connection, pytest.raises(ConnectionError):
        connection.sendall((b"10000\r\n" + b"x" * 65536 + b"\r\n") * 1000)


def test_bodies_hold_a_part_of_the_memory_only() -> None:
    memory = "--import=data:text/javascript,process.constrainedMemory=()=>8*1024*1024"
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n"
    with started("nodejs", NODE_OPTIONS=memory) as server, contextlib.ExitStack() as stack:
        three = [stack.enter_context(connected(server, head + b"x" * 900_000)) for _ in range(3)]
        [refused], _, _ = select.select(three, [], [], 30)
        assert refused.recv(100).startswith(b"HTTP/1.1 503 ")
        for connection in three:
            if connection is not refused:
                connection.sendall(b"x" * 100_000)
                assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        assert send(server, {"method": "POST", "path": "/echo", "body": "x" * 900_000})[0] == 200


def test_slow_callers_leave_the_others_unharmed_and_are_sent_away() -> None:
    """500 that say nothing, 200 whose heads drip and 100 whose bodies drip; one that rests between two requests."""
    body = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    with started("nodejs", REQ_MB_LIMIT="0.1") as server, contextlib.ExitStack() as stack:
        resting = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        resting.request("GET", "/text")
        resting.getresponse().read()
        silent = [stack.enter_context(connected(server)) for _ in range(500)]
        dripping = [stack.enter_context(connected(server, b"GET / HTTP/1.1\r\nHost: x\r\n")) for _ in range(200)]
        dripping += [stack.enter_context(connected(server, body)) for _ in range(100)]
        for _ in range(10):
            for connection in dripping:
                connection.sendall(b"a")
            began = time.monotonic()
            assert [get(server, path)[0] for path in ("/healthz", "/text")] == [200, 200]
            assert time.monotonic() - began < 4  # a probe's time
            time.sleep(0.5)
        answers = {all_of(connection)[:12] for connection in silent + dripping}
        assert answers == {b"HTTP/1.1 408"}
        resting.request("GET", "/text")
        assert resting.getresponse().read() == b"text"
        resting.close()


def test_health_is_answered_whatever_the_handlers_wait_for(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connected(server, b"GET /forever HTTP/1.1\r\nHost: x\r\n\r\n"))
        assert [get(server, path)[0] for path in ("/healthz", "/metrics", "/text")] == [200, 200, 200]


def test_a_source_ends_with_its_caller(server: Server) -> None:
    for _ in range(20):
        with connected(server, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
            connection.recv(1000)
    for _ in range(100):
        if json.loads(get(server, "/endless-left")[2]) == {"left": 0}:
            return
        time.sleep(0.05)
    pytest.fail("sources are still open")


def test_a_source_that_never_waits_leaves_others_their_turn(server: Server) -> None:
    with connected(server, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        stop = threading.Event()
        reader = threading.Thread(
            target=lambda: any(stop.is_set() or not connection.recv(1 << 20) for _ in range(10**9))
        )
        reader.start()
        assert get(server, "/healthz")[0] == 200
        stop.set()
        reader.join()


def test_no_piece_is_sent_where_there_is_no_body(server: Server) -> None:
    assert send(server, {"method": "HEAD", "path": "/endless"})[0] == 200
    assert send(server, {"method": "HEAD", "path": "/endless-generator"})[0] == 200
    assert get(server, "/healthz")[0] == 200


@pytest.mark.parametrize("path", ["/breaks", "/throws-after-write"])
def test_an_answer_that_breaks_off_is_not_taken_for_whole(server: Server, path: str) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        get(server, path)
    assert "secret-in-the-error" in server.output

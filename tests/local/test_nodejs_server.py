"""
What only the Node.js server has: limits of heads, bodies, time and memory, what a caller cannot make it do, and the
forms in which a handler may be written.
"""

import contextlib
import http.client
import json
import re
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from local.conformance.servers import Server, layout, started, wait_until_listening
from local.test_conformance import NEEDS_NODE, ask, get

from hooks.cli import runtime_cache

pytestmark = NEEDS_NODE

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


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
    with started("nodejs", FUNC_TIMEOUT="0.2") as server:
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
        assert ask(server, {"method": "POST", "path": "/echo", "body": "x" * 900_000})[0] == 200


def test_slow_callers_harm_nobody_and_are_sent_away() -> None:
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
    assert ask(server, {"method": "HEAD", "path": "/endless"})[0] == 200
    assert ask(server, {"method": "HEAD", "path": "/endless-generator"})[0] == 200
    assert get(server, "/healthz")[0] == 200


@pytest.mark.parametrize("path", ["/breaks", "/throws-after-write"])
def test_an_answer_that_breaks_off_is_not_taken_for_whole(server: Server, path: str) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        get(server, path)
    assert "secret-in-the-error" in server.output


def test_an_error_names_the_line_of_its_author(server: Server) -> None:
    get(server, "/fails")
    assert "function/handler.js:" in server.output
    assert "lib/call.mjs" not in server.output


def test_an_error_of_axios_is_a_few_lines_without_secrets() -> None:
    with started("nodejs") as server:
        url = f"http://user:secret@127.0.0.1:{server.port}/fails"
        ask(server, {"method": "POST", "path": "/axios", "headers": {"Content-Type": "text/plain"}, "body": url})
        log = server.output
    about = log.partition("AxiosError")[2]
    assert f"POST http://127.0.0.1:{server.port}/fails, status 500, ERR_BAD_RESPONSE" in about
    assert "handler.js:" in about
    assert "secret-in-the-query" not in about
    assert "user:secret" not in about
    assert len(about.splitlines()) < 12


def test_calls_are_counted_under_both_names_of_the_duration() -> None:
    with started("nodejs") as server:
        ask(server, {"method": "PROPFIND", "path": "/text"})
        page = get(server, "/metrics")[2].decode()
    assert 'function_duration_seconds_bucket{le="10",method="PROPFIND"} 1' in page
    assert 'function_duration_miliseconds_bucket{le="10000",method="PROPFIND"} 1' in page
    assert 'function_duration_miliseconds_count{method="PROPFIND"} 1' in page


def test_what_a_handler_counts_by_opentelemetry_is_among_the_metrics(tmp_path: Path) -> None:
    (tmp_path / "handler.js").write_text("""
      const { metrics } = require(process.cwd() + '/node_modules/@opentelemetry/api');
      const orders = metrics.getMeter('shop').createCounter('orders', { description: 'Orders' });
      exports.main = () => orders.add(2, { kind: 'book' });
    """)
    with started("nodejs", HANDLER_PATH=str(tmp_path / "handler.js")) as server:
        get(server, "/")
        page = get(server, "/metrics")[2].decode()
    assert 'function_calls_total{method="GET"} 1\n' in page
    assert re.search(r'^orders_total\{kind="book".*\} 2$', page, re.MULTILINE)


def test_an_empty_origin_switches_cors_off() -> None:
    with started("nodejs", CORS_ALLOW_ORIGIN="") as server:
        status, headers, _ = ask(server, {"method": "OPTIONS", "path": "/text", "headers": {"Origin": "http://x"}})
    assert (status, "access-control-allow-origin" in headers) == (200, False)


def test_answers_are_logged_as_apache_does() -> None:
    with started("nodejs", KYMA_INTERNAL_LOGGER_ENABLED="true") as server:
        get(server, "/text?a=1")
        time.sleep(0.3)
        assert '"GET /text?a=1 HTTP/1.1" 200 - "-" "-"' in server.output


class Echo(BaseHTTPRequestHandler):
    """Answers the headers that it is sent; takes what is posted."""

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.server.taken = json.loads(self.rfile.read(int(self.headers["Content-Length"])))  # type: ignore[attr-defined]
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("fetches", [True, False])
@pytest.mark.parametrize(
    ("brought", "passed"),
    [
        ({}, {}),
        (
            {"traceparent": PARENT, "tracestate": "a=b", "baggage": "c=d"},
            {"traceparent": PARENT, "tracestate": "a=b", "baggage": "c=d", "x-b3-traceid": TRACE, "x-b3-spanid": SPAN},
        ),
        ({"b3": f"{TRACE}-{SPAN}-0"}, {"b3": f"{TRACE}-{SPAN}-0", "traceparent": f"00-{TRACE}-{SPAN}-00"}),
        (
            {"x-b3-traceid": SPAN, "x-b3-spanid": SPAN, "x-b3-sampled": "1"},
            {"traceparent": f"00-{'0' * 16}{SPAN}-{SPAN}-01", "x-b3-sampled": "1"},
        ),
    ],
)
def test_a_trace_is_passed_on_without_a_collector(
    server: Server, echo: ThreadingHTTPServer, fetches: bool, brought: dict[str, str], passed: dict[str, str]
) -> None:
    body = json.dumps({"fetches": fetches, "url": f"http://127.0.0.1:{echo.server_port}/"})
    headers = {"Content-Type": "application/json"} | brought
    seen = json.loads(ask(server, {"method": "POST", "path": "/passes-on", "headers": headers, "body": body})[2])
    assert {name: seen.get(name) for name in passed} == passed
    assert bool(passed) == ("traceparent" in seen)


def test_a_trace_that_is_only_wanted_begins(server: Server, echo: ThreadingHTTPServer) -> None:
    body = json.dumps({"url": f"http://127.0.0.1:{echo.server_port}/"})
    headers = {"Content-Type": "application/json", "X-B3-Sampled": "1"}
    seen = json.loads(ask(server, {"method": "POST", "path": "/passes-on", "headers": headers, "body": body})[2])
    assert seen["x-b3-traceid"] in seen["traceparent"]


def test_a_span_knows_the_trace_of_its_caller(server: Server) -> None:
    assert ask(server, {"path": "/trace-id", "headers": {"traceparent": PARENT}})[2] == TRACE.encode()


def test_attributes_of_an_event_come_before_the_arguments(echo: ThreadingHTTPServer) -> None:
    with started("nodejs", PUBLISHER_PROXY_ADDRESS=f"http://127.0.0.1:{echo.server_port}/") as server:
        assert get(server, "/emits-otherwise")[2] == b"sent"
    event = echo.taken  # type: ignore[attr-defined]
    assert (event["type"], event["data"], "datacontenttype" in event) == ("order.changed", 7, False)


CJS = "module.exports = { main: () => 'cjs' };"
ESM = "import fs from 'node:fs'; export const main = () => `mjs${typeof fs.promises}`;"
TS = "type Answer = { text: string }; export default (event: unknown): Answer => ({ text: typeof event as string });"


@pytest.mark.parametrize(
    ("package", "files", "answer"),
    [
        ({"main": "handler.mjs"}, {"handler.js": ESM}, b"mjsobject"),
        ({"main": "./handler.cjs", "type": "module"}, {"handler.js": CJS}, b"cjs"),
        ({"main": "index.js"}, {"handler.js": CJS}, b"cjs"),
        ({"main": "index.js"}, {"handler.js": CJS, "index.js": "broken("}, b"cjs"),
        ({"main": "src/app.cjs"}, {"src/app.cjs": CJS}, b"cjs"),
        ({"main": 7}, {"handler.js": CJS}, b"cjs"),
        ({}, {"handler.js": "module.exports = () => 'default';"}, b"default"),
        ({"type": "module"}, {"handler.js": "export default () => 'default';"}, b"default"),
        ({"type": "module"}, {"handler.js": "export default { main: () => 'inner' };"}, b"inner"),
        pytest.param({"main": "handler.ts"}, {"handler.js": TS}, b'{"text":"object"}', id="TypeScript"),
    ],
)
def test_a_handler_in_another_form(
    tmp_path: Path, package: dict[str, object], files: dict[str, str], answer: bytes
) -> None:
    place = tmp_path / "function"
    for name, text in (files | {"package.json": json.dumps(package)}).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    with started("nodejs", ready=False, HANDLER_PATH=str(place / "handler.js")) as server:
        if "handler.ts" in package.values() and not strips_types():
            assert server.process.wait(30) == 1
            assert "TypeScript needs Node.js 22.18" in server.output
        else:
            wait_until_listening(server)
            assert get(server, "/")[2] == answer


def strips_types() -> bool:
    major, minor = (int(part) for part in (runtime_cache.node_version() or "0.0").split(".")[:2])
    return (major, minor) >= (22, 18)


def test_all_that_express_adds_is_known() -> None:
    """A name that is missing would be undefined until a handler has used another one."""
    script = """
      import { createRequire } from 'node:module';
      import { EXPRESS } from './lib/messages.mjs';
      const express = createRequire(import.meta.url)('express');
      const of = (kind) => [Object.keys(express[kind]).sort().join(), EXPRESS[kind].split(' ').sort().join()];
      console.log(JSON.stringify([of('request'), of('response')]));
    """
    shutil.copy(layout("nodejs") / "server.mjs", layout("nodejs") / "names.mjs").write_text(script)
    names = subprocess.run(["node", "names.mjs"], cwd=layout("nodejs"), capture_output=True, text=True, check=True)
    for express, ours in json.loads(names.stdout):
        assert express == ours

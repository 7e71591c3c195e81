"""
The servers of all languages behave alike: one table of requests and responses, and the life cycle of a server.

The header of the test run has the versions of the interpreters.
"""

import contextlib
import functools
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.runtime_servers import EACH_FAMILY, NEEDS, Server, get, send, started, wait_until_listening
from support.yaml_files import read_yaml

HERE = Path(__file__).parent / "conformance"
TABLE: list[dict[str, Any]] = read_yaml(HERE / "table.yaml")
ROWS = [
    pytest.param(family, row, id=f"{family}-{row['name']}", marks=NEEDS[family])
    for family in NEEDS
    for row in TABLE
    if row.get("only", family) == family
]
LIMITS: dict[str, Any] = {"FUNC_TIMEOUT": "3", "FUNC_MEMFILE_MAX": "1000000", "REQ_MB_LIMIT": "1"}
NAMES: dict[str, Any] = {"FUNC_NAME": "hello", "SERVICE_NAMESPACE": "demo", "FUNC_RUNTIME": "some-runtime"}


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[str], Server]]:
    """Return a function that starts a language's server at its first use."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda family: stack.enter_context(started(family, **LIMITS, **NAMES)))


@pytest.mark.parametrize(("family", "row"), ROWS)
def test_responses_are_those_of_the_table(servers: Callable[[str], Server], family: str, row: dict[str, Any]) -> None:
    status, headers, body = send(servers(family), row["request"])
    expected = row["answer"]
    assert status == expected.get("status", 200), body
    if "json" in expected:
        assert json.loads(body) == expected["json"]
    if "text" in expected:
        assert body == expected["text"].encode("latin-1")
    for name, value in expected.get("headers", {}).items():
        seen = headers.get(name.lower())
        # A charset after "application/json" has no meaning.
        allowed = (value.lower(), f"{value}; charset=utf-8".lower()) if value else (None,)
        assert (seen.lower() if seen else seen) in allowed, name


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_context_names_the_function(servers: Callable[[str], Server], family: str) -> None:
    context = json.loads(get(servers(family), "/context")[2])
    assert (context["function-name"], context["namespace"]) == ("hello", "demo")
    assert context["runtime"] == "some-runtime"
    assert context["timeout"] == 3
    assert context["body-size-limit"] == (1_000_000 if family == "python" else 1)


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_an_error_is_logged_but_not_returned(servers: Callable[[str], Server], family: str) -> None:
    _, _, body = get(servers(family), "/fails")
    assert b"secret" not in body
    assert "secret-in-the-error" in servers(family).output


def test_a_python_handler_that_exceeds_its_time_limit_is_stopped(servers: Callable[[str], Server]) -> None:
    get(servers("python"), "/forever")
    for _ in range(100):
        if not json.loads(get(servers("python"), "/stuck")[2])["alive"]:
            return
        time.sleep(0.05)
    pytest.fail("the handler's thread is still running")


@pytest.mark.parametrize("limit", ["0", "9999999", "99999999999", "1e3"])
def test_a_long_limit_is_no_limit(limit: str) -> None:
    """0 is none, and nothing overflows."""
    with started("python", FUNC_TIMEOUT=limit) as server:
        assert get(server, "/later")[2] == b"later"


@pytest.mark.parametrize("limit", ["3m", "-1", "nan", "inf"])
def test_a_limit_that_is_no_number_ends_the_process(limit: str) -> None:
    """The last line names the variable and what it has to be."""
    with started("python", ready=False, FUNC_TIMEOUT=limit) as server:
        assert server.process.wait(30) == 1
        assert server.output.strip().rpartition("\n")[2].startswith(f'FUNC_TIMEOUT: Invalid value: "{limit}"')


def test_the_limit_of_a_stream_is_one_of_silence() -> None:
    """A stream may take longer than FUNC_TIMEOUT while its pieces come."""
    with started("python", FUNC_TIMEOUT="1") as server:
        assert get(server, "/ticks")[2] == b"012345"


def test_a_stream_that_fails_midway_is_cut_logged_and_counted() -> None:
    """The caller sees that it is not whole, the author sees why."""
    with started("python") as server:
        with pytest.raises(http.client.IncompleteRead):
            get(server, "/fails-midway")
        assert "secret-in-the-error" in server.output
        assert "workers.py" not in server.output
        page = get(server, "/metrics")[2].decode()
    assert 'function_failures_total{method="GET"} 1.0' in page


def test_packages_of_the_function_do_not_break_the_server(tmp_path: Path) -> None:
    """What a Function installs is found by its handler, and not by the server."""
    for name in ("bottle", "httptools", "cloudevents"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('of the Function')")
    with started("python", PYTHONPATH=str(tmp_path)) as server:
        assert get(server, "/text")[2] == b"text"
        event = {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "s", "ce-id": "i"}
        assert send(server, {"path": "/cloud-event", "headers": event})[0] == 200
        assert get(server, "/old-cloud-events")[0] == 500


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_metrics_count_completed_calls_and_failures(family: str) -> None:
    with started(family) as server:
        get(server, "/slow")
        get(server, "/fails")
        page = get(server, "/metrics")[2].decode()
    lines = dict(line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("function_"))
    assert float(lines['function_calls_total{method="GET"}']) == 2
    assert float(lines['function_failures_total{method="GET"}']) == 1
    assert float(lines['function_duration_seconds_sum{method="GET"}']) >= 1.5


@pytest.mark.parametrize("family", EACH_FAMILY)
@pytest.mark.parametrize(("broken", "message"), [("load", "broken on purpose"), ("main", "no function main")])
def test_a_handler_that_cannot_be_loaded_ends_the_process(family: str, broken: str, message: str) -> None:
    with started(family, ready=False, BREAK=broken) as server:
        assert server.process.wait(30) == 1
        assert message in server.output.strip().rpartition("\n")[2]


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_callers_wait_at_the_open_port_until_the_handler_is_loaded(family: str) -> None:
    with started(family, ready=False, BREAK="slow") as server:
        wait_until_listening(server)
        assert "loaded at last" not in server.output
        status, _, body = get(server, "/healthz")
        assert "loaded at last" in server.output
    assert (status, body) == (200, b"OK")


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_sigterm_ends_the_server_after_the_request_in_flight(family: str) -> None:
    answers: list[bytes] = []
    with started(family) as server:
        thread = threading.Thread(target=lambda: answers.append(get(server, "/slow")[2]))
        thread.start()
        while "started" not in server.output:
            time.sleep(0.02)
        assert server.terminate() == 0
        thread.join()
    assert answers == [b"slow but whole"]


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_a_draining_server_closes_a_connection_only_after_a_response(family: str) -> None:
    with started(family) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/text")
        connection.getresponse().read()
        server.process.terminate()
        time.sleep(0.2)
        connection.request("GET", "/text")
        response = connection.getresponse()
        assert (response.read(), response.getheader("Connection")) == (b"text", "close")
        assert server.process.wait(10) == 0


class Collector(BaseHTTPRequestHandler):
    """A stand-in for an event publisher or trace collector, which keeps what is posted."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"".join(self._chunks())
        self.server.received.append((self.path, self.headers, body))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.received = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_emits_cloud_events(family: str, collector: ThreadingHTTPServer) -> None:
    with started(family, PUBLISHER_PROXY_ADDRESS=f"http://127.0.0.1:{collector.server_port}/publish") as server:
        assert get(server, "/emits")[2] == b"sent"
    [(path, headers, body)] = collector.received  # type: ignore[attr-defined]
    assert (path, headers["Content-Type"].partition(";")[0].lower()) == ("/publish", "application/cloudevents+json")
    event = json.loads(body)
    assert (event["type"], event["source"], event["id"], event["data"]) == (
        "order.created",
        "shop",
        "fixed",
        {"number": 7},
    )


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_spans_are_children_of_the_callers_span(family: str, collector: ThreadingHTTPServer) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    endpoint = f"http://127.0.0.1:{collector.server_port}/v1/traces"
    with started(family, TRACE_COLLECTOR_ENDPOINT=endpoint, FUNC_NAME="hello") as server:
        send(server, {"path": "/traced", "headers": {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}})
        assert server.terminate() == 0
    sent = b"".join(body for _, _, body in collector.received)  # type: ignore[attr-defined]
    assert b"inner" in sent
    assert b"hello" in sent
    assert bytes.fromhex(trace) in sent or trace.encode() in sent


def test_the_callers_trace_is_passed_on_without_a_collector() -> None:
    """Before and after the handler has used the tracer, whose spans belong to the same trace."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    with started("python") as server:
        other = get(server, "/passes-trace-on")[2]
        assert (len(other), other[:3]) == (55, b"00-")
        for given in (
            {"b3": f"{trace}-b7ad6b7169203331-1"},
            {"X-B3-TraceId": trace, "X-B3-SpanId": "b7ad6b7169203331"},
        ):
            assert trace.encode() in send(server, {"path": "/passes-trace-on", "headers": given})[2]
        for path in ("/passes-trace-on", "/trace-of-tracer", "/passes-trace-on", "/trace-of-tracer"):
            assert trace.encode() in send(server, {"path": path, "headers": headers})[2], path
        assert trace.encode() not in get(server, "/trace-of-tracer")[2]


def test_spans_of_the_handlers_own_tracer_belong_to_the_callers_trace() -> None:
    """Also without a collector, and where a request names no trace."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    with started("python", MOD_NAME="otel_handler") as server:
        headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        assert send(server, {"path": "/", "headers": headers})[2] == trace.encode()
        assert get(server, "/")[2] not in (trace.encode(), b"0" * 32)


FLASK_ROWS: list[tuple[str, dict[str, Any], tuple[int, bytes]]] = [
    ("GET", {"path": "/hello?name=Ada"}, (200, b"Hello Ada!")),
    ("GET", {"path": "/tuple"}, (201, b'{"made":true}\n')),
    ("GET", {"path": "/stream"}, (200, b"ab")),
    ("GET", {"path": "/later"}, (200, b"later")),
    ("GET", {"path": "/fails"}, (500, b"Internal server error")),
    ("POST", {"path": "/echo", "headers": {"Content-Type": "application/json"}, "body": "[1]"}, (200, b"[1]\n")),
    ("GET", {"path": "/facts"}, (200, b'["hello","demo",3.0,1.0]\n')),
    ("GET", {"path": "/event"}, (200, b"none")),
    (
        "POST",
        {
            "path": "/event",
            "headers": {"Content-Type": "application/json", "ce-specversion": "1.0"}
            | {"ce-type": "t", "ce-source": "s", "ce-id": "i"},
            "body": '{"a": 1}',
        },
        (200, b'{"data":{"a":1},"type":"t"}\n'),
    ),
]


@pytest.fixture(scope="module")
def flask_server() -> Iterator[Server]:
    """A server whose handler takes no arguments."""
    with started("python", HANDLER_MOD_NAME="flask_handler", FUNC_BODY_MB_LIMIT="1", **LIMITS, **NAMES) as server:
        yield server


@pytest.mark.parametrize(("method", "request_", "expected"), FLASK_ROWS, ids=lambda value: str(value)[:40])
def test_a_handler_without_parameters_is_a_view_of_flask(
    flask_server: Server, method: str, request_: dict[str, Any], expected: tuple[int, bytes]
) -> None:
    """As Kyma's python314: flask.request, what a view may return, and the module `sdk`."""
    status, _, body = send(flask_server, {"method": method} | request_)
    assert (status, body) == expected


def test_errors_of_flask_are_answered_and_no_others(flask_server: Server) -> None:
    """An abort() is an answer; the trace of a caller is that of the tracer; a body has a limit."""
    assert get(flask_server, "/abort")[0] == 403
    assert b"secret" not in get(flask_server, "/fails")[2]
    assert "secret-in-the-error" in flask_server.output
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    assert send(flask_server, {"path": "/traced", "headers": headers})[2] == trace.encode()
    large = {"method": "POST", "path": "/echo", "headers": {"Content-Type": "application/json"}, "size": 1_500_000}
    assert send(flask_server, large)[0] == 413


@pytest.mark.parametrize("family", [pytest.param("nodejs", marks=NEEDS["nodejs"])])
def test_cors_preflights_are_answered_only_if_configured(family: str) -> None:
    with started(family, CORS_ALLOW_ORIGIN="https://example.com") as server:
        preflight = {"Access-Control-Request-Method": "PUT", "Origin": "https://example.com"}
        status, headers, _ = send(server, {"method": "OPTIONS", "path": "/text", "headers": preflight})
    assert (status, headers["access-control-allow-origin"]) == (204, "https://example.com")

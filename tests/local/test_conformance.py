"""
Both servers answer alike: one table of requests, and what happens around a request's life.

The interpreters really used are named in the header of the test run.
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
import yaml
from local.conformance.servers import Server, started, wait_until_listening

from hooks.cli import runtime_cache

HERE = Path(__file__).parent / "conformance"
TABLE: list[dict[str, Any]] = yaml.safe_load((HERE / "table.yaml").read_text(encoding="utf-8"))
NEEDS_NODE = pytest.mark.skipif(runtime_cache.node_version() is None, reason="LEFT OUT: node and npm are not on PATH")
FAMILIES = ("python", pytest.param("nodejs", marks=NEEDS_NODE))
ROWS = [
    pytest.param(family, row, id=f"{family}-{row['name']}", marks=NEEDS_NODE if family == "nodejs" else ())
    for family in ("python", "nodejs")
    for row in TABLE
    if row.get("only", family) == family
]
LIMITS = {"FUNC_TIMEOUT": "3", "FUNC_MEMFILE_MAX": "1000000", "REQ_MB_LIMIT": "1"}
NAMES = {"FUNC_NAME": "hello", "SERVICE_NAMESPACE": "demo", "FUNC_RUNTIME": "some-runtime"}


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[str], Server]]:
    """Return a function that starts a language's server when it is first asked for."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda family: stack.enter_context(started(family, **LIMITS, **NAMES)))


def ask(server: Server, request: dict[str, Any]) -> tuple[int, dict[str, str | None], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    body = "x" * request["size"] if "size" in request else request.get("body")
    path = request["path"].replace("ü", "%C3%BC")
    encoded = body.encode() if body else None
    with contextlib.closing(connection):
        if request.get("chunked"):
            pieces = (encoded[at : at + 1000] for at in range(0, len(encoded or b""), 1000)) if encoded else ()
            connection.request("POST", path, pieces, request["headers"], encode_chunked=True)
        else:
            connection.request(request.get("method", "GET"), path, encoded, request.get("headers", {}))
        response = connection.getresponse()
        text = response.read()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, text


def get(server: Server, path: str) -> tuple[int, dict[str, str | None], bytes]:
    return ask(server, {"path": path})


@pytest.mark.parametrize(("family", "row"), ROWS)
def test_answers_as_the_table_says(servers: Callable[[str], Server], family: str, row: dict[str, Any]) -> None:
    status, headers, body = ask(servers(family), row["request"])
    expected = row["answer"]
    assert status == expected.get("status", 200), body
    if "json" in expected:
        assert json.loads(body) == expected["json"]
    if "text" in expected:
        assert body == expected["text"].encode("latin-1")
    for name, value in expected.get("headers", {}).items():
        seen = headers.get(name.lower())
        # A charset after "application/json" says nothing.
        allowed = (value.lower(), f"{value}; charset=utf-8".lower()) if value else (None,)
        assert (seen.lower() if seen else seen) in allowed, name


@pytest.mark.parametrize("family", FAMILIES)
def test_context_names_the_function(servers: Callable[[str], Server], family: str) -> None:
    context = json.loads(get(servers(family), "/context")[2])
    assert (context["function-name"], context["namespace"]) == ("hello", "demo")
    assert context["runtime"] == "some-runtime"
    assert context["timeout"] == 3
    assert context["body-size-limit"] == (1_000_000 if family == "python" else 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_error_is_logged_and_not_told(servers: Callable[[str], Server], family: str) -> None:
    _, _, body = get(servers(family), "/fails")
    assert b"secret" not in body
    assert "secret-in-the-error" in servers(family).output


def test_a_python_handler_that_is_out_of_time_is_ended(servers: Callable[[str], Server]) -> None:
    get(servers("python"), "/forever")
    for _ in range(100):
        if not json.loads(get(servers("python"), "/stuck")[2])["alive"]:
            return
        time.sleep(0.05)
    pytest.fail("the handler's thread is still running")


@pytest.mark.parametrize("family", FAMILIES)
def test_metrics_count_calls_and_failures_when_they_are_done(family: str) -> None:
    with started(family) as server:
        get(server, "/slow")
        get(server, "/fails")
        page = get(server, "/metrics")[2].decode()
    lines = dict(line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("function_"))
    assert float(lines['function_calls_total{method="GET"}']) == 2
    assert float(lines['function_failures_total{method="GET"}']) == 1
    assert float(lines['function_duration_seconds_sum{method="GET"}']) >= 1.5


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("broken", "said"), [("load", "broken on purpose"), ("main", "no function main")])
def test_a_handler_that_cannot_be_loaded_ends_the_process(family: str, broken: str, said: str) -> None:
    with started(family, ready=False, BREAK=broken) as server:
        assert server.process.wait(30) == 1
        assert said in server.output.strip().rpartition("\n")[2]


@pytest.mark.parametrize("family", FAMILIES)
def test_callers_wait_at_the_open_port_until_the_handler_is_loaded(family: str) -> None:
    with started(family, ready=False, BREAK="slow") as server:
        wait_until_listening(server)
        assert "loaded at last" not in server.output
        status, _, body = get(server, "/healthz")
        assert "loaded at last" in server.output
    assert (status, body) == (200, b"OK")


@pytest.mark.parametrize("family", FAMILIES)
def test_sigterm_lets_a_request_finish_and_ends_in_time(family: str) -> None:
    answers: list[bytes] = []
    with started(family) as server:
        thread = threading.Thread(target=lambda: answers.append(get(server, "/slow")[2]))
        thread.start()
        while "started" not in server.output:
            time.sleep(0.02)
        assert server.terminate() == 0
        thread.join()
    assert answers == [b"slow but whole"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_draining_server_closes_connections_only_after_an_answer(family: str) -> None:
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
    """Takes what is posted, as an event publisher or a trace collector does."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"".join(self._chunks())
        self.server.taken.append((self.path, self.headers, body))  # type: ignore[attr-defined]
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
    server.taken = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("family", FAMILIES)
def test_emits_cloud_events(family: str, collector: ThreadingHTTPServer) -> None:
    with started(family, PUBLISHER_PROXY_ADDRESS=f"http://127.0.0.1:{collector.server_port}/publish") as server:
        assert get(server, "/emits")[2] == b"sent"
    [(path, headers, body)] = collector.taken  # type: ignore[attr-defined]
    assert (path, headers["Content-Type"].partition(";")[0].lower()) == ("/publish", "application/cloudevents+json")
    event = json.loads(body)
    assert (event["type"], event["source"], event["id"], event["data"]) == (
        "order.created",
        "shop",
        "fixed",
        {"number": 7},
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_sends_traces_below_the_callers(family: str, collector: ThreadingHTTPServer) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    endpoint = f"http://127.0.0.1:{collector.server_port}/v1/traces"
    with started(family, TRACE_COLLECTOR_ENDPOINT=endpoint, FUNC_NAME="hello") as server:
        ask(server, {"path": "/traced", "headers": {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}})
        assert server.terminate() == 0
    sent = b"".join(body for _, _, body in collector.taken)  # type: ignore[attr-defined]
    assert b"inner" in sent
    assert b"hello" in sent
    assert bytes.fromhex(trace) in sent or trace.encode() in sent


@pytest.mark.parametrize("family", FAMILIES[1:])
def test_cors_is_answered_only_when_asked_for(family: str) -> None:
    with started(family, CORS_ALLOW_ORIGIN="https://example.com") as server:
        preflight = {"Access-Control-Request-Method": "PUT", "Origin": "https://example.com"}
        status, headers, _ = ask(server, {"method": "OPTIONS", "path": "/text", "headers": preflight})
    assert (status, headers["access-control-allow-origin"]) == (204, "https://example.com")

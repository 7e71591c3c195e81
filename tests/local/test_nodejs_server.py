"""What the Node.js server logs, counts and passes on."""

import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.runtime_servers import NEEDS, Server, get, send, started

pytestmark = NEEDS["nodejs"]

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with started("nodejs", FUNC_TIMEOUT="1") as server:
        yield server


def test_an_error_names_the_line_of_its_author(server: Server) -> None:
    get(server, "/fails")
    assert "function/handler.js:" in server.output
    assert "lib/call.mjs" not in server.output


def test_an_error_of_axios_is_a_few_lines_without_secrets() -> None:
    with started("nodejs") as server:
        url = f"http://user:secret@127.0.0.1:{server.port}/fails"
        send(server, {"method": "POST", "path": "/axios", "headers": {"Content-Type": "text/plain"}, "body": url})
        log = server.output
    about = log.partition("AxiosError")[2]
    assert f"POST http://127.0.0.1:{server.port}/fails, status 500, ERR_BAD_RESPONSE" in about
    assert "handler.js:" in about
    assert "secret-in-the-query" not in about
    assert "user:secret" not in about
    assert len(about.splitlines()) < 12


def test_calls_are_counted_under_both_names_of_the_duration() -> None:
    with started("nodejs") as server:
        send(server, {"method": "PROPFIND", "path": "/text"})
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
        status, headers, _ = send(server, {"method": "OPTIONS", "path": "/text", "headers": {"Origin": "http://x"}})
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
    seen = json.loads(send(server, {"method": "POST", "path": "/passes-on", "headers": headers, "body": body})[2])
    assert {name: seen.get(name) for name in passed} == passed


@pytest.mark.parametrize("fetches", [True, False])
@pytest.mark.parametrize(
    ("brought", "flags"),
    [
        ({}, "01"),
        ({"X-B3-Sampled": "1"}, "01"),
        ({"X-B3-Sampled": "0"}, "00"),
        ({"traceparent": "nonsense"}, "01"),
        ({"traceparent": f"00-{'0' * 32}-{SPAN}-01"}, "01"),
        ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, "01"),
        ({"b3": f"{'0' * 32}-{SPAN}-1"}, "01"),
    ],
)
def test_a_caller_without_a_trace_begins_one(
    server: Server, echo: ThreadingHTTPServer, fetches: bool, brought: dict[str, str], flags: str
) -> None:
    body = json.dumps({"fetches": fetches, "url": f"http://127.0.0.1:{echo.server_port}/"})
    headers = {"Content-Type": "application/json"} | brought
    seen = json.loads(send(server, {"method": "POST", "path": "/passes-on", "headers": headers, "body": body})[2])
    assert seen["traceparent"] == f"00-{seen['x-b3-traceid']}-{seen['x-b3-spanid']}-{flags}"
    assert seen["x-b3-traceid"] not in {TRACE, "0" * 32}


def test_calls_to_elsewhere_belong_to_one_trace_for_each_request(tmp_path: Path, echo: ThreadingHTTPServer) -> None:
    (tmp_path / "handler.js").write_text("""
      const call = async () => (await (await fetch(process.env.ECHO)).json()).traceparent.split('-')[1];
      exports.main = async (event) => {
        const first = await call();
        await new Promise((resolve) => setTimeout(resolve, 5));
        const span = event.tracer.startSpan('inner').spanContext().traceId;
        return [first, span, ...(await Promise.all([call(), call()]))];
      };
    """)
    env = {"HANDLER_PATH": str(tmp_path / "handler.js"), "ECHO": f"http://127.0.0.1:{echo.server_port}/"}
    with started("nodejs", **env) as server:  # type: ignore[arg-type]
        traces = [set(json.loads(get(server, "/")[2])) for _ in range(3)]
    assert [len(each) for each in traces] == [1, 1, 1]
    assert len(set.union(*traces)) == 3


def test_a_span_knows_the_trace_of_its_caller(server: Server) -> None:
    assert send(server, {"path": "/trace-id", "headers": {"traceparent": PARENT}})[2] == TRACE.encode()


USES_OPENTELEMETRY = """
const { context, propagation, trace } = require(process.cwd() + '/node_modules/@opentelemetry/api');
exports.main = async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  trace.getActiveSpan().setAttribute('a', 1);
  const carrier = {};
  propagation.inject(context.active(), carrier);
  return { carrier, called: await (await fetch(process.env.ECHO)).json(), made: made?.spans };
};
"""
HAS_ITS_OWN = """
const { NodeTracerProvider } = require(process.cwd() + '/node_modules/@opentelemetry/sdk-trace-node');
const made = { spans: [], onStart: (span) => made.spans.push(span.spanContext().spanId), onEnd() {} };
new NodeTracerProvider({ spanProcessors: [made] }).register();
"""


@pytest.mark.parametrize("own", [False, True])
def test_a_handler_may_use_opentelemetry(tmp_path: Path, echo: ThreadingHTTPServer, own: bool) -> None:
    """A provider that the handler registers is left in place; without one the current span is the caller's."""
    text = HAS_ITS_OWN + USES_OPENTELEMETRY if own else "const made = undefined;" + USES_OPENTELEMETRY
    if own:
        wrapped = "exports.main = () => trace.getTracer('own').startActiveSpan('outer', inner);"
        text = text.replace("exports.main =", "const inner =") + wrapped
    (tmp_path / "handler.js").write_text(text)
    env = {"HANDLER_PATH": str(tmp_path / "handler.js"), "ECHO": f"http://127.0.0.1:{echo.server_port}/"}
    with started("nodejs", **env) as server:  # type: ignore[arg-type]
        answer = json.loads(send(server, {"path": "/", "headers": {"traceparent": PARENT, "tracestate": "a=b"}})[2])
    parent = f"00-{TRACE}-{answer['made'][0]}-01" if own else PARENT
    expected = {"traceparent": parent, "tracestate": "a=b"}
    assert expected.items() <= answer["carrier"].items()
    assert expected.items() <= answer["called"].items()


def test_attributes_of_an_event_come_before_the_arguments(echo: ThreadingHTTPServer) -> None:
    with started("nodejs", PUBLISHER_PROXY_ADDRESS=f"http://127.0.0.1:{echo.server_port}/") as server:
        assert get(server, "/emits-otherwise")[2] == b"sent"
    event = echo.taken  # type: ignore[attr-defined]
    assert (event["type"], event["data"], "datacontenttype" in event) == ("order.changed", 7, False)

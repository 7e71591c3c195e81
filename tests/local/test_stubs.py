"""The type stubs that `buildless new` writes, compared with what the real servers pass to handlers."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import node26
from support.cases import ROOT
from support.runtime_servers import NEEDS, send, started

from hooks.cli.new import ROOT as TEMPLATES

REPORTS = Path(__file__).parent / "stubs"
EVENT = {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "s", "ce-id": "1", "ce-time": "2026-01-02T03:04:05Z"}
JSON = {"content-type": "application/json"}
REQUESTS: Mapping[str, dict[str, Any]] = {
    "query": {"path": "/a?name=you&b=1", "headers": {"cookie": "a=b", "authorization": "Basic YTpi"}},
    "json": {"path": "/", "method": "POST", "body": '{"a": 1}', "headers": JSON},
    "form": {
        "path": "/",
        "method": "POST",
        "body": "a=1&b=2",
        "headers": {"content-type": "application/x-www-form-urlencoded"},
    },
    "cloudevent": {"path": "/", "method": "POST", "body": '{"a": 1}', "headers": EVENT | JSON},
    "structured": {
        "path": "/",
        "method": "POST",
        "body": '{"specversion": "1.0", "type": "t", "source": "s", "id": "1", "data": [1]}',
        "headers": {"content-type": "application/cloudevents+json"},
    },
}
FACTS: Mapping[str, Any] = {"FUNC_NAME": "hello", "SERVICE_NAMESPACE": "default", "FUNC_MEMORY_LIMIT": "256Mi"}
each_request = pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
PYTHON = {
    "event": (
        "python312",
        "python/event/function.pyi",
        "def main(event, context): return report.of_event(event, context)",
    ),
    "sdk": ("python314", "python/sdk/sdk.pyi", "def main(): return report.of_sdk()"),
}


def of_python(directory: Path, style: str, request: dict[str, Any], stub: str | None = None) -> list[str]:
    """Return the differences between a stub for Python and the server."""
    runtime, path, main = PYTHON[style]
    (directory / "report.py").write_text((REPORTS / "report.py").read_text())
    (directory / "handler.py").write_text(f"import report\n\n{main}\n")
    (directory / "stub.pyi").write_text(stub or (TEMPLATES / path).read_text())
    place: dict[str, Any] = {
        "FUNCTION_PATH": str(directory),
        "FUNC_RUNTIME": runtime,
        "STUB": str(directory / "stub.pyi"),
    }
    with started("python", **FACTS, **place) as server:
        status, _, body = send(server, request)
        assert status == 200, server.output
        differences: list[str] = json.loads(body)
        return differences


@pytest.mark.sampled
@NEEDS["python"]
@each_request
@pytest.mark.parametrize("style", PYTHON)
def test_stubs_for_python_are_complete(tmp_path: Path, style: str, request_: dict[str, Any]) -> None:
    """Each public attribute of event, context, the request and sdk is in the stub with its type, and no other."""
    assert of_python(tmp_path, style, request_) == []


WRONG = [
    ("event", "    method: str\n", "    method: int\n", ["extensions['request'].method: is str, not <class 'int'>"]),
    ("event", "    url: str\n", "", ["extensions['request'].url: not in the stub"]),
    ("event", "    url: str\n", "    url: str\n    uri: str\n", ["extensions['request'].uri: only in the stub"]),
    ("event", '"timeout": float', '"timeout": str', ["context['timeout']: is float, not <class 'str'>"]),
    ("sdk", "get_timeout() -> float", "get_timeout() -> str", ["sdk.get_timeout(): is float, not <class 'str'>"]),
    ("sdk", "get_namespace()", "get_space()", ["sdk.get_namespace: only in sdk", "sdk.get_space: only in the stub"]),
]


@pytest.mark.sampled
@NEEDS["python"]
@pytest.mark.parametrize(("style", "right", "wrong", "differences"), WRONG)
def test_a_wrong_stub_is_found(tmp_path: Path, style: str, right: str, wrong: str, differences: list[str]) -> None:
    """An attribute with another type, a missing and an unknown one are found."""
    text = (TEMPLATES / PYTHON[style][1]).read_text()
    assert right in text
    found = of_python(tmp_path, style, REQUESTS["query"], text.replace(right, wrong))
    assert [each for each in found if not each.startswith("event.req")] == differences


NODE = {
    "event": ("nodejs22", "function.d.ts", ["Event", "Context", "Extensions", "Tracer", "Request", "Response"]),
    "sdk": ("nodejs26", "sdk.d.ts", ["CloudEvent", "sdk", "Tracer", "Request", "Response"]),
}
COMPLETE = {"Event", "Context", "Extensions", "sdk"}
"""Of the others, which have all that Node.js' messages have, the stub names a part."""
MEMBER = re.compile(r"^(?:  |export function )'?([\w-]+)'?(\?)?(<.*>)?(\(.*\))?: (.+);$", re.MULTILINE)


def declared(*stubs: str) -> dict[str, dict[str, tuple[set[str], bool]]]:
    """Return the types of each member of each interface, what each function returns (name()), and if it is optional."""
    found: dict[str, dict[str, tuple[set[str], bool]]] = {}
    for text in stubs:
        blocks = re.findall(r"^export interface (\w+).*?\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
        for name, body in [*blocks, ("sdk", re.sub(r"(?ms)^export interface.*?^\}", "", text))]:
            members = found.setdefault(name, {})
            for member, optional, _, parameters, kind in MEMBER.findall(body):
                types = {javascript_type(each) for each in kind.split(" | ")}
                members[member] = ({"function"} if parameters else types, bool(optional))
                if parameters:
                    members[f"{member}()"] = (types, True)
    return found


def javascript_type(typescript: str) -> str:
    """Return what a value of a type is reported as; "any" for any."""
    if typescript.endswith("[]"):
        return "array"
    if typescript in ("any", "unknown", "Data"):
        return "any"
    return {"false": "boolean"}.get(typescript, typescript if typescript.islower() else "object")


def of_node(directory: Path, style: str, request: dict[str, Any], *stubs: str) -> list[str]:
    """Return the differences between stubs for Node.js and what a handler reports."""
    runtime, _, owners = NODE[style]
    (directory / "handler.js").write_text((REPORTS / "report.js").read_text())
    (directory / "package.json").write_text("{}")
    place: dict[str, Any] = {"HANDLER_PATH": str(directory / "handler.js"), "FUNC_RUNTIME": runtime}
    with started("nodejs", **FACTS, **place, PATH=node26.path()) as server:
        status, _, body = send(server, request)
        assert status == 200, server.output
    reported, stub = json.loads(body), declared(*stubs)
    assert set(reported) - {"CloudEvent"} == set(owners) - {"CloudEvent"}
    return [line for owner, types in reported.items() for line in sorted(compared(owner, types, stub[owner]))]


def compared(owner: str, reported: dict[str, str], stub: dict[str, tuple[set[str], bool]]) -> Iterator[str]:
    """Yield a line for each member that only one of both has, or that has another type."""
    for name in reported.keys() - stub.keys():
        if owner in COMPLETE and not name.startswith("ce-"):
            yield f"{owner}.{name}: not in the stub"
    for name, (types, optional) in stub.items():
        found = reported.get(name, "undefined")
        if name not in reported and not optional and not types & {"undefined"}:
            yield f"{owner}.{name}: only in the stub"
        elif name in reported and found not in types and "any" not in types:
            yield f"{owner}.{name}: is {found}, not {' | '.join(sorted(types))}"


def stubs_of_node() -> list[str]:
    return [(TEMPLATES / "nodejs" / name).read_text() for name in ("function.d.ts", "sdk.d.ts")]


@pytest.mark.sampled
@NEEDS["nodejs"]
@each_request
@pytest.mark.parametrize("style", NODE)
def test_stubs_for_node_are_right(tmp_path: Path, style: str, request_: dict[str, Any]) -> None:
    """Each member in the stub exists with its type; each of event, context and sdk is in the stub."""
    assert of_node(tmp_path, style, request_, *stubs_of_node()) == []


WRONG_NODE = [
    ("  method: string;", "  method: number;", ["Request.method: is string, not number"]),
    ("  timeout: number;", "  timeout: string;", ["Context.timeout: is number, not string"]),
    ("  tracer: Tracer;\n", "", ["Event.tracer: not in the stub"]),
    ("  data: Data;\n", "  data: Data;\n  raw: any;\n", ["Event.raw: only in the stub"]),
    (
        "  get(name: string): string | undefined;",
        "  get(name: string): boolean;",
        ["Request.get(): is string, not boolean"],
    ),
]


@pytest.mark.sampled
@NEEDS["nodejs"]
@pytest.mark.parametrize(("right", "wrong", "differences"), WRONG_NODE)
def test_a_wrong_stub_for_node_is_found(tmp_path: Path, right: str, wrong: str, differences: list[str]) -> None:
    """A member with another type, a missing and an unknown one are found."""
    function, sdk = stubs_of_node()
    assert right in function
    assert of_node(tmp_path, "event", REQUESTS["query"], function.replace(right, wrong, 1), sdk) == differences


def test_documented_attributes_are_in_the_stubs() -> None:
    """Every attribute of event, context and sdk that docs/handlers.md names is in the stub of the language."""
    page = (ROOT / "docs" / "handlers.md").read_text()
    arguments = page.partition("### Arguments")[2].partition("### Results")[0]
    python, javascript = (TEMPLATES / PYTHON["event"][1]).read_text(), "".join(stubs_of_node())
    named = [
        (name, re.sub(r"^(extensions\.|ce-\w+).*", lambda found: found[1].strip("."), name), cells)
        for cells in re.findall(r"^\| (`.*)\|$", arguments, re.MULTILINE)
        for name in re.findall(r"`([\w.-]+)", cells.partition(" | ")[0])
    ]
    assert len(named) > 10
    for name, member, cells in named:
        last = name.rpartition(".")[2]
        for text, other in ((python, "Node.js:"), (javascript, "Python:")):
            if f"| {other}" not in cells:
                assert re.search(rf"\b{member}\b", text), name
                assert re.search(rf"\b{last}\b", text), name
    for name in re.findall(r"`([\w-]+)`", arguments.partition("`context` has")[2].partition(";")[0]):
        assert f'"{name}"' in python, name
        assert re.search(rf"'?{name}'?: ", javascript), name
    for row in re.findall(r"^\| (`get_.*|`emit_.*)\|$", page, re.MULTILINE):
        in_python, in_javascript = row.split(" | ")[:2]
        for name in re.findall(r"`(\w+)\(", in_python):
            assert f"def {name}(" in (TEMPLATES / PYTHON["sdk"][1]).read_text()
        for name in re.findall(r"`(\w+)\(", in_javascript):
            assert f"export function {name}(" in javascript

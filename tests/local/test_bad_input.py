"""Input of any kind: what is wrong with a file is one line with its place, never a traceback."""

import contextlib
import io
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hooks.cli import main
from hooks.cli.run.sources import Sources
from hooks.config import Config

FUNCTION = """\
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata:
  name: hello
spec:
  runtime: python312
  source:
    inline:
      source: |
        def main(event, context):
            return 1
  env:
    - {name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}
"""
SECRET = "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n  k: dmFsdWU=\nstringData:\n  t: x\n"
CONFIG_MAP = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  k: v\nbinaryData:\n  b: dg==\n"
TEXT = FUNCTION + SECRET + CONFIG_MAP
PIECES = [
    *("", " ", "\t", "null", "~", "-", "- a", "a", "1", "1e999", "0x", "[", "]", "{", "}", ":", "? a", "'", '"', "\0"),
    *("&a", "*a", "<<: *a", "!!binary '*'", "!x y", "---", "...", "%YAML 1.1", "# c", "metadata:", "spec: []", "é"),
    *("name: {a: b}", "data: [a]", "data: {../x: YQ==}", "data: {a: '%%%'}", "data: {k: /w==}", "kind: [x]", "\x1b[2J"),
    *("kind: List", "items: [1, null, {}]", "items: {}", "apiVersion: 5", "name: " + "9" * 5000),
]  # fmt: skip


def sources(file: Path) -> Sources:
    return Sources([str(file)], Config())


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A file of three objects with some lines replaced, removed, doubled or cut, and some bytes changed."""
    lines = TEXT.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        piece = draw(st.sampled_from(PIECES))
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        cut = draw(st.integers(0, len(lines[at])))
        lines[at : at + 1] = draw(
            st.sampled_from(
                [[], [indent + piece], [lines[at], indent + piece], [lines[at]] * 2, [lines[at][:cut] + piece]]
            )
        ) or [""]
    data = bytearray("\n".join(lines).encode("utf-8", "surrogatepass"))
    for position, byte in draw(st.lists(st.tuples(st.integers(0, len(data)), st.integers(0, 255)), max_size=2)):
        data[position : position + 1] = bytes([byte])
    return bytes(data)


@given(data=st.one_of(mutated(), st.binary(max_size=200)))
def test_no_input_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """`render` prints either objects, or lines that begin with the file; `run` reads the same files."""
    file = tmp_path_factory.mktemp("input") / "a.yaml"
    file.write_bytes(data)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["render", "--status", str(file)])
    assert (code, bool(out.getvalue()), bool(err.getvalue())) in ((0, True, False), (1, False, True))
    assert all(line.startswith(f"{file}") and line.isprintable() for line in err.getvalue().splitlines())
    wanted = sources(file).load()
    assert all(str(problem).startswith(str(file)) for problem in wanted.problems)


def secret(body: str, kind: str = "Secret") -> str:
    return f"---\napiVersion: v1\nkind: {kind}\n{body}\n"


LINES = len(FUNCTION.splitlines()) + 3
BAD_OBJECTS = {
    "no name": (secret("metadata:"), f"{LINES + 1}: metadata.name: Required value"),
    "no metadata": (secret("data: {}", "ConfigMap"), f"{LINES - 1}: metadata.name: Required value"),
    "no Base64": (secret("metadata: {name: s}\ndata: {k: '%%%'}"), "data.k: Invalid value: must be Base64"),
    "a list": (secret("metadata: {name: s}\ndata: [a]"), "data: must be of type object"),
    "a number": (secret("metadata: {name: s}\nstringData: {k: 1}"), "stringData.k: must be of type string"),
    "a path": (secret("metadata: {name: s}\ndata: {../x: YQ==}"), "data.../x: Invalid value: must consist of"),
    "an absolute path": (secret("metadata: {name: s}\ndata: {/x: YQ==}"), "data./x: Invalid value: must consist of"),
    "a directory": (secret("metadata: {name: c}\ndata: {..: a}", "ConfigMap"), "data...: Invalid value: must consist"),
}


@pytest.mark.parametrize(("text", "message"), BAD_OBJECTS.values(), ids=BAD_OBJECTS)
def test_secrets_and_config_maps_are_checked(tmp_path: Path, text: str, message: str) -> None:
    """What the API server would reject is a problem with its place; the Functions of the file are left as they were."""
    file = tmp_path / "a.yaml"
    file.write_text(FUNCTION + text)
    wanted = sources(file).load()
    assert len(wanted.problems) == 1
    assert message in str(wanted.problems[0])
    assert not wanted.functions


MISTAKES = {
    "metadata is empty": FUNCTION.replace("metadata:\n  name: hello\n", "metadata:\n"),
    "the name is gone": FUNCTION.replace("name: hello", "namespace: hello"),
    "the kind is mistyped": FUNCTION.replace("kind: Function", "kind: Funktion"),
    "a bracket": FUNCTION + "  labels: [",
    "not UTF-8": FUNCTION.replace("hello", "hell\udcff"),
    "nothing": "",
    "a Secret without a name": FUNCTION + secret("metadata:"),
    "an invalid spec": FUNCTION.replace("python312", "cobol"),
    "an unknown field": FUNCTION + "  replica: 3\n",
}


@pytest.mark.parametrize("text", MISTAKES.values(), ids=MISTAKES)
def test_what_runs_survives_a_mistake(tmp_path: Path, text: str) -> None:
    """A saved mistake is reported and removes no Function, neither of this file nor of another."""
    file, other = tmp_path / "a.yaml", tmp_path / "b.yaml"
    file.write_text(FUNCTION + SECRET)
    other.write_text(FUNCTION.replace("name: hello", "name: other"))
    both = Sources([str(file), str(other)], Config())
    assert set(both.load().functions) == {"hello", "other"}
    file.write_bytes(text.encode(errors="surrogateescape"))
    wanted = both.load()
    assert set(wanted.functions) | wanted.invalid == {"hello", "other"}
    assert "other" in wanted.functions
    assert all(str(problem).startswith(f"{file}") for problem in wanted.problems)
    assert wanted.problems


def test_a_removed_document_removes_its_function(tmp_path: Path) -> None:
    """A file that is valid without a Function stops that Function."""
    file = tmp_path / "a.yaml"
    second = FUNCTION.replace("name: hello", "name: second")
    file.write_text(f"{FUNCTION}---\n{second}")
    found = sources(file)
    assert set(found.load().functions) == {"hello", "second"}
    file.write_text(second)
    assert set(found.load().functions) == {"second"}


def test_binary_values_are_no_variables(tmp_path: Path) -> None:
    """Bytes that no environment variable can hold are read, and rejected where a variable needs them."""
    file = tmp_path / "a.yaml"
    text = yaml.safe_load(SECRET.removeprefix("---\n")) | {"data": {"k": "/w==", "nul": "AA=="}}
    file.write_text(f"{FUNCTION}---\n{yaml.safe_dump(text)}")
    assert not sources(file).load().problems


def test_standard_input_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A save of another file leaves the Functions of standard input as they are."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FUNCTION.encode())))
    found = Sources(["-"], Config())
    for _ in range(2):
        wanted = found.load()
        assert (set(wanted.functions), wanted.problems) == ({"hello"}, [])

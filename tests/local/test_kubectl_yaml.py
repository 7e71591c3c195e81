"""
YAML as kubectl reads it: the table has texts and their values in kubectl 1.36.3.

tests/cluster/test_kubectl_agrees.py compares with the kubectl of the machine.
"""

from pathlib import Path
from typing import Any

import pytest
from support.kubectl_yaml import HEAD, STRICTER, TABLE, comparable

from hooks.cli import main
from hooks.cli.files import documents
from hooks.cli.problem import Unusable

LAXER = {'spec:\n  x: "\\ud83d\\ude00"\n'}
"""JSON writes a character above U+FFFF like this; kubectl accepts it in JSON only."""


def read(directory: Path, text: str) -> Any:
    """Return the spec of a Function in a file as `buildless render` reads it."""
    file = directory / "a.yaml"
    file.write_text(HEAD + text)
    (document,) = documents(str(file))
    return document.value["spec"]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["text"].removeprefix("spec:\n  x: "))
def test_values_are_those_of_kubectl(tmp_path: Path, row: dict[str, Any]) -> None:
    """A text has the same value as in kubectl, and is rejected if kubectl rejects it."""
    if ("refused" in row and row["text"] not in LAXER) or row["text"] in STRICTER:
        with pytest.raises(Unusable, match=r"a\.yaml:\d+: "):
            read(tmp_path, row["text"])
    else:
        expected = {"x": "😀"} if row["text"] in LAXER else row["spec"]
        assert comparable(read(tmp_path, row["text"])) == comparable(expected)


def bomb(levels: int, width: int) -> str:
    lines = ["spec:", "  a0: &a0 [x]"]
    lines += [f"  a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("levels", "is_read"), [(4, True), (5, False), (9, False), (60, False)])
def test_aliases_are_bounded(tmp_path: Path, levels: int, is_read: bool) -> None:
    """A document is rejected like in kubectl if nearly all of its nodes come from aliases."""
    if is_read:
        assert len(read(tmp_path, bomb(levels, 9))) == levels
    else:
        with pytest.raises(Unusable, match="too many aliases"):
            read(tmp_path, bomb(levels, 9))


TOO_DEEP = {
    "brackets": "spec: " + "[" * 3000 + "]" * 3000,
    "braces": "spec: " + '{"a":' * 600 + "1" + "}" * 600,
    "a hundred and one": "spec: " + "[" * 101 + "]" * 101,
    "an alias of itself": "spec: &a [*a]",
    "an alias of the map around it": "spec: &a {b: {c: *a}}",
    "a merge of itself": "spec: &a {<<: *a}",
}


@pytest.mark.parametrize("text", TOO_DEEP.values(), ids=TOO_DEEP)
def test_nesting_is_bounded(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Nesting of any depth, endless too, is one line of an error."""
    file = tmp_path / "a.yaml"
    file.write_text(HEAD + text + "\n")
    assert main(["render", str(file)]) == 1
    assert capsys.readouterr().err.startswith(f"{file}:4: ")


@pytest.mark.parametrize("text", ["!!python/object:os.system x", "!mine x", "!!set {a}", "!!int 1.5", "!!binary '*'"])
def test_unknown_tags_and_wrong_values_are_rejected(tmp_path: Path, text: str) -> None:
    """A tag has to be one of YAML's, and to fit its value."""
    with pytest.raises(Unusable, match=r"a\.yaml:4: "):
        read(tmp_path, f"spec: {text}\n")


FUNCTION = HEAD + "spec:\n  runtime: python312\n  source: {inline: {source: x}}\n"
UNKNOWN = {
    "  replica: 3": '7: spec.replica: unknown field, did you mean "replicas"? supported fields: "annotations", "auto',
    "  Replicas: 3": '7: spec.Replicas: unknown field, did you mean "replicas"? supported fields: ',
    "  env: [{name: A, valeu: x}]": '7: spec.env[0].valeu: unknown field, did you mean "value"? supported',
    "  zz: 1": '7: spec.zz: unknown field; supported fields: "annotations", ',
    '  "a\\nb": 1': "7: spec.a\\nb: unknown field; supported fields: ",
    "  podSecurityContext: {fsgroup: 1}": '7: spec.podSecurityContext.fsgroup: unknown field, did you mean "fsGroup"?',
    "  tolerations: [{op: Exists}]": '7: spec.tolerations[0].op: unknown field; supported fields: "effect", "key"',
    "spek: 1": '7: spek: unknown field, did you mean "spec"? supported fields: "apiVersion", "kind", "metadata"',
}


@pytest.mark.parametrize(("text", "line"), UNKNOWN.items())
def test_unknown_fields_are_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, line: str) -> None:
    """A field that the API server would reject is an error that has the supported fields."""
    file = tmp_path / "a.yaml"
    file.write_text(f"{FUNCTION}{text}\n")
    assert main(["render", str(file)]) == 1
    assert f"{file}:{line}" in capsys.readouterr().err


def test_unknown_metadata_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All metadata that kubectl prints is accepted; a field that no object has is not."""
    file = tmp_path / "a.yaml"
    given = "{name: a, label: {}, annotations: {}, creationTimestamp: null, managedFields: [], resourceVersion: '1'}"
    file.write_text(FUNCTION.replace("{name: a}", given))
    assert main(["render", str(file)]) == 1
    assert capsys.readouterr().err.startswith(f'{file}:3: metadata.label: unknown field, did you mean "labels"?')

"""`buildless convert`: values, comments and bytes of files before and after."""

import json
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from support.cases import ROOT, all_cases
from support.command_line import Run, runner
from support.random_functions import function as random_function
from support.random_functions import sound

from hooks.cli.conversion import texts
from hooks.cli.conversion.comments import comments, keys
from hooks.cli.conversion.texts import converted_text
from hooks.cli.dump import to_json, to_yaml
from hooks.cli.kubectl_yaml import Loader
from hooks.convert import KEPT, convert
from hooks.moved_fields import VERSIONS

Manifest = dict[str, Any]

V1, V2 = VERSIONS
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
GENERATED = 6
"""Times 16 shares."""
FORMS: list[Callable[[Any], str]] = [
    to_yaml,
    to_json,
    lambda value: yaml.safe_dump(value, indent=4, width=60),
    lambda value: yaml.safe_dump(value, default_flow_style=None, sort_keys=False),
    lambda value: yaml.safe_dump(value, default_style='"', allow_unicode=True),
    lambda value: yaml.safe_dump(value, default_flow_style=True),
]


def load(text: str) -> list[Any]:
    """Return the documents of a text as kubectl reads them."""
    loader, found = Loader(text), []
    while loader.check_node():
        if node := loader.get_node():
            found.append(loader.construct_document(node))
    return found


def as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def with_comments(random: Random, text: str) -> str:
    """Return a text with comments above and beside some keys of maps that are not in braces."""
    for number, (index, _) in enumerate(reversed(keys(text))):
        line = text.rfind("\n", 0, index) + 1
        if random.random() < 0.3 and not text[line:index].strip():
            text = f"{text[:line]}{text[line:index]}# comment {number}\n{text[line:]}"
        end = text.find("\n", line)
        if random.random() < 0.1 and text[line:end].rstrip().endswith(":"):
            text = f"{text[:end]} # note {number}{text[end:]}"
    return text


def generated(share: int) -> Iterator[tuple[Random, Manifest]]:
    for seed in range(share * GENERATED, (share + 1) * GENERATED):
        random = Random(seed)
        parent = sound(random) if random.random() < 0.5 else random_function(random)[1]
        yield random, {"apiVersion": V1, "kind": "Function", **parent}


@pytest.mark.sampled
@pytest.mark.parametrize("share", range(16))
def test_values_and_comments(share: int) -> None:
    """The text of any Function in any form has the converted value and each of its comments once, there and back."""
    for random, function in generated(share):
        own, other = random.sample(VERSIONS, 2)
        form = random.choice(FORMS)
        text = form(convert(function, own))
        if form is not to_json:
            text = with_comments(random, text)
        (value,) = load(text)
        there = converted_text(text, other)
        assert as_text(load(there)) == as_text([convert(value, other)])
        assert counted(there) == counted(text)
        assert as_text(load(converted_text(there, own))) == as_text([value])
        assert converted_text(there, other) == there


def counted(text: str) -> Counter[str]:
    return Counter(each.text for each in comments(text))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(path: Path) -> None:
    """There and back, an example is the same to the last byte; in its own version it is not changed at all."""
    text = path.read_text(encoding="utf-8")
    there = converted_text(text, V2)
    assert load(there) == [converted(each) for each in load(text)]
    assert converted_text(there, V1) == text
    assert (converted_text(text, V1), converted_text(there, V2)) == (text, there)


def converted(value: Any) -> Any:
    return convert(value, V2) if value.get("kind") == "Function" else value


def test_the_page_has_one_function_twice() -> None:
    """The two manifests of docs/v2alpha1.md are the conversions of each other, to the last byte."""
    page = (ROOT / "docs" / "v2alpha1.md").read_text(encoding="utf-8")
    second, first = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert (converted_text(first, V2), converted_text(second, V1)) == (second, first)


ESCAPED = {"source-with-dollars-and-backslashes"}
"""Cases with an emoji in double quotes, which becomes an escape."""


@pytest.mark.sampled
@pytest.mark.parametrize("share", range(16))
def test_golden_cases(share: int) -> None:
    """There and back, a manifest as it is printed has the same bytes, unless v2alpha1 lacks some of its fields."""
    compared = 0
    for case in all_cases()[share::16]:
        function = {"apiVersion": V1, "kind": "Function", **case.request["parent"]}
        text = to_yaml(function)
        there = converted_text(text, V2)
        assert as_text(load(there)) == as_text([convert(function, V2)]), case.name
        if KEPT not in there and case.name not in ESCAPED:
            assert converted_text(there, V1) == text, case.name
            compared += 1
    assert compared > 3


FIRST = """\
apiVersion: serverless.kyma-project.io/v1alpha2  # the version
kind: Function
metadata:
  name: "hello"

# All of it
spec:
  runtime: 'python312'
  resourceConfiguration:  # beside resources
    # above the own resources
    function: # beside function
      # above the inner map
      resources:
        # above limits
        limits: {cpu: 100m}  # enough
    # above build
    build:
      profile: S
  # above labels
  labels:
    - wrong
  source:
    # above inline
    inline:
      # above source
      source: |-
        # code
        def main(event, context):

            return 1

      # above dependencies
      dependencies: >
        requests

  env:
    - name: A
      value: yes
    - &b {name: B, value: 010}
    - *b
  # the end
"""
SECOND = """\
apiVersion: serverless.kyma-project.io/v2alpha1  # the version
kind: Function
metadata:
  annotations:
    serverless.kyma-project.io/kept-by-conversion: 'KEPT'
  name: "hello"

# All of it
spec:
  runtime: 'python312'
  resourceConfiguration:  # beside resources
    # above the own resources
    # beside function
    # above the inner map
    # above limits
    limits: {cpu: 100m}      # enough
  # above build
  # above labels
  labels:
    - wrong
  source:
    # above inline
    # above source
    inline: |-
      # code
      def main(event, context):

          return 1

    # above dependencies
    dependencies: >
      requests

  env:
    - name: A
      value: yes
    - &b {name: B, value: 010}
    - *b
  # the end
"""


def test_comments_and_styles() -> None:
    """Comments, blank lines, quotes, blocks, anchors and words stay; a comment of a map that goes away moves down."""
    there = converted_text(FIRST, V2)
    kept = json_of(there)["metadata"]["annotations"][KEPT]
    assert there == SECOND.replace("'KEPT'", f"'{kept}'")
    assert counted(there) == counted(FIRST)


STAY = [
    "",
    "\n# only a comment\n",
    "---\n---\n",
    "a:   [ 1,2 ]\n--- # second\n'b' :  \"c\"\n...\n# after\n",
    "%YAML 1.1\n---\na:    1\n...\n",
    "--- |\n  text\n--- [1,  2]\n",
]


@pytest.mark.parametrize("other", STAY)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_other_documents_stay(other: str, ends: str) -> None:
    """What is no Function stays byte for byte, before and after one, with its line ends."""
    function = f"--- # mine\n# above\n\n{FUNCTION}# below\n\n"
    wanted = function.replace(FUNCTION, FUNCTION_2)
    for text, after in ((other, other), (f"{other}{function}---\n{other}", f"{other}{wanted}---\n{other}")):
        if not text.startswith("%") or other == text:
            assert converted_text(text.replace("\n", ends), V2) == after.replace("\n", ends)


FUNCTION = f"apiVersion: {V1}\nkind: Function\nmetadata: {{name: a}}\nspec: {{source: {{inline: {{source: x}}}}}}\n"
FUNCTION_2 = f"apiVersion: {V2}\nkind: Function\nmetadata: {{name: a}}\nspec: {{source: {{inline: x}}}}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FUNCTION[:-1], FUNCTION_2[:-1]),
        (f"\ufeff{FUNCTION}", f"\ufeff{FUNCTION_2}"),
        (f"--- {{apiVersion: {V1}, kind: Function}}\n", f"--- {{apiVersion: {V2}, kind: Function}}\n"),
        (f'apiVersion: "{V1}"\nkind: Function\n', f'apiVersion: "{V2}"\nkind: Function\n'),
        (f'{{"apiVersion":"{V1}","kind":"Function"}}', f'{{"apiVersion":"{V2}","kind":"Function"}}'),
        (
            f'{{\n    "kind": "Function",\n    "apiVersion": "{V1}",\n    "a": "é"\n}}\n',
            f'{{\n    "kind": "Function",\n    "apiVersion": "{V2}",\n    "a": "é"\n}}\n',
        ),
    ],
)
def test_forms(before: str, after: str) -> None:
    """The end of the file, the byte order mark, markers, quotes and the form of JSON stay."""
    assert converted_text(before, V2) == after
    assert converted_text(after, V1) == before


ODD = {
    "an anchor defined twice": "spec: {a: &x 1, b: *x, c: &x 2, d: *x, source: {inline: {source: x}}}\n",
    "a merged map": "x: &m {runtime: a, source: {inline: {source: b}}}\nspec:\n  <<: *m\n  replicas: 1\n",
    "an alias of a moved map": "x: &m {source: b, dependencies: c}\nspec:\n  source:\n    inline: *m\n",
    "aliases of moved texts": "x: &m b\nspec: {source: {inline: {source: *m, dependencies: &q d}}, y: *q}\n",
    "deep nesting": f"spec: {{source: {{inline: {{source: x}}}}, env: {'[' * 90}{']' * 90}}}\n",
    "trailing lines": "spec:\n  source:\n    inline:\n      source: |+\n        x\n\n\n\n# end\n",
    "an indented block": "spec:\n  source:\n    inline:\n      source: |2-\n          x\n        y\n  a: 1\n",
    "no end of the last line": "spec:\n  source:\n    inline:\n      source: |\n        x",
    "question marks": "? spec\n: ? source\n  : inline: {source: a}\n",
    "comments in braces": "spec: {\n  # a\n  source: {\n    inline: { # b\n      source: a, # c\n    }\n  }\n}\n",
    "nothing": "metadata:\nspec:\n  source:\n  resourceConfiguration: ~\n  env:\n  -\n  - null\n  a: {b: , c}\n",
    "words": "spec:\n  n: yes\n  f: 1e3\n  t: 2001-01-01\n  b: !!binary aGk=\n  s: !!str 5\n  5: a\n  yes: b\n",
    "a condition": 'status: {conditions: [{message: "spec.source.inline.source: x"}]} # c\n',
    "an empty annotation": f"metadata:\n  annotations: # a\n    # b\n    {KEPT}: '{{}}'\n    # c\n  # d\nspec: {{}}\n",
    "long lines": f"spec:\n  a: {'b ' * 99}c\n  d: >\n    {'e ' * 99}f\n    g\n",
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("own", VERSIONS)
def test_odd_texts(name: str, own: str) -> None:
    """Whatever the form, the values are those of the conversion, and no comment is lost."""
    text = f"apiVersion: {own}\nkind: Function\n{ODD[name]}"
    other = VERSIONS[1 - VERSIONS.index(own)]
    there = converted_text(text, other)
    assert as_text(load(there)) == as_text([convert(json_of(text), other)])
    assert counted(there) == counted(text)


def test_an_indented_document() -> None:
    """A document that is indented as a whole is converted; then it starts at the margin."""
    text = "\n  # above\n" + "".join(f"  {line}\n" for line in FUNCTION.splitlines())
    assert converted_text(text, V2) == f"\n  # above\n{FUNCTION_2}"


def test_a_declared_tag(run: "Run") -> None:
    """A file whose document cannot be read without its directives is an error, and stays."""
    Path("a.yaml").write_text(f"%TAG !y! tag:yaml.org,2002:\n---\n{FUNCTION}a: !y!str 5\n")
    code, out, err = run("-w", "a.yaml")
    assert (code, out) == (1, "")
    assert err == "a.yaml: has a document that cannot be read on its own, such as one with a %TAG directive\n"


def test_lists() -> None:
    """The Functions of a List are converted, as kubectl prints it; its other items stay."""
    items = [json_of(FUNCTION), {"kind": "ConfigMap", "data": {"a": "1"}}, json_of(FUNCTION_2)]
    text = to_yaml({"apiVersion": "v1", "items": items, "kind": "List"}).replace("- kind", "# above\n- kind")
    wanted = text.replace(V1, V2).replace("inline:\n        source: x", "inline: x")
    assert converted_text(text, V2) == wanted
    assert wanted != text


def json_of(text: str) -> Any:
    return load(text)[0]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `buildless convert --to v2alpha1` in an empty directory."""
    monkeypatch.chdir(tmp_path)

    return runner(capsys, "convert", "--to", "v2alpha1")


def test_several_files_are_one_stream(run: Run) -> None:
    """Without --write, files are printed as documents of one stream and stay as they are."""
    for name in ("a.yaml", "b.yaml"):
        Path(name).write_text(FUNCTION)
    assert run(".") == (0, f"{FUNCTION_2}---\n{FUNCTION_2}", "")
    assert Path("a.yaml").read_text() == FUNCTION


def test_write(run: Run) -> None:
    """With --write, files that change are named, and keep their mode; a symbolic link stays one, to the new text."""
    Path("functions").mkdir()
    file, link = Path("functions/a.yaml"), Path("link.yaml")
    file.write_text(FUNCTION)
    file.chmod(0o640)
    link.symlink_to(file)
    Path("functions/other.yaml").write_text("a:   1\n")
    assert run("-w", "link.yaml", "functions") == (0, "link.yaml\n", "")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (FUNCTION_2, 0o640)
    assert link.is_symlink()
    assert sorted(each.name for each in Path("functions").iterdir()) == ["a.yaml", "other.yaml"]
    assert run("-w", ".") == (0, "", "")


def test_files_with_errors_stay(run: Run) -> None:
    """A file with an error is named and stays; with --write the others are converted, without it nothing is printed."""
    Path("a.yaml").write_text(f"{FUNCTION}---\na: [\n")
    Path("b.yaml").write_text(FUNCTION.replace("v1alpha2", "v1alpha1"))
    Path("c.yaml").write_bytes(FUNCTION.encode("utf-16"))
    Path("d.yaml").write_text(FUNCTION)
    before = {name: Path(name).read_bytes() for name in ("a.yaml", "b.yaml", "c.yaml")}
    names = ("a.yaml", "b.yaml", "c.yaml", "d.yaml", "missing.yaml")
    code, out, err = run(*names)
    assert (code, out) == (1, "")
    lines = err.splitlines()
    assert lines[0].startswith("a.yaml:7: ")
    assert lines[1].startswith("b.yaml:1: apiVersion: Unsupported value: supported values: ")
    assert lines[2:] == ["c.yaml: must be UTF-8", "missing.yaml: No such file or directory"]
    assert run("-w", *names) == (1, "d.yaml\n", err)
    assert before == {name: Path(name).read_bytes() for name in before}
    assert Path("d.yaml").read_text() == FUNCTION_2


def test_a_failed_write_leaves_the_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the new file cannot take the place of the old one, the old one stays and no other file is left behind."""

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    Path("a.yaml").write_text(FUNCTION)
    monkeypatch.setattr("os.replace", fail)
    assert run("-w", "a.yaml") == (1, "", "a.yaml: No space left on device\n")
    assert [each.name for each in Path().iterdir()] == ["a.yaml"]
    assert Path("a.yaml").read_text() == FUNCTION


def test_standard_input_cannot_be_rewritten(run: Run) -> None:
    """--write needs names of files."""
    code, out, err = run("-w", "-")
    assert (code, out) == (2, "")
    assert "Standard input cannot be rewritten" in err


def test_a_text_that_cannot_keep_its_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ruamel.yaml makes of a text, the value and the comments are right: then it is printed anew."""
    monkeypatch.setattr(texts, "write", lambda *_: "wrong: 1\n")
    there = converted_text(FIRST, V2)
    assert load(there) == [convert(json_of(FIRST), V2)]
    assert counted(there) == counted(FIRST)

"""Every example of broken_specs.yaml breaks its rule, gives its error, and breaks no other rule."""

from typing import Any

import pytest
from pydantic import ValidationError
from support.broken_specs import Example, examples
from support.cases import NOW, complete, overlaid

from hooks.config import Config
from hooks.function import Function
from hooks.protocol import HookRequest
from hooks.rules import RULES, validate
from hooks.rules.size import SOURCE_BYTES, encoded_bytes
from hooks.sync import sync
from hooks.validation_errors import field_errors

Manifest = dict[str, Any]

BROKEN, VALID, SCHEMA = examples(), examples("valid"), examples("schema")


def found(example: Example) -> dict[str, list[str]]:
    """Return what each rule finds in an example, for the rules that find something."""
    function, config = Function.model_validate(example.parent()), example.config()
    violations = {rule.name: [str(violation) for violation in rule.find(function, config)] for rule in RULES}
    return {name: errors for name, errors in violations.items() if errors}


def ids(broken: list[Example]) -> list[str]:
    return [f"{example.key}-{number}" for number, example in enumerate(broken)]


def test_every_rule_has_an_example() -> None:
    """A rule without an example is not tested, and missing in docs/rules.md; an example belongs to a rule."""
    rules, keys = {rule.name for rule in RULES}, {example.key for example in BROKEN}
    assert rules - keys == set(), "these rules need an example in tests/core/broken_specs.yaml"
    assert keys - rules == set(), "tests/core/broken_specs.yaml has examples of rules that do not exist"


@pytest.mark.parametrize("example", BROKEN, ids=ids(BROKEN))
def test_broken(example: Example) -> None:
    """An example is one violation of its rule, with the path and the message that it names."""
    errors = found(example)
    assert errors.pop(example.key) == [example.error]
    assert set(errors) == ({example.also} if example.also else set())


@pytest.mark.parametrize("example", VALID, ids=ids(VALID))
def test_valid(example: Example) -> None:
    """A spec that just keeps the rules has no violation."""
    assert found(example) == {}


@pytest.mark.parametrize("example", SCHEMA, ids=ids(SCHEMA))
def test_outside_the_schema(example: Example) -> None:
    """A stored spec outside the types and bounds of the CRD gives the API server's error."""
    with pytest.raises(ValidationError) as caught:
        Function.model_validate(example.parent())
    assert [": ".join(error) for error in field_errors(caught.value)] == [example.error]


def violations(spec: Manifest) -> list[str]:
    parent = complete({"spec": {}})
    parent["spec"] = overlaid(parent["spec"], spec)
    return [str(violation) for violation in validate(Function.model_validate(parent), Config())]


def test_all_violations_are_reported() -> None:
    """A spec that breaks several rules gives all errors, in the order of the rules."""
    errors = violations({"labels": {"a b": ""}, "scaleConfig": {"minReplicas": 2, "maxReplicas": 1}, "runtime": "ruby"})
    assert [error.partition(":")[0] for error in errors] == [
        "spec.runtime",
        "spec.scaleConfig.maxReplicas",
        "spec.labels",
    ]


def test_secrets_are_never_repeated() -> None:
    """No message has a variable's value, a line of the requirements or an image: each may hold a secret."""
    source = {"inline": {"source": "x", "dependencies": "user s3cr3t here\n"}}
    nul = {"env": [{"name": "A", "value": "s3cr3t\0"}], "runtimeImageOverride": "https://u:s3cr3t@a"}
    errors = violations({"runtime": "python312", "source": source} | nul)
    assert len(errors) == 3
    assert "s3cr3t" not in str(errors)


@pytest.mark.parametrize("source", [100, SOURCE_BYTES // 8])
def test_the_largest_function_fits_into_an_annotation(source: int) -> None:
    """With as many mounts and as much source as the rules allow, Metacontroller can store the Deployment's record."""

    def full(length: int) -> Manifest:
        paths = [f"/{n}/{'x' * length}" for n in range(128)]
        secrets = [{"secretName": f"s{n}", "mountPath": path} for n, path in enumerate(paths[:64])]
        maps = [{"configMapName": f"c{n}", "mountPath": path} for n, path in enumerate(paths[64:])]
        code = {"source": {"inline": {"source": "<" * source, "dependencies": '{"a": 1}'}}}
        labels = {f"l{n}": "v" * 60 for n in range(20)}
        return complete(
            {"metadata": {"labels": labels}, "spec": code | {"secretMounts": secrets, "configMapMounts": maps}}
        )

    fits = [n for n in range(300) if not validate(Function.model_validate(full(n)), Config())]
    answer = sync(HookRequest.parse({"parent": full(max(fits)), "children": {}}), Config(), now=NOW)
    (deployment,) = [child for child in answer.children if child["kind"] == "Deployment"]
    assert max(fits) < 299
    assert encoded_bytes(deployment) < 262_144 - 1024


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 2), ("a", 3), ("é", 4), ("$", 4), ("<>&", 20), ('\n"\\', 8), ("\x01", 8), ("\u2028", 8), ("😀", 6)],
)
def test_encoded_bytes(text: str, size: int) -> None:
    """Sizes are those of Go's JSON encoder, with each $ doubled."""
    assert encoded_bytes(text) == size

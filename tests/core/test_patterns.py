"""Each pattern of the schema has words, and a message has these instead of the pattern."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from support.cases import complete
from support.function_values import SPEC
from support.schema_breaks import ENTRY, SCHEMA_BREAKS, SchemaBreak, least

from hooks.function import Function
from hooks.patterns import Pattern
from hooks.validation_errors import field_errors

BREAKS = [each for each in SCHEMA_BREAKS if each.keyword == "pattern"]


def path_of(broken: SchemaBreak) -> str:
    """Return the path as a message has it."""
    return ".".join(("spec", *broken.path)).replace(".[]", "[0]").replace(ENTRY, "k")


def messages(broken: SchemaBreak, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the path and message of every error of the least Function that has this value."""
    parent = complete({"spec": {}}) | {"spec": least(SPEC)}
    broken.apply(parent["spec"], value)
    with pytest.raises(ValidationError) as caught:
        Function.model_validate(parent)
    yield from field_errors(caught.value)


def test_every_pattern_has_a_row() -> None:
    """hooks/patterns.py has the patterns of the schema, and no other."""
    differing = {broken.schema["pattern"] for broken in BREAKS} ^ {*Pattern}
    assert not differing, f"hooks/patterns.py must have the patterns of crds/functions.yaml: {differing}"


@pytest.mark.parametrize("broken", BREAKS, ids=path_of)
def test_a_message_has_words(broken: SchemaBreak) -> None:
    """A text that does not match gives the words and the example of its pattern, and no regular expression."""
    pattern, shortest = broken.schema["pattern"], broken.schema.get("minLength", 0)
    long = [text for text in broken.values if len(text) >= shortest]
    texts = [text for text in long if not re.fullmatch(pattern.removesuffix("$"), text)]
    assert texts
    for text in texts:
        (message,) = (message for path, message in messages(broken, text) if path == path_of(broken))
        assert message == Pattern.of(pattern).message
        assert pattern not in message


@pytest.mark.parametrize("pattern", Pattern)
def test_an_example_matches(pattern: Pattern) -> None:
    """The words say what must be, are those of one pattern only, and the example in the message matches."""
    assert pattern.words.startswith("must ")
    assert pattern.message == f"{pattern.words}, such as {pattern.example}"
    assert [other for other in Pattern if other.words == pattern.words] == [pattern]
    assert re.fullmatch(pattern, pattern.example)

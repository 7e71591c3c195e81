"""
CEL of the admission policy, for the rows of the rules that the operator's config decides.

A rule's expression is a list of messages, each `field: message` as in hooks/rules/violation.py; it is empty if the
Function keeps the rule. It may name PARTS, as `variables.<part>`. Functions here return CEL, and take CEL unless a
parameter is `field` or `detail`: these are plain text.
"""

import json
from collections.abc import Iterable
from typing import Any

from hooks.runtimes import FAMILIES

POD, CONTAINER = "podSecurityContext", "containerSecurityContext"
UNRESTRICTED = 'params.data["allowUnrestrictedSecurityContext"] == "true"'
ANNOTATIONS = "object.spec.?annotations.orValue({})"
_FUNCTION = "object.spec.?resourceConfiguration.?function"


def parameter(name: str) -> str:
    """Return the items of a parameter, a list joined by ","; an empty text has no items."""
    return f'params.data["{name}"].split(",").filter(each, each != "")'


PARTS = {
    **{family: parameter(f"runtimes.{family}") for family in FAMILIES},
    "profiles": parameter("profiles"),
    "minimums": parameter("minimumResources") + '.map(each, each.split("="))',
    "images": parameter("allowedImageOverrides"),
    "image": 'object.spec.?runtimeImageOverride.orValue("").trim()',
    "profile": f"{_FUNCTION}.?profile",
    "requests": f"{_FUNCTION}.?resources.?requests.orValue({{}})",
    "limits": f"{_FUNCTION}.?resources.?limits.orValue({{}})",
    **{context: f"object.spec.?{context}.orValue({{}})" for context in (POD, CONTAINER)},
}
"""Variables that rules share: lists from the parameters, and parts of the Function, each empty if it is not set."""


def unless(test: str, message: str) -> str:
    """Return the list of `message` if `test` is false, else an empty list."""
    return f"({test} ? [] : [{message}])"


def for_family(family: str, found: str) -> str:
    """Return the list `found` for Functions of one language family, for others an empty list."""
    return f"(object.spec.runtime in variables.{family} ? {found} : [])"


def unsupported(field: str, value: str, supported: str) -> str:
    """Return the error for a text that is not one of a list."""
    listed = f'({supported}.size() == 0 ? "none" : {supported}.map(each, {quoted("each")}).join(", "))'
    return joined([text(f"{field}: Unsupported value: "), quoted(value), text(": supported values: "), listed])


def invalid(field: str, value: str, detail: str) -> str:
    """Return the error for a wrong value, an expression of its text."""
    return joined([text(f"{field}: Invalid value: "), value, text(f": {detail}")])


def optional(path: str) -> str:
    """Return the CEL that reads "a.b.c" if each step is set: a.?b.?c."""
    return path.replace(".", ".?")


def quoted(value: str) -> str:
    """Return a text as JSON."""
    return f"strings.quote({value})"


def joined(parts: Iterable[str]) -> str:
    """Return the concatenation of texts or of lists."""
    return " + ".join(parts)


def text(value: Any) -> str:
    """Return a CEL literal: JSON is valid CEL."""
    return json.dumps(value)

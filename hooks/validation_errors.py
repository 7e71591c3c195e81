"""
What pydantic finds wrong, in the user's spelling of the path and in the API server's words.

None of them repeats a value that was found: it might be source or a secret.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from hooks.core_v1 import INTEGER, STRING

_WORDS = {
    "missing": "Required value",
    "greater_than_equal": "should be greater than or equal to {ge}",
    "less_than_equal": "should be less than or equal to {le}",
    "string_pattern_mismatch": "should match '{pattern}'",
    "string_too_short": "should be at least {min_length} chars long",
    "string_too_long": "Too long: may not be more than {max_length} bytes",
    "too_short": "should have at least {min_length} properties",
    "too_long": "must have at most {max_length} item{s}",
    "literal_error": "supported values: {expected}",
    "string_type": "must be of type string",
    "union_tag_invalid": "must be of type integer,string",
    "int_type": "must be of type integer",
    "bool_type": "must be of type boolean",
    "list_type": "must be of type array",
    "tuple_type": "must be of type array",
    "dict_type": "must be of type object",
    "model_type": "must be of type object",
    "extra_forbidden": "Forbidden: there is no such setting",
    "invalid_key": "Forbidden: there is no such setting",
}


_KEY = "[key]"
"""The last step of pydantic's path to a key of a map."""


def field_errors(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Yield the path and the message of every fault."""
    for fault in error.errors(include_url=False, include_input=False):
        words = _WORDS.get(fault["type"])
        message = words.format_map(_context(fault)) if words else fault["msg"].removeprefix("Value error, ")
        yield dotted(fault["loc"]), message


def _context(fault: Any) -> dict[str, Any]:
    """Return what the words need; pydantic says `'a', 'b' or 'c'` where the API server says `"a", "b", "c"`."""
    context: dict[str, Any] = {"s": "s"} | fault.get("ctx", {})
    if context.get("max_length") == 1:
        context["s"] = ""
    if "expected" in context:
        context["expected"] = context["expected"].replace(" or ", ", ").replace("'", '"')
    return context


def dotted(path: Sequence[Any]) -> str:
    """Return `("spec", "env", 0, "name")` as `spec.env[0].name`; a fault of a key stands at its value's place."""
    steps = [step for step in path if step not in (INTEGER, STRING, _KEY)]
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).strip(".")

"""
Pydantic's errors as field paths and messages like those of the API server.

No message contains the invalid value, which may be source code or a secret.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from hooks.core_v1 import INTEGER, STRING
from hooks.patterns import Pattern

_MESSAGES = {
    "missing": "Required value",
    "greater_than_equal": "should be greater than or equal to {ge}",
    "less_than_equal": "should be less than or equal to {le}",
    "string_pattern_mismatch": "{words}",
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
_MAP_KEY_STEP = "[key]"
"""The last step of pydantic's path if the error is about the key of a map."""


def field_errors(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Yield the field path and message of every error."""
    for each in error.errors(include_url=False, include_input=False):
        template = _MESSAGES.get(each["type"])
        message = template.format_map(_parameters(each)) if template else each["msg"].removeprefix("Value error, ")
        yield dotted(each["loc"]), message


def _parameters(error: Any) -> dict[str, Any]:
    """Return the parameters of a message. Pydantic writes `'a', 'b' or 'c'`, the API server `"a", "b", "c"`."""
    context: dict[str, Any] = {"s": "s"} | error.get("ctx", {})
    if context.get("max_length") == 1:
        context["s"] = ""
    if "pattern" in context:
        context["words"] = Pattern.of(context["pattern"]).message
    if "expected" in context:
        context["expected"] = context["expected"].replace(" or ", ", ").replace("'", '"')
    return context


def dotted(path: Sequence[Any]) -> str:
    """Return `("spec", "env", 0, "name")` as `spec.env[0].name`; the path of a map's key is that of its value."""
    steps = [step for step in path if step not in (INTEGER, STRING, _MAP_KEY_STEP)]
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).strip(".")

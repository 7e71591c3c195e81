"""
The types of single settings, each with its part of the chart's JSON schema.

Kubernetes accepts a valid value wherever a Function's children use it. hooks/config_rules.py has the rules for settings
that depend on each other.
"""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, Strict, WithJsonSchema

from hooks import config_texts as texts
from hooks import duration, quantity
from hooks.config_texts import Text, invalid, unsupported
from hooks.runtimes import FAMILIES

MAX_AMOUNT = "8Pi"
"""2^63 thousandths, rounded down: the API server and the scheduler count thousandths in 64 bits."""
MIN_VOLUME_SIZE = "1Mi"
"""The smallest volume that holds the source of every Function."""
MAX_ENTRIES = 256
"""The largest number of runtimes, profiles, resources, annotations or image patterns."""

_QUANTITY = r"[+]?([0-9]+\.?[0-9]*|\.[0-9]+)(m|[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,3})?"
_Value = TypeVar("_Value")


def _amount(value: Any) -> str:
    return quantity.amount(_checked(value))


def _size(value: Any) -> str:
    checked = _checked(value)
    if quantity.parse(checked) < quantity.parse(MIN_VOLUME_SIZE):
        raise invalid(f"must be greater than or equal to {MIN_VOLUME_SIZE}", value)
    return quantity.canonical(checked)


def _checked(value: Any) -> str | int:
    if type(value) not in (str, int):
        raise ValueError("must be of type integer,string")
    found: str | int = value
    try:
        number = quantity.parse(found)
    except ValueError:
        raise invalid("must be a quantity such as 250m, 1.5 or 64Mi", found) from None
    if number < 0:
        raise invalid("must be greater than or equal to 0", found)
    if number > quantity.parse(MAX_AMOUNT):
        raise invalid(f"must be less than or equal to {MAX_AMOUNT}", found)
    return found


def _family(name: str) -> str:
    if name not in FAMILIES:
        raise unsupported(name, FAMILIES)
    return name


def _map_of(key: Text, min_entries: int = 0) -> Any:
    def restrict_keys(schema: dict[str, Any]) -> None:
        # Not propertyNames: Helm would name the map in its message, not the key.
        schema["patternProperties"] = {key.as_json_schema()["pattern"]: schema.pop("additionalProperties")}
        schema["additionalProperties"] = False

    return Field(min_length=min_entries, max_length=MAX_ENTRIES, json_schema_extra=restrict_keys)


_KEY = WithJsonSchema({"type": "string"})
"""Without it, pydantic writes a patternProperties of its own, which allows every other key."""
_QUANTITY_SCHEMA = WithJsonSchema({"type": ["string", "integer"], "pattern": f"^{_QUANTITY}$", "minimum": 0})

Runtimes = Annotated[dict[Annotated[str, texts.RUNTIME, _KEY], _Value], _map_of(texts.RUNTIME, min_entries=1)]
Profiles = Annotated[dict[Annotated[str, texts.PROFILE, _KEY], _Value], _map_of(texts.PROFILE)]
"""These names contain neither "," nor "=", so the parameters of the admission policy can join them."""
Quantity = Annotated[str, BeforeValidator(_amount), _QUANTITY_SCHEMA]
Amounts = Annotated[dict[Annotated[str, texts.RESOURCE, _KEY], Quantity], _map_of(texts.RESOURCE)]
"""Quantities in canonical form, by resource name ("cpu", "memory" ...)."""
Annotations = Annotated[dict[Annotated[str, texts.ANNOTATION, _KEY], str], _map_of(texts.ANNOTATION)]
Size = Annotated[str, BeforeValidator(_size), _QUANTITY_SCHEMA]
Interval = Annotated[str, texts.INTERVAL, AfterValidator(duration.canonical)]
Timeout = Annotated[str, texts.TIMEOUT, AfterValidator(duration.canonical)]
"""Durations in canonical form."""
FamilyName = Annotated[str, AfterValidator(_family), WithJsonSchema({"enum": list(FAMILIES), "type": "string"})]
Registry = Annotated[str, texts.REGISTRY]
Image = Annotated[str, texts.IMAGE]
ImagePattern = Annotated[str, texts.IMAGE_PATTERN]
"""An image reference, or a prefix of one followed by "*". It contains no comma, so these can be joined too."""
SecretName = Annotated[str, texts.SECRET]
Address = Annotated[str, texts.ADDRESS]
Flag = Annotated[bool, Strict()]
Percent = Annotated[int, Strict(), Field(ge=1, le=1000)]

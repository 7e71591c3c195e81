"""
What a single setting may be: the types of hooks/config.py, each with its part of the chart's JSON schema.

A value that passes here is one that Kubernetes takes wherever a Function's children carry it. What depends on several
settings is checked in hooks/config_rules.py.
"""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, Strict, WithJsonSchema

from hooks import config_texts as texts
from hooks import quantity
from hooks.config_texts import Text, invalid, unsupported
from hooks.runtimes import FAMILIES

MOST = "8Pi"
"""The largest amount: a thousandth of 2^63, in which the API server and the scheduler count, rounded down."""
LEAST_SIZE = "1Mi"
"""The smallest volume in which the source of every Function fits."""
MANY = 256
"""How many runtimes, profiles, resources, annotations or image patterns there may be."""

_QUANTITY = r"[+]?([0-9]+\.?[0-9]*|\.[0-9]+)(m|[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,3})?"
_Value = TypeVar("_Value")


def _amount(value: Any) -> str:
    return quantity.amount(_checked(value))


def _size(value: Any) -> str:
    checked = _checked(value)
    if quantity.parse(checked) < quantity.parse(LEAST_SIZE):
        raise invalid(f"must be greater than or equal to {LEAST_SIZE}", value)
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
    if number > quantity.parse(MOST):
        raise invalid(f"must be less than or equal to {MOST}", found)
    return found


def _family(name: str) -> str:
    if name not in FAMILIES:
        raise unsupported(name, FAMILIES)
    return name


def _map_of(key: Text, least: int = 0) -> Any:
    def named(schema: dict[str, Any]) -> None:
        # Not propertyNames: Helm names another place than that of the fault.
        schema["patternProperties"] = {key.as_json_schema()["pattern"]: schema.pop("additionalProperties")}
        schema["additionalProperties"] = False

    return Field(min_length=least, max_length=MANY, json_schema_extra=named)


_KEY = WithJsonSchema({"type": "string"})
"""Or pydantic would write patternProperties by itself, and let every other key through."""
_WRITTEN = WithJsonSchema({"type": ["string", "integer"], "pattern": f"^{_QUANTITY}$", "minimum": 0})

Runtimes = Annotated[dict[Annotated[str, texts.RUNTIME, _KEY], _Value], _map_of(texts.RUNTIME, least=1)]
Profiles = Annotated[dict[Annotated[str, texts.PROFILE, _KEY], _Value], _map_of(texts.PROFILE)]
"""The names of neither hold "," or "=": so they can be joined, and reach the admission policy."""
Quantity = Annotated[str, BeforeValidator(_amount), _WRITTEN]
Amounts = Annotated[dict[Annotated[str, texts.RESOURCE, _KEY], Quantity], _map_of(texts.RESOURCE)]
"""A map of resource name ("cpu", "memory" ...) to quantity, kept in canonical form."""
Annotations = Annotated[dict[Annotated[str, texts.ANNOTATION, _KEY], str], _map_of(texts.ANNOTATION)]
Size = Annotated[str, BeforeValidator(_size), _WRITTEN]
FamilyName = Annotated[str, AfterValidator(_family), WithJsonSchema({"enum": list(FAMILIES), "type": "string"})]
Registry = Annotated[str, texts.REGISTRY]
Image = Annotated[str, texts.IMAGE]
ImagePattern = Annotated[str, texts.IMAGE_PATTERN]
"""Either an image or how it begins and then "*"; as no image has a comma or white space, they can be joined too."""
SecretName = Annotated[str, texts.SECRET]
Address = Annotated[str, texts.ADDRESS]
Flag = Annotated[bool, Strict()]
Percent = Annotated[int, Strict(), Field(ge=1, le=1000)]

"""
What a YAML scalar means to kubectl: a boolean, a number, null or a string.

go-yaml 2 has its own words and notations for these, neither those of YAML 1.1 nor those of YAML 1.2.
Source: go.yaml.in/yaml/v2 (resolve.go), sigs.k8s.io/yaml (yaml.go).
"""

import base64
import math
import re
from collections.abc import Callable
from typing import Any

_WORDS: dict[str, bool | float | None] = {"": None, "~": None, ".nan": math.nan, ".NaN": math.nan, ".NAN": math.nan}
_WORDS |= {form: True for word in ("y", "yes", "true", "on") for form in (word, word.title(), word.upper())}
_WORDS |= {form: False for word in ("n", "no", "false", "off") for form in (word, word.title(), word.upper())}
_WORDS |= dict.fromkeys(("null", "Null", "NULL"))
_WORDS |= {f"{sign}{form}": float(f"{sign}inf") for sign in ("", "+", "-") for form in (".inf", ".Inf", ".INF")}
_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]++)|0[bB]([01]++)|0[oO]?([0-7]++)|(0|[1-9][0-9]*+))")
_BASES = (16, 2, 8, 10)
"""Of _INTEGER's groups after the sign, in their order."""
_MAX_DIGITS = 64
"""Of a 64-bit integer in base 2; Python's conversion of more decimal digits is slow."""
_FLOAT = re.compile(r"[-+]?(\.[0-9]++|[0-9]++(\.[0-9]*+)?)([eE][-+]?[0-9]++)?")
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])_(?=[0-9])")


def plain(text: str) -> Any:
    """Return the value of a scalar without quotes and tag: a boolean, a number, None, or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    number = _BETWEEN_DIGITS.sub("", text) if text[0] == "." else text.replace("_", "")
    if text[0] != "." and (integer := _INTEGER.fullmatch(number)):
        sign, *digits = integer.groups()
        if (value := _in_64_bits(sign, digits)) is not None:
            return value
    return float(number) if _FLOAT.fullmatch(number) and math.isfinite(float(number)) else text


def _in_64_bits(sign: str, digits: list[str | None]) -> int | None:
    """Return an integer within Go's int64 or uint64; None for any other, which Go reads as a float."""
    base, text = next((base, text) for base, text in zip(_BASES, digits, strict=True) if text)
    text = text.lstrip("0") or "0"
    value = int(text, base) if len(text) <= _MAX_DIGITS else 2**64
    if sign == "-":
        return -value if value <= 2**63 else None
    return value if value < 2 ** (63 if sign else 64) else None


def tagged(tag: str, text: str) -> Any:
    """Return the value of a scalar with a tag of YAML, such as "int"; raises ValueError if it has none in JSON."""
    if tag not in _TAGS:
        raise ValueError(f"the tag {tag} is not supported")
    value = _TAGS[tag](text)
    if isinstance(value, float):
        return _json_number(value)
    return value


def _json_number(value: float) -> float | int:
    """Return a number as kubectl writes it into JSON: whole ones without a fraction."""
    if not math.isfinite(value):
        raise ValueError("JSON has no such number")
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def _only(name: str, *types: type) -> Callable[[str], Any]:
    def value(text: str) -> Any:
        found = plain(text)
        if type(found) not in types:
            raise ValueError(f"not a valid {name}")
        return found

    return value


def _binary(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError:
        raise ValueError("not a valid binary: expected Base64 of UTF-8") from None


def _string(text: str) -> str:
    """Join surrogate pairs, with which JSON writes a character above U+FFFF; raises ValueError for half of a pair."""
    try:
        return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ValueError("not a valid str: half of a surrogate pair") from None


PLAIN = "plain"
"""The tag of a scalar without quotes and tag."""
_TAGS: dict[str, Callable[[str], Any]] = {
    PLAIN: plain,
    "str": _string,
    "int": _only("int", int),
    "float": _only("float", int, float),
    "bool": _only("bool", bool),
    "null": _only("null", type(None)),
    "timestamp": str,
    "binary": _binary,
}

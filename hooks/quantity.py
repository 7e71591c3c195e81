"""
Kubernetes quantities ("250m", "64Mi"): parse, compare, and print as the API server prints them.

All quantities in children are canonical: a child with "1000m" where the API server has "1" would be updated on every
sync.
Source: k8s.io/apimachinery/pkg/api/resource (quantity.go, suffix.go).
"""

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

_SHAPE = re.compile(r"([+-]?(?:\d++\.?+\d*+|\.\d++))(m|[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,3})?", re.ASCII)
_DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_DECIMAL_POWER = {suffix: power for power, suffix in _DECIMAL.items()}
_BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
_NANO = Decimal("1e-9")
_LARGEST = Decimal(2**63 - 1)


def parse(value: str | int) -> Decimal:
    """
    Return the value of a quantity: "250m" is 0.25, "1Ki" is 1024.

    As in the API server, a value is rounded up to a multiple of 1e-9, and limited to 2^63-1.
    Raises ValueError if `value` is not a quantity.
    """
    return _read(str(value))[0]


def canonical(value: str | int) -> str:
    """
    Return the quantity as the API server prints it: "1000m" is "1", "1024Mi" is "1Gi", 0.5 is "500m".

    Raises ValueError if `value` is not a quantity.
    """
    return _canonical(str(value))


def amount(value: str | int) -> str:
    """
    Return the quantity as the API server prints it in requests and limits: rounded up to thousandths.

    Raises ValueError if `value` is not a quantity.
    """
    thousandths = parse(value).scaleb(3)
    exact = thousandths == thousandths.to_integral_value()
    return canonical(value) if exact else canonical(f"{thousandths.to_integral_value(ROUND_CEILING)}m")


@lru_cache(maxsize=1024)
def _read(text: str) -> tuple[Decimal, str]:
    match = _SHAPE.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a quantity such as 250m, 1.5 or 64Mi")
    number, suffix = Decimal(match[1]), match[2] or ""
    if suffix in _DECIMAL_POWER:
        number = number.scaleb(_DECIMAL_POWER[suffix])
    elif suffix in _BINARY:
        number *= 1024 ** _BINARY.index(suffix)
    else:
        number = number.scaleb(int(suffix[1:]))
    number = max(-_LARGEST, min(_LARGEST, number))
    if number != number.quantize(_NANO, ROUND_CEILING):
        number = number.quantize(_NANO, ROUND_CEILING if number > 0 else "ROUND_FLOOR")
    return number, suffix


@lru_cache(maxsize=1024)
def _canonical(text: str) -> str:
    number, suffix = _read(text)
    if not number:
        return "0"
    if suffix.endswith("i") and abs(number) >= 1024 and number == number.to_integral_value():
        return _binary(int(number))
    mantissa, power = number, 0
    while mantissa != mantissa.to_integral_value():
        mantissa, power = mantissa.scaleb(3), power - 3
    while mantissa % 1000 == 0 and power < 18:
        mantissa, power = mantissa.scaleb(-3), power + 3
    if suffix[:1] in ("e", "E") and len(suffix) > 1 and not suffix.endswith("i"):
        return f"{int(mantissa)}e{power}" if power else f"{int(mantissa)}"
    return f"{int(mantissa)}{_DECIMAL[power]}"


def _binary(number: int) -> str:
    step = 0
    while number % 1024 == 0 and step < len(_BINARY) - 1:
        number, step = number // 1024, step + 1
    return f"{number}{_BINARY[step]}"

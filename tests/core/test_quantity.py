"""Quantities are parsed and printed as the API server does it."""

from decimal import Decimal

import pytest

from hooks.quantity import amount, canonical, parse

PRINTED = [
    ("1000m", "1"),
    ("0.5", "500m"),
    (2, "2"),
    (".5", "500m"),
    ("1.", "1"),
    ("1024Mi", "1Gi"),
    ("1.5Gi", "1536Mi"),
    ("1.1Ki", "1126400m"),
    ("0.5Ki", "512"),
    ("1000Ki", "1000Ki"),
    ("1000", "1k"),
    ("1100", "1100"),
    ("1e3", "1e3"),
    ("1e0", "1"),
    ("1E3", "1e3"),
    ("1Ki", "1Ki"),
    ("1000E", "9223372036854775807"),
    ("1e4", "10e3"),
    ("1e-1", "100e-3"),
    ("1E", "1E"),
    ("0Gi", "0"),
    ("-1000m", "-1"),
    ("0.0000000001", "1n"),
    ("+1", "1"),
]


@pytest.mark.parametrize(("text", "printed"), PRINTED)
def test_canonical(text: str | int, printed: str) -> None:
    """A quantity is printed as the API server prints it, and the result is printed unchanged."""
    assert canonical(text) == printed
    assert canonical(printed) == printed
    assert parse(printed) == parse(text)


@pytest.mark.parametrize(
    ("text", "printed"), [("1n", "1m"), ("0.2501", "251m"), ("1100u", "2m"), ("1Gi", "1Gi"), ("1e3", "1e3")]
)
def test_amount(text: str, printed: str) -> None:
    """Requests and limits are rounded up to thousandths."""
    assert amount(text) == printed


@pytest.mark.parametrize("text", ["", "x", "1 ", "1mm", "1KI", "--1", "1e", "Ki", "1_000", "٣", "0x1", "1e5000"])
def test_refused(text: str) -> None:
    """The error names a text that is not a quantity."""
    with pytest.raises(ValueError, match="is not a quantity"):
        canonical(text)


def test_parse_compares() -> None:
    """Quantities of different spelling compare as numbers, and the largest are limited to 2^63-1."""
    assert parse("250m") == Decimal("0.25")
    assert parse("1Ki") == 1024
    assert parse("999m") < parse("1")
    assert parse("9999E") == 2**63 - 1

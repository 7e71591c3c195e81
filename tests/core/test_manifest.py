"""Accessors for observed objects: they accept any value and never raise."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hooks.manifest import (
    MAX_COUNT,
    as_count,
    as_mapping,
    as_text,
    as_time,
    find_condition,
    is_serializable,
    mappings_in,
    value_at,
)

ODD: list[Any] = [None, True, 0, -1, 1.5, 2**70, "", "x", "\ud800", [], ["x"], [None], {}, {"a": 1}, b"x", float("nan")]


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_accessors_are_total(value: Any) -> None:
    """Each accessor returns its own type, whatever the type of the value."""
    assert as_mapping(value) == (value if isinstance(value, dict) else {})
    assert mappings_in(value) == []
    assert as_text(value) == (value if isinstance(value, str) else "")
    assert as_count(value) == as_count(value, 0) == 0
    assert as_count(value, 7) == (0 if value == 0 and value is not True and isinstance(value, int) else 7)
    assert as_time(value) is None
    assert value_at(value, "b", "c") is None
    assert find_condition({"status": {"conditions": value}}, "Ready") == {}
    assert find_condition({"status": value}, "Ready") == {}


def test_values_of_the_right_type_are_unchanged() -> None:
    """A value of the right type is returned unchanged."""
    assert mappings_in([{"a": 1}, "x", {}]) == [{"a": 1}, {}]
    assert (as_count(1), as_count(MAX_COUNT), as_count(MAX_COUNT + 1)) == (1, MAX_COUNT, 0)
    assert value_at({"a": {"b": [1]}}, "a", "b") == [1]
    ready = {"type": "Ready", "status": "True"}
    assert find_condition({"status": {"conditions": [{"type": []}, None, ready]}}, "Ready") == ready


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T00:00:00.123456Z", datetime(2026, 1, 1, microsecond=123456, tzinfo=UTC)),
        ("2026-01-01T01:00:00+01:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T00:00:00", None),
        ("2026-01-01", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-01-01T00:00:00Z" * 9, None),
        ("9" * 70_000, None),
    ],
)
def test_times_have_a_zone(value: str, time: datetime | None) -> None:
    """A time without a zone cannot be compared with the clock, so it is None."""
    assert as_time(value) == time


def test_deep_nesting_is_not_serializable() -> None:
    """The limit leaves depth for what a response adds around a child."""
    value: dict[str, Any] = {}
    for depth in range(400):
        value = {"a": value}
        if not is_serializable(value):
            assert depth > 200
            return
    raise AssertionError("orjson serializes any depth now")

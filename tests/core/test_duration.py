"""Durations of the settings, and as Go writes them."""

import pytest

from hooks import duration


@pytest.mark.parametrize(
    ("text", "seconds", "printed"),
    [
        ("0s", 0, "0s"),
        ("59s", 59, "59s"),
        ("60s", 60, "1m0s"),
        ("90s", 90, "1m30s"),
        ("59m59s", 3599, "59m59s"),
        ("60m", 3600, "1h0m0s"),
        ("1h1s", 3601, "1h0m1s"),
        ("24h", 86_400, "24h0m0s"),
    ],
)
def test_duration(text: str, seconds: int, printed: str) -> None:
    """A duration has its seconds and Go's form, which is printed unchanged."""
    assert duration.seconds(text) == seconds
    assert duration.canonical(text) == printed
    assert duration.canonical(printed) == printed

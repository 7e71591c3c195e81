"""Durations such as "90s" or "1m30s", in whole seconds."""

import re

_PARTS = re.compile(r"([0-9]{1,6})([hms])")
_SECONDS = {"h": 3600, "m": 60, "s": 1}


def seconds(text: str) -> int:
    """Return the seconds of a duration of hours, minutes and seconds, each optional and of at most six digits."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _PARTS.findall(text))


def canonical(text: str) -> str:
    """
    Return a duration as Go writes it, such as "1h0m0s", "1m30s" or "10s".

    Every Go client that updates an object writes durations like this: any other form would be changed back and forth.
    """
    minutes, rest = divmod(seconds(text), 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{rest}s"

"""Events of Metacontroller's watches are lost or repeated, or the watches end, while Functions change."""

import itertools
import random
import time

import pytest
from support.faults.chaos import Chaos
from support.faults.mixed_functions import MixedFunctions

RESOURCES = ("functions", "serviceaccounts", "services", "deployments", "horizontalpodautoscalers", "pods")
FAULTY_SECONDS = 4


class Spoiler:
    """Changes the events of watches; `count` is the number of changed ones."""

    def __init__(self, seed: int) -> None:
        self.random, self.count, self.earlier = random.Random(seed), 0, dict[str, bytes]()

    def lose(self, resource: str, line: bytes) -> list[bytes]:
        if resource not in RESOURCES or self.random.random() < 0.5:
            return [line]
        self.count += 1
        return []

    def repeat(self, resource: str, line: bytes) -> list[bytes]:
        self.count += resource in RESOURCES
        return [line, line]

    def repeat_earlier(self, resource: str, line: bytes) -> list[bytes]:
        """Repeat the previous event of the resource after each: an object seems to go back to its earlier state."""
        previous, self.earlier[resource] = self.earlier.get(resource, line), line
        self.count += resource in RESOURCES
        return [line, previous, line]


@pytest.mark.parametrize("how", ["lose", "repeat", "repeat_earlier"])
def test_events(chaos: Chaos, mixed: MixedFunctions, how: str) -> None:
    """Half of the events are lost, or all are repeated. Afterwards new lists replace what Metacontroller has cached."""
    spoiler = Spoiler(seed=1)
    chaos.api.events = getattr(spoiler, how)
    mixed.change()
    for _ in range(FAULTY_SECONDS):
        chaos.stack.make_pods_ready(mixed.namespace)
        time.sleep(1)
    chaos.no_faults()
    chaos.api.close_watches(expired=RESOURCES if how == "lose" else ())
    assert spoiler.count > 10
    chaos.check(mixed)


@pytest.mark.parametrize("expired", [(), RESOURCES], ids=["closed", "expired"])
def test_watches_end(chaos: Chaos, mixed: MixedFunctions, expired: tuple[str, ...]) -> None:
    """The watches end again and again, in the second row with the error that requires a new list."""
    mixed.change()
    for _ in itertools.repeat(None, FAULTY_SECONDS * 2):
        chaos.api.close_watches(expired)
        chaos.stack.make_pods_ready(mixed.namespace)
        time.sleep(0.5)
    chaos.check(mixed)

"""Metacontroller is killed before and after each of its requests: it finishes its work when it is started again."""

import contextlib
import threading
import time
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from support.cluster.control_plane import wait_until
from support.faults.api_proxy import Request
from support.faults.chaos import Chaos
from support.faults.hook_proxy import Call, Reply
from support.faults.mixed_functions import MixedFunctions

REQUESTS = (
    "POST customize", "POST sync", "POST finalize", "PUT functions", "PUT functions/status", "POST serviceaccounts",
    "POST services", "POST deployments", "POST horizontalpodautoscalers", "PUT deployments", "DELETE deployments",
    "DELETE services", "DELETE serviceaccounts", "DELETE horizontalpodautoscalers",
)  # fmt: skip
"""Every request that writes, or calls the hook."""


class Step(NamedTuple):
    """A moment of a sync: before a request of this kind, or after its answer, which Metacontroller does not receive."""

    what: str
    is_done: bool

    def __str__(self) -> str:
        return f"{'after' if self.is_done else 'before'} {self.what}"


STEPS = [Step(what, is_done) for what in REQUESTS for is_done in (False, True)]


class Killer:
    """Kills Metacontroller at the first occurrence of each step, one after the other, and starts it again."""

    def __init__(self, chaos: Chaos, steps: Iterable[Step]) -> None:
        self.chaos, self.left, self.lock = chaos, list(steps), threading.Lock()
        chaos.api.observe, chaos.hook.rule = self.see_request, self.answer

    def see_request(self, request: Request) -> None:
        self.see(Step(request.what, request.is_done))

    def answer(self, call: Call) -> Reply:
        self.see(Step(f"POST {call.hook}", is_done=False))
        reply = call.forward()
        self.see(Step(f"POST {call.hook}", is_done=True))
        return reply

    def see(self, step: Step) -> None:
        """Kill Metacontroller if the step is left; return once it is dead."""
        with self.lock:
            if step in self.left:
                self.left.remove(step)
                self.chaos.processes.kill("metacontroller")
                self.chaos.processes.start_again("metacontroller")


def check(chaos: Chaos, mixed: MixedFunctions, steps: Iterable[Step]) -> None:
    killer = Killer(chaos, steps)
    mixed.change()
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not killer.left, "each of these steps", 180)
    assert killer.left == []
    time.sleep(1)
    chaos.no_faults()
    chaos.check(mixed)


def test_at_every_step(chaos: Chaos, mixed: MixedFunctions) -> None:
    """Metacontroller is killed once at every step, while it works on several Functions."""
    check(chaos, mixed, STEPS)


@pytest.mark.whole
@pytest.mark.parametrize("step", STEPS, ids=str)
def test_at_one_step(chaos: Chaos, mixed: MixedFunctions, step: Step) -> None:
    """Metacontroller is killed once."""
    check(chaos, mixed, [step])

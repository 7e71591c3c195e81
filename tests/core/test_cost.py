"""
A guard against slower syncs: the bytecode instructions of one sync, which other work on the machine does not change.

They do not see the work of C code; `make bench` measures CPU time. The number depends on the version of CPython: 3.11
and 3.12, which the image has, are checked. CPython 3.13 does not trace every instruction.
"""

import sys
from types import FrameType
from typing import Any

import pytest
from support.cases import NOW, complete, settle
from support.offline_metacontroller import World

from hooks.config import Config
from hooks.protocol import HookRequest
from hooks.sync import sync

Manifest = dict[str, Any]

TOLERANCE = 0.15
SMALL: Manifest = {"env": [{"name": "GREETING", "value": "hi"}]}
LARGE: Manifest = {
    "env": [{"name": f"NAME_{number}", "value": "value"} for number in range(50)],
    "labels": {"team": "a"},
    "scaleConfig": {"minReplicas": 1, "maxReplicas": 5},
    "source": {"inline": {"source": "module.exports = {main: () => 'hi'}\n", "dependencies": '{"dependencies": {}}'}},
}
INSTRUCTIONS: dict[str, tuple[Manifest, bool, dict[int, int]]] = {
    "small, new": (SMALL, False, {11: 5388, 12: 4934}),
    "small, at rest": (SMALL, True, {11: 8267, 12: 7499}),
    "large, at rest": (LARGE, True, {11: 29995, 12: 28583}),
    "invalid, new": (SMALL | {"replicas": -1}, False, {11: 1628, 12: 1470}),
}
"""A Function's spec, whether its children exist, and the instructions of its sync by minor version of CPython 3."""


def instructions(body: Manifest) -> int:
    """Return the number of bytecode instructions that one sync executes once caches are filled and code is traced."""
    count, config = 0, Config()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    earlier = sys.gettrace()
    for tracer in (None, trace, trace):
        count = 0
        sys.settrace(tracer)
        try:
            sync(HookRequest.parse(body), config, now=NOW).to_json()
        finally:
            sys.settrace(earlier)
    return count


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="CPython 3.13 does not trace every instruction")
@pytest.mark.parametrize(("spec", "is_settled", "recorded"), INSTRUCTIONS.values(), ids=INSTRUCTIONS)
def test_a_sync_costs_what_it_did(spec: Manifest, is_settled: bool, recorded: dict[int, int]) -> None:
    """A sync executes within 15 % of the recorded instructions; after an improvement, record the lower number."""
    world = World(complete({"spec": spec}))
    if is_settled:
        settle(world, Config(), NOW)
    expected = recorded[sys.version_info.minor]
    assert instructions(world.request()) == pytest.approx(expected, rel=TOLERANCE)

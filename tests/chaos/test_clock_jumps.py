"""
The hook's clock jumps while Functions change.

Only the wall clock jumps, which the status depends on: a monotonic clock, which the hook's connections depend on, never
does. The test replaces the clock that the hook reads (support/faults/clock_app.py), since a wall clock cannot be set
for one process.
"""

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.faults.chaos import Chaos
from support.faults.hook_proxy import Call, Reply
from support.faults.mixed_functions import MixedFunctions

FAULTY_SECONDS = 4
HOUR, YEAR = 3600, 365 * 24 * 3600


@pytest.fixture
def clock(chaos: Chaos, tmp_path: Path) -> Iterator[Path]:
    """The file with the seconds that the hook's clock is ahead."""
    file = tmp_path / "clock"
    file.write_text("0")
    chaos.restart_hook(app="support.faults.clock_app:create_app()", CLOCK=str(file))
    yield file
    chaos.restart_hook()


@pytest.mark.parametrize("offsets", [(HOUR,), (-HOUR,), (YEAR, -YEAR), (-30, 30, 0)], ids=str)
def test_clock_jumps(chaos: Chaos, mixed: MixedFunctions, clock: Path, offsets: tuple[int, ...]) -> None:
    """The clock jumps to the next of these offsets with each call, and is right again afterwards."""
    ahead, lock = itertools.cycle(offsets), threading.Lock()

    def rule(call: Call) -> Reply:
        with lock:
            clock.write_text(str(next(ahead)))
            return call.forward()

    chaos.hook.rule = rule
    mixed.change()
    time.sleep(FAULTY_SECONDS)
    clock.write_text("0")
    chaos.no_faults()
    chaos.check(mixed)

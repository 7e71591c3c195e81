"""The API server and etcd are killed while Functions change, and started again."""

import threading
import time

import pytest
from support.cluster.control_plane import wait_until
from support.faults.chaos import Chaos
from support.faults.mixed_functions import MixedFunctions

AWAY_SECONDS = 3


@pytest.mark.parametrize("programs", [["kube-apiserver"], ["etcd"], ["kube-apiserver", "etcd"]], ids="+".join)
def test_control_plane_killed(chaos: Chaos, mixed: MixedFunctions, programs: list[str]) -> None:
    """Changes of before, meanwhile and afterwards take effect."""
    changes = threading.Thread(target=mixed.change)
    changes.start()
    time.sleep(0.3)
    for name in programs:
        chaos.plane.processes.kill(name)
    time.sleep(AWAY_SECONDS)
    for name in reversed(programs):
        chaos.plane.processes.start_again(name)
    wait_until(chaos.plane.is_ready, "the API server", 180)
    changes.join(180)
    assert not changes.is_alive()
    chaos.check(mixed)

"""The hook's workers are killed, the hook is reloaded, or it has no disk space or memory."""

import contextlib
import itertools
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from support.faults.chaos import Chaos
from support.faults.hook_proxy import Call, Reply, Rule
from support.faults.mixed_functions import MixedFunctions

FAULTY_SECONDS = 4
LARGE = b"[" + b"0," * 10_000_000 + b"0]"
SPARE_BYTES = 8 * 1024 * 1024


@pytest.fixture
def own_hook(chaos: Chaos) -> Iterator[Chaos]:
    """The components; the hook is started again after the test."""
    yield chaos
    chaos.restart_hook()


def signal_workers(chaos: Chaos, number: signal.Signals) -> None:
    for pid in chaos.workers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def killed_in_a_request(chaos: Chaos) -> Rule:
    """Return the rule that kills the workers when one has half of a request, on every third call."""
    calls, lock = itertools.count(), threading.Lock()

    def rule(call: Call) -> Reply:
        if next(calls) % 3:
            return call.forward()
        with lock, call.send_half():
            time.sleep(0.1)
            signal_workers(chaos, signal.SIGKILL)
        raise ConnectionError

    return rule


def killed_in_the_app(chaos: Chaos) -> Rule:
    """Return the rule that kills the workers while they have a whole request, on every third call."""
    calls, lock = itertools.count(), threading.Lock()

    def rule(call: Call) -> Reply:
        if next(calls) % 3:
            return call.forward()
        with lock:
            signal_workers(chaos, signal.SIGSTOP)
            later = threading.Timer(0.1, signal_workers, (chaos, signal.SIGKILL))
            later.start()
            try:
                return call.forward()
            finally:
                later.join()

    return rule


@pytest.mark.parametrize("kill", [killed_in_a_request, killed_in_the_app])
def test_workers_killed(own_hook: Chaos, mixed: MixedFunctions, kill: Callable[[Chaos], Rule]) -> None:
    """All workers are killed again and again while requests are in flight; the master process replaces them."""
    master = own_hook.processes.running["hook"]
    own_hook.hook.rule = kill(own_hook)
    mixed.change()
    time.sleep(FAULTY_SECONDS)
    own_hook.no_faults()
    own_hook.check(mixed)
    assert master.poll() is None


def test_reloads(own_hook: Chaos, mixed: MixedFunctions) -> None:
    """No call fails while the hook is reloaded again and again (SIGHUP)."""
    master, failures = own_hook.processes.running["hook"], []

    def rule(call: Call) -> Reply:
        try:
            return call.forward()
        except OSError as error:
            failures.append(error)
            raise

    own_hook.hook.rule = rule
    changes = threading.Thread(target=mixed.change)
    changes.start()
    for _ in range(8):
        master.send_signal(signal.SIGHUP)
        time.sleep(FAULTY_SECONDS / 8)
    changes.join(180)
    own_hook.no_faults()
    own_hook.check(mixed)
    assert failures == []


FULL = 'mount -t tmpfs -o size=4k tmpfs /dev/shm && head -c 1M /dev/zero > /dev/shm/full; ulimit -f 0; exec "$@"'


WRAPPERS = {
    "files cannot grow": ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh"],
    "a full file system too": ["unshare", "-m", "sh", "-c", FULL, "sh"],
}


@pytest.mark.parametrize("wrapper", WRAPPERS.values(), ids=WRAPPERS)
def test_full_disk(own_hook: Chaos, mixed: MixedFunctions, wrapper: list[str]) -> None:
    """The hook can write to no file, not even to its log, nor to its temporary directory; workers are replaced."""
    if wrapper[0] == "unshare" and os.geteuid():
        pytest.skip("LEFT OUT: only root may mount a file system")
    own_hook.restart_hook(*wrapper)
    mixed.change()
    signal_workers(own_hook, signal.SIGKILL)
    own_hook.hook.rule = every_third_is_refused
    time.sleep(FAULTY_SECONDS)
    own_hook.no_faults()
    own_hook.check(mixed)


def every_third_is_refused(call: Call) -> Reply:
    """Send the hook a body that it refuses, so that it writes to its log, then the request."""
    Call(call.path, b"not JSON", call.port).forward()
    return call.forward()


def test_out_of_memory(own_hook: Chaos, mixed: MixedFunctions) -> None:
    """The workers have little more memory than they use; another client's requests take it."""

    def rule(call: Call) -> Reply:
        for pid in own_hook.workers():
            with contextlib.suppress(ProcessLookupError):
                limit_memory(pid)
        with contextlib.suppress(OSError):
            Call(call.path, LARGE, call.port).forward()
        return call.forward()

    own_hook.hook.rule = rule
    mixed.change()
    time.sleep(FAULTY_SECONDS)
    own_hook.no_faults()
    own_hook.restart_hook()
    own_hook.check(mixed)


def limit_memory(pid: int) -> None:
    """Limit a process to its address space of now and SPARE_BYTES, unless it has a limit."""
    if resource.prlimit(pid, resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
            size = int(statm.read().split()[0]) * resource.getpagesize() + SPARE_BYTES
        resource.prlimit(pid, resource.RLIMIT_AS, (size, size))

"""
Which thread reads: one leads, takes the events of all connections, and calls the handler itself.

Threads that take turns at Python's global lock delay each other by milliseconds, so a second one works only if the
first cannot go on. While there are calls, the main thread looks at the leader every few milliseconds. It passes the
lead on when a call lasts. Once handlers are found waiting, for a network or a disk, the leader passes the lead on
before each call for a while.
"""

import threading
import time
from collections.abc import Callable

from function_server.time_limit import Call

WATCH_SECONDS = 0.005
PROMPT_SECONDS = 0.0065
"""What the main thread sleeps at most if the global lock is free."""
WAIT_SECONDS, WAITS = 0.0005, 3
"""A call of this age that does not hold the global lock waits; so many in a row let more of them be expected."""
SHORTEST_EXPECTED, LONGEST_EXPECTED = 0.05, 1.0
"""Seconds for which calls are expected to wait after one that did; the longer, the more often they have."""


class Leader:
    """
    Up to `most` threads that run `work`, of which one leads; none does while all of them work on calls.

    `calls` holds the calls at work, `threads` counts the threads.
    """

    def __init__(self, most: int, work: Callable[[], None]) -> None:
        self.most = most
        self.work = work
        self.calls: set[Call] = set()
        self.threads = 0
        self.thread = 0
        self._call: Call | None = None
        self._waits = 0
        self._parked: list[tuple[int, threading.Lock]] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_asleep = False
        self._expected_until = self._expected_seconds = 0.0

    def wait(self) -> None:
        """Return when the current thread leads."""
        turn = threading.Lock()
        turn.acquire()
        with self._lock:
            if self.thread == threading.get_ident():
                return
            self._parked.append((threading.get_ident(), turn))
        turn.acquire()

    def begin(self, call: Call) -> None:
        """Count a call that the current thread works on from now on."""
        with self._lock:
            self.calls.add(call)
            if self.thread != call.thread:
                return
            if call.started < self._expected_until:
                self._pass_on()
            else:
                self._call = call
        if self._is_asleep:
            self._wake.set()

    def end(self, call: Call) -> None:
        """Count a call as done; its thread leads if no other does."""
        with self._lock:
            self.calls.discard(call)
            if self._call is call:
                self._call = None
            elif not self.thread:
                self.thread = call.thread

    def replace(self, call: Call) -> None:
        """Count a call as done, and its thread as ended."""
        with self._lock:
            self.calls.discard(call)
            self.threads -= 1
            if self.thread in (0, call.thread):
                self._pass_on()

    def pass_on(self) -> None:
        """Let the thread lead that has worked last, or a new one, or none if all work."""
        with self._lock:
            self._pass_on()

    def _pass_on(self) -> None:
        self._call, self._waits = None, 0
        if self._parked:
            self.thread, turn = self._parked.pop()
            turn.release()
        elif self.threads < self.most:
            self.threads += 1
            thread = threading.Thread(target=self.work, daemon=True)
            thread.start()
            self.thread = thread.ident or 0
        else:
            self.thread = 0

    def watch(self, seconds: float) -> None:
        """Pass the lead on when a call lasts; return when no thread leads, after `seconds` at the latest."""
        end = time.monotonic() + seconds
        while self.thread and (now := time.monotonic()) < end:
            if call := self._call:
                time.sleep(WATCH_SECONDS)
                self._check(call, now)
            else:
                self._sleep(end - now)

    def _check(self, before: Call, slept_from: float) -> None:
        """Pass the lead on if the leader works on the same call as before; expect more such calls if it waits."""
        with self._lock:
            now, call = time.monotonic(), self._call
            # This thread has had to wait for the global lock, or the whole process for a processor.
            is_late = now - slept_from > PROMPT_SECONDS
            is_waiting = call is not None and call.is_in_handler and not is_late and now - call.started > WAIT_SECONDS
            self._waits = self._waits + 1 if is_waiting else 0
            if self._waits >= WAITS or (is_waiting and call is before):
                self._expect(now)
            if self._waits >= WAITS or call is before:
                self._pass_on()

    def _expect(self, now: float) -> None:
        is_soon = now < self._expected_until + self._expected_seconds
        longer = min(LONGEST_EXPECTED, 2 * self._expected_seconds)
        self._expected_seconds = longer if is_soon else SHORTEST_EXPECTED
        self._expected_until = now + self._expected_seconds

    def _sleep(self, seconds: float) -> None:
        """Sleep until a call begins or no thread leads."""
        self._wake.clear()
        self._is_asleep = True
        if self.thread and not self._call:
            self._wake.wait(seconds)
        self._is_asleep = False

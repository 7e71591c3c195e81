"""A steady load on one port: half of the callers keep their connections, half open a new one for each request."""

import contextlib
import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

CALLERS = 8
_sources = (f"127.{a}.{b}.{c}" for a in range(1, 255) for b in range(256) for c in range(1, 255))
"""
A source address for each connection. The kernel reuses loopback ports after a second, but its table of translated
connections keeps them longer: with one address, one of some ten thousand connections would miss the node port.
"""


@dataclass
class Load:
    """
    `answers` counts the bodies of 200s, `errors` has every other result; both grow until `stopped`.

    Each caller waits `pause` seconds after each response; the number may change under load.
    """

    port: int
    pause: float = 0
    answers: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def requests(self) -> int:
        return sum(self.answers.values()) + len(self.errors)

    def call(self, number: int) -> None:
        """Send requests until the load is stopped."""
        connection = self.connection()
        while not self.stopped.is_set():
            try:
                connection.request("GET", "/")
                response = connection.getresponse()
                body = response.read().decode()
            except (OSError, http.client.HTTPException) as error:
                self.errors.append(f"{datetime.now(UTC):%T.%f} {type(error).__name__}: {error}")
                connection.close()
                connection = self.connection()
                continue
            if response.status == 200:
                self.answers[body] += 1
            else:
                self.errors.append(f"{datetime.now(UTC):%T.%f} {response.status} {body[:100]}")
            if number % 2 or response.will_close:
                connection.close()
                connection = self.connection()
            self.stopped.wait(self.pause)
        connection.close()

    def connection(self) -> http.client.HTTPConnection:
        with self.lock:
            source = next(_sources)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30, source_address=(source, 0))


@contextlib.contextmanager
def steady(port: int, pause: float = 0) -> Iterator[Load]:
    """Send requests to 127.0.0.1:`port` inside the block; at its end every caller has its last response."""
    load = Load(port, pause)
    callers = [threading.Thread(target=load.call, args=(number,)) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    try:
        yield load
    finally:
        load.stopped.set()
        for caller in callers:
            caller.join()

"""How much memory the bodies of all requests may take together, so that callers cannot end the process."""

import threading

SHARE = 0.75
"""Of the container's memory."""
JSON_FACTOR = 24
"""A decoded JSON text takes up to 21 times its bytes (`[[],[],...]`: three bytes for an empty list of 64)."""
FACTOR = 2
"""The pieces of a body, and the joined ones."""


class Budget:
    """Counts bytes; `memory` is the container's limit in bytes, 0 for none."""

    def __init__(self, memory: int) -> None:
        self.limit = int(memory * SHARE)
        self.taken = 0
        self._lock = threading.Lock()

    def cost(self, size: int, content_type: str) -> int:
        """Return what `size` bytes of a body may come to, 0 where memory has no limit."""
        if not self.limit:
            return 0
        return size * (JSON_FACTOR if "json" in content_type.lower() else FACTOR)

    def take(self, cost: int) -> bool:
        """Take `cost` and return True, or return False where there is no room for it."""
        if not cost:
            return True
        with self._lock:
            if self.taken + cost > self.limit:
                return False
            self.taken += cost
            return True

    def give_back(self, cost: int) -> None:
        """Return what a request has taken."""
        if cost:
            with self._lock:
                self.taken -= cost

    def refusal(self, cost: int) -> tuple[int, str]:
        """Return the status and words for a body of this cost: too large for this container, or too many at once."""
        if cost > self.limit:
            return 413, "the body is too large for the memory of this Function"
        return 503, "too many large requests at once"

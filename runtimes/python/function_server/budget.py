"""How much memory the requests of all callers may take together, so that callers cannot end the process."""

import threading

from function_server.request import Request

SHARE = 0.75
"""Of the container's memory."""
JSON_FACTOR = 24
"""A decoded JSON text takes up to 21 times its bytes (`[[],[],...]`: three bytes for an empty list of 64)."""
FACTOR = 2
"""A body as it has come, and its copy for the handler."""


class Budget:
    """Counts bytes; `memory` is the container's limit in bytes, 0 for none."""

    def __init__(self, memory: int) -> None:
        self.limit = int(memory * SHARE)
        self.taken = 0
        self._lock = threading.Lock()

    def take_for(self, request: Request, size: int, content_type: str) -> tuple[int, str] | None:
        """Take what `size` bytes of a request may come to, or return the status and words of a refusal."""
        if not self.limit:
            return None
        cost = size * (JSON_FACTOR if "json" in content_type.lower() else FACTOR)
        with self._lock:
            if request.cost + cost > self.limit:
                return 413, "the body is too large for the memory of this Function"
            if self.taken + cost > self.limit:
                return 503, "too many large requests at once"
            self.taken += cost
            request.cost += cost
        return None

    def give_back(self, request: Request) -> None:
        """Return what a request has taken."""
        if request.cost:
            with self._lock:
                self.taken -= request.cost
                request.cost = 0

"""What each user wrote to an API server and when, from the server's audit log."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

WRITES = {"create", "update", "patch", "delete", "deletecollection"}
BOOKKEEPING = {"leases", "events"}
"""Requests on these resources are counted apart: leader election goes on at rest, events expire."""
TIMES = ("requestReceivedTimestamp", "stageTimestamp")


def policy(users: list[str]) -> dict[str, Any]:
    """Return an audit policy that logs the requests of these users, but no watches."""
    rules = [{"level": "None", "verbs": ["watch"]}, {"level": "Metadata", "users": users}, {"level": "None"}]
    head = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy"}
    return head | {"omitStages": ["RequestReceived"], "rules": rules}


class Event(NamedTuple):
    """One request; `resource` includes the subresource, times are in seconds since 1970."""

    user: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    received: float
    done: float

    @property
    def is_write(self) -> bool:
        return self.verb in WRITES and self.resource not in BOOKKEEPING

    @property
    def is_request(self) -> bool:
        return self.verb not in ("list", "watch") and self.resource not in BOOKKEEPING


class Audit:
    """The audit log of an API server, which grows; `events` has what read() has seen so far."""

    def __init__(self, log: Path) -> None:
        self.log, self.position = log, 0
        self.events: list[Event] = []

    def read(self) -> int:
        """Read the lines that are complete by now; return the number of all events."""
        with self.log.open("rb") as log:
            log.seek(self.position)
            for line in log:
                if not line.endswith(b"\n"):
                    break  # the API server is writing it
                self.position += len(line)
                self._add(json.loads(line))
        return len(self.events)

    def _add(self, event: dict[str, Any]) -> None:
        target = event.get("objectRef", {})
        if "resource" not in target:
            return
        resource = "/".join(filter(None, (target["resource"], target.get("subresource"))))
        times = (
            datetime.fromisoformat(event[key]).timestamp() for key in ("requestReceivedTimestamp", "stageTimestamp")
        )
        who, code = event["user"]["username"], event.get("responseStatus", {}).get("code", 0)
        where = target.get("namespace", ""), target.get("name", "")
        self.events.append(Event(who, event["verb"], resource, *where, code, *times))

    def since(self, start: int, user: str) -> Iterator[Event]:
        """Yield the user's events from this number on."""
        self.read()
        return (event for event in self.events[start:] if event.user == user)

    def writes(self, start: int, user: str) -> int:
        return sum(event.is_write for event in self.since(start, user))

    def requests(self, start: int, user: str) -> int:
        """Return the number of requests but those that list and watch."""
        return sum(event.is_request for event in self.since(start, user))

    def kinds(self, start: int, user: str) -> Counter[str]:
        """Count the user's requests by verb, resource and, unless it succeeded, code."""
        return Counter(
            f"{event.verb} {event.resource}{f' {event.code}' if event.code >= 400 else ''}"
            for event in self.since(start, user)
        )

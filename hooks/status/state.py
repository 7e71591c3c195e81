"""What the status is computed from, and what it comes to."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, NamedTuple

from hooks.manifest import Manifest
from hooks.protocol import HookRequest
from hooks.records import last_applied
from hooks.resolve import ResolvedFunction
from hooks.status.reasons import Reason


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A sound Function, its desired children, what is observed, and what the Function names that is `absent`."""

    function: ResolvedFunction
    desired: list[Manifest]
    request: HookRequest
    absent: list[str]
    now: datetime

    @property
    def deployment(self) -> Manifest | None:
        """The observed Deployment."""
        return self.request.child("Deployment")

    @cached_property
    def applied(self) -> Manifest | None:
        """What was last applied to the Deployment, None where there is no record of it."""
        return self.deployment and last_applied(self.deployment)


class State(NamedTuple):
    """
    `phase` is the condition that is true, `reason` and `message` explain it, `running` is Kyma's reason for Running.

    `requeue_after` is in how many seconds the state changes by time alone, 0 where it does not. `dropped` is where an
    explanation of the state failed, "" where none did: it is for the log.
    """

    phase: Literal["Ready", "Reconciling", "Stalled"]
    reason: Reason
    message: str
    running: Reason
    requeue_after: int = 0
    dropped: str = ""

    @classmethod
    def ready(cls, reason: Reason, message: str) -> "State":
        return cls("Ready", reason, message, reason.kyma)

    @classmethod
    def reconciling(cls, reason: Reason, message: str, *, requeue_after: int = 0) -> "State":
        """Return a state that a controller is working on."""
        return cls("Reconciling", reason, message, reason.kyma, requeue_after)

    @classmethod
    def stalled(cls, reason: Reason, message: str, *, requeue_after: int = 0) -> "State":
        """Return a state that needs a user's action."""
        return cls("Stalled", reason, message, reason.kyma, requeue_after)

    def explained(self, reason: Reason, message: str) -> "State":
        """Return the same state with another explanation; Running keeps the Deployment's reason."""
        return self._replace(reason=reason, message=message)

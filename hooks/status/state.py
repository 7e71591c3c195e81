"""The input of a status, and the state that its conditions report."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal, NamedTuple

from hooks.manifest import Manifest
from hooks.policy_additions import Addition
from hooks.protocol import HookRequest
from hooks.records import last_applied
from hooks.resolved import ResolvedFunction
from hooks.sources import Source
from hooks.status.reasons import Reason

PENDING_SECONDS = 5
"""How long an operation may be pending before it counts as failed: a cache may be stale, or a write is retried."""
TIMEOUT_REASONS = {
    Reason.CHILDREN_PENDING: Reason.CHILDREN_NOT_CREATED,
    Reason.DEPLOYMENT_UPDATED: Reason.UPDATE_REFUSED,
    Reason.DEPLOYMENT_FAILED: Reason.DEPLOYMENT_FAILED,
    Reason.SOURCE_PENDING: Reason.SOURCE_UPDATE_FAILED,
}
"""The reason of Reconciling while an operation is pending, and that of Stalled once it has timed out."""
FETCH_SECONDS = 120
"""How long the first fetch of a source may take: more than Flux' own time limit for one."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """
    A valid Function, its desired children, and the request.

    `absent` has a message for each missing Secret, ConfigMap or key that the Function references; `kept`
    has the harmful additions of admission policies; `source` is what Flux fetches, None for an inline source.
    """

    function: ResolvedFunction
    desired: list[Manifest]
    request: HookRequest
    absent: list[str]
    kept: list[Addition]
    source: Source | None
    now: datetime

    @property
    def deployment(self) -> Manifest | None:
        """The observed Deployment."""
        return self.request.child("Deployment")

    @cached_property
    def applied(self) -> Manifest | None:
        """The Deployment's last-applied fields, None without a valid record."""
        return self.deployment and last_applied(self.deployment)

    def has_timed_out(self, reason: Reason, seconds: int = PENDING_SECONDS) -> bool:
        """
        Return whether the operation of this pending reason has lasted for so many seconds in this generation.

        The hook cannot see why an operation fails: Metacontroller sends only a Function's own children, ignores an
        object that another owner has under the same name, and reports refused writes in events only.
        """
        previous, generation = self.request.previous, self.request.metadata.generation
        if (stalled := previous.get("Stalled")) and stalled.reason == TIMEOUT_REASONS[reason]:
            return stalled.observed_generation == generation
        pending = previous.get("Reconciling")
        if pending is None or (pending.reason, pending.observed_generation) != (reason, generation):
            return False
        return self.now - datetime.fromisoformat(pending.last_transition_time) >= timedelta(seconds=seconds)


class State(NamedTuple):
    """
    `phase` is the condition that is True; `reason` and `message` explain it; `running` is the reason of Kyma's Running.

    The state changes after `requeue_after` seconds even if no object changes, 0 for never. `dropped` is the code
    location of an error while a failure was being explained, "" for none.
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
        """Return a state that lasts until a user or operator acts."""
        return cls("Stalled", reason, message, reason.kyma, requeue_after)

    def with_explanation(self, reason: Reason, message: str) -> "State":
        """Return the state with a more specific reason and message; `running` keeps the Deployment's reason."""
        return self._replace(reason=reason, message=message)

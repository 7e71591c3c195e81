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
        return self._reports(reason) and self._age() >= timedelta(seconds=seconds)

    def is_late(self, reason: Reason) -> bool:
        """
        Return whether an operation of this pending reason may have lasted for PENDING_SECONDS in this generation.

        Before that it has the reason of any rollout, so that an operation without trouble is no status of its own. The
        age of a rollout says nothing about the operation, so a late one gets its own reason and time before it counts
        as failed.
        """
        if self._reports(Reason.DEPLOYMENT_WAITING, Reason.CONFIG_MISSING):
            return self._age() >= timedelta(seconds=PENDING_SECONDS)
        return self._reports(reason)

    @property
    def is_rollout_new(self) -> bool:
        """Whether the previous status says that the rollout of this generation began within PENDING_SECONDS."""
        reported = self._reports(Reason.DEPLOYMENT_WAITING)
        return reported and timedelta() <= self._age() < timedelta(seconds=PENDING_SECONDS)

    def _reports(self, *reasons: Reason) -> bool:
        """Return whether the previous status has Reconciling for one of these reasons and this generation."""
        previous, generation = self.request.previous.get("Reconciling"), self.request.metadata.generation
        return previous is not None and previous.reason in reasons and previous.observed_generation == generation

    def _age(self) -> timedelta:
        """Return the age of the previous Reconciling."""
        return self.now - datetime.fromisoformat(self.request.previous["Reconciling"].last_transition_time)


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

"""
What an autoscaler says that cannot do its work: the Function answers, but nothing scales it.
"""

from datetime import datetime

from hooks.manifest import Manifest, condition, text
from hooks.status.deployment import seconds_left
from hooks.status.reasons import Reason
from hooks.status.state import State

GRACE_SECONDS = 120
"""How long an autoscaler may be unable to measure: metrics of a new pod take a minute or so."""
_WORD_CHARACTERS = 64


def of_autoscaler(state: State, autoscaler: Manifest, now: datetime) -> State:
    """
    Return the state of a ready Function, with the reason that its autoscaler has if it has been idle for long.

    The Function stays ready. One that is scaled to zero has its autoscaler switched off, which is no fault.
    """
    for kind in ("AbleToScale", "ScalingActive"):
        found = condition(autoscaler, kind)
        if found.get("status") != "False" or found.get("reason") == "ScalingDisabled":
            continue
        if left := seconds_left(found, GRACE_SECONDS, now):
            return state._replace(requeue_after=left)
        reason = text(found.get("reason"))[:_WORD_CHARACTERS]
        message = f"{state.message}, but its autoscaler does not scale it: {kind} is False with reason {reason}"
        return state.explained(Reason.AUTOSCALER_INACTIVE, message)
    return state

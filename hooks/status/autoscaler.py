"""
The state of a Function that is ready but whose autoscaler cannot work.
"""

from datetime import datetime

from hooks.manifest import Manifest, as_text, find_condition
from hooks.status.deployment import seconds_left
from hooks.status.reasons import Reason
from hooks.status.state import State

AUTOSCALER_GRACE_SECONDS = 120
"""How long an autoscaler may fail before it is reported: the metrics of a new pod take about a minute."""
_MAX_REASON_CHARACTERS = 64


def explain_autoscaler(state: State, autoscaler: Manifest, now: datetime) -> State:
    """
    Return a ready state, with reason AutoscalerInactive after the autoscaler has failed for the grace period.

    ScalingDisabled is no failure: the Function is scaled to zero.
    """
    for condition_type in ("AbleToScale", "ScalingActive"):
        condition = find_condition(autoscaler, condition_type)
        if condition.get("status") != "False" or condition.get("reason") == "ScalingDisabled":
            continue
        if left := seconds_left(condition, AUTOSCALER_GRACE_SECONDS, now):
            return state._replace(requeue_after=left)
        reason = as_text(condition.get("reason"))[:_MAX_REASON_CHARACTERS]
        message = (
            f"{state.message}, but its autoscaler does not scale it: {condition_type} is False with reason {reason}"
        )
        return state.with_explanation(Reason.AUTOSCALER_INACTIVE, message)
    return state

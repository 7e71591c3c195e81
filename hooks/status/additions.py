"""
The state of a Function to which an admission policy adds harmful fields.
"""

from hooks.policy_additions import Addition
from hooks.redact import one_line
from hooks.status.reasons import Reason
from hooks.status.state import State

_MAX_PATHS = 8


def explain_additions(state: State, kept: list[Addition]) -> State:
    """Return a ready state with the additions; it is stalled if the Function cannot be called because of them."""
    if state.phase != "Ready" or not kept:
        return state
    paths = [f"{addition.path} of the {addition.kind}" for addition in kept]
    more = f" and {len(paths) - _MAX_PATHS} more" if len(paths) > _MAX_PATHS else ""
    added = one_line(", ".join(paths[:_MAX_PATHS])) + more
    message = f"an admission policy adds {added} on every write. Exempt Functions from it, then edit the Function"
    explained = state.with_explanation(Reason.ADDED_BY_POLICY, message)
    return explained._replace(phase="Stalled") if any(addition.cuts_off for addition in kept) else explained

"""
Removes harmful additions of other components to a child (harmful_additions.py lists them).

Metacontroller's merge removes only what it has sent before. So the first response after an addition returns the field
as observed, which changes nothing but the last-applied record. The next response omits it, and Metacontroller removes
it. The hook distinguishes the two steps by the record; without a valid one (records.py) it adopts nothing.

The additions of an admission policy (policy_additions.py) stay. Their removal is tried with each edit of the Function:
that costs no write if the policy has ended, and one otherwise.
"""

from typing import NamedTuple

from hooks.children import KINDS
from hooks.manifest import Manifest, is_serializable
from hooks.policy_additions import Addition, policy_additions, with_policy_additions
from hooks.protocol import HookRequest
from hooks.records import last_applied


class Additions(NamedTuple):
    """
    The desired children with the additions that stay, the children of the response, and the additions that stay.

    The response also has each harmful addition that is not yet in the last-applied record.
    """

    desired: list[Manifest]
    response: list[Manifest]
    kept: list[Addition]


def handle_additions(built: list[Manifest], request: HookRequest) -> Additions:
    """Return what becomes of the harmful additions to these children."""
    pairs = [_handle(child, request) for child in built]
    changed = [(child, desired) for child, (desired, _) in zip(built, pairs, strict=True) if desired is not child]
    kept = [addition for child, desired in changed for addition in policy_additions(child, desired)]
    return Additions([desired for desired, _ in pairs] if kept else built, [answer for _, answer in pairs], kept)


def _handle(built: Manifest, request: HookRequest) -> tuple[Manifest, Manifest]:
    """Return the desired child, and that of the response."""
    live, adopt = request.child(built["kind"]), KINDS[built["kind"]].adopt
    # Parses the record only if there is an addition: this keeps the sync of a settled child cheap.
    if live is None or adopt is None or adopt(built, live, None) is built or (record := last_applied(live)) is None:
        return built, built
    is_edited = 0 < request.observed_generation < request.metadata.generation
    desired = built if is_edited else with_policy_additions(built, live)
    answer: Manifest = adopt(desired, live, record)
    return desired, answer if answer is desired or is_serializable(answer) else desired

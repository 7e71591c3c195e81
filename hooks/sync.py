"""
The story: what a Function should have now, from nothing but what it was asked.

The clock comes in as an argument, and nothing here reads, writes or remembers.
"""

from datetime import datetime

from hooks import related
from hooks.children import build_children
from hooks.config import Config
from hooks.drift import adopting
from hooks.function import Function
from hooks.manifest import Manifest
from hooks.protocol import FinalizeRequest, NoLastApplied, SyncRequest, SyncResponse, held
from hooks.resolve import resolve
from hooks.status import compute_status, rejected, unchanged
from hooks.validate import validate

TEARDOWN = ("HorizontalPodAutoscaler", "Deployment")
"""What goes first when a Function is deleted, one kind after the other; the rest goes last, together."""


def sync(request: SyncRequest, config: Config, *, now: datetime) -> SyncResponse:
    """
    Return the children and status that this Function should have now.

    A broken rule holds the children as they were last applied. Raises protocol.NoLastApplied if there is no record
    of that.
    """
    if violations := validate(request.function, config):
        report = rejected(violations, request, now)
        return SyncResponse(status=report.status, children=held(request))
    absent = related.missing(request, config)
    version = related.configs_version(request, config, absent)
    function = resolve(request.function, config, request.observed_replicas, version)
    children = build_children(function)
    report = compute_status(function, children, request, absent, now)
    return SyncResponse(status=report.status, children=adopting(children, request), resync_after=report.resync_after)


def finalize(request: FinalizeRequest, config: Config, *, now: datetime) -> SyncResponse:
    """
    Return what is left of a Function that is being deleted: one kind less each time, until nothing is observed.

    Neither a broken spec nor a missing record is an obstacle: what cannot be held goes at once.
    """
    kinds = {kind for kind, _ in request.observed}
    first = next((kind for kind in TEARDOWN if kind in kinds), None)
    try:
        children = held(request, kinds - {first}) if first else []
    except NoLastApplied:
        children = []
    return SyncResponse(status=unchanged(request).status, children=children, finalized=request.finalizing and not kinds)


def customize(function: Function, config: Config) -> list[Manifest]:
    """Return the rules for what Metacontroller should send along with a sync of this Function."""
    return related.rules(function, config)

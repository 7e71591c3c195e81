"""
The story: what a Function should have now, from nothing but what it was asked.

The clock comes in as an argument, and nothing here reads, writes or remembers.
"""

from datetime import datetime

from hooks import references
from hooks.children import KINDS, build_children
from hooks.config import Config
from hooks.customize import related_rules
from hooks.drift import adopting
from hooks.function import Function
from hooks.manifest import Manifest
from hooks.protocol import HookRequest, SyncResponse
from hooks.records import held, last_applied
from hooks.reorder import reordering
from hooks.resolve import resolve
from hooks.rules import Violation, validate
from hooks.status import Observation, compute_status, rejected, unchanged


def sync(request: HookRequest, config: Config, *, now: datetime) -> SyncResponse:
    """
    Return the children and status that this Function should have now.

    A Function that breaks its schema or a rule keeps its children as they are.
    """
    written = request.function
    violations = [Violation(*fault) for fault in request.field_errors]
    if written is None or (violations := validate(written, config)):
        report = rejected(violations, request, now)
        return SyncResponse(status=report.status, children=held(request))
    absent = references.missing(written, request, config)
    version = references.referenced_data_version(written, request, config, absent)
    function = resolve(written, config, request.observed_replicas, version)
    children = build_children(function)
    report = compute_status(Observation(function=function, desired=children, request=request, absent=absent, now=now))
    return SyncResponse(
        status=report.status,
        children=reordering(adopting(children, request), request),
        resync_after=report.resync_after,
        dropped=report.dropped,
    )


def finalize(request: HookRequest, config: Config, *, now: datetime) -> SyncResponse:
    """
    Return what is left of a Function that is being deleted: one kind less each time, until nothing is observed.

    Nothing can stand in the way: not a spec, a record, a foreign object that claims to be a child, or a child that a
    finalizer keeps after it was deleted. A child without a usable record goes at once: to keep it is to have it merged
    with that record, which may take its owner away, and then it would be left behind.
    """
    left = {kind: child for kind, child in request.observed.items() if not child["metadata"].get("deletionTimestamp")}
    first = min((KINDS[kind].teardown for kind in left), default=0)
    keep = {kind for kind, child in left.items() if KINDS[kind].teardown > first and last_applied(child)}
    finalized = request.finalizing and not left
    return SyncResponse(status=unchanged(request).status, children=held(request, keep), finalized=finalized)


def customize(function: Function, config: Config) -> list[Manifest]:
    """Return the rules for what Metacontroller should send along with a sync of this Function."""
    return related_rules(function, config)

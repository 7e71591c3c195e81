"""
The hooks as pure functions: the children and status of a Function, computed from one request.

The caller passes the time. Nothing here does I/O or keeps state.
"""

from datetime import datetime

from hooks import references
from hooks.children import KINDS, build_children
from hooks.config import Config
from hooks.customize import related_rules
from hooks.function import Function
from hooks.manifest import Manifest
from hooks.protocol import HookRequest, SyncResponse
from hooks.records import hold_deployment, last_applied, unchanged_children
from hooks.remove_additions import handle_additions
from hooks.reorder_env import reorder_env
from hooks.resolve import resolve
from hooks.rules import Violation, validate
from hooks.same_content import keep_artifact
from hooks.sources import observed_source
from hooks.status import Observation, compute_status, frozen_status, unchanged_status


def sync(request: HookRequest, config: Config, *, now: datetime) -> SyncResponse:
    """
    Return the desired children and status of the Function.

    A Function that breaks its schema or a rule is frozen: its children stay as they are, and the status has the errors.
    While no artifact of a fetched source counts, the Deployment stays as it is.
    """
    function = request.function
    violations = [Violation(*error) for error in request.field_errors]
    if function is None or (violations := validate(function, config)):
        return SyncResponse(status=frozen_status(violations, request, now), children=unchanged_children(request))
    return _sync_valid(function, request, config, now)


def _sync_valid(function: Function, request: HookRequest, config: Config, now: datetime) -> SyncResponse:
    absent = references.missing(function, request, config)
    version = references.referenced_data_version(function, request, config, absent)
    source = None if function.spec.source.inline else observed_source(function, request, config)
    wanted = resolve(
        function,
        config,
        observed_replicas=request.observed_replicas,
        configs_version=version,
        repository=source.repository if source else None,
        artifact=source.artifact if source else None,
    )
    resolved = keep_artifact(wanted, request)
    built, response, kept = handle_additions(build_children(resolved), request)
    desired = hold_deployment(built, request) if source else built
    report = compute_status(
        Observation(
            function=resolved, desired=desired, request=request, absent=absent, kept=kept, source=source, now=now
        )
    )
    children = reorder_env(response, request)
    return SyncResponse(
        status=report.status,
        children=children if desired is built else hold_deployment(children, request),
        resync_after=report.resync_after,
        dropped=report.dropped,
    )


def finalize(request: HookRequest, config: Config, *, now: datetime) -> SyncResponse:
    """
    Return the children that a Function keeps at this step of its deletion; `finalized` is true once none is left.

    Each response deletes the kinds of the next teardown step. No spec, record or object of another owner can block the
    deletion, nor can a child that is being deleted but has a finalizer. A child without a valid record is deleted at
    once: keeping it would merge it with that record, which may remove its owner reference and so orphan it.

    A deletion that orphans the children ends at once. Metacontroller leaves them alone while the garbage collector
    does its work, but later it might still see their old owner references and delete them.
    """
    remaining = {
        kind: child for kind, child in request.observed.items() if not child["metadata"].get("deletionTimestamp")
    }
    step = min((KINDS[kind].teardown for kind in remaining), default=0)
    later = {kind for kind in remaining if request.orphans or KINDS[kind].teardown > step}
    kept = {kind for kind in later if last_applied(remaining[kind])}
    return SyncResponse(
        status=unchanged_status(request),
        children=unchanged_children(request, kept),
        finalized=request.finalizing and (request.orphans or not remaining),
    )


def customize(function: Function, config: Config) -> list[Manifest]:
    """Return the rules that select the related objects of this Function."""
    return related_rules(function, config)

"""
The state of a source that Flux fetches: the condition SourceReady, status.gitRepository, and the Function's own state
while no artifact counts.

While one counts, the Function's state is that of its Deployment: a remote that is lost later changes nothing that runs.
"""

from typing import Any

from hooks.manifest import Manifest
from hooks.redact import one_line
from hooks.same_content import commit_in, revision_in
from hooks.sources import Source
from hooks.status.conditions import NewCondition
from hooks.status.reasons import Reason
from hooks.status.state import FETCH_SECONDS, Observation, State


def source_condition(source: Source) -> NewCondition:
    """Return SourceReady: whether the fetched source is the current one."""
    if failure := _failure(source):
        return NewCondition("SourceReady", "False", Reason.SOURCE_UPDATE_FAILED, failure)
    if source.is_suspended:
        message = f"{source.title} is suspended: no new commit is fetched until it is resumed"
        return NewCondition("SourceReady", "True" if source.artifact else "False", Reason.SOURCE_SUSPENDED, message)
    if source.artifact:
        message = f"{source.title} has revision {one_line(source.artifact.revision)}"
        return NewCondition("SourceReady", "True", Reason.SOURCE_UPDATED, message)
    return NewCondition("SourceReady", "Unknown", Reason.SOURCE_PENDING, _pending(source))


def source_state(observation: Observation) -> State | None:
    """
    Return the state of a Function for whose source no artifact counts, None for any other Function.

    An artifact that Flux has lost changes nothing that runs: the state is that of the Deployment.
    """
    source = observation.source
    if source is None or source.artifact or (source.is_lost and observation.deployment):
        return None
    condition = source_condition(source)
    if condition.reason is not Reason.SOURCE_PENDING:
        return State.stalled(condition.reason, condition.message)
    if observation.has_timed_out(Reason.SOURCE_PENDING, FETCH_SECONDS):
        message = f"{condition.message} for more than {FETCH_SECONDS} seconds: check that source-controller runs"
        return State.stalled(Reason.SOURCE_UPDATE_FAILED, message)
    return State.reconciling(condition.reason, condition.message, requeue_after=FETCH_SECONDS)


def repository_status(observation: Observation) -> dict[str, Any]:
    """Return the status fields of a Function from Git, with the commit whose content the pods are requested to run."""
    fetch = observation.function.source.fetch
    if fetch is None:
        return {}
    found = dict(fetch.given) | _commit(observation)
    mirrors: Manifest = {key: found[key] for key in ("commit", "baseDir", "reference") if key in found}
    return {"gitRepository": found, **mirrors} if found else {}


def _commit(observation: Observation) -> dict[str, str]:
    """Return the newest commit with the content of the Deployment in the response."""
    artifact = observation.source and observation.source.artifact
    deployment = next((child for child in observation.desired if child["kind"] == "Deployment"), None)
    commit = commit_in(artifact.revision if artifact else revision_in(deployment))
    return {"commit": commit} if commit else {}


def _failure(source: Source) -> str:
    if name := source.missing_reference:
        return f"{source.title}: the repository has neither a branch nor a tag {name}"
    return f"{source.title}: {one_line(source.failure)}" if source.failure else ""


def _pending(source: Source) -> str:
    return f"waiting for {source.title} to fetch the source" if source.exists else f"{source.title} does not exist"

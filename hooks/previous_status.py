"""
The parent's status as sent. This service, an earlier version of it or Kyma may have written it.

Transition times are carried over; a frozen or deleted Function keeps the whole status. Values that cannot be parsed or
that break the CRD's schema count as absent.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

from pydantic import Field, ValidationError

from hooks.core_v1 import ContainerSecurityContext, Integer, PodSecurityContext
from hooks.function import Model
from hooks.manifest import as_text, mappings_in

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_REASON = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?")

_Short = Annotated[str, Field(max_length=63)] | None
_Long = Annotated[str, Field(max_length=4096)] | None
_Url = Annotated[str, Field(max_length=2048)] | None
_Path = Annotated[str, Field(max_length=1024)] | None
_Reference = Annotated[str, Field(max_length=255)] | None
_Commit = Annotated[str, Field(max_length=64)] | None


class _Repository(Model):
    url: _Url = None
    base_dir: _Path = None
    reference: _Reference = None
    commit: _Commit = None


class KnownStatus(Model):
    """The status fields of the CRD, except conditions and observedGeneration."""

    runtime: _Short = None
    runtime_image: _Long = None
    replicas: Annotated[Integer, Field(ge=0, le=2147483647)] | None = None
    pod_selector: _Long = None
    function_resource_profile: _Short = None
    function_annotations: Annotated[dict[str, Annotated[str, Field(max_length=32768)]] | None, Field(max_length=64)] = (
        None
    )
    pod_security_context: PodSecurityContext | None = None
    container_security_context: ContainerSecurityContext | None = None
    git_repository: _Repository | None = None
    commit: _Commit = None
    base_dir: _Path = None
    reference: _Reference = None


class PreviousCondition(NamedTuple):
    """A parsed condition; `last_transition_time` is the original text, a valid RFC 3339 time."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: str
    observed_generation: int


def parse_conditions(status: dict[str, Any]) -> dict[str, PreviousCondition]:
    """Return the conditions of a status that can be parsed, by type."""
    parsed = map(_parse_condition, mappings_in(status.get("conditions")))
    return {condition.type: condition for condition in parsed if condition}


def _parse_condition(item: dict[str, Any]) -> PreviousCondition | None:
    kind, status, reason, time = (item.get(key) for key in ("type", "status", "reason", "lastTransitionTime"))
    if not (isinstance(kind, str) and isinstance(reason, str) and isinstance(time, str) and _is_time(time)):
        return None
    if status not in ("True", "False", "Unknown"):
        return None
    generation = item.get("observedGeneration")
    return PreviousCondition(
        type=kind,
        status=status,
        reason=reason,
        message=as_text(item.get("message")),
        last_transition_time=time,
        observed_generation=generation if type(generation) is int else 0,
    )


@lru_cache(maxsize=4096)
def _is_time(text: str) -> bool:
    """Return whether a text is a time in Kubernetes' notation, such as 2026-01-01T00:00:00Z."""
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def carried_over(status: dict[str, Any], conditions: dict[str, PreviousCondition]) -> dict[str, Any]:
    """
    Return the parts of the previous status that fit the CRD's schema.

    observedGeneration is omitted, since Metacontroller adds it.
    """
    fields = {key: status[key] for key in _FIELDS if status.get(key) is not None}
    try:
        known = KnownStatus.model_validate(fields)
    except ValidationError as error:
        invalid = {each["loc"][0] for each in error.errors(include_url=False, include_input=False)}
        known = KnownStatus.model_validate({key: value for key, value in fields.items() if key not in invalid})
    valid = _in_original_order(fields, known.model_dump(by_alias=True, exclude_unset=True, exclude_none=True))
    if serialized := list(_valid_conditions(conditions)):
        valid["conditions"] = serialized
    return valid


def _in_original_order(original: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Return `known` with its keys in the order of `original`, at every depth."""
    pairs = {key: (inner, known[key]) for key, inner in original.items() if key in known}
    return {
        key: _in_original_order(inner, value) if isinstance(value, dict) else value
        for key, (inner, value) in pairs.items()
    }


def _valid_conditions(conditions: dict[str, PreviousCondition]) -> Iterator[dict[str, Any]]:
    """Yield the conditions that fit the schema."""
    for condition in list(conditions.values())[:16]:
        if len(condition.type) <= 316 and len(condition.reason) <= 1024 and _REASON.fullmatch(condition.reason):
            yield {
                "type": condition.type,
                "status": condition.status,
                "reason": condition.reason,
                "message": condition.message[:32768],
                "lastTransitionTime": condition.last_transition_time,
                "observedGeneration": max(0, condition.observed_generation),
            }


_FIELDS = tuple(field.alias or name for name, field in KnownStatus.model_fields.items())

"""
The status before this answer: written by this service, an earlier version of it or Kyma, so nothing of it is certain.

Its times are carried over, and a Function that is frozen or deleted keeps what it says. What cannot be read, or would
break the CRD's schema, counts as absent.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

from pydantic import Field, ValidationError

from hooks.core_v1 import ContainerSecurityContext, Integer, PodSecurityContext
from hooks.function import Model

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
    """The fields of a status that the CRD knows, but for its conditions and observedGeneration."""

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


class Condition(NamedTuple):
    """A condition that can be read; `last_transition_time` is a time with a zone, as written."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: str
    observed_generation: int


def conditions(status: dict[str, Any]) -> dict[str, Condition]:
    """Return those conditions of a status that can be read, by type."""
    items = status.get("conditions")
    found = (_condition(item) for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))
    return {condition.type: condition for condition in found if condition}


def _condition(item: dict[str, Any]) -> Condition | None:
    kind, status, reason, since = (item.get(key) for key in ("type", "status", "reason", "lastTransitionTime"))
    if not (isinstance(kind, str) and isinstance(reason, str) and isinstance(since, str) and _is_time(since)):
        return None
    if status not in ("True", "False", "Unknown"):
        return None
    message, generation = item.get("message"), item.get("observedGeneration")
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message if isinstance(message, str) else "",
        last_transition_time=since,
        observed_generation=generation if type(generation) is int else 0,
    )


@lru_cache(maxsize=4096)
def _is_time(text: str) -> bool:
    """Tell whether a text is a time as Kubernetes writes it: 2026-01-01T00:00:00Z."""
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def kept(status: dict[str, Any], readable: dict[str, Condition]) -> dict[str, Any]:
    """Return the status again, without observedGeneration, which Metacontroller adds, and what breaks the schema."""
    found = {key: status[key] for key in _FIELDS if status.get(key) is not None}
    try:
        known = KnownStatus.model_validate(found)
    except ValidationError as error:
        broken = {fault["loc"][0] for fault in error.errors(include_url=False, include_input=False)}
        known = KnownStatus.model_validate({key: value for key, value in found.items() if key not in broken})
    stays = _within(found, known.model_dump(by_alias=True, exclude_unset=True, exclude_none=True))
    if written := list(_as_written(readable)):
        stays["conditions"] = written
    return stays


def _within(value: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Return a map in its own order, at every depth without the keys that are not known."""
    kept = {key: (inner, known[key]) for key, inner in value.items() if key in known}
    return {key: _within(inner, read) if isinstance(read, dict) else read for key, (inner, read) in kept.items()}


def _as_written(readable: dict[str, Condition]) -> Iterator[dict[str, Any]]:
    """Yield each condition that fits the schema, as the status holds it."""
    for each in list(readable.values())[:16]:
        if len(each.type) <= 316 and len(each.reason) <= 1024 and _REASON.fullmatch(each.reason):
            yield {
                "type": each.type,
                "status": each.status,
                "reason": each.reason,
                "message": each.message[:32768],
                "lastTransitionTime": each.last_transition_time,
                "observedGeneration": max(0, each.observed_generation),
            }


_FIELDS = tuple(field.alias or name for name, field in KnownStatus.model_fields.items())

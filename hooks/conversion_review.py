"""
Requests and responses of the API server's conversion webhook: ConversionReview of apiextensions.k8s.io/v1.

A review has one result for all its objects, so a single failure makes a whole list unreadable. Each object is
converted on its own, and whatever a Function contains, its conversion succeeds; only what no API server sends fails.
"""

from typing import Any

from hooks.convert import convert
from hooks.manifest import Manifest, as_text, is_serializable, value_at
from hooks.moved_fields import VERSIONS

_UID_CHARACTERS = 128


class NotAReview(Exception):
    """The body is not a ConversionReview; str() is one line without values of the request."""


def review(raw: Any) -> Manifest:
    """
    Return the response to the decoded JSON of a review: as many objects, in the same order.

    Raises NotAReview if it lacks a UID or a list of objects, which the response needs.
    """
    request = value_at(raw, "request")
    uid, objects = as_text(value_at(request, "uid")), value_at(request, "objects")
    if not 0 < len(uid) <= _UID_CHARACTERS:
        raise NotAReview("request.uid: expected a string")
    if not isinstance(objects, list):
        raise NotAReview("request.objects: expected a list")
    version = value_at(request, "desiredAPIVersion")
    fault = next((fault for place, each in enumerate(objects) if (fault := _fault(each, version, place))), "")
    response: Manifest = {"uid": uid, "result": {"status": "Failure", "message": fault} if fault else _SUCCESS}
    if not fault:
        response["convertedObjects"] = [convert(each, version) for each in objects]
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview", "response": response}


_SUCCESS = {"status": "Success"}


def _fault(value: Any, version: Any, place: int) -> str:
    """Return why an object cannot be converted, "" if it can."""
    if version not in VERSIONS:
        return f"request.desiredAPIVersion: supported values: {', '.join(VERSIONS)}"
    if not isinstance(value, dict) or value.get("apiVersion") not in VERSIONS:
        return f"request.objects[{place}].apiVersion: supported values: {', '.join(VERSIONS)}"
    # A conversion adds two levels at most.
    if not is_serializable({"": {"": {"": value}}}):
        return f"request.objects[{place}]: nested too deeply"
    return ""

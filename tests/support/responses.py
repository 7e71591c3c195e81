"""The hook's response to a request, and children in a form that can be compared."""

import json
from copy import deepcopy
from datetime import datetime
from typing import Any

from support.cases import NOW, Manifest

from hooks.config import Config
from hooks.protocol import HookRequest
from hooks.sync import sync

DEFAULT = Config()


def respond(request: Manifest, config: Config = DEFAULT, *, now: datetime = NOW) -> Manifest:
    """Return the response to a sync request, which stays unchanged."""
    return sync(HookRequest.parse(deepcopy(request)), config, now=now).to_json()


def comparable_child(child: Manifest) -> Manifest:
    """Return a child without status and counters, with sorted lists: merging keeps the observed order."""
    metadata = {key: value for key, value in child["metadata"].items() if key not in ("generation", "resourceVersion")}
    content = json.loads(json.dumps(child | {"metadata": metadata, "status": {}}))
    return dict(_sorted_lists(content))


def _sorted_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted_lists(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_sorted_lists(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value

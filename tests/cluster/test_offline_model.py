"""The offline model (tests/support/offline_metacontroller.py) compared with a real Metacontroller and API server."""

import time
from functools import partial
from typing import Any

import pytest
from support.cases import NOW
from support.cluster.control_plane import wait_until
from support.cluster.functions import comparable, create_function
from support.cluster.stack import GROUP, KINDS, Stack
from support.offline_metacontroller import World

from hooks.config import Config
from hooks.protocol import HookRequest
from hooks.sync import sync

Manifest = dict[str, Any]

INLINE = {"inline": {"source": "def main(e, c): return '<&>'\n", "dependencies": "requests==2.32.5\n"}}
FIELD = {"fieldRef": {"fieldPath": "metadata.name"}}
LIFE: list[Manifest] = [
    {"env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": FIELD}], "labels": {"x": "", "y": "z"}},
    {"env": [{"name": "B", "value": "2"}, {"name": "C", "value": ""}], "annotations": {"a": "b"}, "source": INLINE},
    {
        "scaleConfig": {"minReplicas": 2, "maxReplicas": 4, "targetMemoryUtilizationPercentage": 60},
        "secretMounts": [{"secretName": "s", "mountPath": "/etc/s"}],
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "envFrom": [{"secretRef": {"name": "s", "optional": True}}],
    },
    {"imagePullSecrets": [{"name": "p"}], "serviceAccountName": "robot", "nodeSelector": {"a": ""}},
    {"replicas": 0, "podSecurityContext": {"runAsUser": 7}, "runtimeImageOverride": "example.com/x"},
    {},
]
IGNORED = {"uid", "ownerReferences"}
"""Metadata that only the API server knows."""


@pytest.mark.own_stack
def test_the_model_equals_metacontroller(stack: Stack, namespace: str) -> None:
    """After each of six edits of one Function the model's children equal the real ones, field for field."""
    parent = create_function(stack, namespace, "life", replicas=1)
    world = World(parent)
    # Merging keeps the order of lists, so the model starts from the same first response.
    wait_until(partial(has_observed, stack, namespace, 1), "the first response to be applied")
    settle(world)
    for number, spec in enumerate(LIFE, start=2):
        wanted = parent["spec"] | spec
        answer = wait_until(partial(replaced, stack, namespace, wanted), "the edit")
        wait_until(partial(has_observed, stack, namespace, number), f"generation {number}")
        world.edit(answer["spec"])
        settle(world)
        time.sleep(2)
        real = {kind: stack.get(kind, namespace, "life") for kind in KINDS}
        modelled = {f"{kind.lower()}s": child for (kind, _), child in world.children.items()}
        assert {kind for kind, child in real.items() if child} == set(modelled)
        for kind, child in modelled.items():
            assert comparable(child, IGNORED) == comparable(real[kind] or {}, IGNORED), (kind, spec)


def replaced(stack: Stack, namespace: str, spec: Manifest) -> Manifest | None:
    """Replace the spec; return the Function, None after a conflict with a write of the status."""
    live = stack.get("functions", namespace, "life") or {}
    code, answer = stack.plane.call("PUT", f"{GROUP}/namespaces/{namespace}/functions/life", live | {"spec": spec})
    assert code in (200, 409), answer
    return answer if code == 200 else None


def settle(world: World) -> None:
    for _ in range(5):
        answer = sync(HookRequest.parse(world.request()), Config(), now=NOW).to_json()
        if not world.apply(answer):
            return


def has_observed(stack: Stack, namespace: str, generation: int) -> bool:
    status = (stack.get("functions", namespace, "life") or {})["status"]
    return bool(status["observedGeneration"] >= generation)

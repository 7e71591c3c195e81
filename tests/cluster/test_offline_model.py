"""The offline model (tests/support/offline_metacontroller.py) against the real Metacontroller and API server."""

import json
import time
from copy import deepcopy
from typing import Any

import pytest
from support.cases import NOW
from support.cluster.control_plane import wait_until
from support.cluster.stack import GROUP, KINDS, Stack
from support.offline_metacontroller import LAST_APPLIED, World

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
SERVERS = {"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "ownerReferences"}
ADDRESS = {"clusterIP", "clusterIPs"}


@pytest.mark.own_stack
def test_the_model_equals_metacontroller(stack: Stack, namespace: str) -> None:
    """After each of six edits in one life the model's children are, field for field, the real ones."""
    source = {"inline": {"source": "def main(e, c): return 1\n"}}
    body = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": "life"}}
    body["spec"] = {"runtime": "python312", "source": source, "replicas": 1}
    path = f"{GROUP}/namespaces/{namespace}/functions"
    parent = stack.plane.call("POST", path, body)[1]
    world = World(parent)
    # What was there first stays first in merged lists, so the model has to begin where the real one does.
    wait_until(lambda: observed(stack, namespace) >= 1, "the first answer to be carried out")
    settle(world)
    for number, spec in enumerate(LIFE, start=2):
        wanted = body["spec"] | spec
        answer = wait_until(lambda wanted=wanted: replaced(stack, namespace, wanted), "the edit")
        wait_until(lambda number=number: observed(stack, namespace) >= number, f"generation {number}")
        world.edit(answer["spec"])
        settle(world)
        time.sleep(2)
        real = {kind: stack.get(kind, namespace, "life") for kind in KINDS}
        modelled = {f"{kind.lower()}s": child for (kind, _), child in world.children.items()}
        assert {kind for kind, child in real.items() if child} == set(modelled)
        for kind, child in modelled.items():
            assert essence(child) == essence(real[kind] or {}), (kind, spec)


def replaced(stack: Stack, namespace: str, spec: Manifest) -> Manifest | None:
    """Replace the spec; None where Metacontroller wrote the status in between."""
    live = stack.get("functions", namespace, "life") or {}
    code, answer = stack.plane.call("PUT", f"{GROUP}/namespaces/{namespace}/functions/life", live | {"spec": spec})
    assert code in (200, 409), answer
    return answer if code == 200 else None


def settle(world: World) -> None:
    for _ in range(5):
        answer = sync(HookRequest.parse(world.request()), Config(), now=NOW).to_json()
        if not world.apply(answer):
            return


def observed(stack: Stack, namespace: str) -> int:
    return int((stack.get("functions", namespace, "life") or {})["status"]["observedGeneration"])


def essence(child: Manifest) -> Manifest:
    """A child without status and what only a server knows; the record of what was applied last, decoded."""
    child = deepcopy(child)
    child.pop("status", None)
    metadata = {key: value for key, value in child["metadata"].items() if key not in SERVERS}
    annotations = metadata["annotations"]
    annotations.pop("deployment.kubernetes.io/revision", None)
    annotations[LAST_APPLIED] = json.loads(annotations[LAST_APPLIED])
    spec = {key: value for key, value in child.get("spec", {}).items() if key not in ADDRESS}
    return child | {"metadata": metadata} | ({"spec": spec} if spec else {})

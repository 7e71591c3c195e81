"""A settled Function costs no write: every example and every sound case, resynced every second, and after restarts."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.cases import all_cases
from support.cluster.control_plane import wait_until
from support.cluster.stack import GROUP, ROOT, Stack

EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yaml") if not path.name.startswith("config-"))

pytestmark = pytest.mark.own_stack


def names(files: list[Path]) -> list[str]:
    """Return the names of all Functions in these files."""
    documents = [document for file in files for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    return [document["metadata"]["name"] for document in documents if document["kind"] == "Function"]


def is_sound(answer: dict[str, Any]) -> bool:
    return bool(answer["status"]["conditions"][0]["status"] == "True")


def settle(stack: Stack, namespace: str) -> list[str]:
    """Apply every example and the Function of every sound case, wait until each is ready, and return their names."""
    applied = names(EXAMPLES)
    for file in EXAMPLES:
        stack.plane.kubectl("apply", "-n", namespace, "-f", str(file))
    for case in all_cases():
        parent = case.request["parent"]
        if case.is_default_config and not case.request["finalizing"] and is_sound(case.answer()):
            body = parent | {"metadata": {"name": case.name, "labels": parent["metadata"].get("labels", {})}}
            code, created = stack.plane.call("POST", f"{GROUP}/namespaces/{namespace}/functions", body)
            assert code == 201, created
            applied.append(case.name)
    for name in applied:
        wait_until(lambda name=name: stack.is_ready(namespace, name), f"{name} to be ready", 60)
    time.sleep(3)
    return applied


def silent(stack: Stack, namespace: str, seconds: int, count: int) -> None:
    """Fail if Metacontroller writes anything in this time, or does not look at each Function every few seconds."""
    mark = stack.plane.mark()
    time.sleep(seconds)
    writes = {what: count for what, count in stack.plane.writes(mark).items() if f" {namespace}/" in what}
    assert writes == {}
    gets = [what for event, what in stack.plane.events(mark) if event["verb"] == "get" and namespace in what]
    assert len(gets) >= count * seconds // 4, "the resyncs did not happen, so silence says nothing"


def test_settled_functions_cost_no_write(stack: Stack, namespace: str, request: pytest.FixtureRequest) -> None:
    """0 writes in 60 s of resyncs every second; 0 after the hook restarts; 0 after Metacontroller restarts."""
    count = len(settle(stack, namespace))
    stack.install(resync_seconds=1)
    request.addfinalizer(stack.install)
    time.sleep(5)
    silent(stack, namespace, 60, count)
    stack.processes.stop("hook")
    stack.start_hook()
    silent(stack, namespace, 10, count)
    stack.processes.stop("metacontroller")
    stack.start_metacontroller()
    silent(stack, namespace, 20, count)

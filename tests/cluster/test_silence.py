"""Settled Functions cause no write: all examples and all valid cases, under resyncs and after restarts."""

import time
from typing import Any

import pytest
from support.cases import all_cases
from support.cluster.control_plane import wait_until
from support.cluster.functions import EXAMPLES, create_function, edit_function, example_names, wait_until_ready
from support.cluster.stack import GROUP, Stack

STARTED = {f"create {kind}": 1 for kind in ("services", "serviceaccounts", "deployments")}
STARTED |= {"update functions": 1, "update functions/status": 2}

pytestmark = pytest.mark.own_stack


def is_valid(answer: dict[str, Any]) -> bool:
    return bool(answer["status"]["conditions"][0]["status"] == "True")


def settle(stack: Stack, namespace: str) -> list[str]:
    """Apply every example and the Function of every valid case, wait until each is ready, and return their names."""
    applied = example_names()
    for file in EXAMPLES:
        stack.plane.kubectl("apply", "-n", namespace, "-f", str(file))
    for case in all_cases():
        parent = case.request["parent"]
        if case.is_default_config and not case.request["finalizing"] and is_valid(case.answer()):
            body = parent | {"metadata": {"name": case.name, "labels": parent["metadata"].get("labels", {})}}
            code, created = stack.plane.call("POST", f"{GROUP}/namespaces/{namespace}/functions", body)
            assert code == 201, created
            applied.append(case.name)
    for name in applied:
        wait_until_ready(stack, namespace, name, 60)
    time.sleep(3)
    return applied


def check_silence(stack: Stack, namespace: str, seconds: int, count: int) -> None:
    """Fail if Metacontroller writes anything for `seconds`, or reads each Function less than every four seconds."""
    mark = stack.plane.mark()
    time.sleep(seconds)
    writes = {what: count for what, count in stack.plane.writes(mark).items() if f" {namespace}/" in what}
    assert writes == {}
    gets = [what for event, what in stack.plane.events(mark) if event["verb"] == "get" and namespace in what]
    assert len(gets) >= count * seconds // 4, "without resyncs silence proves nothing"


def test_settled_functions_cost_no_write(stack: Stack, namespace: str, request: pytest.FixtureRequest) -> None:
    """No write in 60 s of resyncs every second, none after the hook restarts, none after Metacontroller restarts."""
    count = len(settle(stack, namespace))
    stack.install(resync_seconds=1)
    request.addfinalizer(stack.install)
    time.sleep(5)
    check_silence(stack, namespace, 60, count)
    stack.processes.stop("hook")
    stack.start_hook()
    check_silence(stack, namespace, 10, count)
    stack.processes.stop("metacontroller")
    stack.start_metacontroller()
    check_silence(stack, namespace, 20, count)


def generation(stack: Stack, namespace: str) -> int:
    """Return the generation to which the condition Ready belongs."""
    return int(stack.condition(namespace, "hello", "Ready")["observedGeneration"])


def test_a_start_and_an_edit_write_the_status_twice(stack: Stack, namespace: str) -> None:
    """Besides the finalizer and the children, only the beginning and the end of a rollout are written."""
    mark = stack.plane.mark()
    create_function(stack, namespace)
    wait_until_ready(stack, namespace)
    time.sleep(2)
    made = stack.plane.writes(mark)
    assert made == {f"{what} {namespace}/hello": count for what, count in STARTED.items()}
    mark = stack.plane.mark()
    edit_function(stack, namespace, env=[{"name": "A", "value": "b"}])
    wait_until(lambda: generation(stack, namespace) == 2 and stack.is_ready(namespace, "hello"), "the edit to be ready")
    time.sleep(2)
    edited = stack.plane.writes(mark)
    assert edited == {f"update deployments {namespace}/hello": 1, f"update functions/status {namespace}/hello": 2}

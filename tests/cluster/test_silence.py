"""Settled Functions cause no write: all examples and all valid cases, under resyncs and after restarts."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from support.cases import all_cases
from support.cluster.control_plane import wait_until
from support.cluster.functions import EXAMPLES, create_function, edit_function, example_names, wait_until_ready
from support.cluster.stack import GROUP, Stack

from hooks.status.state import PENDING_SECONDS

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


def writes_of_a_rollout(stack: Stack, namespace: str, generation: int, change: Callable[[], object]) -> Counter[str]:
    """
    Make a change; return what Metacontroller has written once the Function is ready with this generation.

    Where the rollout is slow its steps are late and are reported as such: those writes are left out.
    """
    mark, start = stack.plane.mark(), time.monotonic()
    change()
    wait_until(lambda: stack.is_ready(namespace, "hello", generation), "the Function to be ready")
    is_slow = time.monotonic() - start > PENDING_SECONDS - 1  # times in a status have whole seconds
    time.sleep(2)
    found = Counter({what: n for what, n in stack.plane.writes(mark).items() if f" {namespace}/" in what})
    status = f"update functions/status {namespace}/hello"
    found[status] = min(found[status], 2) if is_slow else found[status]
    return found


def test_a_start_and_an_edit_write_the_status_twice(stack: Stack, namespace: str) -> None:
    """Besides the finalizer and the children, only the beginning and the end of a rollout are written."""
    made = writes_of_a_rollout(stack, namespace, 1, lambda: create_function(stack, namespace))
    assert made == {f"{what} {namespace}/hello": count for what, count in STARTED.items()}
    env = [{"name": "A", "value": "b"}]
    edited = writes_of_a_rollout(stack, namespace, 2, lambda: edit_function(stack, namespace, env=env))
    assert edited == {f"update deployments {namespace}/hello": 1, f"update functions/status {namespace}/hello": 2}

"""A settled Function costs no write: every example, resynced every second, restarted, restarted again."""

import time
from pathlib import Path

import pytest
import yaml
from control_plane import wait_until
from stack import ROOT, Stack

EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yaml") if not path.name.startswith("config-"))

pytestmark = pytest.mark.own_stack


def names(files: list[Path]) -> list[str]:
    """Return the names of all Functions in these files."""
    documents = [document for file in files for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    return [document["metadata"]["name"] for document in documents if document["kind"] == "Function"]


def settle(stack: Stack, namespace: str) -> None:
    """Apply every example and wait until each Function is ready."""
    for file in EXAMPLES:
        stack.plane.kubectl("apply", "-n", namespace, "-f", str(file))
    for name in names(EXAMPLES):
        wait_until(lambda name=name: stack.is_ready(namespace, name), f"{name} to be ready", 60)
    time.sleep(3)


def silent(stack: Stack, namespace: str, seconds: int) -> None:
    """Fail if Metacontroller writes anything in this time, or does not look at each Function every few seconds."""
    mark = stack.plane.mark()
    time.sleep(seconds)
    writes = {what: count for what, count in stack.plane.writes(mark).items() if f" {namespace}/" in what}
    assert writes == {}
    gets = [what for event, what in stack.plane.events(mark) if event["verb"] == "get" and namespace in what]
    assert len(gets) >= len(names(EXAMPLES)) * seconds // 4, "the resyncs did not happen, so silence says nothing"


def test_settled_examples_cost_no_write(stack: Stack, namespace: str) -> None:
    """0 writes in 60 s of resyncs every second; 0 after the hook restarts; 0 after Metacontroller restarts."""
    settle(stack, namespace)
    silent(stack, namespace, 60)
    stack.processes.stop("hook")
    stack.start_hook()
    silent(stack, namespace, 10)
    stack.processes.stop("metacontroller")
    stack.start_metacontroller()
    silent(stack, namespace, 20)

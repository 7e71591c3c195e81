"""Eight failures of pods: each appears in the Function's status soon after kubelet or scheduler report it."""

import json
import time
from typing import Any

import pytest
from support.cluster.control_plane import wait_until
from support.node.testbed import Functions

SECONDS = 5
"""The longest time between the report and the Function's status."""
FINE = "def main(event, context):\n    return 'fine'\n"
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "half"}, "stringData": {"user": "me"}}
KEY = {"secretKeyRef": {"name": "half", "key": "password"}}
HUGE = {"function": {"resources": {"requests": {"cpu": "64"}, "limits": {"cpu": "64", "memory": "64Mi"}}}}

BROKEN: dict[str, tuple[dict[str, Any], str, str, str]] = {
    # name: the spec, a text of the kubelet's or scheduler's report, the Function's reason, a text of its message
    "bad-image": (
        {"source": FINE, "runtimeImageOverride": "registry.invalid/no:1"},
        "ErrImagePull", "ImagePullBackOff", "image registry.invalid/no:1 cannot be pulled",
    ),
    "no-such-package": (
        {"source": FINE, "dependencies": "foo==99\n"},
        '"exitCode": 1', "InstallFailed", "foo==99",
    ),
    "syntax-error": ({"source": "def main(:\n"}, '"exitCode": 1', "HandlerFailed", "SyntaxError"),
    "memory-hog": (
        {"source": f"HOG = b'x' * 10**9\n{FINE}"},
        "OOMKilled", "OOMKilled", "256Mi, the limit of profile XS",
    ),
    "missing-secret": (
        {"source": FINE, "secretMounts": [{"secretName": "nowhere", "mountPath": "/nowhere"}]},
        "FailedMount", "VolumesPending", "Secret nowhere",
    ),
    "missing-key": (
        {"source": FINE, "env": [{"name": "PASSWORD", "valueFrom": KEY}]},
        "CreateContainerConfigError", "CreateContainerConfigError", "couldn't find key password in Secret",
    ),
    "impossible-request": (
        {"source": FINE, "resourceConfiguration": HUGE},
        "Unschedulable", "Unschedulable", "Insufficient cpu",
    ),
    "failing-probe": (
        {"source": f"import time\ntime.sleep(300)\n{FINE}"},
        "Unhealthy", "NotHealthy", "does not answer /healthz",
    ),
}  # fmt: skip


def test_failures_are_reported(functions: Functions, capsys: pytest.CaptureFixture[str]) -> None:
    """Each failure is in the Function's status within SECONDS of its report, and then stays."""
    functions.plane.call("POST", f"/api/v1/namespaces/{functions.namespace}/secrets", SECRET)
    for name, (spec, *_) in BROKEN.items():
        functions.create(name, **spec)
    waiting, reported, shown = dict(BROKEN), {}, {}
    deadline = time.monotonic() + 120
    while waiting and time.monotonic() < deadline:
        events = functions.plane.call("GET", f"/api/v1/namespaces/{functions.namespace}/events")[1]["items"]
        for name, (_, report, reason, words) in list(waiting.items()):
            own_events = [event for event in events if event["involvedObject"]["name"].startswith(f"{name}-")]
            if name not in reported and report in json.dumps([functions.pods(name), own_events]):
                reported[name] = time.monotonic()
            ready = functions.condition(name)
            if ready.get("reason") == reason and words in ready["message"]:
                shown[name] = time.monotonic()
                del waiting[name]
        time.sleep(0.1)
    with capsys.disabled():
        print("\n" + functions.plane.kubectl("get", "fn", "-n", functions.namespace))
        print(functions.plane.kubectl("get", "fn", "-n", functions.namespace, "-o", "wide"))
        print({name: round(shown[name] - reported[name], 1) for name in shown if name in reported})
    assert not waiting, {name: functions.condition(name) for name in waiting}
    delays = {name: shown[name] - reported.get(name, shown[name]) for name in shown}
    late = {name: delay for name, delay in delays.items() if delay > SECONDS}
    assert not late, late
    check_no_more_writes(functions)


def check_no_more_writes(functions: Functions) -> None:
    """Another restart in a crash loop causes no write."""
    before = functions.write_counters()
    restarts = functions.restarts("syntax-error")
    wait_until(lambda: functions.restarts("syntax-error") > restarts, "another restart")
    time.sleep(2)
    assert functions.write_counters() == before

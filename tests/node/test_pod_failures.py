"""Eight ways to fail, each told on the Function itself, as soon as the kubelet knows."""

import json
import time
from typing import Any

import pytest
from support.cluster.control_plane import wait_until
from support.node.testbed import Functions

SECONDS = 5
"""How soon after the kubelet knows."""
FINE = "def main(event, context):\n    return 'fine'\n"
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "half"}, "stringData": {"user": "me"}}
KEY = {"secretKeyRef": {"name": "half", "key": "password"}}
HUGE = {"function": {"resources": {"requests": {"cpu": "64"}, "limits": {"cpu": "64", "memory": "64Mi"}}}}

BROKEN: dict[str, tuple[dict[str, Any], str, str, str]] = {
    # name: what is applied, what the kubelet or scheduler says then, the reason and the words on the Function
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


def test_causes_are_told(functions: Functions, capsys: pytest.CaptureFixture[str]) -> None:
    """What the kubelet or the scheduler knows of a pod stands on its Function seconds later, and then stays."""
    functions.plane.call("POST", f"/api/v1/namespaces/{functions.namespace}/secrets", SECRET)
    for name, (spec, *_) in BROKEN.items():
        functions.apply(name, **spec)
    waiting, known, told = dict(BROKEN), {}, {}
    deadline = time.monotonic() + 120
    while waiting and time.monotonic() < deadline:
        events = functions.plane.call("GET", f"/api/v1/namespaces/{functions.namespace}/events")[1]["items"]
        for name, (_, said, reason, words) in list(waiting.items()):
            happened = [event for event in events if event["involvedObject"]["name"].startswith(f"{name}-")]
            if name not in known and said in json.dumps([functions.pods(name), happened]):
                known[name] = time.monotonic()
            ready = functions.condition(name)
            if ready.get("reason") == reason and words in ready["message"]:
                told[name] = time.monotonic()
                del waiting[name]
        time.sleep(0.1)
    with capsys.disabled():
        print("\n" + functions.plane.kubectl("get", "fn", "-n", functions.namespace))
        print(functions.plane.kubectl("get", "fn", "-n", functions.namespace, "-o", "wide"))
        print({name: round(told[name] - known[name], 1) for name in told if name in known})
    assert not waiting, {name: functions.condition(name) for name in waiting}
    late = {name: told[name] - known[name] for name in told if told[name] - known.get(name, told[name]) > SECONDS}
    assert not late, late
    stays(functions)


def stays(functions: Functions) -> None:
    """A crash loop that goes on says nothing new: no status is written again."""
    before = functions.written()
    restarts = functions.restarts("syntax-error")
    wait_until(lambda: functions.restarts("syntax-error") > restarts, "another restart")
    time.sleep(2)
    assert functions.written() == before

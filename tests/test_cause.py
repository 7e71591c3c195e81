"""What a pod's status says, and what becomes of it on the Function: one row each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hooks.cause import GRACE, Findings, of_pods

Manifest = dict[str, Any]

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
LIMITS = {"resources": {"limits": {"memory": "256Mi"}}}
UV = """\
  \xd7 No solution found when resolving dependencies:
  ╰─▶ Because there is no version of foo==99 and you require foo==99, we can
      conclude that your requirements are unsatisfiable.
"""
PIP = """\
Collecting flask
  Downloading https://me:s3cret@pypi.example/flask.whl (101 kB)
ERROR: Could not find a version that satisfies the requirement foo==99 (from versions: none)
ERROR: No matching distribution found for foo==99
[notice] A new release of pip is available
"""
NPM = """\
npm error code E404
npm error 404 Not Found - GET https://me:s3cret@registry.example/no-such - Not found
npm error A complete log of this run can be found in: /tmp/.npm/_logs/2026-01-01T01_00_00_000Z-debug-0.log
"""
TRACEBACK = """\
  File "/kubeless/handler.py", line 1
    def main(:
             ^
SyntaxError: invalid syntax
The handler could not be loaded. SyntaxError: invalid syntax (handler.py, line 1)
"""


def waiting(reason: str, message: str = "", name: str = "function", **more: Any) -> Manifest:
    return {
        "name": name,
        "image": "a/b:1",
        "ready": False,
        "state": {"waiting": {"reason": reason, "message": message}},
    } | more


def ended(code: int, message: str = "", reason: str = "Error", name: str = "function") -> Manifest:
    return {"name": name, "image": "a/b:1", "ready": False, "state": {"terminated": about(code, message, reason)}}


def about(code: int, message: str = "", reason: str = "Error") -> Manifest:
    return {"exitCode": code, "reason": reason} | ({"message": message} if message else {})


def pod(*containers: Manifest, init: Manifest | None = None, **status: Any) -> Manifest:
    spec: Manifest = {
        "containers": [{"name": "function"} | LIMITS],
        "initContainers": [{"name": "install-dependencies"} | LIMITS],
    }
    status = {"phase": "Pending", "containerStatuses": list(containers)} | status
    return {
        "metadata": {"name": "hello-1"},
        "spec": spec,
        "status": status | ({"initContainerStatuses": [init]} if init else {}),
    }


def condition(kind: str, status: str, reason: str = "", message: str = "", seconds: float = 60) -> Manifest:
    then = (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": then}


def running(seconds: float) -> Manifest:
    then = (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"name": "function", "image": "a/b:1", "ready": False, "state": {"running": {"startedAt": then}}}


def mounting(seconds: float) -> Manifest:
    volumes = [
        {"name": "a", "secret": {"secretName": "nowhere"}},
        {"name": "b", "secret": {"secretName": "registry", "optional": True}},
        {"name": "c", "emptyDir": {}},
    ]
    conditions = [condition("PodReadyToStartContainers", "False"), condition("PodScheduled", "True", seconds=seconds)]
    found = pod(waiting("ContainerCreating"), conditions=conditions)
    return found | {"spec": found["spec"] | {"volumes": volumes}}


def unschedulable(message: str) -> Manifest:
    return pod(conditions=[condition("PodScheduled", "False", "Unschedulable", message)])


INSTALL = "install-dependencies"
PULL = 'rpc error: code = NotFound desc = failed to pull and unpack image "a/b:1": not found'
BACK_OFF = f'Back-off pulling image "a/b:1": ErrImagePull: {PULL}'
ROWS = {
    "image": (pod(waiting("ErrImagePull", PULL)), "ImagePullBackOff", f"image a/b:1 cannot be pulled: {PULL}"),
    "image, later": (pod(waiting("ImagePullBackOff", BACK_OFF)), "ImagePullBackOff", PULL),
    "image of the install step": (pod(init=waiting("ErrImagePull", PULL, name=INSTALL)), "ImagePullBackOff", "a/b:1"),
    "image, network": (
        pod(waiting("ErrImagePull", "read udp 10.0.0.1:40123->10.0.0.10:53: i/o timeout")),
        "ImagePullBackOff",
        "read udp 10.0.0.1->10.0.0.10:53: i/o timeout",
    ),
    "uv": (
        pod(init=ended(1, UV, name=INSTALL)),
        "InstallFailed",
        "installed: No solution found when resolving dependencies: Because there is no version of foo==99 and you",
    ),
    "pip": (
        pod(init=waiting("CrashLoopBackOff", name=INSTALL, lastState={"terminated": about(1, PIP)})),
        "InstallFailed",
        "installed: ERROR: Could not find a version that satisfies the requirement foo==99 (from versions: none) ERR",
    ),
    "npm": (
        pod(init=ended(1, NPM, name=INSTALL)),
        "InstallFailed",
        "installed: code E404 404 Not Found - GET https://registry.example/no-such - Not found",
    ),
    "install step says nothing": (pod(init=ended(7, name=INSTALL)), "InstallFailed", "exit code 7"),
    "install step out of memory": (
        pod(init=ended(137, reason="OOMKilled", name=INSTALL)),
        "OOMKilled",
        "the dependencies needed more memory than 256Mi, the limit of installs",
    ),
    "handler": (
        pod(waiting("CrashLoopBackOff", lastState={"terminated": about(1, TRACEBACK)})),
        "HandlerFailed",
        "The handler could not be loaded. SyntaxError: invalid syntax (handler.py, line 1)",
    ),
    "handler, running again": (
        pod(running(1) | {"lastState": {"terminated": about(1, TRACEBACK)}}),
        "HandlerFailed",
        "SyntaxError",
    ),
    "handler of an older image": (pod(ended(1, "Traceback\nKeyError: 'x'\n")), "HandlerFailed", "KeyError: 'x'"),
    "out of memory": (
        pod(waiting("CrashLoopBackOff", lastState={"terminated": about(137, reason="OOMKilled")})),
        "OOMKilled",
        "the Function needed more memory than 256Mi, the limit of profile XS",
    ),
    "missing key": (
        pod(waiting("CreateContainerConfigError", "couldn't find key password in Secret default/half")),
        "CreateContainerConfigError",
        "couldn't find key password in Secret default/half",
    ),
    "ended": (pod(ended(3, "connected with password hunter2\n")), "ContainerFailed", "exit code 3: see its log"),
    "scheduler": (
        unschedulable("0/3 nodes are available: 1 node(s) had taint {a: b}, 2 Insufficient cpu. preemption: 0/3 ..."),
        "Unschedulable",
        "no node fits: Insufficient cpu, node(s) had taint {a: b}",
    ),
    "volumes": (mounting(60), "VolumesPending", "does each of these exist? Secret nowhere"),
    "health": (pod(running(60), phase="Running"), "NotHealthy", "does not answer /healthz"),
    "evicted": (
        pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory. Threshold: 100Mi"),
        "PodFailed",
        "Evicted: The node was low on resource: memory",
    ),
}  # fmt: skip


def cause_of(*pods: Manifest) -> Findings:
    return of_pods(pods, "XS", NOW)


@pytest.mark.parametrize(("live", "reason", "words"), ROWS.values(), ids=ROWS)
def test_causes(live: Manifest, reason: str, words: str) -> None:
    """Each way to fail has one reason and one line, in the words of whoever knows."""
    found = cause_of(live).cause
    assert found is not None
    assert found.reason == reason
    assert words in found.message
    assert "\n" not in found.message


@pytest.mark.parametrize("live", [row[0] for row in ROWS.values()], ids=ROWS)
def test_nothing_secret_is_told(live: Manifest) -> None:
    """Credentials in addresses and lines of the handler's own log are left out."""
    found = cause_of(live).cause
    assert found is not None
    assert not {word for word in ("s3cret", "hunter2") if word in found.message}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ValueError: token=abc123, code 7", "ValueError: token=***, code 7"),
        ("ValueError: Authorization: Bearer abc.def", "ValueError: Authorization: ***"),
        ("ConnectionError: <Thing object at 0x7f0123456789>", "ConnectionError: <Thing object at 0x...>"),
        ("ValueError: 2026-01-01T01:00:00.123Z is late", "ValueError: ... is late"),
        (f"ValueError: {'x' * 5000}", "x" * 1000),
    ],
)
def test_what_changes_by_itself_is_left_out(text: str, told: str) -> None:
    """Two runs of the same fault have the same words, and not too many."""
    found = cause_of(pod(ended(1, text))).cause
    assert found is not None
    assert told in found.message
    assert len(found.message) < 1200


def test_a_pod_that_is_under_way_has_no_cause() -> None:
    """A pod that starts, is ready or is going away explains nothing."""
    starting = pod(
        waiting("PodInitializing"), init={"name": INSTALL, "state": {"running": {"startedAt": "x"}}, "ready": False}
    )
    done = pod(waiting("PodInitializing"), init=ended(0, reason="Completed", name=INSTALL))
    ready = pod(running(60), conditions=[condition("Ready", "True")])
    going = pod(ended(137)) | {"metadata": {"deletionTimestamp": "x"}}
    assert cause_of(starting, done, ready, going) == Findings(cause=None, seconds=0)


@pytest.mark.parametrize("silent", [mounting, lambda seconds: pod(running(seconds), phase="Running")])
def test_silence_becomes_a_cause(silent: Any) -> None:
    """What the status never explains is looked at again when its grace is over, then told."""
    early = cause_of(silent(1))
    assert early.cause is None
    assert 0 < early.seconds <= GRACE.total_seconds() + 1
    late = cause_of(silent(1 + early.seconds))
    assert late.cause is not None
    assert late.seconds == 0


def test_the_most_useful_cause_is_told_once() -> None:
    """Of several pods the first in RANKS speaks, and how many there are does not matter."""
    many = [ROWS[name][0] for name in ("health", "handler", "scheduler", "handler", "image")]
    assert cause_of(*many) == cause_of(*reversed(many)) == cause_of(ROWS["image"][0])

"""Pod statuses, and the reason and message that they give: one row each."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.cases import all_cases

from hooks import naming
from hooks.redact import MAX_LINE_CHARACTERS
from hooks.resources import Resources
from hooks.status.pods import Explanation, explain_pods
from hooks.status.reasons import Reason
from hooks.status.stopped_steps import STOPPED_POD_GRACE

Manifest = dict[str, Any]

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
LIMITS = {"resources": {"limits": {"memory": "256Mi"}}}
XS = Resources(profile="XS", requests={}, limits={"memory": "256Mi"})
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


def running(seconds: float, name: str = "function", *, ready: bool = False) -> Manifest:
    then = (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"name": name, "image": "a/b:1", "ready": ready, "state": {"running": {"startedAt": then}}}


def killed(name: str, **more: Any) -> Manifest:
    """Return a container that was OOM-killed and restarts."""
    return waiting("CrashLoopBackOff", name=name, lastState={"terminated": about(137, reason="OOMKilled")}) | more


def injected(found: Manifest, *, early: bool = False, **spec: Any) -> Manifest:
    """Return the pod with one more container in its spec, as a mesh or a secret store injects it."""
    key = "initContainers" if early else "containers"
    return found | {"spec": found["spec"] | {key: [*found["spec"][key], spec]}}


SERVES = running(60, ready=True)


def gated(*conditions: Manifest) -> Manifest:
    found = pod(SERVES, phase="Running", conditions=[condition("Ready", "False"), *conditions])
    return found | {"spec": found["spec"] | {"readinessGates": [{"conditionType": "example.com/lb"}]}}


def mounting(seconds: float, *, time: bool = True) -> Manifest:
    volumes = [
        {"name": "a", "secret": {"secretName": "nowhere"}},
        {"name": "b", "secret": {"secretName": "registry", "optional": True}},
        {"name": "c", "emptyDir": {}},
    ]
    conditions = [condition("PodReadyToStartContainers", "False"), condition("PodScheduled", "True", seconds=seconds)]
    if not time:
        del conditions[1]["lastTransitionTime"]
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
    "image of the install": (pod(init=waiting("ErrImagePull", PULL, name=INSTALL)), "ImagePullBackOff", "a/b:1"),
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
    "install without a log": (pod(init=ended(7, name=INSTALL)), "InstallFailed", "exit code 7"),
    "install out of memory": (
        pod(init=ended(137, reason="OOMKilled", name=INSTALL)),
        "OOMKilled",
        "installing the dependencies needed more memory than 256Mi, the limit of installs",
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
    "ended": (pod(ended(3, "connected with password hunter2\n")), "ContainerFailed", "exited with code 3: see its log"),
    "scheduler": (
        unschedulable("0/3 nodes are available: 1 node(s) had taint {a: b}, 2 Insufficient cpu. preemption: 0/3 ..."),
        "Unschedulable",
        "no node fits: Insufficient cpu, node(s) had taint {a: b}",
    ),
    "volumes": (mounting(60), "VolumesPending", "volumes; check that these exist: Secret nowhere"),
    "health": (pod(running(60), phase="Running"), "NotHealthy", "does not answer /healthz"),
    "sidecar out of memory": (
        injected(pod(SERVES, killed("linkerd-proxy")), name="linkerd-proxy", resources={}),
        "OOMKilled",
        "container linkerd-proxy needed more memory than its node had",
    ),
    "sidecar out of memory, now running": (
        injected(pod(SERVES, running(1, "linkerd-proxy") | {"lastState": killed("x")["lastState"]}), name="x"),
        "OOMKilled",
        "container linkerd-proxy needed more memory than its node had",
    ),
    "sidecar out of memory, with a limit": (
        injected(pod(SERVES, killed("proxy")), name="proxy", resources={"limits": {"memory": "128Mi"}}),
        "OOMKilled",
        "container proxy needed more memory than 128Mi, the limit of that container",
    ),
    "sidecar out of memory, unknown to the spec": (
        pod(SERVES, killed("ghost")),
        "OOMKilled",
        "container ghost needed more memory than its node had",
    ),
    "pod out of memory": (
        (found := pod(killed("function"))) | {"spec": {"containers": [{"name": "function"}]} | LIMITS},
        "OOMKilled",
        "the Function needed more memory than 256Mi, the limit of its pod",
    ),
    "out of memory without a limit": (
        found | {"spec": {"containers": [{"name": "function", "resources": {"limits": {"cpu": "1"}}}]}},
        "OOMKilled",
        "the Function needed more memory than its node had",
    ),
    "out of memory by a limit of the namespace": (
        found | {"spec": {"containers": [{"name": "function", "resources": {"limits": {"memory": "1Gi"}}}]}},
        "OOMKilled",
        "the Function needed more memory than 1Gi, the limit of that container",
    ),
    "sidecar not ready": (
        injected(pod(SERVES, running(60, "istio-proxy"), phase="Running"), name="istio-proxy"),
        "NotHealthy",
        "running but not ready: container istio-proxy",
    ),
    "handler and sidecar not ready": (
        injected(pod(running(60), running(60, "istio-proxy"), phase="Running"), name="istio-proxy"),
        "NotHealthy",
        "or too busy; also not ready: container istio-proxy",
    ),
    "native sidecar not ready": (
        injected(pod(SERVES, init=running(60, "proxy")), early=True, name="proxy", restartPolicy="Always"),
        "NotHealthy",
        "running but not ready: container proxy",
    ),
    "native sidecar holds up the handler": (
        injected(
            pod(waiting("PodInitializing"), init=running(60, "proxy")), early=True, name="proxy", restartPolicy="Always"
        ),
        "NotStarted",
        "the handler has not started: container proxy is not ready",
    ),
    "sidecar runs, handler does not": (
        injected(pod(running(60, "daprd"), waiting("PodInitializing")), name="daprd"),
        "NotStarted",
        "the handler has not started: container daprd is not ready",
    ),
    "init container takes long": (
        injected(pod(waiting("PodInitializing"), init=running(60, "vault-agent-init")), early=True, name="x"),
        "NotStarted",
        "the handler has not started: init container vault-agent-init is still running",
    ),
    "init container ended": (
        pod(waiting("PodInitializing"), init=ended(1, "ValueError: hunter2", name="vault-agent-init")),
        "ContainerFailed",
        "init container vault-agent-init exited with code 1: see its log",
    ),
    "native sidecar ended": (
        injected(pod(init=ended(0, name="proxy")), early=True, name="proxy", restartPolicy="Always"),
        "ContainerFailed",
        "container proxy exited with code 0: see its log",
    ),
    "sidecar ended": (
        injected(pod(SERVES, ended(2, "ValueError: hunter2", name="proxy")), name="proxy"),
        "ContainerFailed",
        "container proxy exited with code 2: see its log",
    ),
    "crash without a record": (
        pod(waiting("CrashLoopBackOff")),
        "ContainerFailed",
        "container function restarts repeatedly: see its log; without an error there, its liveness probe failed",
    ),
    "image of a sidecar": (
        injected(pod(SERVES, waiting("ErrImagePull", "denied", name="proxy")), name="proxy"),
        "ImagePullBackOff",
        "image a/b:1 of container proxy cannot be pulled: denied",
    ),
    "sidecar cannot be created": (
        pod(SERVES, waiting("CreateContainerConfigError", 'secret "x" not found', name="proxy")),
        "CreateContainerConfigError",
        'container proxy cannot be created: secret "x" not found',
    ),
    "readiness gate": (
        gated(condition("ContainersReady", "True"), condition("example.com/lb", "False", message="target is new")),
        "ReadinessGateClosed",
        "readiness gate example.com/lb is not met: target is new",
    ),
    "readiness gate without a condition": (
        gated(condition("ContainersReady", "True")),
        "ReadinessGateClosed",
        "readiness gate example.com/lb is not met",
    ),
    "scheduling gate": (
        pod(conditions=[condition("PodScheduled", "False", "SchedulingGated")])
        | {"spec": {"schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]}},
        "SchedulingGated",
        "the pod is not scheduled until its scheduling gates are removed: kueue.x-k8s.io/admission",
    ),
    "volumes, without a time": (
        mounting(0, time=False),
        "VolumesPending",
        "volumes; check that these exist: Secret nowhere",
    ),
    "health, without a time": (
        pod(running(0) | {"state": {"running": {"startedAt": None}}}),
        "NotHealthy",
        "does not answer /healthz",
    ),
    "evicted": (
        pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory. Threshold: 100Mi"),
        "PodFailed",
        "Evicted: The node was low on resource: memory",
    ),
}  # fmt: skip


def cause_of(*pods: Manifest) -> Explanation:
    return explain_pods(pods, XS, NOW)


@pytest.mark.parametrize(("live", "reason", "words"), ROWS.values(), ids=ROWS)
def test_causes(live: Manifest, reason: str, words: str) -> None:
    """Each failure has one reason and a message of one line."""
    found = cause_of(live).cause
    assert found is not None
    assert found.reason == reason
    assert words in found.message
    assert "\n" not in found.message


@pytest.mark.parametrize("live", [row[0] for row in ROWS.values()], ids=ROWS)
def test_messages_have_no_credentials(live: Manifest) -> None:
    """Credentials in URLs and lines of the handler's own log are left out."""
    found = cause_of(live).cause
    assert found is not None
    assert not {word for word in ("s3cret", "hunter2") if word in found.message}


@pytest.mark.parametrize(("length", "is_whole"), [(2047, True), (2048, False)])
def test_the_first_line_of_a_cut_log_is_left_out(length: int, is_whole: bool) -> None:
    """The kubelet keeps the last 2,048 bytes of a log: the first line may be the end of a credential."""
    lines = "error: 3cret0123456789\nerror: no such package\n"
    message = lines + "x" * (length - len(lines))
    found = cause_of(pod(init=ended(1, message, name="install-dependencies"))).cause
    assert found is not None
    assert "no such package" in found.message
    assert ("3cret" in found.message) == is_whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ValueError: token=abc123, code 7", "ValueError: token=***, code 7"),
        ("ValueError: Authorization: Bearer abc.def", "ValueError: Authorization: ***"),
        ("ConnectionError: <Thing object at 0x7f0123456789>", "ConnectionError: <Thing object at 0x...>"),
        ("ValueError: 2026-01-01T01:00:00.123Z is late", "ValueError: ... is late"),
        (f"whole\nValueError: {'x' * 5000}", "x" * 1000),
    ],
)
def test_messages_are_stable(text: str, expected: str) -> None:
    """Two occurrences of an error have the same message, and its length is bounded."""
    found = cause_of(pod(ended(1, text))).cause
    assert found is not None
    assert expected in found.message
    assert len(found.message) < 1200


def test_pods_without_a_failure_have_no_cause() -> None:
    """A pod that is starting, ready or being deleted has no cause."""
    starting = pod(
        waiting("PodInitializing"), init={"name": INSTALL, "state": {"running": {"startedAt": "x"}}, "ready": False}
    )
    done = pod(waiting("PodInitializing"), init=ended(0, reason="Completed", name=INSTALL))
    ready = pod(running(60), conditions=[condition("Ready", "True")])
    going = pod(ended(137)) | {"metadata": {"deletionTimestamp": "x"}}
    assert cause_of(starting, done, ready, going) == Explanation(cause=None, seconds=0)


@pytest.mark.parametrize("stopped", [mounting, lambda seconds: pod(running(seconds), phase="Running")])
def test_a_stopped_step_becomes_a_cause(stopped: Any) -> None:
    """A step without a reported failure is checked again when its grace is over, and is then the cause."""
    early = cause_of(stopped(1))
    assert early.cause is None
    assert 0 < early.seconds <= STOPPED_POD_GRACE.total_seconds() + 1
    late = cause_of(stopped(1 + early.seconds))
    assert late.cause is not None
    assert late.seconds == 0


WELL = {
    "a debugging container": pod(SERVES) | {"status": {"ephemeralContainerStatuses": [killed("debug")]}},
    "an init container that is done": pod(waiting("PodInitializing"), init=ended(0, name="vault-agent-init")),
    "a readiness gate that is met": gated(condition("ContainersReady", "True"), condition("example.com/lb", "True")),
    "a readiness gate before the containers": gated(condition("ContainersReady", "False")),
    "an image being pulled": pod(waiting("ContainerCreating")),
    "a sidecar that came back": pod(SERVES, running(60, "proxy", ready=True) | {"lastState": killed("x")["lastState"]}),
}


@pytest.mark.parametrize("live", WELL.values(), ids=WELL)
def test_containers_without_a_failure_are_no_cause(live: Manifest) -> None:
    """A container that has recovered or completed, is for debugging or is starting is no cause."""
    assert cause_of(live) == Explanation(cause=None, seconds=0)


def test_memory_limits_have_their_source() -> None:
    """The message says whether a limit is set in the spec or in a profile."""
    custom = Resources(profile="custom", requests={}, limits={"memory": "256Mi"})
    found = explain_pods([pod(killed("function"))], custom, NOW).cause
    assert found is not None
    assert found.message.endswith("256Mi, its limit in spec.resourceConfiguration")


ODD: list[Any] = [None, [], {}, "x", "", -1, 2**70, 1.5, True, [None], [[]], ["x"], {"a": None}, "9" * 80, "9999-12-31"]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], odd)
    return copy


@pytest.mark.parametrize("live", [row[0] for row in ROWS.values()], ids=ROWS)
def test_malformed_fields_do_not_raise(live: Manifest) -> None:
    """With any value in any field, a cause has a known reason and a bounded message."""
    for path in places(live):
        for odd in ODD:
            found = cause_of(changed(live, path, odd))
            assert 0 <= found.seconds <= STOPPED_POD_GRACE.total_seconds() + 1
            if found.cause:
                assert isinstance(found.cause.reason, Reason)
                assert len(found.cause.message) < 2 * MAX_LINE_CHARACTERS


def test_a_pod_of_any_size_takes_linear_time() -> None:
    """Twice as many containers, gates and conditions take about twice as many steps."""
    small, large = (executed_lines(crowd(number)) for number in (200, 400))
    assert large < 2.2 * small


def crowd(number: int) -> Manifest:
    names = [f"c{n}" for n in range(number)]
    found = pod(*(running(60, name, ready=True) for name in names), conditions=[condition("ContainersReady", "True")])
    found["spec"]["containers"] = [{"name": name} | LIMITS for name in names]
    found["spec"]["readinessGates"] = [{"conditionType": name} for name in names]
    found["status"]["conditions"] += [condition(name, "True") for name in names[:-1]]
    return found


def executed_lines(live: Manifest) -> int:
    """Return the number of Python lines that are executed for one pod."""
    count = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        cause_of(live)
    finally:
        sys.settrace(before)
    return count


def test_the_main_container_has_its_name() -> None:
    """The name by which the main container is recognized is that in the Deployment."""
    case = next(case for case in all_cases() if case.name == "minimal-nodejs")
    deployment = next(child for child in case.answer()["children"] if child["kind"] == "Deployment")
    assert [each["name"] for each in deployment["spec"]["template"]["spec"]["containers"]] == [naming.MAIN_CONTAINER]


def test_the_cause_of_the_lowest_rank_is_reported() -> None:
    """Of several pods the cause of the lowest rank is reported, whatever their number and order."""
    many = [ROWS[name][0] for name in ("health", "handler", "scheduler", "handler", "image")]
    assert cause_of(*many) == cause_of(*reversed(many)) == cause_of(ROWS["image"][0])

"""Pods as kubelet and scheduler report them: why they fail, and pods that do not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from support.cases import Manifest

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
        {"name": "d", "configMap": {"name": "flags", "optional": True}},
        {"name": "e", "configMap": {"name": "settings"}},
    ]
    conditions = [condition("PodReadyToStartContainers", "False"), condition("PodScheduled", "True", seconds=seconds)]
    if not time:
        del conditions[1]["lastTransitionTime"]
    found = pod(waiting("ContainerCreating"), conditions=conditions)
    return found | {"spec": found["spec"] | {"volumes": volumes}}


def created(found: Manifest, seconds: float) -> Manifest:
    """Return the pod with its age."""
    then = condition("", "", seconds=seconds)["lastTransitionTime"]
    return found | {"metadata": found["metadata"] | {"creationTimestamp": then}}


def unschedulable(message: str) -> Manifest:
    return pod(conditions=[condition("PodScheduled", "False", "Unschedulable", message)])


INSTALL, FETCH = "install-dependencies", "fetch-source"
FETCH_LOG = """\
Downloading http://source-controller.flux-system.svc.cluster.local./gitrepository/default/hello/0a1b.tar.gz
token=hunter2: the artifact has another digest than sha256:0a1b
"""
PULL = 'rpc error: code = NotFound desc = failed to pull and unpack image "a/b:1": not found'
BACK_OFF = f'Back-off pulling image "a/b:1": ErrImagePull: {PULL}'
FAILING: dict[str, tuple[Manifest, str, str]] = {
    "image": (pod(waiting("ErrImagePull", PULL)), "ImagePullBackOff", f"image a/b:1 cannot be pulled: {PULL}"),
    "image, later": (pod(waiting("ImagePullBackOff", BACK_OFF)), "ImagePullBackOff", f"cannot be pulled: {PULL}$"),
    "image of the install": (pod(init=waiting("ErrImagePull", PULL, name=INSTALL)), "ImagePullBackOff", "a/b:1 cannot"),
    "image, network": (
        pod(waiting("ErrImagePull", "read udp 10.0.0.1:40123->10.0.0.10:53: i/o timeout")),
        "ImagePullBackOff",
        "read udp 10.0.0.1->10.0.0.10:53: i/o timeout$",
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
    "installer of another kind": (
        pod(init=ended(1, "a\n\nb\nc\nd\ne\n", name=INSTALL)),
        "InstallFailed",
        "the dependencies could not be installed: b c d e$",
    ),
    "installer with little to say": (
        pod(init=ended(1, "a\nb\n", name=INSTALL)),
        "InstallFailed",
        "the dependencies could not be installed: a b$",
    ),
    "fetch": (
        pod(init=ended(1, FETCH_LOG, name=FETCH)),
        "SourceFetchFailed",
        "the source could not be fetched: token=*** the artifact has another digest than sha256:0a1b",
    ),
    "fetch without a log": (pod(init=ended(7, name=FETCH)), "SourceFetchFailed", "fetched: exit code 7"),
    "image of the fetch": (pod(init=waiting("ErrImagePull", PULL, name=FETCH)), "ImagePullBackOff", "a/b:1 cannot"),
    "install without a log": (pod(init=ended(7, name=INSTALL)), "InstallFailed", "exit code 7"),
    "install out of memory": (
        pod(init=ended(137, reason="OOMKilled", name=INSTALL)),
        "OOMKilled",
        "installing the dependencies needed more memory than 256Mi, the install limit",
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
    "ended with a code that no kernel gives": (pod(ended(2**32)), "ContainerFailed", "exited with code 0: see"),
    "ended with a code of Windows": (pod(ended(2**32 - 1)), "ContainerFailed", "exited with code 4294967295: see"),
    "scheduler": (
        unschedulable("0/3 nodes are available: 1 node(s) had taint {a: b}, 2 Insufficient cpu. preemption: 0/3 ..."),
        "Unschedulable",
        "no node fits: Insufficient cpu, node(s) had taint {a: b}",
    ),
    "scheduler, volumes": (
        unschedulable("pod has unbound immediate PersistentVolumeClaims. not found, 2 more."),
        "Unschedulable",
        "no node fits: more, pod has unbound immediate PersistentVolumeClaims. not found$",
    ),
    "scheduler, several sentences": (
        unschedulable("0/1 nodes are available: 1 Too many pods. no new claims. preemption: 0/1 nodes are available."),
        "Unschedulable",
        "no node fits: Too many pods$",
    ),
    "volumes": (mounting(60), "VolumesPending", "volumes; check that these exist: Secret nowhere, ConfigMap settings$"),
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
        "the handler has not started: init container vault-agent-init is still running$",
    ),
    "init container ended": (
        pod(waiting("PodInitializing"), init=ended(1, "ValueError: hunter2", name="vault-agent-init")),
        "ContainerFailed",
        "init container vault-agent-init exited with code 1: see its log$",
    ),
    "native sidecar ended": (
        injected(pod(init=ended(0, name="proxy")), early=True, name="proxy", restartPolicy="Always"),
        "ContainerFailed",
        "container proxy exited with code 0: see its log$",
    ),
    "sidecar ended": (
        injected(pod(SERVES, ended(2, "ValueError: hunter2", name="proxy")), name="proxy"),
        "ContainerFailed",
        "container proxy exited with code 2: see its log$",
    ),
    "crash without a record": (
        pod(waiting("CrashLoopBackOff")),
        "ContainerFailed",
        "container function restarts repeatedly: see its log; if that has no error, its liveness probe failed$",
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
        "volumes; check that these exist: Secret nowhere, ConfigMap settings$",
    ),
    "health, without a time": (
        pod(running(0) | {"state": {"running": {"startedAt": None}}}),
        "NotHealthy",
        "does not answer /healthz",
    ),
    "evicted": (
        pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory. Threshold: 9. Now 5."),
        "PodFailed",
        "a pod failed: Evicted: The node was low on resource: memory$",
    ),
}  # fmt: skip

HEALTHY: dict[str, Manifest] = {
    "a debugging container": pod(SERVES) | {"status": {"ephemeralContainerStatuses": [killed("debug")]}},
    "an init container that is done": pod(waiting("PodInitializing"), init=ended(0, name="vault-agent-init")),
    "a readiness gate that is met": gated(condition("ContainersReady", "True"), condition("example.com/lb", "True")),
    "a readiness gate before the containers": gated(condition("ContainersReady", "False")),
    "an image being pulled": pod(waiting("ContainerCreating")),
    "a sidecar that came back": pod(SERVES, running(60, "proxy", ready=True) | {"lastState": killed("x")["lastState"]}),
}

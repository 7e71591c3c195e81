"""
Why a Function's pods do not run: in the words of the registry, npm, pip, the handler, the kubelet or the scheduler.

Only what its pods say is known here. The text of a cause stays the same while the cause does, or each restart would
write the status anew: no counters, no addresses of memory or network, no times. What may be secret is left out: of a
log only an installer's errors and the line with which a handler failed to load are repeated, without credentials.
Source: kubelet 1.36, pkg/kubelet/images/types.go, pkg/kubelet/kuberuntime, pkg/kubelet/container/sync_result.go.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hooks import meta
from hooks.manifest import Manifest, condition
from hooks.redact import one_line

RANKS = (
    "ImagePullBackOff",
    "InstallFailed",
    "HandlerFailed",
    "OOMKilled",
    "CreateContainerConfigError",
    "ContainerFailed",
    "Unschedulable",
    "VolumesPending",
    "NotHealthy",
    "PodFailed",
)
"""The reasons, most useful first: of several only the first is told."""
GRACE = timedelta(seconds=4)
"""How long a pod may be silent about its volumes or its health before that counts as a cause."""

_PULL = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
         "RegistryUnavailable", "SignatureValidationFailed"}  # fmt: skip
_CREATE = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_ERROR_BEGINS = re.compile(r"\s*(error|npm error|npm err!|\xd7)", re.IGNORECASE)
_NOISE = re.compile(r"A complete log of this run|\[notice\]|^npm notice", re.IGNORECASE)
_DECORATION = re.compile(r"^[\s\xd7│├╰─▶]+|^(npm error|npm ERR!)\s*")
_LOAD_FAILED = re.compile(
    r"The handler could not be loaded\. |handler\.\w+ (has|exports) no function |[\w.]*(Error|Exception)\b"
)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """`reason` is one of RANKS, `message` one line that never holds much more than hooks.redact.LINE_CHARACTERS."""

    reason: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The most useful cause, if there is any yet; `seconds` until a silent pod is worth another look, 0 for never."""

    cause: Cause | None
    seconds: int


def of_pods(pods: Iterable[Manifest], profile: str, now: datetime) -> Findings:
    """Return why those of `pods` that are not ready are not; `profile` names where their limits come from."""
    causes: list[Cause] = []
    waits: list[timedelta] = []
    for pod in pods:
        if "deletionTimestamp" in pod["metadata"] or condition(pod, "Ready").get("status") == "True":
            continue
        if found := list(_said(pod, profile)):
            causes += found
        elif silent := _silent(pod):
            since, cause = silent
            left = since + GRACE - now
            waits.append(left) if left > timedelta() else causes.append(cause)
    first = min(causes, key=lambda cause: (RANKS.index(cause.reason), cause.message), default=None)
    return Findings(cause=first, seconds=int(max(waits).total_seconds()) + 1 if waits else 0)


def _said(pod: Manifest, profile: str) -> Iterator[Cause]:
    """Yield what a pod's status says outright."""
    status = pod["status"]
    if status.get("phase") == "Failed":
        said = one_line(status.get("message", "").partition(". ")[0])
        yield Cause(reason="PodFailed", message=f"a pod was given up by its node: {status.get('reason', '')}: {said}")
        return
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("reason") == "Unschedulable":
        yield Cause(reason="Unschedulable", message=f"no node fits: {_of_scheduler(scheduled.get('message', ''))}")
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        yield from _of_container(container, pod, profile)


def _of_container(container: Manifest, pod: Manifest, profile: str) -> Iterator[Cause]:
    waiting = container.get("state", {}).get("waiting", {})
    reason, text = waiting.get("reason", ""), waiting.get("message", "")
    if reason in _PULL:
        said = one_line(text.rpartition("ErrImagePull: ")[2]) or reason
        yield Cause(reason="ImagePullBackOff", message=f"image {container['image']} cannot be pulled: {said}")
    elif reason in _CREATE:
        yield Cause(reason="CreateContainerConfigError", message=f"the container cannot be made: {one_line(text)}")
    # While a container starts again, how it ended last time is still the reason.
    ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated")
    if ended and not container.get("ready") and (ended["exitCode"] or container["name"] != meta.INSTALL):
        yield _of_end(container["name"], ended, pod, profile)


def _of_end(name: str, ended: Manifest, pod: Manifest, profile: str) -> Cause:
    step = "the dependencies" if name == meta.INSTALL else "the Function"
    if ended.get("reason") == "OOMKilled":
        limit = _memory_limit(name, pod)
        own = "its limit in spec.resourceConfiguration" if profile == "custom" else f"the limit of profile {profile}"
        where = "the limit of installs" if name == meta.INSTALL else own
        return Cause(reason="OOMKilled", message=f"{step} needed more memory than {limit}, {where}")
    if name == meta.INSTALL:
        return Cause(reason="InstallFailed", message=f"the dependencies could not be installed: {_of_installer(ended)}")
    last = ended.get("message", "").strip().rpartition("\n")[2].strip()
    if _LOAD_FAILED.match(last):
        return Cause(reason="HandlerFailed", message=one_line(last))
    text = f"container {name} ended with exit code {ended['exitCode']}: see its log, or it no longer answered /healthz"
    return Cause(reason="ContainerFailed", message=text)


def _of_installer(ended: Manifest) -> str:
    """Return the errors of npm, pip or uv in one line, else their last lines."""
    lines = [line for line in ended.get("message", "").splitlines() if line.strip() and not _NOISE.search(line)]
    begins = next((at for at, line in enumerate(lines) if _ERROR_BEGINS.match(line)), max(0, len(lines) - 4))
    said = " ".join(_DECORATION.sub("", line).strip() for line in lines[begins:])
    return one_line(said) or f"exit code {ended['exitCode']}"


def _of_scheduler(message: str) -> str:
    """Return what keeps nodes away without how many of each there are: "Insufficient cpu, node(s) had ..."."""
    reasons = message.partition(": ")[2].partition(". ")[0] if "nodes are available" in message else message
    return one_line(", ".join(sorted({re.sub(r"^\d+ ", "", each) for each in reasons.rstrip(".").split(", ")})))


def _silent(pod: Manifest) -> tuple[datetime, Cause] | None:
    """Return since when a pod has been at something that its status does not explain, and what that comes down to."""
    ready_to_start, scheduled = condition(pod, "PodReadyToStartContainers"), condition(pod, "PodScheduled")
    if scheduled.get("status") == "True" and ready_to_start.get("status") == "False":
        names = ", ".join(_mounted(pod)) or "its volumes"
        cause = Cause(
            reason="VolumesPending", message=f"the pod waits for its files: does each of these exist? {names}"
        )
        return datetime.fromisoformat(scheduled["lastTransitionTime"]), cause
    for container in pod["status"].get("containerStatuses", ()):
        if running := container.get("state", {}).get("running"):
            text = "the handler runs but does not answer /healthz: it is still loading, or too busy"
            return datetime.fromisoformat(running["startedAt"]), Cause(reason="NotHealthy", message=text)
    return None


def _mounted(pod: Manifest) -> Iterator[str]:
    for volume in pod["spec"].get("volumes", ()):
        if "secret" in volume and not volume["secret"].get("optional"):
            yield f"Secret {volume['secret']['secretName']}"
        if "configMap" in volume and not volume["configMap"].get("optional"):
            yield f"ConfigMap {volume['configMap']['name']}"


def _memory_limit(name: str, pod: Manifest) -> str:
    every = (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"])
    return next(str(c["resources"]["limits"].get("memory")) for c in every if c["name"] == name)

"""
Why a pod cannot be scheduled or a container does not run, in the words of the component that reports it.

The text of a cause is the same on every restart, or each restart would write the status: it has no counters, pod names,
addresses or times. It contains no credentials. From logs it repeats only an installer's errors and the lines with which
a handler failed to load or a fetch ended, redacted, and nothing from the log of an injected container.
Source: kubelet 1.36, pkg/kubelet/images/types.go, pkg/kubelet/kuberuntime, pkg/kubelet/container/sync_result.go.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hooks.manifest import Manifest, as_text, find_condition, value_at
from hooks.redact import one_line
from hooks.resources import CUSTOM, Resources
from hooks.status.containers import Container
from hooks.status.reasons import Reason

MAX_LOG_BYTES = 2048
"""The kubelet's limit of a log in a status. Source: kubelet 1.36, MaxContainerTerminationMessageLogLength."""

_PULL_REASONS = {"ErrImagePull", Reason.IMAGE_PULL_BACK_OFF, "InvalidImageName", "ErrImageNeverPull",
                 "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"}  # fmt: skip
_CREATE_REASONS = {Reason.CREATE_CONTAINER_CONFIG_ERROR, "CreateContainerError", "RunContainerError"}
_EXIT_CODES = 2**32
"""Exit codes on Windows have 32 bits."""
_FIRST_ERROR = re.compile(r"\s*(error|npm error|npm err!|\xd7)", re.IGNORECASE)
_IRRELEVANT = re.compile(r"A complete log of this run|\[notice\]|^npm notice", re.IGNORECASE)
_DECORATION = re.compile(r"^[\s\xd7│├╰─▶]+|^(npm error|npm ERR!)\s*")
_LOAD_FAILED = re.compile(
    r"The handler could not be loaded\. |handler\.\w+ (has|exports) no function |[\w.]*(Error|Exception)\b"
)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """`message` is one line, not much longer than hooks.redact.MAX_LINE_CHARACTERS."""

    reason: Reason
    message: str


def reported_causes(pod: Manifest, containers: list[Container], resources: Resources) -> list[Cause]:
    """Return the failures that a pod's status reports; `resources` are those of the main container."""
    if value_at(pod, "status", "phase") == "Failed":
        return [_pod_failed(value_at(pod, "status", "reason"), value_at(pod, "status", "message"))]
    scheduled = find_condition(pod, "PodScheduled")
    is_unschedulable = scheduled.get("reason") == Reason.UNSCHEDULABLE
    found = [_unschedulable(scheduled.get("message"))] if is_unschedulable else []
    for container in containers:
        found += _container_causes(container, resources)
    return found


def _container_causes(container: Container, resources: Resources) -> Iterator[Cause]:
    """Yield the failures that a container's status reports."""
    reason, message = as_text(container.waiting.get("reason")), as_text(container.waiting.get("message"))
    if reason in _PULL_REASONS:
        detail = one_line(message.rpartition("ErrImagePull: ")[2]) or reason
        yield Cause(reason=Reason.IMAGE_PULL_BACK_OFF, message=f"image {_image(container)} cannot be pulled: {detail}")
    elif reason in _CREATE_REASONS:
        name = "the container" if container.is_main else f"container {container.name}"
        message = f"{name} cannot be created: {one_line(message)}"
        yield Cause(reason=Reason.CREATE_CONTAINER_CONFIG_ERROR, message=message)
    if container.is_ready:
        return
    # While a container restarts, its last termination is still the cause.
    termination = container.termination
    if termination and (_exit_code(termination) or not container.must_complete):
        yield _termination_cause(container, termination, resources)
    elif reason == "CrashLoopBackOff":
        yield _crash_cause(container, "restarts repeatedly")


def _pod_failed(reason: Any, message: Any) -> Cause:
    """Return the cause of a pod in phase Failed, for example after an eviction."""
    detail = one_line(as_text(message).partition(". ")[0])
    return Cause(reason=Reason.POD_FAILED, message=f"a pod failed: {one_line(as_text(reason))}: {detail}")


def _unschedulable(message: Any) -> Cause:
    """Return the scheduler's reasons without the numbers of nodes: "Insufficient cpu, node(s) had ..."."""
    full = as_text(message)
    reasons = full.partition(": ")[2].partition(". ")[0] if "nodes are available" in full else full
    unique = {re.sub(r"^\d+ ", "", reason) for reason in reasons.rstrip(".").split(", ")}
    return Cause(reason=Reason.UNSCHEDULABLE, message=f"no node fits: {one_line(', '.join(sorted(unique)))}")


def _image(container: Container) -> str:
    image = as_text(container.status.get("image"))
    if container.is_main or container.is_install or container.is_fetch:
        return image
    return f"{image} of container {container.name}"


def _termination_cause(container: Container, termination: Manifest, resources: Resources) -> Cause:
    if termination.get("reason") == Reason.OOM_KILLED:
        return _out_of_memory(container, resources)
    if container.is_install:
        message = f"the dependencies could not be installed: {_installer_errors(termination)}"
        return Cause(reason=Reason.INSTALL_FAILED, message=message)
    last_line = _log(termination).strip().rpartition("\n")[2].strip()
    if container.is_fetch:
        detail = one_line(last_line) or f"exit code {_exit_code(termination)}"
        return Cause(reason=Reason.SOURCE_FETCH_FAILED, message=f"the source could not be fetched: {detail}")
    if container.is_main and _LOAD_FAILED.match(last_line):
        return Cause(reason=Reason.HANDLER_FAILED, message=one_line(last_line))
    return _crash_cause(container, f"exited with code {_exit_code(termination)}")


def _crash_cause(container: Container, event: str) -> Cause:
    kind = "init container" if container.must_complete else "container"
    alternative = "; if that has no error, its liveness probe failed" if container.is_main else ""
    message = f"{kind} {container.name} {event}: see its log{alternative}"
    return Cause(reason=Reason.CONTAINER_FAILED, message=message)


def _out_of_memory(container: Container, resources: Resources) -> Cause:
    subject = f"container {container.name}"
    if container.is_install:
        subject = "installing the dependencies"
    elif container.is_main:
        subject = "the Function"
    limit = _limit_and_source(container, resources)
    return Cause(reason=Reason.OOM_KILLED, message=f"{subject} needed more memory than {limit}")


def _limit_and_source(container: Container, resources: Resources) -> str:
    """Return a container's memory limit and where it is set, or that of its pod or node."""
    if not container.memory:
        return f"{container.pod_memory}, the limit of its pod" if container.pod_memory else "its node had"
    if container.is_install:
        return f"{container.memory}, the install limit"
    if not container.is_main or container.memory != resources.limits.get("memory"):
        return f"{container.memory}, the limit of that container"
    if resources.profile == CUSTOM:
        return f"{container.memory}, its limit in spec.resourceConfiguration"
    return f"{container.memory}, the limit of profile {resources.profile}"


def _exit_code(termination: Manifest) -> int:
    code = termination.get("exitCode")
    return code if type(code) is int and abs(code) < _EXIT_CODES else 0


def _log(termination: Manifest) -> str:
    """
    Return the end of a container's log, from the first complete line on.

    The kubelet may cut a log inside a credential, after the name by which it would be redacted.
    """
    log = as_text(termination.get("message"))
    return log.partition("\n")[2] if len(log.encode()) >= MAX_LOG_BYTES else log


def _installer_errors(termination: Manifest) -> str:
    """Return the errors of npm, pip or uv as one line: from the first error line on, else the last four lines."""
    lines = [line for line in _log(termination).splitlines() if line.strip() and not _IRRELEVANT.search(line)]
    first = next((index for index, line in enumerate(lines) if _FIRST_ERROR.match(line)), max(0, len(lines) - 4))
    text = " ".join(_DECORATION.sub("", line).strip() for line in lines[first:])
    return one_line(text) or f"exit code {_exit_code(termination)}"

"""
Why a container does not run, or a pod gets no place: in the words of the registry, npm, pip, the handler, the kubelet
or the scheduler.

The text of a cause stays the same while the cause does, or each restart would write the status anew: no counters, no
names of pods, no addresses of memory or network, no times. What may be secret is left out: of a log only an installer's
errors and the line with which a handler failed to load are repeated, without credentials; of a container that is not
the Function's own nothing is.
Source: kubelet 1.36, pkg/kubelet/images/types.go, pkg/kubelet/kuberuntime, pkg/kubelet/container/sync_result.go.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hooks.manifest import Manifest, text
from hooks.redact import one_line
from hooks.resources import Resources
from hooks.status.containers import Container
from hooks.status.reasons import Reason

LOG_BYTES = 2048
"""How much a kubelet keeps of a log. Source: kubelet 1.36, MaxContainerTerminationMessageLogLength."""

_PULL = {"ErrImagePull", Reason.IMAGE_PULL_BACK_OFF, "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
         "RegistryUnavailable", "SignatureValidationFailed"}  # fmt: skip
_CREATE = {Reason.CREATE_CONTAINER_CONFIG_ERROR, "CreateContainerError", "RunContainerError"}
_EXIT_CODES = 2**32
"""Windows has codes of 32 bits."""
_ERROR_BEGINS = re.compile(r"\s*(error|npm error|npm err!|\xd7)", re.IGNORECASE)
_NOISE = re.compile(r"A complete log of this run|\[notice\]|^npm notice", re.IGNORECASE)
_DECORATION = re.compile(r"^[\s\xd7│├╰─▶]+|^(npm error|npm ERR!)\s*")
_LOAD_FAILED = re.compile(
    r"The handler could not be loaded\. |handler\.\w+ (has|exports) no function |[\w.]*(Error|Exception)\b"
)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """`message` is one line that never holds much more than hooks.redact.LINE_CHARACTERS."""

    reason: Reason
    message: str


def of_container(container: Container, resources: Resources) -> Iterator[Cause]:
    """Yield what a container's status says outright; `resources` are those of the Function."""
    reason, message = text(container.waiting.get("reason")), text(container.waiting.get("message"))
    if reason in _PULL:
        said = one_line(message.rpartition("ErrImagePull: ")[2]) or reason
        yield Cause(reason=Reason.IMAGE_PULL_BACK_OFF, message=f"image {_image(container)} cannot be pulled: {said}")
    elif reason in _CREATE:
        named = "the container" if container.is_function else f"container {container.name}"
        yield Cause(reason=Reason.CREATE_CONTAINER_CONFIG_ERROR, message=f"{named} cannot be made: {one_line(message)}")
    if container.is_ready:
        return
    # While a container starts again, how it ended last time is still the reason.
    if (ended := container.ended) and (_exit_code(ended) or not container.is_init):
        yield _of_end(container, ended, resources)
    elif reason == "CrashLoopBackOff":
        yield _crashed(container, "ends again and again")


def failed(reason: Any, message: Any) -> Cause:
    """Return the cause of a pod that its node has given up."""
    said = one_line(text(message).partition(". ")[0])
    return Cause(reason=Reason.POD_FAILED, message=f"a pod was given up by its node: {one_line(text(reason))}: {said}")


def unschedulable(message: Any) -> Cause:
    """Return what keeps nodes away without how many of each there are: "Insufficient cpu, node(s) had ..."."""
    said = text(message)
    reasons = said.partition(": ")[2].partition(". ")[0] if "nodes are available" in said else said
    each = {re.sub(r"^\d+ ", "", reason) for reason in reasons.rstrip(".").split(", ")}
    return Cause(reason=Reason.UNSCHEDULABLE, message=f"no node fits: {one_line(', '.join(sorted(each)))}")


def of_gate(kind: str, message: Any) -> str:
    """Return what is said of a readiness gate that is not met."""
    said = one_line(text(message))
    return f"readiness gate {one_line(kind)} is not met" + (f": {said}" if said else "")


def _image(container: Container) -> str:
    image = text(container.status.get("image"))
    if container.is_function or container.is_install:
        return image
    return f"{image} of container {container.name}"


def _of_end(container: Container, ended: Manifest, resources: Resources) -> Cause:
    if ended.get("reason") == Reason.OOM_KILLED:
        return _out_of_memory(container, resources)
    if container.is_install:
        return Cause(
            reason=Reason.INSTALL_FAILED, message=f"the dependencies could not be installed: {_of_installer(ended)}"
        )
    if container.is_function:
        last = _log(ended).strip().rpartition("\n")[2].strip()
        if _LOAD_FAILED.match(last):
            return Cause(reason=Reason.HANDLER_FAILED, message=one_line(last))
    return _crashed(container, f"ended with exit code {_exit_code(ended)}")


def _crashed(container: Container, what: str) -> Cause:
    kind = "init container" if container.is_init else "container"
    why = ", or it no longer answered /healthz" if container.is_function else ""
    return Cause(reason=Reason.CONTAINER_FAILED, message=f"{kind} {container.name} {what}: see its log{why}")


def _out_of_memory(container: Container, resources: Resources) -> Cause:
    who = f"container {container.name}"
    if container.is_install:
        who = "the dependencies"
    elif container.is_function:
        who = "the Function"
    return Cause(reason=Reason.OOM_KILLED, message=f"{who} needed more memory than {_allowed(container, resources)}")


def _allowed(container: Container, resources: Resources) -> str:
    """Return the memory that a container may have, and who says so; without any limit it is the node's."""
    if not container.memory:
        return f"{container.memory_of_pod}, the limit of its pod" if container.memory_of_pod else "its node had"
    if container.is_install:
        return f"{container.memory}, the limit of installs"
    if not container.is_function or container.memory != resources.limits.get("memory"):
        return f"{container.memory}, the limit of that container"
    if resources.profile == "custom":
        return f"{container.memory}, its limit in spec.resourceConfiguration"
    return f"{container.memory}, the limit of profile {resources.profile}"


def _exit_code(ended: Manifest) -> int:
    code = ended.get("exitCode")
    return code if type(code) is int and abs(code) < _EXIT_CODES else 0


def _log(ended: Manifest) -> str:
    """
    Return what a container logged last, from its first whole line on.

    A kubelet keeps the end of a log, which may begin inside a credential, behind the name that would tell what it is.
    """
    said = text(ended.get("message"))
    return said.partition("\n")[2] if len(said.encode()) >= LOG_BYTES else said


def _of_installer(ended: Manifest) -> str:
    """Return the errors of npm, pip or uv in one line, else their last lines."""
    lines = [line for line in _log(ended).splitlines() if line.strip() and not _NOISE.search(line)]
    begins = next((at for at, line in enumerate(lines) if _ERROR_BEGINS.match(line)), max(0, len(lines) - 4))
    said = " ".join(_DECORATION.sub("", line).strip() for line in lines[begins:])
    return one_line(said) or f"exit code {_exit_code(ended)}"

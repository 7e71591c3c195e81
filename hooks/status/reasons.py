"""
Every reason that a condition of a Function may have.

One row each, most useful first: of several causes the first is reported. The row is also that of docs/status.md.
A reason that Kubernetes has too carries Kubernetes' name, so that what a pod reports can be compared with it.
"""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """
    A reason: `means` and `remedy` are its cells in docs/status.md, `rank` is its place, 0 for the most useful one.

    `_kyma` is the name of the member that Kyma's Running condition has for it, where it is another one.
    """

    means: str
    remedy: str
    rank: int
    _kyma: str

    def __new__(cls, value: str, means: str, remedy: str, kyma: str = "") -> Self:
        self = str.__new__(cls, value)
        self._value_, self.means, self.remedy, self._kyma = value, means, remedy, kyma
        self.rank = len(cls.__members__)
        return self

    @property
    def kyma(self) -> "Reason":
        """The reason of Kyma's Running condition."""
        return Reason[self._kyma or self.name]

    # fmt: off
    INVALID_FUNCTION_SPEC = (
        "InvalidFunctionSpec", "the specification breaks a rule; what ran before goes on",
        "mend the fields that the message names")
    CONFIG_MISSING = (
        "ConfigMissing", "a Secret, a ConfigMap or a key that the Function names is not there",
        "create it; reported where the operator has set `related.configs`")
    IMAGE_PULL_BACK_OFF = (
        "ImagePullBackOff", "the image cannot be pulled", "check `runtimeImageOverride` and `imagePullSecrets`")
    INSTALL_FAILED = (
        "InstallFailed", "a package cannot be installed; the installer's errors follow",
        "mend `source.inline.dependencies`")
    HANDLER_FAILED = (
        "HandlerFailed", "the handler cannot be loaded; the last line of its error follows", "mend the source")
    OOM_KILLED = (
        "OOMKilled",
        "a container needed more memory than the limit that is named, or without a limit than its node had",
        "choose a larger profile; a sidecar has settings of its own")
    CREATE_CONTAINER_CONFIG_ERROR = (
        "CreateContainerConfigError",
        "a variable's Secret, ConfigMap or key is not there, or the container cannot be made",
        "create what the message names")
    CONTAINER_FAILED = (
        "ContainerFailed", "a container ended; its name and exit code follow",
        "`kubectl logs deployment/NAME -c CONTAINER --previous`")
    UNSCHEDULABLE = (
        "Unschedulable", "no node fits, in the scheduler's words", "request less, or contact your operator")
    SCHEDULING_GATED = (
        "SchedulingGated", "the pod gets no node before the scheduling gates that are named are removed",
        "ask who sets them, Kueue for example")
    VOLUMES_PENDING = (
        "VolumesPending", "the pod waits for the files of the Secrets and ConfigMaps that are named",
        "create the one that is missing")
    NOT_STARTED = (
        "NotStarted", "the handler does not run yet; the injected container that it comes after is named",
        "see the log of that container")
    NOT_HEALTHY = (
        "NotHealthy", "the handler, or the sidecar that is named, runs but is not ready",
        "wait while it loads; look for what keeps it busy")
    READINESS_GATE_CLOSED = (
        "ReadinessGateClosed",
        "all containers are ready, and a readiness gate is not met; its type and message follow",
        "ask who sets the gate, a load balancer for example")
    POD_FAILED = (
        "PodFailed", "a node has given a pod up", "it is replaced; contact your operator if it happens again")
    CHILDREN_NOT_CREATED = (
        "ChildrenNotCreated", "a child is not created: its name is taken, or the API server refuses it",
        "[find out which](#a-child-that-is-not-created)", "DEPLOYMENT_FAILED")
    RECORD_UNREADABLE = (
        "RecordUnreadable",
        "Metacontroller cannot update a child, since its own record in an annotation was overwritten",
        "run the command in the message", "DEPLOYMENT_FAILED")
    UPDATE_REFUSED = (
        "UpdateRefused", "the API server refuses what the Deployment should become", "see the Function's events",
        "DEPLOYMENT_FAILED")
    DEPLOYMENT_PAUSED = (
        "DeploymentPaused", "the rollout was paused by hand", "`kubectl rollout resume deployment NAME`",
        "DEPLOYMENT_WAITING")
    DEPLOYMENT_FAILED = (
        "DeploymentFailed",
        "the rollout has taken longer than `startupTimeoutSeconds` and 450 s, or pods are refused", "see the message")
    MIN_REPLICAS_NOT_AVAILABLE = (
        "MinReplicasNotAvailable",
        "pods are not available; `Stalled` once that has lasted as long as a rollout may take", "wait; see the pods")
    DEPLOYMENT_WAITING = ("DeploymentWaiting", "nothing yet: the rollout is in progress", "wait")
    DEPLOYMENT_UPDATED = ("DeploymentUpdated", "nothing yet: the Deployment is being updated", "wait")
    CHILDREN_PENDING = (
        "ChildrenPending", "nothing yet: the children are being created", "wait", "DEPLOYMENT_CREATED")
    DEPLOYMENT_CREATED = ("DeploymentCreated", "nothing yet: `Running` has this for `ChildrenPending`", "wait")
    AUTOSCALER_INACTIVE = (
        "AutoscalerInactive",
        "the Function is ready, but its autoscaler has been unable to measure or to scale for two minutes",
        "see `kubectl describe hpa NAME`; most often metrics-server is missing, or the containers request no CPU",
        "DEPLOYMENT_READY")
    SCALED_TO_ZERO = (
        "ScaledToZero", "nothing: no pod runs, as specified", "nothing, or set `replicas`", "DEPLOYMENT_READY")
    DEPLOYMENT_READY = ("DeploymentReady", "nothing: all pods are available", "nothing")
    FUNCTION_SPEC_VALIDATED = (
        "FunctionSpecValidated", "nothing: `ConfigurationReady` has this while no rule is broken", "nothing")
    # fmt: on


def table() -> str:
    """Return the table of docs/status.md."""
    rows = (f"| `{reason}` | {reason.means} | {reason.remedy} |\n" for reason in Reason)
    return "| reason | what is wrong | what to do |\n| --- | --- | --- |\n" + "".join(rows)

"""
The reasons of a Function's conditions: one row each, which is also its row in docs/status.md.

If several apply, the first in this order is reported. A reason that exists in Kubernetes has the same name here, so
that it can be compared with the reason in a pod's status.
"""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """
    `means` and `remedy` are the cells of docs/status.md; `rank` is the position in this table, 0 for the first row.

    `_kyma` is the name of the member that Kyma's Running condition reports instead, "" for the same one.
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
        "InvalidFunctionSpec", "the spec breaks a rule; running pods are not changed",
        "correct the fields in the message")
    SOURCE_UPDATE_FAILED = (
        "SourceUpdateFailed", "the source cannot be fetched; the message is that of Flux; running pods are not changed",
        "correct the source, its Secret or the object of Flux in the message")
    SOURCE_SUSPENDED = (
        "SourceSuspended", "the object of Flux in the message is suspended: no new commit is fetched",
        "`flux resume source git NAME`", "DEPLOYMENT_WAITING")
    CONFIG_MISSING = (
        "ConfigMissing", "a Secret, a ConfigMap or a key that the Function references does not exist",
        "create it; reported only if the operator has set `related.configs`")
    IMAGE_PULL_BACK_OFF = (
        "ImagePullBackOff", "the image cannot be pulled", "check `runtimeImageOverride` and `imagePullSecrets`")
    SOURCE_FETCH_FAILED = (
        "SourceFetchFailed", "the pod cannot download or unpack the source; the message contains the end of the log",
        "see the message")
    INSTALL_FAILED = (
        "InstallFailed", "a package cannot be installed; the message contains the installer's errors",
        "correct `source.inline.dependencies`, or `requirements.txt` or `package.json` in the source")
    HANDLER_FAILED = (
        "HandlerFailed", "the handler cannot be loaded; the message contains the last line of its error",
        "correct the source")
    OOM_KILLED = (
        "OOMKilled", "a container needed more memory than the limit in the message, or than its node had",
        "choose a larger profile; for a sidecar, see the settings of the component that injects it")
    CREATE_CONTAINER_CONFIG_ERROR = (
        "CreateContainerConfigError",
        "a container cannot be created, for example because the Secret, ConfigMap or key of a variable does not exist",
        "create what the message names")
    CONTAINER_FAILED = (
        "ContainerFailed", "a container exited; the message contains its name and exit code",
        "`kubectl logs deployment/NAME -c CONTAINER --previous`")
    UNSCHEDULABLE = (
        "Unschedulable", "no node fits; the message contains the scheduler's reasons",
        "request less, or contact your operator")
    SCHEDULING_GATED = (
        "SchedulingGated", "the pod is not scheduled until the scheduling gates in the message are removed",
        "check the component that sets them, for example Kueue")
    VOLUMES_PENDING = (
        "VolumesPending", "the pod waits for volumes of the Secrets and ConfigMaps in the message",
        "create the missing ones")
    NOT_STARTED = (
        "NotStarted", "the handler has not started; the message names the injected container that delays it",
        "see the log of that container")
    NOT_HEALTHY = (
        "NotHealthy", "the handler, or the sidecar in the message, is running but not ready",
        "wait while it loads; then look for work that keeps it busy")
    READINESS_GATE_CLOSED = (
        "ReadinessGateClosed", "all containers are ready, but the readiness gate in the message is not met",
        "check the component that sets the gate, for example a load balancer")
    POD_FAILED = (
        "PodFailed", "a pod failed on its node, for example because it was evicted",
        "Kubernetes replaces it; contact your operator if it happens again")
    CHILDREN_NOT_CREATED = (
        "ChildrenNotCreated", "a child is not created: its name is taken, or the API server refuses it",
        "[find out which](#a-child-that-is-not-created)", "DEPLOYMENT_FAILED")
    RECORD_UNREADABLE = (
        "RecordUnreadable", "Metacontroller cannot update a child, since its last-applied annotation was overwritten",
        "run the command in the message", "DEPLOYMENT_FAILED")
    UPDATE_REFUSED = (
        "UpdateRefused", "the API server refuses the update of the Deployment", "see the Function's events",
        "DEPLOYMENT_FAILED")
    DEPLOYMENT_PAUSED = (
        "DeploymentPaused", "a user has paused the rollout", "`kubectl rollout resume deployment NAME`",
        "DEPLOYMENT_WAITING")
    DEPLOYMENT_FAILED = (
        "DeploymentFailed",
        "the rollout took longer than `startupTimeoutSeconds` plus 450 s, or the API server refuses pods",
        "see the message")
    MIN_REPLICAS_NOT_AVAILABLE = (
        "MinReplicasNotAvailable",
        "pods are no longer available; `Stalled` once that has lasted as long as a rollout may take",
        "wait; see the pods")
    DEPLOYMENT_WAITING = (
        "DeploymentWaiting", "nothing: the Function's objects and pods are being created or replaced", "wait")
    DEPLOYMENT_UPDATED = (
        "DeploymentUpdated",
        "the Deployment has not been updated for 5 seconds; `UpdateRefused` 5 seconds later", "wait")
    SOURCE_PENDING = (
        "SourcePending", "nothing: the source is being fetched", "wait", "DEPLOYMENT_WAITING")
    CHILDREN_PENDING = (
        "ChildrenPending",
        "a child has been missing for 5 seconds, or was deleted; `ChildrenNotCreated` 5 seconds later", "wait",
        "DEPLOYMENT_CREATED")
    DEPLOYMENT_CREATED = (
        "DeploymentCreated", "nothing: `Running` has this reason while `Ready` has `ChildrenPending`", "wait")
    ADDED_BY_POLICY = (
        "AddedByPolicy",
        "an admission policy adds the fields in the message; `Stalled` if that cuts the Function off from its callers",
        "[exempt Functions from the policy](changes-by-others.md#a-policy-that-adds-a-field-on-every-write)",
        "DEPLOYMENT_READY")
    AUTOSCALER_INACTIVE = (
        "AutoscalerInactive",
        "the Function is ready, but its autoscaler has been unable to measure or to scale for two minutes",
        "see `kubectl describe hpa NAME`; usually metrics-server is missing, or the containers request no CPU",
        "DEPLOYMENT_READY")
    SCALED_TO_ZERO = (
        "ScaledToZero", "nothing: no pod runs, as specified", "nothing, or set `replicas`", "DEPLOYMENT_READY")
    DEPLOYMENT_READY = ("DeploymentReady", "nothing: all pods are available", "nothing")
    SOURCE_UPDATED = (
        "SourceUpdated", "nothing: `SourceReady` has this reason while the fetched source is the current one",
        "nothing")
    FUNCTION_SPEC_VALIDATED = (
        "FunctionSpecValidated", "nothing: `ConfigurationReady` has this reason while the spec breaks no rule",
        "nothing")
    # fmt: on


def table() -> str:
    """Return the table of docs/status.md."""
    rows = (f"| `{reason}` | {reason.means} | {reason.remedy} |\n" for reason in Reason)
    return "| reason | what is wrong | what to do |\n| --- | --- | --- |\n" + "".join(rows)

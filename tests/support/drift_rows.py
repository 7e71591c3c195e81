"""
What somebody may do to a Function's children, row by row, and what becomes of it.

The rows run on the model (core/test_additions.py) and on the real Metacontroller (cluster/test_foreign_additions.py),
and they
are the table of docs/changes-by-others.md.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

Manifest = dict[str, Any]
Outcome = Literal["healed", "removed", "joined", "echoed", "kept"]

SOURCE = {"source": "def main(event, context):\n    return 'hi'\n", "dependencies": "requests==2.32.5\n"}
OWN = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}}
SPEC: Manifest = {
    "runtime": "python312",
    "source": {"inline": SOURCE},
    "replicas": 1,
    "env": [{"name": "GREETING", "value": "hi"}, OWN],
    "annotations": {"example.com/ours": "x"},
    "secretMounts": [{"secretName": "s", "mountPath": "/etc/s"}],
}
SCALED = SPEC | {"scaleConfig": {"minReplicas": 1, "maxReplicas": 3}}
ORDER = "the order is no part of the merge; where `$(NAME)` needs it, it comes back under a short pause"
OUTCOMES: dict[Outcome, tuple[str, int]] = {
    "healed": ("healed at once", 1),
    "removed": ("adopted, then removed", 2),
    "joined": ("ours put back, theirs kept", 1),
    "echoed": ("kept", 1),
    "kept": ("kept", 0),
}
"""What docs/changes-by-others.md says of an outcome, and how many times Metacontroller writes the child."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """`change` is done to the live child; `outcome` is what becomes of it, `why` the reason, `spec` the Function's."""

    kind: str
    field: str
    what: str
    outcome: Outcome
    why: str
    change: Callable[[Manifest], Any]
    spec: Manifest

    @property
    def writes(self) -> int:
        return OUTCOMES[self.outcome][1]

    def line(self) -> str:
        """Return the row as docs/changes-by-others.md has it."""
        words, writes = OUTCOMES[self.outcome]
        return f"| {self.kind} | `{self.field}` | {self.what} | {words} | {writes} | {self.why} |"

    def changed(self, live: Manifest) -> Manifest:
        """Return the child as somebody changed it."""
        child = deepcopy(live)
        self.change(child)
        return child


def table() -> str:
    """Return the table of docs/changes-by-others.md."""
    head = "| kind | field | what somebody did | what happens | writes | why |\n|---|---|---|---|---|---|\n"
    return head + "".join(f"{row.line()}\n" for row in ROWS)


def pod(child: Manifest) -> Manifest:
    found: Manifest = child["spec"]["template"]["spec"]
    return found


def main(child: Manifest) -> Manifest:
    found: Manifest = pod(child)["containers"][0]
    return found


def secure(child: Manifest) -> Manifest:
    found: Manifest = main(child)["securityContext"]
    return found


def named(items: list[Manifest], name: str) -> Manifest:
    return next(item for item in items if item["name"] == name)


def env(child: Manifest, name: str) -> Manifest:
    return named(main(child)["env"], name)


def replaced(target: Manifest, **content: Any) -> None:
    """Give a map other content."""
    target.clear()
    target.update(content)


def asks_port(probe: Manifest) -> None:
    """Let a probe ask the port instead of the path."""
    del probe["httpGet"]
    probe["tcpSocket"] = {"port": 8080}


def external(service: Manifest) -> None:
    """Make a Service an alias, which has no address."""
    for key in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"):
        service["spec"].pop(key)
    service["spec"] |= {"type": "ExternalName", "externalName": "example.com"}


def as_admin(child: Manifest) -> None:
    """Add the one capability that the API server refuses beside allowPrivilegeEscalation: false."""
    secure(child)["capabilities"]["add"] = ["CAP_SYS_ADMIN"]
    secure(child)["allowPrivilegeEscalation"] = True


OURS = "serverless.kyma-project.io/function-name"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
CONTAINER = {"name": "theirs", "image": "example.com/theirs:1"}
THEIR_SECRET = {"secretKeyRef": {"name": "theirs", "key": "k", "optional": True}}
MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 1}},
}
LOCALHOST = {"type": "Localhost", "localhostProfile": "theirs.json"}

SET = "we set it"
CUT = "it cuts the Function off"
REFUSED = "merged with ours the API server refuses it, for ever"
LOOSE = "pods run restricted"
POLICY = "policy engines and injectors add these on every write; if it never gets ready, the old pods serve on"
TOOLS = "tools leave their marks"
TASTE = "the Function works; we set no such field"

TEMPLATE = "spec.template.metadata"
POD = "spec.template.spec"
MAIN = f"{POD}.containers"


Told = tuple[str, str, Outcome, str, Callable[[Manifest], Any]]
"""A row without its kind."""
LABEL_ADDED: Told = (
    "metadata.labels",
    "added",
    "kept",
    TOOLS,
    lambda c: c["metadata"]["labels"].update(theirs="x"),
)
LABEL_REMOVED: Told = (
    "metadata.labels",
    "ours removed",
    "healed",
    SET,
    lambda c: c["metadata"]["labels"].pop(OURS),
)
ANNOTATION_ADDED: Told = (
    "metadata.annotations",
    "added",
    "kept",
    TOOLS,
    lambda c: c["metadata"]["annotations"].update(theirs="x"),
)
OWNER_REMOVED: Told = (
    "metadata.ownerReferences",
    "removed",
    "healed",
    "Metacontroller adopts it again",
    lambda c: c["metadata"].pop("ownerReferences"),
)


def _rows(kind: str, spec: Manifest, *rows: Told) -> list[Row]:
    return [
        Row(kind=kind, spec=spec, field=field, what=what, outcome=outcome, why=why, change=change)
        for field, what, outcome, why, change in rows
    ]


SERVICE = _rows(
    "Service",
    SPEC,
    ("spec.selector", "key added", "removed", CUT, lambda c: c["spec"]["selector"].update(theirs="x")),
    ("spec.selector", "ours changed", "healed", SET, lambda c: c["spec"]["selector"].update({OURS: "x"})),
    ("spec.selector", "ours removed", "healed", SET, lambda c: c["spec"]["selector"].pop(OURS)),
    (
        "spec.ports",
        "port added",
        "removed",
        "port 80 alone is a Function's address",
        lambda c: c["spec"]["ports"].append({"name": "theirs", "port": 81}),
    ),
    ("spec.ports", "number changed", "removed", REFUSED, lambda c: c["spec"]["ports"][0].update(port=8081)),
    (
        "spec.ports",
        "number and name changed",
        "removed",
        "port 80 alone is a Function's address",
        lambda c: c["spec"]["ports"][0].update(port=8081, name="theirs"),
    ),
    ("spec.ports", "`targetPort` changed", "healed", SET, lambda c: c["spec"]["ports"][0].update(targetPort=99)),
    ("spec.ports", "name changed", "healed", SET, lambda c: c["spec"]["ports"][0].update(name="theirs")),
    (
        "spec.ports",
        "`appProtocol` added",
        "kept",
        "meshes and gateways read it",
        lambda c: c["spec"]["ports"][0].update(appProtocol="http"),
    ),
    ("spec.type", "`NodePort`", "healed", SET, lambda c: c["spec"].update(type="NodePort")),
    ("spec.type", "`LoadBalancer`", "healed", SET, lambda c: c["spec"].update(type="LoadBalancer")),
    (
        "spec.type",
        "`ExternalName`",
        "removed",
        "the address is a new one: the API server gave the old one up",
        external,
    ),
    ("spec.internalTrafficPolicy", "`Local`", "healed", SET, lambda c: c["spec"].update(internalTrafficPolicy="Local")),
    (
        "spec.publishNotReadyAddresses",
        "added",
        "removed",
        "callers would reach pods that are not ready",
        lambda c: c["spec"].update(publishNotReadyAddresses=True),
    ),
    (
        "spec.externalIPs",
        "added",
        "removed",
        "a Function is reached from inside the cluster only",
        lambda c: c["spec"].update(externalIPs=["192.0.2.1"]),
    ),
    ("spec.sessionAffinity", "`ClientIP`", "kept", TASTE, lambda c: c["spec"].update(sessionAffinity="ClientIP")),
    LABEL_ADDED,
    ("metadata.labels", "ours changed", "healed", SET, lambda c: c["metadata"]["labels"].update({OURS: "x"})),
    LABEL_REMOVED,
    ANNOTATION_ADDED,
    (
        "metadata.annotations",
        "all removed",
        "healed",
        "what was last applied is recorded anew",
        lambda c: c["metadata"].pop("annotations"),
    ),
    OWNER_REMOVED,
)
DEPLOYMENT = _rows(
    "Deployment",
    SPEC,
    LABEL_ADDED,
    LABEL_REMOVED,
    ANNOTATION_ADDED,
    OWNER_REMOVED,
    ("spec.replicas", "changed", "healed", "scale the Function instead", lambda c: c["spec"].update(replicas=2)),
    ("spec.strategy", "`Recreate`", "healed", SET, lambda c: c["spec"].update(strategy={"type": "Recreate"})),
    (
        "spec.strategy",
        "`maxSurge` changed",
        "healed",
        SET,
        lambda c: c["spec"]["strategy"]["rollingUpdate"].update(maxSurge=3),
    ),
    ("spec.revisionHistoryLimit", "changed", "healed", SET, lambda c: c["spec"].update(revisionHistoryLimit=9)),
    (
        "spec.paused",
        "`true`",
        "kept",
        "somebody's decision; while an edit waits for it the status says so",
        lambda c: c["spec"].update(paused=True),
    ),
    (
        "spec.minReadySeconds",
        "added",
        "removed",
        "rollouts would not end in time",
        lambda c: c["spec"].update(minReadySeconds=3),
    ),
    (
        "spec.minReadySeconds",
        "above the deadline",
        "removed",
        REFUSED,
        lambda c: c["spec"].update(minReadySeconds=700, progressDeadlineSeconds=800),
    ),
    (
        f"{TEMPLATE}.labels",
        "added",
        "kept",
        POLICY,
        lambda c: c["spec"]["template"]["metadata"]["labels"].update(theirs="x"),
    ),
    (
        f"{TEMPLATE}.labels",
        "ours changed",
        "healed",
        SET,
        lambda c: c["spec"]["template"]["metadata"]["labels"].update({"app.kubernetes.io/name": "x"}),
    ),
    (
        f"{TEMPLATE}.annotations",
        "`restartedAt` added",
        "kept",
        "kubectl rollout restart",
        lambda c: c["spec"]["template"]["metadata"]["annotations"].update({RESTARTED: "now"}),
    ),
    (f"{MAIN}", "container added", "kept", POLICY, lambda c: pod(c)["containers"].append(dict(CONTAINER))),
    (
        f"{POD}.initContainers",
        "container added",
        "kept",
        POLICY,
        lambda c: pod(c)["initContainers"].append(dict(CONTAINER)),
    ),
    (f"{MAIN}.image", "changed", "healed", SET, lambda c: main(c).update(image="example.com/theirs:1")),
    (f"{MAIN}.imagePullPolicy", "changed", "kept", TASTE, lambda c: main(c).update(imagePullPolicy="Always")),
    (f"{MAIN}.command", "changed", "healed", SET, lambda c: main(c).update(command=["true"])),
    (f"{MAIN}.args", "added", "kept", "our command does not read them", lambda c: main(c).update(args=["x"])),
    (
        f"{MAIN}.env",
        "variable added",
        "kept",
        POLICY,
        lambda c: main(c)["env"].append({"name": "THEIRS", "value": "x"}),
    ),
    (f"{MAIN}.env", "value changed", "healed", SET, lambda c: env(c, "GREETING").update(value="x")),
    (
        f"{MAIN}.env",
        "ours removed",
        "healed",
        "put back at the end",
        lambda c: main(c)["env"].remove(env(c, "GREETING")),
    ),
    (f"{MAIN}.env", "reordered", "kept", ORDER, lambda c: main(c)["env"].reverse()),
    (
        f"{MAIN}.env",
        "`value` made `valueFrom`",
        "removed",
        REFUSED,
        lambda c: replaced(env(c, "GREETING"), name="GREETING", valueFrom=THEIR_SECRET),
    ),
    (
        f"{MAIN}.env",
        "`valueFrom` made `value`",
        "removed",
        REFUSED,
        lambda c: replaced(env(c, "TOKEN"), name="TOKEN", value="x"),
    ),
    (
        f"{MAIN}.env",
        "other source in `valueFrom`",
        "removed",
        REFUSED,
        lambda c: replaced(env(c, "TOKEN")["valueFrom"], configMapKeyRef={"name": "c", "key": "k"}),
    ),
    (
        f"{MAIN}.envFrom",
        "added",
        "kept",
        POLICY,
        lambda c: main(c).update(envFrom=[{"secretRef": {"name": "s", "optional": True}}]),
    ),
    (f"{MAIN}.ports", "port added", "kept", TASTE, lambda c: main(c)["ports"].append({"containerPort": 9090})),
    (f"{MAIN}.ports", "`hostPort` added", "removed", LOOSE, lambda c: main(c)["ports"][0].update(hostPort=8080)),
    (f"{MAIN}.readinessProbe", "other handler", "removed", REFUSED, lambda c: asks_port(main(c)["readinessProbe"])),
    (f"{MAIN}.livenessProbe", "other handler", "removed", REFUSED, lambda c: asks_port(main(c)["livenessProbe"])),
    (
        f"{MAIN}.readinessProbe",
        "period changed",
        "healed",
        SET,
        lambda c: main(c)["readinessProbe"].update(periodSeconds=9),
    ),
    (
        f"{MAIN}.startupProbe",
        "added",
        "kept",
        POLICY,
        lambda c: main(c).update(startupProbe={"tcpSocket": {"port": 8080}}),
    ),
    (
        f"{MAIN}.lifecycle",
        "`postStart` added",
        "kept",
        POLICY,
        lambda c: main(c)["lifecycle"].update(postStart={"exec": {"command": ["true"]}}),
    ),
    (
        f"{MAIN}.lifecycle",
        "other handler in `preStop`",
        "removed",
        REFUSED,
        lambda c: replaced(main(c)["lifecycle"]["preStop"], exec={"command": ["true"]}),
    ),
    (f"{MAIN}.resources", "ours changed", "healed", SET, lambda c: main(c)["resources"]["limits"].update(cpu="3")),
    (
        f"{MAIN}.resources",
        "other resource added",
        "kept",
        POLICY,
        lambda c: main(c)["resources"]["limits"].update({"ephemeral-storage": "3Gi"}),
    ),
    (
        f"{MAIN}.volumeMounts",
        "mount added",
        "kept",
        POLICY,
        lambda c: main(c)["volumeMounts"].append({"name": "tmp", "mountPath": "/theirs"}),
    ),
    (
        f"{MAIN}.volumeMounts",
        "path of ours changed",
        "joined",
        "mounts are merged by path",
        lambda c: main(c)["volumeMounts"][0].update(mountPath="/theirs"),
    ),
    (
        f"{MAIN}.volumeMounts",
        "`subPath` added to ours",
        "kept",
        TASTE,
        lambda c: main(c)["volumeMounts"][0].update(subPath="x"),
    ),
    (
        f"{MAIN}.securityContext",
        "`privileged`",
        "removed",
        REFUSED,
        lambda c: secure(c).update(privileged=True, allowPrivilegeEscalation=True),
    ),
    (
        f"{MAIN}.securityContext",
        "capability added",
        "removed",
        LOOSE,
        lambda c: secure(c)["capabilities"].update(add=["NET_ADMIN"]),
    ),
    (f"{MAIN}.securityContext", "`CAP_SYS_ADMIN` added", "removed", REFUSED, as_admin),
    (f"{MAIN}.securityContext", "`runAsUser: 0`", "removed", LOOSE, lambda c: secure(c).update(runAsUser=0)),
    (
        f"{MAIN}.securityContext",
        "`runAsNonRoot: false`",
        "removed",
        LOOSE,
        lambda c: secure(c).update(runAsNonRoot=False),
    ),
    (
        f"{MAIN}.securityContext",
        "`seccompProfile: Unconfined`",
        "removed",
        LOOSE,
        lambda c: secure(c).update(seccompProfile={"type": "Unconfined"}),
    ),
    (
        f"{MAIN}.securityContext",
        "`appArmorProfile: Unconfined`",
        "removed",
        LOOSE,
        lambda c: secure(c).update(appArmorProfile={"type": "Unconfined"}),
    ),
    (
        f"{MAIN}.securityContext",
        "`runAsNonRoot: true` added",
        "kept",
        "it loosens nothing, and policy engines add it",
        lambda c: secure(c).update(runAsNonRoot=True),
    ),
    (
        f"{MAIN}.securityContext",
        "ours changed",
        "healed",
        SET,
        lambda c: secure(c).update(readOnlyRootFilesystem=False),
    ),
    (
        f"{POD}.securityContext",
        "`seccompProfile: Localhost`",
        "removed",
        REFUSED,
        lambda c: pod(c)["securityContext"].update(seccompProfile=LOCALHOST),
    ),
    (
        f"{POD}.securityContext",
        "ours changed",
        "healed",
        SET,
        lambda c: pod(c)["securityContext"].update(runAsUser=0, runAsNonRoot=False),
    ),
    (
        f"{POD}.securityContext",
        "`supplementalGroups` added",
        "kept",
        "it loosens nothing, and policy engines add it",
        lambda c: pod(c)["securityContext"].update(supplementalGroups=[7]),
    ),
    (f"{POD}.hostNetwork", "`true`", "removed", LOOSE, lambda c: pod(c).update(hostNetwork=True)),
    (f"{POD}.hostPID", "`true`", "removed", LOOSE, lambda c: pod(c).update(hostPID=True)),
    (f"{POD}.hostIPC", "`true`", "removed", LOOSE, lambda c: pod(c).update(hostIPC=True)),
    (
        f"{POD}.volumes",
        "volume added",
        "kept",
        POLICY,
        lambda c: pod(c)["volumes"].append({"name": "theirs", "emptyDir": {}}),
    ),
    (
        f"{POD}.volumes",
        "other source for ours",
        "removed",
        REFUSED,
        lambda c: replaced(named(pod(c)["volumes"], "tmp"), name="tmp", configMap={"name": "c", "defaultMode": 420}),
    ),
    (f"{POD}.nodeSelector", "added", "kept", POLICY, lambda c: pod(c).update(nodeSelector={"theirs": "x"})),
    (
        f"{POD}.tolerations",
        "added",
        "kept",
        "policy engines add these; with tolerations in the Function the list is ours",
        lambda c: pod(c).update(tolerations=[{"key": "theirs", "operator": "Exists"}]),
    ),
    (
        f"{POD}.imagePullSecrets",
        "added",
        "kept",
        POLICY,
        lambda c: pod(c).update(imagePullSecrets=[{"name": "theirs"}]),
    ),
    (
        f"{POD}.serviceAccountName",
        "changed",
        "healed",
        SET,
        lambda c: pod(c).update(serviceAccountName="theirs", serviceAccount="theirs"),
    ),
    (
        f"{POD}.automountServiceAccountToken",
        "changed",
        "healed",
        SET,
        lambda c: pod(c).update(automountServiceAccountToken=True),
    ),
    (
        f"{POD}.terminationGracePeriodSeconds",
        "changed",
        "kept",
        TASTE,
        lambda c: pod(c).update(terminationGracePeriodSeconds=10),
    ),
)
SCALED_DEPLOYMENT = _rows(
    "Deployment",
    SCALED,
    (
        "spec.replicas",
        "changed, autoscaled",
        "echoed",
        "the autoscaler's; the number is recorded",
        lambda c: c["spec"].update(replicas=2),
    ),
)
SCALER = _rows(
    "HorizontalPodAutoscaler",
    SCALED,
    (
        "spec.metrics",
        "metric added",
        "healed",
        "the list is ours as a whole",
        lambda c: c["spec"]["metrics"].append(MEMORY),
    ),
    (
        "spec.metrics",
        "target changed",
        "healed",
        SET,
        lambda c: c["spec"]["metrics"][0]["resource"]["target"].update(averageUtilization=1),
    ),
    (
        "spec.metrics",
        "other kind of target",
        "healed",
        SET,
        lambda c: c["spec"]["metrics"][0]["resource"].update(target={"type": "AverageValue", "averageValue": "1"}),
    ),
    (
        "spec.minReplicas, spec.maxReplicas",
        "changed",
        "healed",
        SET,
        lambda c: c["spec"].update(minReplicas=2, maxReplicas=9),
    ),
    ("spec.scaleTargetRef", "changed", "healed", SET, lambda c: c["spec"]["scaleTargetRef"].update(name="theirs")),
    (
        "spec.behavior",
        "added",
        "kept",
        TASTE,
        lambda c: c["spec"].update(behavior={"scaleDown": {"stabilizationWindowSeconds": 1}}),
    ),
    LABEL_ADDED,
)
ACCOUNT = _rows(
    "ServiceAccount",
    SPEC,
    ("automountServiceAccountToken", "changed", "healed", SET, lambda c: c.update(automountServiceAccountToken=True)),
    (
        "imagePullSecrets",
        "added",
        "kept",
        "tools add pull secrets to accounts",
        lambda c: c.update(imagePullSecrets=[{"name": "theirs"}]),
    ),
    ("secrets", "added", "kept", "token controllers add these", lambda c: c.update(secrets=[{"name": "theirs"}])),
    (
        "metadata.annotations",
        "added",
        "kept",
        "cloud identities are bound this way",
        lambda c: c["metadata"]["annotations"].update(theirs="x"),
    ),
)
ROWS = [*SERVICE, *DEPLOYMENT, *SCALED_DEPLOYMENT, *SCALER, *ACCOUNT]

"""
A model of the API server: children as it stores them, with defaults, canonical quantities and a generation.

The defaults are those of captured objects (tests/support/fixtures/metacontroller/, release 1.36) and, for fields that
those lack, of the API reference. tests/cluster/test_offline_model.py compares it with a real one.
"""

from copy import deepcopy

from hooks.manifest import Manifest
from hooks.quantity import canonical

PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
SERVICE = {
    "clusterIP": "10.0.0.116",
    "clusterIPs": ["10.0.0.116"],
    "internalTrafficPolicy": "Cluster",
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
    "sessionAffinity": "None",
    "type": "ClusterIP",
}
DEPLOYMENT = {
    "progressDeadlineSeconds": 600,
    "replicas": 1,
    "revisionHistoryLimit": 10,
    "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
}
POD = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
CONTAINER = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
UID, TIME = "99999999-8888-7777-6666-555555555555", "2026-01-01T00:00:00Z"


def created(child: Manifest, owner: Manifest) -> Manifest:
    """Return a new object as the API server stores it."""
    metadata = {"uid": UID, "resourceVersion": "1", "creationTimestamp": TIME, "ownerReferences": [owner]}
    child["metadata"] |= metadata
    if child["kind"] in ("Deployment", "GitRepository"):
        child["metadata"]["generation"] = 1
    if child["kind"] != "ServiceAccount":
        child["status"] = {"observedGeneration": -1} if child["kind"] == "GitRepository" else {}
    return defaulted(child)


def stored(child: Manifest, before: Manifest) -> Manifest:
    """Return a changed object as the API server stores it; the generation counts changes of the spec only."""
    child = defaulted(child)
    child["metadata"]["resourceVersion"] = str(int(before["metadata"]["resourceVersion"]) + 1)
    if "generation" in before["metadata"]:
        child["metadata"]["generation"] = before["metadata"]["generation"] + (child["spec"] != before["spec"])
    return child


def defaulted(child: Manifest) -> Manifest:
    """Return the object with every default set and every quantity canonical."""
    child = deepcopy(child)
    match child["kind"]:
        case "Service":
            child["spec"] = SERVICE | child["spec"]
            child["spec"]["ports"] = [{"protocol": "TCP"} | port for port in child["spec"]["ports"]]
        case "Deployment":
            child["spec"] = deepcopy(DEPLOYMENT) | child["spec"]
            _pod(child["spec"]["template"]["spec"])
        case "GitRepository":
            child["spec"].setdefault("timeout", "60s")
    return child


def _pod(pod: Manifest) -> None:
    for key, value in POD.items():
        pod.setdefault(key, deepcopy(value))
    if "serviceAccountName" in pod:
        pod["serviceAccount"] = pod["serviceAccountName"]
    for container in pod["containers"] + pod.get("initContainers", []):
        _container(container)
    for volume in pod.get("volumes", []):
        _volume(volume)


def _container(container: Manifest) -> None:
    tag = container["image"].rpartition("/")[2].partition(":")[2]
    container.setdefault("imagePullPolicy", "Always" if tag in ("", "latest") else "IfNotPresent")
    for key, value in CONTAINER.items():
        container.setdefault(key, deepcopy(value))
    for amounts in container["resources"].values():
        amounts.update({name: canonical(amount) for name, amount in amounts.items()})
    for port in container.get("ports", []):
        port.setdefault("protocol", "TCP")
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if probe in container:
            container[probe] = PROBE | container[probe]
            if "httpGet" in container[probe]:
                container[probe]["httpGet"] = {"scheme": "HTTP"} | container[probe]["httpGet"]
    for entry in container.get("env", []):
        _env(entry)


def _env(entry: Manifest) -> None:
    if entry.get("value") == "":
        del entry["value"]
    source = entry.get("valueFrom", {})
    if "fieldRef" in source:
        source["fieldRef"].setdefault("apiVersion", "v1")
    if "resourceFieldRef" in source:
        reference = source["resourceFieldRef"]
        reference["divisor"] = canonical(reference.get("divisor", "0"))


def _volume(volume: Manifest) -> None:
    for kind in ("secret", "configMap"):
        if kind in volume:
            volume[kind].setdefault("defaultMode", 0o644)
    if "sizeLimit" in volume.get("emptyDir", {}):
        volume["emptyDir"]["sizeLimit"] = canonical(volume["emptyDir"]["sizeLimit"])

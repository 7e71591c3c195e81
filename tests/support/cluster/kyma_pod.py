"""
The pods that Kyma's controller creates for a Function.

The start scripts are stand-ins: no pod runs.
"""

from collections.abc import Iterator

from support.cluster.control_plane import Manifest

SIZES: dict[str, Manifest] = {
    "XS": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "150m", "memory": "256Mi"}}
}
"""The presets that the tests use; the first is the default on a cluster of at most two nodes."""
COMMIT = "1" * 40
"""The commit that the controller is taken to have found in each repository."""
POD_SECURITY = {
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "supplementalGroups": [1000],
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY = {
    "privileged": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
}


def pod(function: Manifest) -> Manifest:
    spec = function["spec"]
    scratch = ["tmp", *["git-repository"] * is_from_git(function), *["local"] * is_python(function)]
    registry = {"secretName": "serverless-package-registry-config", "optional": True}
    secrets = [each["secretName"] for each in spec.get("secretMounts", ())]
    return {
        "initContainers": [fetcher(function)] if is_from_git(function) else [],
        "containers": [container(function)],
        "securityContext": POD_SECURITY | spec.get("podSecurityContext", {}),
        "volumes": [
            {"name": "sources", "emptyDir": {}},
            {"name": "package-registry-config", "secret": registry},
            *({"name": name, "emptyDir": {}} for name in scratch),
            *(
                {"name": name, "secret": {"secretName": name, "defaultMode": 438, "optional": False}}
                for name in secrets
            ),
        ],
    }


def fetcher(function: Manifest) -> Manifest:
    """Return the init container that clones the repository at the commit that the controller has found."""
    source = function["spec"]["source"]["gitRepository"]
    values = {"APP_REPOSITORY_URL": source["url"], "APP_REPOSITORY_REFERENCE": source["reference"]}
    values |= {"APP_REPOSITORY_COMMIT": COMMIT, "APP_DESTINATION_PATH": "/git-repository/repo"}
    requests, limits = {"cpu": "50m", "memory": "64Mi"}, {"cpu": "200m", "memory": "512Mi"}
    names = ("privileged", "capabilities", "readOnlyRootFilesystem")
    return {
        "name": "init",
        "image": "europe-docker.pkg.dev/kyma-project/prod/function-buildless-init:main",
        "workingDir": work_dir(function),
        "command": ["sh", "-c", "exec fetch\n"],
        "env": [*named(values), *credentials(source)],
        "resources": {"requests": requests, "limits": limits},
        "securityContext": {name: CONTAINER_SECURITY[name] for name in names} | {"procMount": "Default"},
        "volumeMounts": [{"name": "git-repository", "mountPath": "/git-repository"}],
    }


def credentials(source: Manifest) -> list[Manifest]:
    """Return the variables with the content of a Secret for `basic`, or of one for `key` with an unencrypted key."""
    if "auth" not in source:
        return []
    kind, secret = source["auth"]["type"], source["auth"]["secretName"]
    keys = {"USERNAME": "username", "PASSWORD": "password"} if kind == "basic" else {"KEY": "key"}
    return [
        {"name": "APP_REPOSITORY_AUTH_TYPE", "value": kind},
        *(
            {"name": f"APP_REPOSITORY_{name}", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
            for name, key in keys.items()
        ),
    ]


def container(function: Manifest) -> Manifest:
    spec, runtime = function["spec"], function["spec"]["runtime"]
    probe: Manifest = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5}
    return {
        "name": "function",
        "image": f"europe-docker.pkg.dev/kyma-project/prod/function-runtime-{runtime}:main",
        "workingDir": work_dir(function),
        "command": ["sh", "-c", "set -e\nexec start\n"],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "env": env(function),
        "resources": size(function)[1],
        "startupProbe": probe | {"failureThreshold": 30},
        "readinessProbe": probe | {"failureThreshold": 1, "timeoutSeconds": 2},
        "livenessProbe": probe | {"failureThreshold": 3, "timeoutSeconds": 4},
        "securityContext": CONTAINER_SECURITY | spec.get("containerSecurityContext", {}),
        "volumeMounts": list(mounts(function)),
    }


def mounts(function: Manifest) -> Iterator[Manifest]:
    file = "pip.conf" if is_python(function) else ".npmrc"
    path = f"{work_dir(function)}/package-registry-config/{file}"
    yield {"name": "sources", "mountPath": work_dir(function)}
    yield {"name": "tmp", "mountPath": "/tmp"}
    if is_from_git(function):
        yield {"name": "git-repository", "mountPath": "/git-repository"}
    if is_python(function):
        yield {"name": "local", "mountPath": "/.local"}
    yield {"name": "package-registry-config", "mountPath": path, "subPath": file}
    for each in function["spec"].get("secretMounts", ()):
        yield {"name": each["secretName"], "readOnly": True, "mountPath": each["mountPath"]}


def size(function: Manifest) -> tuple[str, Manifest]:
    """Return the profile that the status names, and the resources of the container."""
    wanted = function["spec"].get("resourceConfiguration", {}).get("function", {})
    if profile := wanted.get("profile"):
        return profile, SIZES[profile]
    return ("custom", wanted["resources"]) if "resources" in wanted else next(iter(SIZES.items()))


def work_dir(function: Manifest) -> str:
    return "/kubeless" if is_python(function) else "/usr/src/app/function"


def env(function: Manifest) -> list[Manifest]:
    metadata, spec = function["metadata"], function["spec"]
    before = {
        "FUNC_NAME": metadata["name"],
        "FUNC_RUNTIME": spec["runtime"],
        "SERVICE_NAMESPACE": metadata["namespace"],
        "TRACE_COLLECTOR_ENDPOINT": "",
        "PUBLISHER_PROXY_ADDRESS": "http://eventing-publisher-proxy.kyma-system.svc.cluster.local/publish",
    }
    if is_python(function):
        before |= {"PYTHONUNBUFFERED": "TRUE", "MOD_NAME": "handler", "FUNC_HANDLER": "main"}
    after = {}
    if inline := spec["source"].get("inline"):
        after = {"FUNC_HANDLER_SOURCE": inline["source"], "FUNC_HANDLER_DEPENDENCIES": inline.get("dependencies", "")}
    after |= {"FUNCTION_PATH": "/kubeless"} if is_python(function) else {"HANDLER_PATH": "./function/handler.js"}
    return [*named(before), *spec.get("env", ()), *named(after)]


def named(values: dict[str, str]) -> list[Manifest]:
    """Return variables as the API server returns them: without a value if it is empty."""
    return [{"name": name} | ({"value": value} if value else {}) for name, value in values.items()]


def is_python(function: Manifest) -> bool:
    return str(function["spec"]["runtime"]).startswith("python")


def is_from_git(function: Manifest) -> bool:
    return "gitRepository" in function["spec"]["source"]

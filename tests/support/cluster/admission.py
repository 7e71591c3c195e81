"""Admission on a real API server: requests, verdicts and policies."""

import http.client
import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import local

from pydantic import ValidationError
from support.cases import complete
from support.cluster.control_plane import ControlPlane, Manifest, wait_until
from support.cluster.stack import GROUP, PREFIX, Stack

from hooks.admission import NAMESPACE, parameters, policies
from hooks.cli.render import completed
from hooks.config import Config
from hooks.function import Function
from hooks.rules import RULES
from hooks.validation_errors import field_errors

DEPLOYMENTS = {
    "apiGroups": ["apps"],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["deployments"],
}
"""Writes of Deployments, as a rule of an admission configuration."""
AGAINST_SETTINGS = {
    "runtime": "cobol",
    "runtimeImageOverride": "example.org/x",
    "resourceConfiguration": {
        "function": {
            "resources": {
                "requests": {"cpu": "1m", "example.com/gpu": 0},
                "limits": {"memory": "1Mi", "cpu": "2m", "example.com/gpu": 0},
            }
        }
    },
    "podSecurityContext": {"runAsUser": 0},
}
"""The violations of this spec show the whole config except its profiles."""


@dataclass(frozen=True)
class Fault:
    """A violation and its layer: schema, cel, policy or hook. The API server names no `field` for the policy."""

    layer: str
    field: str
    message: str


def install_policies(plane: ControlPlane) -> None:
    """Apply the admission policies and the parameters of the default config, with their namespace."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    items = [namespace, *policies(), parameters(Config())]
    plane.kubectl("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": items})


def with_config(plane: ControlPlane, config: Config) -> None:
    """Apply the parameters of a config, and wait until the policy gives its messages."""
    plane.kubectl("apply", "-f", "-", stdin=parameters(config))
    parent = complete({"spec": AGAINST_SETTINGS})
    assert not [found for found in found_by_hook(parent, config) if found.layer in ("schema", "cel")]
    wanted = [found.message for found in found_by_hook(parent, config) if found.layer == "policy"]
    wait_until(lambda: policy_messages(plane, parent) == wanted, f"the messages {str(wanted)[:600]}", 60)


def policy_messages(plane: ControlPlane, parent: Manifest) -> list[str]:
    """Return the messages of the policy for a Function, without the paths; [] if it is accepted."""
    path = f"{GROUP}/namespaces/default/functions?dryRun=All"
    code, answer = plane.call("POST", path, as_function({"metadata": {"name": "a"}, "spec": parent["spec"]}))
    if code == 201:
        return []
    return [text.partition(": ")[2] for text in answer["message"].partition("denied request: ")[2].split("; ")]


class Caller:
    """Sends requests as admin on one connection per thread; a context manager that closes them."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane, self.thread, self.connections = plane, local(), list[http.client.HTTPSConnection]()

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self.connections:
            connection.close()

    def dry_run(self, body: Manifest) -> tuple[int, Manifest]:
        """Create a Function as a dry-run; return the HTTP status and the decoded response."""
        return self.post(f"{GROUP}/namespaces/default/functions?dryRun=All", body)

    def post(self, path: str, body: Manifest) -> tuple[int, Manifest]:
        if not hasattr(self.thread, "connection"):
            unchecked = ssl._create_unverified_context()
            self.thread.connection = http.client.HTTPSConnection("127.0.0.1", self.plane.port, context=unchecked)
            self.connections.append(self.thread.connection)
        headers = self.plane.headers | {"Content-Type": "application/json"}
        self.thread.connection.request("POST", path, json.dumps(body), headers)
        with self.thread.connection.getresponse() as response:
            return response.status, json.load(response)


def as_function(parent: Manifest) -> Manifest:
    """Return the parent with apiVersion and kind, without what the API server adds."""
    return {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function"} | parent


def found_by_hook(parent: Manifest, config: Config) -> list[Fault]:
    """Return the violations of the schema that the hook finds, or else those of the rules."""
    try:
        function = Function.model_validate(completed(parent))
    except ValidationError as error:
        return [Fault("schema", field, message) for field, message in field_errors(error)]
    return [
        Fault(rule.enforced_by, found.field, found.message) for rule in RULES for found in rule.find(function, config)
    ]


@contextmanager
def mutating_policy(plane: ControlPlane, deployment: str, expression: str) -> Iterator[None]:
    """A policy inside the API server that applies a CEL expression to each write of one Deployment."""
    spec = {
        "reinvocationPolicy": "Never",
        "matchConstraints": {"resourceRules": [DEPLOYMENTS]},
        "matchConditions": [{"name": "one", "expression": f"object.metadata.name == '{deployment}'"}],
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}],
    }
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": f"changes-{deployment}"}}
    policy = head | {"kind": "MutatingAdmissionPolicy", "spec": spec}
    binding = head | {"kind": "MutatingAdmissionPolicyBinding", "spec": {"policyName": f"changes-{deployment}"}}
    both = {"apiVersion": "v1", "kind": "List", "items": [policy, binding]}
    plane.kubectl("create", "-f", "-", stdin=both)
    try:
        time.sleep(2)  # until the API server has seen them
        yield
    finally:
        plane.kubectl("delete", "-f", "-", stdin=both)


def forbid_variable(stack: Stack, namespace: str, variable: str) -> None:
    """Install a policy that refuses each Deployment of a namespace with this variable; return once it is enforced."""
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": namespace}}
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    unset = f"object.spec.template.spec.containers.all(c, !c.?env.orValue([]).exists(e, e.name == '{variable}'))"
    spec = {
        "matchConstraints": {"resourceRules": [DEPLOYMENTS], "namespaceSelector": selector},
        "validations": [{"expression": unset, "message": f"{variable} is forbidden"}],
    }
    binding = {"policyName": namespace, "validationActions": ["Deny"]}
    for kind, content in (("ValidatingAdmissionPolicy", spec), ("ValidatingAdmissionPolicyBinding", binding)):
        stack.plane.kubectl("create", "-f", "-", stdin=head | {"kind": kind, "spec": content})
    path = f"{PREFIX['deployments']}/namespaces/{namespace}/deployments?dryRun=All"
    wait_until(lambda: stack.plane.call("POST", path, _trial(variable))[0] != 201, "the policy to be enforced", 60)


def _trial(variable: str) -> Manifest:
    """Return a Deployment that only such a policy refuses."""
    labels = {"app": "trial"}
    pod = {"containers": [{"name": "a", "image": "a", "env": [{"name": variable}]}]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "trial"}, "spec": spec}

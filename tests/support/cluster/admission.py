"""Admission policies on a real API server."""

from support.cluster.control_plane import wait_until
from support.cluster.stack import PREFIX, Stack


def forbid_variable(stack: Stack, namespace: str, variable: str) -> None:
    """Install a policy that refuses each Deployment of a namespace with this variable; return once it is enforced."""
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": namespace}}
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"]}
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    unset = f"object.spec.template.spec.containers.all(c, !c.?env.orValue([]).exists(e, e.name == '{variable}'))"
    spec = {
        "matchConstraints": {"resourceRules": [rule | {"resources": ["deployments"]}], "namespaceSelector": selector},
        "validations": [{"expression": unset, "message": f"{variable} is forbidden"}],
    }
    binding = {"policyName": namespace, "validationActions": ["Deny"]}
    for kind, content in (("ValidatingAdmissionPolicy", spec), ("ValidatingAdmissionPolicyBinding", binding)):
        stack.plane.kubectl("create", "-f", "-", stdin=head | {"kind": kind, "spec": content})
    path = f"{PREFIX['deployments']}/namespaces/{namespace}/deployments?dryRun=All"
    wait_until(lambda: stack.plane.call("POST", path, _trial(variable))[0] != 201, "the policy to be enforced", 60)


def _trial(variable: str) -> dict[str, object]:
    """Return a Deployment that only such a policy refuses."""
    labels = {"app": "trial"}
    pod = {"containers": [{"name": "a", "image": "a", "env": [{"name": variable}]}]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "trial"}, "spec": spec}

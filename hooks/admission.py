"""
The admission policies, which reject at apply what the CRD cannot check.

The settings policy has one variable for each rule that the operator's config decides: the list of what the rule finds
(Rule.policy). One validation reports all of them, because the API server returns the message of only one. The policy is
the same for every config. Its parameters are a ConfigMap of lists joined by ",", which a Helm template can make from
the config without knowing any rule.

The accounts policy decides who may name a ServiceAccount. It has no parameters, so it also holds where they are
missing: an API server that has stopped watching ConfigMaps for policies, as it does when the last one is deleted, finds
none until it is restarted (Kubernetes 1.36, apiserver/pkg/admission/plugin/policy/generic).
"""

from typing import Any

from hooks.config import Config
from hooks.manifest import Manifest
from hooks.naming import GROUP
from hooks.rules import RULES
from hooks.rules.policy import PARTS, joined, text
from hooks.runtimes import FAMILIES

NAME = f"functions.{GROUP}"
ACCOUNTS = f"accounts.{NAME}"
PARAMETERS, NAMESPACE = "function-hook-admission", "buildless-functions"
"""The ConfigMap's name, and the default of its namespace, which is the hook's."""

_LONGEST_MESSAGE = 5000
"""Characters: the API server ignores a messageExpression of more than 5 kB."""
_TRUNCATED = f"text.size() <= {_LONGEST_MESSAGE} ? text : text.substring(0, {_LONGEST_MESSAGE}) + ' ...'"
_MESSAGE = f"[variables.found.join('; ')].map(text, {_TRUNCATED})[0]"
_ACCOUNT = "object.spec.?serviceAccountName.orValue('')"
_MAY_IMPERSONATE = (
    f"authorizer.group('').resource('serviceaccounts').namespace(request.namespace).name({_ACCOUNT})"
    ".check('impersonate').allowed()"
)
_MAY_NAME_ACCOUNT = {
    "expression": f"{_ACCOUNT} == '' || {_MAY_IMPERSONATE}",
    "message": "spec.serviceAccountName: Forbidden: the user must be allowed to impersonate the ServiceAccount",
    "messageExpression": f'"spec.serviceAccountName: Forbidden: you are not allowed to impersonate \'" + {_ACCOUNT} + '
    '"\', so your Functions may not run as it"',
}
"""A Function can do what its ServiceAccount can. Only the API server knows the user, so the hook has no such rule."""
_MATCHES: Manifest = {
    "resourceRules": [
        {
            "apiGroups": [GROUP],
            "apiVersions": ["v1alpha2"],
            "operations": ["CREATE", "UPDATE"],
            "resources": ["functions"],
            "scope": "*",
        }
    ],
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
}
"""With the API server's defaults, because server-side apply treats the whole as one value."""


def policies(namespace: str = NAMESPACE) -> list[Manifest]:
    """Return both ValidatingAdmissionPolicies, each followed by its binding; the parameters are in `namespace`."""
    # Without its parameters the policy allows everything: the hook reports the same in the Function's status.
    reference = {"name": PARAMETERS, "namespace": namespace, "parameterNotFoundAction": "Allow"}
    return [
        settings_policy(),
        _binding(NAME, paramRef=reference),
        _policy(ACCOUNTS, validations=[_MAY_NAME_ACCOUNT]),
        _binding(ACCOUNTS),
    ]


def settings_policy() -> Manifest:
    """Return the policy of the rules that the config decides."""
    rules = {rule.name: rule.policy for rule in RULES if rule.enforced_by == "policy"}
    return _policy(
        NAME,
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        variables=[
            *({"name": name, "expression": expression} for name, expression in (PARTS | rules).items()),
            {"name": "found", "expression": joined(f"variables.{name}" for name in rules)},
        ],
        validations=[
            {
                "expression": "variables.found.size() == 0",
                "message": "the operator's settings do not allow this Function",
                "messageExpression": _MESSAGE,
            }
        ],
    )


def parameters(config: Config, namespace: str = NAMESPACE) -> Manifest:
    """Return the ConfigMap with the parts of a config that the settings policy reads."""
    minimums = (f"{name}={least}" for name, least in sorted(config.minimum_resources.items()))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": PARAMETERS, "namespace": namespace},
        "data": {
            **{f"runtimes.{family}": ",".join(config.runtime_names(family)) for family in FAMILIES},
            "profiles": ",".join(sorted(config.profiles)),
            "minimumResources": ",".join(minimums),
            "allowedImageOverrides": ",".join(config.allowed_image_overrides),
            "allowUnrestrictedSecurityContext": text(config.allow_unrestricted_security_context),
        },
    }


def _policy(name: str, **spec: Any) -> Manifest:
    """Return a policy for new specs only: a stored Function can always be labelled, finalized and deleted."""
    conditions = [
        {"name": "spec-is-new", "expression": "oldObject == null || object.spec != oldObject.spec"},
        {"name": "stays", "expression": "!has(object.metadata.deletionTimestamp)"},
    ]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {"failurePolicy": "Fail", "matchConstraints": _MATCHES, "matchConditions": conditions, **spec},
    }


def _binding(name: str, **spec: Any) -> Manifest:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"], **spec},
    }

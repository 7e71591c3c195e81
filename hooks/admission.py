"""
The admission policy: what only the operator's config decides, told at `kubectl apply` already.

Each rule of hooks/rules with enforced_by="policy" is one variable here, under the rule's name: the list of what it
finds, as `field: message`, in the same words. One validation then says them all, since the API server passes on the
message of a single one.

The policy is the same for every config. Its parameters are what the rules need of a config, in a ConfigMap of lists
joined by ",", so that a Helm template can make it from the same values without knowing any rule.

Who may name a ServiceAccount is a policy of its own, without parameters: it holds also where they are missing. An API
server that has stopped watching ConfigMaps for policies, as it does when the last one is deleted, does not begin again
before it is restarted (Kubernetes 1.36, apiserver/pkg/admission/plugin/policy/generic).
"""

import json
from typing import Any

from hooks.config import Config
from hooks.kubernetes_names import APPARMOR, SECCOMP, SECCOMP_POD
from hooks.manifest import Manifest
from hooks.naming import GROUP
from hooks.rules.annotations import UNCONFINED_WORDS
from hooks.rules.contexts import ROOT_WORDS
from hooks.rules.security import CONTAINER, DROP, DROP_WORDS, LIMITS, POD, Limit
from hooks.runtimes import FAMILIES

NAME = f"functions.{GROUP}"
ACCOUNTS = f"accounts.{NAME}"
PARAMETERS, NAMESPACE = "function-hook-admission", "buildless-functions"
"""Where the ConfigMap is, unless the hook is installed in another namespace."""


def policies(namespace: str = NAMESPACE) -> list[Manifest]:
    """Return the ValidatingAdmissionPolicies, each followed by its binding; the parameters are in `namespace`."""
    # Without its parameters the policy says nothing: the hook finds the same, and says it in the Function's status.
    reference = {"name": PARAMETERS, "namespace": namespace, "parameterNotFoundAction": "Allow"}
    return [
        policy(),
        _binding(NAME, paramRef=reference),
        _policy(ACCOUNTS, validations=[_MAY_RUN_AS]),
        _binding(ACCOUNTS),
    ]


def policy() -> Manifest:
    """Return the policy of what the config decides."""
    rules = variables()
    return _policy(
        NAME,
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        variables=[
            *({"name": name, "expression": expression} for name, expression in (_PARTS | rules).items()),
            {"name": "found", "expression": " + ".join(f"variables.{name}" for name in rules)},
        ],
        validations=[
            {
                "expression": "variables.found.size() == 0",
                "message": "the operator's settings do not allow this Function",
                "messageExpression": _TOLD,
            }
        ],
    )


def _policy(name: str, **spec: Any) -> Manifest:
    """Return a policy for new specs: what was fine before can still be labelled, finalized and deleted."""
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


def parameters(config: Config, namespace: str = NAMESPACE) -> Manifest:
    """Return the ConfigMap that tells the policy what this config decides."""
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
            "allowUnrestrictedSecurityContext": _json(config.allow_unrestricted_security_context),
        },
    }


def variables() -> dict[str, str]:
    """Return the CEL expression of each rule that the config decides: a list of texts, empty if all is well."""
    return {
        "known_runtime": _known_runtime(),
        "allowed_image": _allowed_image(),
        "known_profile": _known_profile(),
        "minimum": _sum(*map(_below, ("requests", "limits"))),
        "env_paths": _sum(*map(_env_paths, FAMILIES)),
        "beside_runtime": _sum(*map(_beside_runtime, FAMILIES)),
        "confined": _confined(),
        "root": _root(),
        "restricted": _restricted(),
    }


def _listed(key: str) -> str:
    """Return the list that stands joined in a parameter; of the empty text that is the empty list."""
    return f'params.data["{key}"].split(",").filter(each, each != "")'


_ACCOUNT = "object.spec.?serviceAccountName.orValue('')"
_MAY_RUN_AS = {
    "expression": f"{_ACCOUNT} == '' || authorizer.group('').resource('serviceaccounts').namespace(request.namespace)"
    f".name({_ACCOUNT}).check('impersonate').allowed()",
    "message": "spec.serviceAccountName: whoever names a ServiceAccount has to be allowed to impersonate it",
    "messageExpression": f'"spec.serviceAccountName: you are not allowed to impersonate \'" + {_ACCOUNT} + "\', so no '
    'Function of yours may run as it"',
}
"""A Function can do what its account can: only the API server knows who asks, so the hook has no such rule."""

_LONGEST = 5000
"""Characters of a message: of one that is longer than 5 kB the API server would say nothing."""
_CUT = f"text.size() <= {_LONGEST} ? text : text.substring(0, {_LONGEST}) + ' ...'"
_TOLD = f"[variables.found.join('; ')].map(text, {_CUT})[0]"
_FREE = 'params.data["allowUnrestrictedSecurityContext"] == "true"'
_MOUNTS = ("secretMounts", "configMapMounts")
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
"""With every default of the API server, since the whole is one value to server-side apply."""
_PARTS = {
    **{family: _listed(f"runtimes.{family}") for family in FAMILIES},
    "profiles": _listed("profiles"),
    "minimums": _listed("minimumResources") + '.map(each, each.split("="))',
    "images": _listed("allowedImageOverrides"),
    "image": 'object.spec.?runtimeImageOverride.orValue("").trim()',
    "profile": "object.spec.?resourceConfiguration.?function.?profile",
    "requests": "object.spec.?resourceConfiguration.?function.?resources.?requests.orValue({})",
    "limits": "object.spec.?resourceConfiguration.?function.?resources.?limits.orValue({})",
    **{context: f"object.spec.?{context}.orValue({{}})" for context in (POD, CONTAINER)},
}
"""What the rules look at: lists from the parameters, and parts of the Function, each empty where there is none."""


def _known_runtime() -> str:
    known = "(" + _sum(*(f"variables.{family}" for family in FAMILIES)) + ")"
    return _unless(f"object.spec.runtime in {known}", _unsupported("spec.runtime", "object.spec.runtime", known))


def _allowed_image() -> str:
    begins = "variables.image.startsWith(each.substring(0, each.size() - 1))"
    matches = f'each.endsWith("*") ? {begins} : variables.image == each'
    words = _unsupported("spec.runtimeImageOverride", "variables.image", "variables.images")
    return _unless(f'variables.image == "" || variables.images.exists(each, {matches})', words)


def _known_profile() -> str:
    field = "spec.resourceConfiguration.function.profile"
    words = _unsupported(field, "variables.profile.value()", "variables.profiles")
    return _unless("!variables.profile.hasValue() || variables.profile.value() in variables.profiles", words)


def _below(side: str) -> str:
    given = f"variables.{side}[least[0]]"
    amount = f"string({given})"
    is_below = f"isQuantity({amount}) && quantity({amount}).isLessThan(quantity(least[1]))"
    field = _sum(
        _json(f"spec.resourceConfiguration.function.resources.{side}."), "least[0]", _json(": Invalid value: ")
    )
    shown = f"(type({given}) == string ? {_quoted(amount)} : {amount})"
    words = _sum(field, shown, _json(": must be greater than or equal to "), "least[1]")
    return f"variables.minimums.filter(least, least[0] in variables.{side} && {is_below}).map(least, {words})"


def _env_paths(family: str) -> str:
    """Find each variable of the family's paths that has not the runtime's own value."""
    own = {name: FAMILIES[family].env[name] for name in sorted(FAMILIES[family].paths)}
    is_other = f"each.name in {_json(own)} && each.?value.orValue('') != {_json(own)}[each.name]"
    before, after = _json("spec.env: Invalid value: "), _json(": is set by the runtime, choose another name")
    words = _sum(before, _quoted("each.name"), after)
    found = f"object.spec.?env.orValue([]).filter(each, {is_other}).map(each, {words})"
    return f"(object.spec.runtime in variables.{family} ? {found} : [])"


def _beside_runtime(family: str) -> str:
    runtime = FAMILIES[family]
    paths = _sum(*(f"object.spec.?{field}.orValue([]).map(each, each.mountPath)" for field in _MOUNTS))
    needed = _json([f"{path}/" for path in runtime.needs])
    slashed = "(path.endsWith('/') ? path : path + '/')"
    covers = f"{_json(runtime.work_dir + '/')}.startsWith({slashed})"
    overlaps = f"{needed}.exists(each, each.startsWith({slashed}) || path.startsWith(each))"
    before, after = _json("spec.mountPath: Invalid value: "), _json(": would cover what the runtime needs")
    found = f"({paths}).filter(path, {covers} || {overlaps}).map(path, {_sum(before, _quoted('path'), after)})"
    return f"(object.spec.runtime in variables.{family} ? {found} : [])"


def _confined() -> str:
    """Find each annotation with a profile that is unconfined, unless the operator allows it."""
    is_profile = f"key.startsWith({_json(APPARMOR)}) || key.startsWith({_json(SECCOMP)}) || key == {_json(SECCOMP_POD)}"
    given = "object.spec.?annotations.orValue({})"
    words = _sum(_json("spec.annotations: Forbidden: "), "key", _json(f" {UNCONFINED_WORDS}"))
    found = f'{given}.filter(key, ({is_profile}) && {given}[key] == "unconfined").map(key, {words})'
    return f"({_FREE} ? [] : {found})"


def _root() -> str:
    """Find the user 0, where it is allowed but for the default of runAsNonRoot."""

    def in_force(name: str, default: str) -> str:
        return f"variables.{CONTAINER}.?{name}.orValue(variables.{POD}.?{name}.orValue({default}))"

    is_root = f"{in_force('runAsUser', '1')} == 0 && {in_force('runAsNonRoot', 'true')}"
    words = _json(f"spec.securityContext: Invalid value: 0: {ROOT_WORDS}")
    return f"({_FREE} && {is_root} ? [{words}] : [])"


def _restricted() -> str:
    drop = f"variables.{_optional(DROP)}.orValue([])"
    dropped = _unless(f'{drop}.size() == 0 || "ALL" in {drop}', _json(f"spec.{DROP}: Forbidden: {DROP_WORDS}"))
    found = _sum(*map(_limited, LIMITS), dropped)
    return f"({_FREE} ? [] : {found})"


def _limited(limit: Limit) -> str:
    at = f"variables.{_optional(limit.path)}"
    values = f"{at}.orValue([])" if limit.is_list else f"({at}.hasValue() ? [{at}.value()] : [])"
    if limit.item:
        values += f".map(each, each.{limit.item})"
    allowed = "found >= 1" if isinstance(limit.allowed, range) else f"found in {_json(limit.allowed)}"
    shown = _quoted("found") if isinstance(limit.allowed[0], str) else "string(found)"
    words = _sum(_json(f"spec.{limit.path}: Forbidden: "), shown, _json(f" {limit.words}"))
    return f"{values}.filter(found, !({allowed})).map(found, {words})"


def _optional(path: str) -> str:
    """Return "a.?b.?c" for "a.b.c"."""
    return path.replace(".", ".?")


def _unless(test: str, words: str) -> str:
    """Return the list that is empty if `test` holds, and else has one text."""
    return f"({test} ? [] : [{words}])"


def _unsupported(field: str, value: str, supported: str) -> str:
    """Return the API server's words for a value that is none of a list."""
    listed = f'({supported}.size() == 0 ? "none" : {supported}.map(each, {_quoted("each")}).join(", "))'
    return _sum(_json(f"{field}: Unsupported value: "), _quoted(value), _json(": supported values: "), listed)


def _quoted(text: str) -> str:
    return f"strings.quote({text})"


def _sum(*parts: str) -> str:
    """Return the sum of texts, or of lists."""
    return " + ".join(parts)


def _json(value: Any) -> str:
    """JSON's strings are CEL's too."""
    return json.dumps(value)

"""
The admission policy: what only the operator's config decides, told at `kubectl apply` already.

Each rule of hooks/validate whose door is "policy" is one variable here, under the rule's name: the list of what it
finds, as `field: message`, in the same words. One validation then says them all, since the API server passes on the
message of a single one. What comes from the config goes in as JSON strings, which CEL reads as its own.
"""

import json
from collections.abc import Iterable
from typing import Any

from hooks.config import Config
from hooks.manifest import Manifest
from hooks.runtimes import FAMILIES
from hooks.validate.security import CONTAINER, DROP, DROP_WORDS, LIMITS, POD, Limit
from hooks.validate.source import allowed_images

NAME = "functions.serverless.kyma-project.io"


def policy(config: Config) -> list[Manifest]:
    """Return the ValidatingAdmissionPolicy for this config, and its binding."""
    rules = variables(config)
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [_RULE]},
        # What was fine before a change of the config can still be labelled, finalized and deleted.
        "matchConditions": [
            {"name": "spec-is-new", "expression": "oldObject == null || object.spec != oldObject.spec"},
            {"name": "stays", "expression": "!has(object.metadata.deletionTimestamp)"},
        ],
        "variables": [
            *({"name": name, "expression": expression} for name, expression in (_PARTS | rules).items()),
            {"name": "found", "expression": " + ".join(f"variables.{name}" for name in rules)},
        ],
        "validations": [
            {
                "expression": "variables.found.size() == 0",
                "message": "the operator's settings do not allow this Function",
                "messageExpression": "variables.found.join('; ')",
            }
        ],
    }
    head = {"apiVersion": "admissionregistration.k8s.io/v1"}
    metadata = {"name": NAME}
    binding = {"policyName": NAME, "validationActions": ["Deny"]}
    return [
        head | {"kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": spec},
        head | {"kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata, "spec": binding},
    ]


def variables(config: Config) -> dict[str, str]:
    """Return the CEL expression of each rule that the config decides: a list of texts, empty if all is well."""
    return {
        "known_runtime": _known_runtime(config),
        "allowed_image": _allowed_image(config),
        "known_profile": _known_profile(config),
        "minimum": _minimum(config),
        "beside_work_dir": _beside_work_dir(config),
        "restricted": _restricted(config),
    }


_RULE = {
    "apiGroups": ["serverless.kyma-project.io"],
    "apiVersions": ["v1alpha2"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["functions"],
}
_PARTS = {
    "image": 'object.spec.?runtimeImageOverride.orValue("").trim()',
    "profile": "object.spec.?resourceConfiguration.?function.?profile",
    "requests": "object.spec.?resourceConfiguration.?function.?resources.?requests.orValue({})",
    "limits": "object.spec.?resourceConfiguration.?function.?resources.?limits.orValue({})",
    **{context: f"object.spec.?{context}.orValue({{}})" for context in (POD, CONTAINER)},
}
"""Parts of the Function that the rules look at, each empty where there is none."""


def _known_runtime(config: Config) -> str:
    known = sorted(config.runtimes)
    words = ["spec.runtime: cannot find runtime '", f"', known are: {', '.join(known)}"]
    return _unless(f"object.spec.runtime in {_json(known)}", "object.spec.runtime", *words)


def _allowed_image(config: Config) -> str:
    tests = ['variables.image == ""']
    for pattern in config.allowed_image_overrides:
        is_begin = pattern.endswith("*")
        test = (
            f"variables.image.startsWith({_json(pattern[:-1])})" if is_begin else f"variables.image == {_json(pattern)}"
        )
        tests.append(test)
    words = ["spec.runtimeImageOverride: '", f"' is not allowed, allowed are: {allowed_images(config)}"]
    return _unless(" || ".join(tests), "variables.image", *words)


def _known_profile(config: Config) -> str:
    known = list(config.profiles)
    words = ["spec.resourceConfiguration.function.profile: cannot find profile '", f"', known are: {', '.join(known)}"]
    is_known = f"!variables.profile.hasValue() || variables.profile.value() in {_json(known)}"
    return _unless(is_known, "variables.profile.value()", *words)


def _minimum(config: Config) -> str:
    sides = ("requests", "limits")
    return _sum(_least(side, name, least) for side in sides for name, least in config.minimum_resources.items())


def _least(side: str, name: str, least: str) -> str:
    amount = f"string(variables.{side}[{_json(name)}])"
    is_enough = f"!isQuantity({amount}) || !quantity({amount}).isLessThan(quantity({_json(least)}))"
    field = f"spec.resourceConfiguration.function.resources.{side}.{name}: "
    is_absent = f"!({_json(name)} in variables.{side})"
    return _unless(f"{is_absent} || {is_enough}", amount, field, f" is below the minimum of {least}")


def _beside_work_dir(config: Config) -> str:
    found = []
    for work_dir in sorted({FAMILIES[image.family].work_dir for image in config.runtimes.values()}):
        names = [name for name, image in sorted(config.runtimes.items()) if FAMILIES[image.family].work_dir == work_dir]
        covering = _sum(_covering(field, work_dir) for field in ("secretMounts", "configMapMounts"))
        found.append(f"(object.spec.runtime in {_json(names)} ? {covering} : [])")
    return _sum(found)


def _covering(field: str, work_dir: str) -> str:
    test = f"{_json(work_dir + '/')}.startsWith(path.endsWith('/') ? path : path + '/')"
    words = _words(f"spec.{field}: '", "path", f"' would cover {work_dir}, which the Function needs")
    return f"object.spec.?{field}.orValue([]).map(mount, mount.mountPath).filter(path, {test}).map(path, {words})"


def _restricted(config: Config) -> str:
    if config.allow_unrestricted_security_context:
        return "[]"
    drop = f"variables.{_optional(DROP)}.orValue([])"
    dropped = f'({drop}.size() == 0 || "ALL" in {drop} ? [] : [{_json(f"spec.{DROP}: {DROP_WORDS}")}])'
    return _sum([*map(_limited, LIMITS), dropped])


def _limited(limit: Limit) -> str:
    at = f"variables.{_optional(limit.path)}"
    values = f"{at}.orValue([])" if limit.is_list else f"({at}.hasValue() ? [{at}.value()] : [])"
    if limit.item:
        values += f".map(each, each.{limit.item})"
    allowed = "found >= 1" if isinstance(limit.allowed, range) else f"found in {_json(limit.allowed)}"
    shown = '"\'" + found + "\'"' if isinstance(limit.allowed[0], str) else "string(found)"
    words = _words(f"spec.{limit.path}: ", shown, f" is {limit.words}")
    return f"{values}.filter(found, !({allowed})).map(found, {words})"


def _optional(path: str) -> str:
    """Return "a.?b.?c" for "a.b.c"."""
    return path.replace(".", ".?")


def _unless(test: str, found: str, before: str, after: str) -> str:
    """Return the list that is empty if `test` holds, and else has one text: what was found between two constants."""
    return f"({test} ? [] : [{_words(before, found, after)}])"


def _words(before: str, found: str, after: str) -> str:
    return f"{_json(before)} + {found} + {_json(after)}"


def _sum(lists: Iterable[str]) -> str:
    return " + ".join(lists) or "[]"


def _json(value: Any) -> str:
    """JSON's strings are CEL's too, but for surrogates: other characters than ASCII stay as they are."""
    return json.dumps(value, ensure_ascii=False)

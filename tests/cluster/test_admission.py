"""
CRD and policy accept a Function if and only if the hook does, with the same messages.

Five thousand generated Functions (tests/support/random_functions.py) go to a real API server as dry runs, with the CRD
and the admission policy installed, and to the rules in Python. The API server checks the schema and its CEL first, and
the policy only if both accept, so it reports the violations of one of these layers at a time.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError
from support import function_values, random_functions
from support.cases import NOW, complete, overlaid
from support.cluster.admission import (
    AGAINST_SETTINGS,
    Caller,
    Fault,
    as_function,
    found_by_hook,
    policy_messages,
    with_config,
)
from support.cluster.control_plane import ControlPlane, wait_until
from support.cluster.stack import GROUP, Stack

from hooks.admission import NAMESPACE, PARAMETERS
from hooks.cli.render import completed
from hooks.config import Config
from hooks.function import Function
from hooks.patterns import Pattern
from hooks.protocol import HookRequest
from hooks.rules import RULES, validate
from hooks.rules.security import LIMITS
from hooks.sync import sync

Manifest = dict[str, Any]

COUNT, SEED, THREADS = 5_000, 20_260_101, 4
BAD = {"seccompProfile": "Unconfined", "appArmorProfile": "Unconfined", "sysctls": "kernel.x"}
SCHEMA_WORDS = re.compile(r" in body |^Required value$|^Too long|^Too many|^Unsupported value|^Duplicate value")
REGEX = re.compile(r"should match '(.*)'$", re.DOTALL)
PYTHON, NODEJS = Config().runtimes["python312"], Config().runtimes["nodejs22"]
OTHERS = {
    "mixed": Config(
        runtimes={"zeta": NODEJS, "nodejs24": NODEJS, "b": PYTHON, "a": PYTHON, "nodejs-22": NODEJS},
        profiles={"s": Config().profiles["S"], "L": Config().profiles["L"], "XXL": Config().profiles["XL"]},
        minimum_resources={"memory": "64Mi", "example.com/gpu": "1", "cpu": "200m"},
        allowed_image_overrides=("quay.io/z/*", "example.com/a:1"),
    ),
    "one family": Config(runtimes={"python312": PYTHON}, allowed_image_overrides=()),
    "free": Config(minimum_resources={}, allow_unrestricted_security_context=True),
    # config.py refuses this config, but the policy works with it.
    "nothing": Config().model_copy(update={"runtimes": {}}),
}
MANY, SIDES, FAMILY = 100, ("requests", "limits"), (("nodejs", "nodejs22"), ("python", "python312"))
NOISE = re.compile(
    r"some validation rules were not checked|Checked value must be of type|must validate at least one schema"
    r"|accessor error|should be a non-negative integer|RFC 1123|must be no more than 253"
)


def mounted(paths: Iterable[str]) -> Manifest:
    """Return a spec with these mounts, every second one a ConfigMap."""
    mounts = [{"mountPath": path} for path in paths]
    return {
        "secretMounts": [{"secretName": "s"} | mount for mount in mounts[::2]],
        "configMapMounts": [{"configMapName": "c"} | mount for mount in mounts[1::2]],
    }


def variables_from(source: Callable[[int], Manifest]) -> Manifest:
    """Return a spec with the most variables that the CRD allows, each from such a source."""
    return {"env": [{"name": f"A{n}", "valueFrom": source(n)} for n in range(256)]}


def found_at_apply(code: int, answer: Manifest) -> list[Fault]:
    """Return the causes that the API server gives, patterns as the hook's words, without those that repeat another."""
    if code == 201:
        return []
    assert code == 422, answer
    causes = [(cause.get("field", ""), cause["message"]) for cause in answer["details"]["causes"]]
    # For a boolean the API server writes "int32" where it writes "integer" for a string.
    words = [(field, re.sub(r"of type int(32|64)", "of type integer", text)) for field, text in causes]
    words = [(field, REGEX.sub(lambda found: Pattern.of(found[1]).message, text)) for field, text in words]
    plain = [(field, text) for field, text in words if not NOISE.search(text) and not field.startswith(".")]
    return [Fault(layer(field, text), dotted(field), text) for field, text in plain]


def layer(field: str, text: str) -> str:
    if not field:
        return "policy"
    return "schema" if SCHEMA_WORDS.search(text) else "cel"


def dotted(field: str) -> str:
    """Return a path with map keys after a dot; the API server writes some of them in brackets."""
    return re.sub(r"\[(\D[^]]*)\]", r".\1", field)


def constant_messages() -> Iterator[str]:
    """Yield every message of the CRD; the API server uses it where a messageExpression costs too much or fails."""
    pending: list[Any] = [function_values.SCHEMA["openAPIV3Schema"]]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield from (rule["message"] for rule in value.get("x-kubernetes-validations", []))
            pending += value.values()


CONSTANT = sorted(set(constant_messages()))


def same(rejected: Fault, found: Fault) -> bool:
    """Return whether both are the same violation: field and message."""
    if not found.field.startswith(rejected.field):
        return False
    if rejected.message.startswith("Duplicate value"):
        return found.message.startswith("Duplicate value")
    return found.message in rejected.message or any(
        text in rejected.message and text in found.message for text in CONSTANT
    )


def differences(applied: list[Fault], found: list[Fault]) -> list[str]:
    """Return where the causes at apply and the violations that the hook finds differ."""
    unreadable = all(fault.layer == "schema" and not fault.message.startswith("Duplicate value") for fault in found)
    if unreadable:  # the hook stops there, while the API server evaluates some of its rules
        applied = [fault for fault in applied if fault.layer == "schema" and not fault.message.startswith("Duplicate")]
    elif any(fault.layer in ("schema", "cel") for fault in found):
        found = [fault for fault in found if fault.layer in ("schema", "cel")]
    else:
        found = [fault for fault in found if fault.layer == "policy"]
        text = "".join(fault.message for fault in applied)
        return [f"not reported at apply: {fault}" for fault in found if fault.message not in text]
    # An enum rejects a value of another type twice; one of the two is enough.
    agreed = {
        fault.field for fault in applied if fault.layer == "schema" and any(same(fault, other) for other in found)
    }
    strange = [
        fault for fault in applied if fault.field not in agreed and not any(same(fault, other) for other in found)
    ]
    only_there = [f"only at apply: {fault}" for fault in strange]
    only_here = [f"only by the hook: {fault}" for fault in found if not any(same(other, fault) for other in applied)]
    return only_there + only_here


def test_one_verdict(guarded: ControlPlane) -> None:
    """All verdicts are equal, and so are the messages where both reject."""
    kinds = verdicts(guarded, Config(), COUNT)
    assert min(kinds[name] for name in ("sound", "schema", "cel", "policy", "hook")) > COUNT // 50


def verdicts(guarded: ControlPlane, config: Config, count: int) -> Counter[str]:
    """Compare both for `count` Functions, fail where they differ, and count which layer rejects each first."""
    random = Random(SEED)
    cases = [random_functions.function(random) for _ in range(count)]
    with Caller(guarded) as caller, ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda case: caller.dry_run(as_function(case[1])), cases))
    kinds: Counter[str] = Counter()
    wrong = []
    for (names, parent), (code, answer) in zip(cases, answers, strict=True):
        found = found_by_hook(parent, config)
        refused = any(fault.layer != "hook" for fault in found)
        differ = differences(found_at_apply(code, answer), found) if refused and code != 201 else []
        if refused != (code != 201) or differ:
            wrong.append((names, code, differ or found, answer.get("message", parent)))
        first = next(
            (name for name in ("schema", "cel", "policy", "hook") if name in {f.layer for f in found}), "sound"
        )
        kinds[first] += 1
    print(f"\n{count - len(wrong)} of {count} equal; first rejected by: {dict(kinds)}")
    for each in wrong[:10]:
        print(*(str(part)[:600] for part in each), sep="\n    ")
    assert not wrong
    return kinds


def test_every_rule_is_compared() -> None:
    """Each rule rejects some of the five thousand, except those that allow everything with the default config."""
    random, refused = Random(SEED), Counter[str]()
    for _ in range(COUNT):
        _, parent = random_functions.function(random)
        try:
            function = Function.model_validate(completed(parent))
        except ValidationError:
            continue
        refused.update(rule.name for rule in RULES for _ in rule.find(function, Config()))
    assert {rule.name for rule in RULES} - set(refused) == {"allowed_image", "root_user"}


@pytest.mark.parametrize("config", OTHERS.values(), ids=OTHERS)
def test_the_policy_follows_its_parameters(guarded: ControlPlane, config: Config) -> None:
    """The same policy gives the messages of the config in the ConfigMap."""
    with_config(guarded, config)
    kinds = verdicts(guarded, config, COUNT // 5)
    assert kinds["policy"] > 10


def test_without_parameters_a_function_is_accepted(guarded: ControlPlane) -> None:
    """A policy without parameters accepts every Function; the hook reports the violations in the status."""
    with_config(guarded, Config())
    parent = complete({"spec": AGAINST_SETTINGS})
    guarded.kubectl("delete", "configmap", PARAMETERS, "-n", NAMESPACE)
    wait_until(lambda: policy_messages(guarded, parent) == [], "the policy to accept all", 60)
    with_config(guarded, Config())


def test_accounts_are_guarded_without_parameters(guarded: ControlPlane, restricted: str) -> None:
    """A user may not name an account without permission, even where the ConfigMap is missing."""
    bind(guarded, restricted, "maker", "--verb=create", "--resource=functions.serverless.kyma-project.io")
    guarded.kubectl("delete", "configmap", PARAMETERS, "-n", NAMESPACE)
    wait_until(
        lambda: policy_messages(guarded, complete({"spec": AGAINST_SETTINGS})) == [],
        "the other policy to accept all",
        60,
    )
    assert "not allowed to impersonate 'powerful'" in as_author(guarded, restricted, serviceAccountName="powerful")
    with_config(guarded, Config())


def test_images_that_the_operator_allows(guarded: ControlPlane) -> None:
    """The policy compares the patterns of the config as text, whatever characters they have."""
    patterns = ('a"b\\c😀*', "example.com/only:1", "ghcr.io/acme/*")
    config = Config().model_copy(update={"allowed_image_overrides": patterns})
    with_config(guarded, config)
    right = ["example.com/only:1", "ghcr.io/acme/x", " ", ""]
    wrong = ["x", "example.com/only:12", "ghcr.io/acme", "a"]
    for image in right + wrong:
        parent = complete({"spec": {"runtimeImageOverride": image}})
        found = [violation.message for violation in validate(Function.model_validate(parent), config)]
        assert policy_messages(guarded, parent) == found
        assert bool(found) == (image in wrong), image


def test_the_largest_function_is_within_the_budget(guarded: ControlPlane) -> None:
    """The largest Function that the CRD accepts is within the cost limit of a policy, with 100 of each setting."""
    sound = Config()
    config = Config(
        runtimes={f"{family}{n}": sound.runtimes[name] for family, name in FAMILY for n in range(MANY)},
        profiles=sound.profiles | {f"{n}{'x' * 60}": sound.profiles["L"] for n in range(MANY)},
        minimum_resources={f"example.com/{n}": "1" for n in range(MANY)},
        allowed_image_overrides=tuple(f"example.com/{n}/*" for n in range(MANY)),
    )
    with_config(guarded, config)
    paths = [f"/{n}/{'x' * 300}" for n in range(128)]
    spec = {
        "runtimeImageOverride": f"{config.allowed_image_overrides[-1][:-1]}{'x' * 200}",
        "secretMounts": [{"secretName": "s", "mountPath": path} for path in paths[:64]],
        "configMapMounts": [{"configMapName": "c", "mountPath": path} for path in paths[64:]],
        "resourceConfiguration": {
            "function": {"resources": {side: {f"example.com/{n}": "1" for n in range(16)} for side in SIDES}}
        },
    }
    for runtime in (f"{family}{MANY - 1}" for family, _ in FAMILY):
        path = f"{GROUP}/namespaces/default/functions?dryRun=All"
        parent = complete({"spec": spec | {"runtime": runtime}})
        code, answer = guarded.call("POST", path, as_function({"metadata": {"name": "a"}, "spec": parent["spec"]}))
        assert code == 201, str(answer)[:900]


LONG_KEY = ".".join(["x" * 60] * 4)
AMOUNTS = {f"{LONG_KEY[:-20]}/{n}{'a' * 60}": "123456" for n in range(16)}
AT_THE_BOUNDS: dict[str, Manifest] = {
    "mounts alike": mounted(f"/{n + 100}/{'x' * 311}" for n in range(128)),
    "mounts alike but for the end": mounted(f"/{'x' * 311}/{n + 100}" for n in range(128)),
    "mounts in depth": mounted(f"/{n + 100}{'/a' * 157}" for n in range(128)),
    "keys": {
        "annotations": {f"{LONG_KEY}/{n}{'a' * 60}": "x" for n in range(64)},
        "labels": {f"{LONG_KEY}/{n}{'a' * 60}": "x" * 63 for n in range(64)},
        "nodeSelector": {f"{LONG_KEY}/{n}{'a' * 60}": "x" * 63 for n in range(64)},
        "tolerations": [{"key": f"{LONG_KEY}/{n}{'a' * 60}", "operator": "Exists"} for n in range(64)],
    },
    "fields": variables_from(
        lambda n: {"fieldRef": {"fieldPath": f"metadata.annotations['{LONG_KEY}/{n}{'a' * 60}']"}}
    ),
    "units": variables_from(lambda _: {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Ei"}}),
    "files": variables_from(lambda _: {"fileKeyRef": {"volumeName": "tmp", "path": "a/" * 2000, "key": "k"}}),
    "amounts": {
        "resourceConfiguration": {
            choice: {"resources": {"requests": AMOUNTS, "limits": AMOUNTS}} for choice in ("function", "build")
        }
    },
}


@pytest.mark.parametrize("spec", AT_THE_BOUNDS.values(), ids=AT_THE_BOUNDS)
def test_the_crd_is_within_the_budget_at_its_bounds(guarded: ControlPlane, spec: Manifest) -> None:
    """No rule of the CRD exceeds its cost limit at the bounds of the schema."""
    with_config(guarded, Config())
    assert policy_messages(guarded, complete({"spec": spec})) == []


def test_many_violations_are_reported_as_far_as_they_fit(guarded: ControlPlane) -> None:
    """The policy reports the first violations, however many there are."""
    with_config(guarded, Config())
    sysctls = [{"name": f"net.ipv4.x{n}{'a' * 200}", "value": "1"} for n in range(64)]
    found = policy_messages(guarded, complete({"spec": {"podSecurityContext": {"sysctls": sysctls}}}))
    assert found[0].startswith('Forbidden: "net.ipv4.x0a')
    assert 5 < len(found) < 64


def test_mounts_that_are_too_long_together(guarded: ControlPlane) -> None:
    """Paths of any length break a rule, not the cost limit."""
    spec = complete({"spec": mounted(f"/{n}/{'x' * 1000}" for n in range(128))})["spec"]
    path = f"{GROUP}/namespaces/default/functions?dryRun=All"
    code, answer = guarded.call("POST", path, as_function({"metadata": {"name": "a"}, "spec": spec}))
    assert (code, [cause["message"] for cause in answer["details"]["causes"]]) == (
        422,
        ["Invalid value: mount paths may not be more than 40960 characters in total"],
    )


def test_only_who_may_be_an_account_may_name_it(guarded: ControlPlane, restricted: str) -> None:
    """A user who may only create Functions cannot run one as an account with more permissions."""
    with_config(guarded, Config())
    rules = ("--verb=create", "--resource=functions.serverless.kyma-project.io")
    account = ("--verb=impersonate", "--resource=serviceaccounts", "--resource-name=powerful")
    bind(guarded, restricted, "author", *rules)
    assert "not allowed to impersonate 'powerful'" in as_author(guarded, restricted, serviceAccountName="powerful")
    assert "created" in as_author(guarded, restricted)
    bind(guarded, restricted, "trusted", *account)
    wait_until(
        lambda: "created" in as_author(guarded, restricted, serviceAccountName="powerful"),
        "the permission to be known",
        30,
    )
    assert "not allowed to impersonate 'other'" in as_author(guarded, restricted, serviceAccountName="other")


def bind(guarded: ControlPlane, namespace: str, name: str, *rules: str) -> None:
    """Bind the user `author` to a new role of this name."""
    guarded.kubectl("create", "role", name, *rules, "-n", namespace)
    guarded.kubectl("create", "rolebinding", name, f"--role={name}", "--user=author", "-n", namespace)


def as_author(guarded: ControlPlane, namespace: str, **spec: str) -> str:
    """Return the output of kubectl for the user `author` who creates a Function."""
    body = as_function({"metadata": {"name": "a"}, "spec": complete({"spec": spec})["spec"]})
    flags = ("--as=author", "--dry-run=server", "--validate=false", "-n", namespace, "-f", "-")
    return guarded.kubectl("create", *flags, stdin=body, check=False)


def test_stored_functions_stay_manageable(guarded: ControlPlane, restricted: str) -> None:
    """A Function that a new config rejects can be labelled and deleted with its finalizer; its spec cannot change."""
    path, patch = f"{GROUP}/namespaces/{restricted}/functions", "application/merge-patch+json"
    body = as_function(
        {"metadata": {"name": "old", "finalizers": ["example.com/held"]}, "spec": complete({"spec": {}})["spec"]}
    )
    with_config(guarded, Config())
    code, answer = guarded.call("POST", path, body)
    assert code == 201, answer
    with_config(guarded, Config(runtimes={"python312": Config().runtimes["python312"]}))
    assert guarded.call("PATCH", f"{path}/old", {"metadata": {"labels": {"a": "b"}}}, kind=patch)[0] == 200
    code, answer = guarded.call("PATCH", f"{path}/old", {"spec": {"replicas": 2}}, kind=patch)
    assert (code, 'Unsupported value: "nodejs22"' in answer["message"]) == (422, True)
    assert guarded.call("DELETE", f"{path}/old")[0] == 200
    assert guarded.call("PATCH", f"{path}/old", {"metadata": {"finalizers": None}}, kind=patch)[0] == 200
    wait_until(lambda: guarded.call("GET", f"{path}/old")[0] == 404, "the Function to be gone")


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.path)
def test_restricted_is_what_kubernetes_means(api: Stack, restricted: str, limit: Any) -> None:
    """A namespace that enforces "restricted" admits a pod with an allowed value and rejects one with another."""
    bad: Any = {bool: not limit.allowed[0], int: 0, str: BAD.get(limit.path.split(".")[1], "X")}
    for value, wanted in [(limit.allowed[0], True), (bad[type(limit.allowed[0])], False)]:
        context, *steps = limit.path.split(".")
        fragment: Any = [{"name": value, "value": "1"}] if limit.item else [value] if limit.is_list else value
        for step in reversed(steps):
            fragment = {step: fragment}
        if value is True and steps == ["privileged"]:
            fragment["allowPrivilegeEscalation"] = True  # without it the API server refuses for another reason
        assert admitted(api, restricted, {context: fragment}) == wanted, (limit.path, value)


def admitted(api: Stack, namespace: str, contexts: Manifest) -> bool:
    """Return whether the API server admits the pod of a valid Function with these contexts merged into its own."""
    request = HookRequest.parse({"parent": complete({"spec": {}}), "children": {}})
    answer = sync(request, Config(), now=NOW)
    template = next(child for child in answer.children if child["kind"] == "Deployment")["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod"} | deepcopy(template)
    pod["metadata"]["name"] = "from-template"
    pod["spec"]["securityContext"] |= contexts.get("podSecurityContext", {})
    for container in pod["spec"]["containers"]:
        own = container["securityContext"]
        container["securityContext"] = overlaid(own, contexts.get("containerSecurityContext", {}))
    return bool(api.plane.call("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)[0] == 201)

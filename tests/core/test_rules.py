"""The table of rules: CRD and policy hold what each row says, and docs/rules.md lists them all."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.broken_specs import BROKEN
from support.cases import ROOT, complete, overlaid
from support.crd import SCHEMA

from hooks.admission import NAMESPACE, parameters, policies, variables
from hooks.cli.policy import text
from hooks.config import Config
from hooks.function import Function, FunctionSpec
from hooks.rules import RULES, Rule, Violation
from hooks.rules.violation import Cel

Manifest = dict[str, Any]

PAGE = ROOT / "docs" / "rules.md"
POLICY = ROOT / "chart" / "files" / "validatingadmissionpolicy.yaml"
TOLD = {"schema": "apply", "cel": "apply", "policy": "apply, with the admission policy", "hook": "status"}
HEAD = """\
# Rules

What a Function has to keep beyond the types and bounds of `crds/functions.yaml`. The hook asks every rule and tells
all that is broken in the Function's status; most are told at `kubectl apply` already, in the same words: by the CRD,
or by the admission policy for what the operator's config decides (`buildless policy`).

| rule | told first | for example |
| --- | --- | --- |
"""
GIT = {"source": {"gitRepository": {"url": "u", "baseDir": " ", "reference": "main"}, "inline": None}}
LONG = [{"secretName": "s", "mountPath": f"/{n}/{'x' * 1000}"} for n in range(41)]
EXAMPLES: list[tuple[Manifest, Config]] = [
    *(({"spec": spec}, Config()) for spec, _, _ in BROKEN),
    ({"metadata": {"name": "9a"}, "spec": {}}, Config()),
    ({"spec": {"secretMounts": LONG}}, Config()),
    ({"spec": GIT}, Config()),
    (
        {"spec": {"runtimeImageOverride": "example.com/a"}},
        Config(allowed_image_overrides=("ghcr.io/acme/*",)),
    ),
    ({"spec": {"containerSecurityContext": {"privileged": True}}}, Config(allow_unrestricted_security_context=True)),
    ({"spec": {"podSecurityContext": {"runAsUser": 0}}}, Config(allow_unrestricted_security_context=True)),
]


def examples() -> dict[str, Violation]:
    """Return the first thing that each rule finds in the table of test_broken_specs.py."""
    first: dict[str, Violation] = {}
    for broken, config in EXAMPLES:
        parent = complete(broken | {"spec": {}})
        parent["spec"] = overlaid(parent["spec"], broken["spec"])
        for rule in RULES:
            for violation in rule.find(Function.model_validate(parent), config):
                first.setdefault(rule.name, violation)
    return first


def page() -> str:
    found = examples()
    rows = [f"| {rule.sentence} | {TOLD[rule.enforced_by]} | `{found[rule.name]}` |" for rule in RULES]
    return HEAD + "\n".join(rows) + "\n"


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.fields], ids=lambda rule: rule.name)
def test_a_rule_finds_nothing_without_its_fields(rule: Rule) -> None:
    """A rule is not called for a spec that has none of the fields that it names: they are all that it reads."""
    assert rule.fields <= set(FunctionSpec.model_fields)
    for broken, config in EXAMPLES:
        parent = complete(broken | {"spec": {}})
        parent["spec"] = overlaid(parent["spec"], broken["spec"])
        for name in rule.fields:
            parent["spec"].pop(FunctionSpec.model_fields[name].alias or name, None)
        assert list(rule.find(Function.model_validate(parent), config)) == []


def test_every_rule_has_an_example_and_a_sentence() -> None:
    """A rule without a row in test_broken_specs.py is a rule that nobody has seen at work."""
    assert {rule.name for rule in RULES} == set(examples())
    assert all(rule.sentence.endswith(".") and "\n" not in rule.sentence for rule in RULES)


@pytest.mark.parametrize(("file", "made"), [(PAGE, page), (POLICY, lambda: text(policies()))], ids=["docs", "policy"])
def test_made_files_are_up_to_date(file: Any, made: Any, request: pytest.FixtureRequest) -> None:
    """What is made from the rules is what stands in the repository: run with --bless, then read the difference."""
    if request.config.getoption("--bless"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made(), encoding="utf-8")
    assert file.read_text(encoding="utf-8") == made()


def test_the_parameters_are_joined_lists() -> None:
    """A template can make them of the same values: names sorted, images as they are given, every family there."""
    config = Config(
        runtimes={name: Config().runtimes["python312"] for name in ("zope", "ada")},
        minimum_resources={"memory": "32Mi", "cpu": "1000m"},
        allowed_image_overrides=("ghcr.io/z/*", "a:1"),
    )
    assert parameters(config, "here") == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "function-hook-admission", "namespace": "here"},
        "data": {
            "runtimes.nodejs": "",
            "runtimes.python": "ada,zope",
            "profiles": "L,M,S,XL,XS",
            "minimumResources": "cpu=1,memory=32Mi",
            "allowedImageOverrides": "ghcr.io/z/*,a:1",
            "allowUnrestrictedSecurityContext": "false",
        },
    }


def test_the_binding_points_at_the_parameters() -> None:
    """Wherever they are; in the committed manifests that is where the hook's Service is expected."""
    for namespace in (NAMESPACE, "here"):
        reference = policies(namespace)[1]["spec"]["paramRef"]
        metadata = parameters(Config(), namespace)["metadata"]
        assert {key: reference[key] for key in metadata} == metadata
    assert policies() == policies(NAMESPACE)
    assert f"function-hook.{NAMESPACE}.svc" in (ROOT / "compositecontroller.yaml").read_text(encoding="utf-8")


def test_the_policy_leaves_old_functions_alone() -> None:
    """Only a new spec is looked at, so that labels, finalizers and deletions are never in the way."""
    for each in policies()[::2]:
        conditions = each["spec"]["matchConditions"]
        assert [condition["name"] for condition in conditions] == ["spec-is-new", "stays"]


def test_naming_an_account_needs_no_parameters() -> None:
    """Who may run as an account is decided where the parameters are missing, too."""
    _, _, accounts, bound = policies()
    assert "paramKind" not in accounts["spec"]
    assert bound["spec"] == {"policyName": accounts["metadata"]["name"], "validationActions": ["Deny"]}
    assert "params" not in str(accounts)


def expressions(schema: Manifest, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the path, the expression and the message of all that a schema has the API server evaluate."""
    for found in schema.get("x-kubernetes-validations", ()):
        yield path or ".", " ".join(found["rule"].split()), found["message"]
    for name, inner in schema.get("properties", {}).items():
        yield from expressions(inner, f"{path}.{name}".removeprefix("."))
    for keyword in ("items", "additionalProperties"):
        if isinstance(inner := schema.get(keyword), dict):
            yield from expressions(inner, f"{path}[*]")


CEL = {(path, expression): message for path, expression, message in expressions(SCHEMA)}


def unenforced(rule: Rule) -> list[str]:
    """Return what a rule lacks where it says that it is enforced."""
    if rule.enforced_by == "cel":
        entries = [(path, cel.expression) for cel in rule.cel for path in cel.at]
        return [str(entry) for entry in entries if entry not in CEL] if entries else ["a CEL expression"]
    if rule.enforced_by == "schema":
        return [path for path in rule.schema if not keyword(path)] if rule.schema else ["a keyword of the schema"]
    return [] if (rule.enforced_by == "policy") == (rule.name in variables()) else ["a variable of the policy"]


def keyword(path: str) -> Any:
    """Return what stands at a path that ends with a keyword."""
    *fields, last = path.split(".")
    schema = SCHEMA
    for field in fields:
        schema = schema["properties"][field]
    return schema.get(last)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_enforced_where_it_says(rule: Rule) -> None:
    """Each expression is at its path in the CRD, each keyword in its schema, each variable in the policy."""
    assert unenforced(rule) == []
    assert bool(rule.cel) == (rule.enforced_by == "cel")
    assert bool(rule.schema) == (rule.enforced_by == "schema")


@pytest.mark.parametrize(
    "planted",
    [
        replace(RULES[0], enforced_by="cel", cel=()),
        replace(RULES[0], enforced_by="cel", cel=(Cel("self.size() == 1", ("spec.env",)),)),
        replace(RULES[0], enforced_by="schema", schema=()),
        replace(RULES[0], enforced_by="schema", schema=("spec.env.x-kubernetes-map-type",)),
        replace(RULES[0], enforced_by="policy"),
        replace(next(rule for rule in RULES if rule.enforced_by == "policy"), enforced_by="hook"),
    ],
    ids=["no CEL", "other CEL", "no keyword", "other keyword", "no variable", "forgotten variable"],
)
def test_a_rule_that_nothing_enforces_is_found(planted: Rule) -> None:
    """The test above fails for a rule without its counterpart in the CRD or the policy."""
    assert unenforced(planted)


def test_every_variable_of_the_policy_is_of_a_rule() -> None:
    """The policy has one variable for each rule that it enforces, and no other."""
    assert set(variables()) == {rule.name for rule in RULES if rule.enforced_by == "policy"}


def test_every_expression_of_the_crd_is_of_a_rule() -> None:
    """None is in the CRD alone; those of the status come with the types that it shares with the spec."""
    known = {(path, cel.expression) for rule in RULES for cel in rule.cel for path in cel.at}
    of_spec = {(path, expression) for path, expression in CEL if not path.startswith("status.")}
    assert known == of_spec
    assert {(path.replace("status.", "spec.", 1), expression) for path, expression in CEL} == of_spec


def test_the_crd_has_the_words_of_the_rules() -> None:
    """What a rule finds repeats the message of one of its expressions, but where it can say more."""
    found = examples()
    for rule in RULES:
        messages = {CEL[path, cel.expression] for cel in rule.cel for path in cel.at}
        assert not messages or any(message in str(found[rule.name]) for message in messages) or rule.name == "apart"

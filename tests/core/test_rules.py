"""The table of rules: the CRD and the policy enforce what each row says, and docs/rules.md lists every rule."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.broken_specs import examples
from support.cases import ROOT
from support.crd import CRD, SCHEMA

from hooks.admission import NAMESPACE, parameters, policies, settings_policy
from hooks.cli.policy import text
from hooks.config import Config
from hooks.function import Function, FunctionSpec
from hooks.rules import RULES, Rule
from hooks.rules.policy import PARTS
from hooks.rules.rule import FETCHED, Cel
from hooks.runtimes import FAMILIES

Manifest = dict[str, Any]

PAGE = ROOT / "docs" / "rules.md"
POLICY = ROOT / "chart" / "files" / "validatingadmissionpolicy.yaml"
REPORTED = {
    "schema": "at apply",
    "cel": "at apply",
    "policy": "at apply, by the admission policy",
    "hook": "in the status",
}
HEAD = """\
# Rules

The rules for a Function beyond the types and bounds of `crds/functions.yaml`. The hook checks all of them and reports
every violation in the Function's status. The CRD rejects most violations at `kubectl apply`, with the same message. The
admission policy does so for the rules that the operator's config decides (`buildless policy`).

| rule | first reported | example |
| --- | --- | --- |
"""
FIRST = {example.key: example for example in reversed(examples())}


def page() -> str:
    rows = [
        f"| {rule.sentence} | {REPORTED[rule.enforced_by]} | `{_shortened(FIRST[rule.name].error)}` |" for rule in RULES
    ]
    return HEAD + "\n".join(rows) + "\n"


def _shortened(error: str) -> str:
    return error if len(error) <= 300 else f"{error[:300]} ..."


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.reads], ids=lambda rule: rule.name)
def test_a_rule_reads_no_other_fields(rule: Rule) -> None:
    """A rule finds nothing in a spec without the fields in `reads`, since it is not called for such a spec."""
    assert rule.reads <= set(FunctionSpec.model_fields) | FETCHED
    for example in (*examples(rule.name), *FIRST.values()):
        parent = example.parent()
        for name in rule.reads - FETCHED:
            parent["spec"].pop(FunctionSpec.model_fields[name].alias or name, None)
        if rule.reads & FETCHED:
            parent["spec"]["source"] = {"inline": {"source": "x"}}
        assert list(rule.find(Function.model_validate(parent), example.config())) == []


def test_every_rule_has_a_name_and_a_sentence() -> None:
    """The name is the key of its examples, the sentence is its line in docs/rules.md."""
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert [rule.name for rule in RULES if not rule.sentence.endswith(".") or "\n" in rule.sentence] == []


@pytest.mark.parametrize(("file", "made"), [(PAGE, page), (POLICY, lambda: text(policies()))], ids=["docs", "policy"])
def test_generated_files_are_up_to_date(file: Any, made: Any, request: pytest.FixtureRequest) -> None:
    """The committed files are generated from the rules: run with --bless, then read the difference."""
    if request.config.getoption("--bless"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made(), encoding="utf-8")
    assert file.read_text(encoding="utf-8") == made()


def test_the_parameters_are_joined_lists() -> None:
    """The parameters have sorted names, images as given, and every family, as the Helm template writes them."""
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
            **{f"runtimes.{family}": "" for family in FAMILIES},
            "runtimes.python": "ada,zope",
            "profiles": "L,M,S,XL,XS",
            "minimumResources": "cpu=1,memory=32Mi",
            "allowedImageOverrides": "ghcr.io/z/*,a:1",
            "allowUnrestrictedSecurityContext": "false",
        },
    }


def test_the_binding_points_at_the_parameters() -> None:
    """The parameters are in the hook's namespace; in the committed manifests that is the namespace of its Service."""
    for namespace in (NAMESPACE, "here"):
        reference = policies(namespace)[1]["spec"]["paramRef"]
        metadata = parameters(Config(), namespace)["metadata"]
        assert {key: reference[key] for key in metadata} == metadata
    assert policies() == policies(NAMESPACE)
    assert f"function-hook.{NAMESPACE}.svc" in (ROOT / "compositecontroller.yaml").read_text(encoding="utf-8")


def test_the_policy_leaves_old_functions_alone() -> None:
    """The policy checks new specs only, so a stored Function can be labelled, finalized and deleted."""
    for each in policies()[::2]:
        conditions = each["spec"]["matchConditions"]
        assert [condition["name"] for condition in conditions] == ["spec-is-new", "not-being-deleted"]


def test_naming_an_account_needs_no_parameters() -> None:
    """The accounts policy holds without the parameters of the settings policy."""
    _, _, accounts, bound = policies()
    assert "paramKind" not in accounts["spec"]
    assert bound["spec"] == {"policyName": accounts["metadata"]["name"], "validationActions": ["Deny"]}
    assert "params" not in str(accounts)


def expressions(schema: Manifest, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the path, the expression and the message of each validation in a schema."""
    for found in schema.get("x-kubernetes-validations", ()):
        yield path or ".", " ".join(found["rule"].split()), found["message"]
    for name, inner in schema.get("properties", {}).items():
        yield from expressions(inner, f"{path}.{name}".removeprefix("."))
    for keyword in ("items", "additionalProperties"):
        if isinstance(inner := schema.get(keyword), dict):
            yield from expressions(inner, f"{path}[*]")


CEL = {(path, expression): message for path, expression, message in expressions(SCHEMA)}


def unenforced(rule: Rule) -> list[str]:
    """Return what is missing in the component that enforces a rule."""
    if rule.enforced_by == "cel":
        entries = [(path, cel.expression) for cel in rule.cel for path in cel.at]
        missing = [f"{path}: {expression}" for path, expression in entries if (path, expression) not in CEL]
        return missing if entries else ["a CEL expression"]
    if rule.enforced_by == "schema":
        return [path for path in rule.schema if not keyword(path)] if rule.schema else ["a keyword of the schema"]
    return [] if (rule.enforced_by == "policy") == bool(rule.policy) else ["an expression of the policy"]


def keys_without_value(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each null."""
    if value is None:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        yield from keys_without_value(inner, f"{path}.{key}")


def test_every_key_of_the_crd_has_a_value() -> None:
    """A comma in an unquoted text within braces would start a key without a value, which the API server rejects."""
    assert list(keys_without_value(CRD)) == []


def keyword(path: str) -> Any:
    """Return the value of a keyword of the schema at a path."""
    *fields, last = path.split(".")
    schema = SCHEMA
    for field in fields:
        schema = schema["properties"][field]
    return schema.get(last)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_enforced_where_it_says(rule: Rule) -> None:
    """Each expression is at its path in the CRD, each keyword in its schema; a policy rule has an expression."""
    assert unenforced(rule) == [], f"{rule.name} is enforced_by={rule.enforced_by!r}, but these are missing"
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
    ids=["no CEL", "other CEL", "no keyword", "other keyword", "no policy", "policy of a hook rule"],
)
def test_a_rule_that_nothing_enforces_is_found(planted: Rule) -> None:
    """The test above fails for a rule without its expression or keyword."""
    assert unenforced(planted)


def test_the_policy_reports_every_rule_that_it_enforces() -> None:
    """Each of these rules is a variable of the policy, and the message has the errors of all."""
    variables = {variable["name"]: variable["expression"] for variable in settings_policy()["spec"]["variables"]}
    enforced = [rule.name for rule in RULES if rule.enforced_by == "policy"]
    assert list(variables) == [*PARTS, *enforced, "found"]
    assert variables["found"] == " + ".join(f"variables.{name}" for name in enforced)


def test_every_expression_of_the_crd_is_of_a_rule() -> None:
    """No expression is in the CRD alone; the status has those of the types that it shares with the spec."""
    known = {(path, cel.expression) for rule in RULES for cel in rule.cel for path in cel.at}
    of_spec = {(path, expression) for path, expression in CEL if not path.startswith("status.")}
    assert known == of_spec
    assert {(path.replace("status.", "spec.", 1), expression) for path, expression in CEL} == of_spec


def test_the_crd_has_the_messages_of_the_rules() -> None:
    """Every error of a CEL rule contains the message of one of its expressions."""
    for rule in RULES:
        messages = {CEL[path, cel.expression] for cel in rule.cel for path in cel.at}
        for example in examples(rule.name) if messages else ():
            assert any(message in example.error for message in messages), (rule.name, example.error, messages)

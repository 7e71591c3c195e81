"""The YAML for users and Metacontroller agrees with the Python of the hook."""

import pkgutil
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from support.cases import ROOT, all_cases
from support.crd import SCHEMA, SPEC_PROPERTIES, VERSION, schema_leaves
from support.v2alpha1_schema import version
from typing_extensions import is_typeddict

from hooks import children
from hooks.app import create_app
from hooks.children import KINDS, Kind
from hooks.cli.function_v2alpha1 import FunctionSpec as FunctionSpecV2
from hooks.config import Config, load
from hooks.flux import API_VERSION, RESOURCES
from hooks.function import FunctionSpec
from hooks.naming import Identity, selector

Manifest = dict[str, Any]

CONTROLLER = yaml.safe_load((ROOT / "compositecontroller.yaml").read_text(encoding="utf-8"))["spec"]
GIT_OVERLAY = ROOT / "config" / "git"
ROLE = yaml.safe_load((ROOT / "metacontroller" / "clusterrole.yaml").read_text(encoding="utf-8"))
GIT_ROLE = next(yaml.safe_load_all((ROOT / "metacontroller" / "with-git.yaml").read_text(encoding="utf-8")))
CHILD_VERBS = ["get", "list", "watch", "create", "update", "delete"]
TYPES = {str: "string", int: "integer", bool: "boolean", list: "array", dict: "object"}


def model_leaves(model: Any, path: str = "spec") -> Iterator[tuple[str, FieldInfo, Any]]:
    """Yield every field of a model, however deep, with its path and its type without None."""
    for name, field in fields(model):
        here, kind = f"{path}.{field.alias or name}", plain(field.annotation)
        yield here, field, kind
        inner = plain(typing.get_args(kind)[0]) if typing.get_origin(kind) is list else kind
        if is_model(inner):
            yield from model_leaves(inner, here + ("[]" if inner is not kind else ""))


def fields(model: Any) -> Iterator[tuple[str, FieldInfo]]:
    if not is_typeddict(model):
        yield from model.model_fields.items()
        return
    for name, hint in typing.get_type_hints(model, include_extras=True).items():
        if typing.get_origin(hint) is typing.Required:
            yield name, FieldInfo.from_annotation(typing.get_args(hint)[0])
        else:
            yield name, FieldInfo.from_annotated_attribute(hint, None)


def is_model(kind: Any) -> bool:
    return is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, BaseModel))


def plain(annotation: Any) -> Any:
    """Return the type without `| None` and without its constraints."""
    if typing.get_origin(annotation) is typing.Annotated:
        return plain(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return plain(next(kind for kind in typing.get_args(annotation) if kind is not type(None)))
    return annotation


def constraints(annotation: Any, metadata: list[Any]) -> Manifest:
    """Return the bounds and pattern of a field, by the keywords of a schema."""
    found: Manifest = {}
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for kind in typing.get_args(annotation):
            found |= constraints(kind, [])
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *more = typing.get_args(annotation)
        found |= constraints(inner, [item for extra in more for item in getattr(extra, "metadata", [extra])])
    kind = plain(annotation)
    is_map = is_typeddict(kind) or typing.get_origin(kind) is dict
    suffix = "Properties" if is_map else "Items" if typing.get_origin(kind) is list else "Length"
    for attribute, key in (
        ("ge", "minimum"),
        ("le", "maximum"),
        ("min_length", f"min{suffix}"),
        ("max_length", f"max{suffix}"),
        ("pattern", "pattern"),
    ):
        for item in metadata:
            if getattr(item, attribute, None) is not None:
                found[key] = getattr(item, attribute)
    return found


V2_SPEC = version()["schema"]["openAPIV3Schema"]["properties"]["spec"]
VERSIONS = {"v1alpha2": (FunctionSpec, SCHEMA["properties"]["spec"]), "v2alpha1": (FunctionSpecV2, V2_SPEC)}
MODELLED = {name: {path: rest for path, *rest in model_leaves(model)} for name, (model, _) in VERSIONS.items()}
PROPERTIES = {name: dict(schema_leaves(schema)) for name, (_, schema) in VERSIONS.items()}
FIELDS = [("v1alpha2", path) for path in MODELLED["v1alpha2"]]
FIELDS += [("v2alpha1", path) for path in MODELLED["v2alpha1"] if path not in MODELLED["v1alpha2"]]
"""Test v2alpha1 where it is another: tests/core/test_v2alpha1_schema.py compares the rest."""


@pytest.mark.parametrize("name", VERSIONS)
def test_crd_and_models_have_the_same_fields(name: str) -> None:
    """Every property has a field and every field a property."""
    missing = set(MODELLED[name]) - set(PROPERTIES[name])
    assert not missing, f"the CRD lacks these fields of the models: {sorted(missing)}"
    extra = set(PROPERTIES[name]) - set(MODELLED[name])
    assert not extra, f"the models lack these properties of the CRD: {sorted(extra)}"


@pytest.mark.parametrize(("name", "path"), FIELDS)
def test_crd_and_models_agree(name: str, path: str) -> None:
    """Type, enum, default, bounds and pattern of a property equal its field's."""
    field, kind = MODELLED[name][path]
    schema, wanted = PROPERTIES[name][path], constraints(field.annotation, field.metadata)
    assert bounds(schema) == wanted, f"bounds of {path} differ"
    if typing.get_origin(kind) in (list, dict):
        below = schema["items"] if "items" in schema else schema["additionalProperties"]
        assert bounds(below) == constraints(typing.get_args(kind)[-1], []), f"bounds below {path} differ"
    if typing.get_origin(kind) is typing.Literal:
        assert schema["enum"] == list(typing.get_args(kind))
    else:
        wanted_type = "object" if is_model(kind) else TYPES[typing.get_origin(kind) or kind]
        is_quantity = schema.get("x-kubernetes-int-or-string", False)
        assert is_quantity or schema["type"] == wanted_type, f"type of {path} differs"
    default = None if field.is_required() else field.default
    assert schema.get("default") == default, f"default of {path} differs"


@pytest.mark.parametrize(("name", "path"), [*((name, "spec") for name in VERSIONS), *FIELDS])
def test_required_fields_agree(name: str, path: str) -> None:
    """A property is required where its field is."""
    schema, modelled = ({"spec": VERSIONS[name][1]} | PROPERTIES[name])[path], MODELLED[name]
    schema = schema.get("items", schema)
    below = [p for p in modelled if p.rpartition(".")[0].removesuffix("[]") == path]
    wanted = {p.rpartition(".")[2] for p in below if modelled[p][0].is_required()}
    assert not below or set(schema.get("required", [])) == wanted


def bounds(schema: Manifest) -> Manifest:
    keys = ("minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "maxItems")
    return {key: schema[key] for key in (*keys, "minProperties", "maxProperties") if key in schema}


def test_every_property_is_described_and_bounded() -> None:
    """Each property has a description, each list a list type and a bound, each string and integer a bound."""
    for path, schema in [*SPEC_PROPERTIES.items(), *schema_leaves(SCHEMA["properties"]["status"], "status")]:
        assert schema.get("description"), f"{path} has no description"
        kind = schema.get("type")
        if kind == "array":
            assert "x-kubernetes-list-type" in schema, f"{path} has no list type"
            assert "maxItems" in schema, f"{path} has no maxItems"
        if kind == "string" and "enum" not in schema:
            assert "maxLength" in schema, f"{path} has no maxLength"
        if kind == "integer":
            assert "minimum" in schema, f"{path} has no minimum"


def test_printer_columns_exist() -> None:
    """Each column shows a field of the CRD."""
    known = set(SPEC_PROPERTIES) | {path for path, _ in schema_leaves(SCHEMA["properties"]["status"], "status")}
    for column in VERSION["additionalPrinterColumns"]:
        path = column["jsonPath"].lstrip(".")
        assert path.startswith(("metadata.", "status.conditions[?(@.type==")) or path in known, column["name"]


def declared(*, git: bool) -> list[Manifest]:
    """Return the childResources for the rows of KINDS; those of Flux come last."""
    return [
        {"apiVersion": kind.api_version, "resource": kind.resource, "updateStrategy": {"method": "InPlace"}}
        for kind in sorted(KINDS.values(), key=lambda kind: kind.needs_git)
        if git or not kind.needs_git
    ]


def test_kinds_are_declared() -> None:
    """
    compositecontroller.yaml lists the rows of KINDS in their order, except those that need Flux.

    Metacontroller does not start with a kind that the cluster does not have. Each kind has InPlace, since
    Metacontroller's default never updates a child.
    """
    assert CONTROLLER["childResources"] == declared(git=False), (
        "compositecontroller.yaml and KINDS of hooks/children differ"
    )


@pytest.mark.parametrize(
    ("file", "git"), [(ROOT / "config" / "hook.yaml", False), (GIT_OVERLAY / "hook.yaml", True)], ids=["off", "on"]
)
def test_rendered_manifests_agree_on_git(file: Path, git: bool) -> None:
    """The chart declares the kinds of Flux, and calls customize, where the hook's config has git.enabled."""
    rendered = {each["kind"]: each for each in yaml.safe_load_all(file.read_text(encoding="utf-8"))}
    assert rendered["CompositeController"]["spec"]["childResources"] == declared(git=git), "make manifests"
    assert "customize" in rendered["CompositeController"]["spec"]["hooks"]
    assert yaml.safe_load(rendered["ConfigMap"]["data"]["config.yaml"])["git"]["enabled"] is git, "make manifests"


def test_the_git_component_replaces_what_differs() -> None:
    """The component has the objects of the plain manifests that differ with git.enabled, and one for Flux."""
    overlay = yaml.safe_load((GIT_OVERLAY / "kustomization.yaml").read_text(encoding="utf-8"))
    assert (overlay["kind"], overlay["resources"], overlay["patches"]) == (
        *("Component", ["networkpolicy.yaml"]),
        [{"path": "hook.yaml"}],
    )
    plain = {_identity(each): each for each in documents(ROOT / "config" / "hook.yaml")}
    patched = {_identity(each): each for each in documents(GIT_OVERLAY / "hook.yaml")}
    assert set(patched) <= set(plain)
    assert {kind for kind, _ in patched} == {"CompositeController", "ConfigMap", "Deployment"}
    (policy,) = documents(GIT_OVERLAY / "networkpolicy.yaml")
    (admitted,) = policy["spec"]["ingress"][0]["from"]
    assert admitted["podSelector"]["matchLabels"].items() <= selector(IDENTITY).items()


IDENTITY = Identity(name="hello", namespace="default", uid="u", labels={})


def documents(file: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def _identity(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_metacontroller_may_write_kind(kind: Kind) -> None:
    """Exactly one rule of clusterrole.yaml, or with-git.yaml, covers each kind, with the verbs for a child."""
    group, role = kind.api_version.rpartition("/")[0], GIT_ROLE if kind.needs_git else ROLE
    rules = [rule for rule in role["rules"] if group in rule["apiGroups"] and kind.resource in rule["resources"]]
    verbs = [rule["verbs"] for rule in rules]
    assert verbs == [CHILD_VERBS], f"{role['metadata']['name']} must grant {CHILD_VERBS} on {kind.resource} once"


def test_metacontroller_may_read_related_sources() -> None:
    """metacontroller/with-git.yaml covers every kind of spec.source.sourceRef, and nothing else."""
    granted = {resource: set(rule["verbs"]) for rule in GIT_ROLE["rules"] for resource in rule["resources"]}
    assert set(granted) == set(RESOURCES.values())
    assert all({"list", "watch"} <= verbs for verbs in granted.values())
    assert all(rule["apiGroups"] == [API_VERSION.partition("/")[0]] for rule in GIT_ROLE["rules"])
    kinds = SPEC_PROPERTIES["spec.source.sourceRef.kind"]["enum"]
    assert kinds == list(RESOURCES)


def test_metacontroller_may_write_nothing_else() -> None:
    """The role grants create and delete for no other resource, not even for a kind that was removed."""
    known = {(kind.api_version.rpartition("/")[0], kind.resource) for kind in KINDS.values()}
    for rule in ROLE["rules"] + GIT_ROLE["rules"]:
        if {"create", "delete"} <= set(rule["verbs"]):
            assert {(group, name) for group in rule["apiGroups"] for name in rule["resources"]} <= known


def test_kinds_have_modules_and_cases() -> None:
    """Each row of KINDS has a module of its name and a golden case with such a child, whose fields are in the row."""
    modules = {module.name.replace("_", "") for module in pkgutil.iter_modules(children.__path__)}
    assert modules == {name.lower() for name in KINDS}
    answers = [child for case in all_cases() for child in case.answer()["children"]]
    assert {(child["kind"], child["apiVersion"]) for child in answers} == {
        (kind.name, kind.api_version) for kind in KINDS.values()
    }
    for child in answers:
        assert set(child) <= {"apiVersion", "kind", "metadata", *KINDS[child["kind"]].fields}


def test_hooks_are_routes() -> None:
    """The routes are the paths of the hooks, the conversion webhook and the two probes."""
    paths = {"/" + hook["webhook"]["url"].split("/", 3)[3] for hook in CONTROLLER["hooks"].values()}
    routes = {rule.rule for rule in create_app(Config()).url_map.iter_rules()}
    assert routes - paths == {"/healthz", "/readyz", "/v1/convert"}
    assert paths <= routes


def test_kyma_images_are_complete() -> None:
    """The example config has a Kyma image for every runtime that can use one, and changes nothing else."""
    kyma = load(str(ROOT / "examples" / "config-kyma-images.yaml"))
    assert set(kyma.runtimes) == set(Config().runtimes) - {"python314"}
    assert all(image.image.startswith(f"function-runtime-{name}:") for name, image in kyma.runtimes.items())
    changed = {"registry", "runtimes"}
    assert kyma.model_dump(exclude=changed) == Config().model_dump(exclude=changed)

"""
The version v2alpha1 of the CRD, made from v1alpha2 in crds/functions.yaml and from the table of moved fields.

A moved property keeps its schema with all rules below it. Rules of the maps around it move to the map that has the
property in v2alpha1, with the paths of MOVED_PATHS replaced.
"""

from copy import deepcopy

import yaml
from support.cases import ROOT, Manifest
from support.crd import VERSION

from hooks.moved_fields import MOVED

FILE = ROOT / "chart" / "files" / "v2alpha1.yaml"
HEAD = '# The version v2alpha1 of the CRD. Generated: make test ARGS="tests/core/test_v2alpha1_schema.py --bless".\n'
MOVED_PATHS = (
    ("resourceConfiguration.function.resources", "resourceConfiguration"),
    ("self.source.contains", "self.inline.contains"),
)
"""Paths in expressions and fieldPaths of rules, and what replaces them."""
DESCRIPTIONS = {
    "inline": "The handler's source, unchanged. It defines main(event, context).",
    "dependencies": "With inline: the content of package.json (Node.js) or requirements.txt (Python).",
    "install": "CPU, memory and ephemeral storage of the init container that installs packages. "
    "Its requests are at most the Function's.",
    "resourceConfiguration": "CPU and memory: a profile, or requests and limits. "
    "If one of them is not set, it comes from the default profile.",
}
WITH_INLINE = {
    "rule": "!has(self.dependencies) || has(self.inline)",
    "reason": "FieldValueForbidden",
    "fieldPath": ".dependencies",
    "message": "may only be set with inline",
}
ONE_CHOICE = {
    "rule": "!has(self.profile) || (!has(self.requests) && !has(self.limits))",
    "message": "must not have both profile and requests or limits",
}


def version() -> Manifest:
    """Return the entry of spec.versions."""
    made: Manifest = deepcopy(VERSION) | {"name": "v2alpha1", "storage": False}
    root = made["schema"]["openAPIV3Schema"]
    spec = root["properties"]["spec"]
    schemas = {name: _leaves(spec, group.parent, dict(group.fields)) for name, group in MOVED.items() if group.fields}
    _source(spec["properties"]["source"], schemas["inline"])
    _resources(spec["properties"], schemas["function"] | schemas["build"])
    for name in {key for group in MOVED.values() for key in group.only}:
        del spec["properties"][name]
    spec["x-kubernetes-validations"] = [_renamed(rule) for rule in spec["x-kubernetes-validations"]]
    return made


def text() -> str:
    """Return the content of FILE."""
    return HEAD + yaml.dump(version(), Dumper=_NoAliases, sort_keys=False, width=1000, allow_unicode=True)


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - its signature in PyYAML
        return True


def _leaves(spec: Manifest, parent: str, paths: dict[str, str]) -> dict[str, Manifest]:
    """Return the schema of each moved field by its path in v2alpha1."""
    found = {}
    for before, after in paths.items():
        schema = spec["properties"][parent]
        for key in before.split("."):
            schema = schema["properties"][key]
        found[after] = schema
    return found


def _source(source: Manifest, leaves: dict[str, Manifest]) -> None:
    """Replace the map `inline` by its fields; a rule of the map holds where there is one."""
    rules = source["properties"].pop("inline")["x-kubernetes-validations"]
    lifted = [_renamed(rule) for rule in rules]
    for rule in lifted:
        if rule["fieldPath"] == ".source":
            rule |= {"rule": f"!has(self.inline) || {rule['rule']}", "fieldPath": ".inline"}
    source["x-kubernetes-validations"] += [WITH_INLINE, *lifted]
    described = {name: schema | {"description": DESCRIPTIONS[name]} for name, schema in leaves.items()}
    source["properties"] = described | source["properties"]


def _resources(properties: Manifest, leaves: dict[str, Manifest]) -> None:
    """Replace resourceConfiguration by one level, with the rules of requests and limits."""
    before = properties["resourceConfiguration"]["properties"]["function"]["properties"]["resources"]
    rules = before["x-kubernetes-validations"]
    install = {
        "type": "object",
        "description": DESCRIPTIONS["install"],
        "x-kubernetes-validations": rules,
        "properties": {name.partition(".")[2]: schema for name, schema in leaves.items() if "." in name},
    }
    properties["resourceConfiguration"] = {
        "type": "object",
        "description": DESCRIPTIONS["resourceConfiguration"],
        "x-kubernetes-validations": [ONE_CHOICE, *rules],
        "properties": {name: schema for name, schema in leaves.items() if "." not in name} | {"install": install},
    }


def _renamed(rule: Manifest) -> Manifest:
    """Return a rule with the paths of v2alpha1."""
    changed = dict(rule)
    for before, after in MOVED_PATHS:
        changed |= {key: changed[key].replace(before, after) for key in ("rule", "fieldPath") if key in changed}
    return changed

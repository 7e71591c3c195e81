"""Both ways to install Metacontroller grant the same permissions, and docs/metacontroller.md describes it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.cases import ROOT
from support.pod_security import faults

Manifest = dict[str, Any]

FOLDER = ROOT / "metacontroller"
PAGE = ROOT / "docs" / "metacontroller.md"
RULES = "| group | resources | verbs | purpose |\n| --- | --- | --- | --- |\n"
FLAGS = "| flag | why |\n| --- | --- |\n"


def read(name: str) -> Manifest:
    """Return the first object of a file."""
    found: Manifest = next(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))
    return found


VALUES, ROLE, PATCH = read("values.yaml"), read("clusterrole.yaml"), read("statefulset.yaml")
POD = PATCH["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


def described(file: Path) -> Iterator[tuple[str, Manifest]]:
    """Yield each rule of a ClusterRole with the comment above it."""
    text = file.read_text(encoding="utf-8")
    section = text.partition("\nrules:\n")[2].partition("\n---\n")[0]
    for part in re.split(r"^(?=#)", section, flags=re.MULTILINE)[1:]:
        comment, _, rule = part.partition("\n")
        ((found,),) = [yaml.safe_load(rule)]
        yield comment.removeprefix("# "), found


def rule_rows() -> str:
    """Return docs/metacontroller.md's table of rules."""
    rows = [
        each for name in ("clusterrole.yaml", "with-configs.yaml", "with-git.yaml") for each in described(FOLDER / name)
    ]
    lines = []
    for words, rule in rows:
        (group,) = rule["apiGroups"]
        named = f", only `{rule['resourceNames'][0]}`" if "resourceNames" in rule else ""
        cells = (f"`{group}`" if group else "core", ", ".join(rule["resources"]) + named, ", ".join(rule["verbs"]))
        lines.append("| " + " | ".join((*cells, words)) + " |\n")
    return RULES + "".join(lines)


def flag_rows() -> str:
    """Return docs/metacontroller.md's table of flags, from the comments behind them."""
    text = (FOLDER / "values.yaml").read_text(encoding="utf-8")
    found = re.findall(r"^- (--\S+) +# (.*)$", text, re.MULTILINE)
    return FLAGS + "".join(f"| `{flag}` | {why} |\n" for flag, why in found)


def test_every_rule_and_flag_has_its_reason() -> None:
    """Each rule and each flag has a comment with its purpose."""
    assert [rule for _, rule in described(FOLDER / "clusterrole.yaml")] == ROLE["rules"]
    assert flag_rows().count("| `--") == len(VALUES["commandArgs"])


@pytest.mark.parametrize(("head", "made"), [(RULES, rule_rows), (FLAGS, flag_rows)], ids=["rules", "flags"])
def test_page_lists_them(head: str, made: Any, request: pytest.FixtureRequest) -> None:
    """docs/metacontroller.md has a row for every rule and every flag: run with --bless, then read the diff."""
    text = PAGE.read_text(encoding="utf-8")
    before, found, after = text.partition(head)
    assert found, "docs/metacontroller.md has no such table"
    rows = after.partition("\n\n")[0] + "\n" if after.startswith("|") else ""
    if request.config.getoption("--bless"):
        PAGE.write_text(before + made() + after.removeprefix(rows), encoding="utf-8")
    else:
        assert head + rows == made(), "make test ARGS=--bless"


def test_values_have_the_rules_of_the_role(request: pytest.FixtureRequest) -> None:
    """The end of values.yaml is made from clusterrole.yaml: run with --bless, then read the diff."""
    file = FOLDER / "values.yaml"
    before, head, found = file.read_text(encoding="utf-8").partition("\nclusterRole:\n  rules:\n")
    rules = (FOLDER / "clusterrole.yaml").read_text(encoding="utf-8").partition("\nrules:\n")[2]
    made = "".join(f"  {line}\n" for line in rules.splitlines() if not line.startswith("#"))
    if request.config.getoption("--bless"):
        file.write_text(before + head + made, encoding="utf-8")
    else:
        assert found == made, "make test ARGS=--bless"


def test_both_ways_to_install_agree() -> None:
    """Chart values and patches of the plain manifests grant the same rules and run the same pods."""
    assert VALUES["clusterRole"]["rules"] == ROLE["rules"]
    assert VALUES["replicas"] == PATCH["spec"]["replicas"]
    assert (VALUES["podSecurityContext"], VALUES["affinity"]) == (POD["securityContext"], POD["affinity"])
    assert VALUES["commandArgs"] == CONTAINER["args"]
    assert {key: VALUES[key] for key in ("securityContext", "resources", "env")} == {
        key: CONTAINER[key] for key in ("securityContext", "resources", "env")
    }
    budget = read("poddisruptionbudget.yaml")["spec"]
    assert VALUES["podDisruptionBudget"] == {key: budget[key] for key in ("maxUnavailable",)}


def test_pods_are_restricted() -> None:
    """Metacontroller runs in a namespace that enforces Pod Security "restricted"."""
    image = {"image": "ghcr.io/metacontroller/metacontroller"}
    assert list(faults(POD | {"containers": [CONTAINER | image]})) == []


def test_names_agree() -> None:
    """Release, account, patches and the hook's NetworkPolicy name the same Metacontroller."""
    subjects = []
    for name in ("with-configs.yaml", "with-git.yaml"):
        role, binding = yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8"))
        assert binding["roleRef"]["name"] == role["metadata"]["name"] == binding["metadata"]["name"]
        subjects += binding["subjects"]
    names = {each["metadata"]["name"] for each in (ROLE, PATCH, read("poddisruptionbudget.yaml"))}
    assert names | {subject["name"] for subject in subjects} == {VALUES["fullnameOverride"]}
    chart = yaml.safe_load((ROOT / "chart" / "values.yaml").read_text(encoding="utf-8"))["metacontroller"]
    namespaces = {PATCH["metadata"]["namespace"], *(subject["namespace"] for subject in subjects)}
    assert namespaces == {chart["namespace"]}
    (term,) = VALUES["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    (ours,), (theirs,) = term["podAffinityTerm"]["labelSelector"].values(), chart["podSelector"].values()
    assert set(ours[0]["values"]) == set(theirs[0]["values"])
